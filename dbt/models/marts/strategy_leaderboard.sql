with strategies as (
  select * from {{ ref('stg_strategies') }}
),

results as (
  select * from {{ ref('int_board_results') }}
),

trials as (
  select * from {{ ref('int_strategy_trials') }}
),

-- One short walk down an index for each strategy, however many results it has.
best as (
  select
    found.*,
    trials.trials
  from strategies
  cross join lateral (
    select *
    from results
    where results.strategy_id = strategies.strategy_id
    order by results.passed desc, results.sharpe_ratio desc nulls last, results.backtest_result_id
    limit 1
  ) as found
  left join trials on trials.strategy_id = strategies.strategy_id
),

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
  from best
)

select * from final
order by rank
