-- How many points of a run were known already.

alter table desk.run_progress
  add column reused bigint not null default 0,
  add constraint run_progress_reused_counts check (reused >= 0);
update desk.run_progress as p
set reused = c.copies
from (
  select b.optimization_run_id, count(*) as copies
  from desk.backtest_results as b where b.source_result_id is not null group by b.optimization_run_id
) as c
where c.optimization_run_id = p.optimization_run_id;
comment on column desk.run_progress.reused is 'Points that were not run, since an equal result was known: copied from it.';
