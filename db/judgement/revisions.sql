-- Judging again, after criteria changed.

create or replace function desk.rejudge_run(p_run_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_passed bigint;
begin
  perform from desk.run_progress as p where p.optimization_run_id = p_run_id for update;
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id for no key update;
  if not found then
    perform desk.refuse(format('There is no run %s', p_run_id), '$.optimization_run_id',
      'See: select id, summary from optimization_runs.', '23503');
  end if;
  perform desk.rejudge_points(p_run_id);
  if not v_run.is_open then
    perform desk.judge_family(p_run_id);
  end if;
  update desk.full_results set passed = passed where optimization_run_id = p_run_id and outcome = 'finished';
  perform desk.recount_tallies(p_run_id);
  update desk.run_progress
  set passed = desk.passed_of(p_run_id),
      updated_at = now()
  where optimization_run_id = p_run_id
  returning passed into v_passed;
  perform desk.find_best(p_run_id);
  update desk.optimization_runs
  set revised_at = now(),
      flags = case when not is_open then desk.flags_of(p_run_id) else flags end,
      best_on_edge = case when not is_open then desk.best_on_edge(p_run_id) else best_on_edge end,
      summary = case when status = 'completed' then desk.runs_summary(array[p_run_id]) || desk.folds_summary(p_run_id)
        else summary end
  where id = p_run_id;
  if v_run.status = 'completed' then
    perform desk.strategy_follows_revision(v_run.strategy_id, p_run_id);
    update desk.jobs
    set summary = desk.job_summary(jobs.id)
    where id = v_run.job_id and state = 'done';
  end if;
  return coalesce((select r.summary from desk.optimization_runs as r where r.id = p_run_id),
    format('run %s is %s, %s passed so far', p_run_id, v_run.status, v_passed));
end
$$;
comment on function desk.rejudge_run(bigint) is
  'Judges the results of a run again, after its success_criteria changed; answers the new summary.';
grant execute on function desk.rejudge_run(bigint) to desk_director;

create or replace function desk.strategy_follows_revision(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_status  text;
  v_passing boolean;
begin
  select s.status into v_status from desk.strategies as s where s.id = p_strategy_id for no key update;
  v_passing := exists (
    select from desk.optimization_runs as r join desk.run_progress as p on p.optimization_run_id = r.id
    where r.strategy_id = p_strategy_id and r.status = 'completed' and p.passed > 0
      and desk.passes_for_long(r.id));
  if v_status = 'rejected' and v_passing then
    perform desk.move_strategy_by_run(p_strategy_id, 'passed', format('run %s was judged again', p_run_id), p_run_id);
  elsif v_status = 'passed' and not v_passing then
    perform desk.move_strategy_by_run(p_strategy_id, 'rejected', format('run %s was judged again', p_run_id), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_revision(bigint, bigint) is
  'After re-judging, passed and rejected change places where the results do.';
