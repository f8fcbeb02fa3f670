-- The checks of an order that are no limits: its shape, who is alive, old decisions, levels, keys, brackets.

select plan(99);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create function pg_temp.asked(p_key text, p_symbol text, p_quantity float8, p_more jsonb default '{}') returns text language sql as
  'select tap.asked((select id from pg_temp.s), $1, $2, $3, $4)';
-- What a change makes of an entry of one IBM and of an exit of one AAPL, and no more of the change.
create function pg_temp.under(p_change text) returns text[] language plpgsql as $$
declare v text[];
begin
  begin
    execute p_change;
    v := array[pg_temp.asked('u:1', 'IBM', 1), pg_temp.asked('u:2', 'AAPL', -1)];
    raise exception 'undone' using errcode = 'ZZ000';
  exception when sqlstate 'ZZ000' then return v;
  end;
end $$;
select pg_temp.asked('h:1', 'AAPL', 10);
select tap.filled(id, 'h:1') from s;

-- Shape: holds for exits, too.
select is(pg_temp.asked('i:' || i, 'AAPL', q), 'quantity', format('no order of %s', q)) from unnest('{0,NaN,Infinity}'::float8[]) with ordinality as t (q, i);
select is(pg_temp.asked('s:2', 'MSFT', 1), 'symbol', 'nor of a symbol that the session does not have');
select is(pg_temp.asked('j:' || row_number() over (), 'AAPL', 1, t.more), t.rule, t.more::text)
from (values
  ('{"type": "iceberg"}'::jsonb, 'type'), ('{"type": "limit"}', 'prices'), ('{"limit_price": 100}', 'prices'),
  ('{"type": "stop", "stop_price": -1}', 'prices'), ('{"type": "stop", "stop_price": "NaN"}', 'prices'),
  ('{"type": "stop_limit", "stop_price": 1}', 'prices'), ('{"type": "trail"}', 'prices'),
  ('{"type": "trail", "trail_amount": 1, "trail_part": 0.1}', 'prices'), ('{"type": "trail", "trail_part": 1}', 'prices'),
  ('{"time_in_force": "ever"}', 'time_in_force'), ('{"time_in_force": "gtd"}', 'time_in_force'),
  ('{"valid_until": "2030-01-01"}', 'time_in_force')) as t (more, rule);
select is(pg_temp.asked('k:' || t.place, 'AAPL', 1, t.more), 'allowed', t.more::text)
from (values
  (1, '{"type": "limit", "limit_price": 99}'::jsonb), (2, '{"type": "stop", "stop_price": 101}'), (3, '{"type": "trail", "trail_part": 0.1}'),
  (4, '{"type": "stop_limit", "stop_price": 101, "limit_price": 102}'), (5, '{"type": "trail", "trail_amount": 3}'),
  (6, '{"type": "trail_limit", "trail_amount": 3, "limit_price": 90}'), (7, '{"type": "at_open"}'), (8, '{"type": "at_close"}'),
  (9, '{"time_in_force": "day"}'), (10, '{"time_in_force": "gtd", "valid_until": "2030-01-01"}')) as t (place, more);
update instruments set lot = 0.1, tick = 0.01 where symbol = 'GOOG';
select is(pg_temp.asked('s:4', 'GOOG', 0.35), 'size_step', 'a size is a multiple of its step');
select is(pg_temp.asked('s:5', 'GOOG', 0.3), 'allowed', 'though 0.3 / 0.1 is 2.9999999999999996');
select is(pg_temp.asked('s:6', 'GOOG', 1, '{"type": "limit", "limit_price": 99.995}'), 'price_tick', 'a price is one of its tick');
select is(pg_temp.asked('s:7', 'GOOG', 1, '{"type": "limit", "limit_price": 99.99}'), 'allowed');

-- What is wrong around it: {entry, exit}.
select is(pg_temp.under(t.change), t.wanted::text[], t.what)
from (values
  ('delete from account_links', '{link,link}', 'no link: nothing would carry it out'),
  ('update account_links set beat_at = clock_timestamp() - interval ''31 seconds''', '{link,link}', 'a silent link'),
  ('update account_links set beat_at = clock_timestamp() - interval ''28 seconds''', '{allowed,allowed}', 'not silent for long enough'),
  ('update account_links set state = ''reconciling''', '{link,link}', 'a link that is not ready'),
  ('update session_processes set beat_at = clock_timestamp() - interval ''31 seconds''', '{session,allowed}', 'a silent strategy'),
  ('delete from session_processes', '{session,allowed}', 'no strategy'),
  ('update session_processes set code_hash = repeat(''b'', 64)', '{code,allowed}', 'other code'),
  ('update strategies set status = ''validated'' where name = ''sma_crossover''', '{status,allowed}', 'a strategy that is not on paper'),
  ('select restrict_symbol(''IBM'', ''halted there''), restrict_symbol(''AAPL'', ''too'')', '{restricted,allowed}', 'restricted symbols'),
  ('select restrict_symbol(''IBM'', ''here'', ''PAPER1'')', '{restricted,allowed}', 'restricted on this account'),
  ('select restrict_symbol(''IBM'', ''x''); select release_symbol(''IBM'', ''over'')', '{allowed,allowed}', 'released again'),
  ('delete from session_prices', '{price,allowed}', 'no price'),
  ('update accounts set restart_at = (clock_timestamp() at time zone ''UTC'')::time + interval ''30 seconds'', restart_zone = ''UTC''', '{restart,restart}', 'within a minute of the restart'),
  ('update accounts set restart_at = (clock_timestamp() at time zone ''UTC'')::time - interval ''6 minutes'', restart_zone = ''UTC''', '{allowed,allowed}', 'after it'),
  ('update trading_sessions set state = ''finished'' where account_id is not null', '{session,session}', 'a session that is over'),
  ('insert into halts (account_id, level, rule, reason) select id, ''reducing'', ''drill'', ''drill'' from accounts', '{reducing,allowed}', 'reducing'),
  ('insert into halts (level, rule, reason) values (''halted'', ''drill'', ''drill'')', '{halted,halted}', 'halted'),
  ('insert into halts (account_id, trading_session_id, level, rule, reason) select id, -1, ''halted'', ''drill'', ''drill'' from accounts', '{allowed,allowed}', 'another session that is halted')
) as t (change, wanted, what);
select is((select reason from broker_orders where key = 's:2'), '"MSFT" is no symbol of session ' || (select id from s), 'a refusal is a sentence');

-- Old decisions.
select tap.priced(id, '2010-01-05', 100), tap.priced(id, '2010-01-06', 100) from s;
select is(pg_temp.asked('b:1', 'IBM', 1, '{"decision_bar": "2010-01-04"}'), 'decision_bar', 'decided two bars ago');
select is(pg_temp.asked('b:2', 'AAPL', -1, '{"decision_bar": "2010-01-04"}'), 'decision_bar', 'an exit, too');
select is(pg_temp.asked('b:3', 'IBM', 1, '{"decision_bar": "2010-01-05"}'), 'allowed', 'one bar ago');
select is(pg_temp.asked('b:4', 'IBM', 1, '{"decision_bar": "2010-01-07"}'), 'decision_bar', 'on a bar that nobody has seen');
select is(pg_temp.under('update trading_sessions set clock = ''wall'', timeframe = ''1m'' where account_id is not null'), '{decision_bar,decision_bar}'::text[],
  'by the clock of the wall the bar itself is old');
select is(pg_temp.under('update trading_sessions set clock = ''wall'', timeframe = ''1m'' where account_id is not null;
  update session_ledgers set newest_bar = clock_timestamp() - interval ''170 seconds'''), '{allowed,allowed}'::text[], 'ended 110 seconds ago');

-- The exchange's hours, at the time of the wall: {entry, exit}.
create function pg_temp.at(p_open interval, p_close interval, p_limits text) returns text[] language sql as $$
  select pg_temp.under(format($do$
    update trading_sessions set clock = 'wall', timeframe = '1m' where account_id is not null;
    update session_ledgers set newest_bar = clock_timestamp() - interval '1 minute';
    delete from calendar_sessions where calendar = 'XNYS';
    insert into calendar_sessions (calendar, session, open, close, half_day)
    values ('XNYS', current_date, clock_timestamp() + %L, clock_timestamp() + %L, true);
    %s $do$, $1, $2, $3)) $$;
select is(pg_temp.at(t.open, t.close, t.limits), t.wanted::text[], t.what)
from (values
  (interval '-1 hour', interval '1 hour', 'select tap.limited(''session'', ''exchange_hours'', 1)', '{allowed,allowed}', 'within hours'),
  ('1 minute', '1 hour', 'select tap.limited(''session'', ''exchange_hours'', 1)', '{exchange_hours,allowed}', 'before the open'),
  ('-1 hour', '-1 second', 'select tap.limited(''account'', ''exchange_hours'', 1)', '{exchange_hours,allowed}', 'after the close, by the account''s row'),
  ('-1 hour', '-1 second', 'select tap.limited(''account'', ''exchange_hours'', 0)', '{allowed,allowed}', 'where it is off'),
  ('-1 hour', '10 minutes', 'select tap.limited(''session'', ''no_entry_minutes'', 9.9)', '{allowed,allowed}', 'more than 9.9 minutes before the close'),
  ('-1 hour', '10 minutes', 'select tap.limited(''session'', ''no_entry_minutes'', 10)', '{no_entry_minutes,allowed}', 'ten minutes before it'),
  ('-1 hour', '10 minutes', 'select tap.limited(''account'', ''no_entry_minutes'', 10), tap.limited(''session'', ''no_entry_minutes'', 1)',
    '{no_entry_minutes,allowed}', 'the wider of two'),
  ('-1 hour', '-1 second', 'update instruments set calendar = ''24/7''; select tap.limited(''session'', ''exchange_hours'', 1)', '{allowed,allowed}', 'around the clock')
) as t (open, close, limits, wanted, what);

-- A key is one order for ever.
create temporary table before as select * from broker_orders where key = 'b:3';
select is(pg_temp.asked('b:3', 'IBM', 1, '{"decision_bar": "2010-01-05"}'), 'allowed', 'asked again');
select is((select count(*) from broker_orders where key = 'b:3'), 1::bigint, 'it is the same order');
select throws_like($$select pg_temp.asked('b:3', 'IBM', 2)$$, 'Order b:3 of session % was another one: 1 IBM market', 'other terms are an error');
select is(pg_temp.asked('b:1', 'IBM', 1), 'decision_bar', 'a refused one stays refused');

-- Equal refusals within a second are one row that knows its keys.
select is(array_agg(pg_temp.asked('f:' || i, 'MSFT', 1) order by i), array_fill('symbol'::text, array[50]), 'fifty refusals') from generate_series(1, 50) as i;
select is((select array_agg(row(key, times_refused, last_number)::text) from broker_orders where key like 'f:%'), '{"(f:1,50,50)"}', 'are one row');
select is(pg_temp.asked('f:33', 'MSFT', 1), 'symbol', 'which answers for each of its keys');
select is((select times_refused from broker_orders where key = 'f:1'), 50::bigint, 'and counts none twice');
select is(pg_temp.asked('f:51', 'MSFT', 2), 'symbol', 'another size');
select is((select count(*) from broker_orders where key like 'f:%'), 2::bigint, 'is another row');
update broker_orders set decided_at = decided_at - interval '1 second' where key = 'f:51';
select is(pg_temp.asked('f:52', 'MSFT', 2), 'symbol', 'and so is a later one');
select is((select count(*) from broker_orders where key like 'f:%'), 3::bigint);
select is((select count(*) from broker_order_events as e join broker_orders as o on o.id = e.order_id where o.state = 'refused'), 0::bigint, 'refusals have no events');

-- Brackets: all or none; exits count when their entry is done.
create function pg_temp.bracket(p_key text, p_parent float8, p_exit float8, p_symbol text default 'IBM') returns text language sql as $$
  select string_agg(coalesce(o.rule, o.state), ' ' order by o.key) from desk.place_orders(array[
    tap.order_row((select id from pg_temp.s), p_key || '1', p_symbol, p_parent),
    tap.order_row((select id from pg_temp.s), p_key || '2', p_symbol, p_exit, '{"type": "stop", "stop_price": 90}'),
    tap.order_row((select id from pg_temp.s), p_key || '3', p_symbol, p_exit, '{"type": "limit", "limit_price": 110}')], null) as o $$;
select is(pg_temp.bracket('p:', 10, -10), 'allowed allowed allowed', 'a bracket is allowed');
select is(pg_temp.bracket('p:', 10, -10), 'allowed allowed allowed', 'once');
select is(pg_temp.bracket('q:', 10, -11), 'bracket bracket bracket', 'an exit larger than its entry takes all of it along');
select is(pg_temp.bracket('r:', 10, 10), 'bracket bracket bracket', 'so does one of the same side');
select tap.limited('session', 'max_position_shares', 20);
select is(pg_temp.bracket('t:', 30, -30), 'session max_position_shares session max_position_shares session max_position_shares', 'and an entry that breaks a limit');
delete from risk_limits where limit_name = 'max_position_shares';
select is((select row(held, highest, lowest)::text from reach((select id from accounts), (select id from s)) where symbol = 'IBM'),
  '(0,11,0)', 'exits do not count before their entry');
select tap.filled(id, 'p:1') from s;
select is((select row(held, highest, lowest)::text from reach((select id from accounts), (select id from s)) where symbol = 'IBM'),
  '(10,11,0)', 'and of both the larger one, once');
select is((select state from broker_orders where key = 'p:2'), 'sending', 'they are with the broker');
select tap.filled(id, 'p:3', p_price => 110) from s;
select is((select quantity from positions where symbol = 'IBM'), 0::float8, 'the target closes it');
select pg_temp.bracket('v:', 3, -3);
select is(request_cancel(id, 'v:1'), 'cancelled', 'an entry that was not sent is cancelled at once') from s;
select is((select string_agg(state || ' ' || cancelled_by, ', ' order by key) from broker_orders where key like 'v:%'),
  'cancelled strategy, cancelled desk, cancelled desk', 'and its exits with it');

-- Only the desk's own flattening passes a halt, and only as far as it reduces.
select alike(emergency_stop('drill'), 'HALTED (halt %): no order is allowed from now on. Still open: %PAPER1: 10 AAPL without a resting exit%', 'what is open is named');
select is(pg_temp.asked('z:1', 'AAPL', -10), 'halted', 'not an exit of the strategy');
select is(pg_temp.asked('z:2', 'AAPL', -11, '{"intent": "flatten"}'), 'reducing', 'nor what turns the position round');
select is(pg_temp.asked('z:3', 'AAPL', -10, '{"intent": "flatten"}'), 'allowed', 'the flattening');
select alike(resume_trading('checked'), 'Lifted: % (emergency_stop).', 'until it is lifted');
select is(pg_temp.asked('z:4', 'IBM', 1), 'allowed', 'then orders are allowed again');
select throws_ok($$select emergency_stop(' ')$$, '22023', 'A stop needs a reason');
select throws_ok($$select resume_trading(null)$$, '22023', 'Trading resumes with a reason');
select throws_ok($$select emergency_stop('x', 'PAPER2')$$, '23503', 'Unknown account "PAPER2"');

-- submit_order() wants a statement of its own, which this transaction is not.
select throws_ok($$select check_gate_call()$$, '25001', 'An order is asked for in a statement of its own', 'not in a transaction');
select throws_ok($$select open_account('U1', 'live', 'ib')$$, '22023', 'The account U1 is live, and no stop of the desk reaches a broker yet');
select throws_ok($$insert into accounts (name, kind, broker) values ('U1', 'live', 'ib')$$, '23514', null, 'the table refuses it, too');

select * from finish();
