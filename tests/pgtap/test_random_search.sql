-- Random search and suggested points: seeded, in the space, never twice.

select plan(25);
select tap.given_desk();
select tap.given_runner('a', '{backtrader,optuna}');
create function pg_temp.points(p_search jsonb, p_more jsonb default '{}') returns jsonb language plpgsql as $$
declare v_run_id bigint; v_points jsonb;
begin
  insert into desk.jobs (strategy, config) values ('sma_crossover',
    jsonb_build_object('symbols', 'AAPL', 'optimization', '{"type": "Random Search"}'::jsonb || p_search) || p_more);
  select max(id) into v_run_id from desk.optimization_runs;
  select jsonb_agg(p.parameters order by p.ordinal) into v_points
  from desk.run_progress as r
  cross join lateral desk.point_parameters(v_run_id, array(select generate_series(1, r.total))) as p
  where r.optimization_run_id = v_run_id;
  perform desk.cancel_job(max(id)) from desk.jobs;
  return v_points;
end $$;
create function pg_temp.numbers(p_points jsonb, p_name text) returns setof numeric language sql as
  $$select (p.item ->> p_name)::numeric from jsonb_array_elements(p_points) as p (item)$$;
create temporary table drawn as
select pg_temp.points('{"points": 40, "parameters": {"fast": {"start": 5, "end": 60}, "stop": {"start": 0.001, "end": 1, "log": true}, "side": ["long", "short"], "trailing": true}}') as points;

select is((select jsonb_array_length(points) from drawn), 40, 'as many points as asked for');
select is((select count(distinct p) from drawn, jsonb_array_elements(points) as p), 40::bigint, 'none twice');
select ok((select bool_and(n between 5 and 60 and n = trunc(n)) from drawn, pg_temp.numbers(points, 'fast') as n), 'whole numbers in their range');
select ok((select bool_and(n between 0.001 and 1) from drawn, pg_temp.numbers(points, 'stop') as n), 'numbers in theirs');
select ok((select count(*) filter (where n < 0.0316) between 8 and 32 from drawn, pg_temp.numbers(points, 'stop') as n), 'half of them below the middle of the logarithmic scale, about');
select is((select count(distinct p ->> 'side') from drawn, jsonb_array_elements(points) as p), 2::bigint, 'lists are drawn from');
select is((select distinct p ->> 'trailing' from drawn, jsonb_array_elements(points) as p), 'true', 'constants stay');
select is(
  pg_temp.points('{"points": 40, "parameters": {"fast": {"start": 5, "end": 60}, "stop": {"start": 0.001, "end": 1, "log": true}, "side": ["long", "short"], "trailing": true}}'),
  (select points from drawn), 'the same seed draws the same points');
select isnt(
  pg_temp.points('{"points": 40, "parameters": {"fast": {"start": 5, "end": 60}, "stop": {"start": 0.001, "end": 1, "log": true}, "side": ["long", "short"], "trailing": true}}', '{"seed": 2}'),
  (select points from drawn), 'another seed draws others');
select is(
  jsonb_array_length(pg_temp.points('{"points": 500, "parameters": {"fast": {"start": 5, "end": 24}, "side": ["long", "short"]}}')), 40,
  'a space of 40 is exhausted by 500 points');
select is(
  (select count(*) from jsonb_array_elements(pg_temp.points('{"points": 10, "constraints": ["fast < slow"], "parameters": {"fast": {"start": 5, "end": 24}, "slow": {"start": 5, "end": 24}}}')) as p
   where (p ->> 'fast')::integer < (p ->> 'slow')::integer), 10::bigint, 'constraints hold in a space that can be listed');
select is(
  (select count(*) from jsonb_array_elements(pg_temp.points('{"points": 10, "constraints": ["stop * 100 < fast"], "parameters": {"fast": {"start": 5, "end": 24}, "stop": {"start": 0, "end": 1}}}')) as p
   where (p ->> 'stop')::numeric * 100 < (p ->> 'fast')::numeric), 10::bigint, 'and in one that cannot');
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Random Search", "parameters": {"fast": {"start": 5, "end": 24}}}}'),
  array['22023', 'Key points is missing', '$.optimization', 'A Random Search needs it, such as: points: 200'], 'how many points must be said');
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Random Search", "points": 5, "parameters": {"stop": {"start": 0, "end": 1, "log": true}}}}'),
  array['22023', 'A logarithmic scale cannot start at 0 or below', '$.optimization.parameters.stop.log', 'Use a start above 0 and no step.'], 'a logarithmic scale starts above 0');
select is(
  (tap.refused_job('{"symbols": "AAPL", "optimization": {"type": "Random Search", "points": 5, "constraints": ["stop > 2"], "parameters": {"stop": {"start": 0, "end": 1}}}}'))[2],
  'The constraints leave no point that could be drawn', 'constraints that leave nothing are refused');

-- Suggested points
create temporary table asked as
with job as (
  insert into desk.jobs (strategy, config)
  values ('sma_crossover', '{"symbols": "AAPL", "success_criteria": {"min_trades": 10}, "optimization": {"type": "Bayesian Search", "points": 7, "batch_points": 3,
    "constraints": ["fast < slow"], "parameters": {"fast": {"start": 5, "end": 24}, "slow": {"start": 10, "end": 50, "step": 10}}}}')
  returning id
)
select id as job from job;
create temporary table task as select * from claim_task((select max(id) from runners));
select is((select kind || ' ' || (payload ->> 'count') || ' ' || (payload ->> 'direction') from task), 'suggest 3 max', 'a Bayesian search asks a runner for a batch');
select is((select count(*) from search_history((select work_item_id from task), (select token from task))), 0::bigint, 'with nothing to learn from at first');
select is(
  complete_task((select work_item_id from task), (select token from task),
    '{"points": [{"fast": 7, "slow": 20}, {"fast": 7, "slow": 20}, {"fast": 30, "slow": 40}, {"fast": 20, "slow": 10}, {"fast": 8}, {"fast": 9, "slow": 25}]}'),
  'recorded', 'suggestions are taken');
select is(
  (select p.parameters from optimization_runs as r, point_parameters(r.id, '{1}') as p where r.job_id = (select job from asked)),
  '{"fast": 7, "slow": 20}', 'those in the space that meet the constraints, once');
select is(
  (select array[g.points, r.total_combinations] from search_generations as g join optimization_runs as r on r.id = g.optimization_run_id where r.job_id = (select job from asked)),
  '{3,7}', 'and made up to the batch by drawn ones');
select is(tap.drain((select max(id) from runners)), 3, 'the batch is worked off');
create temporary table again as select * from claim_task((select max(id) from runners));
select is(
  tap.rows(format('select ordinal, value > 0 from search_history(%s, %L)', (select work_item_id from again), (select token from again))),
  '[[1, true], [2, true], [3, true]]', 'the next one learns from it');
select is(complete_task((select work_item_id from task), (select token from task), '{}'), 'stale', 'a task is done once');
select is(
  fail_task((select work_item_id from again), (select token from again), 'optuna is missing', false), 'failed', 'a suggester that cannot work fails its search');
select is(
  tap.rows(format('select r.status, r.error from optimization_runs as r where r.job_id = %s', (select job from asked))),
  '[["failed", "No suggestions: optuna is missing"]]', 'with the reason');
