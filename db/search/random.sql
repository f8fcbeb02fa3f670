-- Random search: points drawn from a space by the runs seed, the same on every server.

create or replace function desk.unit_draw(p_seed bigint, p_number bigint, p_name text)
returns numeric
language sql immutable
set search_path = desk, pg_temp
as $$
  select ('x' || substr(desk.sha256_text(format('%s/%s/%s', p_seed, p_number, p_name)), 1, 13))::bit(
    52)::bigint::numeric
    / 4503599627370496
$$;
comment on function desk.unit_draw(bigint, bigint, text) is
  'A number from 0 up to 1, the same on every server and version for equal arguments.';

create or replace function desk.ten_digits(p_number numeric)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  select to_jsonb(trim_scale(round(p_number, case when p_number = 0 then 0
    else greatest(0, 9 - floor(log(abs(p_number)))::integer) end)))
$$;
comment on function desk.ten_digits(numeric) is 'A number rounded to ten significant digits.';

create or replace function desk.drawn_value(p_axis jsonb, p_unit numeric)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  select case
    when p_axis ? 'count' then desk.axis_value(p_axis, floor(p_unit * (p_axis ->> 'count')::numeric)::bigint)
    when p_axis ->> 'type' = 'integer' then to_jsonb(least((p_axis ->> 'end')::numeric, floor(
      exp(ln((p_axis ->> 'start')::numeric) + p_unit * (
        ln((p_axis ->> 'end')::numeric + 1) - ln((p_axis ->> 'start')::numeric))))))
    when (p_axis ->> 'log')::boolean then desk.ten_digits(
      exp(ln((p_axis ->> 'start')::numeric) + p_unit * (
        ln((p_axis ->> 'end')::numeric) - ln((p_axis ->> 'start')::numeric))))
    else desk.ten_digits((p_axis ->> 'start')::numeric + p_unit * (
      (p_axis ->> 'end')::numeric - (p_axis ->> 'start')::numeric))
  end
$$;
comment on function desk.drawn_value(jsonb, numeric) is 'The value of an axis at a number from 0 up to 1.';

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
  v_past := array(select k.parameters from desk.point_parameters(p_run_id,
    array(select generate_series(1, v_known))) as k);
  while cardinality(v_found) < p_points and v_idle < 20 loop
    v_fresh := array(
      select d.point
      from (
        select n.number, jsonb_object_agg(s.item ->> 'name',
          desk.drawn_value(s.item, desk.unit_draw(v_seed, n.number, s.item ->> 'name'))) as point
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
  'Points drawn at random from a space by the run''s seed, none that the run has planned, none twice; fewer when no '
  'more are found.';

drop function if exists desk.plan_random(bigint, jsonb, integer);
create or replace function desk.plan_random(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_space  constant jsonb := desk.run_space(p_run_id);
  v_most   integer;
  v_size   numeric := 1;
  v_points bigint;
  v_seed   bigint;
begin
  select (r.config #>> '{optimization,points}')::integer, r.seed into v_most, v_seed
  from desk.optimization_runs as r where r.id = p_run_id;
  select case when bool_and(s.item ? 'count') then round(exp(sum(ln((s.item ->> 'count')::numeric)))) end into v_size
  from jsonb_array_elements(v_space) as s (item);
  if v_size <= (desk.setting('max_linked_combinations') #>> '{}')::numeric then
    -- A space that can be listed is shuffled: no repeats, and all of it when as many are wished for.
    v_points := desk.plan_new_points(p_run_id, v_space);
    update desk.search_axes as a
    set valid = s.valid, points = cardinality(s.valid)
    from (
      select array_agg(d.place order by d.rank) as valid
      from (
        select n.place, row_number() over (order by desk.unit_draw(v_seed, n.place, 'point'), n.place) as rank
        from desk.search_axes as x
        cross join lateral unnest(coalesce(x.valid, array(select generate_series(0, x.points::integer - 1)))) as n (
          place)
        where x.optimization_run_id = p_run_id
          and x.generation = (select r.generation from desk.optimization_runs as r where r.id = p_run_id)
      ) as d
      where d.rank <= v_most
    ) as s
    where a.optimization_run_id = p_run_id
      and a.generation = (select r.generation from desk.optimization_runs as r where r.id = p_run_id)
      and v_points > 0;
    return case when v_points = 0 then 0 else desk.settle_generation(
      (select g from desk.search_generations as g join desk.optimization_runs as r
         on r.id = g.optimization_run_id and r.generation = g.generation where r.id = p_run_id),
      least(v_points, v_most)) end;
  end if;
  v_points := desk.add_points(p_run_id, v_space, desk.drawn_points(p_run_id, v_space, v_most));
  if v_points = 0 then
    perform desk.refuse('The constraints leave no point that could be drawn', '$.optimization.constraints',
      'Widen the ranges, or turn a comparison round.');
  end if;
  return v_points;
end
$$;
comment on function desk.plan_random(bigint) is
  'Plans points drawn by the run''s seed; answers how many.';
