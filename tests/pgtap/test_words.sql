-- Searches that are carried on, results that are reused, flags on a closed run, notes, tags, batches.

select plan(46);
select tap.given_desk();
select tap.given_runner();
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.run() returns bigint language sql as 'select max(id) from desk.optimization_runs';
create function pg_temp.search(p_search jsonb, p_more jsonb default '{}') returns bigint language sql as $$
  insert into desk.jobs (strategy, config) values ('sma_crossover',
    jsonb_build_object('symbols', 'AAPL', 'success_criteria', '{"min_trades": 10}'::jsonb, 'optimization', '{"target_metric": "Total Return"}'::jsonb || p_search) || p_more)
  returning id$$;
-- A runner works until nothing is left; what it returns falls with the distance of a parameter from a best value.
create function pg_temp.work(p_name text, p_best numeric, p_value numeric default 110000) returns integer language plpgsql as $$
declare v_item record; v_count integer := 0; v_before integer := -1;
begin
  while v_before < v_count loop
    v_before := v_count;
    perform desk.advance_runs(pg_temp.runner());
    for v_item in select * from desk.claim_work(pg_temp.runner(), 100) loop
      for i in 1 .. cardinality(v_item.ordinals) loop
        perform tap.complete(v_item.work_item_id, v_item.token, v_item.ordinals[i], tap.metrics(jsonb_build_object(
          'ending_value', p_value - 10 * abs((v_item.parameters -> (i - 1) ->> p_name)::numeric - p_best))));
        v_count := v_count + 1;
      end loop;
    end loop;
  end loop;
  return v_count;
end $$;
create function pg_temp.values(p_name text) returns text[] language sql as $$
  select array_agg(b.parameters ->> p_name order by b.ordinal) from desk.backtest_results as b where b.optimization_run_id = pg_temp.run()$$;
create function pg_temp.standing() returns jsonb language sql as $$
  select jsonb_build_array(r.status, j.state, j.summary, r.flags) from desk.optimization_runs as r join desk.jobs as j on j.id = r.job_id where r.id = pg_temp.run()$$;

-- extend_run
select pg_temp.search('{"parameters": {"fast": {"start": 10, "end": 20, "step": 5}}}');
select is(pg_temp.work('fast', 40), 3, 'a grid of three');
select is(pg_temp.standing(), '["completed", "done", "3 runs complete, 3 passed, best Sharpe: 0.6", ["best on the edge: fast", "deflated Sharpe below one half (3 of 3 passed)", "no criterion asks for profit"]]', 'whose best is on its edge');
select is((select flags from job_progress), '{"best on the edge: fast","deflated Sharpe below one half (3 of 3 passed)","no criterion asks for profit"}', 'which job_progress shows');
set local role desk_director;
select is(extend_run((select max(id) from optimization_runs), '{"fast": {"start": 10, "end": 50, "step": 5}}'), format('run %s: 6 new points', (select max(id) from optimization_runs)), 'is extended by the points it does not have');
reset role;
select is((select j.state from jobs as j), 'running', 'its job is open again');
select is(pg_temp.work('fast', 40), 6, 'only these are run');
select is(pg_temp.values('fast'), '{10,15,20,25,30,35,40,45,50}', 'none twice');
select is(pg_temp.standing(), '["completed", "done", "9 runs complete, 9 passed, best Sharpe: 0.6", ["deflated Sharpe below one half (9 of 9 passed)", "no criterion asks for profit"]]', 'and the best is no longer on the edge of what was searched');
select is(extend_run(pg_temp.run(), '{"fast": {"start": 10, "end": 50, "step": 10}}'), format('run %s has all of these points already', pg_temp.run()), 'points that are all there change nothing');
select is((select status from optimization_runs where id = pg_temp.run()), 'completed', 'the run stays closed');
select is(extend_run(pg_temp.run(), null), format('run %s has all of these points already', pg_temp.run()), 'nor does nothing');
select is(
  tap.refusal(format('select extend_run(%s, ''{"fest": [1]}'')', pg_temp.run())),
  array['22023', 'Strategy sma_crossover has no parameter "fest"', '$.optimization.parameters.fest', 'Did you mean fast?'], 'parameters are checked as at the insert');
select is((tap.refusal('select extend_run(4711, ''{}'')'))[2], 'There is no run 4711', 'a run that is not there');
update settings set value = '20' where name = 'max_linked_combinations';
select is(
  (tap.refusal(format('select extend_run(%s, ''{"fast": {"start": 10, "end": 60, "step": 1}}'')', pg_temp.run())))[2],
  '51 combinations of fast would have to be listed', 'more than can be compared with what is known is refused');
update settings set value = '1000000' where name = 'max_linked_combinations';
select is((select count(*) from search_generations where optimization_run_id = pg_temp.run()), 2::bigint, 'and leaves no generation behind');

-- refine_run
select is(refine_run(pg_temp.run(), 5), format('run %s: 4 new points', pg_temp.run()), 'any search can be refined around its best');
select is(pg_temp.work('fast', 40), 4, 'the best itself is known');
select is((pg_temp.values('fast'))[10:], '{38,39,41,42}', 'a fifth of the step on both sides');
select is(refine_run(pg_temp.run()), format('run %s is at its finest', pg_temp.run()), 'whole numbers end at 1');
select is((tap.refusal(format('select refine_run(%s, 1)', pg_temp.run())))[2], '1 segments refine nothing', 'one segment is none');

-- An Euler search goes on around its best, also where that is not in what was added last
select pg_temp.search('{"type": "Euler Search", "parameters": {"fast": {"start": 10, "end": 50, "step": 10}}}', '{"cash": 100001}');
select is(pg_temp.work('fast', 23), 13, 'Euler: 5 points, then 4 of step 3, then 4 of step 1');
select is((select b.parameters ->> 'fast' from run_progress as p join backtest_results as b on b.id = p.best_result_id where p.optimization_run_id = pg_temp.run()), '23', 'finds 23');
select matches(extend_run(pg_temp.run(), '{"fast": {"start": 100, "end": 120, "step": 10}}'), '3 new points', 'extended where it had not looked');
select is(pg_temp.work('fast', 23), 3, 'it does not refine around a best that lies elsewhere and is at its finest');
select matches(extend_run(pg_temp.run(), '{"fast": {"start": 60, "end": 80, "step": 10}}'), '3 new points', 'extended to where a better one is');
select is(pg_temp.work('fast', 67, 120000), 11, 'it refines there');
select is((select b.parameters ->> 'fast' from run_progress as p join backtest_results as b on b.id = p.best_result_id where p.optimization_run_id = pg_temp.run()), '67', 'and finds it');
select is((select count(*) - count(distinct parameters) from backtest_results where optimization_run_id = pg_temp.run()), 0::bigint, 'no point twice');

-- Reuse
select pg_temp.search('{"parameters": {"fast": {"start": 5, "end": 25, "step": 5}}}');
select is(pg_temp.work('fast', 40), 1, 'of a search that overlaps the first one only what is new is run');
select is(tap.rows('select finished, reused from job_progress order by job_id desc limit 1'), '[[5, 4]]', 'and it says how many were reused');
select is(
  (select count(*) from backtest_results as c join backtest_results as s on s.id = c.source_result_id
   where c.optimization_run_id = pg_temp.run() and c.ending_value = s.ending_value and c.parameters = s.parameters), 4::bigint, 'copies name their source and have its numbers');
select pg_temp.search('{"parameters": {"fast": {"start": 5, "end": 25, "step": 5}}}', '{"slippage": 0.001}');
select is(pg_temp.work('fast', 40), 5, 'at other costs nothing is equal');
select cancel_job(id) from jobs where state in ('waiting', 'running');
select is((select sum(variations) from tried_this_week), (select count(*)::numeric from backtest_results where source_result_id is null), 'copies are no new variations');

-- Flags
select tap.given_job(3, '{"cash": 100010}');
select tap.drain(pg_temp.runner());
select is((pg_temp.standing()) -> 3, '["all points identical", "deflated Sharpe below one half (3 of 3 passed)", "no criterion asks for profit"]', 'a parameter that nobody reads');
select tap.given_job(3, '{"cash": 100011}');
select tap.drain(pg_temp.runner(), tap.metrics('{"total_trades": 0, "winning_trades": 0, "losing_trades": 0}'));
select is((pg_temp.standing()) -> 3, '["no trades"]', 'no trades');

-- Notes and tags
create temporary table judged as select b.id, b.passed, b.rejection_reasons from backtest_results as b where b.optimization_run_id = pg_temp.run() order by b.id limit 1;
select is(note('result', (select id from judged), 'looks lucky') || ', ' || tag('result', (select id from judged), 'luck', 'etf'),
  format('noted on result %s, tagged result %1$s', (select id from judged)), 'a result is noted on and tagged');
select is(
  tap.rows('select b.notes, b.tags, b.passed = j.passed, b.rejection_reasons = j.rejection_reasons from backtest_results as b join judged as j using (id)'),
  '[["looks lucky", ["luck", "etf"], true, true]]', 'which changes no verdict');
select note('strategy', (select id from strategies where name = 'sma_crossover'), 's'), note('job', (select max(id) from jobs), 'j'), note('run', pg_temp.run(), 'r'), tag('result', (select id from judged)),
  tag('strategy', (select id from strategies where name = 'sma_crossover'), 't'), tag('job', (select max(id) from jobs), 't'), tag('run', pg_temp.run(), 't');
select is(
  tap.rows('select s.notes, s.tags, j.notes, j.tags, r.notes, r.tags from strategies as s, jobs as j, optimization_runs as r where s.name = ''sma_crossover'' and j.id = (select max(id) from jobs) and r.id = (select max(id) from optimization_runs)'),
  '[["s", ["t"], "j", ["t"], "r", ["t"]]]', 'so are strategies, jobs and runs');
select is((select tags from backtest_results where id = (select id from judged)), '{}', 'no tags clear them');
select is(tap.refusal('select note(''trade'', 1, ''x'')'), array['22023', 'Cannot note on a trade', '$.what', 'It is strategy, job, run or result.'], 'nothing else is noted on');
select is((tap.refusal('select tag(''run'', 4711, ''x'')'))[2], 'There is no run 4711', 'nor what is not there');

-- Batches
set local role desk_director;
insert into batches (name, file) values ('three', 'configs/batches/three.yaml');
insert into jobs (strategy, config, batch_id) select 'sma_crossover', format('{"symbols": "AAPL", "cash": %s, "success_criteria": {"min_trades": 10}, "optimization": {"parameters": {"fast": [3, 4]}}}', n)::jsonb, (select max(id) from batches) from generate_series(200000, 200002) as n;
reset role;
select is(tap.rows('select jobs, open, failed, summary from batch_summary'), '[[3, 3, 0, "0 of 3 jobs are over"]]', 'a batch says how many of its jobs are over');
select tap.drain(pg_temp.runner());
set local role desk_viewer;
select is(tap.rows('select jobs, open, failed, summary from batch_summary'), '[[3, 0, 0, "3 jobs: 6 runs complete, 6 passed, best Sharpe: 0.6"]]', 'and sums them up when they are');
reset role;

-- Beside an identical job that is open, a closed run stays closed
select pg_temp.search('{"parameters": {"fast": {"start": 10, "end": 50, "step": 20}}}', '{"cash": 100002}');
select pg_temp.work('fast', 30);
create temporary table twins as select pg_temp.run() as run, null::bigint as job;
update twins set job = pg_temp.search('{"parameters": {"fast": {"start": 10, "end": 50, "step": 20}}}', '{"cash": 100002}');
select is(
  tap.refusal(format('select extend_run(%s, ''{"fast": {"start": 60, "end": 80, "step": 20}}'')', run)),
  array['23505', format('Run %s cannot be opened again: job %s is identical and not over yet', run, job),
    '$.optimization_run_id', format('Wait for it, or end it: select cancel_job(%s).', job)],
  'a run is not extended beside an identical job that is open') from twins;
select is((tap.refusal(format('select refine_run(%s)', run)))[1], '23505', 'nor refined') from twins;
select cancel_job(job) from twins;
select matches(refine_run(run), 'new points$', 'once that job is over, it is') from twins;
