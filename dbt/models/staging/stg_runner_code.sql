select
  runner_id,
  code_version_id
from {{ source('desk', 'runner_code') }}
