with folds as (
  select * from {{ ref('walk_forward_fold_summary') }}
),

runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

results as (
  select * from {{ ref('stg_backtest_results') }}
),

efficiencies as (
  select * from {{ ref('int_fold_efficiency') }}
),

counted as (
  select
    optimization_run_id,
    strategy,
    count(*) as folds,
    count(*) filter (where state in ('done', 'cash')) as folds_over,
    count(*) filter (where state = 'cash') as folds_in_cash,
    count(*) filter (where profitable) as folds_profitable,
    min(out_of_sample_start) as first_test,
    max(out_of_sample_end) as last_test_end,
    avg(in_sample_annual_return) filter (where state = 'done') as in_sample_annual_return,
    avg(out_of_sample_annual_return) as out_of_sample_annual_return,
    avg(in_sample_sharpe) filter (where state = 'done') as in_sample_sharpe,
    avg(out_of_sample_sharpe) as out_of_sample_sharpe,
    avg(sharpe_degradation) as sharpe_degradation,
    avg(return_degradation) as return_degradation,
    avg(drawdown_degradation) as drawdown_degradation,
    avg(parameter_drift) as parameter_drift,
    count(distinct chosen_parameters) as distinct_choices
  from folds
  group by optimization_run_id, strategy
),

final as (
  select
    counted.optimization_run_id,
    counted.strategy,
    runs.config_file,
    runs.symbols,
    runs.status,
    counted.folds,
    counted.folds_over,
    counted.folds_in_cash,
    counted.folds_profitable,
    counted.folds_profitable::float8 / nullif(counted.folds_over, 0) as share_profitable,
    counted.first_test,
    counted.last_test_end,
    counted.in_sample_annual_return,
    counted.out_of_sample_annual_return,
    efficiencies.out_of_sample_efficiency as efficiency,
    counted.in_sample_sharpe,
    counted.out_of_sample_sharpe,
    counted.sharpe_degradation,
    counted.return_degradation,
    counted.drawdown_degradation,
    counted.parameter_drift,
    counted.distinct_choices,
    stitched.backtest_result_id as stitched_result_id,
    stitched.passed,
    stitched.rejection_reasons,
    stitched.total_return as stitched_return,
    stitched.annual_return as stitched_annual_return,
    stitched.sharpe_ratio as stitched_sharpe,
    stitched.max_drawdown as stitched_drawdown,
    stitched.total_trades as stitched_trades,
    stitched.fee_pct as stitched_fee_pct,
    runs.summary
  from counted
  inner join runs on runs.optimization_run_id = counted.optimization_run_id
  left join efficiencies on efficiencies.optimization_run_id = counted.optimization_run_id
  left join results as stitched on stitched.optimization_run_id = counted.optimization_run_id
)

select * from final
