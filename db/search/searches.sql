-- The searches once: how each begins and goes on, what of a config it reads, what it asks of runners.

insert into desk.searches as s (
  position, name, plan_first, plan_next, at_most, counted, draws, windows, task_kind, keys, required_keys, range_keys,
  defaults, description)
values
  (1, 'Grid Search', 'plan_whole', null, null, true, false, false, null, '{}', '{}', '{}', '{}',
    'Every combination.'),
  (2, 'Euler Search', 'plan_whole', 'plan_refinement', 'refined_at_most', true, false, false, null, '{segments}', '{}',
    '{min_step}', '{"segments": 4}', 'A coarse grid, then finer ones around the best.'),
  (3, 'Random Search', 'plan_random', null, null, true, true, false, null, '{points}', '{points}', '{log}', '{}',
    'Points drawn by the seed.'),
  (4, 'Bayesian Search', 'plan_suggested', 'plan_suggestions', null, false, true, false, 'suggest',
    '{points,batch_points,patience}', '{points}', '{log}', '{"batch_points": 16}',
    'Points suggested from all results so far.'),
  (5, 'Walk-Forward', 'plan_walk_forward', 'advance_walk_forward', 'folds_at_most', true, false, true, null,
    '{walk_forward,search}', '{walk_forward}', '{}',
    '{"search": "Grid Search", "walk_forward": {"mode": "rolling", "unit": "bars", "embargo": 0, "warm_up": 0}}',
    'Another search in one window, its best in the next, and so on.')
on conflict (name) do update
set position = excluded.position, plan_first = excluded.plan_first, plan_next = excluded.plan_next,
    at_most = excluded.at_most, counted = excluded.counted, draws = excluded.draws, windows = excluded.windows,
    task_kind = excluded.task_kind, keys = excluded.keys, required_keys = excluded.required_keys,
    range_keys = excluded.range_keys, defaults = excluded.defaults, description = excluded.description;

-- On a desk that had runs before it had the rows; done once, and nothing to do after that.
alter table desk.optimization_runs validate constraint optimization_runs_type_known;

grant select on desk.searches to desk_director, desk_viewer;

create or replace function desk.run_space(p_run_id bigint)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select desk.parameter_space(r.strategy_id, r.config #> '{optimization,parameters}',
    desk.inner_search(r.config -> 'optimization'))
  from desk.optimization_runs as r where r.id = p_run_id
$$;
comment on function desk.run_space(bigint) is
  'The parameters that a run searches, as its config has them, each an axis.';

create or replace function desk.plan_first(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_plan text;
begin
  select s.plan_first into v_plan
  from desk.optimization_runs as r join desk.searches as s on s.name = r.optimization_type where r.id = p_run_id;
  execute format('select desk.%I($1)', v_plan) using p_run_id;
end
$$;
comment on function desk.plan_first(bigint) is 'Plans the first generation of a run, as its search does.';

create or replace function desk.plan_next(p_run_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_plan text;
  v_word text := 'over';
begin
  select s.plan_next into v_plan
  from desk.optimization_runs as r join desk.searches as s on s.name = r.optimization_type where r.id = p_run_id;
  if v_plan is not null then
    execute format('select desk.%I($1)', v_plan) into v_word using p_run_id;
  end if;
  return v_word;
end
$$;
comment on function desk.plan_next(bigint) is
  'With every point recorded: planned (there are new points), asked (a runner will suggest some), or over.';

create or replace function desk.points_at_most(p_run_id bigint)
returns bigint
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_search desk.searches;
  v_points bigint;
begin
  select s.* into v_search
  from desk.optimization_runs as r join desk.searches as s on s.name = r.optimization_type where r.id = p_run_id;
  if v_search.at_most is null then
    return desk.points_counted(p_run_id);
  end if;
  execute format('select desk.%I($1)', v_search.at_most) into v_points using p_run_id;
  return v_points;
end
$$;
comment on function desk.points_at_most(bigint) is 'How many points a run that is planned will have at the most.';

create or replace function desk.points_counted(p_run_id bigint)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select case when s.counted then p.total else r.total_combinations end
  from desk.optimization_runs as r
  join desk.searches as s on s.name = r.optimization_type
  join desk.run_progress as p on p.optimization_run_id = r.id
  where r.id = p_run_id
$$;
comment on function desk.points_counted(bigint) is
  'How many points a run that is planned is counted on: those of its first generation, or its budget.';

create or replace function desk.plan_whole(p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  select desk.plan_grid(p_run_id, desk.run_space(p_run_id))
$$;
comment on function desk.plan_whole(bigint) is 'Plans every combination of a run''s parameters.';
