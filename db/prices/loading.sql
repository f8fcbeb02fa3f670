-- Loading prices: append-only by version. A load that changes nothing makes no version.

drop function if exists desk.load_instrument(text, text, text, text, text, text, boolean, text);
drop function if exists desk.load_instrument(text, text, text, text, text, text, boolean, text, text);
create or replace function desk.load_instrument(
  p_symbol      text,
  p_title       text default null,
  p_asset_class text default null,
  p_currency    text default null,
  p_exchange    text default null,
  p_calendar    text default null,
  p_closes_only boolean default null,
  p_notes       text default null,
  p_zone        text default null,
  p_multiplier  double precision default null,
  p_tick        double precision default null,
  p_lot         double precision default null,
  p_margin      double precision default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = desk, pg_temp
as $$
declare
  v_symbol text := upper(btrim(p_symbol));
  v_id     bigint;
  v_terms  desk.instruments;
  v_fault  record;
begin
  if v_symbol is null or length(v_symbol) > 32
    or v_symbol !~ '^[A-Z0-9^$#@][A-Z0-9._^=&/:+$#@!*~-]*( [A-Z0-9._^=&/:+$#@!*~-]+)*$' then
    raise exception 'symbol "%" is not a symbol', p_symbol
      using errcode = '22023',
            hint = 'Letters, digits, single blanks and . _ ^ = & / : + $ # @ ! * ~ - up to 32: AAPL, BTC/USDT.';
  end if;
  if p_currency !~ '^[A-Z]{3,5}$' then
    perform desk.refuse(format('Got %s as currency', to_jsonb(left(p_currency, 40))), '$.currency',
      'A code such as USD, EUR or USDT.');
  end if;
  select t.name, t.value into v_fault
  from (values ('multiplier', p_multiplier, false), ('tick', p_tick, true), ('lot', p_lot, true),
    ('margin', p_margin, true)) as t (name, value, may_be_none)
  where not (t.value > 0 and t.value < 'Infinity' or t.may_be_none and t.value = 0)
  limit 1;
  if found then
    perform desk.refuse(format('Got %s as %s of %s', v_fault.value, v_fault.name, v_symbol), '$.' || v_fault.name,
      case v_fault.name when 'multiplier' then 'Money that one unit gains when its price rises by 1, such as 50.'
        else 'A number above 0; 0 takes it away.' end);
  end if;
  insert into desk.instruments as i
    (symbol, title, asset_class, currency, exchange, closes_only, notes, calendar_by)
  values
    (v_symbol, coalesce(p_title, ''), coalesce(p_asset_class, 'equity'), coalesce(p_currency, 'USD'), p_exchange,
     coalesce(p_closes_only, false), p_notes, 'default')
  on conflict (symbol) do update
  set title       = coalesce(p_title, i.title),
      asset_class = coalesce(p_asset_class, i.asset_class),
      currency    = coalesce(p_currency, i.currency),
      exchange    = coalesce(p_exchange, i.exchange),
      closes_only = coalesce(p_closes_only, i.closes_only),
      notes       = coalesce(p_notes, i.notes)
  returning i.id into v_id;
  if num_nonnulls(p_multiplier, p_tick, p_lot, p_margin) > 0 then
    select i.* into v_terms from desk.instruments as i where i.id = v_id;
    if coalesce(p_multiplier, v_terms.multiplier) <> 1 and nullif(coalesce(p_margin, v_terms.margin), 0) is null then
      perform desk.refuse(format('%s has a multiplier of %s and no margin', v_symbol,
        coalesce(p_multiplier, v_terms.multiplier)), '$.margin',
        'Give the margin a contract too; what is paid in full has a multiplier of 1.');
    end if;
    update desk.instruments as i
    set multiplier = coalesce(p_multiplier, i.multiplier), tick = nullif(coalesce(p_tick, i.tick), 0),
        lot = nullif(coalesce(p_lot, i.lot), 0), margin = nullif(coalesce(p_margin, i.margin), 0)
    where i.id = v_id;
  end if;
  if p_calendar is not null or p_zone is not null then
    perform desk.place_instrument(v_id, p_calendar, p_zone);
  end if;
  return v_id;
end
$$;
comment on function desk.load_instrument(text, text, text, text, text, text, boolean, text, text, double precision,
  double precision, double precision, double precision) is
  'Makes an instrument or changes its description; null leaves what is there, and 0 takes away tick, lot or margin. '
  'Its calendar is told, or follows from the zone, or from its bars when they come. Returns its id.';
grant execute on function desk.load_instrument(text, text, text, text, text, text, boolean, text, text,
  double precision, double precision, double precision, double precision) to desk_director;

create or replace function desk.contract_terms(p_symbols text[])
returns jsonb
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select jsonb_object_agg(i.symbol, t.terms)
  from desk.instruments as i
  cross join lateral (
    select jsonb_strip_nulls(jsonb_build_object('multiplier', nullif(i.multiplier, 1), 'tick', i.tick, 'lot', i.lot,
      'margin', i.margin)) as terms
  ) as t
  where i.symbol = any (p_symbols) and t.terms <> '{}'
$$;
comment on function desk.contract_terms(text[]) is
  'By symbol the multiplier, tick, lot and margin of the instruments that have such; null where none has.';
grant execute on function desk.contract_terms(text[]) to desk_director, desk_viewer;

create or replace function desk.place_instrument(p_instrument_id bigint, p_calendar text, p_zone text,
  p_by text default null)
returns void
language plpgsql
volatile
set search_path = desk, pg_temp
as $$
declare
  v_old      desk.instruments;
  v_calendar desk.calendars;
  v_zone     text := btrim(p_zone);
  v_said     text;
  v_by       text := coalesce(p_by, case when p_calendar is not null then 'told' else 'zone' end);
begin
  select i.* into v_old from desk.instruments as i where i.id = p_instrument_id for update;
  begin
    perform now() at time zone v_zone;
  exception when invalid_parameter_value then
    perform desk.refuse(format('Unknown time zone %s', to_jsonb(left(p_zone, 60))), '$.zone',
      'Such as America/New_York; see pg_timezone_names.');
  end;
  v_said := case when v_old.calendar_by = 'zone' or v_old.calendar = '24/7' then v_old.zone end;
  if p_calendar is null and v_old.calendar_by in ('told', 'bars') then
    v_by := v_old.calendar_by;
    p_calendar := v_old.calendar;
  end if;
  if p_calendar is not null then
    select c.* into v_calendar from desk.calendars as c where c.name = desk.calendar_named(p_calendar);
    if not found then
      perform desk.refuse(format('Unknown calendar %s', to_jsonb(left(p_calendar, 40))), '$.calendar',
        desk.did_you_mean(p_calendar, array(select c.name from desk.calendars as c))
          || ' An ISO market code, 24/7 or 24/5: select name, zone from calendars.', '23503');
    end if;
    -- An exchange has a clock of its own; a market that never closes has the one that was told.
    v_zone := case when v_calendar.name = '24/7' then coalesce(v_zone, v_said, 'UTC')
      else v_calendar.zone end;
  elsif v_zone ~ '^(Etc/)?(UTC|GMT|UCT|Zulu|Universal)$' then
    -- How times are written, not where anything is traded.
    return;
  else
    select c.* into v_calendar from desk.calendars as c where c.of_zone and c.zone = v_zone;
    if not found then
      select c.* into v_calendar from desk.calendars as c where c.name = v_old.calendar;
    end if;
  end if;
  update desk.instruments as i
  set calendar = v_calendar.name, zone = v_zone, calendar_by = v_by
  where i.id = p_instrument_id;
  if (v_old.calendar, v_old.zone) <> (v_calendar.name, v_zone) then
    update desk.price_versions as v
    set utc_sessions = desk.cut_by_utc(v.instrument_id, v.timeframe, v.version)
    where v.instrument_id = p_instrument_id and v.timeframe !~ '(d|w|mo)$';
  end if;
end
$$;
comment on function desk.place_instrument(bigint, text, text, text) is
  'Gives an instrument its calendar and zone: those that are told, or that follow from the other one.';

create or replace function desk.load_factors(
  p_instrument_id bigint,
  p_dates         date[],
  p_kinds         text[],
  p_factors       double precision[])
returns integer
language plpgsql
volatile
set search_path = desk, pg_temp
as $$
declare
  v_symbol  text := (select i.symbol from desk.instruments as i where i.id = p_instrument_id);
  v_fault   record;
  v_version integer := greatest(
    (select coalesce(max(f.version), 0) from desk.adjustment_factors as f where f.instrument_id = p_instrument_id),
    (select coalesce(max(v.factors_version), 0) from desk.price_versions as v where v.instrument_id = p_instrument_id));
begin
  if p_dates is null then
    return v_version;
  end if;
  if array[cardinality(p_kinds), cardinality(p_factors)] is distinct
    from array_fill(cardinality(p_dates), array[2]) then
    raise exception '%: % factor dates, but % kinds and % factors', v_symbol, cardinality(p_dates),
        coalesce(cardinality(p_kinds), 0), coalesce(cardinality(p_factors), 0)
      using errcode = '22023', hint = 'Give one value an array and factor.';
  end if;
  select f.*, count(*) over (partition by f.effective_date, f.kind) as times
  into v_fault
  from unnest(p_dates, p_kinds, p_factors) as f (effective_date, kind, factor)
  order by (
    f.effective_date is not null and isfinite(f.effective_date) and f.kind in ('split', 'dividend')
    and f.factor > 0 and f.factor < 'Infinity') is true, times desc
  limit 1;
  if found and (
    v_fault.times > 1 or v_fault.effective_date is null or not isfinite(v_fault.effective_date)
    or v_fault.kind is null or v_fault.kind not in ('split', 'dividend')
    or v_fault.factor is null or v_fault.factor <= 0 or v_fault.factor in ('NaN', 'Infinity')) then
    raise exception '%, %: % factor % cannot be used', v_symbol, coalesce(v_fault.effective_date::text, 'no date'),
        coalesce(v_fault.kind, 'unnamed'), coalesce(v_fault.factor::text, 'missing')
      using errcode = '22023',
            hint = 'One split and one dividend factor a date at most, each a positive number.';
  end if;
  if exists (
    (select f.effective_date, f.kind, f.factor from unnest(p_dates, p_kinds, p_factors) as f (effective_date, kind,
      factor)
     except
     select f.effective_date, f.kind, f.factor
     from desk.adjustment_factors as f
     where f.instrument_id = p_instrument_id and f.version = v_version)
  ) or cardinality(p_dates) <> (
    select count(*) from desk.adjustment_factors as f
    where f.instrument_id = p_instrument_id and f.version = v_version
  ) then
    v_version := v_version + 1;
    insert into desk.adjustment_factors (instrument_id, effective_date, kind, version, factor)
    select p_instrument_id, f.effective_date, f.kind, v_version, f.factor
    from unnest(p_dates, p_kinds, p_factors) as f (effective_date, kind, factor);
  end if;
  return v_version;
end
$$;
comment on function desk.load_factors(bigint, date[], text[], double precision[]) is
  'Records an instrument''s whole set of factors under the next version if it differs from the last; null keeps the '
  'last. Returns the version that holds.';

drop function if exists desk.load_bars(text, text, text, timestamptz[], double precision[], double precision[],
  double precision[], double precision[], double precision[], date[], text[], double precision[]);
create or replace function desk.load_bars(
  p_symbol       text,
  p_timeframe    text,
  p_source       text,
  p_times        timestamptz[],
  p_open         double precision[],
  p_high         double precision[],
  p_low          double precision[],
  p_close        double precision[],
  p_volume       double precision[],
  p_factor_dates date[] default null,
  p_factor_kinds text[] default null,
  p_factors      double precision[] default null,
  p_merge        boolean default false,
  p_replace      boolean default false)
returns table (
  instrument_id bigint,
  version       integer,
  status        text,
  new_bars      integer,
  changed_bars  integer,
  bar_count     integer,
  first_bar     timestamptz,
  last_bar      timestamptz,
  gap_count     integer)
language plpgsql
volatile
security definer
set search_path = desk, pg_temp
as $$
#variable_conflict use_column
declare
  v_symbol          text := upper(btrim(p_symbol));
  v_instrument_id   bigint;
  v_latest          desk.price_versions;
  v_version         integer;
  v_factors_version integer;
  v_new             integer;
  v_changed         integer;
  v_same            integer;
  v_given           record;
  v_calendar        text;
begin
  if p_timeframe is null or p_timeframe !~ '^[1-9][0-9]*(m|h|d|w|mo)$' then
    raise exception 'timeframe "%" is not a timeframe', p_timeframe
      using errcode = '22023', hint = 'A count and m, h, d, w or mo, such as 1d or 15m.';
  end if;
  -- The row lock puts loads of one instrument in order, so that two of them never take one version.
  select i.id into v_instrument_id from desk.instruments as i where i.symbol = v_symbol for update;
  if not found then
    raise exception 'symbol "%" is unknown', p_symbol
      using errcode = '23503', hint = format('First: select load_instrument(%L).', v_symbol);
  end if;
  select f.* into v_given
  from desk.array_figures(p_timeframe, p_times, p_open, p_high, p_low, p_close, p_volume) as f;
  if v_given.faults <> 0 or v_given.short_steps > cardinality(p_times) / 3 or cardinality(p_times) > 0 is not true
    or array[cardinality(p_open), cardinality(p_high), cardinality(p_low), cardinality(p_close), cardinality(p_volume)]
         is distinct from array_fill(cardinality(p_times), array[5]) then
    perform desk.check_bars(v_symbol, p_timeframe, p_times, p_open, p_high, p_low, p_close, p_volume);
  end if;

  if exists (
    select from desk.instruments as i where i.id = v_instrument_id and i.calendar_by in ('default', 'zone'))
  then
    v_calendar := desk.calendar_of_bars(p_times, p_timeframe);
    if v_calendar is not null then
      perform desk.place_instrument(v_instrument_id, v_calendar, null, 'bars');
    end if;
  end if;
  v_latest := desk.latest_price_version(v_instrument_id, p_timeframe);
  v_version := coalesce(v_latest.version, 0) + 1;
  if p_merge and p_factor_dates is not null then
    -- Ex-dates on days that these bars do not have keep what is known of them.
    select p_factor_dates || coalesce(array_agg(f.effective_date), '{}'),
           p_factor_kinds || coalesce(array_agg(f.kind), '{}'),
           p_factors || coalesce(array_agg(f.factor), '{}')
    into p_factor_dates, p_factor_kinds, p_factors
    from desk.adjustment_factors as f
    where f.instrument_id = v_instrument_id
      and f.version = (select max(n.version) from desk.adjustment_factors as n where n.instrument_id = v_instrument_id)
      and not (f.effective_date > (p_times[1] at time zone 'UTC')::date
               and f.effective_date <= (p_times[cardinality(p_times)] at time zone 'UTC')::date);
  end if;
  v_factors_version := desk.load_factors(v_instrument_id, p_factor_dates, p_factor_kinds, p_factors);

  if v_latest.version is null then
    -- + 0 makes a negative zero a zero, so that equal volumes have equal bits.
    insert into desk.bars (instrument_id, timeframe, bar_time, version, open, high, low, close, volume)
    select v_instrument_id, p_timeframe, b.bar_time, v_version, p_open[b.number], p_high[b.number], p_low[b.number],
           p_close[b.number], p_volume[b.number] + 0
    from unnest(p_times) with ordinality as b (bar_time, number);
    v_new := cardinality(p_times);
    v_changed := 0;
  else
    with incoming as (
      select b.bar_time, b.open, b.high, b.low, b.close, b.volume + 0 as volume
      from unnest(p_times, p_open, p_high, p_low, p_close, p_volume) as b (bar_time, open, high, low, close, volume)
    ), compared as (
      select i.*, c.bar_time is null as is_new
      from incoming as i
      left join desk.series_bars(v_instrument_id, p_timeframe, v_latest.version) as c on c.bar_time = i.bar_time
      where c.bar_time is null
         or (i.open, i.high, i.low, i.close, i.volume) is distinct from (c.open, c.high, c.low, c.close, c.volume)
    ), added as (
      insert into desk.bars (instrument_id, timeframe, bar_time, version, open, high, low, close, volume)
      select v_instrument_id, p_timeframe, c.bar_time, v_version, c.open, c.high, c.low, c.close, c.volume
      from compared as c
    )
    select count(*) filter (where c.is_new), count(*) filter (where not c.is_new)
    into v_new, v_changed
    from compared as c;
  end if;

  if v_changed > 4 and not p_replace then
    select count(*) into v_same
    from desk.series_bars(v_instrument_id, p_timeframe, v_latest.version) as c
    where c.bar_time = any (p_times);
    if v_changed = v_same then
      raise exception '%: all % bars that the desk has of these times would change', v_symbol, v_changed
        using errcode = '22023',
              detail = format('The last of them closes at %s and would close at %s.',
                (select c.close from desk.series_bars(v_instrument_id, p_timeframe, v_latest.version) as c
                 where c.bar_time = any (p_times) order by c.bar_time desc limit 1),
                (select u.close from unnest(p_times, p_close) as u (bar_time, close)
                 where exists (select from desk.series_bars(v_instrument_id, p_timeframe, v_latest.version) as c
                               where c.bar_time = u.bar_time)
                 order by u.bar_time desc limit 1)),
              hint = 'Another symbol or source, or a split since then? If it is meant: --replace, or p_replace.';
    end if;
  end if;

  if v_new = 0 and v_changed = 0 and v_factors_version = v_latest.factors_version then
    return query
    select v_instrument_id, v_latest.version, 'unchanged'::text, 0, 0, v_latest.bar_count, v_latest.first_bar,
           v_latest.last_bar, v_latest.gap_count;
    return;
  end if;

  return query
  with figures as (
    select p_times[1] as first_bar, p_times[cardinality(p_times)] as last_bar, cardinality(p_times) as bar_count,
           v_given.gap_count, desk.bits_hash(v_given.bits, v_instrument_id, v_factors_version) as content_hash
    where v_latest.version is null
    union all
    select f.first_bar, f.last_bar, f.bar_count, f.gap_count, f.content_hash
    from desk.series_figures(v_instrument_id, p_timeframe, v_version, v_factors_version) as f
    where v_latest.version is not null
  ), made as (
    insert into desk.price_versions
      (instrument_id, timeframe, version, factors_version, source, first_bar, last_bar, bar_count, gap_count,
       content_hash, loaded_by, utc_sessions)
    select v_instrument_id, p_timeframe, v_version, v_factors_version, coalesce(p_source, ''), f.first_bar,
           f.last_bar, f.bar_count, f.gap_count, f.content_hash, session_user,
           desk.cut_by_utc(v_instrument_id, p_timeframe, v_version)
    from figures as f
    returning *
  )
  select m.instrument_id, m.version, 'loaded'::text, v_new, v_changed, m.bar_count, m.first_bar, m.last_bar, m.gap_count
  from made as m;
end
$$;
comment on function desk.load_bars(text, text, text, timestamptz[], double precision[],
  double precision[],
  double precision[], double precision[], double precision[], date[], text[],
  double precision[], boolean, boolean) is
  'Loads raw bars of one symbol: new and changed ones become rows under the next version, bars that are not given '
  'stay. The factors are the whole set, or with p_merge those of the bars'' days; null keeps what is there. Refuses '
  'the series if one bar is impossible, and without p_replace where every bar that is there would change.';
grant execute on function desk.load_bars(text, text, text, timestamptz[], double precision[], double precision[],
  double precision[], double precision[], double precision[], date[], text[], double precision[], boolean, boolean)
  to desk_director;
