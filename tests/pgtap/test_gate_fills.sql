-- What becomes of an order: its states, fills and their corrections, the ledger, losses, and who may do what.

select plan(103);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
grant select on s to public;
create function pg_temp.asked(p_key text, p_symbol text, p_quantity float8, p_more jsonb default '{}') returns text language sql as
  'select tap.asked((select id from pg_temp.s), $1, $2, $3, $4)';
create function pg_temp.o(p_key text) returns bigint language sql as 'select id from desk.broker_orders where key = $1';
create function pg_temp.said(p_key text, p_state text, p_by text default null) returns text language sql as
  'select desk.record_order_state(''PAPER1'', tap.link(), pg_temp.o($1), $2, ''said'', $3)';
create function pg_temp.fill(p_key text, p_execution text, p_revision integer, p_quantity float8, p_price float8 default 100,
  p_commission float8 default null, p_cash_after float8 default null) returns text language sql as $$
  select desk.record_execution('PAPER1', tap.link(), $2, $3, pg_temp.o($1), 'AAPL', $4, $5, '2010-01-04 15:00Z', $6, $7) $$;
create function pg_temp.ledger() returns text language sql as 'select row(cash, value)::text from desk.session_ledgers where trading_session_id = (select id from pg_temp.s)';

-- The way of an order.
select is(pg_temp.asked('a:1', 'AAPL', 10), 'allowed');
select throws_ok($$select pg_temp.fill('a:1', 'e1', 1, 4)$$, '23514', '4 AAPL cannot be a fill of order ' || pg_temp.o('a:1'), 'what was not sent is not filled');
select is((select array_agg(key) from take_orders('PAPER1', tap.link())), '{a:1}', 'the link takes it');
select is((select count(*) from take_orders('PAPER1', tap.link())), 0::bigint, 'once');
select is(pg_temp.said('a:1', 'working'), 'recorded');
select is(pg_temp.said('a:1', 'working'), 'known', 'a word that comes twice');
select is(request_cancel(id, 'a:1'), 'working', 'a cancel is asked for') from s;
select is((select array_agg(key) from take_cancels('PAPER1', tap.link())), '{a:1}', 'the link takes it');
select is((select count(*) from take_cancels('PAPER1', tap.link())), 0::bigint, 'once');
select is((select count(*) from take_cancels('PAPER1', tap.link(), true)), 1::bigint, 'or again where it asks');
select is(pg_temp.fill('a:1', 'e1', 1, 4), 'recorded', 'a part is filled');
select is(pg_temp.said('a:1', 'cancelled'), 'recorded', 'the rest is cancelled');
select is((select cancelled_by from broker_orders where key = 'a:1'), 'strategy');
select is(pg_temp.fill('a:1', 'e2', 1, 6), 'recorded', 'a fill that comes after the last word');
select is((select row(state, filled, filled_value)::text from broker_orders where key = 'a:1'), '(filled,10,1000)', 'is still a fill');
select is(pg_temp.said('a:1', 'cancelled'), 'known', 'and the last word');
select is(
  (select array_agg(coalesce(from_state, '-') || '>' || to_state || ' ' || filled order by id) from broker_order_events where order_id = pg_temp.o('a:1')),
  '{->allowed 0,allowed>sending 0,sending>working 0,working>working 0,working>working 4,working>cancelled 4,cancelled>filled 10}',
  'each change is an event');
select throws_ok($$delete from broker_order_events$$, '42501', null, 'that nobody deletes');
select throws_ok($$update broker_orders set state = 'allowed' where key = 'a:1'$$, '23514', null, 'a state goes along its edges only');
select throws_ok($$update broker_orders set state = 'filled', filled = 0 where key = 'a:1'; update broker_orders set filled = 9 where key = 'a:1'$$, '23514', null,
  'filled is whole');
select pg_temp.asked('a:2', 'AAPL', 1); select take_orders('PAPER1', tap.link());
select throws_ok($$select pg_temp.said('a:2', 'never_sent')$$, '23514', null, 'never sent needs that nobody knows');
select throws_ok($$select pg_temp.said('a:2', 'filled')$$, '22023', null, 'a fill is no word');
select is(pg_temp.said('a:2', 'unresolved') || pg_temp.said('a:2', 'never_sent'), 'recordedrecorded');
select is((select highest from reach((select id from accounts), (select id from s))), 10::float8, 'and no longer counts');

-- Twice is once; corrections replace; the ledger follows.
select is(pg_temp.ledger(), '(99000,100000)', 'ten for a thousand');
select is(pg_temp.fill('a:1', 'e2', 1, 6), 'known', 'the same again');
select is(pg_temp.fill('a:1', 'e2', 2, 5), 'corrected', 'one less');
select is((select row(state, filled)::text from broker_orders where key = 'a:1'), '(unresolved,9)', 'something is open again');
select is(pg_temp.fill('a:1', 'e2', 1, 6), 'known', 'the old one is history');
select is(pg_temp.ledger(), '(99100,100000)', 'the money is back');
select is(record_commission('PAPER1', tap.link(), 'e9', 1), 'unknown', 'a commission before its fill');
select is(record_commission('PAPER1', tap.link(), 'e2', 1.5) || record_commission('PAPER1', tap.link(), 'e2', 1.5), 'recordedknown', 'and after it, twice');
select is(pg_temp.ledger(), '(99098.5,99998.5)');
select is(pg_temp.fill('a:1', 'e2', 3, 6, 110), 'corrected', 'and one more at another price');
select is((select row(quantity, average_price)::text from positions), '(10,106)', 'the average, too');
select is(pg_temp.ledger(), '(98938.5,99938.5)', 'its commission stays');
select is((select count(*) from cash_movements), 6::bigint, 'every movement is a row');
select is((select sum(amount) from cash_movements), 98938.5::float8, 'and their sum is the cash');
select is((select count(*) from order_trail where key = 'a:1'), 2::bigint, 'the trail has the newest revisions only');

-- Fills of nobody count for the account.
select is(record_execution('PAPER1', tap.link(), 'f1', 1, null, 'IBM', 7, 50, '2010-01-04 15:00Z'), 'recorded', 'a fill by hand');
select is((select row(trading_session_id, quantity)::text from positions where symbol = 'IBM'), '(,7)', 'belongs to no session');
select is((select row(held, a_held)::text from reach((select id from accounts), (select id from s)) where symbol = 'IBM'), '(0,7)', 'and counts for the account');
select throws_ok($$select record_execution('PAPER1', tap.link(), 'f2', 1, pg_temp.o('a:1'), 'IBM', 1, 50, '2010-01-04')$$, '23514', null, 'an order of another symbol');
select throws_ok($$select pg_temp.fill('a:1', 'f3', 1, -1)$$, '23514', null, 'or of the other side');

-- What the broker states is checked.
select is(pg_temp.asked('c:1', 'AAPL', 1), 'allowed'); select take_orders('PAPER1', tap.link());
select is(pg_temp.fill('c:1', 'c1', 1, 0.5, 100, 0, 98938.5 - 50 + 1e-5), 'recorded');
select is(pg_temp.ledger(), '(98888.50001,99938.50001)', 'the broker''s bits are taken');
select is(level_of_session(id), 'active') from s;
select is(pg_temp.fill('c:1', 'c2', 1, 0.5, 100, 0, 98800), 'recorded', 'a fill is recorded whatever is wrong with it');
select is((select cash from session_ledgers), 98838.50001::float8, 'but other money is not believed');
select is(level_of_session(id), 'halted', 'and stops the session') from s;
select is((select row(rule, round(observed), round(threshold))::text from halts_now), '(ledger,98800,98839)', 'with both figures');
select alike(resume_trading('found', p_session_id => id), 'Lifted: % (ledger).') from s;
select is(pg_temp.asked('c:2', 'AAPL', 1), 'allowed'); select take_orders('PAPER1', tap.link());
select is(pg_temp.fill('c:2', 'c3', 1, 2), 'recorded', 'more than was ordered');
select is((select rule from halts_now), 'overfill', 'stops it, too');
select resume_trading('found', p_session_id => id) from s;

-- Losses set a level: reached is enough; a day lifts what is the day's.
select is(tap.priced(id, '2010-01-05', 100), 'active') from s;
select is(tap.priced(id, '2010-01-06', 100), 'active', 'a day begins with the value of the last bar') from s;
create temporary table v as select day_start, value, (select quantity from positions where symbol = 'AAPL') as held from session_ledgers;
select tap.limited('session', 'max_daily_loss', 0.001), tap.limited('session', 'flatten_on_daily_loss', 1);
select is(tap.priced(id, '2010-01-06', 100 - (day_start * 0.001 - 0.01) / held), 'active', 'a cent less than the limit is lost') from s, v;
select is(tap.priced(id, '2010-01-06', 100 - day_start * 0.001 / held), 'reducing', 'the limit is lost') from s, v;
select is((select row(level, rule, trading_session_id is not null, flatten, lasts)::text from halts_now), '(reducing,"session max_daily_loss",t,t,day)', 'reducing, never halted');
select is(pg_temp.asked('l:1', 'AAPL', 1), 'reducing', 'nothing is entered');
select is(pg_temp.asked('l:2', 'AAPL', -1), 'allowed', 'exits pass');
select is(tap.priced(id, '2010-01-06', 100), 'reducing', 'nor when it has come back') from s;
select is((select count(*) from halts_now), 1::bigint, 'it is said once');
select is(tap.priced(id, '2010-01-07', 100), 'reducing', 'where all was to be closed, a new day is not enough') from s;
update halts set flatten = false;
select is(tap.priced(id, '2010-01-07', 100), 'active', 'else it is') from s;
select is((select lifted_why from halts where rule = 'session max_daily_loss'), 'a new day');
select is((select orders_today from session_ledgers), 0, 'orders are counted anew');
select is(tap.priced(id, '2010-01-06', 50), 'old', 'an old bar changes nothing') from s;
select throws_ok($$update level_rules set level = 'halted' where name = 'session max_drawdown'$$, '23514', null, 'a strategy''s own losses never halt');
delete from risk_limits where limit_name = 'max_daily_loss' and account_id is null;
select tap.limited('account', 'max_drawdown', 0.002);
select is(tap.priced(id, '2010-01-08', 100 - peak * 0.002 / (select held from v)), 'reducing', 'the account''s fall, over its sessions') from s, account_ledgers;
select is(tap.priced(id, '2010-01-09', 100), 'reducing', 'is not lifted by a day') from s;
select alike(resume_trading('looked into', 'PAPER1'), 'Lifted: % (account max_drawdown).', 'but by a person');
select is((select peak from account_ledgers), (select value from account_ledgers), 'and counts anew from there');

-- A session that continues another has its positions and money; an ended one has none.
select throws_ok($$select end_trading_session(id) from s$$, '22023', null, 'with positions it does not end');
select request_cancel(id, 'l:2') from s;
create temporary table n as select start_trading_session('sma_crossover', 'PAPER1', null, '{AAPL,IBM}', '1d', p_clock => 'stream', p_continues => id) as id from s;
select is((select quantity from positions as p, n where p.trading_session_id = n.id), (select held from v), 'it holds what the other held');
select is((select array_agg(row(l.cash > 0, t.state)::text order by t.id) from session_ledgers as l join trading_sessions as t on t.id = l.trading_session_id), '{"(f,finished)","(t,open)"}');
select is((select value from account_ledgers), (select sum(value) from session_ledgers), 'the account is the sum of its sessions');
select is(tap.asked(id, 'm:1', 'AAPL', -held), 'session', 'nobody has begun it') from s, v;
select begin_strategy(id, repeat('a', 64), 'h', 3) from n;
select is(tap.asked(id, 'm:2', 'AAPL', -held), 'allowed') from n, v;
select tap.filled(id, 'm:2') from n;
select alike(end_trading_session(id), 'Session % ended with %') from n;
select is((select value from account_ledgers), 0::float8, 'what was lent is back');

-- A session begins with limits, and what it may not lack.
select open_account('PAPER2');
select throws_ok($$select start_trading_session('sma_crossover', 'PAPER2', 1000, '{AAPL}', '1d')$$, '23514',
  'The account PAPER2 has no limit max_daily_loss, max_leverage, max_orders_per_minute', 'an account without limits');
select is((tap.refusal($$select start_trading_session('sma_crossover', 'PAPER2', 1000, '{AAPL}', '1d')$$))[4],
  format('insert into risk_limits (account_id, limit_name, threshold) values (%1$s, ''max_daily_loss'', 0.02), (%1$s, ''max_leverage'', 1), '
    '(%1$s, ''max_orders_per_minute'', 30);', (select id from accounts where name = 'PAPER2')),
  'with the statement that sets them');
select is((select gate_limits -> 'account' ->> 'max_leverage' from trading_sessions, s where trading_sessions.id = s.id), '100', 'a session keeps those of its start');

-- What no account heeds yet is refused by its name.
select tap.given_job(1, '{"margin": {"initial": 0.5, "maintenance": 0.3}}');
select tap.drain(tap.given_runner(), tap.metrics());
select throws_ok(
  format($$select start_trading_session('sma_crossover', 'PAPER1', 1000, '{AAPL}', '1d', p_result_id => %s)$$, (select max(id) from backtest_results)), '22023',
  format('Result %s was made with margin, which no account here heeds yet', (select max(id) from backtest_results)));

select load_instrument('AAPL', p_margin => 5);
select is((tap.refusal($$select start_trading_session('sma_crossover', 'PAPER1', 1000, '{AAPL}', '1d')$$))[2:3],
  array['AAPL has a margin or a lot, which no account here heeds yet', '$.symbols'], 'nor a contract on margin');
select load_instrument('AAPL', p_margin => 0);

-- Who may do what.
set local role desk_trader;
select throws_ok($$select * from broker_orders$$, '42501', null, 'a trader reads no table');
select throws_ok($$select record_execution('PAPER1', null, 'x', 1, null, 'IBM', 1, 1, now())$$, '42501', null, 'records no fill');
select throws_ok($$select record_prices(1, null, now(), '{}', '{}')$$, '42501', null, 'no price');
select throws_ok($$select emergency_stop('x')$$, '42501', null, 'sets no halt');
select throws_ok($$select place_orders(null, null)$$, '42501', null, 'and does not pass the gate');
select is(beat_strategy((select id from s), gen_random_uuid()), 'superseded', 'one that another has replaced is told so');
set local role desk_link;
select throws_ok($$select submit_order(1, 'x:1', 'IBM', 1)$$, '42501', null, 'a link asks for no order');
select throws_ok($$select resume_trading('x')$$, '42501', null, 'lifts nothing');
select throws_ok($$select take_orders('PAPER1', gen_random_uuid())$$, '55000', null, 'nor takes any when another has the account');
select throws_ok($$select record_execution('PAPER1', gen_random_uuid(), 'x', 1, null, 'IBM', 1, 1, now())$$, '55000', null);
set local role desk_viewer;
select isnt_empty($$select * from live_sessions$$, 'a viewer reads sessions');
select isnt_empty($$select * from live_orders where rule is not null$$, 'and refusals');
select throws_ok($$select emergency_stop('x')$$, '42501', null, 'and stops nothing');
set local role desk_director;
select throws_ok($$update halts set lifted_at = now(), lifted_by = 'x', lifted_why = 'x'$$, '42501', null, 'a director lifts halts by resume_trading() only');
select throws_ok($$delete from executions$$, '42501', null);
reset role;

select * from finish();
