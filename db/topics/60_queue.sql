-- The queue as runners see it: register, claim, heartbeat, give back, reap.

create or replace function desk.alive_runners()
returns setof desk.runners
language sql stable
set search_path = desk, pg_temp
as $$
  select r.*
  from desk.runners as r
  where r.stopped_at is null
    and r.heartbeat_at > now() - make_interval(secs => (desk.setting('lease_seconds') #>> '{}')::float8)
$$;
comment on function desk.alive_runners() is 'Runners heard of within a lease.';
revoke execute on function desk.alive_runners() from public;

create or replace function desk.task_capability(p_kind text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select case p_kind
    when 'suggest' then 'optuna'
    when 'load_prices' then 'prices'
    when 'dbt_refresh' then 'dbt'
    when 'lean_optimization' then 'lean'
  end
$$;
comment on function desk.task_capability(text) is 'What a runner must list among its engines to be given a task of a kind.';
revoke execute on function desk.task_capability(text) from public;

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
  perform desk.publish_strategies(p_strategies);
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
revoke execute on function desk.register_runner(text, integer, text, text[], integer, text, boolean, jsonb) from public;
grant execute on function desk.register_runner(text, integer, text, text[], integer, text, boolean, jsonb) to desk_runner;

create or replace function desk.claimable_runs(p_runner_id bigint)
returns table (optimization_run_id bigint, priority integer)
language sql stable
set search_path = desk, pg_temp
as $$
  -- Higher priority first; of one priority, who waited longest since it was last served.
  select r.id, r.priority
  from desk.runners as n
  join desk.optimization_runs as r on r.engine = any (n.engines)
  join desk.run_progress as p on p.optimization_run_id = r.id
  where n.id = p_runner_id and n.stopped_at is null
    and r.status in ('pending', 'running') and not r.imported and not r.paused and r.run_after <= now()
    and exists (
      select from desk.runner_code as c join desk.code_versions as v on v.id = c.code_version_id
      where c.runner_id = n.id and v.strategy_id = r.strategy_id
        and v.id = coalesce(r.code_version_id, (
          select w.code_version_id from desk.optimization_runs as w where w.id = r.parent_run_id), v.id))
    and exists (
      select from desk.work_items as w
      where w.optimization_run_id = r.id and w.kind = 'points' and w.state = 'waiting' and w.run_after <= now())
  order by r.priority desc, p.last_claimed_at nulls first, r.id
$$;
comment on function desk.claimable_runs(bigint) is 'Runs whose waiting work a runner may have, in the order in which they are served.';
revoke execute on function desk.claimable_runs(bigint) from public;

create or replace function desk.start_run(p_run_id bigint, p_runner_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run     desk.optimization_runs;
  v_version bigint;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  if v_run.status = 'running' and v_run.code_version_id is not null then
    return;
  end if;
  select v.id into v_version
  from desk.runner_code as c join desk.code_versions as v on v.id = c.code_version_id
  where c.runner_id = p_runner_id and v.strategy_id = v_run.strategy_id;
  if v_run.parent_run_id is not null then
    -- All parts of a walk-forward run share its code: the parent's row decides between two runners that come together.
    update desk.optimization_runs
    set code_version_id = coalesce(code_version_id, v_version)
    where id = v_run.parent_run_id
    returning code_version_id into v_version;
  end if;
  -- The status is asked again here, because the run may have been cancelled since it was chosen.
  update desk.optimization_runs
  set status = 'running', code_version_id = coalesce(code_version_id, v_version)
  where id = p_run_id and status in ('pending', 'running');
end
$$;
comment on function desk.start_run(bigint, bigint) is
  'On the first claim a run starts, and is pinned to the code of the runner that made it; a part of a walk-forward run to that of the whole.';
revoke execute on function desk.start_run(bigint, bigint) from public;

create or replace function desk.lock_progress(p_run_ids bigint[])
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  -- Everybody takes locks in one order, so that no two wait for each other: run_progress (the newest run
  -- first, so that a part comes before its walk-forward), work_items, optimization_runs, strategies, jobs.
  select from desk.run_progress as p
  where p.optimization_run_id = any (p_run_ids)
  order by p.optimization_run_id desc
  for no key update
$$;
comment on function desk.lock_progress(bigint[]) is 'Locks the counters of runs, which is the first lock of whoever records, claims, cancels or closes.';
revoke execute on function desk.lock_progress(bigint[]) from public;

create or replace function desk.claim_work(p_runner_id bigint, p_limit integer)
returns table (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_lease  constant interval := make_interval(secs => (desk.setting('lease_seconds') #>> '{}')::float8);
  v_left   integer := p_limit;
  v_served bigint[] := '{}';
  v_runs   bigint[];
  v_run_id bigint;
  v_share  integer;
  v_first  boolean := true;
  v_reused integer;
  v_item   record;
begin
  if not exists (select from desk.runners as n where n.id = p_runner_id and n.stopped_at is null) then
    return;
  end if;
  update desk.runners set heartbeat_at = now() where id = p_runner_id;
  while v_left > 0 loop
    -- Runs of the highest priority share what is left; a further round serves what they leave.
    select array_agg(c.optimization_run_id order by c.place) into v_runs
    from (
      select r.optimization_run_id, r.priority, r.place, max(r.priority) over () as highest
      from desk.claimable_runs(p_runner_id) with ordinality as r (optimization_run_id, priority, place)
      where r.optimization_run_id <> all (v_served)
    ) as c
    where c.priority = c.highest;
    exit when v_runs is null;
    v_served := v_served || v_runs;
    v_share := greatest(1, v_left / cardinality(v_runs));
    -- Waits for locks once, before it holds any; in a later round it passes over what is locked.
    if v_first then
      perform desk.lock_progress(v_runs[1:v_left]);
      v_first := false;
    end if;
    foreach v_run_id in array v_runs loop
      exit when v_left <= 0;
      perform from desk.run_progress as p where p.optimization_run_id = v_run_id for no key update skip locked;
      continue when not found;
      perform desk.start_run(v_run_id, p_runner_id);
      -- Items whose points are all known already are settled on the way, up to twenty rounds of them in one call.
      for v_round in 1 .. 20 loop
        v_reused := 0;
        for v_item in
          with picked as materialized (
            select w.id
            from desk.work_items as w
            where w.optimization_run_id = v_run_id and w.kind = 'points' and w.state = 'waiting' and w.run_after <= now()
            order by w.id
            limit least(v_share, v_left)
            for update skip locked
          )
          update desk.work_items as w
          set state = 'leased', token = gen_random_uuid(), runner_id = p_runner_id, leased_at = now(),
              lease_until = now() + v_lease, running_ordinal = null,
              deadline_at = now() + v_lease
                + (w.last_ordinal - w.first_ordinal + 1) * make_interval(secs => (r.config ->> 'seconds_per_point')::float8)
          from picked, desk.optimization_runs as r
          where w.id = picked.id and w.state = 'waiting' and r.id = v_run_id
          returning w.id, w.token, w.attempt,
            int8multirange(int8range(w.first_ordinal, w.last_ordinal, '[]')) - w.settled as remaining
        loop
          work_item_id := v_item.id;
          token := v_item.token;
          optimization_run_id := v_run_id;
          attempt := v_item.attempt;
          ordinals := desk.reuse_points(v_item.id, v_run_id, p_runner_id, desk.range_members(v_item.remaining));
          if ordinals = '{}' then
            v_reused := v_reused + 1;
            continue;
          end if;
          parameters := (select jsonb_agg(p.parameters order by p.ordinal) from desk.point_parameters(v_run_id, ordinals) as p);
          v_left := v_left - 1;
          return next;
        end loop;
        exit when v_reused = 0 or v_left <= 0;
      end loop;
      update desk.run_progress as p
      set last_claimed_at = clock_timestamp(), due = p.due or p.cut < p.total
      where p.optimization_run_id = v_run_id;
    end loop;
  end loop;
end
$$;
comment on function desk.claim_work(bigint, integer) is
  'Leases work items to a runner, each with a fresh token: priorities first, a fair share between runs of one priority.';
revoke execute on function desk.claim_work(bigint, integer) from public;
grant execute on function desk.claim_work(bigint, integer) to desk_runner;

create or replace function desk.range_members(p_range int8multirange)
returns bigint[]
language sql immutable
set search_path = desk, pg_temp
as $$
  select coalesce(array_agg(m.ordinal order by m.ordinal), '{}')
  from unnest(p_range) as u (piece)
  cross join lateral generate_series(lower(u.piece), upper(u.piece) - 1) as m (ordinal)
$$;
comment on function desk.range_members(int8multirange) is 'The ordinals in a set of ranges.';
revoke execute on function desk.range_members(int8multirange) from public;

create or replace function desk.run_settings(p_run_id bigint)
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select jsonb_build_object(
    'optimization_run_id', r.id, 'strategy', s.name, 'entry_point', s.entry_point, 'engine', r.engine,
    'symbols', r.symbols, 'timeframe', r.timeframe, 'start_date', r.start_date, 'end_date', r.end_date,
    'cash', r.cash, 'commission', r.config -> 'commission', 'slippage', r.config -> 'slippage', 'seed', r.seed,
    'data_hash', r.data_hash, 'code_hash', v.code_hash, 'stock', r.config -> 'stock',
    'seconds_per_point', r.config -> 'seconds_per_point', 'memory_mb', r.config -> 'memory_mb',
    'keep_series', r.config -> 'keep_series', 'warm_up_bars', r.warm_up_bars, 'block_count', 16)
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  left join desk.code_versions as v on v.id = r.code_version_id
  where r.id = p_run_id and not r.imported
$$;
comment on function desk.run_settings(bigint) is 'What a runner needs to know of a run besides its points.';
revoke execute on function desk.run_settings(bigint) from public;
grant execute on function desk.run_settings(bigint) to desk_runner;

create or replace function desk.heartbeat(p_runner_id bigint, p_running jsonb, p_memory_mb numeric)
returns table (work_item_id bigint, reason text)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  update desk.runners set heartbeat_at = now(), memory_mb = p_memory_mb where id = p_runner_id and stopped_at is null;
  -- In id order, as every function that locks several items: two of them cannot wait for each other.
  perform from desk.work_items as w
  where w.id in (select h.work_item_id from jsonb_to_recordset(p_running) as h (work_item_id bigint))
  order by w.id
  for update;
  update desk.work_items as w
  set lease_until = now() + make_interval(secs => (desk.setting('lease_seconds') #>> '{}')::float8),
      running_ordinal = h.ordinal
  from jsonb_to_recordset(p_running) as h (work_item_id bigint, token uuid, ordinal bigint)
  where w.id = h.work_item_id and w.state = 'leased' and w.token = h.token and w.runner_id = p_runner_id;
  return query
  select h.work_item_id, coalesce(case when w.state = 'leased' then 'taken over' else w.state end, 'unknown')
  from jsonb_to_recordset(p_running) as h (work_item_id bigint, token uuid)
  left join desk.work_items as w on w.id = h.work_item_id
  where w.id is null or w.state <> 'leased' or w.token is distinct from h.token;
end
$$;
comment on function desk.heartbeat(bigint, jsonb, numeric) is
  'A runner is alive, holds these items and executes these points; answers the items that it no longer holds, and why.';
revoke execute on function desk.heartbeat(bigint, jsonb, numeric) from public;
grant execute on function desk.heartbeat(bigint, jsonb, numeric) to desk_runner;

create or replace function desk.release_work(p_runner_id bigint)
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_count integer;
begin
  with released as (
    update desk.work_items as w
    set state = 'waiting', token = null, lease_until = null, deadline_at = null, running_ordinal = null
    where w.runner_id = p_runner_id and w.state = 'leased'
    returning w.id, w.job_id, w.optimization_run_id
  ), noted as (
    insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, from_state, to_state)
    select coalesce(i.job_id, r.job_id), r.id, i.id, p_runner_id, 'release', 'leased', 'waiting'
    from released as i left join desk.optimization_runs as r on r.id = i.optimization_run_id
    returning 1
  )
  select count(*) into v_count from noted;
  if v_count > 0 then
    notify desk_work;
  end if;
  return v_count;
end
$$;
comment on function desk.release_work(bigint) is 'Gives back all that a runner holds, uncharged.';
revoke execute on function desk.release_work(bigint) from public;
grant execute on function desk.release_work(bigint) to desk_runner;

create or replace function desk.stop_runner(p_runner_id bigint)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.release_work(p_runner_id);
  update desk.runners set stopped_at = now() where id = p_runner_id and stopped_at is null;
end
$$;
comment on function desk.stop_runner(bigint) is 'A runner says goodbye; what it still holds is given back.';
revoke execute on function desk.stop_runner(bigint) from public;
grant execute on function desk.stop_runner(bigint) to desk_runner;

create or replace function desk.reap_expired()
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item    desk.work_items;
  v_clock   text;
  v_left    int8multirange;
  v_suspect bigint;
  v_count   integer := 0;
begin
  for v_item in
    select w.*
    from desk.work_items as w
    where w.state = 'leased' and (w.lease_until < now() or w.deadline_at < now())
    order by w.id
    limit 100
  loop
    -- Waits for nobody: what is locked is looked at the next time.
    if v_item.optimization_run_id is not null then
      perform from desk.run_progress as p where p.optimization_run_id = v_item.optimization_run_id for no key update skip locked;
      continue when not found;
    end if;
    select w.* into v_item
    from desk.work_items as w
    where w.id = v_item.id and w.state = 'leased' and (w.lease_until < now() or w.deadline_at < now())
    for update skip locked;
    continue when not found;
    v_clock := case when v_item.lease_until < now() then 'heartbeat' else 'deadline' end;
    v_left := case when v_item.kind = 'points'
      then int8multirange(int8range(v_item.first_ordinal, v_item.last_ordinal, '[]')) - v_item.settled end;
    v_suspect := case when v_left @> v_item.running_ordinal then v_item.running_ordinal else lower(v_left) end;
    update desk.work_items
    set state = 'expired', token = null, lease_until = null, deadline_at = null
    where id = v_item.id;
    insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, from_state, to_state, details)
    values (coalesce(v_item.job_id, (select r.job_id from desk.optimization_runs as r where r.id = v_item.optimization_run_id)),
      v_item.optimization_run_id, v_item.id, v_item.runner_id, 'expiry', 'leased', 'expired',
      jsonb_strip_nulls(jsonb_build_object('clock', v_clock, 'attempt', v_item.attempt, 'suspect', v_suspect)));
    if v_item.kind <> 'points' then
      perform desk.retry_or_fail_task(v_item, format('the %s clock ran out', v_clock), true);
    elsif v_suspect is not null then
      perform desk.reissue_point(v_item, v_suspect,
        case v_clock when 'heartbeat' then 'infrastructure' else 'deadline' end,
        case v_clock when 'heartbeat' then 'the runner was not heard of any more' else 'the attempt took too long' end);
      insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
      select v_item.optimization_run_id, lower(u.piece), upper(u.piece) - 1
      from unnest(v_left - int8multirange(int8range(v_suspect, v_suspect, '[]'))) as u (piece)
      order by 2;
    end if;
    v_count := v_count + 1;
  end loop;
  if v_count > 0 then
    notify desk_work;
  end if;
  return v_count;
end
$$;
comment on function desk.reap_expired() is
  'Takes work from runners that are dead (heartbeat) or too slow (deadline): the point that was running is charged and issued again alone, the rest uncharged.';
revoke execute on function desk.reap_expired() from public;
grant execute on function desk.reap_expired() to desk_runner;

create or replace function desk.reissue_point(p_item desk.work_items, p_ordinal bigint, p_kind text, p_error text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  -- A memory limit and a deadline are nearly always the point's own doing: once more, alone, is enough.
  v_attempts constant integer := case when p_kind in ('memory', 'deadline') then 2 else (desk.setting('max_attempts') #>> '{}')::integer end;
  v_backoff  constant interval := make_interval(
    secs => (desk.setting('retry_seconds') #>> '{}')::float8 * 2 ^ least(p_item.attempt - 1, 10));
begin
  if p_item.attempt >= v_attempts then
    perform desk.record_failure(p_item, p_ordinal, p_kind, format('%s (attempt %s of %s)', p_error, p_item.attempt, v_attempts));
    return 'failed';
  end if;
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, attempt, run_after, last_error)
  values (p_item.optimization_run_id, p_ordinal, p_ordinal, p_item.attempt + 1, now() + v_backoff, left(p_error, 4000));
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'retry',
         jsonb_build_object('ordinal', p_ordinal, 'attempt', p_item.attempt, 'kind', p_kind, 'error', left(p_error, 500))
  from desk.optimization_runs as r where r.id = p_item.optimization_run_id;
  return 'retried';
end
$$;
comment on function desk.reissue_point(desk.work_items, bigint, text, text) is
  'Charges a point with an attempt and issues it again alone after a backoff, or records it as failed when its attempts are used up.';
revoke execute on function desk.reissue_point(desk.work_items, bigint, text, text) from public;

create or replace function desk.open_work()
returns bigint
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- A run is open work until it is closed, also while its next points are still to be planned.
  select coalesce(sum(greatest(1, p.total - p.finished - p.failed)), 0)::bigint
  from desk.optimization_runs as r
  join desk.run_progress as p on p.optimization_run_id = r.id
  where r.status in ('pending', 'running') and not r.imported and not r.paused and r.run_after <= now()
$$;
comment on function desk.open_work() is 'Points that are not recorded yet in runs that may be worked on now.';
revoke execute on function desk.open_work() from public;
grant execute on function desk.open_work() to desk_runner, desk_director, desk_viewer;

create or replace function desk.open_work(p_runner_id bigint)
returns bigint
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select coalesce(sum(greatest(1, p.total - p.finished - p.failed)), 0)::bigint
  from desk.runners as n
  join desk.optimization_runs as r on r.engine = any (n.engines)
  join desk.run_progress as p on p.optimization_run_id = r.id
  where n.id = p_runner_id
    and r.status in ('pending', 'running') and not r.imported and not r.paused and r.run_after <= now()
    and exists (
      select from desk.runner_code as c join desk.code_versions as v on v.id = c.code_version_id
      where c.runner_id = n.id and v.strategy_id = r.strategy_id
        and (r.code_version_id is null or r.code_version_id = v.id))
    and not exists (
      select from desk.work_items as w
      where w.optimization_run_id = r.id and w.state = 'waiting' and desk.task_capability(w.kind) <> all (n.engines))
$$;
comment on function desk.open_work(bigint) is
  'The same, counting only runs whose engine and code a runner has, and that wait for no task it cannot do: with none left, draining is over.';
revoke execute on function desk.open_work(bigint) from public;
grant execute on function desk.open_work(bigint) to desk_runner;

grant select on desk.runners, desk.runner_code, desk.work_items to desk_director, desk_viewer;
