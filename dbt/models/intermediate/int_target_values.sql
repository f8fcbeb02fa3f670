select
  results.id as backtest_result_id,
  results.optimization_run_id,
  results.ordinal,
  results.parameters,
  results.outcome,
  results.passed,
  runs.target_metric,
  runs.target_direction,
  (to_jsonb(results) ->> runs.target_metric)::double precision as target_value
from {{ source('desk', 'backtest_results') }} as results
inner join {{ source('desk', 'optimization_runs') }} as runs on runs.id = results.optimization_run_id
