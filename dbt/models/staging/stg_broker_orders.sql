select
  id as order_id,
  trading_session_id,
  account_id,
  symbol,
  quantity,
  type,
  state,
  rule,
  reason,
  observed,
  threshold,
  times_refused,
  nullif(decision_bar, '-infinity') as decision_bar,
  decision_price,
  filled,
  filled_value,
  decided_at
from {{ source('desk', 'broker_orders') }}
