-- What is left to do, as a runner shows it and knows when it may end.

create or replace function desk.open_work()
returns bigint
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- A run is open work until it is closed, also while its next points are still to be planned.
  select coalesce(sum(greatest(1, p.total - p.finished - p.failed)), 0)::bigint
  from desk.optimization_runs as r
  join desk.run_progress as p on p.optimization_run_id = r.id
  where r.is_open and not r.imported and not r.paused and r.run_after <= now()
$$;
comment on function desk.open_work() is 'Points that are not recorded yet in runs that may be worked on now.';
grant execute on function desk.open_work() to desk_runner, desk_director, desk_viewer;

create or replace function desk.open_work(p_runner_id bigint)
returns bigint
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select coalesce(sum(greatest(1, p.total - p.finished - p.failed)), 0)::bigint
  from desk.runners as n
  join desk.optimization_runs as r on r.engine = any (n.engines)
  join desk.run_progress as p on p.optimization_run_id = r.id
  join desk.run_versions as v on v.optimization_run_id = r.id
  where n.id = p_runner_id
    and r.is_open and not r.imported and not r.paused and r.run_after <= now()
    and (v.pinned or n.files_error is null)
    and (not r.bulk or 'bulk' = any (n.engines))
    and exists (select from desk.runner_code as c where c.runner_id = n.id and c.code_version_id = v.code_version_id)
    and not exists (
      select from desk.work_items as w
      where w.optimization_run_id = r.id and w.kind <> 'points' and w.state = 'waiting'
        and w.needs <> all (n.engines))
$$;
comment on function desk.open_work(bigint) is
  'The same, counting only runs whose engine and code a runner has, and that wait for no task it cannot do: with '
  'none left, draining is over.';
grant execute on function desk.open_work(bigint) to desk_runner;

create or replace function desk.run_standing(p_run_ids bigint[])
returns table (total bigint, recorded bigint, passed bigint, best text)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select coalesce(sum(p.total), 0)::bigint, coalesce(sum(p.finished + p.failed), 0)::bigint,
    coalesce(sum(p.passed) filter (where r.role = 'search'), 0)::bigint,
         -- Only values of one and the same metric have a best.
         case when count(distinct (r.target_metric, r.target_direction)) = 1 then
           min(d.title) || ' ' || round((case min(r.target_direction)
             when 'min' then min(p.best_value) filter (where r.role = 'search')
             else max(p.best_value) filter (where r.role = 'search') end)::numeric, 2) end
  from desk.run_progress as p
  join desk.optimization_runs as r on r.id = p.optimization_run_id
  join desk.metric_definitions as d on d.metric = r.target_metric
  where p.optimization_run_id = any (p_run_ids)
$$;
comment on function desk.run_standing(bigint[]) is
  'How far some runs are, and the best so far, for the progress that a runner shows.';
grant execute on function desk.run_standing(bigint[]) to desk_runner;

drop function if exists desk.task_remedy(text);
create or replace function desk.stranded_tasks()
returns table (work_item_id bigint, job_id bigint, optimization_run_id bigint, kind text, waiting_since timestamptz,
  remedy text)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select w.id, coalesce(w.job_id, r.job_id), w.optimization_run_id, w.kind, greatest(w.created_at, w.run_after),
    n.remedy
  from desk.work_items as w
  left join desk.optimization_runs as r on r.id = w.optimization_run_id
  left join desk.jobs as j on j.id = coalesce(w.job_id, r.job_id)
  cross join lateral desk.task_needs(w.kind, w.payload) as n
  where w.state = 'waiting' and w.kind <> 'points' and w.run_after <= now() and j.state is distinct from 'paused'
    -- Code that no live runner has is probed when one has it again.
    and w.code_version_id is null
    and not exists (select from desk.alive_runners() as a where w.needs = any (a.engines))
  union all
  select null, r.job_id, r.id, 'points', greatest(r.created_at, r.run_after), case
    when v.pinned then format('Run %s of %s waits for code version %s, which no live runner has. Start a runner that '
      'has it, or: select cancel_job(%s), and queue it again', r.id, s.name, left(c.code_hash, 12), r.job_id)
    else format('Run %s waits, and no live runner has the current code of %s, version %s, on the engine %s. Start one '
      'that has: backdesk work; or if another one''s is right, there: backdesk strategies sync', r.id, s.name,
      left(c.code_hash, 12), r.engine) end
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  join desk.run_progress as p on p.optimization_run_id = r.id
  join desk.run_versions as v on v.optimization_run_id = r.id
  left join desk.code_versions as c on c.id = v.code_version_id
  where r.is_open and not r.imported and not r.paused and r.run_after <= now()
    and p.total > p.finished + p.failed + (
      select coalesce(sum(w.last_ordinal - w.first_ordinal + 1), 0) from desk.work_items as w
      where w.optimization_run_id = r.id and w.kind = 'points' and w.state = 'leased')
    and not exists (
      select from desk.alive_runners() as a
      join desk.runner_code as n on n.runner_id = a.id
      where n.code_version_id = v.code_version_id and r.engine = any (a.engines)
        and (v.pinned or a.files_error is null))
  order by 5, 3, 1
$$;
comment on function desk.stranded_tasks() is
  'Tasks, and points of runs, that could be done now, if any live runner took tasks of their kind or had the code of '
  'the run; and what to do about it.';
grant execute on function desk.stranded_tasks() to desk_director, desk_viewer, desk_dbt;
