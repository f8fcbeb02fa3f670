-- Runners: who they are, what they bring, and which of them are alive.

create or replace function desk.lease_seconds()
returns double precision
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  -- Read by every claim, so not through setting(), which is planned anew for each.
  return (select (s.value #>> '{}')::float8 from desk.settings as s where s.name = 'lease_seconds');
end
$$;
comment on function desk.lease_seconds() is
  'How long a runner may be silent; one that beats six times in it is never taken for dead.';
grant execute on function desk.lease_seconds() to desk_runner;

create or replace function desk.alive_runners()
returns setof desk.runners
language sql stable
set search_path = desk, pg_temp
as $$
  select r.*
  from desk.runners as r
  where r.stopped_at is null
    and r.heartbeat_at > now() - make_interval(secs => desk.lease_seconds())
$$;
comment on function desk.alive_runners() is 'Runners heard of within a lease.';

drop function if exists desk.task_capability(text);
create or replace function desk.register_runner(
  p_host text, p_pid integer, p_version text, p_engines text[], p_processes integer, p_platform text,
  p_runs_dbt boolean, p_strategies jsonb)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_runner_id bigint;
begin
  perform desk.publish_strategies(p_strategies, p_host, false);
  insert into desk.runners (host, pid, version, engines, processes, platform, runs_dbt)
  values (p_host, p_pid, p_version, p_engines, p_processes, p_platform, p_runs_dbt)
  returning id into v_runner_id;
  insert into desk.runner_code (runner_id, code_version_id)
  select v_runner_id, c.id
  from jsonb_to_recordset(p_strategies) as s (name text, code_hash text)
  join desk.strategies as st on st.name = s.name
  join desk.code_versions as c on c.strategy_id = st.id and c.code_hash = s.code_hash;
  return v_runner_id;
end
$$;
comment on function desk.register_runner(text, integer, text, text[], integer, text, boolean, jsonb) is
  'A new runner says who it is and which strategies it has; answers its number, which is never used again.';
grant execute on function desk.register_runner(text, integer, text, text[], integer, text, boolean, jsonb)
  to desk_runner;

grant select on desk.runners, desk.runner_code to desk_director, desk_viewer;
