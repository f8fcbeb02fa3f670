-- Euler search: a coarse grid, then finer ones around the best, no point twice.

select plan(27);
select tap.given_desk();
select tap.given_runner();
-- Every point ends with the less the further `stop` lies from a best value; the points evaluated, in order.
create function pg_temp.search(p_search jsonb, p_best numeric, p_more jsonb default '{}') returns text language plpgsql as $$
declare v_item record; v_ordinal bigint; v_before bigint := -1; v_run bigint;
begin
  insert into desk.jobs (strategy, config)
  values ('sma_crossover', jsonb_build_object('symbols', 'AAPL', 'success_criteria', '{"min_trades": 10}'::jsonb,
    'optimization', '{"type": "Euler Search", "target_metric": "Total Return"}'::jsonb || p_search) || p_more);
  select max(id) into v_run from desk.optimization_runs;
  while v_before < (select finished + failed from desk.run_progress where optimization_run_id = v_run) loop
    select finished + failed into v_before from desk.run_progress where optimization_run_id = v_run;
    perform desk.advance_runs((select max(id) from desk.runners));
    for v_item in select * from desk.claim_work((select max(id) from desk.runners), 100) loop
      for i in 1 .. cardinality(v_item.ordinals) loop
        perform tap.complete(v_item.work_item_id, v_item.token, v_item.ordinals[i], tap.metrics(jsonb_build_object(
          'ending_value', 110000 - abs((v_item.parameters -> (i - 1) ->> 'stop')::numeric * 100 - p_best))));
      end loop;
    end loop;
  end loop;
  perform desk.advance_runs((select max(id) from desk.runners));
  return (select count(*) || ' points, best ' || (select b.parameters ->> 'stop' from desk.backtest_results as b
      join desk.run_progress as p on p.best_result_id = b.id where p.optimization_run_id = v_run)
    || ', ' || (select status from desk.optimization_runs where id = v_run) from desk.backtest_results where optimization_run_id = v_run);
end $$;
create function pg_temp.generations() returns jsonb language sql as $$
  select tap.rows('select points, space #>> ''{0,start}'', space #>> ''{0,step}'', space #>> ''{0,count}'' from search_generations
    where optimization_run_id = (select max(id) from optimization_runs) order by generation')$$;
create function pg_temp.repeated() returns bigint language sql as $$
  select count(*) - count(distinct parameters) from backtest_results where optimization_run_id = (select max(id) from optimization_runs)$$;

-- The reference counts: 10..100 step 10, min step 0.1, 10 segments (in hundredths, since stop goes to 1)
select is(
  pg_temp.search('{"segments": 10, "parameters": {"stop": {"start": 0.1, "end": 1, "step": 0.1, "min_step": 0.001}}}', 47.3),
  '30 points, best 0.473, completed', 'a best inside takes 30 evaluations');
select is(
  pg_temp.generations(), '[[10, "0.1", "0.1", "10"], [10, "0.45", "0.01", "11"], [10, "0.465", "0.001", "11"]]',
  'in three generations: 10..100, 45..55, 46.5..47.5, of which the best was known each time');
select is(pg_temp.repeated(), 0::bigint, 'none twice');
select is(
  pg_temp.search('{"segments": 10, "parameters": {"stop": {"start": 0.1, "end": 1, "step": 0.1, "min_step": 0.001}}}', 100, '{"cash": 100001}'),
  '20 points, best 1, completed', 'a best at the edge takes 20');
select is(
  pg_temp.generations(), '[[10, "0.1", "0.1", "10"], [5, "0.95", "0.01", "6"], [5, "0.995", "0.001", "6"]]', 'ranges are clipped to the one before');
select is(
  (select flags from optimization_runs where id = (select max(id) from optimization_runs)), '{"best on the edge: stop","deflated Sharpe below one half (20 of 20 passed)","no criterion asks for profit"}', 'and the run says that its best is on the edge');
select is((select total_combinations from optimization_runs where id = (select max(id) from optimization_runs)), 20::bigint, 'the points are counted as they are planned');
select is(
  (select summary from jobs order by id desc limit 1), '20 runs complete, 20 passed, best Sharpe: 0.6', 'and summed up');

-- Defaults
select is(
  pg_temp.search('{"parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}}', 27, '{"cash": 100010}'),
  '13 points, best 0.275, completed', 'without a min_step the step is refined to a tenth');
select is(
  (select array_agg(space #>> '{0,step}' order by generation) from search_generations where optimization_run_id = (select max(id) from optimization_runs)),
  '{0.1,0.025,0.01}', 'in four segments');

-- Several parameters, whole numbers
select is(
  pg_temp.search('{"parameters": {"fast": {"start": 10, "end": 100, "step": 10}, "stop": {"start": 0, "end": 0.1, "step": 0.01}}}', 4.7),
  '138 points, best 0.0475, completed', 'two parameters are refined together');
select ok(
  (select bool_and((parameters ->> 'fast')::numeric = trunc((parameters ->> 'fast')::numeric)) from backtest_results), 'whole numbers stay whole');
select is(
  (select array_agg((space #>> '{0,step}') || '/' || (space #>> '{1,step}') order by generation)
   from search_generations where optimization_run_id = (select max(id) from optimization_runs)),
  '{10/0.01,3/0.0025,1/0.001}', 'each down to its own finest step');
select is(pg_temp.repeated(), 0::bigint, 'no point twice');
select is(
  (select b.ordinal from run_progress as p join backtest_results as b on b.id = p.best_result_id order by p.optimization_run_id desc limit 1),
  (select min(ordinal) from backtest_results where optimization_run_id = (select max(id) from optimization_runs) and parameters ->> 'stop' = '0.0475'),
  'of equals the lowest ordinal is the best');

-- Constraints
select is(
  pg_temp.search('{"constraints": ["fast < slow"], "parameters": {"fast": {"start": 10, "end": 30, "step": 10}, "slow": {"start": 10, "end": 30, "step": 10}, "stop": 0.2}}', 0),
  '30 points, best 0.2, completed', 'a constraint cuts every generation');
select is(
  (select count(*) from backtest_results where optimization_run_id = (select max(id) from optimization_runs)
     and (parameters ->> 'fast')::integer >= (parameters ->> 'slow')::integer), 0::bigint, 'no point breaks it');
select is(
  pg_temp.search('{"constraints": ["Drawdown < 0.05"], "parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}}', 27, '{"cash": 100002}'),
  null, 'with a metric constraint that no point meets there is no best');
select is(
  tap.rows('select r.status, p.finished, p.best_value from optimization_runs as r join run_progress as p on p.optimization_run_id = r.id order by r.id desc limit 1'),
  '[["completed", 5, null]]', 'and the search is over after the first generation');

-- Failed points
insert into jobs (strategy, config) values ('sma_crossover', '{"symbols": "AAPL", "cash": 100003, "optimization": {"type": "Euler Search", "parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}}}');
select is(tap.drain((select max(id) from runners), '{}', 'boom'), 5, 'when every point fails nothing is refined');
select is((select status from optimization_runs order by id desc limit 1), 'failed', 'the run failed');

-- What cannot be
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Euler Search", "parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1, "min_step": 0.2}}}}'),
  '{22023,A finest step of 0.2 with a step of 0.1,$.optimization.parameters.stop.min_step,It must be greater than 0 and not greater than the step.}',
  'a min_step above the step is refused');
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Euler Search", "parameters": {"fast": {"start": 10, "end": 50, "step": 10, "min_step": 0.5}}}}'),
  array['22023', 'A step of 0.5 gives fractions, and fast takes whole numbers', '$.optimization.parameters.fast.min_step', 'Use a whole step.'],
  'so is a fraction for a whole number');
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1, "min_step": 0.01}}}}'),
  array['22023', 'A Grid Search has no finest step', '$.optimization.parameters.stop.min_step', 'Remove min_step, or use type: Euler Search.'],
  'a grid has no min_step');
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"segments": 4, "parameters": {"stop": {"start": 0.1, "end": 0.5, "step": 0.1}}}}'),
  array['22023', 'A Grid Search has no segments', '$.optimization.segments', 'Remove the key, or use type: Euler Search.'], 'nor segments');

-- The pure step
select is(
  refined_space('[{"name": "a", "type": "number", "start": 0, "step": 1, "count": 11, "min_step": 1}, {"name": "b", "type": "number", "start": 0, "step": 1, "count": 11, "min_step": 0.25}]',
    '{"a": 3, "b": 5}', 4),
  '[{"name": "a", "type": "number", "start": 0, "step": 1, "count": 11, "min_step": 1}, {"name": "b", "type": "number", "start": 4.5, "step": 0.25, "count": 5, "min_step": 0.25}]',
  'what is at its finest keeps its range');
select is(refined_space('[{"name": "a", "values": [1, 2], "count": 2}]', '{"a": 1}', 4), null, 'a list is not refined');
