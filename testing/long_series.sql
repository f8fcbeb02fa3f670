-- Beside the results: a curve and trades of the best of each strategy, a walk-forward, a session that was logged.
create temporary table best as
select distinct on (strategy_id) id, strategy_id, optimization_run_id, ordinal
from desk.backtest_results
where passed
order by strategy_id, sharpe_ratio desc;

update desk.full_results set starting_cash = 100000 where id in (select id from best);

insert into desk.equity_curves (backtest_result_id, sessions, equity)
select b.id, s.sessions, s.equity
from best as b
cross join (
  select array_agg(day::date order by day) as sessions,
         array_agg(100000 * (1 + 0.1 * sin(extract(epoch from day) / 3e6)) order by day) as equity
  from generate_series(timestamp '2003-01-01', timestamp '2012-12-31', interval '1 day') as day
  where extract(isodow from day) < 6
) as s
limit 20;

insert into desk.trades (
  backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices, profits, fees)
select c.backtest_result_id, t.symbols, t.entries, t.exits, t.sizes, t.prices, t.prices, t.profits, t.fees
from desk.equity_curves as c
cross join (
  select array_agg('AAPL'::text) as symbols, array_agg(at order by at) as entries,
         array_agg(at + interval '5 days' order by at) as exits, array_agg(10.0) as sizes, array_agg(30.0) as prices,
         array_agg(sin(i) * 100 order by at) as profits, array_agg(1.0) as fees
  from generate_series(1, 2000) as i, lateral (select timestamptz '2003-01-02 21:00+00' + i * interval '1 day') as d (at)
) as t;

with run as (
  insert into desk.optimization_runs (
    strategy_id, optimization_type, target_metric, total_combinations, status, symbols, timeframe, start_date,
    end_date, engine, imported)
  select strategy_id, 'Walk-Forward', 'sharpe_ratio', 60, 'running', '{AAPL}', '1d', '2003-01-01', '2012-12-31',
         'backtrader', true
  from best order by strategy_id limit 1
  returning id, strategy_id
), plan as (
  insert into desk.walk_forward_plans (
    optimization_run_id, mode, unit, in_sample, out_of_sample, embargo_sessions, warm_up_bars, folds)
  select id, 'rolling', 'months', 12, 1, 0, 0, 60 from run
)
insert into desk.walk_forward_folds (
  optimization_run_id, fold, in_sample_start, in_sample_end, embargo_sessions, previous_out_of_sample_end,
  out_of_sample_start, out_of_sample_end, state, chosen_result_id, out_of_sample_result_id, efficiency)
select r.id, i, d.at, d.at + 365, 0, case when i > 1 then d.at + 365 end,
       d.at + 365, d.at + 395, 'done', c.chosen, c.tested, 0.5
from run as r
cross join generate_series(1, 60) as i
cross join lateral (select date '2003-01-01' + (i * 30)) as d (at)
cross join lateral (
  select min(b.id) as chosen, max(b.id) as tested
  from (
    select id from desk.backtest_results where strategy_id = r.strategy_id order by id offset i limit 2
  ) as b
) as c;

with session as (
  insert into desk.trading_sessions (strategy_id, optimization_run_id, ordinal, state, symbols, cash)
  select strategy_id, optimization_run_id, ordinal, 'finished', '{AAPL}', 100000 from best order by id limit 1
  returning id
), rows as (
  select s.id, i, at
  from session as s, generate_series(1, 20000) as i,
       lateral (select timestamptz '2003-01-02 14:30+00' + i / 8 * interval '1 day' + i % 8 * interval '1 hour') as d (at)
), sent as (
  insert into desk.orders (
    session_id, order_ref, symbol, side, type, size, status, filled, average_price, fees, sent_at, changed_at, last_seq)
  select id, i, 'AAPL', case when i % 2 = 0 then 'sell' else 'buy' end, 'Market', 10, 'completed', 10, 30, 1, at, at, i
  from rows
), filled as (
  insert into desk.fills (session_id, seq, bar_time, order_ref, symbol, size, price, fee)
  select id, i, at, i, 'AAPL', case when i % 2 = 0 then -10 else 10 end, 30, 1 from rows
), held as (
  insert into desk.position_history (session_id, seq, bar_time, symbol, change, size_before, size, price, average_price)
  select id, i, at, 'AAPL', case when i % 2 = 0 then 'exit' else 'entry' end, case when i % 2 = 0 then 10 else 0 end,
         case when i % 2 = 0 then 0 else 10 end, 30, 30
  from rows
), traded as (
  insert into desk.session_trades (
    session_id, seq, symbol, entry_time, exit_time, size, entry_price, exit_price, profit, net_profit, fees)
  select id, i, 'AAPL', at, at + interval '1 hour', 10, 30, 30, 0, -2, 2 from rows where i % 2 = 0
), warned as (
  insert into desk.risk_events (session_id, seq, bar_time, limit_name, severity, message, observed, threshold, symbol)
  select id, i, at, 'max_positions', (array['info', 'warning', 'critical'])[1 + i % 3], 'made', 2, 1, 'AAPL'
  from rows where i % 10 = 0
), valued as (
  insert into desk.portfolio_snapshots (session_id, seq, bar_time, cash, value, exposure, positions)
  select id, i, at, 100000, 100000 + 100 * sin(i / 100.0), 0, '{}' from rows
)
insert into desk.daily_summaries (
  session_id, session_date, begin_value, end_value, low_value, high_value, orders, fills, trades, profit, fees,
  risk_events)
select id, at::date, 100000, 100000, 99900, 100100, count(*), count(*), count(*) / 2, -1, count(*), 1
from rows group by id, at::date;
