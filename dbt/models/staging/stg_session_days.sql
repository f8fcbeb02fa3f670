select
  trading_session_id,
  day,
  start_value,
  end_value,
  low_value,
  high_value
from {{ source('desk', 'session_days') }}
