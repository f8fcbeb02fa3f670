select
  backtest_result_id,
  multiple,
  exact,
  total_fees,
  ending_value,
  total_return,
  annual_return,
  winning_trades,
  profit_factor
from {{ source('desk', 'result_costs') }}
