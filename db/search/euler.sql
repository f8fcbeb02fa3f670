-- Euler search: each generation is a finer grid around the best of the one before.

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
  for v_axis in select s.item from jsonb_array_elements(p_space) with ordinality as s (item, position)
    order by s.position loop
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
comment on function desk.refined_from(bigint) is
  'The best point of a run, and the finest space planned around it; nulls when there is no valid point.';

drop function if exists desk.plan_refinement(bigint);
create or replace function desk.plan_refinement(p_run_id bigint)
returns text
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
  return case when v_points > 0 then 'planned' else 'over' end;
end
$$;
comment on function desk.plan_refinement(bigint) is
  'Plans the next generation of an Euler search; over at the finest steps, or with no valid point.';

create or replace function desk.refinement_points(p_space jsonb, p_segments integer)
returns bigint
language sql immutable
set search_path = desk, pg_temp
as $$
  -- Every later generation is a product again: of refined ranges, and of lists and ranges that are at their finest.
  select coalesce((max(n.rounds) * round(exp(sum(ln(n.values)))))::bigint, 0)
  from (
    select case when f.finer then ceil(round(ln((s.item ->> 'step')::numeric / (s.item ->> 'min_step')::numeric) / ln(
      p_segments::numeric), 9)) else 0 end as rounds,
           case when f.finer then least(p_segments + 1.0,
             (s.item ->> 'count')::numeric * (s.item ->> 'step')::numeric / (s.item ->> 'min_step')::numeric)
             else (s.item ->> 'count')::numeric end as values
    from jsonb_array_elements(p_space) as s (item)
    cross join lateral (
      select coalesce((s.item ->> 'step')::numeric > (s.item ->> 'min_step')::numeric, false) as finer) as f
  ) as n
$$;
comment on function desk.refinement_points(jsonb, integer) is
  'Points of all later generations of an Euler search at the most.';

create or replace function desk.refined_at_most(p_run_id bigint)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select p.total + desk.refinement_points(g.space, (r.config #>> '{optimization,segments}')::integer)
  from desk.optimization_runs as r
  join desk.run_progress as p on p.optimization_run_id = r.id
  join desk.search_generations as g on g.optimization_run_id = r.id and g.generation = 1
  where r.id = p_run_id
$$;
comment on function desk.refined_at_most(bigint) is 'Points of an Euler search at the most, its first grid included.';
