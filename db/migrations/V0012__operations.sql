-- What keeps a desk running by itself: jobs that come again, and small chores that any runner does when they are due.

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
  constraint recurring_jobs_kind_known check (kind in ('optimization', 'load_prices', 'dbt_refresh', 'lean_optimization')),
  constraint recurring_jobs_priority_range check (priority between -1000 and 1000),
  constraint recurring_jobs_goes_forward check (next_at >= starts_at)
);
create index recurring_jobs_due on desk.recurring_jobs (next_at) where enabled;
comment on table desk.recurring_jobs is 'One row a job that is queued again and again, by the database''s clock: select every(''1 day'', ''load_prices'', ...).';
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

create table desk.chores (
  name        text primary key,
  every       interval not null,
  next_at     timestamptz not null default now(),
  last_error  text,
  description text not null,
  constraint chores_not_all_the_time check (every >= interval '1 second')
);
comment on table desk.chores is 'One row a chore that some runner does when it is due; the row lock lets only one of them.';
comment on column desk.chores.name is 'What do_chore() knows it by.';
comment on column desk.chores.every is 'Interval, from the end of one to the begin of the next.';
comment on column desk.chores.next_at is 'When it is due.';
comment on column desk.chores.last_error is 'What went wrong the last time; null when nothing did.';
comment on column desk.chores.description is 'What it is for.';

create index work_items_over on desk.work_items (created_at) where state in ('done', 'expired', 'cancelled');
create index job_events_by_time on desk.job_events (happened_at);
