-- How the desk refuses: a sentence, the place, what would be right.

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
comment on function desk.edit_distance(text, text) is
  'Single-character edits between two words (Levenshtein 1965); for "did you mean".';

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
        -- A word of what it is called: Euler of Euler Search.
        or length(p_word) > 2 and lower(p_word) = any (regexp_split_to_array(lower(known.word), '[ _-]'))
      order by desk.edit_distance(left(lower(p_word), 40), lower(known.word)), known.word
      limit 1
    ),
    case
      when cardinality(p_known) = 0 then 'None is known yet.'
      else 'Known: ' || array_to_string(array(select unnest(p_known) order by 1 limit 40), ', ') || '.'
    end)
$$;
comment on function desk.did_you_mean(text, text[]) is
  'The nearest known word as a hint, or else the list of known words.';

create or replace function desk.check_range(
  p_value numeric, p_lowest numeric, p_highest numeric, p_unit text, p_what text, p_path text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if p_value < p_lowest or p_value > p_highest then
    perform desk.refuse(format('%s is out of range%s', p_value, ' for ' || nullif(p_what, '')), p_path,
      format('It must lie between %s and %s.', trim_scale(p_lowest), trim_scale(p_highest)) || case p_unit
        when 'fraction' then ' Write fractions: 0.02 for 2%.'
        when 'switch' then ' 0 is off, 1 is on.'
        else '' end);
  end if;
end
$$;
comment on function desk.check_range(numeric, numeric, numeric, text, text, text) is
  'Refuses a number outside its bounds and says how numbers of its unit are written; of what it is may be empty.';
