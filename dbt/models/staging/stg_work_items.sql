select
  id as work_item_id,
  optimization_run_id,
  job_id,
  kind,
  first_ordinal,
  last_ordinal,
  settled,
  state,
  attempt,
  run_after,
  runner_id,
  leased_at,
  lease_until,
  last_error,
  created_at
from {{ source('desk', 'work_items') }}
