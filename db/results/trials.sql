-- What counts as tried, said once: every total over results is a sum of these rows.

create or replace view desk.full_trials as
select
  b.id as backtest_result_id,
  b.optimization_run_id,
  coalesce(r.parent_run_id, r.id) as search_run_id,
  r.job_id,
  b.strategy_id,
  k.kind,
  b.repeated,
  b.source_result_id is not null as copied,
  b.outcome,
  b.passed,
  b.sharpe_ratio,
  b.created_at,
  k.kind in ('search', 'in_sample', 'out_of_sample') and not b.repeated as tried,
  k.kind in ('search', 'stitched') and not b.repeated as judged
from desk.full_results as b
join desk.optimization_runs as r on r.id = b.optimization_run_id
cross join lateral (
  select case when r.role = 'search' and r.optimization_type = 'Walk-Forward' then 'stitched' else r.role end as kind
) as k;
comment on view desk.full_trials is 'The trials of full results: see trials.';

create or replace view desk.trials as
select t.* from desk.full_trials as t
union all
select
  b.id,
  b.optimization_run_id,
  (select coalesce(r.parent_run_id, r.id) from desk.optimization_runs as r where r.id = b.optimization_run_id),
  (select r.job_id from desk.optimization_runs as r where r.id = b.optimization_run_id),
  (select r.strategy_id from desk.optimization_runs as r where r.id = b.optimization_run_id),
  (select r.role from desk.optimization_runs as r where r.id = b.optimization_run_id),
  (select k.repeated @> (b.id & 134217727) from desk.bulk_runs as k
    where k.optimization_run_id = b.optimization_run_id),
  false,
  'finished'::text,
  b.verdict = 0,
  b.sharpe_ratio,
  (select k.created_at from desk.bulk_blocks as k where k.first_id <= b.id order by k.first_id desc limit 1),
  (select not k.repeated @> (b.id & 134217727) from desk.bulk_runs as k
    where k.optimization_run_id = b.optimization_run_id),
  (select r.role = 'search' and not k.repeated @> (b.id & 134217727)
    from desk.bulk_runs as k join desk.optimization_runs as r on r.id = k.optimization_run_id
    where k.optimization_run_id = b.optimization_run_id)
from desk.bulk_points as b;
comment on view desk.trials is
  'One row a result: whether it counts as a backtest that was tried, and whether it counts where passed and best are '
  'told. Each distinct one counts once; pilots nowhere.';
comment on column desk.trials.backtest_result_id is 'The result.';
comment on column desk.trials.optimization_run_id is 'Its run.';
comment on column desk.trials.search_run_id is 'The search that it belongs to: its run, or of a fold the walk-forward.';
comment on column desk.trials.job_id is 'The job; null for imports.';
comment on column desk.trials.strategy_id is 'The strategy.';
comment on column desk.trials.kind is
  'search, in_sample or out_of_sample (a fold of a walk-forward), stitched (its tests put together, no backtest) or '
  'pilot.';
comment on column desk.trials.repeated is
  'True where an equal trial was counted before it: a copy or a run again. A pilot point counts where it is taken '
  'over.';
comment on column desk.trials.copied is 'True where it was copied from a known result, a pilot''s among them.';
comment on column desk.trials.outcome is 'finished or failed.';
comment on column desk.trials.passed is 'True when all criteria of its run are met.';
comment on column desk.trials.sharpe_ratio is 'Annualized Sharpe ratio.';
comment on column desk.trials.created_at is 'When it was recorded.';
comment on column desk.trials.tried is 'True where it counts as a backtest that was tried.';
comment on column desk.trials.judged is
  'True where it counts as passed or as best: of a search or a stitched test, never of one fold.';
do $$ begin perform desk.describe_as('desk.full_trials', 'desk.trials'); end $$;
grant select on desk.trials to desk_director, desk_viewer, desk_dbt;

drop view if exists desk.tried_this_week;
create view desk.tried_this_week as
select s.name as strategy,
       case when t.outcome = 'failed' then 'failed' when not t.judged then 'in a fold'
         when t.passed then 'passed' else 'rejected' end as verdict,
       count(*) as variations, max(t.sharpe_ratio) filter (where t.judged) as best_sharpe
from desk.trials as t
join desk.strategies as s on s.id = t.strategy_id
join desk.settings as z on z.name = 'time_zone'
where t.tried
  and t.created_at >= date_trunc('week', now() at time zone (z.value #>> '{}')) at time zone (z.value #>> '{}')
group by s.name, 2;
comment on view desk.tried_this_week is 'One row a strategy and verdict: what was tried since Monday.';
comment on column desk.tried_this_week.strategy is 'The strategy.';
comment on column desk.tried_this_week.verdict is
  'passed, rejected, in a fold (of a walk-forward, which is judged by its stitched tests) or failed.';
comment on column desk.tried_this_week.variations is 'How many.';
comment on column desk.tried_this_week.best_sharpe is 'Best Sharpe ratio among them; null in a fold.';
grant select on desk.tried_this_week to desk_director, desk_viewer;
