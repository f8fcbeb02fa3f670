-- Leases: a heartbeat keeps them (lease renewal), a runner gives them back, and what a dead or slow one holds
-- is taken from it.

create or replace function desk.give_back(p_runner_id bigint, p_item_ids bigint[])
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_count integer;
begin
  if cardinality(p_item_ids) = 0 then
    return 0;
  end if;
  perform desk.lock_progress_of(p_item_ids);
  perform from desk.work_items as w where w.id = any (p_item_ids) order by w.id for update;
  with released as (
    update desk.work_items as w
    set state = 'waiting', token = null, lease_until = null, deadline_at = null, running_ordinal = null
    where w.id = any (p_item_ids) and w.runner_id = p_runner_id and w.state = 'leased'
    returning w.id, w.job_id, w.optimization_run_id
  ), lowered as (
    update desk.run_progress as p
    set claim_from = least(p.claim_from, i.id)
    from (select r.optimization_run_id, min(r.id) as id from released as r group by 1) as i
    where p.optimization_run_id = i.optimization_run_id
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
comment on function desk.give_back(bigint, bigint[]) is 'Items that a runner holds wait again, uncharged.';

create or replace function desk.heartbeat(p_runner_id bigint, p_running jsonb, p_memory_mb numeric)
returns table (work_item_id bigint, reason text)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_lease constant interval := make_interval(secs => desk.lease_seconds());
  v_busy  constant boolean := exists (select from jsonb_to_recordset(p_running) as h (ordinal bigint)
    where h.ordinal is not null);
begin
  update desk.runners set heartbeat_at = now(), memory_mb = p_memory_mb where id = p_runner_id and stopped_at is null;
  -- What the desk takes it to hold and it does not name came in an answer that was lost on the way.
  perform desk.give_back(p_runner_id, array(
    select w.id
    from desk.work_items as w
    where w.runner_id = p_runner_id and w.state = 'leased' and w.kind = 'points' and not exists (
      select from jsonb_to_recordset(p_running) as h (work_item_id bigint, token uuid) where h.work_item_id = w.id
        and h.token = w.token)));
  with held as materialized (
    select w.id, h.ordinal, (r.config ->> 'seconds_per_point')::float8 * interval '1 second' as point_time
    from jsonb_to_recordset(p_running) as h (work_item_id bigint, token uuid, ordinal bigint)
    join desk.work_items as w on w.id = h.work_item_id
    left join desk.optimization_runs as r on r.id = w.optimization_run_id and w.kind = 'points'
    where w.state = 'leased' and w.token = h.token and w.runner_id = p_runner_id
    -- Whoever holds one of them is about to end its lease; waiting for it would hold up all the others.
    for no key update of w skip locked
  )
  update desk.work_items as w
  set lease_until = now() + v_lease,
      running_ordinal = h.ordinal,
      -- The deadline is of the point that is running; an item behind others has not begun to take long.
      deadline_at = case
        when h.ordinal is distinct from w.running_ordinal and h.ordinal is not null
          then coalesce(now() + v_lease + h.point_time, w.deadline_at)
        when h.ordinal is null and v_busy then greatest(w.deadline_at, now() + v_lease + h.point_time)
        else w.deadline_at end
  from held as h
  where w.id = h.id;
  return query
  select h.work_item_id, coalesce(case when w.state = 'leased' then 'taken over' else w.state end, 'unknown')
  from jsonb_to_recordset(p_running) as h (work_item_id bigint, token uuid)
  left join desk.work_items as w on w.id = h.work_item_id
  where w.id is null or w.state <> 'leased' or w.token is distinct from h.token;
end
$$;
comment on function desk.heartbeat(bigint, jsonb, numeric) is
  'A runner is alive, holds these items and executes these points; answers the items that it no longer holds, and '
  'why. What it does not name it gives back.';
grant execute on function desk.heartbeat(bigint, jsonb, numeric) to desk_runner;

drop function if exists desk.release_work(bigint);
create or replace function desk.release_work(p_runner_id bigint, p_item_ids bigint[] default null)
returns integer
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  select desk.give_back(p_runner_id, array(
    select w.id from desk.work_items as w
    where w.runner_id = p_runner_id and w.state = 'leased' and (p_item_ids is null or w.id = any (p_item_ids))))
$$;
comment on function desk.release_work(bigint, bigint[]) is
  'Gives back what a runner holds, or only some items of it, uncharged.';
grant execute on function desk.release_work(bigint, bigint[]) to desk_runner;

create or replace function desk.stop_runner(p_runner_id bigint)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  update desk.runners set stopped_at = now() where id = p_runner_id and stopped_at is null;
  perform desk.release_work(p_runner_id);
end
$$;
comment on function desk.stop_runner(bigint) is 'A runner says goodbye; what it still holds is given back.';
grant execute on function desk.stop_runner(bigint) to desk_runner;

create or replace function desk.expired_items()
returns table (id bigint, optimization_run_id bigint, job_id bigint, kind text, before_it bigint, clock text)
language sql stable
set search_path = desk, pg_temp
as $$
  -- While the server was down nobody could be heard: what was leased before gets a whole lease from its start on.
  select w.id, w.optimization_run_id, w.job_id, w.kind,
         (select count(*) from desk.work_items as o
          where o.runner_id = w.runner_id and o.state = 'leased' and o.leased_at < w.leased_at),
         case when w.lease_until < now() then 'heartbeat' else 'deadline' end
  from desk.work_items as w
  where w.state = 'leased' and (w.lease_until < now() or w.deadline_at < now())
    and (w.leased_at > pg_postmaster_start_time() or now() > pg_postmaster_start_time() + make_interval(
      secs => desk.lease_seconds()))
  order by w.id
  limit 100
$$;
comment on function desk.expired_items() is
  'Items whose lease or deadline is over, by which clock, and how many their runner had taken up before each.';

create or replace function desk.reap_points(p_item desk.work_items, p_clock text, p_begun boolean)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_left    constant int8multirange := int8multirange(
    int8range(p_item.first_ordinal, p_item.last_ordinal, '[]')) - p_item.settled;
  v_suspect constant bigint := case
    when v_left @> p_item.running_ordinal then p_item.running_ordinal
    when p_begun or p_item.running_ordinal is not null then lower(v_left) end;
  v_state   constant text := case when v_suspect is null then 'waiting' else 'expired' end;
begin
  update desk.work_items
  set state = v_state, token = null, lease_until = null, deadline_at = null, running_ordinal = null
  where id = p_item.id;
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, from_state, to_state,
    details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'expiry', 'leased', v_state,
         jsonb_strip_nulls(jsonb_build_object('clock', p_clock, 'attempt', p_item.attempt, 'suspect', v_suspect))
  from desk.optimization_runs as r where r.id = p_item.optimization_run_id;
  if v_suspect is null then
    update desk.run_progress set claim_from = least(claim_from, p_item.id)
      where optimization_run_id = p_item.optimization_run_id;
    return;
  end if;
  perform desk.reissue_point(p_item, v_suspect,
    case p_clock when 'heartbeat' then 'infrastructure' else 'deadline' end,
    case p_clock when 'heartbeat' then 'the runner was not heard of any more' else 'the attempt took too long' end);
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
  select p_item.optimization_run_id, lower(u.piece), upper(u.piece) - 1
  from unnest(v_left - int8multirange(int8range(v_suspect, v_suspect, '[]'))) as u (piece)
  order by 2;
end
$$;
comment on function desk.reap_points(desk.work_items, text, boolean) is
  'Takes an item from its runner: the point that ran, or else the first open one, is charged and issued again alone, '
  'the rest uncharged. An item that cannot have begun waits again as it is.';

create or replace function desk.reap_expired()
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_expired record;
  v_item    desk.work_items;
  v_count   integer := 0;
begin
  perform desk.follow_clock();
  -- Waits for locks once, before it holds any; what is locked later is looked at the next time.
  perform desk.lock_progress(array(select distinct e.optimization_run_id from desk.expired_items() as e));
  for v_expired in select e.* from desk.expired_items() as e loop
    if v_expired.optimization_run_id is not null then
      perform from desk.run_progress as p where p.optimization_run_id
        = v_expired.optimization_run_id for no key update skip locked;
    elsif v_expired.job_id is not null then
      perform from desk.jobs as j where j.id = v_expired.job_id for no key update skip locked;
    else
      perform from desk.work_items as w where w.id = v_expired.id;
    end if;
    continue when not found;
    select w.* into v_item
    from desk.work_items as w
    where w.id = v_expired.id and w.state = 'leased' and (w.lease_until < now() or w.deadline_at < now())
    for update skip locked;
    continue when not found;
    v_count := v_count + 1;
    if v_item.kind = 'points' then
      perform desk.reap_points(v_item, v_expired.clock, v_expired.clock = 'deadline' or v_expired.before_it < coalesce((
        select n.processes from desk.runners as n where n.id = v_item.runner_id), 1));
      continue;
    end if;
    update desk.work_items set state = 'expired', token = null, lease_until = null, deadline_at = null
      where id = v_item.id;
    insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, from_state, to_state,
      details)
    values (coalesce(v_item.job_id, (select r.job_id from desk.optimization_runs as r
      where r.id = v_item.optimization_run_id)),
      v_item.optimization_run_id, v_item.id, v_item.runner_id, 'expiry', 'leased', 'expired',
      jsonb_build_object('clock', v_expired.clock, 'attempt', v_item.attempt));
    perform desk.retry_or_fail_task(v_item, format('the %s clock ran out', v_expired.clock), true);
    -- It may have closed a run, which locks a strategy and a job: nothing that is locked before those may follow.
    exit;
  end loop;
  perform desk.lower_claim_marks();
  if v_count > 0 then
    notify desk_work;
  end if;
  return v_count;
end
$$;
comment on function desk.reap_expired() is
  'Takes work from runners that are dead (heartbeat) or too slow (deadline); to be called until it answers 0.';
grant execute on function desk.reap_expired() to desk_runner;

create or replace function desk.lower_claim_marks()
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run_id bigint;
begin
  -- Everything that makes an item wait lowers the mark itself; this is the net below, for hands that do not.
  for v_run_id in
    select p.optimization_run_id
    from desk.run_progress as p
    join desk.optimization_runs as r on r.id = p.optimization_run_id
    where r.is_open and p.claim_from > 0 and p.swept_at < now() - interval '30 seconds'
    limit 20
    for no key update of p skip locked
  loop
    update desk.run_progress as p
    set swept_at = now(), claim_from = least(p.claim_from, (
      select min(w.id) from desk.work_items as w
      where w.optimization_run_id = v_run_id and w.attempt = 1 and w.kind = 'points' and w.state = 'waiting'))
    where p.optimization_run_id = v_run_id;
  end loop;
end
$$;
comment on function desk.lower_claim_marks() is
  'Twice a minute, looks for waiting items below the mark from which claims begin.';

create or replace function desk.reissue_point(p_item desk.work_items, p_ordinal bigint, p_kind text, p_error text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  -- A memory limit and a deadline are nearly always the point's own doing: once more, alone, is enough.
  v_attempts constant integer := case
    when p_kind in ('memory', 'deadline') then 2
    when p_kind = 'infrastructure' then (desk.setting('max_lost_attempts') #>> '{}')::integer
    else (desk.setting('max_attempts') #>> '{}')::integer end;
  v_backoff  constant interval := make_interval(
    secs => (desk.setting('retry_seconds') #>> '{}')::float8 * 2 ^ least(p_item.attempt - 1, 10));
begin
  if p_item.attempt >= v_attempts then
    perform desk.record_failure(p_item, p_ordinal, p_kind,
      format('%s (attempt %s of %s)', p_error, p_item.attempt, v_attempts));
    return 'failed';
  end if;
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, attempt, run_after, last_error)
  values (p_item.optimization_run_id, p_ordinal, p_ordinal, p_item.attempt + 1, now() + v_backoff, left(p_error, 4000));
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'retry',
         jsonb_build_object('ordinal', p_ordinal, 'attempt', p_item.attempt, 'kind', p_kind, 'error',
           left(p_error, 500))
  from desk.optimization_runs as r where r.id = p_item.optimization_run_id;
  return 'retried';
end
$$;
comment on function desk.reissue_point(desk.work_items, bigint, text, text) is
  'Charges a point with an attempt and issues it again alone after a backoff, or records it as failed when its '
  'attempts are used up.';
