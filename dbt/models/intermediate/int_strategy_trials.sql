with runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

progress as (
  select * from {{ ref('stg_run_progress') }}
),

final as (
  -- From the runs' counters, because counting a million results takes too long for a board.
  select
    runs.strategy_id,
    sum(progress.finished)::bigint as trials
  from runs
  inner join progress on progress.optimization_run_id = runs.optimization_run_id
  where runs.role <> 'pilot'
  group by runs.strategy_id
)

select * from final
