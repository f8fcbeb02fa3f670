select
  optimization_run_id,
  quarter,
  finished,
  failed,
  passed,
  best_sharpe,
  best_passed_sharpe
from {{ source('desk', 'run_tallies') }}
