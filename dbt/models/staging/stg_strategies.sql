select
  id as strategy_id,
  code,
  name,
  title,
  hypothesis,
  engine,
  priority,
  status,
  reason,
  tags,
  created_at,
  updated_at
from {{ source('desk', 'strategies') }}
