-- How much each parameter of a search matters: asked of a runner when a run closes, from points that it is given.

insert into desk.settings (name, value, description)
values
  ('weigh_parameters', 'true', 'Whether a runner works out how much each parameter matters when a search closes.')
on conflict (name) do update set description = excluded.description;

create or replace function desk.run_points(p_run_id bigint, p_points integer default 10000)
returns table (backtest_result_id bigint, ordinal bigint, parameters jsonb, passed boolean,
  target_value double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with valued as (
    select v.*, row_number() over (order by v.ordinal) - 1 as place, count(*) over () as total
    from desk.target_values(p_run_id) as v
    where v.target_value > '-Infinity' and v.target_value < 'Infinity'
  )
  select v.backtest_result_id, v.ordinal, v.parameters, v.passed, v.target_value
  from valued as v
  left join desk.run_progress as p on p.optimization_run_id = p_run_id
  where v.place % ceil(v.total::float8 / greatest(p_points, 1))::bigint = 0 or v.backtest_result_id = p.best_result_id
  order by v.ordinal
$$;
comment on function desk.run_points(bigint, integer) is
  'Points of a run that have its target, in their order: all, or every so many, and the best.';
grant execute on function desk.run_points(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.ask_importance(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run   desk.optimization_runs;
  v_space jsonb;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  if v_run.imported or v_run.role <> 'search' or v_run.code_version_id is null
    or desk.setting('weigh_parameters') <> 'true'
    or (select s.windows from desk.searches as s where s.name = v_run.optimization_type)
    -- From fewer points nobody can tell, and a tenth of them is taken for the good ones.
    or (select p.finished < 20 from desk.run_progress as p where p.optimization_run_id = p_run_id)
    -- Nobody is asked for what nobody can do.
    or not exists (select from desk.alive_runners() as a where 'optuna' = any (a.engines))
  then
    return;
  end if;
  -- Axes as the points have them: a search may have been extended beyond its config.
  select jsonb_agg(jsonb_build_object('name', n.name, 'values', n."values") order by n.name) into v_space
  from (
    select u.key as name, jsonb_agg(distinct u.value) as "values"
    from desk.run_points(p_run_id) as b cross join lateral jsonb_each(b.parameters) as u
    group by u.key having count(distinct u.value) > 1) as n;
  if jsonb_array_length(v_space) > 1 then
    insert into desk.work_items (kind, code_version_id, payload)
    values ('weigh_parameters', v_run.code_version_id, jsonb_build_object('optimization_run_id', p_run_id,
      'direction', v_run.target_direction, 'seed', coalesce(v_run.seed, 0), 'space', v_space, 'seconds', 600));
    notify desk_work;
  end if;
end
$$;
comment on function desk.ask_importance(bigint) is
  'Asks a runner how much each parameter of a closed search matters, where two or more were varied.';

create or replace function desk.task_points(p_work_item_id bigint, p_token uuid)
returns table (parameters jsonb, value double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select b.parameters, b.target_value
  from desk.work_items as w
  cross join lateral desk.run_points((w.payload ->> 'optimization_run_id')::bigint) as b
  where w.id = p_work_item_id and w.token = p_token and w.kind = 'weigh_parameters'
$$;
comment on function desk.task_points(bigint, uuid) is 'Points for a task that weighs the parameters of a run.';
grant execute on function desk.task_points(bigint, uuid) to desk_runner;

create or replace function desk.record_importance(p_run_id bigint, p_result jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  delete from desk.parameter_importance as i where i.optimization_run_id = p_run_id;
  insert into desk.parameter_importance (optimization_run_id, parameter, importance, standard_error, points, method)
  select r.id, i.parameter, i.importance, i.standard_error, (p_result ->> 'points')::bigint, p_result ->> 'method'
  from desk.optimization_runs as r
  cross join jsonb_to_recordset(p_result -> 'importance') as i (
    parameter text, importance double precision, standard_error double precision)
  where r.id = p_run_id;
end
$$;
comment on function desk.record_importance(bigint, jsonb) is 'Writes what a runner found, in place of what was there.';

create or replace function desk.tg_runs_weighed()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.ask_importance(new.id);
  return null;
end
$$;
comment on function desk.tg_runs_weighed() is 'Has the parameters of a search weighed when it is complete.';
create or replace trigger optimization_runs_weighed after update on desk.optimization_runs
for each row when (new.status = 'completed' and old.status is distinct from 'completed')
execute function desk.tg_runs_weighed();

grant select on desk.parameter_importance to desk_director, desk_viewer;
