-- The two statements that users already have, and what becomes of what they import.

select plan(36);
alter table strategies alter column id restart with 1;
alter table optimization_runs alter column id restart with 1;
alter table full_results alter column id restart with 1;
select publish_strategies(tap.strategies());
select is((select name from strategies where id = 1), 'rsi_mean_reversion', 'the desk''s first strategy has id 1');

set local role desk_importer;
prepare import_run as
insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric, total_combinations, status) values (1, 'rsi_etf_example.yaml', 'Grid Search', 'Sharpe Ratio', 72, 'running') returning id;
prepare import_result as
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return) values (1, 1, '{"rsi_period": "14", "entry_threshold": "30"}', 1.42, 0.15);
select results_eq('import_run', array[1::bigint], 'the first statement answers run 1');
select lives_ok('import_result', 'the second statement is accepted');
select is(
  (select to_jsonb(b) from (
     select ordinal, parameters, outcome, passed, rejection_reasons, sharpe_ratio, total_return, metrics_given, engine from backtest_results) as b),
  '{"ordinal": 1, "parameters": {"rsi_period": 14, "entry_threshold": 30}, "outcome": "finished", "passed": false,
    "rejection_reasons": ["Fees undefined: needs <= 30.0%", "Trades undefined: needs >= 100"],
    "sharpe_ratio": 1.42, "total_return": 0.15, "metrics_given": true, "engine": "backtrader"}'::jsonb,
  'the result is point 1, its parameters numbers, its ratios kept as given, judged by the desk''s criteria');
select is(
  tap.rows('select target_metric, target_direction, imported, status, started_at is not null, engine, total_combinations from optimization_runs'),
  '[["sharpe_ratio", "max", true, "running", true, "backtrader", 72]]', 'the run is imported, its metric resolved');
select is(tap.rows('select total, finished, failed, passed, best_value from run_progress'), '[[72, 1, 0, 0, 1.42]]', 'its progress counts');
select is((select status from strategies where id = 1), 'testing', 'the strategy is in testing');

-- It closes by itself.
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return, total_trades, fee_pct)
select 1, 1, jsonb_build_object('rsi_period', n::text), 1.8, 0.2, 120, 0.1 from generate_series(2, 4) as n;
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return, total_trades, fee_pct)
select 1, 1, jsonb_build_object('rsi_period', n::text), 2.5, 0.2, 8, 0.674 from generate_series(5, 71) as n;
select is((select status from optimization_runs), 'running', 'with 71 of 72 rows in, the run is open');
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return, total_trades, fee_pct) values (1, 1, '{"rsi_period": "72"}', 0.5, 0.1, 8, 0.674);
select is(
  tap.rows('select r.status, r.summary, s.status from optimization_runs as r join strategies as s on s.id = r.strategy_id'),
  '[["completed", "72 runs complete, 3 passed, best Sharpe: 2.5, best passed: 1.8", "passed"]]',
  'with all 72 in it closes: the summary is the desk''s line, the best Sharpe and that of the passed');
select is((select flags from optimization_runs), '{"ratios as given: no moments to compute them from"}', 'and says that nobody could check the ratios');
select is((select max(ordinal) from backtest_results), 72::bigint, 'rows are numbered without a hole');
select is(
  (select rejection_reasons from backtest_results where ordinal = 72), array['Fees too high: 67.4% > 30.0%', 'Insufficient trades: 8 < 100'],
  'each rejected row says why');
select is(
  tap.refusal($$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters) values (1, 1, '{}')$$),
  array['22023', 'Run 1 is completed already', '$.optimization_run_id', 'Insert another optimization_runs row for further results.'],
  'a closed run takes no further row');

-- Not a number
insert into optimization_runs (strategy_id, target_metric, total_combinations, status) values (1, 'Sharpe', 2, 'running');
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return, total_trades, fee_pct)
values (2, 1, '{}', 'NaN', 0.1, 120, 'NaN'), (2, 1, '{"a": 1}', 0.7, 0.1, 120, 0);
select is(
  tap.rows('select passed, rejection_reasons, sharpe_ratio from backtest_results where optimization_run_id = 2 order by ordinal'),
  '[[false, ["Fees undefined: needs <= 30.0%"], null], [true, [], 0.7]]', 'NaN is undefined, and meets no criterion');
select is((select best_value from run_progress where optimization_run_id = 2), 0.7::float8, 'nor is it the best');

-- Raw moments
insert into optimization_runs (strategy_id, target_metric, total_combinations, status) values (1, 'sharpe_ratio', 1, 'running');
insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, starting_cash, ending_value, sessions, return_count, return_mean, return_m2)
values (3, 1, '{}', 99, 1000, 1100, 10, 10, 0.005, 0.00585);
select is(
  tap.rows('select metrics_given, round(sharpe_ratio::numeric, 6), total_return from backtest_results where optimization_run_id = 3'),
  '[[false, 3.113247, 0.10000000000000009]]', 'with raw moments the desk computes the ratios itself');

-- Refusals
select is(tap.refusal(t.statement), array[t.code, t.message, t.path, t.hint], t.promise)
from (values
  ('an unknown run is refused', $$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters) values (99, 1, '{}')$$,
   '23503', 'There is no run 99', '$.optimization_run_id', 'Insert the optimization_runs row first.'),
  ('an unknown metric is refused', $$insert into desk.optimization_runs (strategy_id, target_metric, status) values (1, 'Sharp Ratio', 'running')$$,
   '23503', 'Unknown metric "Sharp Ratio"', '$.target_metric', 'Did you mean Sharpe Ratio?'),
  ('a run that is over cannot be imported', $$insert into desk.optimization_runs (strategy_id, target_metric, status) values (1, 'Sharpe', 'completed')$$,
   '22023', 'A run cannot be imported as completed', '$.status',
   'Insert it as running; it closes by itself when as many results as total_combinations are in.')
) as t (promise, statement, code, message, path, hint);
insert into optimization_runs (strategy_id, target_metric, total_combinations, status) values (1, 'Sharpe', 5, 'running');
select is(
  tap.refusal($$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters) select max(id), 2, '{}' from desk.optimization_runs$$),
  array['22023', format('Run %s is of strategy 1, the result says 2', max(id)), '$.strategy_id', 'Give the result the strategy of its run.'],
  'a result of another strategy is refused') from optimization_runs;
select is(
  tap.refusal($$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters) select max(id), 1, '[14]' from desk.optimization_runs$$),
  array['22023', 'Got [14] as parameters', '$.parameters', 'Give an object of names and values.'], 'parameters without names are refused');
select is((select last_ordinal from run_progress order by optimization_run_id desc limit 1), 0::bigint, 'a refused row takes no number');
select is(
  tap.refusal($$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters)
    select r.id, 1, jsonb_build_object('n', n) from (select max(id) as id from desk.optimization_runs) as r, generate_series(1, 6) as n$$),
  array['22023', format('Run %s is completed already', max(id)), '$.optimization_run_id', 'Insert another optimization_runs row for further results.'],
  'a statement with more rows than the run has is refused') from optimization_runs;
select is(
  (select status from optimization_runs order by id desc limit 1), 'running', 'and leaves the run as it was');

-- What the importer may not do
select is((tap.refusal(t.statement))[1], '42501', t.promise)
from (values
  ('the importer says of no result that it passed', $$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, passed) values (1, 1, '{}', true)$$),
  ('nor which point it is', $$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, ordinal) values (1, 1, '{}', 5)$$),
  ('it changes nothing', $$update desk.backtest_results set sharpe_ratio = 9$$),
  ('it deletes nothing', $$delete from desk.backtest_results$$),
  ('it inserts no job', $$insert into desk.jobs (strategy) values ('x')$$),
  ('it claims no work', $$select desk.claim_work(1, 1)$$)
) as t (promise, statement);

-- Runs of our own
reset role;
select tap.given_desk();
select tap.given_job(3);
set local role desk_importer;
select is(
  tap.refusal($$insert into desk.backtest_results (optimization_run_id, strategy_id, parameters) select id, strategy_id, '{}' from desk.optimization_runs where not imported$$),
  array['22023', format('Run %s is executed by runners', id), '$.optimization_run_id',
    'Import results into a run of your own: insert an optimization_runs row first.'],
  'nobody imports into a run that runners execute') from optimization_runs where not imported;

-- Seen by runners
reset role;
select tap.given_runner();
select is(advance_runs(max(id)), 1, 'runners look after their own runs only') from runners;
select is((select count(distinct optimization_run_id) from work_items where kind = 'points'), 1::bigint, 'an imported run is never handed out');

select is(
  tap.refusal($$insert into desk.optimization_runs (strategy_id, optimization_type, total_combinations, status) values (1, 'Grid Serch', 1, 'running')$$),
  array['23503', 'Unknown search "Grid Serch"', '$.optimization_type', 'Did you mean Grid Search?'], 'a run is of a search that there is');

reset role;
-- The director may import as well: whoever types the two statements into psql is the director.
set local role desk_director;
select lives_ok($$insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric, total_combinations, status)
  values (1, 'by_hand.yaml', 'Grid Search', 'Sharpe Ratio', 1, 'running')$$, 'the director inserts a run');
select lives_ok($$insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio, total_return)
  select max(id), 1, '{"rsi_period": "14"}', 1.42, 0.15 from optimization_runs$$, 'and its result');
reset role;
select * from finish();
