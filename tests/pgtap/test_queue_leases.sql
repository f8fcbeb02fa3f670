-- What a heartbeat keeps, what it gives back, and which points a lost runner is charged with.

select plan(32);
select tap.given_desk();
create temporary table held (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb);
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
-- Items of two points each: 1-2, 3-4, 5-6, ...
create function pg_temp.given_items(p_points integer, p_cash integer, p_claimed integer) returns void language plpgsql as $$
begin
  perform desk.cancel_job(j.id) from desk.jobs as j where j.state in ('waiting', 'running');
  truncate pg_temp.held;
  perform tap.given_job(p_points, jsonb_build_object('cash', p_cash));
  perform desk.advance_runs(pg_temp.runner());
  delete from desk.work_items where state = 'waiting' and first_ordinal % 2 = 0;
  update desk.work_items set last_ordinal = first_ordinal + 1 where state = 'waiting';
  insert into pg_temp.held select * from desk.claim_work(pg_temp.runner(), p_claimed);
end $$;
create function pg_temp.item(p_ordinal bigint) returns bigint language sql as
  'select h.work_item_id from pg_temp.held as h where p_ordinal = any (h.ordinals) order by h.attempt desc limit 1';
create function pg_temp.beat(p_named bigint[], p_running bigint default null) returns jsonb language sql as $$
  select tap.rows(format('select reason from desk.heartbeat(%s, %L, 1)', pg_temp.runner(), (
    select coalesce(jsonb_agg(jsonb_build_object('work_item_id', h.work_item_id, 'token', h.token,
      'ordinal', case when p_running = any (h.ordinals) then p_running end)), '[]')
    from pg_temp.held as h where h.ordinals && p_named)))$$;
create function pg_temp.waiting() returns jsonb language sql as $$
  select tap.rows('select first_ordinal, last_ordinal, attempt from desk.work_items where state = ''waiting'' order by first_ordinal')$$;
create function pg_temp.deadlines() returns jsonb language sql as $$
  select tap.rows('select first_ordinal, deadline_at - now() from desk.work_items where state = ''leased'' order by first_ordinal')$$;
select tap.given_runner();

-- The deadline is of a point
select pg_temp.given_items(8, 1000, 4);
select is(pg_temp.deadlines(), '[[1, "00:11:00"], [3, "00:11:00"], [5, "00:11:00"], [7, "00:11:00"]]', 'at first a lease and the time of all points of an item');
select pg_temp.beat('{1,3,5,7}', 1);
select is(pg_temp.deadlines() -> 0, '[1, "00:06:00"]', 'once a point runs, a lease and the time of that point');
update work_items set deadline_at = now() + interval '1 min' where state = 'leased';
select pg_temp.beat('{1,3,5,7}', 1);
select is(pg_temp.deadlines() -> 0, '[1, "00:01:00"]', 'a beat with the same point does not put it off');
select is(pg_temp.deadlines() -> 1, '[3, "00:06:00"]', 'an item behind it has not begun to take long');
select pg_temp.beat('{1,3,5,7}', 2);
select is(pg_temp.deadlines() -> 0, '[1, "00:06:00"]', 'the next point has its own time');
update work_items set deadline_at = now() + interval '1 min' where state = 'leased';
select pg_temp.beat('{1,3,5,7}');
select is(pg_temp.deadlines() -> 1, '[3, "00:01:00"]', 'where nothing runs nothing is put off');

-- What is not named
select is(pg_temp.beat('{1,5}'), '[]', 'a runner names two of the four items that it holds');
select is(pg_temp.waiting(), '[[3, 4, 1], [7, 8, 1]]', 'the others, of which it does not know, wait again, uncharged');
select is((select count(*)::integer from job_events where event = 'release'), 2, 'each with an event');
select is((select array_agg(ordinals order by work_item_id) from claim_work(pg_temp.runner(), 9)), '{{3,4},{7,8}}', 'and can be claimed, though later ones have been');

-- Some items are given back
select pg_temp.given_items(8, 1001, 4);
select is(release_work(pg_temp.runner(), array[pg_temp.item(3), pg_temp.item(7)]), 2, 'a runner gives two items back');
select is(pg_temp.waiting(), '[[3, 4, 1], [7, 8, 1]]', 'only those');
select is(release_work(pg_temp.runner() - 1, array[pg_temp.item(1)]), 0, 'nobody gives back for another');
select is(release_work(pg_temp.runner()), 2, 'the rest follows');
select is((select array_agg(ordinals order by work_item_id) from claim_work(pg_temp.runner(), 1)), '{{1,2}}', 'what was given back is claimed in its old order');

-- A runner of two processes holds four items
select pg_temp.given_items(8, 1002, 4);
select pg_temp.beat('{1,3,5,7}');
update work_items set lease_until = now() - interval '1 s' where state = 'leased';
select is(reap_expired(), 4, 'it dies without having said what ran');
select is(
  pg_temp.waiting(), '[[1, 1, 2], [2, 2, 1], [3, 3, 2], [4, 4, 1], [5, 6, 1], [7, 8, 1]]',
  'the two items that it had taken up first may have run, and their first points are charged; the others cannot have');
select is(
  tap.rows($$select to_state, details ->> 'suspect' from job_events where event = 'expiry' order by work_item_id$$),
  '[["expired", "1"], ["expired", "3"], ["waiting", null], ["waiting", null]]', 'the events say which');
update work_items set run_after = now() where state = 'waiting';
insert into held select * from claim_work(pg_temp.runner(), 9);
select is((select count(*)::integer from held where attempt = 2), 2, 'all of it can be claimed');

select pg_temp.given_items(8, 1003, 4);
select pg_temp.beat('{1,3,5,7}', 6);
update work_items set lease_until = now() - interval '1 s' where state = 'leased' and first_ordinal = 5;
select reap_expired();
select is(pg_temp.waiting(), '[[5, 5, 1], [6, 6, 2]]', 'a point that was named is charged wherever its item stood');

-- After the server was away
select pg_temp.given_items(4, 1004, 2);
update work_items set leased_at = pg_postmaster_start_time() - interval '1 s', lease_until = now() - interval '1 s' where state = 'leased';
update settings set value = to_jsonb(extract(epoch from now() - pg_postmaster_start_time()) + 60) where name = 'lease_seconds';
select is(reap_expired(), 0, 'what was leased before the server started is safe for a lease from then on');
update work_items set leased_at = pg_postmaster_start_time() + interval '1 ms' where state = 'leased' and first_ordinal = 1;
select is(reap_expired(), 1, 'what was leased since is not');
update settings set value = '60' where name = 'lease_seconds';

-- The mark from which claims begin
select pg_temp.given_items(40, 1005, 3);
select is((select claim_from from run_progress order by 1 desc limit 1), (select max(work_item_id) + 1 from held), 'a claim begins where the last one ended');
update work_items set state = 'waiting', token = null, lease_until = null, deadline_at = null where state = 'leased';
update run_progress set swept_at = now() - interval '1 min';
select reap_expired();
select is((select array_agg(ordinals) from claim_work(pg_temp.runner(), 1)), '{{1,2}}', 'what a careless hand puts back is found again');

-- A result without metrics
select pg_temp.given_items(4, 1006, 1);
select is((select tap.complete(work_item_id, token, 1, null) from held), 'impossible: a result has no metrics', 'nothing is no result');
select is((select tap.complete(work_item_id, token, 2, '[1]') from held), 'impossible: a result has no metrics', 'nor is a list');
select is(tap.rows('select ordinal, outcome, error_kind from backtest_results order by id desc limit 2'), '[[2, "failed", "impossible"], [1, "failed", "impossible"]]', 'both are recorded as failed');

-- Planning that fails, and then closing
select pg_temp.given_items(4, 1007, 2);
select tap.complete(work_item_id, token, 1) from held where 1 = any (ordinals);
create function pg_temp.broken() returns trigger language plpgsql as $$ begin raise exception 'no more %', tg_argv[0]; end $$;
create trigger z_broken before update of cut on desk.run_progress for each row execute function pg_temp.broken('cutting');
create trigger z_broken before update of flags on desk.optimization_runs for each row execute function pg_temp.broken('closing');
update run_progress set total = total + 1, due = true where optimization_run_id = (select max(id) from optimization_runs);
select is(advance_runs(pg_temp.runner()), 1, 'a run that can neither be planned nor closed stops no runner');
select is(
  tap.rows('select status, error from optimization_runs order by id desc limit 1'),
  '[["failed", "Planning failed: no more cutting; closing failed: no more closing"]]', 'it has failed, with both reasons');
drop trigger z_broken on desk.run_progress;
drop trigger z_broken on desk.optimization_runs;
update run_progress set total = total - 1 where total = 5;
select is((select count(*)::integer from work_items where state in ('waiting', 'leased') and optimization_run_id = (select max(id) from optimization_runs)), 0, 'its work is withdrawn');
select is(retry_job((select max(id) from jobs)) like '%: 3 failed points are tried again', true, 'the points that were lost with it can be tried again');
select tap.drain(pg_temp.runner());
select is(tap.rows('select state, left(summary, 15) from jobs order by id desc limit 1'), '[["done", "4 runs complete"]]', 'and then it is done');

select * from finish();
