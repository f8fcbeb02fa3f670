select
  id as job_id,
  kind,
  strategy,
  config_file,
  priority,
  run_after,
  state,
  is_open,
  summary,
  error,
  created_by,
  created_at,
  started_at,
  finished_at,
  desk.job_advice(id) as advice
from {{ source('desk', 'jobs') }}
