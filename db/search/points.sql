-- The points of a run: decoded from their ordinals, and listed ones planned as a generation.

create or replace function desk.run_trees(p_run_id bigint)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select c.parameter_trees
  from desk.optimization_runs as r
  cross join lateral desk.sorted_constraints(r.strategy_id,
    coalesce(r.config #> '{optimization,constraints}', '[]')) as c
  where r.id = p_run_id
$$;
comment on function desk.run_trees(bigint) is 'The constraints between parameters of a run, as trees.';

create or replace function desk.axis_value(p_axis jsonb, p_index bigint)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  select case
    when p_axis ? 'start' then to_jsonb(
      trim_scale((p_axis ->> 'start')::numeric + (p_axis ->> 'step')::numeric * p_index))
    else p_axis -> 'values' -> p_index::integer
  end
$$;
comment on function desk.axis_value(jsonb, bigint) is 'The value at an index (from 0) of a parameter''s axis.';

create or replace function desk.point_texts(p_run_id bigint, p_ordinals bigint[])
returns table (ordinal bigint, parameters text)
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_generation record;
  v_axis       record;
  v_item       jsonb;
  v_start      numeric;
  v_step       numeric;
  v_valid      integer[];
  v_size       integer;
  v_stride     bigint;
  v_within     bigint;
  v_key        text;
  v_texts      text[];
begin
  for v_generation in
    select g.generation, g.first_ordinal, g.space, array_agg(o.ordinal order by o.position) as ordinals,
           exists (select from desk.search_points as q where q.optimization_run_id = p_run_id
             and q.ordinal = g.first_ordinal) as listed
    from unnest(p_ordinals) with ordinality as o (ordinal, position)
    join desk.search_generations as g
      on g.optimization_run_id = p_run_id and o.ordinal >= g.first_ordinal and o.ordinal < g.first_ordinal + g.points
    group by g.optimization_run_id, g.generation
  loop
    if v_generation.listed then
      return query
      select q.ordinal, q.parameters::text from desk.search_points as q
      where q.optimization_run_id = p_run_id and q.ordinal = any (v_generation.ordinals);
      continue;
    end if;
    -- The last axis turns fastest, every v_stride ordinals. One axis is read at a time: a linked one can be large.
    v_stride := 1;
    v_texts := array_fill('{'::text, array[cardinality(v_generation.ordinals)]);
    for v_axis in
      select a.parameters, a.sizes, a.points, a.valid, array(
               select s.item
               from unnest(a.parameters) with ordinality as n (name, position)
               join jsonb_array_elements(v_generation.space) as s (item) on s.item ->> 'name' = n.name
               order by n.position) as items
      from desk.search_axes as a
      where a.optimization_run_id = p_run_id and a.generation = v_generation.generation
      order by a.axis desc
    loop
      v_valid := v_axis.valid;
      v_within := 1;
      for j in reverse cardinality(v_axis.parameters) .. 1 loop
        v_item := v_axis.items[j];
        v_size := v_axis.sizes[j];
        v_key := case when v_texts[1] = '{' then '' else ',' end || to_jsonb(v_axis.parameters[j])::text || ':';
        -- As axis_value() has it, for all points at once.
        v_start := v_item ->> 'start';
        v_step := v_item ->> 'step';
        v_texts := array(
          select u.text || v_key || case
            when v_start is null then (v_item -> 'values' -> n.value)::text
            else trim_scale(v_start + v_step * n.value)::text end
          from unnest(v_texts, v_generation.ordinals) as u (text, ordinal)
          cross join lateral (select (u.ordinal - v_generation.first_ordinal) / v_stride % v_axis.points as tuple) as t
          cross join lateral (
            select (coalesce(v_valid[t.tuple + 1], t.tuple) / v_within % v_size)::integer as value) as n);
        v_within := v_within * v_size;
      end loop;
      v_stride := v_stride * v_axis.points;
    end loop;
    return query select u.ordinal, u.text || '}' from unnest(v_generation.ordinals, v_texts) as u (ordinal, text);
  end loop;
end
$$;
comment on function desk.point_texts(bigint, bigint[]) is 'Parameters of points, decoded from their ordinals, as JSON.';

create or replace function desk.point_parameters(p_run_id bigint, p_ordinals bigint[])
returns table (ordinal bigint, parameters jsonb)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select t.ordinal, t.parameters::jsonb from desk.point_texts(p_run_id, p_ordinals) as t
$$;
comment on function desk.point_parameters(bigint, bigint[]) is 'Parameters of points, decoded from their ordinals.';
grant execute on function desk.point_parameters(bigint, bigint[]) to desk_director, desk_viewer;

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
      select jsonb_agg(coalesce(q.point -> n.name, d.default_value) order by q.position)
        from unnest(v_points) with ordinality as q (point, position))))
    into v_columns
    from unnest(desk.constraint_names(v_tree)) as n (name)
    join desk.run_versions as r on r.optimization_run_id = p_run_id
    join desk.version_parameters as d on d.code_version_id = r.code_version_id and d.name = n.name;
    v_truth := desk.constraint_numbers(v_tree, v_columns, cardinality(v_points));
    v_points := array(
      select q.point from unnest(v_points, v_truth) with ordinality as q (point, truth, position) where q.truth = 1
        order by q.position);
  end loop;
  return v_points;
end
$$;
comment on function desk.meet_constraints(bigint, jsonb[]) is
  'Those of some points that meet the run''s constraints between parameters, in order.';

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
