-- What a config names that has to be there: criteria, symbols with prices, a window that the prices cover.

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
          select k.name from desk.metric_definitions as d, unnest(array[d.min_key, d.max_key]) as k (name)
            where k.name is not null)));
    end if;
    if v_metric.unit = 'fraction' and abs((v_value #>> '{}')::numeric) > 10 then
      perform desk.refuse(format('%s of %s would be %s%%', v_key, v_value,
        trim_scale((v_value #>> '{}')::numeric * 100)),
        desk.json_path(p_path, v_key), 'Write fractions: 0.30 for 30%.');
    end if;
  end loop;
  return p_criteria;
end
$$;
comment on function desk.checked_criteria(jsonb, text) is
  'Success criteria with known keys and plain numbers, or a refusal.';

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
        desk.did_you_mean(v_symbol, array(select n.symbol from desk.instruments as n))
          || ' Prices come with: backdesk load.', '23503');
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
comment on function desk.checked_symbols(jsonb, text) is
  'Symbols in upper case, each known and with prices of the timeframe.';

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
  select max(((v.first_bar at time zone d.zone) - d.day_begins)::date),
         min(((v.last_bar at time zone d.zone) - d.day_begins)::date)
  into v_first, v_last
  from unnest(p_symbols) as s (symbol)
  join desk.instruments as n on n.symbol = s.symbol
  cross join lateral desk.latest_price_version(n.id, p_timeframe) as v
  cross join lateral desk.instrument_day(n.id, p_timeframe) as d;
  if v_last < v_first then
    perform desk.refuse('The symbols have no day in common', '$.symbols',
      'Choose symbols whose prices overlap; see the view price_coverage.');
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
  cross join lateral desk.instrument_day(n.id, p_timeframe) as d
  where not exists (
    select from desk.bars as b
    where b.instrument_id = n.id and b.timeframe = p_timeframe
      and b.bar_time >= (p_start + d.day_begins) at time zone d.zone
        and b.bar_time < (p_end + 1 + d.day_begins) at time zone d.zone)
  limit 1;
  if found then
    perform desk.refuse(format('%s has no prices from %s to %s', v_symbol, p_start, p_end), '$.start_date',
      format('All symbols have prices from %s to %s; widen the window.', v_first, v_last), '23503');
  end if;
end
$$;
comment on function desk.checked_window(text[], text, date, date) is
  'The window, filled in from the prices where it is open; refuses one that the prices do not cover.';
