-- What bars must be before they are loaded.

create or replace function desk.bar_time_text(p_time timestamptz, p_timeframe text)
returns text
language sql
immutable
set search_path = desk, pg_temp
as $$
  select case when p_time is null then 'no time'
              when p_timeframe ~ '(d|w|mo)$'
                and p_time at time zone 'UTC' = date_trunc('day', p_time at time zone 'UTC')
                then to_char(p_time at time zone 'UTC', 'YYYY-MM-DD')
              else to_char(p_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
         end
$$;
comment on function desk.bar_time_text(timestamptz, text) is 'Time of a bar for messages: a date for daily bars.';

create or replace function desk.usual_break(p_timeframe text)
returns interval
language sql
immutable
set search_path = desk, pg_temp
as $$
  select case substring(p_timeframe from '[a-z]+$')
           when 'mo' then make_interval(days => 31 * left(p_timeframe, -2)::integer + 4)
           when 'w' then make_interval(days => 7 * left(p_timeframe, -1)::integer + 4)
           when 'd' then make_interval(days => left(p_timeframe, -1)::integer + 3)
           else make_interval(days => 4)
         end
$$;
comment on function desk.usual_break(text) is
  'Longest time between two bars that is no gap: a week-end with a holiday on one of its sides.';

create or replace function desk.shortest_step(p_timeframe text)
returns interval
language sql
immutable
set search_path = desk, pg_temp
as $$
  select case substring(p_timeframe from '[a-z]+$')
           when 'mo' then make_interval(days => 28 * left(p_timeframe, -2)::integer - 4)
           -- A week is named by its first session, which a holiday makes a Thursday at the latest.
           when 'w' then make_interval(days => 7 * left(p_timeframe, -1)::integer - 4)
           when 'd' then make_interval(days => left(p_timeframe, -1)::integer)
           when 'h' then make_interval(hours => left(p_timeframe, -1)::integer)
           else make_interval(mins => left(p_timeframe, -1)::integer)
         end
$$;
comment on function desk.shortest_step(text) is 'Time from one bar to the next, at the least.';

create or replace function desk.array_figures(
  p_timeframe     text,
  p_times         timestamptz[],
  p_open          double precision[],
  p_high          double precision[],
  p_low           double precision[],
  p_close         double precision[],
  p_volume        double precision[],
  out faults      integer,
  out short_steps integer,
  out gap_count   integer,
  out bits        bytea)
language sql
immutable
set search_path = desk, pg_temp
set work_mem = '128MB'
as $$
  -- Item by item: seven arrays unnested beside each other would be written down seven times.
  select
    (count(*) filter (where (
       b.at > '-infinity' and b.at < 'infinity' and (b.number = 1 or b.at > p_times[b.number - 1])
       and (k.within_a_day or b.at at time zone 'UTC' = date_trunc('day', b.at at time zone 'UTC'))
       and p_low[b.number] > 0 and p_high[b.number] < 'infinity'
       and p_open[b.number] between p_low[b.number] and p_high[b.number]
       and p_close[b.number] between p_low[b.number] and p_high[b.number]
       and p_volume[b.number] >= 0 and p_volume[b.number] < 'infinity') is not true))::integer,
    (count(*) filter (where b.at - p_times[b.number - 1] < k.step))::integer,
    (count(*) filter (where b.at - p_times[b.number - 1] > k.break))::integer,
    string_agg(
      int8send((date_part('epoch', b.at) * 1000000)::bigint) || float8send(p_open[b.number])
        || float8send(p_high[b.number]) || float8send(p_low[b.number]) || float8send(p_close[b.number])
        || float8send(p_volume[b.number] + 0), ''::bytea)
  from unnest(p_times) with ordinality as b (at, number)
  cross join (
    select p_timeframe !~ '(d|w|mo)$' as within_a_day, desk.shortest_step(p_timeframe) as step,
           desk.usual_break(p_timeframe) as break
    offset 0
  ) as k
$$;
comment on function desk.array_figures(text, timestamptz[], double precision[], double precision[], double precision[],
  double precision[], double precision[]) is
  'Of bars in arrays: how many cannot be, how many come too close to the bar before, how many after a gap, and their '
  'bits as series_figures() hashes them.';

create or replace function desk.check_bars(
  p_symbol    text,
  p_timeframe text,
  p_times     timestamptz[],
  p_open      double precision[],
  p_high      double precision[],
  p_low       double precision[],
  p_close     double precision[],
  p_volume    double precision[])
returns void
language plpgsql
immutable
set search_path = desk, pg_temp
as $$
declare
  v_bars         integer := coalesce(cardinality(p_times), 0);
  v_step         constant interval := desk.shortest_step(p_timeframe);
  v_short        integer;
  v_fault        record;
begin
  if v_bars = 0 then
    raise exception '%: there are no bars to load', p_symbol
      using errcode = '22023', hint = 'Give one value an array and bar.';
  end if;
  if array[cardinality(p_open), cardinality(p_high), cardinality(p_low), cardinality(p_close), cardinality(p_volume)]
       is distinct from array_fill(v_bars, array[5]) then
    raise exception '%: % times, but % open, % high, % low, % close and % volume', p_symbol, v_bars,
        coalesce(cardinality(p_open), 0), coalesce(cardinality(p_high), 0), coalesce(cardinality(p_low), 0),
        coalesce(cardinality(p_close), 0), coalesce(cardinality(p_volume), 0)
      using errcode = '22023', hint = 'Give one value an array and bar.';
  end if;

  select f.short_steps into v_short
  from desk.array_figures(p_timeframe, p_times, p_open, p_high, p_low, p_close, p_volume) as f;

  with bars as (
    select u.*, u.bar_time - u.previous as step
    from unnest(p_times, array_prepend(null::timestamptz, p_times[:v_bars - 1]), p_open, p_high, p_low, p_close,
      p_volume) with ordinality as u (bar_time, previous, open, high, low, close, volume, position)
  ), judged as (
    select
      position,
      bar_time,
      case
        when bar_time is null then 'a bar has no time'
        when not isfinite(bar_time) then 'a bar has an infinite time'
        when p_timeframe ~ '(d|w|mo)$' and bar_time at time zone 'UTC' <> date_trunc('day', bar_time at time zone 'UTC')
          then format('a bar of timeframe %s must be at 00:00 UTC of its session''s date', p_timeframe)
        when bar_time = previous then 'comes twice'
        when bar_time < previous
          then format('comes after %s, bars must be in order of time', desk.bar_time_text(previous, p_timeframe))
        -- Some sources cut the first bar of a day short, to begin the others at the full hour.
        when step < v_step and v_short > v_bars / 3
          then format('comes %s after the bar before it, and so do %s of %s: bars of %s cannot begin so close together',
            step, v_short, v_bars, p_timeframe)
        else coalesce(
          (select format('%s is %s, prices must be positive numbers', f.name, coalesce(f.price::text, 'missing'))
           from (values ('open', open), ('high', high), ('low', low), ('close', close)) as f (name, price)
           where f.price is null or f.price <= 0 or f.price in ('NaN', 'Infinity')
           limit 1),
          case
            when volume is null or volume < 0 or volume in ('NaN', 'Infinity')
              then format('volume is %s, it must be zero or a positive number', coalesce(volume::text, 'missing'))
            when high < low then format('high %s is below low %s', high, low)
            when open > high then format('open %s is above high %s', open, high)
            when close > high then format('close %s is above high %s', close, high)
            when open < low then format('open %s is below low %s', open, low)
            when close < low then format('close %s is below low %s', close, low)
          end)
      end as fault
    from bars
  )
  select j.position, desk.bar_time_text(j.bar_time, p_timeframe) as bar_time, j.fault
  into v_fault
  from judged as j
  where j.fault is not null
  order by j.position
  limit 1;
  if found then
    raise exception '%, %: %', p_symbol, v_fault.bar_time, v_fault.fault
      using errcode = '22023',
            detail = format('Bar %s of %s.', v_fault.position, v_bars),
            hint = 'Mend or leave out the bar; nothing of this series was loaded.';
  end if;
end
$$;
comment on function desk.check_bars(text, text, timestamptz[], double precision[], double precision[],
  double precision[],
  double precision[], double precision[]) is
  'Refuses bars that are unsorted, repeated or impossible, naming symbol, date and value of the first.';
