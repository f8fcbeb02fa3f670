-- Config keys: unknown and missing ones, and values of the wrong kind, are refused key by key.

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

create or replace function desk.key_choices(p_key desk.config_keys)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select case when p_key.type in ('search', 'inner_search') then (
    select array_agg(s.name order by s.position) from desk.searches as s where p_key.type = 'search' or not s.windows)
    else p_key.allowed end
$$;
comment on function desk.key_choices(desk.config_keys) is
  'The texts that a key may have: those that are allowed, or the searches; null where it may be any.';

create or replace function desk.check_config_value(p_key desk.config_keys, p_value jsonb, p_json_path text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_type   text := jsonb_typeof(p_value);
  v_shown  text := left(p_value::text, 80);
  v_number numeric;
  v_words  constant text[] := desk.key_choices(p_key);
begin
  if v_type = 'null' then
    perform desk.refuse('A key without a value', p_json_path,
      format('Give it a value%s, or remove the key.', coalesce(', such as ' || nullif(p_key.example, ''), '')));
  end if;
  case p_key.type
    when 'text', 'metric', 'search', 'inner_search' then
      if v_type <> 'string' then
        perform desk.refuse(format('Got %s where a text is needed', v_shown), p_json_path,
          'Such as ' || p_key.example || '.');
      end if;
    when 'date' then
      if v_type <> 'string' or not (p_value #>> '{}') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
        perform desk.refuse(format('Got %s where a date is needed', v_shown), p_json_path,
          'Write YYYY-MM-DD, such as ' || p_key.example || '.');
      end if;
      begin
        perform (p_value #>> '{}')::date;
      exception when datetime_field_overflow or invalid_datetime_format then
        perform desk.refuse(format('%s is not a day of the calendar', v_shown), p_json_path,
          'Write YYYY-MM-DD, such as ' || p_key.example || '.');
      end;
    when 'integer', 'number', 'criterion' then
      if v_type <> 'number' then
        perform desk.refuse(format('Got %s where a number is needed', v_shown), p_json_path,
          case when v_type = 'string' then 'Write the number without quotes and units; 30% is 0.30.'
            else 'Such as ' || p_key.example || '.' end);
      end if;
      v_number := (p_value #>> '{}')::numeric;
      if p_key.type = 'integer' and v_number <> trunc(v_number) then
        perform desk.refuse(format('Got %s where a whole number is needed', v_shown), p_json_path,
          'Such as ' || p_key.example || '.');
      end if;
      perform desk.check_range(v_number, p_key.minimum, p_key.maximum, p_key.unit, '', p_json_path);
    when 'boolean' then
      if v_type <> 'boolean' then
        perform desk.refuse(format('Got %s where true or false is needed', v_shown), p_json_path,
          'Write true or false.');
      end if;
    when 'object' then
      if v_type <> 'object' then
        perform desk.refuse(format('Got %s where keys with values are needed', v_shown), p_json_path,
          'See configs/optimizations/template.yaml.');
      end if;
    when 'commission' then
      if v_type not in ('number', 'object') then
        perform desk.refuse(format('Got %s as commission', v_shown), p_json_path,
          'Write a fraction of the value such as 0.001, or percent, per_share, per_contract and minimum.');
      end if;
      if v_type = 'number' then
        perform desk.check_range((p_value #>> '{}')::numeric, p_key.minimum, p_key.maximum, p_key.unit, '',
          p_json_path);
      end if;
    when 'symbols' then
      if v_type not in ('string', 'array')
        or (v_type = 'array' and exists (select from jsonb_array_elements(p_value) as e (item)
          where jsonb_typeof(e.item) <> 'string'))
      then
        perform desk.refuse(format('Got %s as symbols', v_shown), p_json_path,
          'Write a list of symbols, such as [AAPL, IBM], with quotes around numbers and words such as TRUE.');
      end if;
      if p_value in ('[]', '""') then
        perform desk.refuse('No symbol is named', p_json_path, 'Write a list of symbols, such as [AAPL, IBM].');
      end if;
    when 'texts' then
      if v_type <> 'array'
        or exists (select from jsonb_array_elements(p_value) as e (item) where jsonb_typeof(e.item) <> 'string')
      then
        perform desk.refuse(format('Got %s where a list of texts is needed', v_shown), p_json_path,
          'Such as ' || p_key.example || '.');
      end if;
    when 'parameter' then
      null; -- checked against the strategy in check_parameter()
  end case;
  if v_words is not null and not (p_value #>> '{}') = any (v_words) then
    perform desk.refuse(format('Unknown value %s', v_shown), p_json_path,
      desk.did_you_mean(p_value #>> '{}', v_words));
  end if;
end
$$;
comment on function desk.check_config_value(desk.config_keys, jsonb, text) is
  'Refuses a value that is not what its key needs.';

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
  v_place   text;
begin
  for v_name, v_value in select * from jsonb_each(p_config) loop
    select k.* into v_key from desk.config_keys as k
    where k.path in (v_prefix || v_name, v_prefix || '*')
    order by k.path = v_prefix || '*'
    limit 1;
    if not found then
      -- Known on another level, the nearest to the top first.
      select replace(k.path, '*', 'NAME') into v_place from desk.config_keys as k
      where k.path = v_name or right(k.path, length(v_name) + 1) = '.' || v_name
      order by cardinality(string_to_array(k.path, '.')), k.position
      limit 1;
      perform desk.refuse(format('Unknown key %s', to_jsonb(left(v_name, 60))), desk.json_path(p_json_path, v_name),
        case
          when v_place = v_name then format('It stands at the top: %s, not under %s.', v_name, p_pattern)
          when v_place is not null then format('It stands under %s: %s.',
            left(v_place, -length(v_name) - 1), v_place)
          else desk.did_you_mean(v_name, array(
            select substr(k.path, length(v_prefix) + 1) from desk.config_keys as k
            where starts_with(k.path, v_prefix)
              and position('.' in substr(k.path, length(v_prefix) + 1)) = 0)) end);
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
      (select format('%s Such as: %s: %s', k.description, v_missing, k.example) from desk.config_keys as k
        where k.path = v_prefix || v_missing));
  end if;
end
$$;
comment on function desk.check_config_keys(jsonb, text, text) is
  'Refuses unknown and missing keys and values of the wrong kind, key by key.';
