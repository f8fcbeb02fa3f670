select
  id as code_version_id,
  strategy_id,
  code_hash,
  registered_at
from {{ source('desk', 'code_versions') }}
