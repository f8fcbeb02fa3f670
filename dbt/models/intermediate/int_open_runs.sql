with runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

progress as (
  select * from {{ ref('stg_run_progress') }}
),

items as (
  select * from {{ ref('stg_work_items') }}
),

runners as (
  select * from {{ ref('stg_runner_status') }}
),

runner_code as (
  select * from {{ ref('stg_runner_code') }}
),

run_versions as (
  select * from {{ ref('stg_run_versions') }}
),

code_versions as (
  select * from {{ ref('stg_code_versions') }}
),

strategies as (
  select * from {{ ref('stg_strategies') }}
),

leased as (
  select
    optimization_run_id,
    min(leased_at) as oldest_lease,
    sum(last_ordinal - first_ordinal + 1 - (
      select coalesce(sum(upper(piece) - lower(piece)), 0)
      from unnest(settled) as u (piece)
    ))::bigint as running_points
  from items
  where state = 'leased'
    and kind = 'points'
  group by optimization_run_id
),

able as (
  select distinct
    runner_code.code_version_id,
    runners.files_error is null as begins_runs,
    unnest(runners.engines) as engine
  from runners
  inner join runner_code on runner_code.runner_id = runners.runner_id
  where runners.alive
),

final as (
  select
    runs.optimization_run_id,
    runs.job_id,
    strategies.name as strategy,
    runs.engine,
    left(code_versions.code_hash, 12) as code_version,
    run_versions.pinned,
    runs.paused,
    runs.run_after > {{ desk_now() }} as postponed,
    runs.run_after,
    greatest(runs.created_at, runs.run_after) as waiting_since,
    coalesce(leased.running_points, 0) as running_points,
    greatest(
      progress.total - progress.finished - progress.failed - coalesce(leased.running_points, 0), 0
    ) as waiting_points,
    leased.oldest_lease,
    exists (
      select
      from able
      where able.code_version_id = run_versions.code_version_id
        and able.engine = runs.engine
        and (run_versions.pinned or able.begins_runs)
    ) as has_runner
  from runs
  inner join progress on progress.optimization_run_id = runs.optimization_run_id
  inner join strategies on strategies.strategy_id = runs.strategy_id
  inner join run_versions on run_versions.optimization_run_id = runs.optimization_run_id
  left join code_versions on code_versions.code_version_id = run_versions.code_version_id
  left join leased on leased.optimization_run_id = runs.optimization_run_id
  where runs.is_open
    and not runs.imported
)

select * from final
