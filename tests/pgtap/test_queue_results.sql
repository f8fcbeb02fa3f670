-- Recording: each point once, with the token of who holds it; a refused point never costs the batch.

select plan(57);
select tap.given_desk();
create temporary table held (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb);
grant all on held to public;
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.token(p_ordinal bigint) returns uuid language sql as
  'select token from pg_temp.held where p_ordinal = any (ordinals) order by attempt desc limit 1';
create function pg_temp.item(p_ordinal bigint) returns bigint language sql as
  'select work_item_id from pg_temp.held where p_ordinal = any (ordinals) order by attempt desc limit 1';
create function pg_temp.done(p_ordinal bigint, p_metrics jsonb default tap.metrics()) returns text language sql as
  'select tap.complete(pg_temp.item(p_ordinal), pg_temp.token(p_ordinal), p_ordinal, p_metrics)';
create function pg_temp.fail(p_ordinal bigint, p_kind text, p_error text default 'why') returns text language sql as
  'select desk.fail_work(pg_temp.item(p_ordinal), pg_temp.token(p_ordinal), p_ordinal, p_kind, p_error)';

select tap.given_runner();
select tap.given_job(32);
select advance_runs(pg_temp.runner());
insert into held select * from claim_work(pg_temp.runner(), 20);
select is((select array_agg(distinct cardinality(ordinals)) from held), array[2], 'thirty-two points begin as items of two');

-- Recorded
select is(pg_temp.done(1), 'recorded', 'a finished point is recorded');
select is(
  (select to_jsonb(b) from (
     select ordinal, parameters, outcome, passed, rejection_reasons, total_trades, ending_value, engine, platform, seed, attempt, bars,
            duration, code_version_id is not null as code, data_hash = (select data_hash from optimization_runs) as data,
            parameters_hash = encode(sha256('{"fast": 2}'), 'hex') as hash, runner_id = pg_temp.runner() as runner
     from backtest_results) as b),
  '{"ordinal": 1, "parameters": {"fast": 2}, "outcome": "finished", "passed": true, "rejection_reasons": [], "total_trades": 20,
    "ending_value": 110000, "engine": "backtrader", "platform": "linux", "seed": 0, "attempt": 1, "bars": 252, "duration": 0.5,
    "code": true, "data": true, "hash": true, "runner": true}'::jsonb,
  'with parameters, metrics, verdict and provenance');
select is(
  tap.rows('select total, finished, failed, passed, best_value is not null from run_progress'), '[[32, 1, 0, 1, true]]',
  'and counted');
select is(pg_temp.done(1), 'duplicate', 'a point handed in twice is a duplicate');
select is(pg_temp.done(2), 'recorded', 'the other point of the item is recorded');
select is((select state from work_items where id = pg_temp.item(1)), 'done', 'an item without open points is done');
select is(pg_temp.done(2), 'stale', 'after which its token is stale');
select is((select count(*) from backtest_results), 2::bigint, 'nothing is recorded twice');

-- Refused
select is(tap.complete(pg_temp.item(3), gen_random_uuid(), 3), 'stale', 'another token is stale');
select is(tap.complete(pg_temp.item(3), null, 3), 'stale', 'no token is stale');
select is(tap.complete(-1, pg_temp.token(3), 3), 'stale', 'an unknown item is stale');
select is(tap.complete(pg_temp.item(3), pg_temp.token(3), 5), 'impossible: point 5 is not in this item', 'a point of another item is impossible');
select is(tap.complete(pg_temp.item(3), pg_temp.token(3), null), 'impossible: point null is not in this item', 'as is no point');
select is(fail_work(pg_temp.item(3), pg_temp.token(3), 3, 'boredom', 'x'), 'impossible: unknown kind boredom', 'and an unknown kind of failure');
select is((select finished + failed from run_progress), 2::bigint, 'refusals count nothing');
select is(
  (select count(*)::integer from job_events where event = 'refusal'), 6, 'each refusal of a known item is an event');

-- Impossible values
select alike(pg_temp.done(t.ordinal, tap.metrics(t.metrics)), 'impossible: %' || t.said || '%', t.promise)
from (values
  (3, '{"max_drawdown": -0.1}'::jsonb, 'backtest_results_drawdown_range', 'a negative drawdown is impossible'),
  (4, '{"ending_value": "NaN"}', 'backtest_results_money_finite', 'an ending value that is no number is impossible'),
  (5, '{"total_trades": "NaN"}', 'invalid input syntax for type bigint', 'as is a count that is no number'),
  (6, '{"winning_trades": 30}', 'backtest_results_trades_add_up', 'and more winners than trades'),
  (7, '{"starting_cash": -1}', 'backtest_results_money_finite', 'and no capital'),
  (8, '{"return_m2": -1}', 'backtest_results_moments_finite', 'and a negative sum of squares'),
  (9, '{"return_count": 530}', 'backtest_results_sessions_add_up', 'and more returns than sessions'),
  (10, '{"block_counts": [1], "block_sums": []}', 'backtest_results_blocks_aligned', 'and blocks that do not match'),
  (11, '{"ending_value": 1e308, "starting_cash": 1e-300}', 'out of range', 'and what overflows')
) as t (ordinal, metrics, said, promise);
select is(
  tap.rows('select ordinal, outcome, error_kind, passed, rejection_reasons from backtest_results where ordinal = 3'),
  '[[3, "failed", "impossible", false, ["Failed (impossible)"]]]', 'the point is recorded as failed, with its kind');
select alike((select error from backtest_results where ordinal = 3), '%backtest_results_drawdown_range%', 'and its reason');
select is(pg_temp.done(12), 'recorded', 'the other point of the same item is not lost');

-- Series
select is(
  tap.complete(pg_temp.item(13), pg_temp.token(13), 13, tap.metrics('{"ending_value": 120000, "return_mean": 0.0008}'),
    '{2010-01-04,2010-01-05}', '{100000,120000}', '{10}'),
  'recorded', 'a point with its series is recorded');
select is(
  tap.rows('select t.trade, t.symbol, t.size, t.profit, t.fees, e.equity from result_trades as t join equity_curves as e using (backtest_result_id)'),
  '[[1, "AAPL", 10, 19, 1, [100000, 120000]]]', 'the series of a passing point are kept');
select alike(
  tap.complete(pg_temp.item(14), pg_temp.token(14), 14, tap.metrics(), '{2010-01-04}', '{100000,120000}'),
  'impossible: %equity_curves_aligned%', 'a curve that does not match its sessions is impossible');
select is(
  tap.complete(pg_temp.item(15), pg_temp.token(15), 15, tap.metrics('{"total_trades": 1, "winning_trades": 1, "losing_trades": 0}'),
    '{2010-01-04}', '{100000}'),
  'recorded', 'a rejected point is recorded');
select is((select count(*) from equity_curves), 1::bigint, 'without its series');

-- Failures
select is(pg_temp.fail(16, 'strategy', 'ValueError: no'), 'failed', 'what a strategy raises is final at once');
select is(
  tap.rows('select outcome, error_kind, error, attempt from backtest_results where ordinal = 16'), '[["failed", "strategy", "ValueError: no", 1]]',
  'with its text');
select is(pg_temp.fail(17, 'crash', 'signal 11'), 'retried', 'a crash is tried again');
select is(
  tap.rows('select first_ordinal, last_ordinal, state, attempt, run_after - now(), last_error from work_items where attempt > 1'),
  '[[17, 17, "waiting", 2, "00:00:05", "signal 11"]]', 'alone, after a backoff');
select is(pg_temp.done(18), 'recorded', 'its neighbour goes on under the same token');

update work_items set run_after = now() where attempt = 2;
insert into held select * from claim_work(pg_temp.runner(), 1);
select is(pg_temp.fail(17, 'crash', 'signal 11'), 'retried', 'the second crash is tried once more');
update work_items set run_after = run_after - interval '10 s' where attempt = 3;
insert into held select * from claim_work(pg_temp.runner(), 1);
select is(pg_temp.fail(17, 'crash', 'signal 11'), 'failed', 'the third is the last');
select is((select error from backtest_results where ordinal = 17), 'signal 11 (attempt 3 of 3)', 'and says how often it was tried');

-- Several at once
create function pg_temp.outcome(p_ordinal bigint, p_metrics jsonb default tap.metrics(), p_token uuid default null) returns point_outcome
language sql as $$
  select row(pg_temp.item(p_ordinal), coalesce(p_token, pg_temp.token(p_ordinal)), p_ordinal, p_metrics, null, null, '{}', '{}', '{}', '{}',
    '{}', '{}', '{}', '{}')::point_outcome
$$;
select is(complete_work('{}'), '{}', 'no outcomes, no words');
select is(
  complete_work(array[pg_temp.outcome(19), pg_temp.outcome(20), pg_temp.outcome(21), pg_temp.outcome(19)]),
  '{recorded,recorded,recorded,duplicate}', 'points of several items are recorded in one call, one that is in it twice only once');
select results_eq(
  'select w.state from work_items as w where w.id in (pg_temp.item(19), pg_temp.item(21)) order by w.id', array['done', 'leased'],
  'an item that has all its points is over, its neighbour goes on');
select is(
  array(select regexp_replace(w, ':.*', '') from unnest(complete_work(array[
    pg_temp.outcome(22, tap.metrics('{"max_drawdown": -1}')), pg_temp.outcome(23), pg_temp.outcome(24, '{}'), pg_temp.outcome(18),
    pg_temp.outcome(25, tap.metrics(), gen_random_uuid()), pg_temp.outcome(26, tap.metrics('{"total_trades": "NaN"}')),
    pg_temp.outcome(27)])) as w),
  '{impossible,recorded,impossible,stale,stale,impossible,recorded}', 'one that is refused costs the others nothing');
select is(
  tap.rows('select ordinal, outcome, error_kind from backtest_results where ordinal between 19 and 27 order by ordinal'),
  '[[19, "finished", null], [20, "finished", null], [21, "finished", null], [22, "failed", "impossible"], [23, "finished", null],
    [24, "failed", "impossible"], [26, "failed", "impossible"], [27, "finished", null]]', 'each is stored as its word says');
select is((select settled from work_items where id = pg_temp.item(23)), '{[23,25)}', 'and settled, whether it is a result or impossible');
select is((select settled from work_items where id = pg_temp.item(25)), '{[26,27)}', 'while what is stale is not');
select is(
  tap.rows('select p.finished, p.failed, p.passed, t.finished, t.failed, t.passed from run_progress as p
    join (select sum(finished) as finished, sum(failed) as failed, sum(passed) as passed from run_tallies) as t on true'),
  tap.rows('select count(*) filter (where outcome = ''finished''), count(*) filter (where outcome = ''failed''), count(*) filter (where passed),
    count(*) filter (where outcome = ''finished''), count(*) filter (where outcome = ''failed''), count(*) filter (where passed)
    from backtest_results'), 'counters and tallies agree with the results');
select is(
  complete_work(array[pg_temp.outcome(28, tap.metrics('{"return_mean": 0.001}')), pg_temp.outcome(29, tap.metrics('{"return_mean": 0.002}')),
    pg_temp.outcome(30, tap.metrics('{"return_mean": 0.002}'))]), '{recorded,recorded,recorded}', 'of three');
select is(
  (select b.ordinal from run_progress as p join backtest_results as b on b.id = p.best_result_id), 29::bigint,
  'the best is kept, of equals the first');

-- Recorded, and more claimed in the same call
truncate held;
select tap.given_job(6, '{"cash": 1234}', 9);
select advance_runs(pg_temp.runner());
insert into held select * from claim_work(pg_temp.runner(), 1);
create temporary table said as select * from complete_and_claim(
  array[pg_temp.outcome(1), pg_temp.outcome(1, tap.metrics(), gen_random_uuid())], pg_temp.runner(), 2);
select is(tap.rows('select word, ordinals, parameters from said'),
  '[["recorded", null, null], ["stale", null, null], [null, [2], [{"fast": 3}]], [null, [3], [{"fast": 4}]]]',
  'first the words, in the order of the outcomes, then what is claimed');
insert into held select work_item_id, token, optimization_run_id, attempt, ordinals, parameters from said where word is null;
select is(
  tap.rows('select w.runner_id = pg_temp.runner() as mine, w.token = h.token as same, w.state from work_items as w join held as h on h.work_item_id = w.id
    where w.state = ''leased'' order by w.id'),
  '[[true, true, "leased"], [true, true, "leased"]]', 'and it is leased to who asked');
select is(tap.rows('select word from complete_and_claim(array[pg_temp.outcome(2)], pg_temp.runner(), 0)'), '[["recorded"]]', 'whoever has no room gets the word alone');
select is(
  tap.rows('select word, ordinals from complete_and_claim(array[pg_temp.outcome(3)], -1, 5)'), '[["recorded", null]]',
  'a runner that nobody knows gets nothing, and what it holds is recorded');
select is(tap.rows('select word, ordinals from complete_and_claim(''{}'', pg_temp.runner(), 1)'), '[[null, [4]]]', 'without outcomes it is a claim');

select * from finish();
