-- Parameters of a config: each becomes an axis of values that the strategy takes, or is refused.

create or replace function desk.check_parameter_value(p_parameter desk.strategy_parameters, p_value jsonb,
  p_json_path text)
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
    perform desk.refuse(format('Got %s for %s, which takes true or false', left(p_value::text, 60), p_parameter.name),
      p_json_path,
      'Write true, false or [true, false].');
  elsif p_parameter.type = 'text' and jsonb_typeof(p_value) <> 'string' then
    perform desk.refuse(format('Got %s for %s, which takes texts', left(p_value::text, 60), p_parameter.name),
      p_json_path,
      'Write a text or a list of texts.');
  end if;
end
$$;
comment on function desk.check_parameter_value(desk.strategy_parameters, jsonb, text) is
  'Refuses a value that a strategy''s parameter does not take.';

create or replace function desk.search_with(p_range_key text)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select s.name from desk.searches as s where p_range_key = any (s.range_keys) order by s.position limit 1
$$;
comment on function desk.search_with(text) is 'The first search that reads this key of a range.';

create or replace function desk.parameter_range(p_parameter desk.strategy_parameters, p_spec jsonb, p_search text,
  p_json_path text)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_search   desk.searches;
  v_start    numeric := (p_spec ->> 'start')::numeric;
  v_end      numeric := (p_spec ->> 'end')::numeric;
  v_step     numeric := (p_spec ->> 'step')::numeric;
  v_min_step numeric := (p_spec ->> 'min_step')::numeric;
  v_log      boolean := coalesce((p_spec ->> 'log')::boolean, false);
  v_count    numeric;
begin
  select s.* into v_search from desk.searches as s where s.name = p_search;
  if p_parameter.type not in ('integer', 'number') then
    perform desk.refuse(format('%s takes %s values, not a range', p_parameter.name, p_parameter.type), p_json_path,
      'Write a list of values.');
  end if;
  if v_step is null and not v_search.draws then
    perform desk.refuse('Key step is missing', p_json_path,
      format('A %s needs a step between values, such as: step: 2', p_search));
  end if;
  if v_step <= 0 then
    perform desk.refuse(format('A step of %s never reaches the end', trim_scale(v_step)), p_json_path || '.step',
      'The step must be greater than 0.');
  end if;
  if v_end < v_start then
    perform desk.refuse(format('The range of %s is reversed: %s to %s', p_parameter.name, trim_scale(v_start),
      trim_scale(v_end)),
      p_json_path || '.end', format('Write start: %s, end: %s.', trim_scale(v_end), trim_scale(v_start)));
  end if;
  if p_spec ? 'min_step' and not 'min_step' = any (v_search.range_keys) then
    perform desk.refuse(format('A %s has no finest step', p_search), p_json_path || '.min_step',
      format('Remove min_step, or use type: %s.', desk.search_with('min_step')));
  end if;
  if v_min_step <= 0 or v_min_step > v_step then
    perform desk.refuse(format('A finest step of %s with a step of %s', trim_scale(v_min_step), trim_scale(v_step)),
      p_json_path || '.min_step',
      'It must be greater than 0 and not greater than the step.');
  end if;
  if v_log and not 'log' = any (v_search.range_keys) then
    perform desk.refuse(format('A %s has no logarithmic scale', p_search), p_json_path || '.log',
      format('Remove log, or use type: %s.', desk.search_with('log')));
  elsif v_log and (v_start <= 0 or v_step is not null) then
    perform desk.refuse(case when v_step is null then 'A logarithmic scale cannot start at 0 or below'
      else 'A logarithmic scale has no step' end,
      p_json_path || '.log', 'Use a start above 0 and no step.');
  end if;
  perform desk.check_parameter_value(p_parameter, to_jsonb(v_start), p_json_path || '.start');
  if v_step is null and (p_parameter.type = 'number' or v_log) then
    perform desk.check_parameter_value(p_parameter, to_jsonb(v_end), p_json_path || '.end');
    return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'start', trim_scale(v_start), 'end',
      trim_scale(v_end), 'log', v_log);
  end if;
  v_step := coalesce(v_step, 1);
  v_count := floor((v_end - v_start) / v_step) + 1;
  if v_count > 1000000000 then
    perform desk.refuse(format('The range of %s has %s values', p_parameter.name, v_count), p_json_path,
      'Use a larger step.');
  end if;
  if v_count > 1 then
    if p_parameter.type = 'integer' and (v_step <> trunc(v_step) or v_min_step <> trunc(v_min_step)) then
      perform desk.refuse(format('A step of %s gives fractions, and %s takes whole numbers',
          trim_scale(case when v_step <> trunc(v_step) then v_step else v_min_step end), p_parameter.name),
        p_json_path || case when v_step <> trunc(v_step) then '.step' else '.min_step' end, 'Use a whole step.');
    end if;
    perform desk.check_parameter_value(p_parameter, to_jsonb(trim_scale(v_start + v_step * (v_count - 1))),
      p_json_path || '.end');
  end if;
  return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'start', trim_scale(v_start), 'step',
    trim_scale(v_step), 'count', v_count)
    || case when 'min_step' = any (v_search.range_keys) then jsonb_build_object('min_step',
         trim_scale(coalesce(v_min_step,
         case p_parameter.type when 'integer' then 1 else v_step / 10 end))) else '{}' end;
end
$$;
comment on function desk.parameter_range(desk.strategy_parameters, jsonb, text, text) is
  'A range as {name, type, start, step, count}, with min_step where the search reads one, or {name, type, start, end, '
  'log} where it is drawn from without a step.';

create or replace function desk.parameter_axis(p_parameter desk.strategy_parameters, p_spec jsonb, p_search text,
  p_json_path text)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_list jsonb := case jsonb_typeof(p_spec) when 'array' then p_spec else jsonb_build_array(p_spec) end;
begin
  if jsonb_typeof(p_spec) = 'object' then
    return desk.parameter_range(p_parameter, p_spec, p_search, p_json_path);
  end if;
  if v_list = '[]' then
    perform desk.refuse(format('The list of values for %s is empty', p_parameter.name), p_json_path,
      'Name at least one value.');
  end if;
  perform desk.check_parameter_value(p_parameter, v.value,
    case jsonb_typeof(p_spec) when 'array' then format('%s[%s]', p_json_path, v.position - 1) else p_json_path end)
  from jsonb_array_elements(v_list) with ordinality as v (value, position);
  v_list := desk.canonical_json(v_list);
  if (select count(*) > count(distinct v.value) from jsonb_array_elements(v_list) as v (value)) then
    perform desk.refuse(format('A value for %s is listed twice', p_parameter.name), p_json_path,
      'Name each value once.');
  end if;
  return jsonb_build_object('name', p_parameter.name, 'type', p_parameter.type, 'values', v_list, 'count',
    jsonb_array_length(v_list));
end
$$;
comment on function desk.parameter_axis(desk.strategy_parameters, jsonb, text, text) is
  'A parameter''s values as an axis: a range, or {name, type, values, count} for a list or a constant; refuses what '
  'cannot be.';

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
  v_untyped   jsonb := (select c.details -> 'untyped' from desk.strategies as s
    join desk.code_versions as c on c.id = s.current_version_id where s.id = p_strategy_id);
begin
  for v_name, v_spec in select * from jsonb_each(p_parameters) loop
    if not exists (select from desk.strategy_parameters as p where p.strategy_id = p_strategy_id
      and p.name = v_name) then
      perform desk.refuse(
        format('Strategy %s has no parameter %s', (select s.name from desk.strategies as s where s.id = p_strategy_id),
          to_jsonb(left(v_name, 60))),
        desk.json_path('$.optimization.parameters', v_name),
        case when v_untyped ? v_name
          then format('The class has it with a default of %s, which has no type: give it a number, a text, true or '
            'false as default.', v_untyped ->> v_name)
          else desk.did_you_mean(v_name, array(select p.name from desk.strategy_parameters as p
            where p.strategy_id = p_strategy_id)) end);
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
comment on function desk.parameter_space(bigint, jsonb, text) is
  'The searched parameters in the strategy''s order, each as an axis.';
