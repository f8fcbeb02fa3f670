-- The catalogue: what a key of a config affects, and kinds of tasks and sources of prices as rows.

-- The seeds write them again, with what they affect.
delete from desk.config_keys;
alter table desk.config_keys
  add column affects text not null,
  add column in_every_hash boolean not null default false,
  add constraint config_keys_affects_known check (affects in ('result', 'judgement', 'execution', 'nothing')),
  add constraint config_keys_hashed_result check (affects = 'result' or not in_every_hash);
comment on column desk.config_keys.affects is
  'result (no result is used again under another value), judgement (which results pass and which is the best), '
  'execution (what runs, how and where) or nothing.';
comment on column desk.config_keys.in_every_hash is
  'True where the key stands in the settings_hash of every run; any other key that affects a result stands there '
  'where it is not at its default.';

create table desk.task_kinds (
  name        text primary key,
  by_job      boolean not null,
  capability  text not null,
  package     text,
  on_request  boolean not null default false,
  remedy      text not null,
  config_keys text[],
  description text not null,
  position    integer not null,
  constraint task_kinds_name_is_a_module check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint task_kinds_name_free check (name not in ('points', 'optimization', 'registry'))
);
comment on table desk.task_kinds is
  'Work that is not points, a row a kind. The validator, the queue and the runners read these rows; runners/tasks has '
  'a module of the kind''s name.';
comment on column desk.task_kinds.name is 'Kind of the jobs and work items, and module in runners/tasks.';
comment on column desk.task_kinds.by_job is 'True where a job may ask for it; else a search does.';
comment on column desk.task_kinds.capability is 'What a runner must list among its engines to be given one.';
comment on column desk.task_kinds.package is 'Python package without which a runner cannot do it.';
comment on column desk.task_kinds.on_request is
  'True where a runner does not offer it by itself, but for --dbt, or since it can start the engine of that name.';
comment on column desk.task_kinds.remedy is 'What to do where no live runner takes it.';
comment on column desk.task_kinds.config_keys is
  'Keys that its config may have: source names a row of price_sources; null where it takes the config of a search.';
comment on column desk.task_kinds.description is 'What it does.';
comment on column desk.task_kinds.position is 'Order in lists.';

create table desk.price_sources (
  name          text primary key,
  capability    text not null,
  package       text,
  needs_symbols boolean not null,
  remedy        text not null,
  description   text not null,
  position      integer not null,
  constraint price_sources_name_is_a_module check (name ~ '^[a-z][a-z0-9_]{0,62}$')
);
comment on table desk.price_sources is
  'Sources that a job of load_prices may name, a row each; runners/prices has a module of the source''s name.';
comment on column desk.price_sources.name is 'Name in configs, and module in runners/prices.';
comment on column desk.price_sources.capability is
  'What a runner must list among its engines to be given a load from it.';
comment on column desk.price_sources.package is 'Python package without which a runner cannot load from it.';
comment on column desk.price_sources.needs_symbols is
  'True where a job must name symbols, since the source has no list of all.';
comment on column desk.price_sources.remedy is 'What to do where no live runner loads from it.';
comment on column desk.price_sources.description is 'What it is.';
comment on column desk.price_sources.position is 'Order in lists.';

-- A trigger keeps both: an item of points, of which there are many, looks nothing up.
alter table desk.work_items drop constraint work_items_kind_known;
alter table desk.work_items add column needs text;
comment on column desk.work_items.needs is
  'What a runner must list among its engines to be given this task, from task_kinds; null for points.';
update desk.work_items
set needs = case kind
  when 'suggest' then 'optuna' when 'dbt_refresh' then 'dbt' when 'lean_optimization' then 'lean'
  else case payload ->> 'source' when 'yahoo' then 'yahoo' else 'prices' end end
where kind <> 'points';
alter table desk.work_items
  add constraint work_items_task_needs check ((kind = 'points') = (needs is null)),
  drop constraint work_items_points_or_task,
  add constraint work_items_points_or_task check (
    case when kind = 'points' then optimization_run_id is not null and first_ordinal is not null
      and last_ordinal is not null and payload is null
    else num_nonnulls(job_id, optimization_run_id) = 1 and first_ordinal is null and last_ordinal is null
      and payload is not null end);

-- A job is an optimization, or a task that a job may ask for. The reference is validated where the rows are written.
alter table desk.jobs
  drop constraint jobs_kind_known,
  add column task_kind text generated always as (nullif(kind, 'optimization')) stored,
  add constraint jobs_task_known foreign key (task_kind) references desk.task_kinds not valid;
comment on column desk.jobs.kind is 'optimization (a search over parameters, or one backtest), or a row of task_kinds.';
comment on column desk.jobs.task_kind is 'The kind, where it is a task.';
alter table desk.recurring_jobs
  drop constraint recurring_jobs_kind_known,
  add column task_kind text generated always as (nullif(kind, 'optimization')) stored,
  add constraint recurring_jobs_task_known foreign key (task_kind) references desk.task_kinds not valid;
comment on column desk.recurring_jobs.task_kind is 'The kind, where it is a task.';
comment on column desk.work_items.kind is 'points of a run, or a row of task_kinds.';
