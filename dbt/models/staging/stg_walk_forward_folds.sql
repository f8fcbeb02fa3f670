select
  optimization_run_id,
  fold,
  in_sample_start,
  in_sample_end,
  out_of_sample_start,
  out_of_sample_end,
  state,
  chosen_result_id,
  out_of_sample_result_id,
  efficiency
from {{ source('desk', 'walk_forward_folds') }}
