-- A server's clock that was set back: what was written by the one before would count for as long as it was ahead.

create or replace function desk.follow_clock()
returns void
language plpgsql volatile
set search_path = desk, pg_temp set enable_seqscan = off
as $$
declare
  -- Not the transaction's time: others may have been heard of since it began.
  v_now    constant timestamptz := clock_timestamp();
  v_runner record;
  v_items  bigint[];
begin
  for v_runner in
    select r.id, r.heartbeat_at - v_now as step from desk.runners as r
    where r.stopped_at is null and r.heartbeat_at > v_now + interval '1 second'
    for no key update skip locked
  loop
    v_items := array(
      select w.id from desk.work_items as w
      where w.runner_id = v_runner.id and w.state = 'leased'
      for no key update skip locked);
    -- All of a runner's leases or none, so that none moves twice.
    continue when exists (
      select from desk.work_items as w
      where w.runner_id = v_runner.id and w.state = 'leased' and w.id <> all (v_items));
    update desk.work_items as w
    set lease_until = w.lease_until - v_runner.step, deadline_at = w.deadline_at - v_runner.step,
        leased_at = least(w.leased_at, v_now)
    where w.id = any (v_items);
    update desk.runners as r set heartbeat_at = v_now where r.id = v_runner.id;
  end loop;
  update desk.work_items as w
  set run_after = w.run_after - (w.created_at - v_now), created_at = v_now
  where w.id = any (array(
    select o.id from desk.work_items as o
    where o.state = 'waiting' and o.kind = 'points' and o.attempt > 1 and o.created_at > v_now + interval '1 second'
    for no key update skip locked) || array(
    select o.id from desk.work_items as o
    where o.state = 'waiting' and o.kind <> 'points' and o.created_at > v_now + interval '1 second'
    for no key update skip locked));
end
$$;
comment on function desk.follow_clock() is
  'Where the server''s clock was set back: heartbeats ahead of it count as of now, with them the leases, deadlines and '
  'waits that were counted from there, so that a runner that died is missed within a lease and one that lives loses '
  'nothing.';

create or replace function desk.clock_ahead()
returns interval
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(greatest(
    (select max(r.heartbeat_at) from desk.runners as r),
    (select max(e.happened_at) from desk.job_events as e),
    (select max(p.beat_at) from desk.session_processes as p),
    (select max(l.beat_at) from desk.account_links as l)) - clock_timestamp(), '0')
$$;
comment on function desk.clock_ahead() is
  'How far the newest thing that was written down lies ahead of the server''s clock; below zero where it does not.';
grant execute on function desk.clock_ahead() to desk_director, desk_viewer;
