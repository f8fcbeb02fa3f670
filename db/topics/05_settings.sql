-- The desk's settings: rows the director may change, kept when this file is applied again.

insert into desk.settings (name, value, description)
values
  ('default_criteria', '{"min_trades": 100, "max_fee_pct": 0.30}',
   'Criteria of a run whose config names none: eight trades prove nothing, and fees kill small accounts.'),
  ('time_zone', '"UTC"', 'Time zone in which daily_summary counts days.'),
  ('lease_seconds', '60', 'A runner that has not been heard of for so long is taken for dead.'),
  ('max_attempts', '3', 'Attempts at a point whose own process is killed, before it counts as failed.'),
  ('max_lost_attempts', '6', 'Attempts at a point whose runner is lost with it, which is seldom the point''s doing.'),
  ('retry_seconds', '5', 'Backoff before the second attempt; doubled for each further one.'),
  ('item_seconds', '2', 'The work in one item at the most, in seconds; the last items of a run are smaller.'),
  ('max_item_points', '64', 'Points in one item at the most.'),
  ('waiting_items', '200', 'Work items waiting in a run at the most.'),
  ('pilot_points', '5', 'Points that run first when nothing is known of a strategy''s fees; 0 lets such a job run unguarded.'),
  ('max_combinations', '100000000', 'Points in a search at the most.'),
  ('max_linked_combinations', '1000000', 'Tuples of parameters that a constraint links, at the most.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.setting(p_name text)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select value from desk.settings where name = p_name
$$;
comment on function desk.setting(text) is 'Value of a setting of the desk.';
revoke execute on function desk.setting(text) from public;

create or replace function desk.tg_settings_check()
returns trigger
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  if jsonb_typeof(new.value) <> jsonb_typeof(old.value) then
    perform desk.refuse(format('Got %s for the setting %s', new.value, new.name), '$.' || new.name,
      format('It is of the kind of %s.', old.value));
  elsif jsonb_typeof(new.value) = 'number' and (new.value #>> '{}')::numeric < 0 then
    perform desk.refuse(format('%s cannot be %s', new.name, new.value), '$.' || new.name, 'Use 0 or more.');
  elsif new.name = 'time_zone' and not exists (
    select from pg_catalog.pg_timezone_names as z where z.name = new.value #>> '{}')
  then
    perform desk.refuse(format('Unknown time zone %s', new.value), '$.time_zone', 'Such as "America/New_York"; see pg_timezone_names.');
  elsif new.name = 'default_criteria' then
    perform desk.checked_criteria(new.value, '$.default_criteria');
  end if;
  return new;
end
$$;
comment on function desk.tg_settings_check() is 'Refuses a setting''s value that is of another kind, negative, or unknown.';
revoke execute on function desk.tg_settings_check() from public;
create or replace trigger settings_check before update of value on desk.settings
for each row execute function desk.tg_settings_check();

create or replace function desk.refuse(p_message text, p_detail text, p_hint text, p_code text default '22023')
returns void
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  raise exception using message = p_message, detail = p_detail, hint = p_hint, errcode = p_code;
end
$$;
comment on function desk.refuse(text, text, text, text) is 'Refuses: one sentence, the JSON path, what would be right.';
revoke execute on function desk.refuse(text, text, text, text) from public;

create or replace function desk.edit_distance(p_left text, p_right text)
returns integer
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_before integer[] := array(select generate_series(0, length(p_right)));
  v_row    integer[];
  v_cost   integer;
begin
  for i in 1 .. length(p_left) loop
    v_row := array[i];
    for j in 1 .. length(p_right) loop
      v_cost := (substr(p_left, i, 1) <> substr(p_right, j, 1))::integer;
      v_row := v_row || least(v_row[j] + 1, v_before[j + 1] + 1, v_before[j] + v_cost);
    end loop;
    v_before := v_row;
  end loop;
  return v_before[length(p_right) + 1];
end
$$;
comment on function desk.edit_distance(text, text) is 'Single-character edits between two words (Levenshtein 1965); for "did you mean".';
revoke execute on function desk.edit_distance(text, text) from public;

create or replace function desk.did_you_mean(p_word text, p_known text[])
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select coalesce(
    (
      select format('Did you mean %s?', known.word)
      from unnest(p_known) as known (word)
      where desk.edit_distance(left(lower(p_word), 40), lower(known.word)) <= greatest(1, length(known.word) / 3)
      order by desk.edit_distance(left(lower(p_word), 40), lower(known.word)), known.word
      limit 1
    ),
    case
      when cardinality(p_known) = 0 then 'None is known yet.'
      else 'Known: ' || array_to_string(array(select unnest(p_known) order by 1 limit 40), ', ') || '.'
    end)
$$;
comment on function desk.did_you_mean(text, text[]) is 'The nearest known word as a hint, or else the list of known words.';
revoke execute on function desk.did_you_mean(text, text[]) from public;

create or replace function desk.sha256_text(p_text text)
returns text
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select encode(sha256(convert_to(p_text, 'UTF8')), 'hex')
$$;
comment on function desk.sha256_text(text) is 'SHA-256 of a text as 64 hexadecimal digits.';
revoke execute on function desk.sha256_text(text) from public;

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
comment on function desk.canonical_value(jsonb) is 'One spelling for each parameter value: "14", 14.0 and 14 are all 14.';
revoke execute on function desk.canonical_value(jsonb) from public;

create or replace function desk.canonical_json(p_value jsonb)
returns jsonb
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select case jsonb_typeof(p_value)
    when 'number' then to_jsonb(trim_scale((p_value #>> '{}')::numeric))
    when 'object' then (
      select coalesce(jsonb_object_agg(o.name, desk.canonical_json(o.value)), '{}') from jsonb_each(p_value) as o (name, value))
    when 'array' then (
      select coalesce(jsonb_agg(desk.canonical_json(a.value) order by a.position), '[]')
      from jsonb_array_elements(p_value) with ordinality as a (value, position))
    else p_value
  end
$$;
comment on function desk.canonical_json(jsonb) is 'The same JSON with each number in its one spelling: 5.0 is 5.';
revoke execute on function desk.canonical_json(jsonb) from public;

create or replace function desk.canonical_parameters(p_parameters jsonb)
returns jsonb
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_object_agg(p.name, desk.canonical_value(p.value)), '{}')
  from jsonb_each(p_parameters) as p (name, value)
$$;
comment on function desk.canonical_parameters(jsonb) is 'Parameters with each value in its one spelling.';
revoke execute on function desk.canonical_parameters(jsonb) from public;
