with runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

progress as (
  select * from {{ ref('stg_run_progress') }}
),

strategies as (
  select * from {{ ref('stg_strategies') }}
),

results as (
  select * from {{ ref('stg_backtest_results') }}
),

final as (
  select
    runs.optimization_run_id,
    runs.job_id,
    strategies.name as strategy,
    runs.config_file,
    runs.optimization_type,
    runs.role,
    runs.status,
    runs.symbols,
    runs.start_date,
    runs.end_date,
    runs.timeframe,
    runs.engine,
    runs.target_metric,
    runs.target_direction,
    progress.total,
    progress.finished,
    progress.failed,
    progress.passed,
    round(100.0 * (progress.finished + progress.failed) / nullif(progress.total, 0), 1)::numeric(6, 1) as percent,
    progress.best_value,
    progress.best_result_id,
    best.parameters as best_parameters,
    best.sharpe_ratio as best_result_sharpe,
    progress.results_seconds / nullif(progress.finished, 0) as seconds_per_backtest,
    runs.flags,
    runs.summary,
    runs.error,
    runs.created_at,
    runs.started_at,
    runs.closed_at,
    runs.revised_at
  from runs
  inner join strategies on strategies.strategy_id = runs.strategy_id
  left join progress on progress.optimization_run_id = runs.optimization_run_id
  left join results as best on best.backtest_result_id = progress.best_result_id
)

select * from final
