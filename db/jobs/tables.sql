-- What somebody asked for: jobs, alone, in batches, or again and again.

create table desk.batches (
  id         bigint generated always as identity primary key,
  name       text not null,
  file       text,
  notes      text,
  created_by text not null default current_user,
  created_at timestamptz not null default now()
);
comment on table desk.batches is 'One row a batch of jobs that was queued all or none.';
comment on column desk.batches.id is 'Key.';
comment on column desk.batches.name is 'Name for people.';
comment on column desk.batches.file is 'File that it came from.';
comment on column desk.batches.notes is 'Free notes.';
comment on column desk.batches.created_by is 'Database role that queued it.';
comment on column desk.batches.created_at is 'When it was queued.';

create table desk.jobs (
  id               bigint generated always as identity primary key,
  kind             text not null default 'optimization',
  strategy         text,
  config           jsonb not null default '{}',
  config_file      text,
  priority         integer not null default 0,
  run_after        timestamptz not null default now(),
  state            text not null default 'waiting',
  summary          text,
  error            text,
  notes            text,
  tags             text[] not null default '{}',
  canonical_config jsonb not null default '{}',
  config_hash      text not null default '',
  created_by       text not null default current_user,
  created_at       timestamptz not null default now(),
  started_at       timestamptz,
  finished_at      timestamptz,
  batch_id         bigint references desk.batches,
  force            boolean not null default false,
  constraint jobs_state_known check (state in ('held', 'waiting', 'running', 'paused', 'done', 'failed', 'cancelled')),
  constraint jobs_priority_range check (priority between -1000 and 1000),
  constraint jobs_finished_when_over check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null)),
  constraint jobs_failed_says_why check (state <> 'failed' or error is not null),
  constraint jobs_kind_known check (kind in ('optimization', 'load_prices', 'dbt_refresh', 'lean_optimization'))
);
create unique index jobs_identical_open on desk.jobs (config_hash)
  where state in ('held', 'waiting', 'running', 'paused');
create index jobs_open on desk.jobs (priority desc, id)
  where state in ('held', 'waiting', 'running', 'paused');
create index jobs_by_batch on desk.jobs (batch_id) where batch_id is not null;
comment on table desk.jobs is 'What somebody asked for, one row each: the director''s interface.';
comment on column desk.jobs.id is 'Key.';
comment on column desk.jobs.kind is
  'optimization (a search over parameters, or one backtest), load_prices, dbt_refresh or lean_optimization.';
comment on column desk.jobs.strategy is 'Name or code of the strategy.';
comment on column desk.jobs.config is 'What was asked for, as given. See config_keys.';
comment on column desk.jobs.config_file is 'File that the config came from, for people.';
comment on column desk.jobs.priority is 'Higher runs first; jobs of one priority share the runners fairly.';
comment on column desk.jobs.run_after is 'Not to be started before.';
comment on column desk.jobs.state is 'held, waiting, running, paused, done, failed or cancelled.';
comment on column desk.jobs.summary is 'One line when it is over: 72 runs complete, 3 passed, best Sharpe: 1.8.';
comment on column desk.jobs.error is 'Why it failed.';
comment on column desk.jobs.notes is 'Free notes.';
comment on column desk.jobs.tags is 'Free tags.';
comment on column desk.jobs.canonical_config is 'The config as validated: aliases resolved, defaults filled in.';
comment on column desk.jobs.config_hash is 'SHA-256 of the canonical config; no two open jobs have the same.';
comment on column desk.jobs.created_by is 'Database role that asked.';
comment on column desk.jobs.created_at is 'When it was asked for.';
comment on column desk.jobs.started_at is 'When the first work of it was claimed.';
comment on column desk.jobs.finished_at is 'When it was over.';
comment on column desk.jobs.batch_id is 'The batch it was queued with.';
comment on column desk.jobs.force is
  'True where somebody wanted it run though its fees are estimated above max_fee_pct.';

create table desk.job_events (
  id                  bigint generated always as identity primary key,
  job_id              bigint references desk.jobs on delete cascade,
  optimization_run_id bigint,
  work_item_id        bigint,
  runner_id           bigint,
  event               text not null,
  from_state          text,
  to_state            text,
  details             jsonb not null default '{}',
  actor               text not null default current_user,
  happened_at         timestamptz not null default clock_timestamp()
);
create index job_events_by_job on desk.job_events (job_id, id);
create index job_events_by_run on desk.job_events (optimization_run_id, id);
create index job_events_by_time on desk.job_events (happened_at);
comment on table desk.job_events is
  'State changes of jobs and runs, and of work items only where something went wrong.';
comment on column desk.job_events.id is 'Key, in order of happening.';
comment on column desk.job_events.job_id is 'The job.';
comment on column desk.job_events.optimization_run_id is 'The run, where it is about one.';
comment on column desk.job_events.work_item_id is 'The work item, where it is about one.';
comment on column desk.job_events.runner_id is 'The runner, where one took part.';
comment on column desk.job_events.event is 'job, run, retry, failure, expiry, release, refusal or cancel.';
comment on column desk.job_events.from_state is 'State before.';
comment on column desk.job_events.to_state is 'State after.';
comment on column desk.job_events.details is 'Whatever explains it: ordinal, attempt, which clock fired, error.';
comment on column desk.job_events.actor is 'Database role that caused it.';
comment on column desk.job_events.happened_at is 'When.';

create table desk.recurring_jobs (
  id          bigint generated always as identity primary key,
  name        text not null unique,
  every       interval not null,
  starts_at   timestamptz not null default now(),
  next_at     timestamptz not null default now(),
  kind        text not null default 'optimization',
  strategy    text,
  config      jsonb not null default '{}',
  config_file text,
  priority    integer not null default 0,
  notes       text,
  enabled     boolean not null default true,
  last_at     timestamptz,
  last_job_id bigint references desk.jobs on delete set null,
  last_note   text,
  created_by  text not null default current_user,
  created_at  timestamptz not null default now(),
  constraint recurring_jobs_name_short check (name ~ '^[a-z0-9][a-z0-9_ .-]{0,79}$'),
  constraint recurring_jobs_not_too_often check (every >= interval '1 minute'),
  constraint recurring_jobs_kind_known check (
    kind in ('optimization', 'load_prices', 'dbt_refresh', 'lean_optimization')),
  constraint recurring_jobs_priority_range check (priority between -1000 and 1000),
  constraint recurring_jobs_goes_forward check (next_at >= starts_at)
);
create index recurring_jobs_due on desk.recurring_jobs (next_at) where enabled;
comment on table desk.recurring_jobs is
  'One row a job that is queued again and again, by the database''s clock: select every(''1 day'', ''load_prices'', '
  '...).';
comment on column desk.recurring_jobs.id is 'Key.';
comment on column desk.recurring_jobs.name is 'Name for people and for pause_recurring().';
comment on column desk.recurring_jobs.every is 'Interval; days and months are those of the desk''s time zone.';
comment on column desk.recurring_jobs.starts_at is 'First time; all others are whole intervals away from it.';
comment on column desk.recurring_jobs.next_at is 'When it is due next.';
comment on column desk.recurring_jobs.kind is 'Kind of the jobs that it queues.';
comment on column desk.recurring_jobs.strategy is 'Strategy of these jobs.';
comment on column desk.recurring_jobs.config is 'Config of these jobs.';
comment on column desk.recurring_jobs.config_file is 'File that the config came from.';
comment on column desk.recurring_jobs.priority is 'Priority of these jobs.';
comment on column desk.recurring_jobs.notes is 'Free notes, copied into these jobs.';
comment on column desk.recurring_jobs.enabled is 'False while it is paused.';
comment on column desk.recurring_jobs.last_at is 'When it was due last.';
comment on column desk.recurring_jobs.last_job_id is 'The job that it queued last.';
comment on column desk.recurring_jobs.last_note is 'Why nothing was queued the last time; null when something was.';
comment on column desk.recurring_jobs.created_by is 'Database role that made it, and for which its jobs are queued.';
comment on column desk.recurring_jobs.created_at is 'When it was made.';
