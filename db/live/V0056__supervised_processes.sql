-- Which processes of trading are held back, and what became of those that a supervisor ran.

create table desk.process_holds (
  name    text primary key,
  reason  text not null,
  set_by  text not null default session_user,
  set_at  timestamptz not null default clock_timestamp(),
  constraint process_holds_says_why check (btrim(reason) <> '')
);
comment on table desk.process_holds is
  'Processes of trading that are not to run, a row each: desired_processes has them as not wanted.';
comment on column desk.process_holds.name is 'Name, as in desired_processes.';
comment on column desk.process_holds.reason is 'Why.';
comment on column desk.process_holds.set_by is 'Login that holds it.';
comment on column desk.process_holds.set_at is 'Since when.';

create table desk.process_events (
  id          bigint generated always as identity primary key,
  name        text not null,
  event       text not null,
  host        text not null,
  pid         integer,
  exit_code   integer,
  actor       text not null default session_user,
  happened_at timestamptz not null default clock_timestamp(),
  constraint process_events_known check (event in ('started', 'found', 'ended', 'gave up', 'stopped'))
);
create index process_events_by_name on desk.process_events (name, id);
comment on table desk.process_events is
  'One row each time that a supervisor started, found or lost a process of trading.';
comment on column desk.process_events.id is 'Key.';
comment on column desk.process_events.name is 'Name, as in desired_processes.';
comment on column desk.process_events.event is
  'started, found (it ran already), ended, gave up (it ended too often) or stopped (by the supervisor).';
comment on column desk.process_events.host is 'Host.';
comment on column desk.process_events.pid is 'Process number there.';
comment on column desk.process_events.exit_code is 'With which it ended; negative is a signal.';
comment on column desk.process_events.actor is 'Login.';
comment on column desk.process_events.happened_at is 'When.';
