with folds as (
  select * from {{ ref('stg_walk_forward_folds') }}
),

runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

strategies as (
  select * from {{ ref('stg_strategies') }}
),

-- Read twice, which would make PostgreSQL write all results to a temporary file before it looks for a few.
results as not materialized (
  select * from {{ ref('stg_backtest_results') }}
),

joined as (
  select
    folds.optimization_run_id,
    strategies.name as strategy,
    folds.fold,
    folds.state,
    folds.in_sample_start,
    folds.in_sample_end,
    folds.out_of_sample_start,
    folds.out_of_sample_end,
    chosen.parameters as chosen_parameters,
    lag(chosen.parameters) over (
      partition by folds.optimization_run_id, chosen.parameters is null order by folds.fold
    ) as parameters_before,
    folds.chosen_result_id,
    folds.out_of_sample_result_id,
    chosen.annual_return as in_sample_annual_return,
    tested.annual_return as out_of_sample_annual_return,
    tested.total_return as out_of_sample_return,
    chosen.sharpe_ratio as in_sample_sharpe,
    tested.sharpe_ratio as out_of_sample_sharpe,
    chosen.max_drawdown as in_sample_drawdown,
    tested.max_drawdown as out_of_sample_drawdown,
    chosen.total_trades as in_sample_trades,
    tested.total_trades as out_of_sample_trades,
    folds.efficiency
  from folds
  inner join runs on runs.optimization_run_id = folds.optimization_run_id
  inner join strategies on strategies.strategy_id = runs.strategy_id
  left join results as chosen on chosen.backtest_result_id = folds.chosen_result_id
  left join results as tested on tested.backtest_result_id = folds.out_of_sample_result_id
),

final as (
  select
    optimization_run_id,
    strategy,
    fold,
    state,
    in_sample_start,
    in_sample_end,
    out_of_sample_start,
    out_of_sample_end,
    chosen_result_id,
    out_of_sample_result_id,
    chosen_parameters,
    case when parameters_before is not null then (
      select
        count(*) filter (where now_given.value is distinct from parameters_before -> now_given.key)::float8 / count(*)
      from jsonb_each(chosen_parameters) as now_given (key, value)
    ) end as parameter_drift,
    in_sample_annual_return,
    out_of_sample_annual_return,
    out_of_sample_return,
    case state when 'cash' then false else out_of_sample_return > 0 end as profitable,
    efficiency,
    in_sample_sharpe,
    out_of_sample_sharpe,
    in_sample_sharpe - out_of_sample_sharpe as sharpe_degradation,
    in_sample_annual_return - out_of_sample_annual_return as return_degradation,
    in_sample_drawdown,
    out_of_sample_drawdown,
    out_of_sample_drawdown - in_sample_drawdown as drawdown_degradation,
    in_sample_trades,
    out_of_sample_trades
  from joined
)

select * from final
