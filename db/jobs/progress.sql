-- Jobs as people read them.

create or replace view desk.job_progress as
select
  j.id as job_id,
  j.state,
  j.strategy,
  j.config_file,
  j.priority,
  p.total,
  p.finished,
  p.failed,
  p.passed,
  round(100.0 * (p.finished + p.failed) / nullif(p.total, 0), 1) as percent,
  case when j.state = 'running' and p.finished + p.failed > 0
    then date_trunc('second', (now() - j.started_at) * (p.total - p.finished - p.failed)::float8 / (
      p.finished + p.failed)) end as eta,
  p.best_value,
  p.target_metric,
  j.summary,
  j.error,
  j.created_by,
  j.created_at,
  j.started_at,
  j.finished_at,
  p.reused,
  coalesce(f.flags, '{}') as flags,
  j.batch_id,
  j.is_open,
  desk.job_advice(j.id) as advice
from desk.jobs as j
cross join lateral (
  -- A stitched test is no backtest: its folds are counted, and it is what passes.
  select sum(g.total) filter (where k.ran)::bigint as total, sum(g.finished) filter (where k.ran)::bigint as finished,
         sum(g.failed) filter (where k.ran)::bigint as failed,
         -- Its own pilot points are taken over, not known from before.
         sum(g.reused)::bigint - (
           select count(*) from desk.optimization_runs as t
           join desk.backtest_results as b on b.optimization_run_id = t.id
           join desk.backtest_results as c on c.source_result_id = b.id
           join desk.optimization_runs as o on o.id = c.optimization_run_id
           where t.job_id = j.id and t.role = 'pilot' and o.job_id = j.id) as reused,
         sum(g.passed) filter (where r.role = 'search')::bigint as passed, min(r.target_metric) as target_metric,
         case when min(r.target_direction) = 'min' then min(g.best_value) filter (where r.role = 'search')
           else max(g.best_value) filter (where r.role = 'search') end as best_value
  from desk.optimization_runs as r
  join desk.run_progress as g on g.optimization_run_id = r.id
  cross join lateral (select r.optimization_type <> 'Walk-Forward' as ran) as k
  where r.job_id = j.id and r.role <> 'pilot'
) as p
cross join lateral (
  -- Of a walk-forward the whole counts: that a fold's best lies on an edge is told by parameter_sensitivity.
  select array_agg(distinct u.flag order by u.flag) as flags
  from desk.optimization_runs as r
  cross join lateral unnest(r.flags) as u (flag)
  where r.job_id = j.id and r.role = 'search'
) as f;
comment on view desk.job_progress is 'One row a job: how far it is and how it goes.';
comment on column desk.job_progress.job_id is 'The job.';
comment on column desk.job_progress.state is 'Its state.';
comment on column desk.job_progress.strategy is 'Its strategy.';
comment on column desk.job_progress.config_file is 'File of its config.';
comment on column desk.job_progress.priority is 'Its priority.';
comment on column desk.job_progress.total is 'Points planned.';
comment on column desk.job_progress.finished is 'Points finished.';
comment on column desk.job_progress.failed is 'Points failed.';
comment on column desk.job_progress.passed is 'Points that met all criteria.';
comment on column desk.job_progress.percent is 'Points recorded, in per cent.';
comment on column desk.job_progress.eta is 'Time left at the pace so far.';
comment on column desk.job_progress.best_value is 'Best value of the target so far.';
comment on column desk.job_progress.target_metric is 'The target.';
comment on column desk.job_progress.summary is 'Its summary, once it is over.';
comment on column desk.job_progress.error is 'Why it failed, or of one search a symbol, why some of them did.';
comment on column desk.job_progress.created_by is 'Who asked.';
comment on column desk.job_progress.created_at is 'When it was asked for.';
comment on column desk.job_progress.started_at is 'When it started.';
comment on column desk.job_progress.finished_at is 'When it was over.';
comment on column desk.job_progress.reused is
  'Points that were copied from equal results of earlier searches; its own pilot''s are none.';
comment on column desk.job_progress.flags is
  'What looks wrong: no data, no trades, all points identical, best on the edge.';
comment on column desk.job_progress.batch_id is 'The batch it was queued with.';
comment on column desk.job_progress.is_open is 'True while it is not over.';
comment on column desk.job_progress.advice is 'What to do about it, with the statement; null where there is nothing.';

grant select on desk.job_progress to desk_director, desk_viewer;
