-- What an audit compares, and what a session may go on as.

select plan(17);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create function pg_temp.audited(p_asked jsonb, p_hash text default repeat('b', 64), p_fault text default null) returns jsonb language sql as
  'select desk.record_audit((select id from s), p_hash, 9, p_asked, p_fault)';
create function pg_temp.step(p_day text) returns bigint language sql as $$
  select desk.record_step((select id from s), tap.link(), jsonb_build_object('epoch', extract(epoch from p_day::timestamptz), 'bars', '{"AAPL": [100, 100, 100, 100, 1]}'::jsonb,
    'cash', (select cash from desk.session_ledgers where trading_session_id = (select id from s)), 'positions', coalesce((select jsonb_object_agg(symbol, quantity) from positions where quantity <> 0), '{}'))) $$;
select record_history(id, tap.link(), '[]') from s;
select pg_temp.step('2010-01-05');
select tap.limited('session', 'max_order_shares', 50);
select is(tap.asked(id, 'a:1', 'AAPL', 10), 'allowed') from s;
select is(tap.asked(id, 'a:2', 'AAPL', 99), 'session max_order_shares') from s;
select is(tap.asked(id, 'a:3', 'AAPL', 99), 'session max_order_shares') from s;
select is((select count(*) from broker_orders), 2::bigint, 'equal refusals are one row');
select is((select array_agg(key || coalesce(' ' || reason, '')) from audit_answers((select id from s))), '{a:1,"a:2 Order size: 99 > 50"}');

create temporary table asked as select '[{"key": "a:1", "symbol": "AAPL", "quantity": 10, "type": "market"}, {"key": "a:2", "symbol": "AAPL", "quantity": 99, "type": "market"},
  {"key": "a:3", "symbol": "AAPL", "quantity": 99, "type": "market"}]'::jsonb as list;
select is(pg_temp.audited(list), '[]', 'as recorded') from asked;
select is(pg_temp.audited(jsonb_set(list, '{0,quantity}', '11')), '[{"key": "a:1", "recorded": "10 AAPL market", "asked": "11 AAPL market"}]', 'other terms') from asked;
select is(pg_temp.audited(list - 0), '[{"key": "a:1", "recorded": "10 AAPL market", "asked": null}]', 'one that is missing') from asked;
select is(pg_temp.audited(list || '[{"key": "a:4", "symbol": "IBM", "quantity": 1, "type": "stop", "stop_price": 9.5}]'),
  '[{"key": "a:4", "recorded": null, "asked": "1 IBM stop stop 9.5"}]', 'one that is new') from asked;
select is(pg_temp.audited(list, p_fault => 'strategy failed: ValueError'), '[{"key": null, "recorded": null, "asked": "strategy failed: ValueError"}]', 'an error') from asked;
select is((select array_agg(jsonb_array_length(differences) order by id) from session_audits), '{0,1,1,1,1}', 'each is kept');

-- Renewed, a session goes on with its positions.
insert into session_feeds (trading_session_id, warm_up_bars, seed, memory_mb, seconds_per_step, code_copy) select id, 500, 7, 100, 9, repeat('c', 64) from s;
select throws_ok($$select renew_session((select id from s), repeat('a', 64), repeat('c', 64))$$, '23503', null, 'a replay does not go on');
update trading_sessions set clock = 'wall';
update desk.broker_orders set decision_bar = '2010-01-05' where key = 'a:1';
select is(tap.filled(id, 'a:1'), 'recorded') from s;
select throws_ok($$select renew_session((select id from s), repeat('d', 64), repeat('e', 64))$$, '55000', null, 'newer code only after an audit');
select is(pg_temp.audited('[]', repeat('d', 64)) = '[]', false);
select throws_ok($$select renew_session((select id from s), repeat('d', 64), repeat('e', 64))$$, '23514', null, 'that finds nothing, or with a reason');
create temporary table n as select renew_session((select id from s), repeat('d', 64), repeat('e', 64), 'it is meant to') as id;
select is((select row(t.continues = s.id, t.code_hash, f.code_copy, f.seed, p.quantity)::text from n join trading_sessions as t using (id) join s on true
  join session_feeds as f on f.trading_session_id = n.id join positions as p on p.trading_session_id = n.id), format('(t,%s,%s,7,10)', repeat('d', 64), repeat('e', 64)), 'with cash, positions and terms');
select * from finish();
