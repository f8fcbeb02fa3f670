-- Runners as people read them.

create or replace view desk.runner_status as
select
  r.id, r.host, r.pid, r.version, r.engines, r.processes,
  r.stopped_at is null and r.heartbeat_at > now() - make_interval(secs => (s.value #>> '{}')::float8) as alive,
  date_trunc('second', now() - r.heartbeat_at) as heartbeat_age,
  r.memory_mb, r.started_at, r.stopped_at, r.files_error
from desk.runners as r
cross join desk.settings as s
where s.name = 'lease_seconds';
comment on view desk.runner_status is 'One row a runner: is it alive, and when was it last heard of.';
comment on column desk.runner_status.id is 'The runner.';
comment on column desk.runner_status.host is 'Host name.';
comment on column desk.runner_status.pid is 'Process number.';
comment on column desk.runner_status.version is 'Version of Backdesk.';
comment on column desk.runner_status.engines is 'Engines.';
comment on column desk.runner_status.processes is 'Children side by side.';
comment on column desk.runner_status.alive is 'Heard of within a lease.';
comment on column desk.runner_status.heartbeat_age is 'Since it was last heard of.';
comment on column desk.runner_status.memory_mb is 'Private memory.';
comment on column desk.runner_status.started_at is 'When it started.';
comment on column desk.runner_status.stopped_at is 'When it said goodbye; null for one that died.';
comment on column desk.runner_status.files_error is
  'Why it cannot read its strategies'' files as they are now, so that it begins no run; null where it can.';
comment on column desk.runners.stopped_at is
  'When it said goodbye; a runner that died has none, and is only no longer heard of: see runner_status.alive.';

grant select on desk.runner_status to desk_director, desk_viewer;
