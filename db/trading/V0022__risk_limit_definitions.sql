-- What a risk limit is called, measured in and at most is known once; a session keeps the limits that held in it.

create table desk.risk_limit_definitions (
  name          text primary key,
  position      integer not null,
  title         text not null,
  unit          text not null,
  highest       double precision not null,
  default_value double precision,
  example       text not null,
  description   text not null,
  constraint risk_limit_definitions_unit_known check (unit in ('fraction', 'ratio', 'money', 'count', 'switch')),
  constraint risk_limit_definitions_highest_counts check (highest > 0 and default_value between 0 and highest)
);
comment on table desk.risk_limit_definitions is
  'One row a limit that a risk manager knows. Configs, risk_limits and the Monitor page read these rows.';
comment on column desk.risk_limit_definitions.name is 'Name, as configs, risk_limits and RiskLimits have it.';
comment on column desk.risk_limit_definitions.position is 'Order in which limits are shown.';
comment on column desk.risk_limit_definitions.title is 'Name for people.';
comment on column desk.risk_limit_definitions.unit is
  'fraction (0.02 is 2%), ratio, money (account currency), count, or switch (0 or 1).';
comment on column desk.risk_limit_definitions.highest is 'Highest threshold that makes sense; above it, it is a slip.';
comment on column desk.risk_limit_definitions.default_value is
  'What holds where nobody says anything; null is no limit.';
comment on column desk.risk_limit_definitions.example is 'A threshold, as a config would have it.';
comment on column desk.risk_limit_definitions.description is 'What is limited.';

-- Names that are in use; what they mean is filled in by trading/risk_limits.sql, like all others.
insert into desk.risk_limit_definitions (name, position, title, unit, highest, example, description)
select distinct l.limit_name, 0, '', 'count', 1e12, '', ''
from desk.risk_limits as l;

alter table desk.risk_limits
  drop constraint risk_limits_name_known,
  add constraint risk_limits_name_known foreign key (limit_name) references desk.risk_limit_definitions;

alter table desk.trading_sessions
  add column watched boolean,
  add column risk_limits jsonb,
  add constraint trading_sessions_limits_of_a_manager check (risk_limits is null or watched);
comment on column desk.trading_sessions.watched is
  'Whether a risk manager was at work; null in sessions from before it was recorded.';
comment on column desk.trading_sessions.risk_limits is
  'Limits that the risk manager kept, by name, as it had them when the session opened; a null value is no limit.';
