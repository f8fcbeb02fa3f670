select
  optimization_run_id,
  code_version_id,
  pinned
from {{ source('desk', 'run_versions') }}
