-- What is read of trading on accounts: days, the way of an order.

select plan(10);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create function pg_temp.days(p_session_id bigint) returns jsonb language sql as $$
  select tap.rows(format('select day, start_value, end_value, low_value, high_value, first_bar::date, last_bar::date
    from desk.session_days where trading_session_id = %s order by day', p_session_id)) $$;

-- A day begins with the value at the end of the last bar, whatever was filled since.
select tap.asked(id, 'a:1', 'AAPL', 10), tap.filled(id, 'a:1', null, 101) from s;
select is(pg_temp.days(id), '[["2010-01-04", 100000, 100000, 100000, 100000, "2010-01-04", "2010-01-04"]]', 'a fill is no bar') from s;
select tap.priced(id, '2010-01-05', 90), tap.priced(id, '2010-01-05', 95) from s;
select is(pg_temp.days(id) -> 1, '["2010-01-05", 100000, 99940, 99890, 100000, "2010-01-05", "2010-01-05"]', 'a bar that is priced anew counts as it is now') from s;
select is(tap.priced(id, '2010-01-04', 1), 'old', 'an old bar') from s;
select is(jsonb_array_length(pg_temp.days(id)), 2, 'changes no day') from s;

-- One that continues another begins with what it took over; the other keeps what was its.
select tap.priced(id, '2010-01-06', 100) from s;
create temporary table n as select start_trading_session('sma_crossover', 'PAPER1', null, '{AAPL}', '1d', p_clock => 'stream', p_continues => id) as id from s;
select is(pg_temp.days(id) -> 2, '["2010-01-06", 99940, 99990, 99940, 99990, "2010-01-06", "2010-01-06"]') from s;
select begin_strategy(id, repeat('a', 64), 'h', 3), tap.priced(id, '2010-01-06', 101, '{AAPL}') from n;
select is(pg_temp.days(id), '[["2010-01-06", 99990, 100000, 99990, 100000, "2010-01-06", "2010-01-06"]]') from n;
select is(jsonb_array_length(pg_temp.days(id)), 3, 'no day is left out') from s;

-- The way of an order, from the job on.
create temporary table r as select tap.given_runner() as id;
create temporary table j as select tap.given_job(1) as id;
select tap.drain(id, tap.metrics()) from r;
create temporary table w as
select start_trading_session('sma_crossover', 'PAPER1', 50000, '{AAPL}', '1d', p_clock => 'stream', p_result_id => b.id) as id, b.id as result_id
from backtest_results as b, j where b.optimization_run_id = tap.run_of(j.id);
select begin_strategy(w.id, t.code_hash, 'h', 4), tap.priced(w.id, '2010-02-01', 100, '{AAPL}') from w join trading_sessions as t on t.id = w.id;
select tap.asked(id, '2010-02-01:1', 'AAPL', 10, '{"decision_bar": "2010-02-01T00:00:00Z"}'), tap.filled(id, '2010-02-01:1', 4, 102, 'f1'), tap.filled(id, '2010-02-01:1', 6, 99, 'f2') from w;
select tap.asked(id, '2010-02-01:2', 'IBM', 10, '{"decision_bar": "2010-02-01T00:00:00Z"}') from w;
create function pg_temp.trail() returns jsonb language sql as $$
  select tap.rows(format('select job_id = %s, backtest_result_id = %s, approval_id is not null, strategy, decision_bar::date, key, state, rule, filled, round(slip::numeric, 4)
    from desk.order_trail where trading_session_id = %s order by order_id, execution_id', (select id from pg_temp.j), (select result_id from pg_temp.w), (select id from pg_temp.w))) $$;
select is(pg_temp.trail(), '[[true, true, false, "sma_crossover", "2010-02-01", "2010-02-01:1", "filled", null, 4, 0.02],
  [true, true, false, "sma_crossover", "2010-02-01", "2010-02-01:1", "filled", null, 6, -0.01],
  [true, true, false, "sma_crossover", "2010-02-01", "2010-02-01:2", "refused", "symbol", null, null]]', 'job, result, session, bar, order, fill, or why not');
select approve_strategy('sma_crossover', 'PAPER1', 'three weeks'), tap.asked(id, '2010-02-01:3', 'AAPL', 1, '{"decision_bar": "2010-02-01T00:00:00Z"}') from w;
select is(pg_temp.trail() -> 3 -> 2, 'true', 'and the approval, once there is one');
select is(pg_temp.trail() -> 2 -> 2, 'false', 'which is none of what was asked before');
select * from finish();
