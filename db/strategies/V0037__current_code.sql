-- A strategy has one current version of its code, and parameters belong to a version.

alter table desk.strategies add current_version_id bigint references desk.code_versions on delete set null;
comment on column desk.strategies.current_version_id is
  'Its current code: announced last by backdesk strategies sync, or by a host whose own file changed. What is not '
  'pinned yet waits for a runner that has it.';
update desk.strategies as s
set current_version_id = (
  select v.id from desk.code_versions as v where v.strategy_id = s.id order by v.registered_at desc, v.id desc limit 1);

create table desk.version_parameters (
  code_version_id bigint not null references desk.code_versions on delete cascade,
  name            text not null,
  type            text not null,
  default_value   jsonb,
  minimum         numeric,
  maximum         numeric,
  description     text not null default '',
  position        integer not null default 0,
  primary key (code_version_id, name),
  constraint version_parameters_type_known check (type in ('integer', 'number', 'boolean', 'text')),
  constraint version_parameters_bounds_ordered check (minimum <= maximum),
  constraint version_parameters_name_shape check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$')
);
comment on table desk.version_parameters is
  'One row a parameter of a version of a strategy''s code; those of the current one are strategy_parameters.';
comment on column desk.version_parameters.code_version_id is 'The version.';
comment on column desk.version_parameters.name is 'Name as the strategy''s code has it.';
comment on column desk.version_parameters.type is 'integer, number, boolean or text.';
comment on column desk.version_parameters.default_value is
  'Value that the strategy takes when a config does not name the parameter.';
comment on column desk.version_parameters.minimum is 'Least value allowed; null is no bound.';
comment on column desk.version_parameters.maximum is 'Greatest value allowed; null is no bound.';
comment on column desk.version_parameters.description is 'What it does.';
comment on column desk.version_parameters.position is 'Order in which the strategy declares it.';
insert into desk.version_parameters (
  code_version_id, name, type, default_value, minimum, maximum, description, position)
select s.current_version_id, p.name, p.type, p.default_value, p.minimum, p.maximum, p.description, p.position
from desk.strategy_parameters as p
join desk.strategies as s on s.id = p.strategy_id and s.current_version_id is not null;
-- With it go the functions that take a row of it; the topics make them again for the view of that name.
drop table desk.strategy_parameters cascade;

create table desk.host_code (
  strategy_id     bigint not null references desk.strategies on delete cascade,
  host            text not null,
  file            text not null default '',
  code_version_id bigint not null references desk.code_versions on delete cascade,
  seen_at         timestamptz not null default now(),
  primary key (strategy_id, host, file)
);
create index host_code_by_version on desk.host_code (code_version_id);
comment on table desk.host_code is
  'One row a strategy''s file on a host: which version it was when the desk last heard of it. A host whose file is '
  'another one now has changed it.';
comment on column desk.host_code.strategy_id is 'The strategy.';
comment on column desk.host_code.host is 'Host name.';
comment on column desk.host_code.file is 'Path of the file, or of a LEAN project''s folder, on that host.';
comment on column desk.host_code.code_version_id is 'The version that it was.';
comment on column desk.host_code.seen_at is 'When it was first seen to be that.';

alter table desk.runners add files_error text;
comment on column desk.runners.files_error is
  'Why its strategies'' files cannot be read as they are now: until they can, it begins no run. Null where they can.';

comment on column desk.code_versions.registered_at is 'When it was last published.';
