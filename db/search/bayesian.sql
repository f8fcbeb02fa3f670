-- Bayesian search: a runner is asked for points, and what it suggests is checked and planned.

drop function if exists desk.ask_for_suggestions(bigint);
create or replace function desk.plan_suggestions(p_run_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run      desk.optimization_runs;
  v_search   jsonb;
  v_progress desk.run_progress;
  v_best     bigint;
  v_recorded bigint;
  v_left     bigint;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  select p.* into v_progress from desk.run_progress as p where p.optimization_run_id = p_run_id;
  v_search := v_run.config -> 'optimization';
  v_recorded := v_progress.finished + v_progress.failed;
  v_left := (v_search ->> 'points')::bigint - v_recorded;
  select b.ordinal into v_best from desk.backtest_results as b where b.id = v_progress.best_result_id;
  if v_left <= 0 or (v_recorded - coalesce(v_best, 0)) >= (v_search ->> 'patience')::bigint then
    return 'over';
  end if;
  if exists (
    select from desk.work_items as w
    where w.optimization_run_id = p_run_id and w.kind = 'suggest' and w.state in ('waiting', 'leased'))
  then
    return 'asked';
  end if;
  insert into desk.work_items (kind, optimization_run_id, run_after, payload)
  values ('suggest', p_run_id, v_run.run_after, jsonb_build_object(
    'seed', v_run.seed, 'direction', v_run.target_direction, 'count',
    least(v_left, (v_search ->> 'batch_points')::bigint),
    'space', desk.parameter_space(v_run.strategy_id, v_search -> 'parameters', v_run.optimization_type)));
  notify desk_work;
  return 'asked';
end
$$;
comment on function desk.plan_suggestions(bigint) is
  'Asks a runner for the next points of a Bayesian search; over when its budget or patience is used up.';

create or replace function desk.plan_suggested(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  update desk.optimization_runs as r
  set total_combinations = (r.config #>> '{optimization,points}')::bigint where r.id = p_run_id;
  perform desk.plan_suggestions(p_run_id);
end
$$;
comment on function desk.plan_suggested(bigint) is
  'Plans a Bayesian search: its budget is what it is counted on, and a runner is asked for the first points.';

create or replace function desk.search_history(p_work_item_id bigint, p_token uuid)
returns table (ordinal bigint, parameters jsonb, value double precision)
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  return query
  select b.ordinal, b.parameters,
         case when b.outcome = 'finished' and desk.reasons_against(r.id, to_jsonb(b), true) = '{}'
           then (to_jsonb(b) ->> r.target_metric)::float8 end
  from desk.work_items as w
  join desk.optimization_runs as r on r.id = w.optimization_run_id
  join desk.backtest_results as b on b.optimization_run_id = r.id
  where w.id = p_work_item_id and w.token = p_token and w.kind = 'suggest'
  order by b.ordinal;
end
$$;
comment on function desk.search_history(bigint, uuid) is
  'What a suggester learns from: every point of the run with its target; null where it failed, is undefined, '
  'breaks a metric constraint or lost the account.';
grant execute on function desk.search_history(bigint, uuid) to desk_runner;

create or replace function desk.in_space(p_space jsonb, p_point jsonb)
returns boolean
language sql immutable
set search_path = desk, pg_temp
as $$
  select count(*) = (select count(*) from jsonb_object_keys(p_point)) and coalesce(bool_and(coalesce(case
    when s.item ? 'values' then s.item -> 'values' @> jsonb_build_array(p_point -> (s.item ->> 'name'))
    when jsonb_typeof(p_point -> (s.item ->> 'name')) <> 'number' then false
    when s.item ? 'step' then
      v.value >= (s.item ->> 'start')::numeric
      and (v.value - (s.item ->> 'start')::numeric) % (s.item ->> 'step')::numeric = 0
      and (v.value - (s.item ->> 'start')::numeric) / (s.item ->> 'step')::numeric < (s.item ->> 'count')::numeric
    else v.value between (s.item ->> 'start')::numeric and (s.item ->> 'end')::numeric
      and (s.item ->> 'type' <> 'integer' or v.value = trunc(v.value))
    end, false)), true)
  from jsonb_array_elements(p_space) as s (item)
  cross join lateral (
    select case when jsonb_typeof(p_point -> (s.item ->> 'name')) = 'number'
      then (p_point ->> (s.item ->> 'name'))::numeric end) as v (value)
$$;
comment on function desk.in_space(jsonb, jsonb) is
  'True when a point has exactly the parameters of a space, each with a value that the space has.';

create or replace function desk.accept_suggestions(p_run_id bigint, p_points jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_search jsonb;
  v_space  jsonb;
  v_known  bigint;
  v_points jsonb[];
  v_want   bigint;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id and r.is_open;
  if not found then
    return 0;
  end if;
  select p.total into v_known from desk.run_progress as p where p.optimization_run_id = p_run_id for update;
  v_search := v_run.config -> 'optimization';
  v_space := desk.parameter_space(v_run.strategy_id, v_search -> 'parameters', v_run.optimization_type);
  v_want := least((v_search ->> 'batch_points')::bigint, (v_search ->> 'points')::bigint - v_known);
  select array_agg(q.point order by q.position) into v_points
  from (
    select desk.canonical_json(e.point) as point, min(e.position) as position
    from jsonb_array_elements(coalesce(p_points, '[]')) with ordinality as e (point, position)
    where desk.in_space(v_space, desk.canonical_json(e.point))
    group by 1
  ) as q
  where q.point not in (select k.parameters from desk.point_parameters(p_run_id,
    array(select generate_series(1, v_known))) as k);
  v_points := (desk.meet_constraints(p_run_id, coalesce(v_points, '{}')))[1:v_want];
  -- A suggester that has run out of ideas is helped out by chance, so that a search always goes on.
  if cardinality(v_points) < v_want then
    v_points := v_points || array(
      select d.point from unnest(desk.drawn_points(p_run_id, v_space, (2 * v_want)::integer)) with ordinality as d (
        point, position)
      where d.point <> all (v_points) order by d.position limit v_want - cardinality(v_points));
  end if;
  if cardinality(v_points) = 0 then
    perform desk.close_run(p_run_id, 'completed');
    return 0;
  end if;
  return desk.add_points(p_run_id, v_space, v_points);
end
$$;
comment on function desk.accept_suggestions(bigint, jsonb) is
  'Plans suggested points: those in the space that meet the constraints and are new, made up to the number asked for '
  'by drawn ones.';
