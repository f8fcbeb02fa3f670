-- Leases, deadlines and what becomes of work whose runner is gone.

select plan(48);
select tap.given_desk();
create temporary table held (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb);
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.item(p_ordinal bigint) returns pg_temp.held language sql as
  'select h from pg_temp.held as h where p_ordinal = any (h.ordinals) order by h.attempt desc, h.work_item_id desc limit 1';
create function pg_temp.done(p_ordinal bigint) returns text language sql as
  'select tap.complete(h.work_item_id, h.token, p_ordinal) from pg_temp.item(p_ordinal) as h';
create function pg_temp.fail(p_ordinal bigint, p_kind text) returns text language sql as
  $$select desk.fail_work(h.work_item_id, h.token, p_ordinal, p_kind, 'why') from pg_temp.item(p_ordinal) as h$$;
create function pg_temp.beat(p_ordinal bigint, p_running bigint) returns jsonb language sql as $$
  select tap.rows(format('select * from desk.heartbeat(%s, %L, 100)', pg_temp.runner(),
    jsonb_build_array(jsonb_build_object('work_item_id', h.work_item_id, 'token', h.token, 'ordinal', p_running))))
  from pg_temp.item(p_ordinal) as h$$;
-- One item of eight points, as the desk cuts them once it knows that points are short.
create function pg_temp.given_item(p_cash integer) returns void language plpgsql as $$
begin
  perform desk.cancel_job(j.id) from desk.jobs as j where j.state in ('waiting', 'running');
  truncate pg_temp.held;
  perform tap.given_job(8, jsonb_build_object('cash', p_cash));
  perform desk.advance_runs(pg_temp.runner());
  delete from desk.work_items where state = 'waiting' and first_ordinal > 1;
  update desk.work_items set last_ordinal = 8 where state = 'waiting';
  insert into pg_temp.held select * from desk.claim_work(pg_temp.runner(), 1);
end $$;
create function pg_temp.waiting() returns jsonb language sql as $$
  select tap.rows('select first_ordinal, last_ordinal, attempt, run_after > now() from desk.work_items where state = ''waiting'' order by id')$$;
select tap.given_runner();

-- Heartbeat
select pg_temp.given_item(1001);
select is((select ordinals from held), '{1,2,3,4,5,6,7,8}', 'a runner holds eight points');
update work_items set lease_until = now() + interval '1 s' where state = 'leased';
update runners set heartbeat_at = now() - interval '50 s';
select is(pg_temp.beat(1, 3), '[]', 'a heartbeat has nothing to tell while all is well');
select is(
  tap.rows($$select lease_until - now(), running_ordinal from work_items where state = 'leased'$$), '[["00:01:00", 3]]',
  'it extends the lease and says what is running');
select is(
  tap.rows('select heartbeat_at = now(), memory_mb from runners'), '[[true, 100]]', 'and that the runner is alive, and how much it needs');
select is(
  (select jsonb_agg(reason) from heartbeat(-1, '[{"work_item_id": -1, "token": "00000000-0000-0000-0000-000000000000"}]', 1)),
  '["unknown"]', 'an item that never was is unknown');
select is(
  (select jsonb_agg(reason) from held, heartbeat(-1, jsonb_build_array(
    jsonb_build_object('work_item_id', work_item_id, 'token', gen_random_uuid())), 1)),
  '["taken over"]', 'an item under another token was taken over');
select is(cancel_job((select max(id) from jobs)), (select 'job ' || max(id) || ' cancelled after 0 of 8: 0 runs complete, 0 passed, best Sharpe: n/a' from jobs), 'the director cancels');
select is(pg_temp.beat(1, 3)::text, (select format('[[%s, "cancelled"]]', work_item_id) from held), 'the heartbeat tells the runner to stop');
select is(pg_temp.done(3), 'stale', 'and what it still sends is stale');

-- Release
select pg_temp.given_item(1002);
select pg_temp.done(1);
select pg_temp.done(4);
select is(release_work(pg_temp.runner()), 1, 'a runner gives back what it holds');
select is(pg_temp.waiting(), '[[1, 8, 1, false]]', 'uncharged, at once');
select is(pg_temp.done(2), 'stale', 'it can record nothing of it any more');
truncate held;
insert into held select * from claim_work(pg_temp.runner(), 1);
select is((select ordinals from held), '{2,3,5,6,7,8}', 'who claims it next gets what is not recorded yet');
select is((select count(*)::integer from job_events where event = 'release'), 1, 'giving back is an event');
select stop_runner(pg_temp.runner());
select is(pg_temp.waiting(), '[[1, 8, 1, false]]', 'a runner that stops gives back, too');
select tap.given_runner();

-- The runner is dead
select pg_temp.given_item(1003);
select is(reap_expired(), 0, 'nothing is taken from a runner that is alive');
select pg_temp.done(1);
select pg_temp.done(5);
select pg_temp.beat(2, 3);
update work_items set lease_until = now() - interval '1 s' where state = 'leased';
select is(reap_expired(), 1, 'an item whose lease is over is taken away');
select is(
  pg_temp.waiting(), '[[3, 3, 2, true], [2, 2, 1, false], [4, 4, 1, false], [6, 8, 1, false]]',
  'the point that was running is charged and comes back alone, the rest uncharged in the pieces that are left');
select is(
  (select details - 'suspect' from job_events where event = 'expiry'), '{"clock": "heartbeat", "attempt": 1}', 'which clock fired is recorded');
select is(pg_temp.done(3), 'stale', 'the dead runner can record nothing more');
select is(reap_expired(), 0, 'nothing is taken twice');
select is(pg_temp.beat(3, 3)::text, (select format('[[%s, "expired"]]', work_item_id) from held), 'should it not be dead, it is told');
delete from work_items where state = 'waiting' and first_ordinal <> 3;
select is(tap.rows('select last_error from work_items where attempt = 2'), '[["the runner was not heard of any more"]]', 'the retry says why');

select pg_temp.given_item(1004);
select pg_temp.done(1);
update work_items set lease_until = now() - interval '1 s' where state = 'leased';
select reap_expired();
select is(
  pg_temp.waiting(), '[[2, 2, 2, true], [3, 8, 1, false]]', 'with nothing named as running, the first open point is charged');

select pg_temp.given_item(1005);
select pg_temp.beat(1, 8);
select pg_temp.done(8);
update work_items set lease_until = now() - interval '1 s' where state = 'leased';
select reap_expired();
select is(
  pg_temp.waiting(), '[[1, 1, 2, true], [2, 7, 1, false]]', 'a running point that was recorded meanwhile is not charged');

-- The attempt takes too long
select pg_temp.given_item(1006);
select pg_temp.beat(1, 8);
update work_items set deadline_at = now() - interval '1 s' where state = 'leased';
select reap_expired();
select is(pg_temp.waiting(), '[[8, 8, 2, true], [1, 7, 1, false]]', 'a deadline takes the item away as well');
select is(
  (select details ->> 'clock' from job_events where event = 'expiry' order by id desc limit 1), 'deadline', 'and is recorded as such');
delete from work_items where state = 'waiting' and first_ordinal <> 8;
update work_items set run_after = now() where state = 'waiting';
truncate held;
insert into held select * from claim_work(pg_temp.runner(), 1);
update work_items set deadline_at = now() - interval '1 s' where state = 'leased';
select is(reap_expired(), 1, 'the second time');
select is(
  tap.rows('select ordinal, outcome, error_kind, error from backtest_results order by id desc limit 1'),
  '[[8, "failed", "deadline", "the attempt took too long (attempt 2 of 2)"]]', 'the point has failed for good');

-- What a child reports
select pg_temp.given_item(1007);
select is(pg_temp.fail(1, 'memory'), 'retried', 'a memory limit is tried once more');
select is(pg_temp.fail(2, 'deadline'), 'retried', 'as is a deadline');
select is(pg_temp.fail(3, 'infrastructure'), 'retried', 'and a lost connection');
update work_items set run_after = now() where state = 'waiting';
insert into held select * from claim_work(pg_temp.runner(), 3);
select is((select array_agg(ordinals order by work_item_id) from held where attempt = 2), '{{1},{2},{3}}', 'each alone');
select is(pg_temp.fail(1, 'memory'), 'failed', 'the second memory limit is the last');
select is(pg_temp.fail(2, 'deadline'), 'failed', 'the second deadline is the last');
select is(pg_temp.fail(3, 'infrastructure'), 'retried', 'a lost connection has one attempt more');
select is(
  tap.rows($$select run_after - now() from work_items where state = 'waiting'$$), '[["00:00:10"]]', 'after twice the backoff');
select is(pg_temp.done(4), 'recorded', 'the item itself goes on meanwhile');
select is(pg_temp.fail(1, 'crash'), 'stale', 'a failed point cannot fail again');
select is(
  tap.rows($$select details ->> 'kind', count(*) from job_events where event = 'retry' group by 1 order by 1$$)
    @> '[["memory", 1]]', true, 'retries are events');

-- The server's clock was two hours ahead, and is put right
select pg_temp.given_item(1031);
select pg_temp.beat(1, 3);
select pg_temp.fail(2, 'infrastructure');
create temporary table wrong as select (select w.run_after - w.created_at from work_items as w where w.state = 'waiting') as backoff;
update runners set heartbeat_at = heartbeat_at + interval '2 hours' where id = pg_temp.runner();
update work_items set leased_at = leased_at + interval '2 hours', lease_until = lease_until + interval '2 hours', deadline_at = deadline_at + interval '2 hours' where state = 'leased';
update work_items set created_at = created_at + interval '2 hours', run_after = run_after + interval '2 hours' where state = 'waiting';
select is(clock_ahead() > interval '1 hour 59 minutes', true, 'what was written is ahead of the clock');
select is(reap_expired(), 0, 'nobody loses anything by that');
select is(clock_ahead() < interval '1 minute', true, 'the runner counts as heard of now');
select is(
  tap.rows($$select lease_until - clock_timestamp() between interval '55 s' and interval '60 s', deadline_at < now() + interval '1 hour', leased_at <= clock_timestamp() from work_items where state = 'leased'$$),
  '[[true, true, true]]', 'its lease and its deadline end as if it had been so from the start');
select is(
  (select abs(extract(epoch from w.run_after - w.created_at - wrong.backoff)) < 0.001 and w.created_at < clock_timestamp() from work_items as w, wrong where w.state = 'waiting'),
  true, 'a retry waits as long as it had to');
select is(pg_temp.beat(1, 4), '[]', 'a runner that lives goes on');
update runners set heartbeat_at = heartbeat_at - interval '2 minutes';
update work_items set lease_until = lease_until - interval '2 minutes' where state = 'leased';
select is(reap_expired(), 1, 'one that died is missed within a lease');
select is((select count(*)::integer from alive_runners()), 0, 'and does not count as alive');

select * from finish();
