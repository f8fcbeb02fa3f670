-- Results past the triggers, for plans and timings of the boards; :results and :strategies are numbers.
insert into desk.strategies (name, entry_point) select 's' || i, 's' || i from generate_series(1, :strategies) as i;
insert into desk.optimization_runs (
  strategy_id, config_file, optimization_type, target_metric, total_combinations, status, symbols, timeframe,
  start_date, end_date, engine)
select s.id, 'made', 'Grid Search', 'Sharpe Ratio', 1000000, 'running', '{AAPL}', '1d', '2010-01-01', '2012-12-31',
       case when s.id % 10 = 0 then 'lean' else 'backtrader' end
from desk.strategies as s, generate_series(1, 3);
alter table desk.full_results disable trigger user;
insert into desk.full_results (
  optimization_run_id, strategy_id, ordinal, parameters, parameters_hash, passed, rejection_reasons, ranked,
  sharpe_ratio, deflated_sharpe_z, deflated_sharpe, total_return, annual_return, max_drawdown, total_trades, win_rate,
  profit_factor, fee_pct, engine, created_at)
select r.id, r.strategy_id, i, jsonb_build_object('n', i), repeat('0', 64), i % 17 = 0,
       case when i % 17 = 0 then '{}'::text[] else '{Insufficient trades: 8 < 100}' end, true,
       v.x, v.x * 2 - 3, 0.5, v.x / 10, v.x / 30, 0.2, 120, 0.5, 1.1, 0.05, r.engine,
       timestamptz '2026-01-01 00:00+00' + (r.number::float8 / r.of) * interval '90 days' + i % 1000 * interval '1 second'
from generate_series(1, :results) as i
cross join lateral (select hashint8(i) / 2147483648.0::float8 * 2 as x) as v
join (
  select id, strategy_id, engine, row_number() over (order by id) as number, count(*) over () as of
  from desk.optimization_runs
) as r on r.number = 1 + i % r.of;
alter table desk.full_results enable trigger user;
update desk.run_progress as p
set finished = c.finished, passed = c.passed, total = c.finished, last_ordinal = :results
from (
  select optimization_run_id, count(*) as finished, count(*) filter (where passed) as passed
  from desk.backtest_results group by 1
) as c
where c.optimization_run_id = p.optimization_run_id;
insert into desk.run_tallies (
  optimization_run_id, quarter, finished, failed, passed, best_sharpe, best_passed_sharpe)
select optimization_run_id, date_bin('15 minutes', created_at, timestamptz '2000-01-01 00:00+00'), count(*), 0,
       count(*) filter (where passed), max(sharpe_ratio), max(sharpe_ratio) filter (where passed)
from desk.backtest_results group by 1, 2
