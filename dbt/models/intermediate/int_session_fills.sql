with fills as (
  select * from {{ ref('stg_executions') }}
),

sessions as (
  select * from {{ ref('stg_trading_sessions') }}
)

select
  fills.trading_session_id,
  desk.trading_day(fills.executed_at, sessions.timeframe, sessions.zone) as day,
  count(*) filter (where fills.quantity <> 0) as fills,
  coalesce(sum(abs(fills.quantity * fills.price)), 0) as traded_value,
  coalesce(sum(fills.commission), 0) as fees
from fills
inner join sessions on sessions.trading_session_id = fills.trading_session_id
group by 1, 2
