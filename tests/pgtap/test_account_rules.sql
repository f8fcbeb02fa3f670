-- What the rules of a small account would have kept a result from, worked by hand.

select plan(5);
select tap.given_desk();
select tap.given_runner();
select tap.given_job(1, '{"cash": 1000}');
select tap.advance(1) from (select 1) as x;
create temporary table held as select * from claim_work((select max(id) from runners), 1);
select tap.complete(work_item_id, token, ordinals[1], tap.metrics('{"starting_cash": 1000, "ending_value": 1100}')) from held;
create temporary table r as select max(id) as id from backtest_results;
select is_empty('select * from result_account_rules((select id from r))', 'without trades nothing is said');
-- Daily bars: four day trades on four days of one week, a fifth eight days later; gains of 10 each.
insert into trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices, profits, fees)
select r.id, array_fill('AAPL'::text, array[5]), d.days, d.days, array_fill(50::float8, array[5]), array_fill(10::float8, array[5]),
  array_fill(10.2::float8, array[5]), array_fill(10::float8, array[5]), array_fill(0::float8, array[5])
from r, (values ('{2010-01-04Z,2010-01-05Z,2010-01-06Z,2010-01-07Z,2010-01-15Z}'::timestamptz[])) as d (days);
select is(tap.rows('select * from result_account_rules((select id from r)) order by 1'), '[["max_day_trades", 1, 5], ["settled_cash_only", 0, 5]]',
  'the fourth of a week is one too many');
select is(tap.rows('select * from result_account_rules((select id from r), 1) order by 1'), '[["max_day_trades", 3, 5], ["settled_cash_only", 0, 5]]',
  'with one allowed, three');
-- On one day 60 for 600 are bought, sold, and bought again: the first 600 have not settled.
update trades set entry_times = array['2010-01-04Z','2010-01-04Z','2010-01-05Z']::timestamptz[], exit_times = array['2010-01-04Z','2010-01-08Z','2010-01-06Z']::timestamptz[],
  symbols = symbols[:3], sizes = '{60,60,39}', entry_prices = entry_prices[:3], exit_prices = exit_prices[:3], profits = '{0,0,0}', fees = fees[:3];
select is(tap.rows('select * from result_account_rules((select id from r)) order by 1'), '[["max_day_trades", 0, 3], ["settled_cash_only", 1, 3]]',
  'a purchase with the day''s own proceeds; on the next day they have settled');
update trades set sizes = '{60,60,41}';
select is(tap.rows('select * from result_account_rules((select id from r)) order by 1'), '[["max_day_trades", 0, 3], ["settled_cash_only", 2, 3]]',
  'then 400 are left, which do not pay 410');

select * from finish();
