with halts as (
  select * from {{ ref('stg_halts') }}
),

sessions as (
  select * from {{ ref('stg_trading_sessions') }}
)

-- What was set for an account, or for all, holds for each of its sessions.
select
  sessions.trading_session_id,
  coalesce(halts.set_day, desk.trading_day(halts.set_at, sessions.timeframe, sessions.zone)) as day,
  array_agg(distinct halts.rule order by halts.rule) as levels
from halts
inner join sessions
  on sessions.account_id is not null
  and (halts.account_id is null or halts.account_id = sessions.account_id)
  and (halts.trading_session_id is null or halts.trading_session_id = sessions.trading_session_id)
group by 1, 2
