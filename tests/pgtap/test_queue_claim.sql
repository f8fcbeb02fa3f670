-- Claiming: who gets which work, in which order, and what a claim carries.

select plan(37);
select tap.given_desk();

create temporary table ids (name text primary key, id bigint);
grant all on ids to public;
create temporary table held (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb);
grant all on held to public;

-- A runner
set local role desk_runner;
insert into ids values ('one', tap.given_runner()), ('two', tap.given_runner());
select isnt((select id from ids where name = 'one'), (select id from ids where name = 'two'), 'each start of a runner has a number of its own');
reset role;
select is(
  tap.rows($$select host, pid, version, engines, processes, alive, stopped_at from runner_status where id = (select id from ids where name = 'one')$$),
  '[["host", 1, "0.1", ["backtrader"], 2, true, null]]', 'a registered runner is alive');
select is(
  (select count(*) from runner_code where runner_id = (select id from ids where name = 'one')), 2::bigint,
  'the desk remembers which code it has');

-- Nothing to do
set local role desk_runner;
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'one')), 'without jobs there is nothing to claim');
select is(advance_runs((select id from ids where name = 'one')), 0, 'and nothing to look after');

-- The first claim
reset role;
insert into ids values ('job', tap.given_job(3));
insert into ids values ('run', tap.run_of((select id from ids where name = 'job')));
set local role desk_runner;
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'one')), 'work is cut when a runner advances the runs');
select is(advance_runs((select id from ids where name = 'one')), 1, 'advance_runs says that one run changed');
insert into held select * from claim_work((select id from ids where name = 'one'), 2);
select is(
  tap.rows('select attempt, ordinals, parameters from held order by work_item_id'),
  '[[1, [1], [{"fast": 2}]], [1, [2], [{"fast": 3}]]]', 'a claim carries ordinals and their parameters');
select is((select count(distinct token) from held), 2::bigint, 'every item has a token of its own');
select is(
  tap.rows(format('select attempt, ordinals, parameters from claim_work(%s, 5)', (select id from ids where name = 'two'))),
  '[[1, [3], [{"fast": 4}]]]', 'another runner gets what is left');
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'two')), 'and then nothing');
reset role;
select is(
  tap.rows($$select state, runner_id = (select id from ids where name = 'one'), lease_until - now() as lease, deadline_at - now() as deadline
    from work_items where id in (select work_item_id from held)$$),
  '[["leased", true, "00:01:00", "00:06:00"], ["leased", true, "00:01:00", "00:06:00"]]',
  'a lease of a minute, and a deadline of a lease and the time that a point may take');
select is(
  tap.rows('select r.status, r.code_version_id is not null, r.started_at is not null, j.state, j.started_at is not null, s.status
    from optimization_runs as r join jobs as j on j.id = r.job_id join strategies as s on s.id = r.strategy_id'),
  '[["running", true, true, "running", true, "testing"]]', 'run, job and strategy are under way, and the code is pinned');

-- What a runner is told of a run
set local role desk_runner;
select is(
  run_settings((select id from ids where name = 'run')) - '{optimization_run_id,data_hash,benchmark}'::text[],
  jsonb_build_object('strategy', 'sma_crossover', 'entry_point', 'sma_crossover', 'engine', 'backtrader', 'symbols', '["AAPL"]'::jsonb,
    'timeframe', '1d', 'start_date', '2010-01-04', 'end_date', '2011-12-30', 'cash', 100000,
    'commission', '{"percent": 0.001, "per_share": 0, "minimum": 0}'::jsonb, 'slippage', 0, 'seed', 0, 'code_hash', repeat('a', 64),
    'stock', false, 'seconds_per_point', 300, 'memory_mb', 2048, 'warm_up_bars', 0, 'block_count', 16, 'contracts', null, 'splits', null,
    'session_days', null, 'sessions_a_year', 252),
  'run_settings has what a runner needs');
select is(
  (select array[jsonb_array_length(b -> 'sessions'), jsonb_array_length(b -> 'returns'), (select count(*) from jsonb_object_keys(b -> 'sums'))]
   from (select run_settings((select id from ids where name = 'run')) -> 'benchmark') as s (b)),
  array[520, 520, 3]::bigint[], 'and what it is compared with, session by session');
select is(
  tap.rows(format('select symbol, cardinality(epochs), epochs[1], close[1] from run_prices(%s)', (select id from ids where name = 'run'))),
  '[["AAPL", 520, 1262563200, 10]]', 'run_prices has the bars of its window');

-- The code pin
reset role;
select is(cancel_job((select id from ids where name = 'job')) like '%cancelled%', true, 'the first job is out of the way');
select tap.given_job(4, '{"cash": 1000}');
set local role desk_runner;
select lives_ok(format('select advance_runs(%s); select * from claim_work(%1$s, 1)', (select id from ids where name = 'one')), 'a first claim pins the code');
insert into ids values ('other code', tap.given_runner('b'));
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'other code')), 'a runner with other code gets nothing');
select is(open_work((select id from ids where name = 'other code')), 0::bigint, 'nor does it wait for that work');
select is(open_work((select id from ids where name = 'one')), 4::bigint, 'a runner with the code does');
insert into ids values ('other engine', tap.given_runner('a', '{lean}'));
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'other engine')), 'nor does a runner without the engine');
select is_empty('select * from claim_work(-1, 5)', 'nor somebody who never registered');
select lives_ok(format('select stop_runner(%s)', (select id from ids where name = 'two')), 'a runner says goodbye');
select is_empty(format('select * from claim_work(%s, 5)', (select id from ids where name = 'two')), 'and gets nothing any more');
reset role;
select is((select alive from runner_status where id = (select id from ids where name = 'two')), false, 'it is not alive');
select is((select count(*)::integer from (select cancel_job(id) from jobs where state = 'running') as c), 1, 'the second job is out of the way');

-- Order between runs
truncate held;
insert into ids values ('low', tap.given_job(20, '{"cash": 1001}', 0)), ('high', tap.given_job(3, '{"cash": 1002}', 5));
set local role desk_runner;
select is(advance_runs((select id from ids where name = 'one')), 2, 'two runs are cut');
insert into held select * from claim_work((select id from ids where name = 'one'), 5);
reset role;
select is(
  tap.rows('select j.priority, count(*) from held as h join optimization_runs as r on r.id = h.optimization_run_id join jobs as j on j.id = r.job_id
    group by 1 order by 1 desc'),
  '[[5, 3], [0, 2]]', 'the higher priority is served first, the lower from what is left');
insert into ids values ('sweep', tap.given_job(200, '{"cash": 1003}', 9)), ('small', tap.given_job(20, '{"cash": 1004}', 9));
truncate held;
set local role desk_runner;
select is(advance_runs((select id from ids where name = 'one')) > 0, true, 'two more runs are cut');
insert into held select * from claim_work((select id from ids where name = 'one'), 8);
reset role;
select is(
  tap.rows('select count(*) from held group by optimization_run_id order by 1'),
  '[[4], [4]]', 'runs of one priority share a claim');
truncate held;
set local role desk_runner;
insert into held select * from claim_work((select id from ids where name = 'one'), 1);
insert into held select * from claim_work((select id from ids where name = 'one'), 1);
reset role;
select is((select count(distinct optimization_run_id) from held), 2::bigint, 'claims of one item take turns');

-- What is cut once it is known what a point takes: less and less, so that the last items end together
select cancel_job(id) from jobs where state in ('waiting', 'running');
insert into ids values ('slow', tap.run_of(tap.given_job(400, '{"cash": 1005}')));
update run_progress set finished = 1, results_seconds = 0.02 where optimization_run_id = (select id from ids where name = 'slow');
set local role desk_runner;
select is(advance_runs((select id from ids where name = 'one')), 1, 'a run of known pace is cut');
reset role;
select is(
  (select array_agg(last_ordinal - first_ordinal + 1 order by first_ordinal) from work_items where optimization_run_id = (select id from ids where name = 'slow')),
  array[33, 30, 28, 25, 23, 21, 20, 18, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 3]::bigint[],
  'each item is a twelfth of what is left for six processes, and a tenth of a second at the least');
select is((select cut from run_progress where optimization_run_id = (select id from ids where name = 'slow')), 400::bigint, 'to the last point');

-- Not before its time
select cancel_job(id) from jobs where state in ('waiting', 'running');
insert into jobs (strategy, config, run_after) values ('sma_crossover', '{"symbols": "IBM"}', now() + interval '1 hour');
set local role desk_runner;
select is(advance_runs((select id from ids where name = 'one')), 0, 'a job with run_after waits');
select is(open_work((select id from ids where name = 'one')), 0::bigint, 'and is no open work yet');

select * from finish();
