-- One spelling for equal values, and what is hashed of it.

create or replace function desk.sha256_text(p_text text)
returns text
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select encode(sha256(convert_to(p_text, 'UTF8')), 'hex')
$$;
comment on function desk.sha256_text(text) is 'SHA-256 of a text as 64 hexadecimal digits.';

create or replace function desk.canonical_value(p_value jsonb)
returns jsonb
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select case
    when jsonb_typeof(p_value) = 'number' then to_jsonb(trim_scale((p_value #>> '{}')::numeric))
    when jsonb_typeof(p_value) = 'string' and (p_value #>> '{}') ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$'
      then to_jsonb(trim_scale((p_value #>> '{}')::numeric))
    else p_value
  end
$$;
comment on function desk.canonical_value(jsonb) is
  'One spelling for each parameter value: "14", 14.0 and 14 are all 14.';

create or replace function desk.canonical_json(p_value jsonb)
returns jsonb
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select case jsonb_typeof(p_value)
    when 'number' then to_jsonb(trim_scale((p_value #>> '{}')::numeric))
    when 'object' then (
      select coalesce(jsonb_object_agg(o.name, desk.canonical_json(o.value)), '{}')
        from jsonb_each(p_value) as o (name, value))
    when 'array' then (
      select coalesce(jsonb_agg(desk.canonical_json(a.value) order by a.position), '[]')
      from jsonb_array_elements(p_value) with ordinality as a (value, position))
    else p_value
  end
$$;
comment on function desk.canonical_json(jsonb) is 'The same JSON with each number in its one spelling: 5.0 is 5.';

create or replace function desk.canonical_parameters(p_parameters jsonb)
returns jsonb
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_object_agg(p.name, desk.canonical_value(p.value)), '{}')
  from jsonb_each(p_parameters) as p (name, value)
$$;
comment on function desk.canonical_parameters(jsonb) is 'Parameters with each value in its one spelling.';
