with orders as (
  select * from {{ ref('stg_broker_orders') }}
),

sessions as (
  select * from {{ ref('stg_trading_sessions') }}
)

select
  orders.trading_session_id,
  desk.trading_day(coalesce(orders.decision_bar, orders.decided_at), sessions.timeframe, sessions.zone) as day,
  count(*) filter (where orders.state <> 'refused') as orders_allowed,
  coalesce(sum(orders.times_refused), 0)::bigint as orders_refused
from orders
inner join sessions on sessions.trading_session_id = orders.trading_session_id
group by 1, 2
