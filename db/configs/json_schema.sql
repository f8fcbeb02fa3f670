-- The JSON schema of configs that editors read, generated from the rows that the validator reads.

create or replace function desk.key_schema(p_key desk.config_keys)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'description', coalesce((
      select string_agg(s.name, ', ' order by s.position) || ': '
      from desk.searches as s
      where p_key.path in (select 'optimization.' || k.name from unnest(s.keys) as k (name)
        union all select 'optimization.parameters.*.' || k.name from unnest(s.range_keys) as k (name))
    ), '') || p_key.description, 'default', p_key.default_value,
    'minimum', trim_scale(p_key.minimum), 'maximum', trim_scale(p_key.maximum),
    'enum', to_jsonb(desk.key_choices(p_key))))
    || case p_key.type
      when 'text' then '{"type": "string"}'
      when 'search' then '{"type": "string"}'
      when 'inner_search' then '{"type": "string"}'
      when 'date' then '{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}'
      when 'integer' then '{"type": "integer"}'
      when 'number' then '{"type": "number"}'
      when 'criterion' then '{"type": "number"}'
      when 'boolean' then '{"type": "boolean"}'
      when 'symbols' then '{"oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, '
                          '"uniqueItems": true, "items": {"type": "string", "minLength": 1}}]}'
      when 'texts' then '{"type": "array", "items": {"type": "string"}}'
      when 'metric' then jsonb_build_object('type', 'string', 'examples',
        (select jsonb_agg(d.title order by d.title) from desk.metric_definitions as d))
      else '{}'
    end::jsonb
$$;
comment on function desk.key_schema(desk.config_keys) is 'JSON schema of one key without its children.';

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
    v_schema := jsonb_build_object('type', 'object', 'additionalProperties',
      jsonb_build_object('oneOf', jsonb_build_array(
      desk.object_schema('optimization.parameters.*'),
      '{"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": ["number", "boolean", '
      '"string"]}}'::jsonb,
      '{"type": ["number", "boolean", "string"]}'::jsonb)));
  end if;
  return v_schema;
end
$$;
comment on function desk.object_schema(text) is 'JSON schema of the keys below a path.';

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
comment on function desk.config_schema() is
  'JSON schema of a config for editors, generated from the rows that the validator reads.';
grant execute on function desk.config_schema() to desk_director, desk_viewer;
