-- Stops that act: what is cancelled and closed after one, before the close, and for a dead strategy; levels by rules; alarms.

select plan(85);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create function pg_temp.asked(p_key text, p_symbol text, p_quantity float8, p_more jsonb default '{}') returns text language sql as
  'select tap.asked((select id from pg_temp.s), $1, $2, $3, $4)';
create function pg_temp.o(p_key text) returns bigint language sql as 'select id from desk.broker_orders where key = $1';
create function pg_temp.said(p_key text, p_state text) returns text language sql as
  'select desk.record_order_state(''PAPER1'', tap.link(), pg_temp.o($1), $2)';
create function pg_temp.taken() returns text language sql as
  $$select coalesce(string_agg(format('%s %s %s', key, quantity, symbol), ', ' order by id), '-') from desk.take_orders('PAPER1', tap.link())$$;
create function pg_temp.cancels() returns text language sql as
  $$select coalesce(string_agg(key, ', ' order by id), '-') from desk.take_cancels('PAPER1', tap.link())$$;
create function pg_temp.held(p_symbol text) returns float8 language sql as
  'select coalesce(sum(quantity), 0) from desk.positions where symbol = $1';
-- At a broker that answers a cancel later.
update accounts set cancels_at_once = false;

select is(pg_temp.asked('h:1', 'AAPL', 10), 'allowed'); select tap.filled(id, 'h:1') from s;
select is(pg_temp.asked('h:2', 'IBM', 4), 'allowed'); select tap.filled(id, 'h:2') from s;
select is(pg_temp.asked('x:1', 'AAPL', -6, '{"type": "stop", "stop_price": 90}'), 'allowed', 'an exit of six of ten');
select is(pg_temp.asked('e:1', 'GOOG', 3, '{"type": "limit", "limit_price": 90}'), 'allowed', 'an entry');
select is(pg_temp.taken(), 'x:1 -6 AAPL, e:1 3 GOOG', 'are with the broker');
select is(pg_temp.asked('e:2', 'GOOG', 2), 'allowed', 'another was not sent yet');

-- Without flatten: exits that only reduce stay.
select alike(emergency_stop('drill'), 'HALTED (halt %): no order is allowed from now on. Still open: PAPER1: 10 AAPL with a resting exit of 6 only; '
  'PAPER1: 3 open orders; PAPER1: 4 IBM without a resting exit. The link of PAPER1 is alive: it cancels what could add exposure.',
  'a stop says what is open, what has no exit, and who acts');
select is(pg_temp.taken(), '-', 'nothing leaves');
select is((select state || ' ' || cancelled_by from broker_orders where key = 'e:2'), 'cancelled desk', 'what was not sent is cancelled');
select is(pg_temp.cancels(), 'e:1', 'what could add exposure is cancelled at the broker, and only that');
select alike(emergency_stop('again', p_exits => 'cancel'), '%, beside halt %: 10 AAPL without a resting exit;%it cancels everything.', 'exits, too, where that is asked for');
select is(pg_temp.cancels(), 'x:1', 'then those go');
select is(pg_temp.said('x:1', 'cancelled') || pg_temp.said('e:1', 'cancelled'), 'recordedrecorded');
select is((select count(*) from broker_orders where intent = 'flatten'), 0::bigint, 'and nothing is closed');
select alike(resume_trading('over'), 'Lifted: % (emergency_stop), % (emergency_stop).', 'until somebody resumes');

-- With flatten: everything is cancelled, and what is surely held is closed, over and over until it is flat.
select is(pg_temp.asked('x:2', 'AAPL', -6, '{"type": "stop", "stop_price": 90}'), 'allowed'); select pg_temp.taken();
select alike(emergency_stop('drill', p_flatten => true), '%it cancels everything and closes what the desk''s sessions hold.');
select is(pg_temp.taken(), 'close:1 -4 AAPL, close:2 -4 IBM', 'four of ten are surely left while the exit of six may still be filled');
select is(pg_temp.cancels(), 'x:2', 'whose cancel goes out');
select is(pg_temp.taken(), '-', 'asked again it asks for nothing twice');
select tap.filled(id, 'close:2') from s;
select tap.filled(id, 'x:2', -2) from s;
select is(pg_temp.said('x:2', 'cancelled'), 'recorded', 'the exit was filled in part before its cancel came');
select is(pg_temp.taken(), 'close:3 -4 AAPL', 'what is left of it');
select is(pg_temp.said('close:1', 'rejected'), 'recorded', 'a closing order that the broker does not take');
select is(pg_temp.taken(), '-', 'is not asked for again at once');
update settings set value = '0' where name = 'closing_again_seconds';
select is(pg_temp.taken(), 'close:4 -4 AAPL', 'but in a moment');
select tap.filled(id, 'close:3') from s; select tap.filled(id, 'close:4') from s;
select is(pg_temp.taken() || ' ' || pg_temp.held('AAPL') || ' ' || pg_temp.held('IBM'), '- 0 0', 'flat, and never turned round');
select is((select array_agg(distinct tag) from broker_orders where intent = 'flatten'), '{"stopped: drill"}', 'each says why');
select resume_trading('over');
update accounts set flatten_on_stop = true;
select is(pg_temp.asked('h:3', 'IBM', 5), 'allowed'); select tap.filled(id, 'h:3') from s;
select alike(emergency_stop('drill'), '%closes what the desk''s sessions hold.', 'an account may say so by itself');
select is(pg_temp.taken(), 'close:5 -5 IBM'); select tap.filled(id, 'close:5') from s;
select resume_trading('over');
select is(pg_temp.asked('h:4', 'IBM', 5), 'allowed'); select tap.filled(id, 'h:4') from s;
select emergency_stop('drill', p_flatten => false);
select is(pg_temp.taken(), '-', 'unless it is told otherwise');
select resume_trading('over');
update accounts set cancels_at_once = true, flatten_on_stop = false;

-- Flat by a time before the close: normal days in winter and summer, the days of both clock changes, a half day.
delete from calendar_sessions where calendar = 'XNYS';
insert into calendar_sessions (calendar, session, open, close, half_day)
select 'XNYS', d.day, (d.day + time '9:30') at time zone 'America/New_York', (d.day + d.close) at time zone 'America/New_York', d.close < '16:00'
from (values ('2026-03-06'::date, '16:00'::time), ('2026-03-09', '16:00'), ('2026-07-01', '16:00'), ('2026-10-30', '16:00'), ('2026-11-02', '16:00'),
  ('2026-11-27', '13:00')) as d (day, close);
select alike(set_flat_minutes(id), 'Session % is flat 5 min before the close%', 'a session that is flat each evening') from s;
select is((select string_agg(to_char(d.flat_at at time zone 'UTC', 'MM-DD HH24:MI'), ', ' order by d.flat_at)
  from s, unnest('{2026-03-06 20:00Z,2026-03-09 20:00Z,2026-07-01 20:30Z,2026-10-30 21:00Z,2026-11-02 14:30Z,2026-11-27 17:00Z}'::timestamptz[]) as t (at),
    flat_deadlines(s.id, t.at) as d where d.symbol = 'IBM'),
  '03-06 20:55, 03-09 19:55, 07-01 19:55, 10-30 19:55, 11-02 20:55, 11-27 17:55', 'is so at five minutes to four in New York, on a half day to one');
select is((select count(*) from s, flat_deadlines(s.id, '2026-03-01') as d), 0::bigint, 'before the first known day there is none');
update trading_sessions set clock = 'wall', timeframe = '1m' where id = (select id from s);
create function pg_temp.due(p_at timestamptz) returns text language sql as
  $$select string_agg(symbol || ': ' || why, ', ' order by symbol) from desk.closings_due((select id from desk.accounts), $1) where why is not null$$;
update session_processes set beat_at = '2026-12-31';
select is(pg_temp.due('2026-11-27 17:54:59Z'), null, 'a second before there is nothing to do');
select is(pg_temp.due('2026-11-27 17:55Z'), 'IBM: flat before the close', 'then there is');
select is(pg_temp.due('2026-11-27 18:00Z'), null, 'and after the close it is too late');
select is(close_what_is_due((select id from accounts), '2026-11-27 17:56Z'), 1::bigint, 'what is held is closed');
select is(close_what_is_due((select id from accounts), '2026-11-27 17:56Z'), 0::bigint, 'once, as long as that is on its way');
select is((select row(quantity, state)::text from broker_orders where key = 'close:6'), '(-5,allowed)');

-- One or the other: flat, or an alarm.
create function pg_temp.alarms() returns text language sql as
  $$select coalesce(string_agg(format('%s %s', severity, kind), ', ' order by id), '-') from desk.live_alarms where settled_at is null$$;
update account_links set beat_at = '2026-12-31';
select is(watch_live('2026-11-27 17:56Z') || pg_temp.alarms(), '0-', 'a minute after its time nobody is called');
select is(watch_live('2026-11-27 17:57:30Z') || pg_temp.alarms(), '1warning flat_by', 'half-way to the close somebody is');
select is(watch_live('2026-11-27 18:00Z') || pg_temp.alarms(), '1critical flat_by', 'at the close it is critical');
select is((select message from live_alarms), format('Session %s on PAPER1 holds 5 IBM: it had to be flat at 17:55, XNYS closes at 2026-11-27 18:00 UTC', id), 'a sentence') from s;
select is(watch_live('2026-11-27 20:00Z') || pg_temp.alarms(), '1critical flat_by', 'once, and it stays');
select throws_ok($$delete from live_alarms$$, '42501', null, 'nobody deletes it');
select tap.filled(id, 'close:6') from s;
update calendar_sessions set session = '2026-12-01', open = '2026-12-01 14:30Z', close = '2026-12-01 21:00Z' where session = '2026-11-27';
select is(watch_live('2026-12-01 15:00Z') || pg_temp.alarms(), '0-', 'flat on the next day it is over');

-- Nothing is entered shortly before.
update calendar_sessions set session = current_date, open = clock_timestamp() - interval '1 hour', close = clock_timestamp() + interval '9 minutes'
where session = '2026-12-01';
update session_ledgers set newest_bar = clock_timestamp() - interval '1 minute';
update account_links set beat_at = clock_timestamp(); update session_processes set beat_at = clock_timestamp();
select is(pg_temp.asked('f:1', 'IBM', 1), 'flat_by', 'no entry less than five minutes before it is flat');
select alike((select reason from broker_orders where key = 'f:1'), 'XNYS closes in % min; nothing is entered in the last 10: the session is flat 5 min before the close');
select alike(set_flat_minutes(id, null), 'Session % may hold over night') from s;
select is(pg_temp.asked('f:2', 'IBM', 1), 'allowed', 'one that holds over night may'); select tap.filled(id, 'f:2') from s;

-- A dead strategy: its session says what becomes of what it holds.
update session_processes set beat_at = clock_timestamp() - interval '121 seconds';
select is(pg_temp.due(clock_timestamp()), null, 'it may hold');
select watch_live();
select is(pg_temp.alarms(), 'critical strategy', 'and somebody is called');
update trading_sessions set on_dead_strategy = 'flatten' where id = (select id from s);
select is(pg_temp.due(clock_timestamp()), 'IBM: its strategy is dead', 'or be flattened');

-- Levels by rules that lift themselves.
select is(beat_link('PAPER1', tap.link(), 'ready', clock_timestamp() - interval '3 seconds'), 'reducing', 'a clock that is wrong');
select is((select row(rule, observed > 1, threshold)::text from halts_now), '(clock,t,1)', 'is said with what was seen');
select is(beat_link('PAPER1', tap.link(), 'ready', clock_timestamp()), 'active', 'until it is right');
update account_links set beat_at = clock_timestamp() - interval '31 seconds';
select watch_live();
select is((select string_agg(rule, ', ') from halts_now) || ' ' || pg_temp.alarms(), 'link critical strategy, critical link', 'a silent link, while something is held');
select is(beat_link('PAPER1', tap.link()), 'active', 'until it is heard of');
select tap.limited('session', 'max_orders_per_minute', 0);
update settings set value = '3' where name = 'runaway_refusals';
update session_processes set beat_at = clock_timestamp();
select pg_temp.asked('r' || i || ':1', 'GOOG', 1) from generate_series(1, 3) as i;
select is((select row(level, rule, observed, lasts)::text from halts_now), '(reducing,"order rate",3,person)', 'a strategy that does not stop asking');

-- What should run, and what a supervisor says of it.
select is((select count(*) from desired_processes), 0::bigint, 'a session that is not fed needs no process');
insert into session_feeds (trading_session_id, warm_up_bars, speed, seed, memory_mb, seconds_per_step, code_copy) select id, 0, 0, 0, 100, 1, repeat('a', 64) from s;
select is((select string_agg(name || ' ' || wanted, ', ' order by kind) from desired_processes), format('link-PAPER1 true, session-%s true', id), 'one that is needs two') from s;
select alike(hold_process('session-' || id, 'its feed is wrong'), '% is not to run: its feed is wrong') from s;
select is((select array_agg(wanted order by kind) from desired_processes), '{t,f}', 'but what is held back');
select throws_ok($$select hold_process('session-x', 'x')$$, '23503', 'No process is called "session-x"');
select ok(release_process('session-' || id), 'is let go') from s;
select report_process('link-PAPER1', e, 'host', 1, 1) from unnest('{started,ended,gave up}'::text[]) as e;
select is((select message from live_alarms where kind = 'process' and settled_at is null),
  'link-PAPER1 ended too often on host and is not started again: see its log, then backdesk live restart link-PAPER1', 'who is given up is an alarm');
select report_process('link-PAPER1', 'started', 'host', 2);
select is((select count(*) from live_alarms where kind = 'process' and settled_at is null), 0::bigint, 'until it runs again');
select is((select count(*) from process_events), 4::bigint, 'all of it is written down');

-- Where two logins are wanted.
select resume_trading('begin anew', p_session_id => id), resume_trading('begin anew', 'PAPER1'), resume_trading('begin anew') from s;
update settings set value = 'true' where name = 'two_logins';
select emergency_stop('two of us');
select is(resume_trading('I looked'), format('Asked for by %s. Nothing is lifted before another login says the same, within an hour.', session_user), 'one login does not resume');
select matches(resume_trading('again'), '^Asked for by ', 'nor does it twice');
select is(approve_strategy('sma_crossover', 'PAPER1', 'good'), null, 'nor approve');
-- Another login than this one said it; sessions of two logins are a superuser's to make here.
insert into consents (what, subject, reason, said_by) values ('resume', 'PAPER1', 'x', 'somebody'), ('approve', 'other code', 'x', 'somebody');
insert into consents (what, subject, reason, said_by, said_at) values ('resume', 'all', 'x', 'somebody', clock_timestamp() - interval '61 minutes');
select matches(resume_trading('I looked, too'), '^Asked for by ', 'one that said something else, or long ago, does not second it');
insert into consents (what, subject, reason, said_by) values ('resume', 'all', 'I looked', 'somebody');
insert into consents (what, subject, reason, said_by) select 'approve', subject, 'good', 'somebody' from consents where what = 'approve' and said_by = session_user;
select matches(resume_trading('I looked, too'), '^Lifted: [0-9]+ \(emergency_stop\)\.$', 'one that says the same does');
select isnt(approve_strategy('sma_crossover', 'PAPER1', 'good'), null);
select is((select array_agg(format('%s %s %s', what, said_by, used_by = session_user) order by id) from consents where used_at is not null),
  '{"resume somebody t","approve somebody t"}', 'both names are kept');
select is((select lifted_by from halts where reason = 'two of us'), session_user::text, 'the halt has the login, not the role');
select throws_ok($$update consents set used_by = 'x', used_at = now() where used_at is not null$$, '42501', null, 'and nobody changes them');
select throws_ok($$delete from halts$$, '42501', null, 'nor halts');
select throws_ok($$update halts set reason = 'x'$$, '42501');
select throws_ok($$delete from executions$$, '42501'); select throws_ok($$delete from broker_orders$$, '42501');
update settings set value = 'false' where name = 'two_logins';

-- Hostile text stays text.
create function pg_temp.hostile() returns text language sql as $$select '%s %I''; drop table desk.halts; -- <script>alert(1)</script> {{x}} \x00' || chr(10)$$;
select alike(emergency_stop(pg_temp.hostile()), 'HALTED (halt %');
select is((select reason from halts_now), pg_temp.hostile(), 'in a reason');
select resume_trading(pg_temp.hostile());

select * from finish();
