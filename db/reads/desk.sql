-- What the pages read of the whole desk.

create or replace view desk.funnel as
with tallied as (
  select r.strategy_id, r.optimization_type = 'Walk-Forward' as is_stitched, sum(t.finished) as finished,
         sum(t.passed) as passed
  from desk.run_tallies as t
  join desk.optimization_runs as r on r.id = t.optimization_run_id
  group by 1, 2
),
survivors as (
  select b.strategy_id
  from desk.ranked_results as b
  join desk.full_results as e on e.id = b.backtest_result_id
  where b.survived and not e.repeated
)
select 1 as step, 'tried' as stage, count(distinct t.strategy_id) filter (where t.finished > 0) as strategies,
       coalesce(sum(t.finished), 0)::bigint as results
from tallied as t
union all
select 2, 'passed criteria', count(distinct t.strategy_id) filter (where t.passed > 0),
  coalesce(sum(t.passed), 0)::bigint
from tallied as t
where not t.is_stitched
union all
select 3, 'survived deflation', count(distinct s.strategy_id), count(*) from survivors as s
union all
select 4, 'walk-forward', count(distinct t.strategy_id) filter (where t.passed > 0), coalesce(sum(t.passed), 0)::bigint
from tallied as t
where t.is_stitched
union all
select 5, 'paper', count(*), null from desk.strategies as s where s.status in ('paper', 'live')
union all
select 6, 'live', count(*), null from desk.strategies as s where s.status = 'live';
comment on view desk.funnel is
  'Six rows: how many strategies, and how many of their results, came through each stage from tried to live; as the '
  'view of trials counts.';
comment on column desk.funnel.step is 'From 1 to 6.';
comment on column desk.funnel.stage is
  'tried; passed criteria; survived deflation (passed, and the deflated Sharpe ratio is at least 0.95); walk-forward '
  '(the stitched test passed); paper (or already live); live.';
comment on column desk.funnel.strategies is 'Strategies that have one.';
comment on column desk.funnel.results is 'Results; null where only the strategy''s status counts.';

grant select on desk.funnel to desk_director, desk_viewer;
