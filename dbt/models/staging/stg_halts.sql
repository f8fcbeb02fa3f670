select
  id as halt_id,
  account_id,
  trading_session_id,
  level,
  rule,
  reason,
  observed,
  threshold,
  set_day,
  set_at,
  lifted_at
from {{ source('desk', 'halts') }}
