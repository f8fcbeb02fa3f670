select
  id as runner_id,
  host,
  pid,
  version,
  engines,
  processes,
  alive,
  heartbeat_age,
  started_at,
  stopped_at
from {{ source('desk', 'runner_status') }}
