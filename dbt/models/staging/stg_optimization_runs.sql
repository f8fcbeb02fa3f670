with source as (
  select * from {{ source('desk', 'optimization_runs') }}
),

final as (
  select
    id as optimization_run_id,
    strategy_id,
    job_id,
    parent_run_id,
    role,
    config_file,
    optimization_type,
    target_metric,
    target_direction,
    status,
    paused,
    imported,
    priority,
    run_after,
    symbols,
    timeframe,
    start_date,
    end_date,
    cash,
    engine,
    generation,
    code_version_id,
    flags,
    summary,
    error,
    created_at,
    started_at,
    closed_at,
    revised_at
  from source
)

select * from final
