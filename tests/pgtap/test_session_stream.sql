-- The stream of a session: what a link records step by step, what a strategy is given of it, and who may do what.

select plan(71);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
grant select on s to public;
create function pg_temp.token() returns uuid language sql as 'select token from desk.session_processes where trading_session_id = (select id from s)';
create function pg_temp.step(p_day text, p_close float8, p_more jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('epoch', extract(epoch from p_day::timestamptz), 'bars', jsonb_build_object('AAPL', jsonb_build_array(p_close, p_close, p_close, p_close, 1000)),
    'fills', '[]'::jsonb, 'triggered', '[]'::jsonb, 'cash', (select cash from desk.session_ledgers where trading_session_id = (select id from s)), 'positions', '{}'::jsonb) || p_more $$;
create function pg_temp.recorded(p_step jsonb, p_executions jsonb default '[]', p_words jsonb default '[]', p_irregular jsonb default '[]') returns bigint language sql as
  'select desk.record_step((select id from s), tap.link(), p_step, p_executions, p_words, p_irregular)';
create function pg_temp.given(p_after bigint, p_limit integer default 500) returns text language sql as
  'select string_agg(number || '' '' || kind, '', '' order by number) from desk.read_stream((select id from s), pg_temp.token(), p_after, p_limit)';
create function pg_temp.process() returns text language sql as 'select row(seen, decided)::text from desk.session_processes where trading_session_id = (select id from s)';

-- It begins with history, once.
select is(desk.decided_on(id), 0::bigint, 'nothing is decided yet') from s;
select is(desk.record_history(id, tap.link(), jsonb_build_array(pg_temp.step('2009-12-30', 98), pg_temp.step('2009-12-31', 99))), 3::bigint) from s;
select is(desk.record_history(id, tap.link(), '[]'), 0::bigint, 'it has begun already') from s;
select is(pg_temp.given(0), '1 begin, 2 history, 3 history');
select is((select item from session_stream where number = 1), '{"history": 2, "cash": 100000, "positions": {}}');
select is(pg_temp.process(), '(3,0)', 'given is seen');
select is(pg_temp.given(3), null, 'and who comes back has decided');
select is(pg_temp.process(), '(3,3)');
select is(pg_temp.given(0, 2), '1 begin, 2 history', 'a process that begins anew goes through it again');
select is(pg_temp.process(), '(3,3)', 'and takes nothing back');

-- A step is all that belongs to it.
select is(pg_temp.recorded(pg_temp.step('2010-01-05', 100)), 4::bigint);
select is((select newest_bar from session_ledgers where trading_session_id = id), '2010-01-05Z'::timestamptz, 'prices are those of the step') from s;
select is(tap.asked(id, 'a:1', 'AAPL', 10), 'allowed') from s;
select is(tap.asked(id, 'a:2', 'AAPL', 10, '{"type": "limit", "limit_price": 50}'), 'allowed') from s;
select is((select count(*) from take_orders('PAPER1', tap.link())), 2::bigint);
create temporary table filled as select pg_temp.step('2010-01-06', 101, '{"fills": [["a:1", 100, 0]], "cash": 98999, "positions": {"AAPL": 10}}') as step;
select is(pg_temp.recorded(step, '[{"execution": "1:a:1:1", "key": "a:1", "quantity": 10, "price": 100, "commission": 1, "cash_after": 98999}]',
  '[{"key": "a:1", "state": "working"}, {"key": "a:2", "state": "working"}]', '[{"kind": "missing", "epoch": 1262736000, "symbol": "IBM"}]'), 6::bigint) from filled;
select is((select string_agg(key || ' ' || state, ', ' order by key) from broker_orders), 'a:1 filled, a:2 working');
select is((select row(cash, value)::text from session_ledgers where trading_session_id = id), '(98999,100009)', 'worth at the step''s close') from s;
select is(level_of_session(id), 'active') from s;
select is(pg_temp.recorded(step), 6::bigint, 'the same again is known') from filled;
select is(pg_temp.recorded(step || '{"arrived": {"AAPL": 1}}'), 6::bigint, 'whenever its bars arrived') from filled;
select is((select count(*) from executions), 1::bigint, 'and filled once');
select throws_ok($$select pg_temp.recorded(step || '{"cash": 1}') from filled$$, '23505', null, 'another one for the same moment is not');
select throws_ok($$select pg_temp.recorded(pg_temp.step('2010-01-04', 100))$$, '22023', null, 'nor one that is too late');
select is(pg_temp.given(3), '4 step, 5 missing, 6 step');
select is((select item ->> 'symbol' from session_stream where number = 5), 'IBM');
select throws_ok($$select pg_temp.recorded(pg_temp.step('2010-01-07', 1), p_irregular => '[{"kind": "odd", "epoch": 1, "symbol": "IBM"}]')$$, '22023', null, 'no bar is odd');
select is((select newest from session_streams where trading_session_id = id), 6::bigint, 'what failed leaves no gap') from s;

select throws_ok($$select pg_temp.recorded(pg_temp.step('2010-01-07', 1), '[{"execution": "1:z:9:1", "key": "z:9", "quantity": 1, "price": 1}]')$$, '23503', null, 'no fill is lost');
select throws_ok($$select pg_temp.recorded(pg_temp.step('2010-01-07', 1), '[]', '[{"key": "z:9", "state": "working"}]')$$, '23503', null, 'and no word');

-- Expiry and a margin call are words of the broker.
select is(pg_temp.recorded(pg_temp.step('2010-01-07', 102, '{"positions": {"AAPL": 10}}'), '[]', '[{"key": "a:2", "state": "cancelled", "cancelled_by": "expiry"}]'), 7::bigint);
select is((select row(state, cancelled_by)::text from broker_orders where key = 'a:2'), '(cancelled,expiry)');

-- The broker's account is compared with the ledger at every step.
select is(pg_temp.recorded(pg_temp.step('2010-01-08', 102, '{"positions": {"AAPL": 9}}')), 8::bigint, 'it is recorded whatever is wrong with it');
select is(level_of_session(id), 'halted', 'but stops the session') from s;
select is((select row(rule, reason)::text from halts_now), format('(ledger,"Session %s holds 10 AAPL by its ledger, 9 by its broker")', id), 'with both figures') from s;
select lives_ok($$select resume_trading('counted', p_session_id => (select id from s))$$);
select is(pg_temp.recorded(pg_temp.step('2010-01-11', 102, '{"positions": {"AAPL": 10}, "cash": 98999.01}')), 9::bigint);
select is((select row(rule, observed, threshold)::text from halts_now), '(ledger,98999.01,98999)', 'a cent is noticed');
select lives_ok($$select resume_trading('counted', p_session_id => (select id from s))$$);
select is(pg_temp.recorded(pg_temp.step('2010-01-12', 102, '{"positions": {"AAPL": 10, "IBM": 1}}')), 10::bigint);
select is((select reason from halts_now), format('Session %s holds 0 IBM by its ledger, 1 by its broker', id), 'also what the ledger does not know') from s;
select lives_ok($$select resume_trading('counted', p_session_id => (select id from s))$$);

-- Faults of the strategy.
select is(report_fault(id, pg_temp.token(), 'strategy hangs', 'no end of the step of 2010-01-12 after 60 s'), 'halted') from s;
select is(report_fault(id, pg_temp.token(), 'strategy hangs', 'again'), 'halted') from s;
select is((select count(*) from halts_now), 1::bigint, 'once');
select throws_ok($$select report_fault((select id from s), pg_temp.token(), 'overfill', 'x')$$, '22023', null, 'a strategy sets no other level');
select lives_ok($$select resume_trading('seen', p_session_id => (select id from s))$$);

-- Rows of DBLogger come once and refer to the order and the fill here.
create temporary table logged as select '{"session": [{"seq": 1, "state": "open", "symbols": ["AAPL"], "cash": 100000}, {"seq": 9, "state": "finished"}],
  "order_events": [{"seq": 2, "bar_time": 1262736000, "order_ref": 1, "status": "accepted", "symbol": "AAPL", "side": "buy", "type": "market", "size": 10, "filled": 0, "fees": 0}],
  "fills": [{"seq": 3, "bar_time": 1262736000, "order_ref": 1, "symbol": "AAPL", "size": 10, "price": 100, "fee": 1}]}'::jsonb as rows;
grant select on logged to public;
select is(record_strategy_rows(id, pg_temp.token(), rows, '{"1": "a:1"}'), 'logged') from s, logged;
select is(record_strategy_rows(id, pg_temp.token(), rows, '{"1": "a:1"}'), 'logged', 'again') from s, logged;
select is((select row(count(*), min(strategy_order), min(strategy_price))::text from order_trail where key = 'a:1'), '(1,1,100)', 'the trail joins both, once');
select is((select state from trading_sessions where id = s.id), 'open', 'the session goes on') from s;
select is(desk.newest_row(id), 3::bigint) from s;

-- Another process has it: the one before takes and writes nothing.
create temporary table old as select pg_temp.token() as token;
select isnt(begin_strategy(id, repeat('a', 64), 'host', 3), (select token from old)) from s;
select throws_ok($$select read_stream((select id from s), (select token from old), 0)$$, '55000', null);
select throws_ok($$select record_strategy_rows((select id from s), (select token from old), '{}', '{}')$$, '55000', null);
select throws_ok($$select report_fault((select id from s), (select token from old), 'strategy hangs', 'x')$$, '55000', null);
select throws_ok($$select record_step((select id from s), gen_random_uuid(), '{"epoch": 1, "bars": {}}')$$, '55000', null, 'so it is with links');

-- It stays, and ends.
select throws_ok($$delete from session_stream$$, '42501', null, 'nobody takes out what a strategy has seen');
select throws_ok($$update session_stream set item = '{}'$$, '42501', null);
select is(record_end(id, tap.link()), 11::bigint) from s;
select is(record_end(id, tap.link()), 11::bigint, 'once') from s;

-- News of other brokers are items of their own.
set constraints all immediate;
set constraints all deferred;
select is((select max(number) from session_stream), 11::bigint, 'of the desk''s own they are in the steps');
update accounts set cancels_at_once = false;
select is(tap.asked(id, 'b:1', 'AAPL', -1), 'allowed') from s;
select is(tap.filled(id, 'b:1', -1, 102), 'recorded') from s;
set constraints all immediate;
select is((select string_agg(kind || ' ' || (item ->> 'key'), ', ' order by number) from session_stream where number > 11), 'filled b:1', 'a fill');
set constraints all deferred;
select is(tap.asked(id, 'b:2', 'AAPL', -1), 'allowed') from s;
select is((select count(*) from take_orders('PAPER1', tap.link())), 1::bigint);
select record_order_state('PAPER1', tap.link(), id, 'working') || record_order_state('PAPER1', tap.link(), id, 'cancelled', 'time is over', 'expiry') from broker_orders where key = 'b:2';
set constraints all immediate;
select is((select string_agg(kind || ' ' || (item ->> 'key'), ', ' order by number) from session_stream where number > 12), 'acknowledged b:2, expired b:2', 'and words');

-- A trailing order may say where it begins.
select is(tap.asked(id, 't:1', 'AAPL', -1, '{"type": "trail", "trail_amount": 2, "stop_price": 99}'), 'allowed') from s;
select is(tap.asked(id, 't:2', 'AAPL', -1, '{"type": "trail", "trail_amount": 2}'), 'allowed') from s;
select is(tap.asked(id, 't:3', 'AAPL', -1, '{"type": "trail", "stop_price": 99}'), 'prices', 'and has a distance all the same') from s;

select * from finish();
