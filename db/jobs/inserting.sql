-- The director's insert: validated, counted and recorded as runs, without a row a point.

create or replace function desk.tg_jobs_validate()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_twin bigint;
begin
  new.canonical_config := case new.kind
    when 'optimization' then desk.validate_config(new.strategy, new.config)
    else desk.validate_task(new.kind, new.config) end;
  new.strategy := new.canonical_config ->> 'strategy';
  new.config_hash := desk.sha256_text(new.kind || new.canonical_config::text);
  -- Only estimate() inserts as the owner: a session that sets this itself gets around nothing.
  if coalesce(current_setting('desk.estimating', true), '') = 'on' and new.created_by = current_user then
    new.config_hash := 'estimate of ' || new.config_hash;
    return new;
  end if;
  -- Two sessions with the same config queue up here, so that the second one sees the first one's row.
  perform pg_advisory_xact_lock(hashtextextended(new.config_hash, 0));
  select j.id into v_twin from desk.jobs as j
  where j.config_hash = new.config_hash and j.is_open;
  if found then
    perform desk.refuse(format('Job %s is identical and not over yet', v_twin), '$',
      format('Watch it: select * from job_progress where job_id = %s; or end it: select cancel_job(%s).', v_twin,
        v_twin), '23505');
  end if;
  return new;
end
$$;
comment on function desk.tg_jobs_validate() is 'Refuses a job that cannot run, or that is open already.';
create or replace trigger jobs_a_validate before insert on desk.jobs
for each row execute function desk.tg_jobs_validate();

create or replace function desk.result_settings(p_config jsonb)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_object_agg(k.path, p_config -> k.path), '{}')
  from desk.config_keys as k
  where k.affects = 'result' and k.path !~ '[.]'
    -- The strategy is known by its code's hash, the window by its first and last day.
    and k.path not in ('strategy', 'start_date', 'end_date')
    and (k.in_every_hash or p_config -> k.path <> coalesce(k.default_value, 'null'))
$$;
comment on function desk.result_settings(jsonb) is
  'What of a config affects results, where it is not at its default: it parts their hashes, and engines are told it.';

drop function if exists desk.settings_hash(jsonb, date, date, integer);
drop function if exists desk.settings_hash(jsonb, date, date, integer, jsonb);
create or replace function desk.settings_hash(p_config jsonb, p_start date, p_end date, p_warm_up integer,
  p_sessions jsonb default '{}', p_terms jsonb default null)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select desk.sha256_text((jsonb_build_object('start', p_start, 'end', p_end, 'warm_up', p_warm_up) || p_sessions
    || case when p_terms is null then '{}' else jsonb_build_object('contracts', p_terms) end
    || desk.result_settings(p_config))::text)
$$;
comment on function desk.settings_hash(jsonb, date, date, integer, jsonb, jsonb) is
  'SHA-256 of all besides code, prices and parameters that decides a result; of sessions what session_settings() says, '
  'and the terms of contracts where there are any.';

create or replace function desk.session_settings(p_sessions_a_year double precision, p_versions bigint[],
  p_parent_id bigint default null)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  -- Nothing where a year has 252 sessions and each is a UTC date, as it was for all before it was asked.
  select jsonb_strip_nulls(jsonb_build_object(
    'sessions_a_year', nullif(p_sessions_a_year, 252),
    'session_days', (
      select jsonb_agg(jsonb_build_array(coalesce(s.zone, d.zone), coalesce(s.day_begins, d.day_begins))
        order by n.position)
      from unnest(p_versions) with ordinality as n (id, position)
      join desk.price_versions as v on v.id = n.id
      cross join lateral desk.instrument_day(v.instrument_id, v.timeframe) as d
      left join desk.run_symbols as s on s.optimization_run_id = p_parent_id and s.position = n.position
      having not bool_and(v.utc_sessions or s.own_day is false))))
$$;
comment on function desk.session_settings(double precision, bigint[], bigint) is
  'What of a run''s sessions decides its results, where it is not 252 a year and UTC dates: with the clocks of its '
  'parent, or of its instruments.';

create or replace function desk.plan_run(p_job desk.jobs, p_symbols text[])
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_config   jsonb := p_job.canonical_config || jsonb_build_object('symbols', to_jsonb(p_symbols));
  v_search   jsonb := p_job.canonical_config -> 'optimization';
  v_strategy desk.strategies;
  v_start    date := (v_config ->> 'start_date')::date;
  v_end      date := (v_config ->> 'end_date')::date;
  v_sorted   record;
  v_versions bigint[];
  v_run_id   bigint;
  v_year     double precision;
  v_terms    jsonb := desk.contract_terms(p_symbols);
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_job.strategy;
  select w.p_start, w.p_end into v_start, v_end
  from desk.checked_window(p_symbols, v_config ->> 'timeframe', v_start, v_end) as w;
  v_config := v_config || jsonb_build_object('start_date', v_start, 'end_date', v_end);
  select array_agg(v.id order by s.position) into v_versions
  from unnest(p_symbols) with ordinality as s (symbol, position)
  join desk.instruments as n on n.symbol = s.symbol
  cross join lateral desk.latest_price_version(n.id, v_config ->> 'timeframe') as v;
  v_year := desk.sessions_a_year(p_symbols, v_config ->> 'timeframe');

  insert into desk.optimization_runs (
    strategy_id, job_id, config_file, config, optimization_type, target_metric, target_direction, total_combinations,
    priority, run_after, symbols, timeframe, start_date, end_date, cash, risk_free_rate, engine, seed, data_hash,
    settings_hash, sessions_a_year, contract_terms, notes, tags, created_by)
  values (
    v_strategy.id, p_job.id, p_job.config_file, v_config, v_search ->> 'type', v_search ->> 'target_metric',
    v_search ->> 'target_direction', 1, p_job.priority, p_job.run_after, p_symbols, v_config ->> 'timeframe', v_start,
    v_end,
    (v_config ->> 'cash')::float8, (v_config ->> 'risk_free_rate')::float8, v_strategy.engine,
    (v_config ->> 'seed')::bigint,
    desk.price_hash(v_versions, v_start, v_end),
    desk.settings_hash(v_config, v_start, v_end, 0, desk.session_settings(v_year, v_versions), v_terms), v_year,
    v_terms, p_job.notes, p_job.tags, p_job.created_by)
  returning id into v_run_id;
  insert into desk.run_symbols (optimization_run_id, position, instrument_id, price_version_id, zone, day_begins,
    own_day)
  select v_run_id, v.position, p.instrument_id, p.id, d.zone, d.day_begins, true
  from unnest(v_versions) with ordinality as v (id, position)
  join desk.price_versions as p on p.id = v.id
  cross join lateral desk.instrument_day(p.instrument_id, p.timeframe) as d;

  v_sorted := desk.sorted_constraints(v_strategy.id, v_search -> 'constraints');
  perform desk.set_criteria(v_run_id, v_config -> 'success_criteria', v_sorted.metric_limits);
  perform desk.plan_first(v_run_id);
  return v_run_id;
end
$$;
comment on function desk.plan_run(desk.jobs, text[]) is
  'Records one search of a job: window, pinned prices, criteria, axes and the number of points.';

create or replace function desk.tg_jobs_plan()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_symbols text[] := array(select jsonb_array_elements_text(new.canonical_config -> 'symbols'));
  v_kind    text;
  v_needs   record;
begin
  insert into desk.job_events (job_id, event, to_state, actor) values (new.id, 'job', new.state, new.created_by);
  if new.kind <> 'optimization' then
    insert into desk.work_items (kind, job_id, payload, run_after)
    values (new.kind, new.id, new.canonical_config, new.run_after);
  elsif new.canonical_config ? 'for_each' then
    perform desk.plan_run(new, array[s.symbol]) from unnest(v_symbols) as s (symbol);
  else
    perform desk.plan_run(new, v_symbols);
  end if;
  if coalesce(current_setting('desk.estimating', true), '') = 'on' and new.created_by = current_user then
    return null;
  end if;
  if new.kind = 'optimization' then
    perform desk.guard_fees(new.id);
  end if;
  if not exists (select from desk.alive_runners()) then
    raise notice 'Job % waits: no runner is alive. Start one: backdesk work', new.id;
  else
    -- A job is a task, or a search that may ask for one.
    v_kind := case when new.kind <> 'optimization' then new.kind else (
      select s.task_kind from desk.searches as s
      where s.name = desk.inner_search(new.canonical_config -> 'optimization')) end;
    select n.* into v_needs from desk.task_needs(v_kind, new.canonical_config) as n;
    if v_kind is not null and not exists (
      select from desk.alive_runners() as a where v_needs.capability = any (a.engines)) then
      raise notice 'Job % waits: no live runner takes tasks of kind %. %', new.id,
        concat_ws(' from ', v_kind, case v_kind when 'load_prices' then new.canonical_config ->> 'source' end),
        v_needs.remedy;
    end if;
  end if;
  notify desk_work;
  return null;
end
$$;
comment on function desk.tg_jobs_plan() is 'Turns a new job into its runs and wakes the runners.';
create or replace trigger jobs_b_plan after insert on desk.jobs
for each row execute function desk.tg_jobs_plan();

create or replace function desk.tg_jobs_state()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  insert into desk.job_events (job_id, event, from_state, to_state, details, actor)
  values (new.id, 'job', old.state, new.state,
    jsonb_strip_nulls(jsonb_build_object('summary', new.summary, 'error', new.error)), session_user);
  return null;
end
$$;
comment on function desk.tg_jobs_state() is 'Writes the event of a change of state.';
create or replace trigger jobs_c_state after update of state on desk.jobs
for each row when (old.state is distinct from new.state) execute function desk.tg_jobs_state();

create or replace function desk.set_criteria(p_run_id bigint, p_criteria jsonb, p_metric_limits jsonb)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.success_criteria (optimization_run_id, metric, comparison, threshold, source)
  select p_run_id, l.metric, l.comparison,
         case when l.comparison like '<%' then min(l.threshold) else max(l.threshold) end, 'constraint'
  from jsonb_to_recordset(coalesce(p_metric_limits, '[]')) as l (metric text, comparison text, threshold float8)
  group by l.metric, l.comparison;
  insert into desk.success_criteria as s (optimization_run_id, metric, comparison, threshold, source)
  select p_run_id, d.metric, case c.key when d.min_key then '>=' else '<=' end, (c.value #>> '{}')::float8,
         case when p_criteria is null then 'default' else 'config' end
  from jsonb_each(coalesce(p_criteria, desk.setting('default_criteria'))) as c (key, value)
  join desk.metric_definitions as d on c.key in (d.min_key, d.max_key)
  -- Of two thresholds for one metric the stricter holds.
  on conflict (optimization_run_id, metric, comparison) do update
  set threshold = case when excluded.comparison = '<=' then least(s.threshold, excluded.threshold)
                       else greatest(s.threshold, excluded.threshold) end
$$;
comment on function desk.set_criteria(bigint, jsonb, jsonb) is
  'Writes a run''s criteria as rows: its own, or the desk''s defaults, and its limits on metrics.';

grant select on desk.jobs to desk_director, desk_viewer, desk_importer;
grant insert (kind, strategy, config, config_file, priority, run_after, notes, tags) on desk.jobs to desk_director;
grant update (notes, tags) on desk.jobs to desk_director;
