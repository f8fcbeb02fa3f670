select
  optimization_run_id,
  total,
  finished,
  failed,
  passed,
  results_seconds,
  best_value,
  best_result_id,
  updated_at
from {{ source('desk', 'run_progress') }}
