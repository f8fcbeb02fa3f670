select
  session_id as trading_session_id,
  seq,
  bar_time,
  limit_name,
  severity,
  message,
  observed,
  threshold,
  symbol
from {{ source('desk', 'risk_events') }}
