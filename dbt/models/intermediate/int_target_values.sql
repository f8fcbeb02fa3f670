select
  points.backtest_result_id,
  runs.id as optimization_run_id,
  points.ordinal,
  points.parameters,
  points.outcome,
  points.passed,
  runs.target_metric,
  runs.target_direction,
  points.target_value
from {{ source('desk', 'optimization_runs') }} as runs
cross join lateral desk.target_values(runs.id) as points
