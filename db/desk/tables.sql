-- The desk's own settings, and what it does for itself.

create table desk.settings (
  name        text primary key,
  value       jsonb not null,
  description text not null
);
comment on table desk.settings is 'The desk''s own settings; the director may change value.';
comment on column desk.settings.name is 'Name of the setting.';
comment on column desk.settings.value is 'Its value.';
comment on column desk.settings.description is 'What it does, with its unit.';

create table desk.chores (
  name        text primary key,
  every       interval not null,
  next_at     timestamptz not null default now(),
  last_error  text,
  description text not null,
  constraint chores_not_all_the_time check (every >= interval '1 second')
);
comment on table desk.chores is
  'One row a chore that some runner does when it is due; the row lock lets only one of them.';
comment on column desk.chores.name is 'What do_chore() knows it by.';
comment on column desk.chores.every is 'Interval, from the end of one to the begin of the next.';
comment on column desk.chores.next_at is 'When it is due.';
comment on column desk.chores.last_error is 'What went wrong the last time; null when nothing did.';
comment on column desk.chores.description is 'What it is for.';
