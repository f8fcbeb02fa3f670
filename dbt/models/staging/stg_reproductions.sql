select
  id as reproduction_id,
  backtest_result_id,
  verdict,
  differences,
  platform,
  reproduced_by,
  reproduced_at
from {{ source('desk', 'reproductions') }}
