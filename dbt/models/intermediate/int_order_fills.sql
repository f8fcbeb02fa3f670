with orders as (
  select * from {{ ref('stg_broker_orders') }}
  where state <> 'refused'
),

fills as (
  select
    order_id,
    min(executed_at) as first_fill_at,
    sum(commission) as fees
  from {{ ref('stg_executions') }}
  where order_id is not null
  group by order_id
),

sessions as (
  select * from {{ ref('stg_trading_sessions') }}
),

order_types as (
  select * from {{ ref('stg_order_types') }}
)

select
  orders.order_id,
  orders.trading_session_id,
  orders.symbol,
  orders.type,
  orders.filled,
  orders.filled_value,
  -- What is paid above the decision price, or received below it: a cost is positive, for a purchase and a sale.
  sign(orders.quantity) * (orders.filled_value - orders.filled * orders.decision_price) as slippage_cost,
  orders.filled * orders.decision_price as decision_value,
  -- A backtest slips no order beyond its limit price.
  case when order_types.has_limit then 0 else sessions.slippage end as assumed_slippage,
  fills.fees,
  case when jsonb_typeof(sessions.commission) = 'number'
    then sessions.commission::text::double precision * orders.filled_value
  end as assumed_fees,
  -- In a replay the time of a fill is its bar's.
  case when sessions.clock = 'wall' then extract(epoch from fills.first_fill_at - orders.decided_at)
  end::double precision as seconds_to_fill
from orders
inner join sessions on sessions.trading_session_id = orders.trading_session_id
inner join order_types on order_types.type = orders.type
left join fills on fills.order_id = orders.order_id
