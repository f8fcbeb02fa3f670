select
  optimization_run_id,
  efficiency as out_of_sample_efficiency
from {{ source('desk', 'walk_forward_efficiency') }}
