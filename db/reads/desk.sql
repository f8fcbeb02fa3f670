-- What the pages read of the whole desk.

create or replace view desk.funnel as
with runs as (
  select r.strategy_id, r.optimization_type, g.finished, g.passed
  from desk.optimization_runs as r
  join desk.run_progress as g on g.optimization_run_id = r.id
  where r.role = 'search'
),
survivors as (
  select b.strategy_id
  from desk.ranked_results as b
  where b.survived
)
select 1 as step, 'tried' as stage,
       count(distinct r.strategy_id) filter (where r.finished > 0) as strategies,
       coalesce(sum(r.finished), 0)::bigint as results
from runs as r
where r.optimization_type <> 'Walk-Forward'
union all
select 2, 'passed criteria', count(distinct r.strategy_id) filter (where r.passed > 0),
  coalesce(sum(r.passed), 0)::bigint
from runs as r
where r.optimization_type <> 'Walk-Forward'
union all
select 3, 'survived deflation', count(distinct s.strategy_id), count(*) from survivors as s
union all
select 4, 'walk-forward', count(distinct r.strategy_id) filter (where r.passed > 0), coalesce(sum(r.passed), 0)::bigint
from runs as r
where r.optimization_type = 'Walk-Forward'
union all
select 5, 'paper', count(*), null from desk.strategies as s where s.status in ('paper', 'live')
union all
select 6, 'live', count(*), null from desk.strategies as s where s.status = 'live';
comment on view desk.funnel is
  'Six rows: how many strategies, and how many of their results, came through each stage from tried to live.';
comment on column desk.funnel.step is 'From 1 to 6.';
comment on column desk.funnel.stage is
  'tried; passed criteria; survived deflation (passed, and the deflated Sharpe ratio is at least 0.95); walk-forward '
  '(the stitched test passed); paper (or already live); live.';
comment on column desk.funnel.strategies is 'Strategies that have one.';
comment on column desk.funnel.results is 'Results; null where only the strategy''s status counts.';

grant select on desk.funnel to desk_director, desk_viewer;
