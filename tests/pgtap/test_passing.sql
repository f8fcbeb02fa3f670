-- What passing means: a floor on return by default, flags on what passed all the same, and enough sessions.

select plan(10);
select tap.given_desk();
select tap.given_runner();
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.run() returns bigint language sql as $$select max(id) from desk.optimization_runs where role = 'search'$$;
create function pg_temp.status() returns text language sql as $$select status from desk.strategies where name = 'sma_crossover'$$;

-- A month proves nothing.
select tap.given_job(1, '{"cash": 50000}') is null;
select is(tap.drain(pg_temp.runner(), tap.metrics('{"sessions": 251, "return_count": 251}')), 1, 'a point of 251 sessions');
select is(
  tap.rows($$select p.passed, s.status, r.flags @> '{too short to judge}' from optimization_runs as r
    join run_progress as p on p.optimization_run_id = r.id join strategies as s on s.id = r.strategy_id where r.id = pg_temp.run()$$),
  '[[1, "backlog", true]]', 'it passed, its strategy did not: it is where it was');
select matches((select reason from strategies where name = 'sma_crossover'), '^run [0-9]+ is too short to judge: 1 runs complete', 'for this reason');
update settings set value = '251' where name = 'least_sessions';
select tap.given_job(1, '{"cash": 60000}') is null;
select is(tap.drain(pg_temp.runner(), tap.metrics('{"sessions": 251, "return_count": 251}')), 1, 'where 251 are enough');
select is(pg_temp.status(), 'passed', 'it passes');

-- By default a loss does not pass, and criteria of one's own that ask for none are told from others.
select is(
  desk.setting('default_criteria'), '{"min_trades": 100, "max_fee_pct": 0.30, "min_total_return": 0}'::jsonb, 'a return is asked for by default');
select tap.given_job(2, '{"success_criteria": {"min_trades": 10, "min_sharpe": -1}}') is null;
select is(tap.drain(pg_temp.runner(), tap.metrics('{"ending_value": 90000}')), 2, 'two points lose money and pass');
select is(
  (select flags from optimization_runs where id = pg_temp.run()),
  '{"all points identical","deflated Sharpe below one half (2 of 2 passed)","no criterion asks for profit","passed with a loss (2 of 2 passed)"}',
  'which is said: a Sharpe ratio of -1 at the least asks for no profit');
select is(
  (select array_agg(distinct flags) from ranked_results where optimization_run_id = pg_temp.run()),
  array['{"passed with a loss","deflated Sharpe below one half"}'::text[]], 'of each of them');
update success_criteria set threshold = 0.1 where optimization_run_id = pg_temp.run() and metric = 'sharpe_ratio';
select rejudge_run(pg_temp.run()) is null;
select ok(
  (select not flags @> '{no criterion asks for profit}' from optimization_runs where id = pg_temp.run()), 'a Sharpe ratio of 0.1 does');
