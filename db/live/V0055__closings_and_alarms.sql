-- When a session has to be flat, levels that lift themselves, and what somebody has to look at.

alter table desk.trading_sessions
  add column flat_minutes double precision,
  add constraint trading_sessions_flat_before_the_close check (flat_minutes > 0 and flat_minutes <= 1440);
comment on column desk.trading_sessions.flat_minutes is
  'Flat so many minutes before the close of each symbol''s exchange, half days included: 5 is 15:55 in New York, 12:55 '
  'on a half day. Null holds over night.';
alter type desk.gate_facts add attribute flat_minutes double precision;

alter table desk.level_rules
  drop constraint level_rules_end_known,
  add constraint level_rules_end_known check (lasts in ('day', 'person', 'cause'));
comment on column desk.level_rules.lasts is
  'Lifted by the next day, by a person, or as soon as its cause is over.';
alter table desk.halts
  drop constraint halts_end_known,
  add constraint halts_end_known check (lasts in ('day', 'person', 'cause'));
comment on column desk.halts.lasts is
  'Lifted by the next day of its session, by a person, or as soon as its cause is over.';

-- No reference to another table, as of halts: an alarm waits for nobody.
create table desk.live_alarms (
  id         bigint generated always as identity primary key,
  kind       text not null,
  severity   text not null,
  matter     text not null,
  message    text not null,
  account_id bigint,
  trading_session_id bigint,
  symbol     text,
  times      bigint not null default 1,
  raised_at  timestamptz not null default clock_timestamp(),
  last_at    timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  constraint live_alarms_severity_known check (severity in ('warning', 'critical'))
);
create unique index live_alarms_open on desk.live_alarms (matter) where settled_at is null;
comment on table desk.live_alarms is
  'What somebody has to look at, a row a matter: not flat by its time, a silent link or strategy, a closing refused.';
comment on column desk.live_alarms.id is 'Key.';
comment on column desk.live_alarms.kind is 'What it is: flat_by, link, strategy or closing.';
comment on column desk.live_alarms.severity is 'warning or critical.';
comment on column desk.live_alarms.matter is 'What tells it from others; open matters are there once.';
comment on column desk.live_alarms.message is 'A sentence.';
comment on column desk.live_alarms.account_id is 'The account.';
comment on column desk.live_alarms.trading_session_id is 'The trading session.';
comment on column desk.live_alarms.symbol is 'The symbol.';
comment on column desk.live_alarms.times is 'How many times it was found.';
comment on column desk.live_alarms.raised_at is 'When it was first found.';
comment on column desk.live_alarms.last_at is 'When it was last found.';
comment on column desk.live_alarms.settled_at is 'When it was over; null while it is there.';
