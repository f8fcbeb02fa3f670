-- Before a job runs: what it will be, what its fees will take, pilot points where nothing is known, and force.

select plan(46);
select tap.given_desk();
select tap.given_runner();
update settings set value = '5' where name = 'pilot_points';
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.config(p_more jsonb default '{}') returns jsonb language sql as $$
  select '{"symbols": "AAPL", "success_criteria": {"min_trades": 10, "max_fee_pct": 0.30}}'::jsonb || p_more$$;
create function pg_temp.fast(p_points integer, p_more jsonb default '{}') returns jsonb language sql as $$
  select pg_temp.config(jsonb_build_object('optimization', jsonb_build_object('parameters',
    jsonb_build_object('fast', jsonb_build_object('start', 2, 'end', p_points + 1, 'step', 1)))) || p_more)$$;
create function pg_temp.state() returns text language sql as 'select state from desk.jobs order by id desc limit 1';

-- Nothing is known: pilot points first
select is((select verdict || ': ' || message from estimate(pg_temp.fast(40), 'sma_crossover')),
  'held: Nothing is known of this strategy on such bars: a few pilot points run first.', 'of a strategy without results nothing can be said');
select set_config('test.config', pg_temp.fast(40)::text, true) is null;
set local role desk_director;
insert into jobs (strategy, config) values ('sma_crossover', current_setting('test.config')::jsonb);
reset role;
select is(pg_temp.state(), 'held', 'so its job is held');
select is(
  tap.rows('select role, total, paused from optimization_runs join run_progress on optimization_run_id = id order by id'),
  '[["search", 40, true], ["pilot", 5, false]]', 'while five points run');
select is(
  (select array_agg(p.parameters ->> 'fast' order by p.ordinal) from optimization_runs as r cross join lateral point_parameters(r.id, '{1,2,3,4,5}') as p where r.role = 'pilot'),
  '{2,11,21,31,41}', 'spread over the search');
select is((select total from job_progress), 40::bigint, 'they are no part of the job''s points');
select is(tap.drain(pg_temp.runner()) + tap.drain(pg_temp.runner()), 40, 'when they are in, the rest follows: 5 and 35');
select is(
  tap.rows('select state, total, finished, reused from job_progress'), '[["done", 40, 40, 0]]', 'the pilot points are no earlier search''s');
select is((select count(*) from backtest_results where source_result_id is not null), 5::bigint, 'as copies that name their source');
select is(
  (select array_agg(from_state || '>' || to_state order by id) from job_events where event = 'job' and from_state is not null),
  '{waiting>held,held>waiting,waiting>running,running>done}', 'the job went from held to waiting by itself');
-- Of 252 sessions, 40 orders of a tenth of the capital and 20 trades; the window has 520 sessions:
-- 20 * 520/252 trades, and 40 * 520/252 orders * 10 000 * 0.001 = 825.40 of 100 000.
select is(
  tap.rows('select verdict, combinations, at_most, based_on, round(trades_median::numeric, 2), round(fee_pct_median::numeric, 6), round(fee_pct_worst::numeric, 6), max_fee_pct, forced from estimates'),
  '[["fine", 40, 40, 5, 41.27, 0.008254, 0.008254, 0.3, false]]', 'the estimate is kept, as the pilot points made it');
select is((select summary from jobs), '40 runs complete, 40 passed, best Sharpe: 0.6', 'the summary counts each point once');
select is((select variations from tried_this_week), 40::bigint, 'and so does the week');

-- What is known is used at once
insert into jobs (strategy, config) values ('sma_crossover', pg_temp.fast(40, '{"cash": 50000}'));
select is(pg_temp.state(), 'waiting', 'with results of the strategy nothing is held');
select is(
  tap.rows('select verdict, based_on, round(fee_pct_median::numeric, 6) from estimates order by job_id desc limit 1'), '[["fine", 40, 0.008254]]', 'a share of the capital does not depend on it');
select is((select fee_pct_median > 0.8 from estimate(pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}}'), 'sma_crossover')), true, 'a least fee does');

-- A walk-forward pays in its tests: two of 100 of 520 sessions; by the calendar, since the folds are laid so.
create temporary table walked as
select e.*, w.share
from (
  select * from estimate(pg_temp.config('{"optimization": {"type": "Walk-Forward", "walk_forward": {"in_sample": 300, "out_of_sample": 100},
    "parameters": {"fast": [2, 3, 4]}}}'), 'sma_crossover')) as e
cross join (select 200 / 520.0 as share) as w;
select ok((select abs(trades_median / (41.27 * share) - 1) < 0.03 from walked), 'trades to expect are those of its tests');
select ok((select abs(fee_pct_median / (0.008254 * share) - 1) < 0.03 from walked), 'and so are fees');
-- All that is known took 0.01 s for 252 bars; 400 more are what a point costs before its first.
select ok(
  (select abs(f.seconds_a_bar * (400 + 252) - avg(b.duration)) < 1e-9 and abs(f.seconds_a_point - 400 * f.seconds_a_bar) < 1e-12
   from expected_fees((select max(id) from optimization_runs)) as f, backtest_results as b
   where b.outcome = 'finished' and b.source_result_id is null group by f.seconds_a_bar, f.seconds_a_point),
  'a point costs something before its first bar');

-- 40 * 520/252 orders of 10 000: 1 000 shares of 10 at 0.005 are 5, at 20 half of it; 260 days of each.
select is(
  (select round(fee_pct_median::numeric, 6) from estimate(pg_temp.fast(40, '{"commission": {"per_share": 0.005}}'), 'sma_crossover')), 0.004127,
  'fees a share are those of the raw prices');
create temporary table kept as select b.* from desk.bars as b;
update desk.bars set open = 20, high = 20, low = 20, close = 20 where bar_time < '2011-01-01Z';
select is(
  (select round(fee_pct_median::numeric, 6) from estimate(pg_temp.fast(40, '{"commission": {"per_share": 0.005}}'), 'sma_crossover')), 0.003095,
  'of the whole window');
update desk.bars as b set open = k.open, high = k.high, low = k.low, close = k.close
from kept as k where (k.instrument_id, k.timeframe, k.bar_time, k.version) = (b.instrument_id, b.timeframe, b.bar_time, b.version);

-- Too dear: at the insert
select is(
  tap.refused_job(pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}}')::text),
  array['22023', 'Fees would take 82.5% of the capital (worst 82.5%) at 41 trades, more than 30.0%', '$.commission',
    'Trade less often, on longer bars, or with more capital, of which a least fee is a smaller share; or insert the job with force true.'], 'a job whose fees eat the capital is refused, with figures and the way out');
select is(tap.refused_job(pg_temp.fast(40, '{"cash": 100000, "commission": {"minimum": 100}}')::text), '{accepted}', 'more capital is a way out');
select is(tap.refused_job(pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}, "success_criteria": {"max_fee_pct": 0.9}}')::text), '{accepted}', 'so is a higher limit');
select is(tap.refused_job(pg_temp.fast(40, '{"cash": 10000, "commission": 0}')::text), '{accepted}', 'and no commission');
select is((select verdict from estimates order by job_id desc limit 1), 'no fees', 'which has nothing to guard');
select is(
  (select verdict || ': ' || message from estimate(pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}}'), 'sma_crossover')),
  'too dear: Fees would take 82.5% of the capital (worst 82.5%) at 41 trades, more than 30.0%. Trade less often, on longer bars, or with more capital, of which a least fee is a smaller share.', 'estimate() says so beforehand');

select set_config('desk.estimating', 'on', true), set_config('test.config', pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}}')::text, true);
set local role desk_director;
select is((tap.refused_job(current_setting('test.config')))[3], '$.commission', 'and nobody gets around it by pretending to estimate');
reset role;
set local desk.estimating = '';

-- Forced
select set_config('test.config', pg_temp.fast(40, '{"cash": 10000, "commission": {"minimum": 100}}')::text, true) is null;
set local role desk_director;
insert into jobs (strategy, config, force) values ('sma_crossover', current_setting('test.config')::jsonb, true);
reset role;
select is(
  tap.rows('select j.state, e.verdict, e.forced, round(e.fee_pct_median::numeric, 3) from estimates as e join jobs as j on j.id = e.job_id order by j.id desc limit 1'),
  '[["waiting", "forced", true, 0.825]]', 'a job can be forced');
select is(
  (select (details ->> 'forced') || ' ' || round((details ->> 'fee_pct_median')::numeric, 3) from job_events where details ? 'forced'), 'true 0.825', 'which is recorded with the figure');
select cancel_job(id) from jobs where state = 'waiting';

-- Too dear: after the pilot points
insert into jobs (strategy, config) values ('rsi_mean_reversion', pg_temp.config('{"optimization": {"parameters": {"rsi_period": {"start": 2, "end": 31, "step": 1}}}}'));
select is(tap.drain(pg_temp.runner(), tap.metrics('{"traded_value": 40000000}')), 5, 'after five points');
select is(
  tap.rows('select state, error from jobs order by id desc limit 1'),
  '[["failed", "Fees would take 82.5% of the capital (worst 82.5%) at 41 trades, more than 30.0%"]]', 'the job is refused with the same sentence');
select is((select array_agg(distinct status) from optimization_runs where job_id = (select max(id) from jobs) and role <> 'pilot'), '{failed}', 'its search does not run');
select is((select verdict from estimates order by job_id desc limit 1), 'too dear', 'its estimate says why');
select is((select status from strategies where name = 'rsi_mean_reversion'), 'backlog', 'and its strategy is where it was');
select is((tap.refused_job(pg_temp.config()::text, 'rsi_mean_reversion'))[3], '$.commission', 'now that it is known, the next one is refused at the insert');

-- Pilot points that fail; a held job that is cancelled; few points; a walk-forward
delete from full_results;
insert into jobs (strategy, config) values ('sma_crossover', pg_temp.fast(40, '{"cash": 20000}'));
select is(tap.drain(pg_temp.runner(), '{}', 'boom'), 5, 'when all pilot points fail');
select is(
  tap.rows('select state, error from jobs order by id desc limit 1'), '[["failed", "The pilot points failed: All 5 points failed. boom"]]', 'the job fails with their reason');
insert into jobs (strategy, config) values ('sma_crossover', pg_temp.fast(40, '{"cash": 20001}'));
select is(
  (tap.refusal(format('select pause_job(%s)', (select max(id) from jobs))))[2], format('Job %s is held until its pilot points are in', (select max(id) from jobs)),
  'a held job cannot be paused, so that nobody gets around its pilot points by resuming it');
select cancel_job(max(id)) from jobs;
select is((select count(*) from optimization_runs where status in ('pending', 'running')), 0::bigint, 'a held job can be cancelled, pilot points and all');
insert into jobs (strategy, config) values ('sma_crossover', pg_temp.fast(10, '{"cash": 20002}'));
select is(pg_temp.state(), 'waiting', 'a search of twice as many points as pilots just runs');
insert into jobs (strategy, config) values ('sma_crossover', pg_temp.config('{"optimization": {"type": "Walk-Forward", "walk_forward": {"in_sample": 300, "out_of_sample": 100}, "parameters": {"fast": {"start": 2, "end": 21, "step": 1}}}}'));
select is(
  tap.rows('select role, count(*), bool_and(paused) from optimization_runs where job_id = (select max(id) from jobs) group by role order by role'),
  '[["in_sample", 2, true], ["pilot", 1, false], ["search", 1, true]]', 'of a walk-forward all parts wait');
select cancel_job(id) from jobs where state in ('held', 'waiting');
update settings set value = '1' where name = 'pilot_points';
select is(tap.refused_job(pg_temp.fast(40, '{"cash": 20003}')::text), '{accepted}', 'a single pilot point is no division by zero');
select lives_ok($$select desk.plan_pilot(max(id), 1) from jobs$$, 'nor is a plan of one');
select cancel_job(id) from jobs where state in ('held', 'waiting');

-- estimate() leaves nothing behind, refuses what the insert refuses, and counts each search
create temporary table before as select (select count(*) from jobs) as jobs, (select count(*) from optimization_runs) as runs, (select count(*) from job_events) as events,
  (select count(*) from work_items) as items, (select count(*) from estimates) as estimates;
create temporary table counted as
select (e.combinations, e.at_most)::text as counts, c.position
from jsonb_array_elements('[
  {"type": "Euler Search", "segments": 10, "parameters": {"stop": {"start": 0.1, "end": 1, "step": 0.1, "min_step": 0.001}}},
  {"type": "Euler Search", "parameters": {"side": ["long", "short"], "stop": {"start": 0.1, "end": 0.5, "step": 0.1, "min_step": 0.025}}},
  {"type": "Bayesian Search", "points": 30, "parameters": {"fast": {"start": 2, "end": 60}}},
  {"type": "Walk-Forward", "search": "Euler Search", "walk_forward": {"in_sample": 300, "out_of_sample": 100}, "parameters": {"fast": {"start": 2, "end": 10, "step": 4}}}]')
  with ordinality as c (search, position)
cross join lateral estimate(pg_temp.config(jsonb_build_object('optimization', c.search)), 'sma_crossover') as e;
select is((select array_agg(counts order by position) from counted), '{"(10,32)","(10,20)","(30,30)","(6,18)"}',
  'points planned and at the most: Euler 10 + 2 generations of 11; with a list 10 + 2 * 5; Bayesian its budget; two folds of 3 + 5, and a test each');
select is(
  (select b from before as b)::text,
  format('(%s,%s,%s,%s,%s)', (select count(*) from jobs), (select count(*) from optimization_runs), (select count(*) from job_events), (select count(*) from work_items), (select count(*) from estimates)),
  'nothing is left behind');
select is(
  tap.refusal($$select estimate('{"symbols": "AAPL", "optimization": {"parameters": {"fest": 1}}}', 'sma_crossover')$$),
  tap.refused_job('{"symbols": "AAPL", "optimization": {"parameters": {"fest": 1}}}'), 'what the insert refuses, estimate() refuses alike');
