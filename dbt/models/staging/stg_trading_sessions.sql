select
  id as trading_session_id,
  kind,
  state,
  strategy_id,
  account_id,
  backtest_result_id,
  timeframe,
  zone,
  clock,
  capital,
  slippage,
  commission
from {{ source('desk', 'trading_sessions') }}
