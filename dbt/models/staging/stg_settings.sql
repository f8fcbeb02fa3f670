select
  name,
  value,
  description
from {{ source('desk', 'settings') }}
