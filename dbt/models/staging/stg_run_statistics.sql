select
  optimization_run_id,
  strategy_id,
  trials,
  family_trials,
  effective_trials,
  family_correlation,
  correlation_from,
  correlation_error,
  expected_maximum,
  trial_variance,
  pbo,
  loss_probability,
  degradation_slope,
  stale,
  error,
  judged_at
from {{ source('desk', 'run_statistics') }}
