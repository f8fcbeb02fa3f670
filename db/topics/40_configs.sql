-- The one validator of configs, and the JSON schema that editors read.

create or replace function desk.json_path(p_path text, p_key text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select case
    when p_key ~ '^[A-Za-z_][A-Za-z0-9_]*$' then p_path || '.' || p_key
    else format('%s[%s]', p_path, to_jsonb(p_key))
  end
$$;
comment on function desk.json_path(text, text) is 'JSON path of a key below a path.';
revoke execute on function desk.json_path(text, text) from public;

create or replace function desk.check_config_value(p_key desk.config_keys, p_value jsonb, p_json_path text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_type   text := jsonb_typeof(p_value);
  v_shown  text := left(p_value::text, 80);
  v_number numeric;
begin
  if v_type = 'null' then
    perform desk.refuse('A key without a value', p_json_path,
      format('Give it a value%s, or remove the key.', coalesce(', such as ' || nullif(p_key.example, ''), '')));
  end if;
  case p_key.type
    when 'text', 'metric' then
      if v_type <> 'string' then
        perform desk.refuse(format('Got %s where a text is needed', v_shown), p_json_path, 'Such as ' || p_key.example || '.');
      end if;
    when 'date' then
      if v_type <> 'string' or not (p_value #>> '{}') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
        perform desk.refuse(format('Got %s where a date is needed', v_shown), p_json_path, 'Write YYYY-MM-DD, such as ' || p_key.example || '.');
      end if;
      begin
        perform (p_value #>> '{}')::date;
      exception when datetime_field_overflow or invalid_datetime_format then
        perform desk.refuse(format('%s is not a day of the calendar', v_shown), p_json_path, 'Write YYYY-MM-DD, such as ' || p_key.example || '.');
      end;
    when 'integer', 'number', 'criterion' then
      if v_type <> 'number' then
        perform desk.refuse(format('Got %s where a number is needed', v_shown), p_json_path,
          case when v_type = 'string' then 'Write the number without quotes and units; 30% is 0.30.' else 'Such as ' || p_key.example || '.' end);
      end if;
      v_number := (p_value #>> '{}')::numeric;
      if p_key.type = 'integer' and v_number <> trunc(v_number) then
        perform desk.refuse(format('Got %s where a whole number is needed', v_shown), p_json_path, 'Such as ' || p_key.example || '.');
      end if;
      if v_number < p_key.minimum or v_number > p_key.maximum then
        perform desk.refuse(format('%s is out of range', v_shown), p_json_path,
          format('It must lie between %s and %s.', trim_scale(p_key.minimum), trim_scale(p_key.maximum)));
      end if;
    when 'boolean' then
      if v_type <> 'boolean' then
        perform desk.refuse(format('Got %s where true or false is needed', v_shown), p_json_path, 'Write true or false.');
      end if;
    when 'object' then
      if v_type <> 'object' then
        perform desk.refuse(format('Got %s where keys with values are needed', v_shown), p_json_path, 'See configs/optimizations/template.yaml.');
      end if;
    when 'commission' then
      if v_type not in ('number', 'object') then
        perform desk.refuse(format('Got %s as commission', v_shown), p_json_path,
          'Write a fraction of the value such as 0.001, or percent, per_share and minimum.');
      end if;
      if v_type = 'number' and not (p_value #>> '{}')::numeric between 0 and 0.5 then
        perform desk.refuse(format('A commission of %s is out of range', v_shown), p_json_path,
          'It is a fraction of the traded value: 0.001 is a tenth of a per cent.');
      end if;
    when 'symbols' then
      if v_type not in ('string', 'array')
        or (v_type = 'array' and exists (select from jsonb_array_elements(p_value) as e (item) where jsonb_typeof(e.item) <> 'string'))
      then
        perform desk.refuse(format('Got %s as symbols', v_shown), p_json_path, 'Write a list of symbols, such as [AAPL, IBM].');
      end if;
      if p_value in ('[]', '""') then
        perform desk.refuse('No symbol is named', p_json_path, 'Write a list of symbols, such as [AAPL, IBM].');
      end if;
    when 'texts' then
      if v_type <> 'array'
        or exists (select from jsonb_array_elements(p_value) as e (item) where jsonb_typeof(e.item) <> 'string')
      then
        perform desk.refuse(format('Got %s where a list of texts is needed', v_shown), p_json_path, 'Such as ' || p_key.example || '.');
      end if;
    when 'parameter' then
      null; -- checked against the strategy in check_parameter()
  end case;
  if p_key.allowed is not null and not (p_value #>> '{}') = any (p_key.allowed) then
    perform desk.refuse(format('Unknown value %s', v_shown), p_json_path,
      desk.did_you_mean(p_value #>> '{}', p_key.allowed));
  end if;
end
$$;
comment on function desk.check_config_value(desk.config_keys, jsonb, text) is 'Refuses a value that is not what its key needs.';
revoke execute on function desk.check_config_value(desk.config_keys, jsonb, text) from public;

create or replace function desk.check_config_keys(p_config jsonb, p_pattern text, p_json_path text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_name    text;
  v_value   jsonb;
  v_prefix  text := case when p_pattern = '' then '' else p_pattern || '.' end;
  v_key     desk.config_keys;
  v_missing text;
begin
  for v_name, v_value in select * from jsonb_each(p_config) loop
    select k.* into v_key from desk.config_keys as k
    where k.path in (v_prefix || v_name, v_prefix || '*')
    order by k.path = v_prefix || '*'
    limit 1;
    if not found then
      perform desk.refuse(format('Unknown key %s', to_jsonb(left(v_name, 60))), desk.json_path(p_json_path, v_name),
        desk.did_you_mean(v_name, array(
          select substr(k.path, length(v_prefix) + 1) from desk.config_keys as k
          where starts_with(k.path, v_prefix) and position('.' in substr(k.path, length(v_prefix) + 1)) = 0)));
    end if;
    perform desk.check_config_value(v_key, v_value, desk.json_path(p_json_path, v_name));
    if jsonb_typeof(v_value) = 'object' then
      perform desk.check_config_keys(v_value, v_key.path, desk.json_path(p_json_path, v_name));
    end if;
  end loop;
  select substr(k.path, length(v_prefix) + 1) into v_missing
  from desk.config_keys as k
  where k.required and starts_with(k.path, v_prefix)
    and substr(k.path, length(v_prefix) + 1) !~ '[.*]'
    and not p_config ? substr(k.path, length(v_prefix) + 1)
  order by k.position
  limit 1;
  if v_missing is not null then
    perform desk.refuse(format('Key %s is missing', v_missing), p_json_path,
      (select format('%s Such as: %s: %s', k.description, v_missing, k.example) from desk.config_keys as k where k.path = v_prefix || v_missing));
  end if;
end
$$;
comment on function desk.check_config_keys(jsonb, text, text) is 'Refuses unknown and missing keys and values of the wrong kind, key by key.';
revoke execute on function desk.check_config_keys(jsonb, text, text) from public;

create or replace function desk.check_parameter_value(p_parameter desk.strategy_parameters, p_value jsonb, p_json_path text)
returns void
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_number numeric;
begin
  if p_parameter.type in ('integer', 'number') then
    if jsonb_typeof(p_value) <> 'number' then
      perform desk.refuse(format('Got %s for %s, which takes %s', left(p_value::text, 60), p_parameter.name,
          case p_parameter.type when 'integer' then 'whole numbers' else 'numbers' end), p_json_path,
        'Write a number, a list of numbers, or {start: , end: , step: }.');
    end if;
    v_number := (p_value #>> '{}')::numeric;
    if p_parameter.type = 'integer' and v_number <> trunc(v_number) then
      perform desk.refuse(format('Got %s for %s, which takes whole numbers', p_value, p_parameter.name), p_json_path,
        'Use a whole number; of a range both start and step must be whole.');
    end if;
    if v_number < p_parameter.minimum or v_number > p_parameter.maximum then
      perform desk.refuse(format('%s is out of bounds for %s', p_value, p_parameter.name), p_json_path,
        format('It takes %s to %s.', coalesce(trim_scale(p_parameter.minimum)::text, 'anything'),
          coalesce(trim_scale(p_parameter.maximum)::text, 'anything')));
    end if;
  elsif p_parameter.type = 'boolean' and jsonb_typeof(p_value) <> 'boolean' then
    perform desk.refuse(format('Got %s for %s, which takes true or false', left(p_value::text, 60), p_parameter.name), p_json_path,
      'Write true, false or [true, false].');
  elsif p_parameter.type = 'text' and jsonb_typeof(p_value) <> 'string' then
    perform desk.refuse(format('Got %s for %s, which takes texts', left(p_value::text, 60), p_parameter.name), p_json_path,
      'Write a text or a list of texts.');
  end if;
end
$$;
comment on function desk.check_parameter_value(desk.strategy_parameters, jsonb, text) is 'Refuses a value that a strategy''s parameter does not take.';
revoke execute on function desk.check_parameter_value(desk.strategy_parameters, jsonb, text) from public;

create or replace function desk.parameter_range(p_parameter desk.strategy_parameters, p_spec jsonb, p_search text, p_json_path text)
returns jsonb
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_drawn    constant boolean := p_search in ('Random Search', 'Bayesian Search');
  v_start    numeric := (p_spec ->> 'start')::numeric;
  v_end      numeric := (p_spec ->> 'end')::numeric;
  v_step     numeric := (p_spec ->> 'step')::numeric;
  v_min_step numeric := (p_spec ->> 'min_step')::numeric;
  v_log      boolean := coalesce((p_spec ->> 'log')::boolean, false);
  v_count    numeric;
begin
  if p_parameter.type not in ('integer', 'number') then
    perform desk.refuse(format('%s takes %s values, not a range', p_parameter.name, p_parameter.type), p_json_path,
      'Write a list of values.');
  end if;
  if v_step is null and not v_drawn then
    perform desk.refuse('Key step is missing', p_json_path, format('A %s needs a step between values, such as: step: 2', p_search));
  end if;
  if v_step <= 0 then
    perform desk.refuse(format('A step of %s never reaches the end', trim_scale(v_step)), p_json_path || '.step',
      'The step must be greater than 0.');
  end if;
  if v_end < v_start then
    perform desk.refuse(format('The range of %s is reversed: %s to %s', p_parameter.name, trim_scale(v_start), trim_scale(v_end)),
      p_json_path || '.end', format('Write start: %s, end: %s.', trim_scale(v_end), trim_scale(v_start)));
  end if;
  if p_spec ? 'min_step' and p_search <> 'Euler Search' then
    perform desk.refuse(format('A %s has no finest step', p_search), p_json_path || '.min_step', 'Remove min_step, or use type: Euler Search.');
  end if;
  if v_min_step <= 0 or v_min_step > v_step then
    perform desk.refuse(format('A finest step of %s with a step of %s', trim_scale(v_min_step), trim_scale(v_step)), p_json_path || '.min_step',
      'It must be greater than 0 and not greater than the step.');
  end if;
  if v_log and not v_drawn then
    perform desk.refuse(format('A %s has no logarithmic scale', p_search), p_json_path || '.log', 'Remove log, or use type: Random Search.');
  elsif v_log and (v_start <= 0 or v_step is not null) then
    perform desk.refuse(case when v_step is null then 'A logarithmic scale cannot start at 0 or below' else 'A logarithmic scale has no step' end,
      p_json_path || '.log', 'Use a start above 0 and no step.');
  end if;
  perform desk.check_parameter_value(p_parameter, to_jsonb(v_start), p_json_path || '.start');
  if v_step is null and (p_parameter.type = 'number' or v_log) then
    perform desk.check_parameter_value(p_parameter, to_jsonb(v_end), p_json_path || '.end');
    return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'start', trim_scale(v_start), 'end', trim_scale(v_end), 'log', v_log);
  end if;
  v_step := coalesce(v_step, 1);
  v_count := floor((v_end - v_start) / v_step) + 1;
  if v_count > 1000000000 then
    perform desk.refuse(format('The range of %s has %s values', p_parameter.name, v_count), p_json_path, 'Use a larger step.');
  end if;
  if v_count > 1 then
    if p_parameter.type = 'integer' and (v_step <> trunc(v_step) or v_min_step <> trunc(v_min_step)) then
      perform desk.refuse(format('A step of %s gives fractions, and %s takes whole numbers',
          trim_scale(case when v_step <> trunc(v_step) then v_step else v_min_step end), p_parameter.name),
        p_json_path || case when v_step <> trunc(v_step) then '.step' else '.min_step' end, 'Use a whole step.');
    end if;
    perform desk.check_parameter_value(p_parameter, to_jsonb(trim_scale(v_start + v_step * (v_count - 1))), p_json_path || '.end');
  end if;
  return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'start', trim_scale(v_start), 'step', trim_scale(v_step), 'count', v_count)
    || case when p_search = 'Euler Search' then jsonb_build_object('min_step', trim_scale(coalesce(v_min_step,
         case p_parameter.type when 'integer' then 1 else v_step / 10 end))) else '{}' end;
end
$$;
comment on function desk.parameter_range(desk.strategy_parameters, jsonb, text, text) is
  'A range as {name, type, start, step, count}, with min_step for an Euler search, or {name, type, start, end, log} where it is drawn from without a step.';
revoke execute on function desk.parameter_range(desk.strategy_parameters, jsonb, text, text) from public;

create or replace function desk.parameter_axis(p_parameter desk.strategy_parameters, p_spec jsonb, p_search text, p_json_path text)
returns jsonb
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_list jsonb := case jsonb_typeof(p_spec) when 'array' then p_spec else jsonb_build_array(p_spec) end;
begin
  if jsonb_typeof(p_spec) = 'object' then
    return desk.parameter_range(p_parameter, p_spec, p_search, p_json_path);
  end if;
  if v_list = '[]' then
    perform desk.refuse(format('The list of values for %s is empty', p_parameter.name), p_json_path, 'Name at least one value.');
  end if;
  perform desk.check_parameter_value(p_parameter, v.value,
    case jsonb_typeof(p_spec) when 'array' then format('%s[%s]', p_json_path, v.position - 1) else p_json_path end)
  from jsonb_array_elements(v_list) with ordinality as v (value, position);
  v_list := desk.canonical_json(v_list);
  if (select count(*) > count(distinct v.value) from jsonb_array_elements(v_list) as v (value)) then
    perform desk.refuse(format('A value for %s is listed twice', p_parameter.name), p_json_path, 'Name each value once.');
  end if;
  return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'values', v_list, 'count', jsonb_array_length(v_list));
end
$$;
comment on function desk.parameter_axis(desk.strategy_parameters, jsonb, text, text) is
  'A parameter''s values as an axis: a range, or {name, type, values, count} for a list or a constant; refuses what cannot be.';
revoke execute on function desk.parameter_axis(desk.strategy_parameters, jsonb, text, text) from public;

create or replace function desk.parameter_space(p_strategy_id bigint, p_parameters jsonb, p_search text)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_name      text;
  v_spec      jsonb;
  v_parameter desk.strategy_parameters;
  v_space     jsonb := '[]';
begin
  for v_name, v_spec in select * from jsonb_each(p_parameters) loop
    if not exists (select from desk.strategy_parameters as p where p.strategy_id = p_strategy_id and p.name = v_name) then
      perform desk.refuse(
        format('Strategy %s has no parameter %s', (select s.name from desk.strategies as s where s.id = p_strategy_id), to_jsonb(left(v_name, 60))),
        desk.json_path('$.optimization.parameters', v_name),
        desk.did_you_mean(v_name, array(select p.name from desk.strategy_parameters as p where p.strategy_id = p_strategy_id)));
    end if;
  end loop;
  for v_parameter in
    select p.* from desk.strategy_parameters as p
    where p.strategy_id = p_strategy_id and p_parameters ? p.name
    order by p.position, p.name
  loop
    v_space := v_space || desk.parameter_axis(v_parameter, p_parameters -> v_parameter.name, p_search,
      desk.json_path('$.optimization.parameters', v_parameter.name));
  end loop;
  return v_space;
end
$$;
comment on function desk.parameter_space(bigint, jsonb, text) is 'The searched parameters in the strategy''s order, each as an axis.';
revoke execute on function desk.parameter_space(bigint, jsonb, text) from public;

create or replace function desk.checked_criteria(p_criteria jsonb, p_path text)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_key    text;
  v_value  jsonb;
  v_metric desk.metric_definitions;
begin
  for v_key, v_value in select * from jsonb_each(p_criteria) loop
    select d.* into v_metric from desk.metric_definitions as d where v_key in (d.min_key, d.max_key);
    if not found then
      perform desk.refuse(format('Unknown criterion %s', to_jsonb(left(v_key, 60))), desk.json_path(p_path, v_key),
        desk.did_you_mean(v_key, array(
          select k.name from desk.metric_definitions as d, unnest(array[d.min_key, d.max_key]) as k (name) where k.name is not null)));
    end if;
    if v_metric.unit = 'fraction' and abs((v_value #>> '{}')::numeric) > 10 then
      perform desk.refuse(format('%s of %s would be %s%%', v_key, v_value, trim_scale((v_value #>> '{}')::numeric * 100)),
        desk.json_path(p_path, v_key), 'Write fractions: 0.30 for 30%.');
    end if;
  end loop;
  return p_criteria;
end
$$;
comment on function desk.checked_criteria(jsonb, text) is 'Success criteria with known keys and plain numbers, or a refusal.';
revoke execute on function desk.checked_criteria(jsonb, text) from public;

create or replace function desk.checked_symbols(p_symbols jsonb, p_timeframe text)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_symbols text[];
  v_symbol  text;
  v_path    text;
begin
  if jsonb_typeof(p_symbols) = 'string' then
    p_symbols := jsonb_build_array(p_symbols);
  end if;
  for i in 0 .. jsonb_array_length(p_symbols) - 1 loop
    v_symbol := upper(btrim(p_symbols ->> i));
    v_path := format('$.symbols[%s]', i);
    if v_symbol = any (v_symbols) then
      perform desk.refuse(format('Symbol %s is named twice', v_symbol), v_path, 'Name each symbol once.');
    end if;
    if not exists (select from desk.instruments as n where n.symbol = v_symbol) then
      perform desk.refuse(format('Unknown symbol %s', to_jsonb(left(v_symbol, 40))), v_path,
        desk.did_you_mean(v_symbol, array(select n.symbol from desk.instruments as n)) || ' Prices come with: backdesk load.', '23503');
    end if;
    if not exists (
      select from desk.price_versions as v join desk.instruments as n on n.id = v.instrument_id
      where n.symbol = v_symbol and v.timeframe = p_timeframe)
    then
      perform desk.refuse(format('%s has no prices of timeframe %s', v_symbol, p_timeframe), v_path,
        coalesce((
          select format('It has: %s.', string_agg(distinct v.timeframe, ', '))
          from desk.price_versions as v join desk.instruments as n on n.id = v.instrument_id where n.symbol = v_symbol),
          'Load them: backdesk load.'), '23503');
    end if;
    v_symbols := v_symbols || v_symbol;
  end loop;
  return v_symbols;
end
$$;
comment on function desk.checked_symbols(jsonb, text) is 'Symbols in upper case, each known and with prices of the timeframe.';
revoke execute on function desk.checked_symbols(jsonb, text) from public;

create or replace function desk.checked_window(p_symbols text[], p_timeframe text, inout p_start date, inout p_end date)
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_symbol text;
  v_first  date;
  v_last   date;
begin
  if p_end < p_start then
    perform desk.refuse(format('The window ends on %s, before it starts on %s', p_end, p_start), '$.end_date',
      format('Use an end_date after %s.', p_start));
  end if;
  select max((v.first_bar at time zone 'UTC')::date), min((v.last_bar at time zone 'UTC')::date)
  into v_first, v_last
  from unnest(p_symbols) as s (symbol)
  join desk.instruments as n on n.symbol = s.symbol
  cross join lateral desk.latest_price_version(n.id, p_timeframe) as v;
  if v_last < v_first then
    perform desk.refuse('The symbols have no day in common', '$.symbols', 'Choose symbols whose prices overlap; see the view price_coverage.');
  end if;
  -- A week of grace: a window may start on a holiday.
  if p_start < v_first - 7 or p_start > v_last then
    select s.symbol into v_symbol
    from unnest(p_symbols) as s (symbol)
    join desk.instruments as n on n.symbol = s.symbol
    cross join lateral desk.latest_price_version(n.id, p_timeframe) as v
    order by case when p_start < v_first then -extract(epoch from v.first_bar) else extract(epoch from v.last_bar) end
    limit 1;
    perform desk.refuse(format('%s has no prices on %s', v_symbol, p_start), '$.start_date',
      format('All symbols have prices from %s to %s.', v_first, v_last), '23503');
  end if;
  if p_end > v_last + 7 or p_end < v_first then
    select s.symbol into v_symbol
    from unnest(p_symbols) as s (symbol)
    join desk.instruments as n on n.symbol = s.symbol
    cross join lateral desk.latest_price_version(n.id, p_timeframe) as v
    order by case when p_end > v_last then extract(epoch from v.last_bar) else -extract(epoch from v.first_bar) end
    limit 1;
    perform desk.refuse(format('%s has no prices on %s', v_symbol, p_end), '$.end_date',
      format('All symbols have prices from %s to %s.', v_first, v_last), '23503');
  end if;
  p_start := coalesce(p_start, v_first);
  p_end := coalesce(p_end, v_last);
  if p_end < p_start then
    perform desk.refuse(format('The window ends on %s, before it starts on %s', p_end, p_start), '$.end_date',
      format('All symbols have prices from %s to %s.', v_first, v_last));
  end if;
  select s.symbol into v_symbol
  from unnest(p_symbols) as s (symbol)
  join desk.instruments as n on n.symbol = s.symbol
  where not exists (
    select from desk.bars as b
    where b.instrument_id = n.id and b.timeframe = p_timeframe
      and b.bar_time >= p_start::timestamp at time zone 'UTC' and b.bar_time < (p_end + 1)::timestamp at time zone 'UTC')
  limit 1;
  if found then
    perform desk.refuse(format('%s has no prices from %s to %s', v_symbol, p_start, p_end), '$.start_date',
      format('All symbols have prices from %s to %s; widen the window.', v_first, v_last), '23503');
  end if;
end
$$;
comment on function desk.checked_window(text[], text, date, date) is
  'The window, filled in from the prices where it is open; refuses one that the prices do not cover.';
revoke execute on function desk.checked_window(text[], text, date, date) from public;

create or replace function desk.inner_search(p_search jsonb)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select case p_search ->> 'type' when 'Walk-Forward' then p_search ->> 'search' else p_search ->> 'type' end
$$;
comment on function desk.inner_search(jsonb) is 'How points are chosen: the type of a search, or of the search inside a walk-forward.';
revoke execute on function desk.inner_search(jsonb) from public;

create or replace function desk.checked_search(p_search jsonb, p_config jsonb)
returns jsonb
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_search jsonb := p_search;
  v_inner  text;
  v_key    text;
  v_owner  text;
begin
  if v_search ->> 'type' = 'Walk-Forward' then
    v_search := '{"search": "Grid Search"}'::jsonb || v_search;
    if not v_search ? 'walk_forward' then
      perform desk.refuse('Key walk_forward is missing', '$.optimization',
        'Say how the windows are laid, such as: walk_forward: {in_sample: 504, out_of_sample: 126}.');
    end if;
    v_search := jsonb_set(v_search, '{walk_forward}',
      '{"mode": "rolling", "unit": "bars", "embargo": 0, "warm_up": 0}'::jsonb || (v_search -> 'walk_forward'));
  end if;
  v_inner := desk.inner_search(v_search);
  -- A key that the chosen search never reads is a mistake, not a wish.
  select k.name, k.owner into v_key, v_owner
  from (values ('walk_forward', 'Walk-Forward'), ('search', 'Walk-Forward'), ('segments', 'Euler Search'),
               ('points', 'Random Search'), ('batch_points', 'Bayesian Search'), ('patience', 'Bayesian Search')) as k (name, owner)
  where v_search ? k.name and not (k.owner = v_search ->> 'type' or k.owner = v_inner
    or (k.name = 'points' and v_inner = 'Bayesian Search'))
  limit 1;
  if v_key is not null then
    perform desk.refuse(format('A %s has no %s', v_search ->> 'type', v_key), '$.optimization.' || v_key,
      format('Remove the key, or use type: %s.', v_owner));
  end if;
  if p_config ? 'in_sample_criteria' and v_search ->> 'type' <> 'Walk-Forward' then
    perform desk.refuse(format('A %s has no in_sample_criteria', v_search ->> 'type'), '$.in_sample_criteria',
      'Remove the key, or use type: Walk-Forward.');
  end if;
  if v_inner in ('Random Search', 'Bayesian Search') and not v_search ? 'points' then
    perform desk.refuse('Key points is missing', '$.optimization', format('A %s needs to know how many points to try, such as: points: 200', v_inner));
  end if;
  return v_search || case v_inner
    when 'Euler Search' then jsonb_build_object('segments', coalesce(v_search -> 'segments', '4'))
    when 'Bayesian Search' then jsonb_build_object('batch_points', coalesce(v_search -> 'batch_points', '16'))
    else '{}' end;
end
$$;
comment on function desk.checked_search(jsonb, jsonb) is 'The search with its own defaults; refuses keys that it never reads and the lack of one that it needs.';
revoke execute on function desk.checked_search(jsonb, jsonb) from public;

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
begin
  if jsonb_typeof(coalesce(p_config, 'null')) <> 'object' then
    perform desk.refuse(format('Got %s where a config is needed', left(coalesce(p_config::text, 'nothing'), 60)), '$',
      'A config is an object; see configs/optimizations/template.yaml.');
  end if;
  if p_strategy is not null then
    if v_config ? 'strategy' and v_config ->> 'strategy' <> p_strategy then
      perform desk.refuse(format('The job says strategy %s and its config says %s', p_strategy, v_config ->> 'strategy'), '$.strategy',
        'Name it once.');
    end if;
    v_config := v_config || jsonb_build_object('strategy', p_strategy);
  end if;
  perform desk.check_config_keys(v_config, '', '$');

  v_name := v_config ->> 'strategy';
  select s.* into v_strategy from desk.strategies as s where s.name = v_name or s.code = v_name;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(v_name, 60))), '$.strategy',
      desk.did_you_mean(v_name, array(select s.name from desk.strategies as s)), '23503');
  end if;
  if v_strategy.status = 'retired' then
    perform desk.refuse(format('Strategy %s is retired', v_strategy.name), '$.strategy',
      format('Bring it back first: select move_strategy(''%s'', ''backlog'', ''why'').', v_strategy.name));
  end if;

  -- Defaults of scalar keys come from config_keys.
  select jsonb_object_agg(k.path, k.default_value) || v_config into v_config
  from desk.config_keys as k where k.default_value is not null and k.path !~ '[.]' and k.path <> 'optimization';
  select jsonb_object_agg(substr(k.path, 14), k.default_value) || coalesce(v_config -> 'optimization', '{}') into v_search
  from desk.config_keys as k where k.default_value is not null and k.path ~ '^optimization[.][a-z_]+$';

  if jsonb_typeof(v_config -> 'commission') = 'number' then
    v_config := v_config || jsonb_build_object('commission', jsonb_build_object('percent', v_config -> 'commission'));
  end if;
  v_config := jsonb_set(v_config, '{commission}',
    '{"percent": 0, "per_share": 0, "minimum": 0}'::jsonb || (v_config -> 'commission'));

  v_metric := desk.metric_named(v_search ->> 'target_metric');
  if v_metric is null then
    perform desk.refuse(format('Unknown metric %s', to_jsonb(left(v_search ->> 'target_metric', 60))), '$.optimization.target_metric',
      desk.did_you_mean(v_search ->> 'target_metric', array(
        select n.name from desk.metric_definitions as d, unnest(d.title || d.aliases) as n (name))), '23503');
  end if;
  v_search := v_search || jsonb_build_object('target_metric', v_metric, 'target_direction', coalesce(v_search ->> 'target_direction',
    (select d.direction from desk.metric_definitions as d where d.metric = v_metric)));
  v_search := desk.checked_search(v_search, v_config);
  perform desk.parameter_space(v_strategy.id, v_search -> 'parameters', desk.inner_search(v_search));
  perform desk.sorted_constraints(v_strategy.id, v_search -> 'constraints');

  v_timeframe := v_config ->> 'timeframe';
  if v_timeframe !~ '^[1-9][0-9]*(m|h|d|w)$' then
    perform desk.refuse(format('Got %s as timeframe', to_jsonb(left(v_timeframe, 20))), '$.timeframe', 'Write a number and m, h, d or w: 1d.');
  end if;
  v_symbols := desk.checked_symbols(v_config -> 'symbols', v_timeframe);
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
  return desk.canonical_json(jsonb_strip_nulls(
    (v_config - '{name,description,notes,optimization,symbols,start_date,end_date}'::text[])
    || jsonb_build_object('strategy', v_strategy.name, 'symbols', to_jsonb(v_symbols), 'start_date', v_start, 'end_date', v_end,
         'optimization', v_search)));
end
$$;
comment on function desk.validate_config(text, jsonb) is
  'The one validator: the config with aliases resolved and defaults filled in, or a refusal in one sentence with its JSON path and a hint.';
revoke execute on function desk.validate_config(text, jsonb) from public;
grant execute on function desk.validate_config(text, jsonb) to desk_director, desk_viewer, desk_importer;

create or replace function desk.key_schema(p_key desk.config_keys)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'description', p_key.description, 'default', p_key.default_value,
    'minimum', trim_scale(p_key.minimum), 'maximum', trim_scale(p_key.maximum), 'enum', to_jsonb(p_key.allowed)))
    || case p_key.type
      when 'text' then '{"type": "string"}'
      when 'date' then '{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}'
      when 'integer' then '{"type": "integer"}'
      when 'number' then '{"type": "number"}'
      when 'criterion' then '{"type": "number"}'
      when 'boolean' then '{"type": "boolean"}'
      when 'symbols' then '{"oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string", "minLength": 1}}]}'
      when 'texts' then '{"type": "array", "items": {"type": "string"}}'
      when 'metric' then jsonb_build_object('type', 'string', 'examples', (select jsonb_agg(d.title order by d.title) from desk.metric_definitions as d))
      else '{}'
    end::jsonb
$$;
comment on function desk.key_schema(desk.config_keys) is 'JSON schema of one key without its children.';
revoke execute on function desk.key_schema(desk.config_keys) from public;

create or replace function desk.object_schema(p_pattern text)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_prefix     text := case when p_pattern = '' then '' else p_pattern || '.' end;
  v_key        desk.config_keys;
  v_name       text;
  v_schema     jsonb;
  v_properties jsonb := '{}';
  v_required   jsonb := '[]';
begin
  for v_key in
    select k.* from desk.config_keys as k
    where starts_with(k.path, v_prefix) and substr(k.path, length(v_prefix) + 1) ~ '^[A-Za-z_]+$'
    order by k.position
  loop
    v_name := substr(v_key.path, length(v_prefix) + 1);
    v_schema := desk.key_schema(v_key);
    if v_key.type = 'object' then
      v_schema := v_schema || desk.object_schema(v_key.path);
    elsif v_key.type = 'commission' then
      v_schema := v_schema || jsonb_build_object('oneOf', jsonb_build_array(
        '{"type": "number", "minimum": 0, "maximum": 0.5}'::jsonb, desk.object_schema(v_key.path)));
    end if;
    v_properties := v_properties || jsonb_build_object(v_name, v_schema);
    if v_key.required then
      v_required := v_required || to_jsonb(v_name);
    end if;
  end loop;
  if p_pattern in ('success_criteria', 'in_sample_criteria') then
    select jsonb_object_agg(k.name, jsonb_build_object('type', 'number', 'description', d.description))
    into v_properties
    from desk.metric_definitions as d, unnest(array[d.min_key, d.max_key]) as k (name)
    where k.name is not null;
  end if;
  v_schema := jsonb_build_object('type', 'object', 'properties', v_properties, 'additionalProperties', false);
  if v_required <> '[]' then
    v_schema := v_schema || jsonb_build_object('required', v_required);
  end if;
  if p_pattern = 'optimization.parameters' then
    v_schema := jsonb_build_object('type', 'object', 'additionalProperties', jsonb_build_object('oneOf', jsonb_build_array(
      desk.object_schema('optimization.parameters.*'),
      '{"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": ["number", "boolean", "string"]}}'::jsonb,
      '{"type": ["number", "boolean", "string"]}'::jsonb)));
  end if;
  return v_schema;
end
$$;
comment on function desk.object_schema(text) is 'JSON schema of the keys below a path.';
revoke execute on function desk.object_schema(text) from public;

create or replace function desk.config_schema()
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select jsonb_build_object(
    '$schema', 'https://json-schema.org/draft/2020-12/schema',
    'title', 'Backdesk config',
    'description', 'Generated from config_keys and metric_definitions; do not edit.')
    || desk.object_schema('')
$$;
comment on function desk.config_schema() is 'JSON schema of a config for editors, generated from the rows that the validator reads.';
revoke execute on function desk.config_schema() from public;
grant execute on function desk.config_schema() to desk_director, desk_viewer;
