with results as (
  select * from {{ ref('int_board_results') }}
),

statistics as (
  select * from {{ ref('stg_run_statistics') }}
),

folds as (
  select * from {{ ref('int_fold_efficiency') }}
),

reproductions as (
  select * from {{ ref('stg_reproductions') }}
),

-- Ranked in the order of an index, so that the first rows are found without sorting the rest.
final as (
  select
    row_number() over (
      order by deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, backtest_result_id
    ) as rank,
    strategy,
    status,
    symbols,
    start_date,
    end_date,
    timeframe,
    engine,
    parameters,
    passed,
    deflated_sharpe_z,
    deflated_sharpe,
    sharpe_ratio,
    pbo,
    (
      select statistics.family_trials
      from statistics
      where statistics.optimization_run_id = results.optimization_run_id
    ) as trials,
    annual_return,
    excess_return,
    total_return,
    max_drawdown,
    trades,
    win_rate,
    profit_factor,
    fee_pct,
    fee_share_of_profit,
    case when optimization_type = 'Walk-Forward' then (
      select folds.out_of_sample_efficiency
      from folds
      where folds.optimization_run_id = results.optimization_run_id
    ) end as out_of_sample_efficiency,
    (
      select reproductions.verdict
      from reproductions
      where reproductions.backtest_result_id = results.backtest_result_id
      order by reproductions.reproduction_id desc
      limit 1
    ) as reproduced,
    finished_at,
    backtest_result_id,
    optimization_run_id,
    rejection_reasons
  from results
)

select * from final
