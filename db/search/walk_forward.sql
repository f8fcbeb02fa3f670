-- Walk-forward: windows as rows, a search in each, the best passing point traded out of sample.

create or replace function desk.run_sessions(p_run_id bigint, p_start date, p_end date)
returns date[]
language sql stable
set search_path = desk, pg_temp
as $$
  -- Sessions on which any of the run's symbols has a bar, the window's last day included.
  select coalesce(array_agg(d.session order by d.session), '{}')
  from (
    select distinct ((b.bar_time at time zone s.zone) - s.day_begins)::date as session
    from desk.run_symbols as s
    join desk.price_versions as v on v.id = s.price_version_id
    join desk.bars as b on b.instrument_id = v.instrument_id and b.timeframe = v.timeframe and b.version <= v.version
    where s.optimization_run_id = p_run_id
      and b.bar_time >= (p_start + s.day_begins) at time zone s.zone
      and b.bar_time < (p_end + 1 + s.day_begins) at time zone s.zone
  ) as d
$$;
comment on function desk.run_sessions(bigint, date, date) is 'Dates of the sessions of a run''s prices in a window.';

create or replace function desk.walk_forward_windows(
  p_sessions date[], p_start date, p_end date, p_mode text, p_unit text, p_in_sample integer, p_out_of_sample integer,
  p_embargo integer)
returns table (fold integer, in_sample_start date, in_sample_end date, out_of_sample_start date, out_of_sample_end date)
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_count constant integer := cardinality(p_sessions);
  v_end   constant date := p_end + 1;
  v_bars  constant boolean := p_unit = 'bars';
  v_cut   integer;
begin
  fold := 0;
  loop
    -- The n-th boundary is counted from the start, so that months of unequal length do not add up to a drift.
    if v_bars then
      in_sample_start := p_sessions[1 + fold * p_out_of_sample];
      out_of_sample_start := p_sessions[1 + p_in_sample + fold * p_out_of_sample];
      out_of_sample_end := case when p_in_sample + (fold + 1) * p_out_of_sample = v_count then v_end
        else p_sessions[1 + p_in_sample + (fold + 1) * p_out_of_sample] end;
    else
      in_sample_start := p_start + fold * p_out_of_sample * ('1 ' || p_unit)::interval;
      out_of_sample_start := p_start + (p_in_sample + fold * p_out_of_sample) * ('1 ' || p_unit)::interval;
      out_of_sample_end := p_start + (p_in_sample + (fold + 1) * p_out_of_sample) * ('1 ' || p_unit)::interval;
    end if;
    exit when out_of_sample_end is null or out_of_sample_end > v_end;
    if p_mode = 'anchored' then
      in_sample_start := case when v_bars then p_sessions[1] else p_start end;
    end if;
    in_sample_end := out_of_sample_start;
    if p_embargo > 0 then
      v_cut := (select count(*) from unnest(p_sessions) as s (session) where s.session < out_of_sample_start);
      in_sample_end := p_sessions[v_cut - p_embargo + 1];
    end if;
    fold := fold + 1;
    return next;
  end loop;
end
$$;
comment on function desk.walk_forward_windows(date[], date, date, text, text, integer, integer, integer) is
  'The windows of each fold, ends excluded: whole tests only, one after the other without a gap.';

create or replace function desk.plan_walk_forward(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run      desk.optimization_runs;
  v_plan     record;
  v_sessions date[];
  v_fold     record;
  v_folds    integer;
  v_before   date;
  v_path     constant text := '$.optimization.walk_forward';
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  select w.mode, w.unit, w.in_sample, w.out_of_sample, w.embargo, w.warm_up into v_plan
  from jsonb_to_record(v_run.config #> '{optimization,walk_forward}') as w (
    mode text, unit text, in_sample integer, out_of_sample integer, embargo integer, warm_up integer);
  v_sessions := desk.run_sessions(p_run_id, v_run.start_date, v_run.end_date);
  select count(*) into v_folds
  from desk.walk_forward_windows(v_sessions, v_run.start_date, v_run.end_date, v_plan.mode, v_plan.unit,
    v_plan.in_sample, v_plan.out_of_sample, v_plan.embargo) as w;
  if v_folds = 0 then
    perform desk.refuse(
      format('The windows of %s and %s %s do not fit into %s sessions from %s to %s: no fold', v_plan.in_sample,
        v_plan.out_of_sample,
        v_plan.unit, cardinality(v_sessions), v_run.start_date, v_run.end_date),
      v_path, 'Use shorter windows or a longer one around them.');
  end if;
  for v_fold in
    select w.*, (select count(*) from unnest(v_sessions) as s (d) where s.d >= w.in_sample_start
      and s.d < w.in_sample_end) as inside,
           (select count(*) from unnest(v_sessions) as s (d) where s.d >= w.out_of_sample_start
             and s.d < w.out_of_sample_end) as outside
    from desk.walk_forward_windows(v_sessions, v_run.start_date, v_run.end_date, v_plan.mode, v_plan.unit,
      v_plan.in_sample, v_plan.out_of_sample, v_plan.embargo) as w
  loop
    if v_plan.embargo >= v_fold.outside then
      perform desk.refuse(format('An embargo of %s sessions swallows the test window of %s', v_plan.embargo,
        v_fold.outside),
        v_path || '.embargo', 'Use a shorter embargo or a longer out_of_sample.');
    elsif v_fold.in_sample_end is null or v_fold.inside < 2 then
      perform desk.refuse(format('Fold %s has %s sessions in sample', v_fold.fold, v_fold.inside),
        v_path || '.in_sample', 'Use a longer in_sample or a shorter embargo.');
    elsif v_fold.outside < 2 then
      perform desk.refuse(format('Fold %s has %s sessions out of sample', v_fold.fold, v_fold.outside),
        v_path || '.out_of_sample', 'Use a longer out_of_sample.');
    end if;
    if v_fold.fold = 1 then
      insert into desk.walk_forward_plans (
        optimization_run_id, mode, unit, in_sample, out_of_sample, embargo_sessions, warm_up_bars, folds)
      values (p_run_id, v_plan.mode, v_plan.unit, v_plan.in_sample, v_plan.out_of_sample, v_plan.embargo,
        v_plan.warm_up, v_folds);
    end if;
    insert into desk.walk_forward_folds (
      optimization_run_id, fold, in_sample_start, in_sample_end, embargo_sessions, out_of_sample_start,
      out_of_sample_end,
      previous_out_of_sample_end)
    values (p_run_id, v_fold.fold, v_fold.in_sample_start, v_fold.in_sample_end, v_plan.embargo,
      v_fold.out_of_sample_start,
      v_fold.out_of_sample_end, v_before);
    v_before := v_fold.out_of_sample_end;
    update desk.walk_forward_folds as f
    set in_sample_run_id = desk.plan_child(v_run, 'in_sample', f.in_sample_start, f.in_sample_end - 1,
      jsonb_set(v_run.config, '{optimization}',
        (v_run.config -> 'optimization') - '{walk_forward,search}'::text[]
        || jsonb_build_object('type', v_run.config #> '{optimization,search}')))
    where f.optimization_run_id = p_run_id and f.fold = v_fold.fold;
  end loop;
end
$$;
comment on function desk.plan_walk_forward(bigint) is
  'Lays the windows of a walk-forward run and plans the search in each in-sample window; refuses windows that cannot '
  'be.';

create or replace function desk.folds_at_most(p_run_id bigint)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select w.folds from desk.walk_forward_plans as w where w.optimization_run_id = p_run_id
$$;
comment on function desk.folds_at_most(bigint) is
  'Points that a walk-forward run has at the most beside those of its searches: a test a fold.';

create or replace function desk.plan_child(p_parent desk.optimization_runs, p_role text, p_start date, p_end date,
  p_config jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_config   jsonb := p_config || jsonb_build_object('start_date', p_start, 'end_date', p_end)
    || case p_role when 'out_of_sample' then '{"keep_series": "all"}'::jsonb else '{}' end;
  v_warm_up  integer := coalesce((p_parent.config #>> '{optimization,walk_forward,warm_up}')::integer, 0);
  v_run_id   bigint;
  v_versions bigint[];
begin
  select array_agg(s.price_version_id order by s.position) into v_versions
  from desk.run_symbols as s where s.optimization_run_id = p_parent.id;
  insert into desk.optimization_runs (
    strategy_id, job_id, parent_run_id, role, config_file, config, optimization_type, target_metric, target_direction,
    total_combinations, paused, priority, run_after, symbols, timeframe, start_date, end_date, cash, risk_free_rate,
    engine, seed,
    data_hash, warm_up_bars, settings_hash, sessions_a_year, contract_terms, code_version_id, created_by)
  values (
    p_parent.strategy_id, p_parent.job_id, p_parent.id, p_role, p_parent.config_file, v_config,
    v_config #>> '{optimization,type}',
    p_parent.target_metric, p_parent.target_direction, 1, p_parent.paused, p_parent.priority, p_parent.run_after,
    p_parent.symbols,
    p_parent.timeframe, p_start, p_end, p_parent.cash, p_parent.risk_free_rate, p_parent.engine, p_parent.seed,
    desk.price_hash(v_versions, p_start, p_end), v_warm_up,
    desk.settings_hash(v_config, p_start, p_end, v_warm_up,
      desk.session_settings(p_parent.sessions_a_year, v_versions, p_parent.id), p_parent.contract_terms),
    p_parent.sessions_a_year, p_parent.contract_terms, p_parent.code_version_id, p_parent.created_by)
  returning id into v_run_id;
  insert into desk.run_symbols (optimization_run_id, position, instrument_id, price_version_id, zone, day_begins,
    own_day)
  select v_run_id, s.position, s.instrument_id, s.price_version_id, s.zone, s.day_begins, s.own_day
  from desk.run_symbols as s where s.optimization_run_id = p_parent.id;
  -- A window is shorter than the whole: by default it is asked neither for the number of trades nor for a profit.
  perform desk.set_criteria(v_run_id,
    case p_role
      when 'in_sample' then coalesce(p_parent.config -> 'in_sample_criteria',
        coalesce(p_parent.config -> 'success_criteria',
          desk.setting('default_criteria') - 'min_total_return') - '{min_trades,max_trades}'::text[])
      else '{}' end,
    case p_role when 'in_sample' then (
      desk.sorted_constraints(p_parent.strategy_id,
        p_parent.config #> '{optimization,constraints}')).metric_limits end);
  perform desk.plan_first(v_run_id);
  return v_run_id;
end
$$;
comment on function desk.plan_child(desk.optimization_runs, text, date, date, jsonb) is
  'A run that is a part of a walk-forward run: on the same prices and costs, in a window of its own.';

create or replace function desk.advance_fold(p_parent desk.optimization_runs, p_fold desk.walk_forward_folds)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_child  desk.optimization_runs;
  v_chosen desk.full_results;
  v_result desk.full_results;
  v_run_id bigint;
begin
  select r.* into v_child from desk.optimization_runs as r
  where r.id = case p_fold.state when 'in_sample' then p_fold.in_sample_run_id else p_fold.out_of_sample_run_id end;
  if v_child.status in ('failed', 'cancelled') then
    raise exception using errcode = 'P0001',
      message = format('fold %s %s: run %s was %s: %s', p_fold.fold, replace(p_fold.state, '_', ' '), v_child.id,
        v_child.status,
        coalesce(v_child.error, 'no error'));
  elsif v_child.status <> 'completed' then
    return;
  end if;
  if p_fold.state = 'in_sample' then
    -- A fold points at its choice.
    perform desk.promote_passed(v_child.id);
    select b.* into v_chosen
    from desk.full_results as b
    cross join lateral (select (to_jsonb(b) ->> p_parent.target_metric)::float8) as v (value)
    where b.optimization_run_id = v_child.id and b.passed and v.value is not null
    order by case p_parent.target_direction when 'max' then -v.value else v.value end, b.ordinal
    limit 1;
    if not found then
      update desk.walk_forward_folds set state = 'cash'
      where optimization_run_id = p_fold.optimization_run_id and fold = p_fold.fold;
      return;
    end if;
    v_run_id := desk.plan_child(p_parent, 'out_of_sample', p_fold.out_of_sample_start, p_fold.out_of_sample_end - 1,
      jsonb_set(p_parent.config, '{optimization}', jsonb_build_object(
        'type', 'Grid Search', 'target_metric', p_parent.target_metric, 'target_direction', p_parent.target_direction,
        'constraints', '[]'::jsonb, 'parameters', v_chosen.parameters)));
    update desk.walk_forward_folds
    set state = 'out_of_sample', chosen_result_id = v_chosen.id, out_of_sample_run_id = v_run_id
    where optimization_run_id = p_fold.optimization_run_id and fold = p_fold.fold;
    notify desk_work;
    return;
  end if;
  select b.* into v_result from desk.full_results as b where b.optimization_run_id = v_child.id;
  select b.* into v_chosen from desk.full_results as b where b.id = p_fold.chosen_result_id;
  update desk.walk_forward_folds
  set state = 'done', out_of_sample_result_id = v_result.id,
      efficiency = case when v_chosen.annual_return > 0 then v_result.annual_return / v_chosen.annual_return end
  where optimization_run_id = p_fold.optimization_run_id and fold = p_fold.fold;
end
$$;
comment on function desk.advance_fold(desk.optimization_runs, desk.walk_forward_folds) is
  'Takes a fold one step on: from the search in sample to the chosen point out of sample, or to cash when none '
  'passed, and to its result.';

create or replace function desk.advance_walk_forward(p_run_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run  desk.optimization_runs;
  v_fold desk.walk_forward_folds;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  for v_fold in
    select f.* from desk.walk_forward_folds as f
    where f.optimization_run_id = p_run_id and f.state in ('in_sample', 'out_of_sample')
    order by f.fold
    for update
  loop
    perform desk.advance_fold(v_run, v_fold);
  end loop;
  if exists (
    select from desk.walk_forward_folds as f
    where f.optimization_run_id = p_run_id and f.state in ('in_sample', 'out_of_sample'))
  then
    return 'asked';
  end if;
  if not exists (select from desk.full_results as b where b.optimization_run_id = p_run_id) then
    perform desk.record_stitched(v_run);
  end if;
  return 'over';
end
$$;
comment on function desk.advance_walk_forward(bigint) is
  'Takes every fold as far as it goes; over, with the stitched result recorded, when all are done.';

grant select on desk.walk_forward_plans, desk.walk_forward_folds, desk.search_points, desk.batches to desk_director,
  desk_viewer;
