select
  id as account_id,
  name as account,
  kind,
  currency
from {{ source('desk', 'accounts') }}
