-- Walk-forward: windows, folds, the stitched test, and what cannot be.

select plan(43);
select tap.given_desk();
select tap.given_runner();
create function pg_temp.plan(p_windows jsonb, p_more jsonb default '{}') returns text[] language sql as $$
  select tap.refused_job((jsonb_build_object('symbols', 'AAPL', 'optimization', jsonb_build_object('type', 'Walk-Forward',
    'walk_forward', p_windows, 'parameters', '{"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}'::jsonb)) || p_more)::text)$$;
create function pg_temp.folds() returns jsonb language sql as $$
  select tap.rows('select in_sample_start, in_sample_end, out_of_sample_start, out_of_sample_end from walk_forward_folds
    where optimization_run_id = (select max(optimization_run_id) from walk_forward_plans) order by fold')$$;

-- Windows (prices: weekdays of 2010 and 2011)
select is(pg_temp.plan('{"unit": "months", "in_sample": 12, "out_of_sample": 4}', '{"start_date": "2010-01-01", "end_date": "2011-12-31"}'), '{accepted}', 'months');
select is(pg_temp.folds(),
  '[["2010-01-01", "2011-01-01", "2011-01-01", "2011-05-01"], ["2010-05-01", "2011-05-01", "2011-05-01", "2011-09-01"], ["2010-09-01", "2011-09-01", "2011-09-01", "2012-01-01"]]',
  'rolling windows: each test begins where the one before ended, the last ends with the data');
select is(pg_temp.plan('{"unit": "months", "in_sample": 12, "out_of_sample": 6, "mode": "anchored", "embargo": 3}', '{"start_date": "2010-01-01", "end_date": "2011-12-31"}'), '{accepted}', 'anchored');
select is(pg_temp.folds(),
  '[["2010-01-01", "2010-12-29", "2011-01-01", "2011-07-01"], ["2010-01-01", "2011-06-28", "2011-07-01", "2012-01-01"]]',
  'the in-sample window grows from the start; three sessions before each test are in no window');
select is(pg_temp.plan('{"in_sample": 300, "out_of_sample": 100}'), '{accepted}', 'bars');
select is((select array_agg(cardinality(run_sessions(f.optimization_run_id, f.out_of_sample_start, f.out_of_sample_end - 1))) from walk_forward_folds as f
  where f.optimization_run_id = (select max(optimization_run_id) from walk_forward_plans)), '{100,100}', 'are counted in sessions');
select is(
  (select array_agg(r.role || ' ' || r.total_combinations order by r.id) from optimization_runs as r
   where r.parent_run_id = (select max(optimization_run_id) from walk_forward_plans)), '{in_sample 5,in_sample 5}', 'each fold begins with a search in sample');
select is((select total from job_progress order by job_id desc limit 1), 10::bigint, 'whose points are the job''s');
select cancel_job(id) from jobs where state = 'waiting';
select is((select count(*) from optimization_runs where status = 'pending'), 0::bigint, 'a cancelled walk-forward leaves no part open');

-- What cannot be
select is(pg_temp.plan('{"in_sample": 3000, "out_of_sample": 10}'),
  array['22023', 'The windows of 3000 and 10 bars do not fit into 520 sessions from 2010-01-04 to 2011-12-30: no fold', '$.optimization.walk_forward', 'Use shorter windows or a longer one around them.'],
  'a window longer than the data');
select is(pg_temp.plan('{"in_sample": 100, "out_of_sample": 10, "embargo": 10}'),
  array['22023', 'An embargo of 10 sessions swallows the test window of 10', '$.optimization.walk_forward.embargo', 'Use a shorter embargo or a longer out_of_sample.'],
  'an embargo that swallows the test');
select is((pg_temp.plan('{"in_sample": 5, "out_of_sample": 10, "embargo": 5}'))[2], 'Fold 1 has 0 sessions in sample', 'or the search');
select is((pg_temp.plan('{"in_sample": 100, "out_of_sample": 0}'))[2], '0 is out of range', 'no test at all');
select is((pg_temp.plan('{"in_sample": 100}'))[2], 'Key out_of_sample is missing', 'a length that is not said');
select is((pg_temp.plan('{"in_sample": 100, "out_of_sample": 50, "mode": "sliding"}'))[2], 'Unknown value "sliding"', 'an unknown mode');
select is(
  (tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Walk-Forward", "search": "Genetic Search", "walk_forward": {"in_sample": 100, "out_of_sample": 50}}}'))[2],
  'Unknown value "Genetic Search"', 'an unknown inner search');
select is(
  (tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Walk-Forward"}}'))[2], 'Key walk_forward is missing', 'no windows');
select is(
  tap.refused_job('{"symbols": "AAPL", "in_sample_criteria": {"min_sharpe": 1}}'),
  array['22023', 'A Grid Search has no in_sample_criteria', '$.in_sample_criteria', 'Remove the key, or use type: Walk-Forward.'], 'in-sample criteria without a walk-forward');
select is(
  (pg_temp.plan('{"in_sample": 100, "out_of_sample": 50}', '{"in_sample_criteria": {"min_sharp": 1}}'))[3], '$.in_sample_criteria.min_sharp', 'a misspelt in-sample criterion');

-- The schema itself forbids a gap, an overlap and a missing embargo
insert into jobs (strategy, config) values ('sma_crossover', '{"symbols": "AAPL", "success_criteria": {"min_trades": 10, "max_drawdown": 0.5},
  "start_date": "2010-01-01", "end_date": "2011-12-31", "in_sample_criteria": {"min_sharpe": 0.1},
  "optimization": {"type": "Walk-Forward", "search": "Euler Search", "target_metric": "Total Return",
  "walk_forward": {"unit": "months", "in_sample": 12, "out_of_sample": 4, "embargo": 2, "warm_up": 20}, "parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}}}');
create function pg_temp.parent() returns bigint language sql as 'select max(optimization_run_id) from desk.walk_forward_plans';
prepare bad_fold as insert into walk_forward_folds (optimization_run_id, fold, in_sample_start, in_sample_end, embargo_sessions, out_of_sample_start, out_of_sample_end, previous_out_of_sample_end)
  values (pg_temp.parent(), $1, '2010-01-01', $2, $3, $4, $5, $6);
select throws_ok($$execute bad_fold (4, '2011-12-28', 2, '2012-01-02', '2012-05-01', '2012-01-01')$$, '23514', null, 'a gap between two tests');
select throws_ok($$execute bad_fold (4, '2011-12-28', 2, '2011-12-30', '2012-05-01', '2011-12-30')$$, '23503', null, 'an overlap');
select throws_ok($$execute bad_fold (4, '2012-01-01', 2, '2012-01-01', '2012-05-01', '2012-01-01')$$, '23514', null, 'an embargo that is not kept');
select throws_ok($$execute bad_fold (4, '2012-01-01', 0, '2012-01-01', '2012-05-01', '2012-01-01')$$, '23503', null, 'another embargo than the plan''s');
select throws_ok($$execute bad_fold (4, '2012-02-01', 2, '2012-01-01', '2012-05-01', '2012-01-01')$$, '23514', null, 'a search that looks into the test');

-- From the first claim to the stitched test. In sample the best stop is 0.3 in fold 1 and 0.1 in fold 2; in fold 3 nothing passes.
create function pg_temp.work() returns void language plpgsql as $$
declare v_item record; v_run desk.optimization_runs; v_parameters jsonb; v_sessions date[]; v_step float8; v_equity float8[]; v_count integer := 1;
begin
  while v_count > 0 loop
    v_count := 0;
    -- First the parts that are complete, then the whole, then the parts that it planned.
    perform tap.advance((select max(id) from desk.runners));
    for v_item in select * from desk.claim_work((select max(id) from desk.runners), 100) loop
      v_count := v_count + 1;
      select r.* into v_run from desk.optimization_runs as r where r.id = v_item.optimization_run_id;
      v_sessions := desk.run_sessions(v_run.id, v_run.start_date, v_run.end_date);
      for i in 1 .. cardinality(v_item.ordinals) loop
        v_parameters := v_item.parameters -> (i - 1);
        v_step := case when v_run.role = 'out_of_sample' then case when v_run.start_date < '2011-03-01' then 10 else -5 end
          when v_run.start_date < '2010-03-01' then 20 - 100 * abs((v_parameters ->> 'stop')::float8 - 0.3)
          when v_run.start_date < '2010-08-01' then 20 - 100 * abs((v_parameters ->> 'stop')::float8 - 0.1)
          else -20 end;
        v_equity := array(select 100000 + v_step * n + n % 2 from generate_series(1, cardinality(v_sessions)) as n);
        perform tap.complete(v_item.work_item_id, v_item.token, v_item.ordinals[i],
          tap.metrics('{"exposed_sessions": 10, "engine_metrics": {"loop": "fast", "flag fills at prices already seen: cheat-on-close": 1}}')
            - case when v_step = -5 then 'traded_value' else '' end
            || desk.curve_metrics(v_sessions, v_equity, 100000, v_run.start_date, v_run.end_date, 16), v_sessions, v_equity);
      end loop;
    end loop;
  end loop;
end $$;
select pg_temp.work();
select is(
  tap.rows($$select f.fold, f.state, c.parameters ->> 'stop', round(b.total_return::numeric, 6) from walk_forward_folds as f
    left join backtest_results as c on c.id = f.chosen_result_id left join backtest_results as b on b.id = f.out_of_sample_result_id
    where f.optimization_run_id = pg_temp.parent() order by f.fold$$),
  '[[1, "done", "0.3", 0.008510], [2, "done", "0.1", -0.004400], [3, "cash", null, null]]',
  'the best passing point of each fold is tested on what comes after; where none passed the money stays in cash');
select is(
  (select count(*) filter (where r.role = 'out_of_sample') || ' of ' || count(*) from optimization_runs as r where r.parent_run_id = pg_temp.parent()), '2 of 5',
  'a fold in cash runs no test');
select is(
  (select flags from optimization_runs where id = pg_temp.parent()), '{"fills at prices already seen: cheat-on-close","no criterion asks for profit","open at the end unknown: 2 of 2 tests"}', 'what all folds'' results say, the walk-forward says');
select is(
  (select array_agg(distinct warm_up_bars) from optimization_runs where parent_run_id = pg_temp.parent()), '{20}', 'every part has its warm-up');
select is(
  (select array[cardinality(e.sessions), cardinality(run_sessions(pg_temp.parent(), '2011-01-01', '2011-12-31'))] from backtest_results as b join equity_curves as e on e.backtest_result_id = b.id
   where b.optimization_run_id = pg_temp.parent()), '{260,260}', 'the stitched curve has every session of the tests once');
select is(
  (select round((b.ending_value / 100000)::numeric, 9) from backtest_results as b where b.optimization_run_id = pg_temp.parent()),
  (select round(exp(sum(ln(1 + b.total_return)))::numeric, 9) from walk_forward_folds as f join backtest_results as b on b.id = f.out_of_sample_result_id where f.optimization_run_id = pg_temp.parent()),
  'folds are chained by returns');
select is(
  tap.rows('select total_trades, winning_trades, total_fees, round(trade_profit_m2::numeric, 3), bars, traded_value from backtest_results where optimization_run_id = pg_temp.parent()'),
  '[[40, 24, 803.404, 2017273.470, 504, null]]', 'trades and fees of the tests add up; what one of them does not know, the whole does not');
select is(
  (select b.rejection_reasons from backtest_results as b where b.optimization_run_id = pg_temp.parent()), '{}', 'and are judged by the run''s own criteria');
select matches(
  (select summary from optimization_runs where id = pg_temp.parent()), '^[0-9]+ runs complete, 1 passed, best Sharpe: [0-9.]+; 3 folds, 1 profitable, 1 in cash, efficiency 0.[0-9]+$',
  'the summary says how the folds went');
select is((select array[r.status, j.state, s.status] from optimization_runs as r join jobs as j on j.id = r.job_id join strategies as s on s.id = r.strategy_id where r.id = pg_temp.parent()),
  '{completed,done,validated}', 'a walk-forward that passes validates its strategy');
select is(
  tap.rows('select e.from_status, e.to_status from strategy_events as e join strategies as s on s.id = e.strategy_id where s.name = ''sma_crossover'' order by e.id desc limit 2'),
  '[["testing", "validated"], ["backlog", "testing"]]', 'by its own runs only: the parts move nothing');
select ok((select bool_and(code_version_id is not null) and count(distinct code_version_id) = 1 from optimization_runs where parent_run_id = pg_temp.parent() or id = pg_temp.parent()), 'all parts have the same code');
select is(
  (select round(f.efficiency::numeric, 6) from walk_forward_folds as f where f.optimization_run_id = pg_temp.parent() and f.fold = 1),
  (select round((o.annual_return / i.annual_return)::numeric, 6) from walk_forward_folds as f join backtest_results as i on i.id = f.chosen_result_id
   join backtest_results as o on o.id = f.out_of_sample_result_id where f.optimization_run_id = pg_temp.parent() and f.fold = 1), 'efficiency is out of sample over in sample');
select is((select efficiency > 0 from walk_forward_folds where optimization_run_id = pg_temp.parent() and fold = 2), false, 'and negative where the test lost');
select is(
  tap.rows('select round(e.efficiency::numeric, 9), round(b.out_of_sample_efficiency::numeric, 9) from walk_forward_efficiency as e
    join ranked_results as b using (optimization_run_id) where optimization_run_id = ' || pg_temp.parent()),
  (select jsonb_build_array(jsonb_build_array(f.ratio, f.ratio)) from (
     select round((avg(o.annual_return) / avg(i.annual_return))::numeric, 9) as ratio from walk_forward_folds as f
     join backtest_results as i on i.id = f.chosen_result_id join backtest_results as o on o.id = f.out_of_sample_result_id
     where f.optimization_run_id = pg_temp.parent()) as f),
  'that of the run is a ratio of means, on the board as in the summary');

-- A part that fails, fails the whole
insert into jobs (strategy, config) values ('rsi_mean_reversion', '{"symbols": "AAPL", "optimization": {"type": "Walk-Forward", "walk_forward": {"in_sample": 300, "out_of_sample": 100}, "parameters": {"rsi_period": [5, 6]}}}');
select tap.drain((select max(id) from runners), '{}', 'boom');
select tap.advance((select max(id) from runners));
select is(
  tap.rows('select status, error from optimization_runs where id = pg_temp.parent()'),
  format('[["failed", "Planning failed: fold 1 in sample: run %s was failed: All 2 points failed. boom"]]', pg_temp.parent() + 1)::jsonb, 'a part that fails ends the run with its reason');
select is((select s.status from strategies as s where s.name = 'rsi_mean_reversion'), 'backlog', 'and puts the strategy back where it was');
select is((select count(*) from optimization_runs where parent_run_id = pg_temp.parent() and status in ('pending', 'running')), 0::bigint, 'no part stays open');
select is(curve_metrics('{2020-01-01,2020-01-02,2020-01-03}', '{110,99,108.9}', 100, '2020-01-01', '2020-01-03', 3) - '{return_m2,return_m3,return_m4,downside_m2,return_mean,tail_sum,tail_return,block_sums,block_squares,max_drawdown}'::text[],
  '{"starting_cash": 100, "ending_value": 108.9, "sessions": 3, "return_count": 3, "tail_count": 1, "max_drawdown_sessions": 2, "block_counts": [1, 1, 1]}',
  'raw metrics of a curve, by hand: 10% up, 10% down, 10% up');
