with tallies as (
  select * from {{ ref('stg_run_tallies') }}
),

runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

settings as (
  select * from {{ ref('stg_settings') }}
),

time_zone as (
  select coalesce(max(value #>> '{}'), 'UTC') as name
  from settings
  where name = 'time_zone'
),

-- From tallies a quarter of an hour, because counting a million results takes too long for a board.
backtests as (
  select
    (tallies.quarter at time zone time_zone.name)::date as day,
    sum(tallies.finished)::bigint as backtests_finished,
    sum(tallies.failed)::bigint as backtests_failed,
    sum(tallies.passed)::bigint as backtests_passed,
    max(tallies.best_sharpe) as best_sharpe,
    max(tallies.best_passed_sharpe) as best_passed_sharpe,
    count(distinct runs.strategy_id) as strategies_tried
  from tallies
  inner join runs on runs.optimization_run_id = tallies.optimization_run_id
  cross join time_zone
  group by 1
),

closed as (
  select
    (runs.closed_at at time zone time_zone.name)::date as day,
    count(*) as runs_closed
  from runs
  cross join time_zone
  where runs.closed_at is not null
    and runs.role = 'search'
  group by 1
),

days as (
  select
    day,
    coalesce(closed.runs_closed, 0) as runs_closed,
    coalesce(backtests.backtests_finished, 0) as backtests_finished,
    coalesce(backtests.backtests_failed, 0) as backtests_failed,
    coalesce(backtests.backtests_passed, 0) as backtests_passed,
    backtests.best_sharpe,
    backtests.best_passed_sharpe,
    coalesce(backtests.strategies_tried, 0) as strategies_tried
  from backtests
  full join closed using (day)
),

final as (
  select
    day,
    runs_closed,
    backtests_finished,
    backtests_failed,
    backtests_passed,
    best_sharpe,
    best_passed_sharpe,
    strategies_tried,
    sum(backtests_finished) over (partition by date_trunc('week', day::timestamp))::bigint as week_variations,
    desk.summary_text(
      backtests_finished, backtests_passed, backtests_failed, best_sharpe, best_passed_sharpe
    ) as summary
  from days
)

select * from final
order by day desc
