-- What an upgrade moves: results that were judged by older formulas of luck are judged by the present ones.

create or replace function desk.count_luck_anew()
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run    record;
  v_runs   bigint[];
  v_before jsonb;
begin
  v_runs := array(
    select s.optimization_run_id from desk.run_statistics as s
    where s.formulas < desk.luck_formulas() and s.error is null order by s.optimization_run_id);
  if v_runs = '{}' then
    return 0;
  end if;
  perform from desk.strategies as s order by s.id for no key update;
  select jsonb_object_agg(s.optimization_run_id, jsonb_build_object('trials', s.family_trials, 'deflated_sharpe',
    b.deflated_sharpe)) into v_before
  from desk.run_statistics as s
  left join desk.run_progress as p on p.optimization_run_id = s.optimization_run_id
  left join desk.backtest_results as b on b.id = p.best_result_id
  where s.optimization_run_id = any (v_runs);
  -- A pilot's points count where they were taken over, whichever of the runs comes first here: by their ids.
  for v_run in
    select r.id from desk.optimization_runs as r where r.id = any (v_runs)
    order by r.optimization_type = 'Walk-Forward', r.id
  loop
    perform desk.count_trials(v_run.id);
  end loop;
  perform desk.recount_tallies(r.id) from desk.optimization_runs as r;
  update desk.run_statistics set stale = true where optimization_run_id = any (v_runs);
  loop
    exit when desk.refresh_luck() = 0;
  end loop;
  for v_run in
    select r.id, exists (
      select from desk.success_criteria as c join desk.metric_definitions as d on d.metric = c.metric
      where c.optimization_run_id = r.id and d.scope = 'family') as judged
    from desk.optimization_runs as r where r.id = any (v_runs) order by r.id
  loop
    if v_run.judged then
      perform desk.rejudge_run(v_run.id);
    end if;
  end loop;
  update desk.optimization_runs as r
  set summary = desk.runs_summary(array[r.id]) || desk.folds_summary(r.id), flags = desk.flags_of(r.id)
  where r.id = any (v_runs) and r.status = 'completed';
  update desk.jobs as j set summary = desk.job_summary(j.id)
  where j.state = 'done' and j.id in (select r.job_id from desk.optimization_runs as r where r.id = any (v_runs));
  insert into desk.job_events (job_id, optimization_run_id, event, details)
  select r.job_id, r.id, 'revision', jsonb_build_object('why', 'luck is counted by other formulas',
    'before', v_before -> r.id::text, 'after', a.figures)
  from unnest(v_runs) as u (id)
  join desk.optimization_runs as r on r.id = u.id
  cross join lateral (
    select jsonb_build_object('trials', s.family_trials, 'deflated_sharpe', b.deflated_sharpe) as figures
    from desk.run_statistics as s
    left join desk.run_progress as p on p.optimization_run_id = s.optimization_run_id
    left join desk.backtest_results as b on b.id = p.best_result_id
    where s.optimization_run_id = r.id
  ) as a
  where a.figures is distinct from v_before -> r.id::text
  order by r.id;
  return cardinality(v_runs);
end
$$;
comment on function desk.count_luck_anew() is
  'Counts and deflates closed runs that older formulas were used for, judges those again whose criteria ask for it, '
  'and writes an event with what moved of the best; answers the number of runs.';
