-- Each limit of the gate: refused at its edge, allowed just inside, and what only reduces passes.

select plan(116);
select tap.given_desk();
create temporary table s as select tap.given_session() as id;
create function pg_temp.n() returns bigint language sql as 'select count(*) from desk.broker_orders';

-- Ten AAPL are held, so that a sale of them reduces.
select is(tap.asked(id, 'h:1', 'AAPL', 10), 'allowed', 'with no narrow limit an order is allowed') from s;
select is(tap.filled(id, 'h:1'), 'recorded', 'and filled') from s;

-- Limit, threshold, size refused, size allowed; each is tried for the session, then for the account.
create temporary table edges (name text, threshold float8, refused float8, allowed float8, reducing float8 default -10, symbol text default 'IBM');
insert into edges (name, threshold, refused, allowed) values
  ('max_order_shares', 5, 6, 5),
  ('max_order_value', 500, 6, 5),
  ('max_position_shares', 5, 6, 5),
  ('max_position_value', 500, 6, 5),
  ('max_position_pct', 0.005, 6, 5),
  ('max_concentration', 0.005, 6, 5),
  ('max_leverage', 0.015, 6, 5),
  ('max_gross_exposure', 1500, 6, 5),
  ('max_positions', 1, 1, null),
  ('max_positions', 2, null, 1),
  ('max_orders_per_day', 1, 1, null),
  ('max_orders_per_day', 2, null, 1),
  ('max_orders_per_second', 1, 1, null),
  ('max_orders_per_second', 2, null, 1),
  ('max_orders_per_minute', 1, 1, null),
  ('max_orders_per_minute', 2, null, 1);

create function pg_temp.tried(p_whose text, p_name text, p_threshold float8, p_quantity float8, p_symbol text)
returns text language plpgsql as $$
declare v text;
begin
  begin
    perform tap.limited(p_whose, p_name, p_threshold);
    v := tap.asked((select id from pg_temp.s), 't:1', p_symbol, p_quantity);
    raise exception 'undone' using errcode = 'ZZ000';
  exception when sqlstate 'ZZ000' then return v;
  end;
end $$;
select is(pg_temp.tried(w.whose, e.name, e.threshold, e.refused, e.symbol), w.whose || ' ' || e.name,
  format('%s %s %s refuses %s', w.whose, e.name, e.threshold, e.refused))
from edges as e cross join (values ('session'), ('account')) as w (whose) where e.refused is not null;
select is(pg_temp.tried(w.whose, e.name, e.threshold, e.allowed, e.symbol), 'allowed',
  format('%s %s %s allows %s', w.whose, e.name, e.threshold, e.allowed))
from edges as e cross join (values ('session'), ('account')) as w (whose) where e.allowed is not null;
select is(pg_temp.tried(w.whose, e.name, e.threshold, -10, 'AAPL'), 'allowed',
  format('%s %s %s lets what only reduces pass', w.whose, e.name, e.threshold))
from edges as e cross join (values ('session'), ('account')) as w (whose) where e.refused is not null;
select is(pg_temp.tried(w.whose, 'max_order_shares', 5, -11, 'AAPL'), w.whose || ' max_order_shares',
  'but not what would turn the position round')
from (values ('session'), ('account')) as w (whose);

-- What is on its way counts as if it were filled.
select is(tap.asked(id, 'w:1', 'IBM', 4, '{"type": "limit", "limit_price": 90}'), 'allowed') from s;
select tap.limited('session', 'max_position_shares', 10);
select is(tap.asked(id, 'w:2', 'IBM', 7), 'session max_position_shares', 'a resting order counts') from s;
select is(tap.asked(id, 'w:3', 'IBM', 6), 'allowed', 'to its last share') from s;
select is(tap.asked(id, 'w:4', 'AAPL', -6), 'allowed', 'six of ten may be sold') from s;
select is(tap.asked(id, 'w:5', 'AAPL', -5, '{"intent": "reduce"}'), 'reducing', 'with six on their way five no longer only reduce') from s;
select is(tap.asked(id, 'w:6', 'AAPL', -4, '{"intent": "reduce"}'), 'allowed', 'four do') from s;
select is(
  (select row(observed, threshold, reason)::text from broker_orders where key = 'w:2'), '(11,10,"Position in shares: 11 > 10")',
  'a refusal says what would have been, what may be, and a sentence');

-- Another session of the account counts for the account, and not for the first.
create temporary table other as select tap.given_session() as id;
select tap.limited('account', 'max_position_shares', 30);
select is(tap.asked(id, 'o:1', 'IBM', 10), 'allowed', 'a session has its own ten') from other;
select is(tap.asked(id, 'o:2', 'AAPL', 10), 'allowed') from other;
select tap.limited('session', 'max_position_shares', 100);
select is(tap.asked(id, 'o:3', 'IBM', 11), 'account max_position_shares', 'ten and ten and eleven are too many for the account') from other;
select is(tap.asked(id, 'o:4', 'IBM', 10), 'allowed', 'ten are not') from other;
select tap.limited('account', 'max_position_shares', 1e12), tap.limited('session', 'max_position_shares', 1e12);

-- Collar, age, repetition.
select tap.limited('session', 'price_collar', 0.05);
select is(tap.asked(id, 'c:1', 'GOOG', 1, '{"type": "limit", "limit_price": 105.1}'), 'price_collar', 'too far from the newest price') from s;
select is(tap.asked(id, 'c:2', 'GOOG', 1, '{"type": "limit", "limit_price": 105}'), 'allowed', 'as far as it may be') from s;
select is(tap.asked(id, 'c:3', 'GOOG', 1, '{"type": "stop", "stop_price": 94.9}'), 'price_collar', 'a stop, too') from s;
select is(tap.asked(id, 'c:4', 'AAPL', 1, '{"type": "limit", "limit_price": 2}'), 'price_collar') from s;
select tap.limited('account', 'price_collar', 0.01);
select is(tap.asked(id, 'c:5', 'GOOG', 1, '{"type": "limit", "limit_price": 102}'), 'price_collar', 'the account''s, where it is narrower') from s;
delete from risk_limits where limit_name = 'price_collar';
update session_prices set arrived_at = clock_timestamp() - interval '61 seconds' where symbol = 'GOOG';
select tap.limited('session', 'max_price_age', 60);
select is(tap.asked(id, 'a:1', 'GOOG', 2), 'max_price_age', 'a price of 61 seconds is too old for 60') from s;
select tap.limited('session', 'max_price_age', 70);
select is(tap.asked(id, 'a:2', 'GOOG', 2), 'allowed', 'and not for 70') from s;
update session_prices set arrived_at = clock_timestamp() - interval '71 seconds' where symbol = 'IBM';
select tap.limited('session', 'repetition_seconds', 86400);
select is(tap.asked(id, 'r:1', 'AAPL', 3), 'allowed') from s;
select is(tap.asked(id, 'r:2', 'AAPL', 3), 'session repetition_seconds', 'the same order again') from s;
select is(tap.asked(id, 'r:3', 'AAPL', 4), 'allowed', 'another one is not the same') from s;
select is(tap.priced(id, '2010-01-05', 100), 'active') from s;
select is(tap.asked(id, 'r:4', 'AAPL', 3), 'allowed', 'nor is it a day later') from s;

-- Settled cash and day trades, of the account.
select tap.limited('account', 'settled_cash_only', 1);
create temporary table room as select floor((sum(l.cash) - coalesce((select sum(quantity * coalesce(limit_price, stop_price, decision_price))
  from broker_orders where is_open and quantity > 0), 0)) / 100) as shares from session_ledgers as l;
select is(pg_temp.tried('account', 'settled_cash_only', 1, shares + 1, 'AAPL'), 'account settled_cash_only', 'more than the cash') from room;
select is(pg_temp.tried('account', 'settled_cash_only', 1, shares, 'AAPL'), 'allowed', 'all of the cash') from room;
select tap.filled(id, 'w:6') from s;
select is(pg_temp.tried('account', 'settled_cash_only', 1, shares + 1, 'AAPL'), 'account settled_cash_only', 'what was sold today has not settled') from room;
delete from risk_limits where limit_name in ('settled_cash_only', 'repetition_seconds');
select is(day_trades(a.id, '2010-01-01'), 0::bigint, 'bought on one day, sold on the next') from accounts as a;
select is(tap.asked(id, 'd:1', 'GOOG', 5), 'allowed') from s;
select tap.filled(id, 'd:1') from s;
select is(tap.asked(id, 'd:2', 'GOOG', -5), 'allowed') from s;
select tap.filled(id, 'd:2') from s;
select is(day_trades(a.id, '2010-01-01'), 1::bigint, 'bought and sold on one day') from accounts as a;
select is(pg_temp.tried('account', 'max_day_trades', 1, 1, 'IBM'), 'account max_day_trades', 'one of one is done') from s;
select is(pg_temp.tried('account', 'max_day_trades', 2, 1, 'IBM'), 'allowed', 'one of two is not') from s;

-- A lower limit holds from the next order on, and what held then is known.
select is(tap.asked(id, 'l:1', 'GOOG', 9), 'allowed') from s;
select tap.limited('session', 'max_order_shares', 8);
select is(tap.asked(id, 'l:2', 'GOOG', 9), 'session max_order_shares') from s;
select is((select threshold from s, limits_of(s.id) where limit_name = 'max_order_shares'), 8::float8, 'limits_of() has it');
select is((select count(*) from s, limits_of(s.id, (select min(changed_at) from limit_changes where limit_name = 'max_order_shares') - interval '1 us')
  where limit_name = 'max_order_shares'), 0::bigint, 'and knows that there was none before');
delete from risk_limits where limit_name = 'max_order_shares';
select is(tap.asked(id, 'l:3', 'GOOG', 9), 'allowed', 'a limit without a row is no limit') from s;
select is((select count(*) from s, limits_of(s.id) where limit_name = 'max_order_shares'), 0::bigint);
select throws_ok($$update limit_changes set threshold = 0$$, '42501', null, 'history stays');
select throws_ok($$insert into risk_limits (strategy_id, limit_name, threshold) select id, 'max_day_trades', 1 from strategies limit 1$$,
  '23503', 'No session keeps the limit "max_day_trades"', 'a limit has its keeper');

select * from finish();
