-- Claims: which runs a runner may serve, and the work that it is leased. Leases are in the next file.

drop function if exists desk.claimable_runs(bigint);
create or replace function desk.claimable_runs(p_runner_id bigint, p_served bigint[], out runs bigint[],
  out any_starts boolean)
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  select array_agg(c.id order by c.last_claimed_at nulls first, c.id), bool_or(c.starts)
  into runs, any_starts
  from (
    select r.id, r.priority, p.last_claimed_at, r.status = 'pending' or r.code_version_id is null as starts,
           max(r.priority) over () as highest
    from desk.runners as n
    join desk.optimization_runs as r on r.engine = any (n.engines)
    join desk.run_progress as p on p.optimization_run_id = r.id
    join desk.run_versions as v on v.optimization_run_id = r.id
    where n.id = p_runner_id and n.stopped_at is null and r.id <> all (p_served)
      and r.is_open and not r.imported and not r.paused and r.run_after <= now()
      and (v.pinned or n.files_error is null)
      and (not r.bulk or 'bulk' = any (n.engines))
      and exists (
        select from desk.runner_code as c where c.runner_id = n.id and c.code_version_id = v.code_version_id)
      -- The first by its index, and not whether one exists: for that a scan of the table can look cheaper.
      and coalesce((
          select w.id from desk.work_items as w
          where w.optimization_run_id = r.id and w.id >= p.claim_from and w.attempt = 1 and w.kind = 'points'
            and w.state = 'waiting'
          order by w.id limit 1), (
          select w.id from desk.work_items as w
          where w.optimization_run_id = r.id and w.run_after <= now() and w.attempt > 1 and w.kind = 'points'
            and w.state = 'waiting'
          order by w.run_after limit 1)) is not null
  ) as c
  where c.priority = c.highest;
end
$$;
comment on function desk.claimable_runs(bigint, bigint[]) is
  'Of the runs whose waiting work a runner may have, without those served already, the ones of the highest priority: '
  'who waited longest since it was last served comes first (fair share). And whether one of them starts by a claim.';

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
  -- Asked again: other code may have become current since the run was chosen.
  select v.code_version_id into v_version
  from desk.run_versions as v
  join desk.runner_code as c on c.runner_id = p_runner_id and c.code_version_id = v.code_version_id
  where v.optimization_run_id = p_run_id;
  if not found then
    return;
  end if;
  if v_run.parent_run_id is not null then
    -- All parts of a walk-forward run share its code: the parent's row decides between two runners that come together.
    update desk.optimization_runs
    set code_version_id = coalesce(code_version_id, v_version)
    where id = v_run.parent_run_id
    returning code_version_id into v_version;
  end if;
  -- The status is asked again here, because the run may have been cancelled or paused since it was chosen.
  update desk.optimization_runs
  set status = 'running', code_version_id = coalesce(code_version_id, v_version)
  where id = p_run_id and is_open and not paused;
  if v_run.parent_run_id is null then
    perform desk.ask_probe(v_version, p_run_id);
    perform desk.ask_comparison(v_version, p_run_id);
  end if;
end
$$;
comment on function desk.start_run(bigint, bigint) is
  'On the first claim a run starts, and is pinned to the current code, which the runner that made it has; a part of a '
  'walk-forward run to that of the whole.';

create or replace function desk.lock_progress(p_run_ids bigint[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  -- Everybody takes locks in one order, so that no two wait for each other: run_progress (the newest run
  -- first, so that a part comes before its walk-forward), work_items, optimization_runs, strategies, jobs.
  perform from desk.run_progress as p
  where p.optimization_run_id = any (p_run_ids)
  order by p.optimization_run_id desc
  for no key update;
end
$$;
comment on function desk.lock_progress(bigint[]) is
  'Locks the counters of runs, which is the first lock of whoever records, claims, cancels or closes.';

create or replace function desk.lock_free_progress(p_run_ids bigint[])
returns bigint[]
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_locked bigint[];
begin
  -- Looked at again and again instead of waited for, since a lock that times out costs a subtransaction.
  for v_try in 1 .. 60 loop
    v_locked := array(
      select p.optimization_run_id from desk.run_progress as p
      where p.optimization_run_id = any (p_run_ids)
      order by p.optimization_run_id desc
      for no key update skip locked);
    exit when cardinality(v_locked) > 0 or cardinality(p_run_ids) = 0;
    perform pg_sleep(0.005);
  end loop;
  return v_locked;
end
$$;
comment on function desk.lock_free_progress(bigint[]) is
  'Locks those counters that nobody holds, once one is free or 0.3 s are over; answers which.';

create or replace function desk.lock_free_strategy(p_strategy_id bigint)
returns boolean
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  for v_try in 1 .. 60 loop
    perform from desk.strategies as s where s.id = p_strategy_id for no key update skip locked;
    if found then
      return true;
    end if;
    perform pg_sleep(0.005);
  end loop;
  return false;
end
$$;
comment on function desk.lock_free_strategy(bigint) is
  'Locks a strategy, once it is free or 0.3 s are over; false where somebody holds it.';

create or replace function desk.lock_progress_of(p_item_ids bigint[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  perform desk.lock_progress(array(select w.optimization_run_id from desk.work_items as w
    where w.id = any (p_item_ids)));
end
$$;
comment on function desk.lock_progress_of(bigint[]) is 'lock_progress() for the runs of work items.';

drop function if exists desk.lease_items(bigint, bigint, integer, interval);
create or replace function desk.lease_items(
  p_run_id bigint, p_runner_id bigint, p_limit integer, p_lease interval, p_point_time interval, p_has_retries boolean)
returns bigint[]
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_retry bigint[] := '{}';
  v_fresh bigint[];
begin
  -- Retries first: they are few, and hold up the end of their run.
  if p_has_retries then
    v_retry := array(
      select w.id
      from desk.work_items as w
      where w.optimization_run_id = p_run_id and w.attempt > 1 and w.kind = 'points' and w.state = 'waiting'
        and w.run_after <= now()
      order by w.run_after
      limit p_limit
      for update skip locked);
  end if;
  -- Below claim_from nothing waits: without it a claim would walk over every item claimed before, for as long as
  -- somebody's old snapshot keeps their index entries.
  v_fresh := array(
    select w.id
    from desk.work_items as w
    where w.optimization_run_id = p_run_id
      and w.id >= (select p.claim_from from desk.run_progress as p where p.optimization_run_id = p_run_id)
      and w.attempt = 1 and w.kind = 'points' and w.state = 'waiting'
    order by w.id
    limit p_limit - cardinality(v_retry)
    for update skip locked);
  update desk.run_progress as p
  set claim_from = coalesce(v_fresh[cardinality(v_fresh)] + 1, p.claim_from), last_claimed_at = clock_timestamp(),
      due = p.due or p.cut < p.total
  where p.optimization_run_id = p_run_id;
  update desk.work_items as w
  -- The clock, not the transaction's time: items of one claim keep the order in which their runner takes them up.
  set state = 'leased', token = gen_random_uuid(), runner_id = p_runner_id, leased_at = clock_timestamp(),
      lease_until = now() + p_lease, running_ordinal = null,
      deadline_at = now() + p_lease + (w.last_ordinal - w.first_ordinal + 1) * p_point_time
  where w.id = any (v_retry || v_fresh) and w.state = 'waiting';
  return v_retry || v_fresh;
end
$$;
comment on function desk.lease_items(bigint, bigint, integer, interval, interval, boolean) is
  'Leases waiting items of a run to a runner, each with a fresh (fencing) token, and answers their ids; the caller '
  'holds the run''s counters.';

create or replace function desk.leased_work(p_run_id bigint, p_item_ids bigint[])
returns table (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[],
  parameters jsonb)
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if (select r.bulk from desk.optimization_runs as r where r.id = p_run_id) then
    return query
    select w.id, w.token, p_run_id, w.attempt, array_agg(e.ordinal order by e.ordinal), null::jsonb
    from desk.work_items as w
    cross join lateral unnest(int8multirange(int8range(w.first_ordinal, w.last_ordinal, '[]')) - w.settled) as u (piece)
    cross join lateral unnest(array[lower(u.piece), upper(u.piece) - 1]) as e (ordinal)
    where w.id = any (p_item_ids) and w.token is not null
    group by w.id
    order by w.leased_at, w.id;
    return;
  end if;
  return query
  with points as materialized (
    select w.id, w.token, w.attempt, w.leased_at, o.ordinal
    from desk.work_items as w
    cross join lateral unnest(int8multirange(int8range(w.first_ordinal, w.last_ordinal, '[]')) - w.settled) as u (piece)
    cross join lateral generate_series(lower(u.piece), upper(u.piece) - 1) as o (ordinal)
    -- Leased is what has a token. Of the state a planner would make a scan of all that is leased.
    where w.id = any (p_item_ids) and w.token is not null
  )
  select p.id, p.token, p_run_id, p.attempt, array_agg(p.ordinal order by p.ordinal),
         ('[' || string_agg(d.parameters, ',' order by p.ordinal) || ']')::jsonb
  from points as p
  join desk.point_texts(p_run_id, array(select o.ordinal from points as o)) as d on d.ordinal = p.ordinal
  group by p.id, p.token, p.attempt, p.leased_at
  order by p.leased_at, p.id;
end
$$;
comment on function desk.leased_work(bigint, bigint[]) is
  'The open points of leased items of a run, with their parameters, in the order in which the items were leased. Of a '
  'bulk run ordinals are the first and the last of each open range, and parameters are null: see bulk_plan().';

drop function if exists desk.claim_work(bigint, integer);
create or replace function desk.claim_work(p_runner_id bigint, p_limit integer, p_waits boolean default true)
returns table (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[],
  parameters jsonb)
language plpgsql volatile security definer
set search_path = desk, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  v_runner record;
  v_left   integer := p_limit;
  v_served bigint[] := '{}';
  v_locked bigint[] := '{}';
  v_first  boolean := true;
  v_next   record;
  v_run_id bigint;
  v_share  integer;
  v_run    record;
  v_items  bigint[];
  v_given  integer;
begin
  select make_interval(secs => desk.lease_seconds()) as lease, n.heartbeat_at < now() - interval '1 second' as silent
  into v_runner
  from desk.runners as n where n.id = p_runner_id and n.stopped_at is null;
  if not found then
    return;
  end if;
  -- Not at every claim: versions of one hot row pile up where somebody holds an old snapshot.
  if v_runner.silent then
    update desk.runners set heartbeat_at = now() where id = p_runner_id;
  end if;
  while v_left > 0 loop
    -- Runs of the highest priority share what is left; a further round serves what they leave.
    v_next := desk.claimable_runs(p_runner_id, v_served);
    exit when v_next.runs is null;
    v_served := v_served || v_next.runs;
    -- Waits for counters once, before it holds any, and not for long: what a transaction that was left open holds is
    -- passed over. In a later round, or where the caller holds some, it passes over all that is locked.
    if v_first and p_waits then
      v_locked := desk.lock_free_progress(v_next.runs[1:v_left]);
    end if;
    v_first := false;
    for i in 1 .. cardinality(v_next.runs) loop
      exit when v_left <= 0;
      v_run_id := v_next.runs[i];
      -- Of what is left, so that what one run does not use goes to those behind it.
      v_share := ceil(v_left::numeric / (cardinality(v_next.runs) - i + 1));
      if v_run_id <> all (v_locked) then
        perform from desk.run_progress as p where p.optimization_run_id = v_run_id for no key update skip locked;
        continue when not found;
      end if;
      if v_next.any_starts then
        -- A run that starts moves its strategy: one that somebody holds is passed over with its run.
        perform from desk.optimization_runs as r
        where r.id = v_run_id and r.status = 'pending' and r.parent_run_id is null
          and not desk.lock_free_strategy(r.strategy_id);
        continue when found;
        perform desk.start_run(v_run_id, p_runner_id);
      end if;
      -- Asked again under the lock: it may have been cancelled or paused while this claim waited.
      select make_interval(secs => (r.config ->> 'seconds_per_point')::float8) as point_time,
             exists (
               select from desk.work_items as w
               where w.optimization_run_id = r.id and w.attempt > 1 and w.kind = 'points'
                 and w.state = 'waiting') as has_retries,
             -- Without another run of the same code, prices and settings no point of it can be known.
             not r.bulk and exists (
               select from desk.optimization_runs as o
               where o.strategy_id = r.strategy_id and o.id <> r.id and o.code_version_id = r.code_version_id
                 and o.data_hash = r.data_hash and o.settings_hash = r.settings_hash) as has_twins
      into v_run
      from desk.optimization_runs as r
      where r.id = v_run_id and r.status = 'running' and not r.paused and r.code_version_id is not null;
      continue when not found;
      -- Items whose points are all known already are settled on the way, up to twenty rounds of them in one call.
      for v_round in 1 .. 20 loop
        v_items := desk.lease_items(
          v_run_id, p_runner_id, least(v_share, v_left), v_runner.lease, v_run.point_time, v_run.has_retries);
        if v_run.has_twins then
          perform desk.reuse_points(v_run_id, p_runner_id, v_items);
        end if;
        return query select w.* from desk.leased_work(v_run_id, v_items) as w;
        get diagnostics v_given = row_count;
        v_left := v_left - v_given;
        exit when v_given = cardinality(v_items) or v_left <= 0;
      end loop;
    end loop;
  end loop;
end
$$;
comment on function desk.claim_work(bigint, integer, boolean) is
  'Leases work items to a runner, each with a fresh token: priorities first, a fair share between runs of one '
  'priority. Runs that others lock are waited for, or passed over.';
grant execute on function desk.claim_work(bigint, integer, boolean) to desk_runner;

drop function if exists desk.range_members(int8multirange);

grant select on desk.work_items to desk_director, desk_viewer;
