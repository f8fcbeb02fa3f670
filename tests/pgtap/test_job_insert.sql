-- The director's insert: what a good row becomes, without a row a point.

select plan(24);
select tap.given_desk();
set local role desk_director;

prepare good as
insert into desk.jobs (strategy, config, config_file, notes, tags)
values ('rsi_mean_reversion', '{
  "symbols": ["AAPL", "IBM"], "start_date": "2010-06-01", "end_date": "2011-06-01",
  "optimization": {"target_metric": "Sharpe Ratio", "parameters": {
    "rsi_period": {"start": 10, "end": 20, "step": 2},
    "entry_threshold": {"start": 20, "end": 35, "step": 5},
    "exit_threshold": [50, 55, 60]}},
  "success_criteria": {"min_trades": 100, "max_fee_pct": 0.3}}', 'rsi_etf_example.yaml', 'first', '{a}')
returning id is not null;
select results_eq('good', array[true], 'the director inserts a job and is told its id');

select is(
  (select array[j.state, j.strategy, j.created_by, j.config_file, j.summary] from jobs as j order by j.id desc limit 1),
  array['waiting', 'rsi_mean_reversion', 'desk_director', 'rsi_etf_example.yaml', null],
  'the job waits, and says who asked');
select is(
  (select to_jsonb(p) - '{job_id,created_at}'::text[] from job_progress as p order by p.job_id desc limit 1),
  '{"state": "waiting", "strategy": "rsi_mean_reversion", "config_file": "rsi_etf_example.yaml", "priority": 0, "total": 72,
    "is_open": true, "finished": 0, "failed": 0, "passed": 0, "percent": 0.0, "eta": null, "best_value": null, "target_metric": "sharpe_ratio",
    "summary": null, "error": null, "created_by": "desk_director", "started_at": null, "finished_at": null, "reused": 0,
    "flags": [], "advice": null, "batch_id": null}'::jsonb,
  'job_progress shows 72 points, none of them finished');

select is(
  (select to_jsonb(r) from (
     select optimization_type, target_metric, target_direction, total_combinations, status, symbols, timeframe, start_date,
            end_date, cash, risk_free_rate, engine, imported, paused, config_file, created_by, notes, tags, code_version_id
     from optimization_runs order by id desc limit 1) as r),
  '{"optimization_type": "Grid Search", "target_metric": "sharpe_ratio", "target_direction": "max", "total_combinations": 72,
    "status": "pending", "symbols": ["AAPL", "IBM"], "timeframe": "1d", "start_date": "2010-06-01", "end_date": "2011-06-01",
    "cash": 100000, "risk_free_rate": 0, "engine": "backtrader", "imported": false, "paused": false,
    "config_file": "rsi_etf_example.yaml", "created_by": "desk_director", "notes": "first", "tags": ["a"],
    "code_version_id": null}'::jsonb,
  'its run has the names resolved, the defaults filled in, and no code yet');
select is(
  (select data_hash ~ '^[0-9a-f]{64}$' from optimization_runs order by id desc limit 1), true, 'its prices are pinned by hash');
select is(
  tap.rows('select i.symbol from run_symbols as s join instruments as i on i.id = s.instrument_id
    where s.optimization_run_id = (select max(id) from optimization_runs) order by s.position'),
  '[["AAPL"], ["IBM"]]', 'its price versions are pinned in order');
select is(
  tap.rows('select metric, comparison, threshold, source from success_criteria
    where optimization_run_id = (select max(id) from optimization_runs) order by metric'),
  '[["fee_pct", "<=", 0.3, "config"], ["total_trades", ">=", 100, "config"]]',
  'its criteria are rows');
select is_empty('select from work_items', 'no point is a row yet');
select is_empty('select from backtest_results', 'no result is a row yet');
select is(
  tap.rows('select event, from_state, to_state from job_events order by id'),
  '[["job", null, "waiting"], ["run", null, "pending"]]',
  'job and run have their first events');
select is((select status from strategies where name = 'rsi_mean_reversion'), 'backlog', 'a job that only waits moves no strategy');

-- Defaults
insert into jobs (strategy, config) values ('STR-003', '{"symbols": "aapl"}');
select is(
  (select j.canonical_config from jobs as j order by j.id desc limit 1) @> '{
    "strategy": "sma_crossover", "symbols": ["AAPL"], "timeframe": "1d", "start_date": "2010-01-04", "end_date": "2011-12-30",
    "cash": 100000, "commission": {"percent": 0.001, "per_share": 0, "minimum": 0}, "slippage": 0, "seed": 0,
    "keep_series": "best", "seconds_per_point": 300, "memory_mb": 2048, "stock": false}'::jsonb, true,
  'a config of one key is one backtest with every default, over all prices there are');
select is((select total_combinations from optimization_runs order by id desc limit 1), 1::bigint, 'one backtest is a search of one point');
select is(
  tap.rows('select metric, comparison, threshold, source from success_criteria
    where optimization_run_id = (select max(id) from optimization_runs) order by metric'),
  '[["fee_pct", "<=", 0.3, "default"], ["total_return", ">=", 0, "default"], ["total_trades", ">=", 100, "default"]]',
  'without criteria the desk''s defaults hold');

-- One search a symbol
insert into jobs (strategy, config)
values ('sma_crossover', '{"symbols": ["AAPL", "IBM", "GOOG"], "for_each": "symbols", "optimization": {"parameters": {"fast": [5, 10]}}}');
select is(
  tap.rows('select symbols, total_combinations, start_date from optimization_runs where job_id = (select max(id) from jobs) order by id'),
  '[[["AAPL"], 2, "2010-01-04"], [["IBM"], 2, "2010-01-04"], [["GOOG"], 2, "2011-01-03"]]',
  'for_each makes one search of each symbol, each over its own prices');
select is((select total from job_progress order by job_id desc limit 1), 6::bigint, 'the job counts the points of all its runs');

-- A million points
prepare million as insert into jobs (strategy, config) values ('sma_crossover', '{"symbols": "AAPL", "optimization": {"parameters": {
  "fast": {"start": 1, "end": 1000, "step": 1}, "slow": {"start": 1001, "end": 2000, "step": 1}}}}');
select performs_ok('million', 1000, 'a million points are accepted well within a second');
select is(
  tap.rows($$select * from point_parameters((select max(id) from optimization_runs), '{1, 1000, 1001, 1000000}') order by 1$$),
  '[[1, {"fast": 1, "slow": 1001}], [1000, {"fast": 1, "slow": 2000}],
    [1001, {"fast": 2, "slow": 1001}], [1000000, {"fast": 1000, "slow": 2000}]]',
  'the director decodes its first and last points');
select is_empty(
  $$select from point_parameters((select max(id) from optimization_runs), '{0, 1000001}')$$, 'there are no points outside');

-- What a director may not do
select is(tap.refusal($$update desk.jobs set state = 'done'$$),
  array['42501', 'permission denied for table jobs', '', ''], 'the director moves no job by hand');
select is(tap.refusal($$insert into desk.jobs (strategy, config, state) values ('sma_crossover', '{"symbols": "IBM"}', 'done')$$),
  array['42501', 'permission denied for table jobs', '', ''], 'nor inserts one that is over');
select is(tap.refusal($$insert into desk.jobs (kind, strategy, config) values ('optimisation', 'sma_crossover', '{"symbols": "IBM"}')$$),
  array['22023', 'Unknown kind "optimisation"', '$.kind', 'Did you mean optimization?'], 'an unknown kind is refused');
set local role desk_viewer;
select is(tap.refusal($$insert into desk.jobs (strategy, config) values ('sma_crossover', '{"symbols": "IBM"}')$$),
  array['42501', 'permission denied for table jobs', '', ''], 'the viewer inserts no job');
set local role desk_director;
select lives_ok($$update desk.jobs set notes = 'later', tags = '{b}' where id = (select max(id) from desk.jobs)$$, 'notes and tags may change');

select * from finish();
