-- Trading sessions: what a strategy logs is stored once, for whoever holds the point; limits travel with a job.

select plan(32);
select tap.given_desk();
create temporary table held (work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[], parameters jsonb);
grant all on held to public;
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.logged(p_rows jsonb, p_token uuid default null) returns text language sql as
  'select desk.record_session_rows(work_item_id, coalesce(p_token, token), 1, p_rows) from pg_temp.held where ordinals[1] = 1';

-- Limits
insert into risk_limits (limit_name, threshold) values ('max_daily_loss', 0.03), ('max_positions', 5);
insert into risk_limits (strategy_id, limit_name, threshold) select id, 'max_daily_loss', 0.01 from strategies where name = 'sma_crossover';
select is(
  validate_config('sma_crossover', '{"symbols": "AAPL"}') -> 'risk_limits', '{"max_daily_loss": 0.01, "max_positions": 5}'::jsonb,
  'a strategy''s own limit comes before that of all');
select is(
  validate_config('rsi_mean_reversion', '{"symbols": "AAPL", "risk_limits": {"max_positions": 2}}') -> 'risk_limits',
  '{"max_daily_loss": 0.03, "max_positions": 2}'::jsonb, 'a config''s limit before both');
select is(
  validate_config('sma_crossover', validate_config('sma_crossover', '{"symbols": "AAPL"}')),
  validate_config('sma_crossover', '{"symbols": "AAPL"}'), 'a canonical config stays as it is');
select matches(
  (tap.refused_job('{"symbols": "AAPL", "risk_limits": {"max_daily_los": 1}}'))[2], 'Unknown key', 'an unknown limit is refused');
select is((tap.refused_job('{"symbols": "AAPL", "risk_limits": {"max_leverage": -1}}'))[3], '$.risk_limits.max_leverage', 'as is a negative one');
select throws_ok($$insert into risk_limits (limit_name, threshold) values ('max_fun', 1)$$, '23503', 'Unknown risk limit "max_fun"', 'and an unknown one in the table');
select throws_ok($$insert into risk_limits (limit_name, threshold) values ('max_daily_loss', 2)$$, '22023', '2 is out of range for max_daily_loss', 'as is 200% where 2% was meant');
select throws_ok($$update risk_limits set threshold = 25 where limit_name = 'max_positions'; update risk_limits set limit_name = 'max_drawdown' where limit_name = 'max_positions'$$, '22023', '25 is out of range for max_drawdown', 'also by a change');
select matches((tap.refused_job('{"symbols": "AAPL", "risk_limits": {"max_drawdown": 25}}'))[4], 'Write fractions: 0.02 for 2%', 'and in a config, with what to write');
select is(
  tap.rows('select name, unit, highest, default_value from risk_limit_definitions
    where name like ''max_d%'' and ''strategy'' = any (kept_by) order by 1'),
  '[["max_daily_loss", "fraction", 1, 0.02], ["max_drawdown", "fraction", 1, 0.2]]', 'units and highest values are rows');
select throws_ok($$insert into risk_limits (limit_name, threshold) values ('max_positions', 9)$$, '23505', null, 'and a second one of a name');
select isnt(
  settings_hash('{"risk_limits": {"max_positions": 2}}', null, null, 0), settings_hash('{}', null, null, 0), 'other limits are other results');

select tap.given_runner();
select tap.given_job(4);
select advance_runs(pg_temp.runner());
insert into held select * from claim_work(pg_temp.runner(), 20);
select is(
  run_settings((select max(optimization_run_id) from held)) -> 'risk_limits', '{"max_daily_loss": 0.01, "max_positions": 5}'::jsonb,
  'the runner is told a run''s limits');

-- Rows
select is(pg_temp.logged('{"session": [
    {"seq": 1, "state": "open", "symbols": ["AAPL"], "cash": 1000, "risk_limits": {"max_drawdown": 0.1, "max_positions": null}, "error": null}],
  "order_events": [
    {"seq": 2, "bar_time": 1262563200, "order_ref": 7, "status": "submitted", "symbol": "AAPL", "side": "buy", "type": "market", "size": 10, "price": 20.5, "limit_price": null, "filled": 0, "average_price": null, "fees": 0, "tag": "first"},
    {"seq": 3, "bar_time": 1262649600, "order_ref": 7, "status": "completed", "symbol": "AAPL", "side": "buy", "type": "market", "size": 10, "price": 20.5, "limit_price": null, "filled": 10, "average_price": 21, "fees": 1, "tag": "first"}],
  "fills": [
    {"seq": 4, "bar_time": 1262649600, "order_ref": 7, "symbol": "AAPL", "size": 10, "price": 21, "fee": 1}],
  "position_history": [
    {"seq": 5, "bar_time": 1262649600, "symbol": "AAPL", "change": "entry", "size_before": 0, "size": 10, "price": 21, "average_price": 21, "profit": null}],
  "risk_events": [
    {"seq": 6, "bar_time": 1262649600, "limit_name": "max_positions", "severity": "warning", "message": "Open positions: 6 > 5", "observed": 6, "threshold": 5, "symbol": "AAPL", "size": 1, "price": 21}],
  "portfolio_snapshots": [
    {"seq": 7, "bar_time": 1262649600, "cash": 789, "value": 999, "exposure": 0.21, "positions": {"AAPL": 10}}],
  "daily_summaries": [
    {"seq": 8, "session_day": 14613, "begin_value": 1000, "end_value": 999, "low_value": 999, "high_value": 1000, "orders": 1, "fills": 1, "trades": 0, "profit": 0, "fees": 1, "risk_events": 1}],
  "session_trades": [
    {"seq": 9, "symbol": "AAPL", "entry_time": 1262649600, "exit_time": 1262736000, "size": 10, "entry_price": 21, "exit_price": 22, "profit": 10, "net_profit": 8, "fees": 2}]}'), 'logged', 'rows of every kind are stored');
select is(
  tap.rows('select state, symbols, cash, error from trading_sessions'), '[["open", ["AAPL"], 1000, null]]', 'in a session of their own');
select is(
  tap.rows('select watched, risk_limits from trading_sessions'), '[[true, {"max_drawdown": 0.1, "max_positions": null}]]',
  'which keeps the limits that its manager had');
insert into risk_limits (limit_name, threshold) values ('max_drawdown', 0.5);
select is(
  tap.rows('select limit_name, allowed from session_usage((select max(id) from trading_sessions)) where limit_name in (''max_drawdown'', ''max_positions'') order by 1'),
  '[["max_drawdown", 0.1], ["max_positions", null]]', 'and shows those, not what the table says since');
select is(
  tap.rows('select order_ref, side, size, tag, status, filled, average_price, fees, sent_at::date, changed_at::date from orders'),
  '[[7, "buy", 10, "first", "completed", 10, 21, 1, "2010-01-04", "2010-01-05"]]', 'an order as it stands');
select is(tap.rows('select status from order_events order by seq'), '[["submitted"], ["completed"]]', 'with all of its states');
select is(tap.rows('select change, size_before, size, price from position_history'), '[["entry", 0, 10, 21]]', 'a position''s change');
select is(tap.rows('select session_date, end_value, orders from daily_summaries'), '[["2010-01-04", 999, 1]]', 'a day');
select is(tap.rows('select exit_price, net_profit from session_trades'), '[[22, 8]]', 'a trade');
select is(pg_temp.logged('{"order_events": [
    {"seq": 2, "bar_time": 1262563200, "order_ref": 7, "status": "submitted", "symbol": "AAPL", "side": "buy", "type": "market", "size": 10, "price": 20.5, "limit_price": null, "filled": 0, "average_price": null, "fees": 0, "tag": "first"}],
  "fills": [
    {"seq": 4, "bar_time": 1262649600, "order_ref": 7, "symbol": "AAPL", "size": 10, "price": 21, "fee": 1}]}'), 'logged', 'rows that come twice');
select is(
  tap.rows('select (select count(*) from fills), (select count(*) from order_events), status from orders'), '[[1, 2, "completed"]]',
  'are stored once, and change nothing back');
select is(pg_temp.logged('{"session": [
    {"seq": 10, "state": "failed", "symbols": null, "cash": null, "risk_limits": null, "error": "ValueError: no"}]}'), 'logged', 'a strategy may raise');
select is(tap.rows('select state, error, symbols from trading_sessions'), '[["failed", "ValueError: no", ["AAPL"]]]', 'and its session says why');

-- Refused
select matches(pg_temp.logged('{"filz": []}'), 'impossible: Unknown kind of row', 'rows of no table are not dropped in silence');
select is(pg_temp.logged('{}', gen_random_uuid()), 'stale', 'another token is stale');
select matches(pg_temp.logged('{"position_history": [{"seq": 11, "bar_time": 0, "symbol": "A", "change": "jump", "size_before": 0, "size": 1, "price": 1}]}'), 'impossible: .*change_known', 'an unknown change is impossible');
select matches(pg_temp.logged('{"fills": [
    {"seq": 12, "bar_time": "now", "order_ref": 1, "symbol": "A", "size": 1, "price": 1, "fee": 1}]}'), 'impossible: ', 'as is a time that is none');
select is(pg_temp.logged('[]'), 'impossible: rows are no object', 'and what are no rows');
select is((select count(*) from fills), 1::bigint, 'nothing of a refused batch stays');

select * from finish();
