select
  results.strategy_id,
  strategies.name as strategy,
  strategies.status,
  runs.symbols,
  runs.start_date,
  runs.end_date,
  runs.timeframe,
  coalesce(results.engine, runs.engine, strategies.engine) as engine,
  runs.optimization_type,
  results.parameters,
  results.passed,
  results.deflated_sharpe_z,
  results.deflated_sharpe,
  results.sharpe_ratio,
  results.pbo,
  results.annual_return,
  results.excess_return,
  results.total_return,
  results.max_drawdown,
  results.total_trades as trades,
  results.win_rate,
  results.profit_factor,
  results.fee_pct,
  results.fee_share_of_profit,
  results.break_even_fee,
  results.created_at as finished_at,
  results.backtest_result_id,
  results.optimization_run_id,
  results.rejection_reasons
from {{ ref('stg_backtest_results') }} as results
inner join {{ ref('stg_optimization_runs') }} as runs on runs.optimization_run_id = results.optimization_run_id
inner join {{ ref('stg_strategies') }} as strategies on strategies.strategy_id = results.strategy_id
where results.ranked
