-- Work that is not points of a run: suggestions, loads of prices, refreshes of the marts. Same queue, same lease, same token.

alter table desk.work_items
  alter column optimization_run_id drop not null,
  alter column first_ordinal drop not null,
  alter column last_ordinal drop not null,
  add column kind text not null default 'points',
  add column job_id bigint references desk.jobs on delete cascade,
  add column payload jsonb,
  add constraint work_items_kind_known check (
    kind in ('points', 'suggest', 'load_prices', 'dbt_refresh', 'lean_optimization')),
  add constraint work_items_points_or_task check (
    case kind
      when 'points' then optimization_run_id is not null and first_ordinal is not null and last_ordinal is not null and payload is null
      when 'suggest' then optimization_run_id is not null and first_ordinal is null and last_ordinal is null and payload is not null
      else job_id is not null and first_ordinal is null and last_ordinal is null and payload is not null
    end);
create index work_items_tasks on desk.work_items (id) where state = 'waiting' and kind <> 'points';
create index work_items_by_job on desk.work_items (job_id) where job_id is not null;
comment on column desk.work_items.kind is 'points of a run, or a task: suggest, load_prices, dbt_refresh, lean_optimization.';
comment on column desk.work_items.job_id is 'The job of a task.';
comment on column desk.work_items.payload is 'What a task needs to know.';

alter table desk.jobs
  drop constraint jobs_kind_known,
  add constraint jobs_kind_known check (kind in ('optimization', 'load_prices', 'dbt_refresh', 'lean_optimization'));
comment on column desk.jobs.kind is 'optimization (a search over parameters, or one backtest), load_prices, dbt_refresh or lean_optimization.';
