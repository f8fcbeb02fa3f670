select
  name as type,
  has_limit
from {{ source('desk', 'order_types') }}
