-- A link: what the broker's codes and states mean, what it writes down of fills, and what a look concludes.

select plan(98);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
grant select on s to public;
create function pg_temp.o(p_key text) returns bigint language sql as 'select id from desk.broker_orders where key = $1';
create function pg_temp.state(p_key text) returns text language sql as 'select state from desk.broker_orders where key = $1';
create function pg_temp.ref(p_key text) returns text language sql as
  'select a.order_prefix || ''-'' || pg_temp.o($1) from desk.accounts as a where a.name = ''PAPER1''';
create function pg_temp.sent(p_key text, p_symbol text default 'AAPL', p_quantity float8 default 10) returns text language plpgsql as $$
begin
  perform tap.asked((select id from pg_temp.s), p_key, p_symbol, p_quantity);
  perform desk.take_orders('PAPER1', tap.link());
  return pg_temp.state(p_key);
end $$;
create function pg_temp.said(p_code integer, p_subject text, p_key text default null) returns text language sql as
  'select desk.record_broker_code(''PAPER1'', tap.link(), $1, ''text'', $2, pg_temp.o($3))';
create function pg_temp.status(p_key text, p_status text) returns text language sql as
  'select desk.record_broker_status(''PAPER1'', tap.link(), pg_temp.o($1), $2, 7, 900)';
create function pg_temp.fill(p_execution text, p_ref text, p_quantity float8, p_at timestamptz default clock_timestamp(), p_symbol text default 'AAPL')
returns text language sql as
  'select desk.record_broker_fill(''PAPER1'', tap.link(), $1, $2, $5, $3, 100, $4, true, ''{"time": "as stated"}'')';
create function pg_temp.look(p_open jsonb default '[]', p_completed jsonb default '[]', p_positions jsonb default '[]') returns jsonb language sql as
  $$select desk.record_look('PAPER1', tap.link(), (select connection from desk.account_links limit 1), 'test', 0,
      jsonb_build_object('open', $1, 'completed', $2, 'positions', $3))$$;
-- As if so many seconds had passed: what is not history moves back.
create function pg_temp.later(p_seconds float8) returns void language sql as $$
  update desk.broker_orders set changed_at = changed_at - make_interval(secs => p_seconds);
  update desk.order_absences set since = since - make_interval(secs => p_seconds);
  update desk.reconcile_differences set found_at = found_at - make_interval(secs => p_seconds) $$;
create function pg_temp.alerts(p_like text) returns bigint language sql as
  'select count(*) from desk.link_events where is_alert and message like $1';

-- Codes. What ends an order is written here a second time, from IB's pages: nothing else may.
select set_eq($$select code from broker_codes where of_order = 'rejected'$$,
  '{111,113,116,140,141,146,154,200,201,203,328,334,355,361,387,388,391,421,426,434,435,460,10243,10268,10318}'::integer[], 'final rejections');
select set_eq($$select code from broker_codes where of_order = 'cancelled'$$, '{202}'::integer[], 'one code cancels');
select set_eq($$select code from broker_codes where of_order = 'advice'$$, '{165,399,404,492,2102,2109,2137,2174}'::integer[], 'advice');
select is_empty($$select code from broker_codes where code in (103,104,105,109,110,135,136,161,321,329,383,10147,10148,1100,504) and of_order <> 'ask'$$,
  'what was seen to be wrong is asked for');
select is_empty($$select code from broker_codes where of_order is null and of_request is null and of_subscription is null and of_link is null$$, 'each says something');
select results_eq($$select code, of_link from broker_codes where code in (502,504,1100,1101,1102,1300,2103,2104,2105,2106,2107,2108,2110,10197) order by 1$$,
  $$values (502,'lost'),(504,'lost'),(1100,'cut'),(1101,'restored'),(1102,'restored'),(1300,'lost'),(2103,'degraded'),(2104,'recovered'),(2105,'degraded'),
    (2106,'recovered'),(2107,'advice'),(2108,'advice'),(2110,'cut'),(10197,'alert')$$, 'the link''s own');
-- Each code, as order, request, subscription and of the link: what the row says happens, and nothing twice.
create temporary table tried (code integer, subject text, answered text, state text, outcome text);
do $$
declare
  c record;
  v_key text;
  n integer := 0;
begin
  for c in select k.code, k.of_order, k.of_request, k.of_subscription, k.of_link from desk.broker_codes as k
    union all select 99999, null, null, null, null
  loop
    n := n + 1;
    v_key := 'code:' || n;
    perform pg_temp.sent(v_key, 'AAPL', case n % 2 when 0 then 1 else -1 end);
    insert into tried values (c.code, 'order', pg_temp.said(c.code, 'order', v_key), pg_temp.state(v_key), c.of_order);
    insert into tried values (c.code, 'request', pg_temp.said(c.code, 'request'), null, c.of_request);
    insert into tried values (c.code, 'subscription', pg_temp.said(c.code, 'subscription'), null, c.of_subscription);
    insert into tried values (c.code, 'link', pg_temp.said(c.code, 'link'), null, c.of_link);
    -- Nothing is left behind for the next.
    update desk.broker_orders set state = 'unresolved' where key = v_key and state = 'sending';
    update desk.broker_orders set state = 'never_sent' where key = v_key and state = 'unresolved';
  end loop;
end $$;
select is_empty($$select * from tried where subject = 'order' and answered || ' ' || state <>
  case coalesce(outcome, 'ask') when 'rejected' then 'none rejected' when 'cancelled' then 'none cancelled' when 'advice' then 'none sending'
    else 'ask unresolved' end$$, 'of an order, each does what its row says');
select is_empty($$select * from tried where subject <> 'order' and answered <>
  coalesce(outcome, case subject when 'request' then 'failed' when 'subscription' then 'ended' else 'alert' end)$$, 'of anything else, too');
select is((select count(*) from link_events where code = 99999 and is_alert), 4::bigint, 'the unknown one is an alert, of whatever it is said');
select is_empty($$select code from tried where subject = 'order' and outcome is null and code not in (select code from link_events where is_alert)$$,
  'so is a known one of which nobody said what it means for an order');
select throws_ok($$select pg_temp.said(201, 'weather')$$, '22023', null, 'of nothing else');

-- States as the broker names them.
select is(pg_temp.sent('a:1'), 'sending');
select is(pg_temp.status('a:1', 'PendingSubmit') || pg_temp.state('a:1'), 'waitsending', 'no word yet');
select is(pg_temp.status('a:1', 'Submitted') || pg_temp.state('a:1'), 'noneworking');
select is((select row(broker_order_id, permanent_id)::text from broker_orders where key = 'a:1'), '(7,900)', 'its lasting number is kept');
select is(pg_temp.said(161, 'order', 'a:1') || pg_temp.state('a:1'), 'askunresolved', 'a cancel that failed says nothing of the order');
select is(pg_temp.status('a:1', 'Submitted') || pg_temp.state('a:1'), 'noneworking');
select is(pg_temp.status('a:1', 'Inactive') || pg_temp.state('a:1'), 'askworking', 'refused or held: who knows');
select is(pg_temp.status('a:1', 'Dreaming'), 'ask', 'an unknown state is asked for');
select is(pg_temp.alerts('Unknown state Dreaming%'), 1::bigint, 'and told');
select is(pg_temp.status('a:1', 'Filled'), 'fills', 'filled is what executions say');

-- Fills.
select is(pg_temp.fill('e.01.01', pg_temp.ref('a:1'), 4), 'recorded');
select is(pg_temp.fill('e.01.01', pg_temp.ref('a:1'), 4), 'known', 'twice is once');
select is(pg_temp.fill('e.01.02', pg_temp.ref('a:1'), 3), 'corrected', 'the last part is the revision');
select is(pg_temp.fill('e.02.01', '', 7, p_symbol => 'IBM'), 'recorded', 'a fill of somebody else');
select is(pg_temp.alerts('7 IBM at 100 was traded by somebody else (no reference)'), 1::bigint, 'is told');
select is((select trading_session_id from executions where execution_key = 'e.02'), null, 'and belongs to no session');
select is(pg_temp.fill('e.03.01', 'bdffffff-' || pg_temp.o('a:1'), 1), 'recorded', 'another desk''s reference of the same number');
select is((select order_id from executions where execution_key = 'e.03'), null, 'is not ours');
select is(pg_temp.fill('e.04.01', pg_temp.ref('a:1'), 1, p_symbol => 'IBM'), 'recorded', 'a fill that cannot be the order''s');
select is(pg_temp.alerts('1 IBM at the broker cannot be a fill of order%'), 1::bigint, 'is kept, and told');
select is(pg_temp.fill('e.05.01', pg_temp.ref('a:1'), 1, clock_timestamp() + '1 hour'), 'recorded', 'a time that is far off');
select alike((select as_stated ->> 'odd' from executions where execution_key = 'e.05'), 'A fill of "as stated" is 3600 s off%', 'is marked');
select is(pg_temp.fill('e.06.01', pg_temp.ref('a:1'), 1, null), 'recorded', 'and one that cannot be read');
select is(pg_temp.alerts('The time "as stated" of a fill cannot be read'), 1::bigint, 'too, and never dropped');
select is((select filled from broker_orders where key = 'a:1'), 5::float8);
select is(pg_temp.fill('e.07.01', pg_temp.ref('a:1'), 5), 'recorded');
select is(pg_temp.status('a:1', 'Filled') || pg_temp.state('a:1'), 'nonefilled', 'all of it is known');

-- Terms, accounts, beats.
select is((link_terms('PAPER1') ->> 'client_id')::bigint, 100 + (select id from accounts), 'a client id of its own');
select throws_ok($$select check_broker_account('PAPER1', '{DU1,DU2}')$$, '22023', 'The gateway is logged in for DU1, DU2, not for PAPER1');
select throws_ok($$select check_broker_account('PAPER1', '{PAPER1}')$$, '22023', 'PAPER1 is a live account of the broker, and paper for the desk');
select open_account('DU1', p_broker => 'ib');
select lives_ok($$select check_broker_account('DU1', '{DU1,DU2}')$$);
create function pg_temp.beat(p_what text, p_state text default 'ready') returns text language sql as
  'select beat_connection(''PAPER1'', tap.link(), $2) ->> $1';
select is(pg_temp.beat('may_send') || pg_temp.beat('state'), 'trueready');
update accounts set restart_at = (clock_timestamp() at time zone restart_zone)::time + interval '30 seconds' where name = 'PAPER1';
select is(pg_temp.beat('state') || pg_temp.beat('may_send'), 'restartingfalse', 'half a minute before the restart nothing leaves');
select is((select state from account_links), 'restarting', 'and the gate refuses');
update accounts set restart_at = (clock_timestamp() at time zone restart_zone)::time - interval '4 minutes' where name = 'PAPER1';
select is(pg_temp.beat('state', 'lost'), 'restarting', 'a gateway that is gone then is no alert');
select is((select array_agg(message order by id) from link_events where kind = 'state'), '{ready,restarting}'::text[], 'every state is a row');
update accounts set restart_at = null;
select is(pg_temp.beat('state', 'lost'), 'lost');
select is((select is_alert from link_events where kind = 'state' order by id desc limit 1), true, 'at any other time it is');
select pg_temp.beat('state');
select is(pg_temp.sent('b:1'), 'sending');
select is(pg_temp.beat('overdue'), '[]', 'a word has its time');
select pg_temp.later(11);
select is((pg_temp.beat('overdue'))::jsonb -> 0, to_jsonb(pg_temp.o('b:1')), 'and then it is unresolved');
select is(pg_temp.state('b:1'), 'unresolved');

-- Looks. Held at the broker: 10 AAPL and 1 more of nobody's, 8 IBM.
create function pg_temp.held() returns jsonb language sql as
  $$select jsonb_agg(jsonb_build_object('symbol', p.symbol, 'quantity', p.quantity, 'price', 50)) from (select symbol, sum(quantity) as quantity from desk.positions group by 1) as p$$;
create function pg_temp.one(p_key text, p_status text, p_filled float8 default 0) returns jsonb language sql as
  $$select jsonb_build_array(jsonb_build_object('reference', pg_temp.ref(p_key), 'status', p_status, 'order_id', 9, 'permanent_id', 901, 'filled', p_filled))$$;
select is(record_look('PAPER1', tap.link(), 0, 'test', 3, null) ->> 'outcome', 'unanswered', 'an answer without an end');
select is(pg_temp.state('b:1'), 'unresolved', 'concludes nothing');
select is((pg_temp.look(p_positions => pg_temp.held())) - 'cancel' - 'in_flight', '{"outcome": "unsettled", "reconnect": false, "again_in": 5}', 'absent once');
select pg_temp.later(6);
select is((pg_temp.look(p_positions => pg_temp.held())) ->> 'reconnect', 'true', 'absent again, over the same connection');
select is(pg_temp.state('b:1'), 'unresolved', 'is not enough');
select is(begin_connection('PAPER1', tap.link()), 1::bigint);
select is((pg_temp.look(p_positions => pg_temp.held())) ->> 'outcome', 'equal', 'over another one it is');
select is(pg_temp.state('b:1'), 'never_sent');
select is(pg_temp.status('b:1', 'Submitted') || pg_temp.state('b:1'), 'asknever_sent', 'a word of one that has ended is looked into');
select is((pg_temp.look(pg_temp.one('b:1', 'Submitted'), '[]', pg_temp.held())) -> 'cancel' ->> 0, pg_temp.ref('b:1'), 'should it come back, it is cancelled');
select is(pg_temp.state('b:1'), 'never_sent');
select is((select kind from open_differences), 'order_back');
select is((pg_temp.look(p_positions => pg_temp.held())) ->> 'outcome', 'equal');
select is((select ended_how from reconcile_differences where kind = 'order_back'), 'cancelled', 'until it is gone');

select is(pg_temp.sent('b:2'), 'sending');
select begin_connection('PAPER1', tap.link());
select is(pg_temp.state('b:2'), 'unresolved', 'a new connection knows nothing of what was being sent');
select is((pg_temp.look(pg_temp.one('b:2', 'PreSubmitted'), '[]', pg_temp.held())) ->> 'outcome', 'equal');
select is(pg_temp.state('b:2'), 'working', 'found open');
select pg_temp.later(1);
select is((pg_temp.look('[]', pg_temp.one('b:2', 'Cancelled'), pg_temp.held())) ->> 'outcome', 'equal');
select is(pg_temp.state('b:2'), 'cancelled', 'found ended');
select pg_temp.sent('b:3'), pg_temp.status('b:3', 'Submitted');
select pg_temp.later(1);
select is((pg_temp.look('[]', pg_temp.one('b:3', 'Cancelled', 4), pg_temp.held())) ->> 'outcome', 'unsettled', 'ended, but what was filled is not known');
select is((select kind || ours || theirs from open_differences), 'missing_fill04');
select pg_temp.fill('e.10.01', pg_temp.ref('b:3'), 4);
select is((pg_temp.look('[]', pg_temp.one('b:3', 'Cancelled', 4), pg_temp.held())) ->> 'outcome', 'equal', 'a fill that came');
select is((select ended_how from reconcile_differences where kind = 'missing_fill'), 'mended', 'mends it');
select is(pg_temp.state('b:3'), 'cancelled');

-- Positions.
select is((pg_temp.look(p_positions => pg_temp.held() || '[{"symbol": "GOOG", "quantity": 7, "price": 40}]')) -> 'again_in', '0.6', 'a fill may be on its way');
select is((select count(*) from restricted_symbols), 0::bigint);
select pg_temp.later(1);
select pg_temp.sent('p:0', 'GOOG', 1), pg_temp.status('p:0', 'Cancelled');
select is(tap.asked(id, 'p:1', 'GOOG', 1), 'allowed') from s;
select is((pg_temp.look(p_positions => pg_temp.held() || '[{"symbol": "GOOG", "quantity": 7, "price": 40}]')) ->> 'outcome', 'differs', 'seen again it counts');
select is((select count(*) from take_orders('PAPER1', tap.link())) || pg_temp.state('p:1'), '0cancelled', 'what was allowed in it does not leave');
select is(tap.asked(id, 'p:2', 'GOOG', 1), 'restricted', 'nothing is entered') from s;
select is(tap.asked(id, 'p:3', 'AAPL', 1), 'allowed', 'in others it is') from s;
select throws_ok($$select resume_trading('over', 'PAPER1')$$, '55000', 'The desk and its broker differ: position of PAPER1 GOOG: 0 here, 7 at the broker', 'nothing resumes while they differ');
select throws_ok($$select accept_position('PAPER1', 'GOOG', ' ')$$, '22023', null, 'accepting needs a reason');
select throws_ok($$select accept_position('PAPER1', 'AAPL', 'x')$$, '23503', null, 'and a difference');
select alike(accept_position('PAPER1', 'GOOG', 'bought by hand'), 'GOOG of PAPER1: 7 units more for no session%');
select is(resume_trading('accepted', 'PAPER1'), 'Nothing to lift.', 'once it is accepted it does');
select is((pg_temp.look(p_positions => pg_temp.held())) ->> 'outcome', 'equal');
select is(tap.asked(id, 'p:4', 'GOOG', 1), 'allowed', 'and it trades again') from s;
select is((select row(ended_how, ended_by is not null, reason)::text from reconcile_differences where symbol = 'GOOG'), '(accepted,t,"bought by hand")');
-- A split over night: units come, no money goes.
create temporary table before as select cash from session_ledgers;
select pg_temp.look(p_positions => jsonb_set(pg_temp.held(), '{0,quantity}', '40')), pg_temp.later(1), pg_temp.look(p_positions => jsonb_set(pg_temp.held(), '{0,quantity}', '40'));
select alike(accept_position('PAPER1', symbol, 'split', id), '%for session%40 held%') from s, open_differences;
select is((select cash from session_ledgers), (select cash from before), 'no money goes');

-- A desk that was restored from a backup.
select pg_temp.look(jsonb_build_array(jsonb_build_object('reference', (select order_prefix from accounts where name = 'PAPER1') || '-900000', 'status', 'Submitted', 'order_id', 1, 'permanent_id', 2)), '[]', pg_temp.held());
select is(pg_temp.sent('r:1'), 'sending');
select ok(pg_temp.o('r:1') > 900000, 'gives no number again that the broker knows');
select throws_ok($$select record_look('PAPER1', gen_random_uuid(), 0, 'test', 0, null)$$, '55000', null, 'a link that was replaced looks in vain');

select * from finish();
