with results as (
  select * from {{ ref('int_board_results') }}
),

trials as (
  select * from {{ ref('int_strategy_trials') }}
),

counted as (
  select
    results.*,
    trials.trials
  from results
  left join trials on trials.strategy_id = results.strategy_id
),

-- Ranked in the order of an index, so that the first rows are found without sorting the rest.
final as (
  select
    row_number() over (order by passed desc, sharpe_ratio desc nulls last, backtest_result_id) as rank,
    strategy,
    status,
    symbols,
    start_date,
    end_date,
    timeframe,
    engine,
    parameters,
    passed,
    sharpe_ratio,
    annual_return,
    total_return,
    max_drawdown,
    trades,
    win_rate,
    profit_factor,
    fee_pct,
    trials,
    finished_at,
    backtest_result_id,
    optimization_run_id,
    rejection_reasons
  from counted
)

select * from final
