with strategies as (
  select * from {{ ref('stg_strategies') }}
),

results as (
  select * from {{ ref('int_board_results') }}
),

runs as (
  select * from {{ ref('stg_optimization_runs') }}
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

-- One short walk down an index for each strategy, however many results it has.
best as (
  select found.*
  from strategies
  cross join lateral (
    select *
    from results
    where results.strategy_id = strategies.strategy_id
    order by results.deflated_sharpe_z desc nulls last, results.passed desc, results.sharpe_ratio desc nulls last,
      results.backtest_result_id
    limit 1
  ) as found
),

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
      where statistics.optimization_run_id = best.optimization_run_id
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
    (
      select folds.out_of_sample_efficiency
      from folds
      where folds.optimization_run_id = (
        select max(runs.optimization_run_id)
        from runs
        where runs.strategy_id = best.strategy_id
          and runs.optimization_type = 'Walk-Forward'
          and runs.status = 'completed'
      )
    ) as out_of_sample_efficiency,
    (
      select reproductions.verdict
      from reproductions
      where reproductions.backtest_result_id = best.backtest_result_id
      order by reproductions.reproduction_id desc
      limit 1
    ) as reproduced,
    finished_at,
    backtest_result_id,
    optimization_run_id,
    rejection_reasons
  from best
)

select * from final
order by rank
