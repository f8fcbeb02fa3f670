select
  optimization_run_id,
  strategy_id,
  trials,
  family_trials,
  effective_trials,
  trial_variance,
  pbo,
  loss_probability,
  degradation_slope,
  stale,
  error,
  judged_at
from {{ source('desk', 'run_statistics') }}
