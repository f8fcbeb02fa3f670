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
  stopped_at,
  files_error
from {{ source('desk', 'runner_status') }}
