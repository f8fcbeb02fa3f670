-- What is read of trading on accounts: days.

select plan(7);
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
select * from finish();
