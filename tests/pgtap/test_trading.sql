-- Trading sessions: what a strategy logs is stored once, for whoever holds the point; limits travel with a job.

select plan(25);
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
select throws_ok($$insert into risk_limits (limit_name, threshold) values ('max_fun', 1)$$, '23514', null, 'and an unknown one in the table');
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
select is(pg_temp.logged('{
  "session": [[1, "open", ["AAPL"], 1000, null]],
  "order_events": [[2, 1262563200, 7, "submitted", "AAPL", "buy", "market", 10, 20.5, null, 0, null, 0, "first"],
                   [3, 1262649600, 7, "completed", "AAPL", "buy", "market", 10, 20.5, null, 10, 21, 1, "first"]],
  "fills": [[4, 1262649600, 7, "AAPL", 10, 21, 1]],
  "position_history": [[5, 1262649600, "AAPL", "entry", 0, 10, 21, 21, null]],
  "risk_events": [[6, 1262649600, "max_positions", "warning", "Open positions: 6 > 5", 6, 5, "AAPL", 1, 21]],
  "portfolio_snapshots": [[7, 1262649600, 789, 999, 0.21, {"AAPL": 10}]],
  "daily_summaries": [[8, 14613, 1000, 999, 999, 1000, 1, 1, 0, 0, 1, 1]],
  "session_trades": [[9, "AAPL", 1262649600, 1262736000, 10, 21, 22, 10, 8, 2]]}'), 'logged', 'rows of every kind are stored');
select is(
  tap.rows('select state, symbols, cash, error from trading_sessions'), '[["open", ["AAPL"], 1000, null]]', 'in a session of their own');
select is(
  tap.rows('select order_ref, side, size, tag, status, filled, average_price, fees, sent_at::date, changed_at::date from orders'),
  '[[7, "buy", 10, "first", "completed", 10, 21, 1, "2010-01-04", "2010-01-05"]]', 'an order as it stands');
select is(tap.rows('select status from order_events order by seq'), '[["submitted"], ["completed"]]', 'with all of its states');
select is(tap.rows('select change, size_before, size, price from position_history'), '[["entry", 0, 10, 21]]', 'a position''s change');
select is(tap.rows('select session_date, end_value, orders from daily_summaries'), '[["2010-01-04", 999, 1]]', 'a day');
select is(tap.rows('select exit_price, net_profit from session_trades'), '[[22, 8]]', 'a trade');
select is(pg_temp.logged('{"order_events": [[2, 1262563200, 7, "submitted", "AAPL", "buy", "market", 10, 20.5, null, 0, null, 0, "first"]],
  "fills": [[4, 1262649600, 7, "AAPL", 10, 21, 1]]}'), 'logged', 'rows that come twice');
select is(
  tap.rows('select (select count(*) from fills), (select count(*) from order_events), status from orders'), '[[1, 2, "completed"]]',
  'are stored once, and change nothing back');
select is(pg_temp.logged('{"session": [[10, "failed", null, null, "ValueError: no"]]}'), 'logged', 'a strategy may raise');
select is(tap.rows('select state, error, symbols from trading_sessions'), '[["failed", "ValueError: no", ["AAPL"]]]', 'and its session says why');

-- Refused
select is(pg_temp.logged('{}', gen_random_uuid()), 'stale', 'another token is stale');
select matches(pg_temp.logged('{"position_history": [[11, 0, "A", "jump", 0, 1, 1, 1, null]]}'), 'impossible: .*change_known', 'an unknown change is impossible');
select matches(pg_temp.logged('{"fills": [[12, "now", 1, "A", 1, 1, 1]]}'), 'impossible: ', 'as is a time that is none');
select is(pg_temp.logged('[]'), 'impossible: rows are no object', 'and what are no rows');
select is((select count(*) from fills), 1::bigint, 'nothing of a refused batch stays');

select * from finish();
