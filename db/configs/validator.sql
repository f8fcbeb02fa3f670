-- The one validator of configs.

create or replace function desk.inner_search(p_search jsonb)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select coalesce(p_search ->> 'search', p_search ->> 'type')
$$;
comment on function desk.inner_search(jsonb) is
  'How points are chosen: the type of a checked search, or of the search inside a walk-forward.';

create or replace function desk.checked_search(p_search jsonb, p_config jsonb)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_type  desk.searches;
  v_inner desk.searches;
  v_key   text;
  v_owner text;
begin
  select s.* into v_type from desk.searches as s where s.name = p_search ->> 'type';
  select s.* into v_inner from desk.searches as s
  where s.name = case when v_type.windows then coalesce(p_search ->> 'search', v_type.defaults ->> 'search')
    else v_type.name end;
  -- A key that the chosen search never reads is a mistake, not a wish.
  select k.name, s.name into v_key, v_owner
  from jsonb_object_keys(p_search) as k (name)
  join desk.searches as s on k.name = any (s.keys)
  where not k.name = any (v_type.keys || v_inner.keys)
  order by s.position
  limit 1;
  if v_key is not null then
    perform desk.refuse(format('A %s has no %s', v_type.name, v_key), '$.optimization.' || v_key,
      format('Remove the key, or use type: %s.', v_owner));
  end if;
  if p_config ? 'in_sample_criteria' and not v_type.windows then
    perform desk.refuse(format('A %s has no in_sample_criteria', v_type.name), '$.in_sample_criteria',
      format('Remove the key, or use type: %s.',
        (select s.name from desk.searches as s where s.windows order by s.position limit 1)));
  end if;
  select n.key, n.search into v_key, v_owner
  from (
    select unnest(v_type.required_keys) as key, v_type.name as search
    union all
    select unnest(v_inner.required_keys), v_inner.name
  ) as n
  where not p_search ? n.key
  limit 1;
  if v_key is not null then
    perform desk.refuse(format('Key %s is missing', v_key), '$.optimization',
      (select format('A %s needs it, such as: %s: %s', v_owner, v_key, k.example) from desk.config_keys as k
       where k.path = 'optimization.' || v_key));
  end if;
  return p_search || (
    select coalesce(jsonb_object_agg(d.key, case jsonb_typeof(d.value)
      when 'object' then d.value || coalesce(p_search -> d.key, '{}')
      else coalesce(p_search -> d.key, d.value) end), '{}')
    from jsonb_each(v_inner.defaults || v_type.defaults) as d (key, value));
end
$$;
comment on function desk.checked_search(jsonb, jsonb) is
  'The search with its own defaults; refuses keys that it never reads and the lack of one that it needs.';

create or replace function desk.validate_config(p_strategy text, p_config jsonb)
returns jsonb
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_config    jsonb := p_config;
  v_search    jsonb;
  v_strategy  desk.strategies;
  v_name      text;
  v_metric    text;
  v_timeframe text;
  v_symbols   text[];
  v_start     date;
  v_end       date;
  v_each      boolean;
  v_limits    jsonb;
begin
  if jsonb_typeof(coalesce(p_config, 'null')) <> 'object' then
    perform desk.refuse(format('Got %s where a config is needed', left(coalesce(p_config::text, 'nothing'), 60)), '$',
      'A config is an object; see configs/optimizations/template.yaml.');
  end if;
  if p_strategy is not null then
    if v_config ? 'strategy' and v_config ->> 'strategy' <> p_strategy then
      perform desk.refuse(format('The job says strategy %s and its config says %s', p_strategy,
        v_config ->> 'strategy'), '$.strategy',
        'Name it once.');
    end if;
    v_config := v_config || jsonb_build_object('strategy', p_strategy);
  end if;
  perform desk.check_config_keys(v_config, '', '$');

  v_name := v_config ->> 'strategy';
  select s.* into v_strategy from desk.strategies as s where s.name = v_name or s.code = v_name;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(v_name, 60))), '$.strategy',
      coalesce(desk.broken_file_of(v_name), desk.did_you_mean(v_name, array(select s.name from desk.strategies as s))),
      '23503');
  end if;
  if v_strategy.status = 'retired' then
    perform desk.refuse(format('Strategy %s is retired', v_strategy.name), '$.strategy',
      format('Bring it back first: select move_strategy(''%s'', ''backlog'', ''why'').', v_strategy.name));
  end if;

  perform desk.check_engine_keys(v_strategy.engine, v_config);
  v_config := coalesce((select jsonb_build_object('resample', c.details -> 'resample') from desk.code_versions as c
    where c.id = v_strategy.current_version_id and c.details ? 'resample'), '{}') || v_config;
  perform desk.check_margin(v_config -> 'margin');
  perform desk.check_cash_flows(v_config -> 'cash_flows');

  -- Defaults of scalar keys come from config_keys.
  select jsonb_object_agg(k.path, k.default_value) || v_config into v_config
  from desk.config_keys as k where k.default_value is not null and k.path !~ '[.]' and k.path <> 'optimization';
  select jsonb_object_agg(substr(k.path, 14), k.default_value) || coalesce(v_config -> 'optimization', '{}')
    into v_search
  from desk.config_keys as k where k.default_value is not null and k.path ~ '^optimization[.][a-z_]+$';

  if jsonb_typeof(v_config -> 'commission') = 'number' then
    v_config := v_config || jsonb_build_object('commission', jsonb_build_object('percent', v_config -> 'commission'));
  end if;
  v_config := jsonb_set(v_config, '{commission}',
    '{"percent": 0, "per_share": 0, "minimum": 0}'::jsonb || (v_config -> 'commission'));

  v_metric := desk.metric_named(v_search ->> 'target_metric');
  if v_metric is null then
    perform desk.refuse(format('Unknown metric %s', to_jsonb(left(v_search ->> 'target_metric', 60))),
      '$.optimization.target_metric',
      desk.did_you_mean(v_search ->> 'target_metric', array(
        select n.name from desk.metric_definitions as d, unnest(d.title || d.aliases) as n (name))), '23503');
  end if;
  v_search := v_search || jsonb_build_object('target_metric', v_metric, 'target_direction',
    coalesce(v_search ->> 'target_direction',
    (select d.direction from desk.metric_definitions as d where d.metric = v_metric)));
  v_search := desk.checked_search(v_search, v_config);
  perform desk.parameter_space(v_strategy.id, v_search -> 'parameters', desk.inner_search(v_search));
  perform desk.sorted_constraints(v_strategy.id, v_search -> 'constraints');

  v_timeframe := v_config ->> 'timeframe';
  if v_timeframe !~ '^[1-9][0-9]*(m|h|d|w|mo)$' then
    perform desk.refuse(format('Got %s as timeframe', to_jsonb(left(v_timeframe, 20))), '$.timeframe',
      'Write a number and m, h, d, w or mo: 1d.');
  end if;
  perform desk.check_resample(v_config -> 'resample', v_timeframe);
  v_symbols := desk.checked_symbols(v_config -> 'symbols', v_timeframe);
  perform desk.check_contracts(v_strategy.engine, v_symbols, v_config);
  v_start := (v_config ->> 'start_date')::date;
  v_end := (v_config ->> 'end_date')::date;
  v_each := v_config ? 'for_each';
  if v_each then
    perform desk.checked_window(array[s.symbol], v_timeframe, v_start, v_end) from unnest(v_symbols) as s (symbol);
  else
    select w.p_start, w.p_end into v_start, v_end from desk.checked_window(v_symbols, v_timeframe, v_start, v_end) as w;
  end if;

  perform desk.checked_criteria(v_config -> c.name, '$.' || c.name)
  from unnest('{success_criteria,in_sample_criteria}'::text[]) as c (name) where v_config ? c.name;
  -- Pinned with the job, so that a limit which is changed later changes no search that runs.
  v_limits := coalesce(desk.risk_limits_of(v_strategy.id), '{}') || coalesce(v_config -> 'risk_limits', '{}');
  return desk.canonical_json(jsonb_strip_nulls(
    (v_config - '{name,description,notes,optimization,symbols,start_date,end_date}'::text[])
    || jsonb_build_object('strategy', v_strategy.name, 'symbols', to_jsonb(v_symbols), 'start_date', v_start,
      'end_date', v_end,
         'optimization', v_search, 'risk_limits', nullif(v_limits, '{}'))));
end
$$;
comment on function desk.validate_config(text, jsonb) is
  'The one validator: the config with aliases resolved and defaults filled in, or a refusal in one sentence with its '
  'JSON path and a hint.';
grant execute on function desk.validate_config(text, jsonb) to desk_director, desk_viewer, desk_importer;
