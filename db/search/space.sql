-- The search space: axes planned from parameters and constraints. What their points are: points.sql.

create or replace function desk.linked_groups(p_names text[], p_trees jsonb)
returns integer[]
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_groups  integer[] := array(select generate_series(1, cardinality(p_names)));
  v_tree    jsonb;
  v_members integer[];
begin
  -- Each pass joins what one tree names; names that are constants are in no group.
  for v_tree in select t.tree from jsonb_array_elements(p_trees) as t (tree) loop
    v_members := array(
      select v_groups[array_position(p_names, n.name)]
      from unnest(desk.constraint_names(v_tree)) as n (name) where n.name = any (p_names));
    v_groups := array(
      select case when g.id = any (v_members) then (select min(m) from unnest(v_members) as m) else g.id end
      from unnest(v_groups) with ordinality as g (id, position) order by g.position);
  end loop;
  return v_groups;
end
$$;
comment on function desk.linked_groups(text[], jsonb) is
  'Which parameters constraints tie together: for each name the number of its group.';

create or replace function desk.planned_axes(p_strategy_id bigint, p_space jsonb, p_trees jsonb,
  p_fold boolean default false)
returns table (axis integer, parameters text[], sizes integer[], points bigint, valid integer[])
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_names   text[] := array(select s.item ->> 'name' from jsonb_array_elements(p_space) with ordinality as s (item,
    position) order by s.position);
  v_groups  integer[] := case when p_fold then array_fill(1, array[cardinality(v_names)])
    else desk.linked_groups(v_names, p_trees) end;
  v_group   integer;
  v_tree    jsonb;
  v_columns jsonb;
  v_stride  bigint;
  v_total   numeric;
  v_truth   numeric[];
  v_bound   boolean;
  v_limit   constant bigint := (desk.setting('max_linked_combinations') #>> '{}')::bigint;
begin
  -- Parameters that the search leaves at their defaults are constants to a constraint.
  select coalesce(jsonb_object_agg(p.name, jsonb_build_object('values', jsonb_build_array(p.default_value), 'count', 1,
    'stride', 1)), '{}')
  into v_columns
  from desk.strategy_parameters as p where p.strategy_id = p_strategy_id and p.default_value is not null;
  axis := 0;
  foreach v_group in array array(select distinct g from unnest(v_groups) as g order by 1) loop
    axis := axis + 1;
    select array_agg(s.item ->> 'name' order by s.position),
      array_agg((s.item ->> 'count')::integer order by s.position)
    into parameters, sizes
    from jsonb_array_elements(p_space) with ordinality as s (item, position)
    where v_groups[s.position] = v_group;
    valid := null;
    v_total := 1;
    for i in 1 .. cardinality(sizes) loop
      v_total := v_total * sizes[i];
    end loop;
    v_bound := exists (
      select from jsonb_array_elements(p_trees) as t (tree) where desk.constraint_names(t.tree) && parameters);
    if (v_bound or p_fold) and v_total > v_limit then
      perform desk.refuse(format('%s combinations of %s would have to be listed', v_total,
        array_to_string(parameters, ', ')),
        '$.optimization.constraints', format('At most %s can be linked by constraints or refined; use larger steps.',
          v_limit));
    end if;
    points := v_total;
    v_truth := null;
    for v_tree in
      select t.tree from jsonb_array_elements(p_trees) as t (tree) where desk.constraint_names(t.tree) && parameters
    loop
      v_stride := points;
      for i in 1 .. cardinality(parameters) loop
        v_stride := v_stride / sizes[i];
        select v_columns || jsonb_build_object(parameters[i], s.item || jsonb_build_object('stride', v_stride))
          into v_columns
        from jsonb_array_elements(p_space) as s (item) where s.item ->> 'name' = parameters[i];
      end loop;
      if v_truth is null then
        v_truth := desk.constraint_numbers(v_tree, v_columns, points);
      else
        select array_agg(least(coalesce(t.l, 0), coalesce(t.r, 0))) into v_truth
        from unnest(v_truth, desk.constraint_numbers(v_tree, v_columns, points)) as t (l, r);
      end if;
    end loop;
    if v_truth is not null then
      select array_agg((t.position - 1)::integer) into valid from unnest(v_truth) with ordinality as t (truth, position)
        where t.truth = 1;
      if valid is null then
        perform desk.refuse(format('The constraints leave no combination of %s', array_to_string(parameters, ', ')),
          '$.optimization.constraints', 'Widen the ranges, or turn a comparison round.');
      end if;
      points := cardinality(valid);
    end if;
    return next;
  end loop;
  -- What names no searched parameter holds for every point or for none.
  for v_tree in
    select t.tree from jsonb_array_elements(p_trees) as t (tree) where not desk.constraint_names(t.tree) && v_names
  loop
    if desk.constraint_numbers(v_tree, v_columns, 1) is distinct from '{1}' then
      perform desk.refuse('The constraints leave no combination', '$.optimization.constraints',
        format('Search %s, or turn a comparison round.',
          coalesce(nullif(array_to_string(desk.constraint_names(v_tree), ' or '), ''), 'a parameter')));
    end if;
  end loop;
end
$$;
comment on function desk.planned_axes(bigint, jsonb, jsonb, boolean) is
  'The digits of the mixed-radix ordinal: an axis a parameter, parameters that constraints link, or all if so '
  'wished, folded into one axis of their valid tuples.';

create or replace function desk.open_generation(p_run_id bigint, p_space jsonb)
returns desk.search_generations
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.search_generations (optimization_run_id, generation, first_ordinal, points, space)
  select p_run_id, coalesce(max(g.generation), 0) + 1, coalesce(max(g.first_ordinal + g.points), 1), 1, p_space
  from desk.search_generations as g where g.optimization_run_id = p_run_id
  returning *
$$;
comment on function desk.open_generation(bigint, jsonb) is
  'A new generation after the last one, its points still to be counted.';

create or replace function desk.settle_generation(p_generation desk.search_generations, p_points numeric)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_limit constant numeric := (desk.setting('max_combinations') #>> '{}')::numeric;
begin
  if p_points = 0 then
    delete from desk.search_generations
    where optimization_run_id = p_generation.optimization_run_id and generation = p_generation.generation;
    return 0;
  end if;
  if p_generation.first_ordinal + p_points - 1 > v_limit then
    perform desk.refuse(format('The search has %s combinations', p_generation.first_ordinal + p_points - 1),
      '$.optimization.parameters',
      format('At most %s are accepted; use larger steps.', v_limit));
  end if;
  update desk.search_generations
  set points = p_points
  where optimization_run_id = p_generation.optimization_run_id and generation = p_generation.generation;
  update desk.optimization_runs as r
  set total_combinations = greatest(
        case when s.counted then 0 else r.total_combinations end, p_generation.first_ordinal + p_points - 1),
      generation = p_generation.generation
  from desk.searches as s
  where r.id = p_generation.optimization_run_id and s.name = r.optimization_type;
  update desk.run_progress
  set total = p_generation.first_ordinal + p_points - 1, due = true, updated_at = now()
  where optimization_run_id = p_generation.optimization_run_id;
  return p_points;
end
$$;
comment on function desk.settle_generation(desk.search_generations, numeric) is
  'Counts a generation''s points into its run; one without points is withdrawn.';

create or replace function desk.plan_grid(p_run_id bigint, p_space jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_trees      jsonb := desk.run_trees(p_run_id);
  v_generation desk.search_generations := desk.open_generation(p_run_id, p_space);
  v_points     numeric := 1;
  v_axis       record;
begin
  for v_axis in
    insert into desk.search_axes (optimization_run_id, generation, axis, parameters, sizes, points, valid)
    select p_run_id, v_generation.generation, a.axis, a.parameters, a.sizes, a.points, a.valid
    from desk.optimization_runs as r
    cross join lateral desk.planned_axes(r.strategy_id, p_space, v_trees) as a
    where r.id = p_run_id
    returning points
  loop
    v_points := v_points * v_axis.points;
  end loop;
  return desk.settle_generation(v_generation, v_points);
end
$$;
comment on function desk.plan_grid(bigint, jsonb) is
  'Plans the product of all values that the constraints leave; answers its number of points.';

create or replace function desk.plan_new_points(p_run_id bigint, p_space jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_trees      jsonb := desk.run_trees(p_run_id);
  v_known      bigint;
  v_generation desk.search_generations;
  v_axis       record;
  v_fresh      integer[];
begin
  select coalesce(max(g.first_ordinal + g.points) - 1, 0) into v_known
  from desk.search_generations as g where g.optimization_run_id = p_run_id;
  v_generation := desk.open_generation(p_run_id, p_space);
  select a.* into v_axis
  from desk.optimization_runs as r
  cross join lateral desk.planned_axes(r.strategy_id, p_space, v_trees, true) as a
  where r.id = p_run_id;
  insert into desk.search_axes (optimization_run_id, generation, axis, parameters, sizes, points, valid)
  values (p_run_id, v_generation.generation, 1, v_axis.parameters, v_axis.sizes, v_axis.points, v_axis.valid);
  update desk.search_generations set points = v_axis.points
  where optimization_run_id = p_run_id and generation = v_generation.generation;
  select array_agg(coalesce(v_axis.valid[n.place], n.place - 1)::integer order by n.place) into v_fresh
  from (
    select (p.ordinal - v_generation.first_ordinal + 1)::integer as place, p.parameters
    from desk.point_parameters(p_run_id,
      array(select generate_series(v_generation.first_ordinal, v_generation.first_ordinal + v_axis.points - 1))) as p
  ) as n
  where n.parameters not in (
    select k.parameters from desk.point_parameters(p_run_id, array(select generate_series(1, v_known))) as k);
  if v_fresh is not null then
    update desk.search_axes set valid = v_fresh, points = cardinality(v_fresh)
    where optimization_run_id = p_run_id and generation = v_generation.generation;
  end if;
  return desk.settle_generation(v_generation, coalesce(cardinality(v_fresh), 0));
end
$$;
comment on function desk.plan_new_points(bigint, jsonb) is
  'Plans those points of a space that the run has not planned before; answers how many.';
