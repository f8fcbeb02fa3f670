-- What a director does by hand: reduce a session, an account or everything; cancel an order; and what is read of accounts.

select plan(22);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create temporary table o as select tap.given_session() as id;
select tap.asked(id, 'h:1', 'AAPL', 10), tap.filled(id, 'h:1') from s;

-- Reduced, a session enters nothing and leaves what it likes; another goes on.
select is((tap.refusal($$select reduce_trading(' ')$$))[2], 'To reduce trading needs a reason', 'without a reason nothing happens');
select throws_ok($$select reduce_trading('x', p_session_id => 1000000)$$, '23503', 'There is no open session 1000000 on an account');
select throws_ok($$select reduce_trading('x', 'NOBODY')$$, '23503');
select alike(reduce_trading('odd fills', p_session_id => id), 'REDUCING session % (halt %): nothing is entered from now on, exits pass.') from s;
select is(level_of_session(id), 'reducing') from s;
select is(tap.asked(id, 'a:1', 'IBM', 1), 'reducing', 'nothing is entered') from s;
select is(tap.asked(id, 'a:2', 'AAPL', -10), 'allowed', 'what is held may go') from s;
select is(level_of_session(id), 'active', 'another session goes on') from o;
select is(level_of_account((select id from accounts)), 'active', 'and the account itself');
select alike(resume_trading('looked into', p_session_id => id), 'Lifted: % (reduce_trading).') from s;
select alike(reduce_trading('a storm', 'PAPER1', p_flatten => true), 'REDUCING PAPER1 % what is held is to be closed.');
select is((select row(level, link, link_alive, open_sessions, open_orders)::text from live_accounts), '(reducing,ready,t,2,1)', 'an account is read with its level and its link');
select is((select flatten from halts_now), true);
select resume_trading('over', 'PAPER1');

-- An order is cancelled: at once where it was not sent, else by its broker.
select tap.asked(id, 'b:1', 'IBM', 1), tap.asked(id, 'b:2', 'IBM', 1) from o;
create function pg_temp.n(p_key text) returns bigint language sql as 'select id from desk.broker_orders where key = $1';
select is((tap.refusal($$select cancel_live_order(1, '')$$))[2], 'A cancel needs a reason');
select throws_ok($$select cancel_live_order(1000000, 'x')$$, '23503', 'There is no order 1000000');
select is(cancel_live_order(pg_temp.n('b:1'), 'a mistake'), format('Order %s is cancelled: it had not been sent.', pg_temp.n('b:1')));
select is((select row(state, cancelled_by, reason)::text from broker_orders where key = 'b:1'), '(cancelled,desk,"a mistake")', 'by the desk, with the reason');
select take_orders('PAPER1', tap.link(), 10);
select is(cancel_live_order(pg_temp.n('b:2'), 'a mistake'), format('The cancel of order %s is asked for; it is sending until its broker says so.', pg_temp.n('b:2')));
select is(cancel_live_order(pg_temp.n('h:1'), 'x'), format('Order %s was filled already: nothing to cancel.', pg_temp.n('h:1')));
update account_links set beat_at = now() - interval '1 hour';
select is((select link_alive from live_accounts), false, 'a link that is silent is no link');

set local role desk_viewer;
select throws_ok($$select reduce_trading('x')$$, '42501', null, 'who only looks reduces nothing');
select isnt_empty($$select * from live_accounts$$, 'but sees');
reset role;
select * from finish();
