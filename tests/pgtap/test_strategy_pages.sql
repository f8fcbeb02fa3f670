-- What the pages of a strategy read of one result, worked out by hand.

select plan(20);
select tap.given_desk();

-- Five sessions of a symbol that went up and came down.
select desk.load_instrument('XYZ');
select desk.load_bars('XYZ', '1d', 'made',
  '{2010-01-04 00:00+00,2010-01-05 00:00+00,2010-01-06 00:00+00,2010-01-07 00:00+00,2010-01-08 00:00+00}',
  '{10,10,12,14,9}', '{11,12,15,14,10}', '{9,10,11,8,7}', '{10,12,14,9,10}', '{1,1,1,1,1}');
insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations, status, symbols, timeframe,
  start_date, end_date, engine, imported)
select id, 'Grid Search', 'sharpe_ratio', 1, 'running', '{XYZ}', '1d', '2010-01-04', '2010-01-08', 'backtrader', true
from desk.strategies where name = 'sma_crossover';
insert into desk.run_symbols (optimization_run_id, position, instrument_id, price_version_id)
select r.id, 1, i.id, v.id
from desk.optimization_runs as r, desk.instruments as i join desk.price_versions as v on v.instrument_id = i.id
where i.symbol = 'XYZ';
insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, starting_cash, ending_value, total_fees, total_trades, return_count)
select id, strategy_id, '{"fast": 1}', 1000, 997, 8, 4, 5 from desk.optimization_runs;
create temporary table made as select id from desk.backtest_results;
-- A long of three bars, a short, one within a bar, and one that left at the worst price.
insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices, profits, fees)
select id, '{XYZ,XYZ,XYZ,XYZ}',
  '{2010-01-04 00:00+00,2010-01-06 00:00+00,2010-01-05 14:30+00,2010-01-07 00:00+00}',
  '{2010-01-07 00:00+00,2010-01-08 00:00+00,2010-01-05 20:00+00,2010-01-08 00:00+00}',
  '{10,-10,10,10}', '{10,12,10,14}', '{14,9,10.5,7}', '{38,28,3,-72}', '{2,2,2,2}'
from made;
insert into desk.equity_curves (backtest_result_id, sessions, equity)
select id, array(select d::date from generate_series(timestamp '2010-01-04', '2010-01-11', '1 day') as g (d)),
  '{950,1000,1100,990,1050,880,1100,1080}'
from made;

-- result_drawdowns: 950 of 1000, 880 of 1100 over three sessions, 1080 of 1100 and not over.
select results_eq(
  $$select peak, trough, recovery, round(depth::numeric, 6), sessions, sessions_to_trough from made, desk.result_drawdowns(made.id)$$,
  $$values (date '2010-01-06', date '2010-01-09', date '2010-01-10', 0.2, 3::bigint, 3::bigint),
           (null, '2010-01-04', '2010-01-05', 0.05, 1, 1),
           ('2010-01-10', '2010-01-11', null, round(1 / 55.0, 6), 1, 1)$$,
  'falls from the deepest on, with the starting cash as the first peak, and the last not over');
select is((select count(*) from made, desk.result_drawdowns(made.id, 1)), 1::bigint, 'no more of them than asked for');
select is((select max(depth) from made, desk.result_drawdowns(made.id)), (select max(drawdown) from made, desk.result_equity(made.id)),
  'the deepest is the largest drawdown of the curve');
select is_empty('select * from desk.result_drawdowns(4711)', 'of a result without a curve there is none');

-- result_prices
select is(
  (select count(*) from made, desk.result_prices(made.id, 'XYZ')), 5::bigint, 'every bar where there are few');
select results_eq(
  $$select bar_time::date, until::date, open, high, low, close, bars from made, desk.result_prices(made.id, 'XYZ', p_points => 2)$$,
  $$values (date '2010-01-04', date '2010-01-06', 10::float8, 15::float8, 9::float8, 14::float8, 3::bigint),
           ('2010-01-07', '2010-01-08', 14, 14, 7, 10, 2)$$,
  'put together where there are many: the first open, the extremes, the last close');
select is(
  (select array_agg(close order by bar_time) from made, desk.result_prices(made.id, 'XYZ', '2010-01-05', '2010-01-06')), '{12,14}'::float8[],
  'a part of the window');
select is_empty($$select * from made, desk.result_prices(made.id, 'AAPL')$$, 'nothing of a symbol that it was not traded on');
select desk.load_bars('XYZ', '1d', 'corrected', '{2010-01-04 00:00+00}', '{20}', '{21}', '{19}', '{20}', '{1}');
select is(
  (select high from made, desk.result_prices(made.id, 'XYZ') order by bar_time limit 1), 11::float8, 'a later load changes nothing');

-- result_excursions: of 10 down to 9 and up to 15; short of 12 up to 15 and down to 8; within a bar only its own prices;
-- of 14 down to the exit at 7, since the bar of the exit itself does not count.
select results_eq(
  $$select trade, round(adverse::numeric, 6), round(favourable::numeric, 6), bars from made, desk.result_excursions(made.id)$$,
  $$values (1::bigint, 0.1, 0.5, 3::bigint), (2, 0.25, round(4 / 12.0, 6), 2), (3, 0, 0.05, 0), (4, 0.5, 0, 1)$$,
  'how far each trade went against and for its holder, long and short');
select results_eq(
  $$select round(trade_return::numeric, 6) from made, desk.result_excursions(made.id, 2, 1)$$,
  $$values (round(28 / 120.0, 6)), (0.03)$$,
  'what was earned after fees, of the second and third');
update desk.trades set symbols = '{QQQ,QQQ,QQQ,QQQ}';
select results_eq(
  $$select adverse, bars from made, desk.result_excursions(made.id, 1)$$, $$values (null::float8, null::bigint)$$,
  'unknown where no prices are pinned, and the trade is there nevertheless');
update desk.trades set symbols = '{XYZ,XYZ,XYZ,XYZ}';

-- fee_break_even: 5 before fees of 8.
select is((select round(desk.fee_break_even(id)::numeric, 9) from made), 0.625, 'the fees at which nothing is earned');
update desk.full_results set traded_value = 4000, total_fees = 8, break_even_fee = 0.5;
select is((select round(desk.break_even_fee(id)::numeric, 9) from made), 0.00125, 'as a share of a fill: 0.625 of 8 of 4000');
update desk.full_results set ending_value = 990;
select is((select desk.fee_break_even(id) from made), null, 'none where it loses without fees');
update desk.full_results set ending_value = 1092;
update desk.trades set sizes = '{10,-20,10,10}', profits = '{38,28,3,23}';
select ok(
  (select abs(c.total_return) < 1e-5 from made, desk.fee_break_even(made.id) as k, desk.cost_sweep(made.id, array[k]) as c),
  'where sizes follow equity too, cost_sweep() earns nothing there');
select ok(
  (select abs(desk.break_even_fee(id) - desk.fee_break_even(id) * 8 / 4000) < 1e-12 and desk.break_even_fee(id) <> 0.5 from made),
  'and the fee of a fill is the same answer');
delete from desk.trades;
select is((select desk.break_even_fee(id) from made), 0.5::float8, 'without trades that at fixed sizes is all there is');

-- target_values
update desk.full_results set sharpe_ratio = 0.7;
select results_eq(
  $$select v.parameters, v.outcome, v.target_value from made join desk.backtest_results as b using (id), desk.target_values(b.optimization_run_id) as v$$,
  $$values ('{"fast": 1}'::jsonb, 'finished', 0.7::float8)$$, 'each point of a run with its target');
select is_empty('select * from desk.target_values(4711)', 'none of a run that is not there');

select * from finish();
