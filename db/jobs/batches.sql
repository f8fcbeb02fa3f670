-- Batches: jobs that were queued together, all or none (one transaction), and are summed up together.

create or replace view desk.batch_summary as
select
  b.id as batch_id, b.name, b.file, b.notes, b.created_by, b.created_at,
  j.jobs, j.open, j.failed,
  case when j.open > 0 then format('%s of %s jobs are over', j.jobs - j.open, j.jobs)
    else format('%s jobs: %s', j.jobs, desk.runs_summary(j.run_ids)) end as summary
from desk.batches as b
cross join lateral (
  select count(distinct i.id) as jobs,
         count(distinct i.id) filter (where i.is_open) as open,
         count(distinct i.id) filter (where i.state = 'failed') as failed,
         array_agg(r.id) filter (where r.role = 'search') as run_ids
  from desk.jobs as i
  left join desk.optimization_runs as r on r.job_id = i.id
  where i.batch_id = b.id
) as j;
comment on view desk.batch_summary is 'One row a batch: how many of its jobs are over, and their common summary.';
comment on column desk.batch_summary.batch_id is 'The batch.';
comment on column desk.batch_summary.name is 'Its name.';
comment on column desk.batch_summary.file is 'File that it came from.';
comment on column desk.batch_summary.notes is 'Free notes.';
comment on column desk.batch_summary.created_by is 'Who queued it.';
comment on column desk.batch_summary.created_at is 'When.';
comment on column desk.batch_summary.jobs is 'Jobs in it.';
comment on column desk.batch_summary.open is 'Jobs that are not over.';
comment on column desk.batch_summary.failed is 'Jobs that failed.';
comment on column desk.batch_summary.summary is '3 jobs: 144 runs complete, 3 passed, best Sharpe: 1.8';

grant select on desk.batch_summary to desk_director, desk_viewer;
grant insert (name, file, notes) on desk.batches to desk_director;
grant insert (batch_id, force) on desk.jobs to desk_director;
