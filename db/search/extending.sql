-- Searches that are carried on: extended in their ranges, refined around their best.

create or replace function desk.reopened_run(p_run_id bigint)
returns desk.optimization_runs
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run desk.optimization_runs;
begin
  perform desk.lock_progress(array[p_run_id]);
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id for no key update;
  if not found then
    perform desk.refuse(format('There is no run %s', coalesce(p_run_id::text, 'null')), '$.optimization_run_id',
      'See: select id, summary from optimization_runs.', '23503');
  elsif v_run.imported or v_run.role <> 'search'
    or (select s.windows from desk.searches as s where s.name = v_run.optimization_type) then
    perform desk.refuse(format('Run %s is %s', p_run_id, case when v_run.imported then 'imported'
      else 'a walk-forward or a part of one' end),
      '$.optimization_run_id', 'Only a search of the desk''s own can be carried on.');
  elsif v_run.status in ('cancelled', 'failed') then
    perform desk.refuse(format('Run %s was %s', p_run_id, v_run.status), '$.optimization_run_id',
      'Insert the job again.');
  elsif v_run.status = 'completed' then
    perform desk.refuse_other_code(p_run_id);
  end if;
  return v_run;
end
$$;
comment on function desk.reopened_run(bigint) is 'Locks a run that may be given more points, or refuses.';

create or replace function desk.go_on(p_run desk.optimization_runs, p_points bigint, p_how text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_twin bigint;
begin
  if p_points = 0 then
    return format('run %s has all of these points already', p_run.id);
  end if;
  if p_run.status = 'completed' then
    -- Whoever inserts the same config meanwhile waits at the same lock, as in tg_jobs_validate().
    perform pg_advisory_xact_lock(hashtextextended(j.config_hash, 0)) from desk.jobs as j where j.id = p_run.job_id;
    select t.id into v_twin
    from desk.jobs as j
    join desk.jobs as t on t.config_hash = j.config_hash and t.id <> j.id
      and t.is_open
    where j.id = p_run.job_id;
    if found then
      perform desk.refuse(format('Run %s cannot be opened again: job %s is identical and not over yet', p_run.id,
        v_twin), '$.optimization_run_id',
        format('Wait for it, or end it: select cancel_job(%s).', v_twin), '23505');
    end if;
    update desk.optimization_runs set status = 'running', summary = null where id = p_run.id;
  end if;
  insert into desk.job_events (job_id, optimization_run_id, event, details, actor)
  values (p_run.job_id, p_run.id, 'run', jsonb_build_object(p_how, p_points), session_user);
  notify desk_work;
  return format('run %s: %s new points', p_run.id, p_points);
end
$$;
comment on function desk.go_on(desk.optimization_runs, bigint, text) is
  'Opens a closed run again when it got new points.';

create or replace function desk.extend_run(p_run_id bigint, p_parameters jsonb)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs := desk.reopened_run(p_run_id);
  v_search text := desk.inner_search(v_run.config -> 'optimization');
  v_space  jsonb;
begin
  perform desk.check_config_keys(coalesce(p_parameters, '{}'), 'optimization.parameters', '$.optimization.parameters');
  v_space := desk.parameter_space(v_run.strategy_id,
    (v_run.config #> '{optimization,parameters}') || coalesce(p_parameters, '{}'),
    (select case when s.draws then 'Grid Search' else s.name end from desk.searches as s where s.name = v_search));
  return desk.go_on(v_run, desk.plan_new_points(p_run_id, v_space), 'extended');
end
$$;
comment on function desk.extend_run(bigint, jsonb) is
  'Adds points to a search without repeating any: select extend_run(1, ''{"rsi_period": {"start": 20, "end": 30, '
  '"step": 2}}'').';
grant execute on function desk.extend_run(bigint, jsonb) to desk_director;

create or replace function desk.refine_run(p_run_id bigint, p_segments integer default 4)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run   desk.optimization_runs := desk.reopened_run(p_run_id);
  v_best  jsonb;
  v_space jsonb;
begin
  if p_segments is null or p_segments < 2 then
    perform desk.refuse(format('%s segments refine nothing', coalesce(p_segments::text, 'null')), '$.segments',
      'Use 2 or more.');
  end if;
  select f.best, f.space into v_best, v_space from desk.refined_from(p_run_id) as f;
  if v_best is null then
    perform desk.refuse(format('Run %s has no valid point to refine around', p_run_id), '$.optimization_run_id',
      'Wait until one is recorded.');
  end if;
  -- One generation finer than the last, whatever the type of the search.
  select jsonb_agg(case
      when s.item ? 'step' then s.item || jsonb_build_object('min_step',
        greatest((s.item ->> 'step')::numeric / p_segments, case s.item ->> 'type' when 'integer' then 1 else 0 end))
      else s.item end order by s.position)
  into v_space
  from jsonb_array_elements(v_space) with ordinality as s (item, position);
  v_space := desk.refined_space(v_space, v_best, p_segments);
  if v_space is null then
    return format('run %s is at its finest', p_run_id);
  end if;
  return desk.go_on(v_run, desk.plan_new_points(p_run_id, v_space), 'refined');
end
$$;
comment on function desk.refine_run(bigint, integer) is
  'Adds a finer grid around the best point of a search: select refine_run(1).';
grant execute on function desk.refine_run(bigint, integer) to desk_director;
