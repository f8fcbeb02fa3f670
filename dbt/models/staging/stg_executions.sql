select
  id as execution_id,
  order_id,
  trading_session_id,
  symbol,
  quantity,
  price,
  commission,
  executed_at
from {{ source('desk', 'newest_executions') }}
