-- How each search goes on: Euler refines around the best, Random draws, Bayesian asks a runner for suggestions.

create or replace function desk.plan_first(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_search jsonb;
  v_space  jsonb;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  v_search := v_run.config -> 'optimization';
  v_space := desk.parameter_space(v_run.strategy_id, v_search -> 'parameters', desk.inner_search(v_search));
  case v_run.optimization_type
    when 'Random Search' then perform desk.plan_random(p_run_id, v_space, (v_search ->> 'points')::integer);
    when 'Bayesian Search' then
      update desk.optimization_runs set total_combinations = (v_search ->> 'points')::bigint where id = p_run_id;
      perform desk.ask_for_suggestions(p_run_id);
    when 'Walk-Forward' then perform desk.plan_walk_forward(p_run_id);
    else perform desk.plan_grid(p_run_id, v_space);
  end case;
end
$$;
comment on function desk.plan_first(bigint) is 'Plans the first generation of a run, according to its type.';
revoke execute on function desk.plan_first(bigint) from public;

create or replace function desk.plan_next(p_run_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  return case (select r.optimization_type from desk.optimization_runs as r where r.id = p_run_id)
    when 'Euler Search' then case when desk.plan_refinement(p_run_id) > 0 then 'planned' else 'over' end
    when 'Bayesian Search' then case when desk.ask_for_suggestions(p_run_id) then 'asked' else 'over' end
    when 'Walk-Forward' then desk.advance_walk_forward(p_run_id)
    else 'over'
  end;
end
$$;
comment on function desk.plan_next(bigint) is 'With every point recorded: planned (there are new points), asked (a runner will suggest some), or over.';
revoke execute on function desk.plan_next(bigint) from public;

create or replace function desk.refined_space(p_space jsonb, p_best jsonb, p_segments integer)
returns jsonb
language plpgsql immutable
set search_path = desk, pg_temp
as $$
-- Semantics of LEAN's Euler search: each step becomes max(min_step, step / segments), each range the best value
-- plus and minus half the segments of new steps, clipped to the range before; what is at its finest keeps its range.
declare
  v_axis  jsonb;
  v_space jsonb := '[]';
  v_step  numeric;
  v_first numeric;
  v_last  numeric;
  v_value numeric;
  v_finer boolean := false;
begin
  for v_axis in select s.item from jsonb_array_elements(p_space) with ordinality as s (item, position) order by s.position loop
    if v_axis ? 'step' and (v_axis ->> 'step')::numeric > (v_axis ->> 'min_step')::numeric then
      v_finer := true;
      v_step := greatest((v_axis ->> 'min_step')::numeric, (v_axis ->> 'step')::numeric / p_segments);
      if v_axis ->> 'type' = 'integer' then
        v_step := ceil(v_step);
      end if;
      v_value := (p_best ->> (v_axis ->> 'name'))::numeric;
      v_first := (v_axis ->> 'start')::numeric;
      v_last := v_first + (v_axis ->> 'step')::numeric * ((v_axis ->> 'count')::numeric - 1);
      -- Whole steps away from the best, so that the best lies on the finer grid.
      v_first := v_value - v_step * least(floor(p_segments / 2.0), floor((v_value - v_first) / v_step));
      v_last := v_value + v_step * least(floor(p_segments / 2.0), floor((v_last - v_value) / v_step));
      v_axis := v_axis || jsonb_build_object('start', trim_scale(v_first), 'step', trim_scale(v_step),
        'count', trim_scale((v_last - v_first) / v_step + 1)::integer);
    end if;
    v_space := v_space || v_axis;
  end loop;
  return case when v_finer then v_space end;
end
$$;
comment on function desk.refined_space(jsonb, jsonb, integer) is
  'The next, finer space around the best point of an Euler search; null when every step is at its finest.';
revoke execute on function desk.refined_space(jsonb, jsonb, integer) from public;

create or replace function desk.refined_from(p_run_id bigint, out best jsonb, out space jsonb)
language sql stable
set search_path = desk, pg_temp
as $$
  -- The newest generation whose ranges hold the best point: one that extend_run() added may lie beside it.
  select b.parameters, g.space
  from desk.run_progress as p
  join desk.backtest_results as b on b.id = p.best_result_id
  join desk.search_generations as g on g.optimization_run_id = p.optimization_run_id
  where p.optimization_run_id = p_run_id
    and not exists (
      select
      from jsonb_array_elements(g.space) as s (item)
      where s.item ? 'step'
        and not (b.parameters ->> (s.item ->> 'name'))::numeric between (s.item ->> 'start')::numeric
          and (s.item ->> 'start')::numeric + (s.item ->> 'step')::numeric * ((s.item ->> 'count')::numeric - 1))
  order by g.generation desc
  limit 1
$$;
comment on function desk.refined_from(bigint) is 'The best point of a run, and the finest space planned around it; nulls when there is no valid point.';
revoke execute on function desk.refined_from(bigint) from public;

create or replace function desk.plan_refinement(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_segments integer;
  v_space    jsonb;
  v_best     jsonb;
  v_points   bigint := 0;
begin
  select (r.config #>> '{optimization,segments}')::integer, f.best, f.space
  into v_segments, v_best, v_space
  from desk.optimization_runs as r
  cross join lateral desk.refined_from(r.id) as f
  where r.id = p_run_id;
  -- A finer space may hold nothing new; the search then looks finer still.
  while v_points = 0 loop
    v_space := desk.refined_space(v_space, v_best, coalesce(v_segments, 4));
    exit when v_space is null;
    v_points := desk.plan_new_points(p_run_id, v_space);
  end loop;
  return v_points;
end
$$;
comment on function desk.plan_refinement(bigint) is 'Plans the next generation of an Euler search; 0 when it is over: at the finest steps, or with no valid point.';
revoke execute on function desk.plan_refinement(bigint) from public;

create or replace function desk.unit_draw(p_seed bigint, p_number bigint, p_name text)
returns numeric
language sql immutable
set search_path = desk, pg_temp
as $$
  select ('x' || substr(desk.sha256_text(format('%s/%s/%s', p_seed, p_number, p_name)), 1, 13))::bit(52)::bigint::numeric
    / 4503599627370496
$$;
comment on function desk.unit_draw(bigint, bigint, text) is
  'A number from 0 up to 1, the same on every server and version for equal arguments.';
revoke execute on function desk.unit_draw(bigint, bigint, text) from public;

create or replace function desk.ten_digits(p_number numeric)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  select to_jsonb(trim_scale(round(p_number, case when p_number = 0 then 0 else greatest(0, 9 - floor(log(abs(p_number)))::integer) end)))
$$;
comment on function desk.ten_digits(numeric) is 'A number rounded to ten significant digits.';
revoke execute on function desk.ten_digits(numeric) from public;

create or replace function desk.drawn_value(p_axis jsonb, p_unit numeric)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  select case
    when p_axis ? 'count' then desk.axis_value(p_axis, floor(p_unit * (p_axis ->> 'count')::numeric)::bigint)
    when p_axis ->> 'type' = 'integer' then to_jsonb(least((p_axis ->> 'end')::numeric, floor(
      exp(ln((p_axis ->> 'start')::numeric) + p_unit * (ln((p_axis ->> 'end')::numeric + 1) - ln((p_axis ->> 'start')::numeric))))))
    when (p_axis ->> 'log')::boolean then desk.ten_digits(
      exp(ln((p_axis ->> 'start')::numeric) + p_unit * (ln((p_axis ->> 'end')::numeric) - ln((p_axis ->> 'start')::numeric))))
    else desk.ten_digits((p_axis ->> 'start')::numeric + p_unit * ((p_axis ->> 'end')::numeric - (p_axis ->> 'start')::numeric))
  end
$$;
comment on function desk.drawn_value(jsonb, numeric) is 'The value of an axis at a number from 0 up to 1.';
revoke execute on function desk.drawn_value(jsonb, numeric) from public;

create or replace function desk.meet_constraints(p_run_id bigint, p_points jsonb[])
returns jsonb[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_tree    jsonb;
  v_points  jsonb[] := p_points;
  v_columns jsonb;
  v_truth   numeric[];
begin
  for v_tree in select t.tree from jsonb_array_elements(desk.run_trees(p_run_id)) as t (tree) loop
    exit when cardinality(v_points) = 0;
    select jsonb_object_agg(n.name, jsonb_build_object('stride', 1, 'count', cardinality(v_points), 'values', (
      select jsonb_agg(coalesce(q.point -> n.name, d.default_value) order by q.position) from unnest(v_points) with ordinality as q (point, position))))
    into v_columns
    from unnest(desk.constraint_names(v_tree)) as n (name)
    join desk.optimization_runs as r on r.id = p_run_id
    join desk.strategy_parameters as d on d.strategy_id = r.strategy_id and d.name = n.name;
    v_truth := desk.constraint_numbers(v_tree, v_columns, cardinality(v_points));
    v_points := array(
      select q.point from unnest(v_points, v_truth) with ordinality as q (point, truth, position) where q.truth = 1 order by q.position);
  end loop;
  return v_points;
end
$$;
comment on function desk.meet_constraints(bigint, jsonb[]) is 'Those of some points that meet the run''s constraints between parameters, in order.';
revoke execute on function desk.meet_constraints(bigint, jsonb[]) from public;

create or replace function desk.add_points(p_run_id bigint, p_space jsonb, p_points jsonb[])
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_generation desk.search_generations := desk.open_generation(p_run_id, p_space);
  v_count      bigint;
begin
  insert into desk.search_points (optimization_run_id, generation, ordinal, parameters)
  select p_run_id, v_generation.generation, v_generation.first_ordinal + q.position - 1, q.point
  from unnest(p_points) with ordinality as q (point, position);
  get diagnostics v_count = row_count;
  return desk.settle_generation(v_generation, v_count);
end
$$;
comment on function desk.add_points(bigint, jsonb, jsonb[]) is 'Plans listed points as a generation.';
revoke execute on function desk.add_points(bigint, jsonb, jsonb[]) from public;

create or replace function desk.drawn_points(p_run_id bigint, p_space jsonb, p_points integer)
returns jsonb[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_seed   bigint;
  v_known  bigint;
  v_from   bigint := 0;
  v_found  jsonb[] := '{}';
  v_fresh  jsonb[];
  v_idle   integer := 0;
  v_past   jsonb[];
begin
  select r.seed, p.total into v_seed, v_known
  from desk.optimization_runs as r join desk.run_progress as p on p.optimization_run_id = r.id where r.id = p_run_id;
  v_past := array(select k.parameters from desk.point_parameters(p_run_id, array(select generate_series(1, v_known))) as k);
  while cardinality(v_found) < p_points and v_idle < 20 loop
    v_fresh := array(
      select d.point
      from (
        select n.number, jsonb_object_agg(s.item ->> 'name', desk.drawn_value(s.item, desk.unit_draw(v_seed, n.number, s.item ->> 'name'))) as point
        from generate_series(v_from + 1, v_from + greatest(64, p_points)) as n (number)
        cross join jsonb_array_elements(p_space) as s (item)
        group by n.number
      ) as d
      order by d.number);
    v_from := v_from + greatest(64, p_points);
    v_fresh := desk.meet_constraints(p_run_id, v_fresh);
    v_fresh := array(
      select q.point from unnest(v_fresh) with ordinality as q (point, position)
      where q.point <> all (v_past) and q.point <> all (v_found)
      group by q.point order by min(q.position));
    v_idle := case when cardinality(v_fresh) = 0 then v_idle + 1 else 0 end;
    v_found := v_found || v_fresh;
  end loop;
  return v_found[1:p_points];
end
$$;
comment on function desk.drawn_points(bigint, jsonb, integer) is
  'Points drawn at random from a space by the run''s seed, none that the run has planned, none twice; fewer when no more are found.';
revoke execute on function desk.drawn_points(bigint, jsonb, integer) from public;

create or replace function desk.plan_random(p_run_id bigint, p_space jsonb, p_points integer)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_size   numeric := 1;
  v_points bigint;
  v_seed   bigint;
begin
  select case when bool_and(s.item ? 'count') then round(exp(sum(ln((s.item ->> 'count')::numeric)))) end into v_size
  from jsonb_array_elements(p_space) as s (item);
  if v_size <= (desk.setting('max_linked_combinations') #>> '{}')::numeric then
    -- A space that can be listed is shuffled: no repeats, and all of it when as many are wished for.
    v_points := desk.plan_new_points(p_run_id, p_space);
    select r.seed into v_seed from desk.optimization_runs as r where r.id = p_run_id;
    update desk.search_axes as a
    set valid = s.valid, points = cardinality(s.valid)
    from (
      select array_agg(d.place order by d.rank) as valid
      from (
        select n.place, row_number() over (order by desk.unit_draw(v_seed, n.place, 'point'), n.place) as rank
        from desk.search_axes as x
        cross join lateral unnest(coalesce(x.valid, array(select generate_series(0, x.points::integer - 1)))) as n (place)
        where x.optimization_run_id = p_run_id
          and x.generation = (select r.generation from desk.optimization_runs as r where r.id = p_run_id)
      ) as d
      where d.rank <= p_points
    ) as s
    where a.optimization_run_id = p_run_id
      and a.generation = (select r.generation from desk.optimization_runs as r where r.id = p_run_id)
      and v_points > 0;
    return case when v_points = 0 then 0 else desk.settle_generation(
      (select g from desk.search_generations as g join desk.optimization_runs as r
         on r.id = g.optimization_run_id and r.generation = g.generation where r.id = p_run_id),
      least(v_points, p_points)) end;
  end if;
  v_points := desk.add_points(p_run_id, p_space, desk.drawn_points(p_run_id, p_space, p_points));
  if v_points = 0 then
    perform desk.refuse('The constraints leave no point that could be drawn', '$.optimization.constraints',
      'Widen the ranges, or turn a comparison round.');
  end if;
  return v_points;
end
$$;
comment on function desk.plan_random(bigint, jsonb, integer) is 'Plans points drawn by the run''s seed; answers how many.';
revoke execute on function desk.plan_random(bigint, jsonb, integer) from public;

create or replace function desk.ask_for_suggestions(p_run_id bigint)
returns boolean
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
    return false;
  end if;
  if exists (
    select from desk.work_items as w
    where w.optimization_run_id = p_run_id and w.kind = 'suggest' and w.state in ('waiting', 'leased'))
  then
    return true;
  end if;
  insert into desk.work_items (kind, optimization_run_id, run_after, payload)
  values ('suggest', p_run_id, v_run.run_after, jsonb_build_object(
    'seed', v_run.seed, 'direction', v_run.target_direction, 'count', least(v_left, (v_search ->> 'batch_points')::bigint),
    'space', desk.parameter_space(v_run.strategy_id, v_search -> 'parameters', 'Bayesian Search')));
  notify desk_work;
  return true;
end
$$;
comment on function desk.ask_for_suggestions(bigint) is 'Asks a runner for the next points of a Bayesian search; false when its budget or patience is used up.';
revoke execute on function desk.ask_for_suggestions(bigint) from public;

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
  'What a suggester learns from: every point of the run with its target; null where it failed, is undefined or breaks a metric constraint.';
revoke execute on function desk.search_history(bigint, uuid) from public;
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
    select case when jsonb_typeof(p_point -> (s.item ->> 'name')) = 'number' then (p_point ->> (s.item ->> 'name'))::numeric end) as v (value)
$$;
comment on function desk.in_space(jsonb, jsonb) is 'True when a point has exactly the parameters of a space, each with a value that the space has.';
revoke execute on function desk.in_space(jsonb, jsonb) from public;

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
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id and r.status in ('pending', 'running');
  if not found then
    return 0;
  end if;
  select p.total into v_known from desk.run_progress as p where p.optimization_run_id = p_run_id for update;
  v_search := v_run.config -> 'optimization';
  v_space := desk.parameter_space(v_run.strategy_id, v_search -> 'parameters', 'Bayesian Search');
  v_want := least((v_search ->> 'batch_points')::bigint, (v_search ->> 'points')::bigint - v_known);
  select array_agg(q.point order by q.position) into v_points
  from (
    select desk.canonical_json(e.point) as point, min(e.position) as position
    from jsonb_array_elements(coalesce(p_points, '[]')) with ordinality as e (point, position)
    where desk.in_space(v_space, desk.canonical_json(e.point))
    group by 1
  ) as q
  where q.point not in (select k.parameters from desk.point_parameters(p_run_id, array(select generate_series(1, v_known))) as k);
  v_points := (desk.meet_constraints(p_run_id, coalesce(v_points, '{}')))[1:v_want];
  -- A suggester that has run out of ideas is helped out by chance, so that a search always goes on.
  if cardinality(v_points) < v_want then
    v_points := v_points || array(
      select d.point from unnest(desk.drawn_points(p_run_id, v_space, (2 * v_want)::integer)) with ordinality as d (point, position)
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
  'Plans suggested points: those in the space that meet the constraints and are new, made up to the number asked for by drawn ones.';
revoke execute on function desk.accept_suggestions(bigint, jsonb) from public;
