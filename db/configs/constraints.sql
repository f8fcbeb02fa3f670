-- Constraints: a small grammar (names, numbers, texts, true, false, + - * /, comparisons, not, and, or), parsed to a
-- tree and evaluated in numeric. The text of a constraint is never executed.

create or replace function desk.constraint_tokens(p_text text, p_path text)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_pattern constant text := '(''[^'']*''|"[^"]*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?|<=|>=|==|!=|[-+*/()<>=])';
  v_rest    text;
begin
  if length(p_text) > 500 then
    perform desk.refuse('A constraint of more than 500 characters', p_path, 'Split it into several constraints.');
  end if;
  v_rest := btrim(regexp_replace(p_text, v_pattern, '', 'g'));
  if v_rest <> '' then
    perform desk.refuse(format('Cannot read %s in the constraint %s', to_jsonb(left(v_rest, 20)),
      to_jsonb(left(p_text, 80))), p_path,
      'A constraint has names, numbers, texts in quotes, true, false, + - * /, < <= > >= = !=, not, and, or, and '
        'parentheses: fast < slow.');
  end if;
  return array(select m.token[1] from regexp_matches(p_text, v_pattern, 'g') as m (token));
end
$$;
comment on function desk.constraint_tokens(text, text) is
  'Splits a constraint into tokens; refuses any other character.';

drop function if exists desk.parse_expression(text[], integer, integer);
create or replace function desk.parse_expression(
  p_tokens text[], p_from integer, p_level integer, p_types jsonb, out tree jsonb, out next integer, out kind text)
language plpgsql immutable
set search_path = desk, pg_temp
as $$
-- Precedence climbing (Richards 1979). Levels: 1 or, 2 and, 3 not and comparisons, 4 sum, 5 product.
-- Errors carry the token's number, which parse_constraint() turns into a sentence.
declare
  v_token text := p_tokens[p_from];
  v_right record;
  v_level integer;
begin
  if v_token = '(' then
    select e.* into tree, next, kind from desk.parse_expression(p_tokens, p_from + 1, 1, p_types) as e;
    if p_tokens[next] is distinct from ')' then
      raise exception using errcode = '22P02', message = 'a parenthesis is not closed';
    end if;
    next := next + 1;
  elsif v_token = '-' then
    select e.* into tree, next, kind from desk.parse_expression(p_tokens, p_from + 1, 6, p_types) as e;
    if kind <> 'number' then
      raise exception using errcode = '22P02', message = format('a minus stands before a %s', kind);
    end if;
    tree := jsonb_build_object('op', '-', 'left', '{"number": 0}'::jsonb, 'right', tree);
  elsif lower(v_token) = 'not' then
    select e.* into tree, next, kind from desk.parse_expression(p_tokens, p_from + 1, 3, p_types) as e;
    if kind <> 'truth' then
      raise exception using errcode = '22P02', message = format('not stands before a %s', kind);
    end if;
    -- What is unknown stays unknown.
    tree := jsonb_build_object('op', '-', 'left', '{"number": 1}'::jsonb, 'right', tree);
  elsif v_token ~ '^[0-9]' then
    tree := jsonb_build_object('number', v_token::numeric);
    next := p_from + 1;
    kind := 'number';
  elsif v_token ~ '^[''"]' then
    tree := jsonb_build_object('text', substr(v_token, 2, length(v_token) - 2));
    next := p_from + 1;
    kind := 'text';
  elsif lower(v_token) in ('true', 'false') and not p_types ? v_token then
    tree := jsonb_build_object('number', (lower(v_token) = 'true')::integer);
    next := p_from + 1;
    kind := 'truth';
  elsif v_token ~ '^[A-Za-z_]' and lower(v_token) not in ('and', 'or') then
    tree := jsonb_build_object('name', v_token);
    next := p_from + 1;
    kind := case p_types ->> v_token when 'boolean' then 'truth' when 'text' then 'text' else 'number' end;
  else
    raise exception using errcode = '22P02',
      message = case when v_token is null then 'it ends too early' else format('%s is out of place', v_token) end;
  end if;
  loop
    v_token := lower(p_tokens[next]);
    v_level := case
      when v_token = 'or' then 1 when v_token = 'and' then 2
      when v_token in ('<', '<=', '>', '>=', '=', '==', '!=') then 3
      when v_token in ('+', '-') then 4 when v_token in ('*', '/') then 5 else 0 end;
    exit when v_level = 0 or v_level < p_level;
    select e.* into v_right from desk.parse_expression(p_tokens, next + 1, v_level + 1, p_types) as e;
    if v_level <= 2 and (kind <> 'truth' or v_right.kind <> 'truth') then
      raise exception using errcode = '22P02', message = format('%s needs a comparison on both sides', v_token);
    elsif v_token in ('=', '==', '!=') then
      if kind <> v_right.kind then
        raise exception using errcode = '22P02',
          message = format('%s stands between a %s and a %s', v_token, kind, v_right.kind);
      end if;
    elsif v_level > 2 and (kind <> 'number' or v_right.kind <> 'number') then
      raise exception using errcode = '22P02', message = format('%s needs numbers on both sides', v_token);
    end if;
    tree := jsonb_build_object('op', case v_token when '==' then '=' else v_token end, 'left', tree, 'right',
      v_right.tree);
    kind := case when v_level <= 3 then 'truth' else 'number' end;
    next := v_right.next;
  end loop;
end
$$;
comment on function desk.parse_expression(text[], integer, integer, jsonb) is
  'Parses tokens from a place on, at a level of precedence, into a tree; of names their types are known.';

drop function if exists desk.parse_constraint(text, text);
create or replace function desk.parse_constraint(p_text text, p_path text, p_types jsonb)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_tokens text[] := desk.constraint_tokens(p_text, p_path);
  v_parsed record;
  v_why    text;
begin
  begin
    select e.* into v_parsed from desk.parse_expression(v_tokens, 1, 1, p_types) as e;
    if v_parsed.next <= cardinality(v_tokens) then
      v_why := format('%s is out of place', v_tokens[v_parsed.next]);
    elsif v_parsed.kind <> 'truth' then
      v_why := 'it compares nothing';
    end if;
  exception when invalid_text_representation then
    v_why := sqlerrm;
  end;
  if v_why is not null then
    perform desk.refuse(format('Cannot read the constraint %s: %s', to_jsonb(left(p_text, 80)), v_why), p_path,
      'Write a comparison such as fast < slow, not use_stop, average = ''EMA'', or Drawdown < 0.15.');
  end if;
  return v_parsed.tree;
end
$$;
comment on function desk.parse_constraint(text, text, jsonb) is
  'The tree of a constraint between parameters, whose types are given by name, or a refusal.';

create or replace function desk.constraint_names(p_tree jsonb)
returns text[]
language sql immutable
set search_path = desk, pg_temp
as $$
  select coalesce(array_agg(distinct n.name), '{}')
  from jsonb_path_query(p_tree, 'strict $.**.name') as p (value)
  cross join lateral (select p.value #>> '{}') as n (name)
$$;
comment on function desk.constraint_names(jsonb) is 'Names in a constraint''s tree.';

create or replace function desk.sorted_constraints(
  p_strategy_id bigint, p_constraints jsonb, out parameter_trees jsonb, out metric_limits jsonb)
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_text    text;
  v_path    text;
  v_parts   text[];
  v_metric  text;
  v_tree    jsonb;
  v_unknown text;
  v_known   text[] := array(select p.name from desk.strategy_parameters as p where p.strategy_id = p_strategy_id);
  v_types   jsonb := coalesce((select jsonb_object_agg(p.name, p.type) from desk.strategy_parameters as p
    where p.strategy_id = p_strategy_id), '{}');
  v_tokens  text[];
begin
  parameter_trees := '[]';
  metric_limits := '[]';
  for i in 0 .. jsonb_array_length(p_constraints) - 1 loop
    v_text := p_constraints ->> i;
    v_path := format('$.optimization.constraints[%s]', i);
    v_parts := regexp_match(v_text,
      '^\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*(<=|>=|==|!=|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)\s*(%?)\s*$');
    v_metric := case when v_parts is not null and not v_parts[1] = any (v_known) then desk.metric_named(v_parts[1]) end;
    if v_metric is not null then
      metric_limits := metric_limits || jsonb_build_object('metric', v_metric,
        'comparison', case v_parts[2] when '==' then '=' else v_parts[2] end,
        'threshold', v_parts[3]::numeric / case v_parts[4] when '%' then 100 else 1 end);
      continue;
    end if;
    -- What a name is tells how it may be compared, so unknown ones come first.
    v_tokens := desk.constraint_tokens(v_text, v_path);
    select n.name into v_unknown
    from unnest(v_tokens) as n (name)
    where n.name ~ '^[A-Za-z_]' and n.name <> all (v_known)
      and lower(n.name) not in ('and', 'or', 'not', 'true', 'false')
    limit 1;
    if v_unknown is not null then
      perform desk.refuse(format('%s in the constraint %s is neither a parameter nor a metric', v_unknown,
        to_jsonb(left(v_text, 80))), v_path,
        case when 'text' = any (array(select v_types ->> n.name from unnest(v_tokens) as n (name)))
          then format('A text stands in quotes: ''%s''.', v_unknown)
          else desk.did_you_mean(v_unknown, v_known || array(select d.title from desk.metric_definitions as d)) end);
    end if;
    v_tree := desk.parse_constraint(v_text, v_path, v_types);
    parameter_trees := parameter_trees || v_tree;
  end loop;
end
$$;
comment on function desk.sorted_constraints(bigint, jsonb) is
  'Constraints in two sorts: trees between parameters, which cut the grid, and limits on metrics, which decide who '
  'may be the best.';

create or replace function desk.constraint_number(p_value jsonb)
returns numeric
language sql immutable
set search_path = desk, pg_temp
as $$
  select case jsonb_typeof(p_value)
    when 'boolean' then (p_value::boolean)::integer::numeric
    when 'string' then hashtextextended(p_value #>> '{}', 0)::numeric
    when 'number' then p_value::numeric end
$$;
comment on function desk.constraint_number(jsonb) is
  'A value as constraints compare it: truths are 1 and 0, a text is a number that equal texts share.';

create or replace function desk.axis_numbers(p_axis jsonb, p_stride bigint, p_total bigint)
returns numeric[]
language sql immutable
set search_path = desk, pg_temp
as $$
  -- Every value p_stride times, and all of that again until p_total is reached.
  select array_agg(v.value order by r.round, v.position, s.copy)
  from generate_series(1, p_total / (p_stride * (p_axis ->> 'count')::bigint)) as r (round)
  cross join (
    select desk.constraint_number(e.value), e.position
    from jsonb_array_elements(coalesce(p_axis -> 'values', '[]')) with ordinality as e (value, position)
    union all
    select (p_axis ->> 'start')::numeric + (p_axis ->> 'step')::numeric * (g.i - 1), g.i
    from generate_series(1, case when p_axis ? 'start' then (p_axis ->> 'count')::bigint else 0 end) as g (i)
  ) as v (value, position)
  cross join generate_series(1, p_stride) as s (copy)
$$;
comment on function desk.axis_numbers(jsonb, bigint, bigint) is
  'A parameter''s value in each tuple of a product, tuples in order.';

create or replace function desk.constraint_numbers(p_tree jsonb, p_columns jsonb, p_total bigint)
returns numeric[]
language plpgsql immutable
set search_path = desk, pg_temp
as $$
-- One array a node instead of one call a tuple: a million tuples take about a second.
declare
  v_left   numeric[];
  v_right  numeric[];
  v_column jsonb;
  v_result numeric[];
begin
  if p_tree ? 'number' then
    return array_fill((p_tree ->> 'number')::numeric, array[p_total::integer]);
  elsif p_tree ? 'text' then
    return array_fill(desk.constraint_number(p_tree -> 'text'), array[p_total::integer]);
  elsif p_tree ? 'name' then
    v_column := p_columns -> (p_tree ->> 'name');
    return desk.axis_numbers(v_column, (v_column ->> 'stride')::bigint, p_total);
  end if;
  v_left := desk.constraint_numbers(p_tree -> 'left', p_columns, p_total);
  v_right := desk.constraint_numbers(p_tree -> 'right', p_columns, p_total);
  case p_tree ->> 'op'
    when '+' then select array_agg(t.l + t.r) into v_result from unnest(v_left, v_right) as t (l, r);
    when '-' then select array_agg(t.l - t.r) into v_result from unnest(v_left, v_right) as t (l, r);
    when '*' then select array_agg(t.l * t.r) into v_result from unnest(v_left, v_right) as t (l, r);
    when '/' then select array_agg(t.l / nullif(t.r, 0)) into v_result from unnest(v_left, v_right) as t (l, r);
    when '<' then select array_agg((t.l < t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when '<=' then select array_agg((t.l <= t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when '>' then select array_agg((t.l > t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when '>=' then select array_agg((t.l >= t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when '=' then select array_agg((t.l = t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when '!=' then select array_agg((t.l <> t.r)::integer) into v_result from unnest(v_left, v_right) as t (l, r);
    when 'and' then select array_agg(least(coalesce(t.l, 0), coalesce(t.r, 0))) into v_result
      from unnest(v_left, v_right) as t (l, r);
    when 'or' then select array_agg(greatest(coalesce(t.l, 0), coalesce(t.r, 0))) into v_result
      from unnest(v_left, v_right) as t (l, r);
  end case;
  return v_result;
end
$$;
comment on function desk.constraint_numbers(jsonb, jsonb, bigint) is
  'A tree''s value in each tuple, numeric; truths are 1 and 0, a division by zero is null and meets no comparison.';
