select
  backtest_result_id,
  optimization_run_id,
  search_run_id,
  job_id,
  strategy_id,
  kind,
  repeated,
  copied,
  outcome,
  passed,
  sharpe_ratio,
  created_at,
  tried,
  judged
from {{ source('desk', 'trials') }}
