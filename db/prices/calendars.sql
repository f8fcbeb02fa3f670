-- Calendars of exchanges: names, zones, sessions a year, and their sessions as rows.

insert into desk.calendars as c (
  position, name, zone, day_begins, sessions_a_year, of_zone, weekdays, aliases)
values
  (1, 'XNYS', 'America/New_York', '0', 252, true, null, '{ARCX,BATS,NASDAQ,NYSE,OOTC,XASE,XNAS}'),
  (2, '24/7', 'UTC', '0', 365, false, '{1,2,3,4,5,6,7}', '{}'),
  (3, '24/5', 'America/New_York', '-7 hours', 261, false, '{1,2,3,4,5}', '{}'),
  (4, 'CMES', 'America/Chicago', '-7 hours', 258, false, null, '{CBOT,CME,COMEX,NYMEX}'),
  (5, 'us_futures', 'America/New_York', '-6 hours', 258, false, null, '{}'),
  (6, 'IEPA', 'America/New_York', '-4 hours', 258, false, null, '{ICE,ICEUS,NYFE}'),
  (7, 'XLON', 'Europe/London', '0', 253, true, null, '{LSE}'),
  (8, 'XETR', 'Europe/Berlin', '0', 254, true, null, '{}'),
  (9, 'XTKS', 'Asia/Tokyo', '0', 245, true, null, '{JPX}'),
  (10, 'XHKG', 'Asia/Hong_Kong', '0', 247, true, null, '{HKEX}'),
  (11, 'XASX', 'Australia/Sydney', '0', 253, true, null, '{ASX}'),
  (12, 'XBOM', 'Asia/Kolkata', '0', 247, true, null, '{BSE}'),
  (13, 'XKRX', 'Asia/Seoul', '0', 247, true, null, '{}'),
  (14, 'XSES', 'Asia/Singapore', '0', 251, true, null, '{}'),
  (15, 'XSHG', 'Asia/Shanghai', '0', 242, true, null, '{SSE}'),
  (16, 'XTSE', 'America/Toronto', '0', 251, true, null, '{TSX,XTSX}'),
  (17, 'BVMF', 'America/Sao_Paulo', '0', 248, true, null, '{BMF}'),
  (18, 'XPAR', 'Europe/Paris', '0', 256, true, null, '{}'),
  (19, 'XAMS', 'Europe/Amsterdam', '0', 256, true, null, '{}'),
  (20, 'XSWX', 'Europe/Zurich', '0', 251, true, null, '{SIX}'),
  (21, 'XMIL', 'Europe/Rome', '0', 254, true, null, '{}'),
  (22, 'XMAD', 'Europe/Madrid', '0', 254, true, null, '{}'),
  (23, 'XSTO', 'Europe/Stockholm', '0', 251, true, null, '{}'),
  (24, 'XTAI', 'Asia/Taipei', '0', 246, true, null, '{}'),
  (25, 'XJSE', 'Africa/Johannesburg', '0', 250, true, null, '{}'),
  (26, 'AIXK', 'Asia/Almaty', '0', 245, true, null, '{}'),
  (27, 'XBDA', 'Atlantic/Bermuda', '0', 251, true, null, '{}'),
  (28, 'XBKK', 'Asia/Bangkok', '0', 244, true, null, '{}'),
  (29, 'XBOG', 'America/New_York', '0', 244, false, null, '{}'),
  (30, 'XBRA', 'Europe/Bratislava', '0', 249, true, null, '{}'),
  (31, 'XBRU', 'Europe/Brussels', '0', 256, true, null, '{}'),
  (32, 'XBUD', 'Europe/Budapest', '0', 250, true, null, '{}'),
  (33, 'XBUE', 'America/Argentina/Buenos_Aires', '0', 247, true, null, '{}'),
  (34, 'XCBF', 'America/Chicago', '0', 252, false, null, '{CFE}'),
  (35, 'XCSE', 'Europe/Copenhagen', '0', 250, true, null, '{}'),
  (36, 'XDUB', 'Europe/Dublin', '0', 254, true, null, '{}'),
  (37, 'XDUS', 'Europe/Brussels', '0', 254, false, null, '{}'),
  (38, 'XEEE', 'Europe/Berlin', '0', 255, false, null, '{}'),
  (39, 'XEUR', 'Europe/Berlin', '0', 255, false, null, '{}'),
  (40, 'XFRA', 'Europe/Berlin', '0', 254, false, null, '{FWB}'),
  (41, 'XHAM', 'Europe/Brussels', '0', 254, false, null, '{}'),
  (42, 'XHEL', 'Europe/Helsinki', '0', 251, true, null, '{}'),
  (43, 'XICE', 'Atlantic/Reykjavik', '0', 249, true, null, '{}'),
  (44, 'XIDX', 'Asia/Jakarta', '0', 244, true, null, '{JKT}'),
  (45, 'XIST', 'Europe/Istanbul', '0', 251, true, null, '{}'),
  (46, 'XKAR', 'Asia/Karachi', '0', 248, true, null, '{}'),
  (47, 'XKLS', 'Asia/Kuala_Lumpur', '0', 246, true, null, '{}'),
  (48, 'XLIM', 'America/Lima', '0', 251, true, null, '{}'),
  (49, 'XLIS', 'Europe/Lisbon', '0', 255, true, null, '{}'),
  (50, 'XLIT', 'Europe/Vilnius', '0', 249, true, null, '{}'),
  (51, 'XLJU', 'Europe/Ljubljana', '0', 249, true, null, '{}'),
  (52, 'XLUX', 'Europe/Luxembourg', '0', 256, true, null, '{LUXSE}'),
  (53, 'XMEX', 'America/Mexico_City', '0', 252, true, null, '{}'),
  (54, 'XMOS', 'Europe/Moscow', '0', 249, true, null, '{}'),
  (55, 'XNZE', 'Pacific/Auckland', '0', 251, true, null, '{}'),
  (56, 'XOSL', 'Europe/Oslo', '0', 251, true, null, '{OSE}'),
  (57, 'XPHS', 'Asia/Manila', '0', 246, true, null, '{}'),
  (58, 'XPRA', 'Europe/Prague', '0', 251, true, null, '{}'),
  (59, 'XRIS', 'Europe/Riga', '0', 251, true, null, '{}'),
  (60, 'XSAU', 'Asia/Riyadh', '0', 248, true, null, '{}'),
  (61, 'XSGO', 'America/Santiago', '0', 249, true, null, '{}'),
  (62, 'XSTU', 'Europe/Berlin', '0', 255, false, null, '{}'),
  (63, 'XTAL', 'Europe/Tallinn', '0', 252, true, null, '{}'),
  (64, 'XWAR', 'Europe/Warsaw', '0', 250, true, null, '{}'),
  (65, 'XWBO', 'Europe/Vienna', '0', 249, true, null, '{}'),
  (66, 'XZAG', 'Europe/Zagreb', '0', 249, true, null, '{}')
on conflict (name) do update
set position = excluded.position, zone = excluded.zone, day_begins = excluded.day_begins,
    sessions_a_year = excluded.sessions_a_year, of_zone = excluded.of_zone, weekdays = excluded.weekdays,
    aliases = excluded.aliases;

create or replace function desk.calendar_named(p_name text)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select c.name
  from desk.calendars as c
  where upper(btrim(p_name)) = upper(c.name) or upper(btrim(p_name)) = any (c.aliases)
$$;
comment on function desk.calendar_named(text) is
  'Name of a calendar, by its name or another of its names; null is none.';

-- On a desk that had instruments before it had calendars; nothing to do after that.
update desk.instruments as i
set calendar = coalesce(desk.calendar_named(i.calendar), 'XNYS')
where not exists (select from desk.calendars as c where c.name = i.calendar);
alter table desk.instruments validate constraint instruments_calendar_known;

create or replace function desk.zone_of_times(p_times timestamptz[], p_minutes integer[])
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select c.zone
  from desk.calendars as c
  where c.of_zone and 0 <> any (p_minutes)
    and not exists (
      select from unnest(p_times, p_minutes) as t (at, minutes)
      where t.at at time zone c.zone - t.at at time zone 'UTC' <> make_interval(mins => t.minutes))
  order by c.position
  limit 1
$$;
comment on function desk.zone_of_times(timestamptz[], integer[]) is
  'Zone of an exchange whose clock was so many minutes before UTC at these times; null where there is none, or all '
  'are UTC.';
grant execute on function desk.zone_of_times(timestamptz[], integer[]) to desk_director, desk_runner;

create or replace function desk.instrument_place(p_instrument_id bigint)
returns table (calendar text, zone text, calendar_by text)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select i.calendar, i.zone, i.calendar_by from desk.instruments as i where i.id = p_instrument_id
$$;
comment on function desk.instrument_place(bigint) is
  'Calendar and zone of an instrument, and what they were taken from, for those who load prices.';
grant execute on function desk.instrument_place(bigint) to desk_director, desk_runner;

create or replace function desk.calendar_of_bars(p_times timestamptz[], p_timeframe text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  -- Of weekly and monthly bars nobody knows on which days they were traded.
  select case
    when p_timeframe ~ '(w|mo)$' then null
    when b.weeks > 0 and 2 * least(b.saturdays, b.sundays) >= b.weeks then '24/7'
    when p_timeframe !~ 'd$' and b.saturdays = 0 and b.evenings > 0 and b.early = 0 and b.hours >= 20 then '24/5' end
  from (
    select count(distinct t.local::date) filter (where extract(isodow from t.local) = 6) as saturdays,
           count(distinct t.local::date) filter (where extract(isodow from t.local) = 7) as sundays,
           count(distinct date_trunc('week', t.local)) as weeks,
           count(*) filter (where extract(isodow from t.local) = 7 and extract(hour from t.local) >= 17) as evenings,
           count(*) filter (where extract(isodow from t.local) = 7 and extract(hour from t.local) < 17) as early,
           count(distinct extract(hour from t.local)) as hours
    from (
      select u.at at time zone case when p_timeframe ~ 'd$' then 'UTC' else 'America/New_York' end as local
      -- By the hour, since bars of a minute are many; New York is whole hours from UTC.
      from (
        select distinct date_bin('1 hour', m.at, timestamptz '2000-01-01 00:00+00') as at
        from unnest(p_times) as m (at)
      ) as u
    ) as t
  ) as b
$$;
comment on function desk.calendar_of_bars(timestamptz[], text) is
  '24/7 where there are bars on Saturdays and Sundays, 24/5 where they go around the clock from Sunday evening in New '
  'York on; else null.';

create or replace function desk.instrument_day(p_instrument_id bigint, p_timeframe text, out zone text,
  out day_begins interval)
language sql stable
set search_path = desk, pg_temp
as $$
  -- Bars of a day and longer stand at 00:00 UTC of their session's date.
  select case when p_timeframe ~ '(d|w|mo)$' then 'UTC' else i.zone end,
         case when p_timeframe ~ '(d|w|mo)$' then interval '0' else c.day_begins end
  from desk.instruments as i
  join desk.calendars as c on c.name = i.calendar
  where i.id = p_instrument_id
$$;
comment on function desk.instrument_day(bigint, text) is
  'Zone whose clock cuts an instrument''s bars into sessions, and when their day begins on it: a bar''s session is '
  '((bar_time at time zone zone) - day_begins)::date.';

create or replace function desk.cut_by_utc(p_instrument_id bigint, p_timeframe text, p_version integer)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  select not exists (
    select
    from desk.instrument_day(p_instrument_id, p_timeframe) as d
    join desk.bars as b on b.instrument_id = p_instrument_id and b.timeframe = p_timeframe and b.version <= p_version
    where d.zone <> 'UTC'
      and ((b.bar_time at time zone d.zone) - d.day_begins)::date <> (b.bar_time at time zone 'UTC')::date)
$$;
comment on function desk.cut_by_utc(bigint, text, integer) is
  'True where every bar of a series has its UTC date as its session.';

create or replace function desk.fill_calendar(
  p_calendar  text,
  p_first_day date,
  p_last_day  date,
  p_sessions  date[],
  p_opens     timestamptz[],
  p_closes    timestamptz[],
  p_half_days boolean[])
returns integer
language plpgsql
volatile
security definer
set search_path = desk, pg_temp
as $$
declare
  v_count integer;
begin
  -- Of two that fill one calendar, the second waits here.
  perform from desk.calendars as c where c.name = p_calendar for update;
  if not found then
    perform desk.refuse(format('Unknown calendar %s', to_jsonb(left(p_calendar, 40))), '$.calendar',
      desk.did_you_mean(p_calendar, array(select c.name from desk.calendars as c)), '23503');
  end if;
  if array[cardinality(p_opens), cardinality(p_closes), cardinality(p_half_days)]
       is distinct from array_fill(cardinality(p_sessions), array[3])
    or p_first_day is null or p_last_day is null
    or exists (select from unnest(p_sessions) as s (d) where s.d is null or s.d not between p_first_day and p_last_day)
  then
    perform desk.refuse(format('%s sessions of %s do not fit %s to %s', cardinality(p_sessions), p_calendar,
      p_first_day, p_last_day), '$.sessions',
      'Give open, close and half day of each session, all between the two days.');
  end if;
  delete from desk.calendar_sessions as s
  where s.calendar = p_calendar and s.session between p_first_day and p_last_day;
  insert into desk.calendar_sessions (calendar, session, open, close, half_day)
  select p_calendar, u.session, u.open, u.close, u.half_day
  from unnest(p_sessions, p_opens, p_closes, p_half_days) as u (session, open, close, half_day);
  get diagnostics v_count = row_count;
  update desk.calendars as c
  set filled_from = least(c.filled_from, p_first_day), filled_to = greatest(c.filled_to, p_last_day)
  where c.name = p_calendar;
  return v_count;
end
$$;
comment on function desk.fill_calendar(text, date, date, date[], timestamptz[], timestamptz[], boolean[]) is
  'Writes the sessions of a calendar between two days in place of those that are there; how many there are.';
grant execute on function desk.fill_calendar(text, date, date, date[], timestamptz[], timestamptz[], boolean[])
  to desk_director, desk_runner;

create or replace function desk.fill_calendars()
returns table (calendar text, first_day date, last_day date)
language plpgsql
volatile
security definer
set search_path = desk, pg_temp
as $$
#variable_conflict use_column
declare
  v_wanted record;
begin
  for v_wanted in
    select c.name, c.zone, c.day_begins, c.weekdays, least(date '1990-01-01', b.first_day) as first_day,
      current_date + 366 as last_day
    from (
      select i.calendar, date_trunc('year', min(v.first_bar) at time zone 'UTC')::date as first_day
      from desk.instruments as i
      join desk.price_versions as v on v.instrument_id = i.id
      group by i.calendar
    ) as b
    join desk.calendars as c on c.name = b.calendar
    -- A month of grace, so that not each day brings one session more.
    where c.filled_from is null or c.filled_from > least(date '1990-01-01', b.first_day)
      or c.filled_to < current_date + 335
    order by c.position
  loop
    if v_wanted.weekdays is not null then
      perform desk.fill_calendar(v_wanted.name, v_wanted.first_day, v_wanted.last_day, array_agg(d.day),
        array_agg((d.day + v_wanted.day_begins) at time zone v_wanted.zone),
        array_agg((d.day + 1 + v_wanted.day_begins) at time zone v_wanted.zone), array_agg(false))
      from (
        select g::date as day from generate_series(v_wanted.first_day, v_wanted.last_day, interval '1 day') as g
      ) as d
      where extract(isodow from d.day)::integer = any (v_wanted.weekdays);
    else
      calendar := v_wanted.name;
      first_day := v_wanted.first_day;
      last_day := v_wanted.last_day;
      return next;
    end if;
  end loop;
end
$$;
comment on function desk.fill_calendars() is
  'Writes the sessions that bars need, and a year ahead, of calendars without holidays; answers with the others whose '
  'sessions are missing, a row each, for fill_calendar().';
grant execute on function desk.fill_calendars() to desk_director, desk_runner;

create or replace view desk.calendar_coverage as
select c.name as calendar, c.zone, c.sessions_a_year, u.instruments, s.first_session, s.last_session,
       s.last_session is null or s.last_session < current_date + 30 as ending
from desk.calendars as c
join (
  select i.calendar, count(*) as instruments
  from desk.instruments as i
  where exists (select from desk.price_versions as v where v.instrument_id = i.id)
  group by i.calendar
) as u on u.calendar = c.name
cross join lateral (
  select min(d.session) as first_session, max(d.session) as last_session
  from desk.calendar_sessions as d
  where d.calendar = c.name
) as s
order by c.position;
comment on view desk.calendar_coverage is
  'One row a calendar of instruments that have prices: from when to when its sessions are known.';
comment on column desk.calendar_coverage.calendar is 'The calendar.';
comment on column desk.calendar_coverage.zone is 'Its time zone.';
comment on column desk.calendar_coverage.sessions_a_year is 'Sessions a year.';
comment on column desk.calendar_coverage.instruments is 'Instruments with prices that have it.';
comment on column desk.calendar_coverage.first_session is 'First session that is known.';
comment on column desk.calendar_coverage.last_session is 'Last session that is known.';
comment on column desk.calendar_coverage.ending is
  'True where the sessions end within 30 days, or there is none: backdesk up fills them.';
grant select on desk.calendars, desk.calendar_sessions, desk.calendar_coverage to desk_director, desk_viewer;

create or replace function desk.sessions_a_year(p_symbols text[], p_timeframe text, p_sessions date[] default null)
returns double precision
language plpgsql
stable
security definer
set search_path = desk, pg_temp
as $$
declare
  v_calendars text[] := array(
    select distinct i.calendar from desk.instruments as i where i.symbol = any (p_symbols));
  v_bars      constant integer := coalesce(substring(p_timeframe from '^[0-9]+')::integer, 1);
  v_year      double precision;
begin
  if p_timeframe ~ '(w|mo)$' then
    return case when p_timeframe ~ 'w$' then 52.0 else 12.0 end / v_bars;
  end if;
  if cardinality(v_calendars) = 0 and cardinality(p_sessions) > 0 or exists (
    select from unnest(p_symbols) as s (symbol)
    where not exists (select from desk.instruments as i where i.symbol = s.symbol))
  then
    -- Nothing is known of a symbol from elsewhere but the days on which it traded.
    v_calendars := array[coalesce(
      desk.calendar_of_bars(array(select s.d::timestamp at time zone 'UTC' from unnest(p_sessions) as s (d)), '1d'),
      'XNYS')];
  end if;
  if cardinality(v_calendars) > 1 and '24/7' <> all (v_calendars) then
    -- The union's count, over the years of 2000 to 2024 that all of them know.
    select round(count(distinct s.session)::numeric / max(2025 - y.first_year))
    into v_year
    from (
      select max(extract(year from k.first_session + 355))::integer as first_year
      from unnest(v_calendars) as n (name)
      cross join lateral (
        select coalesce(min(s.session), 'infinity') as first_session
        from desk.calendar_sessions as s
        where s.calendar = n.name and s.session >= date '2000-01-01'
      ) as k
      having bool_and(k.first_session < date '2024-01-11')
    ) as y
    join desk.calendar_sessions as s on s.calendar = any (v_calendars)
      and s.session between make_date(y.first_year, 1, 1) and date '2024-12-31';
  end if;
  v_year := coalesce(v_year,
    (select max(c.sessions_a_year) from desk.calendars as c where c.name = any (v_calendars)), 252);
  return v_year / case when p_timeframe ~ 'd$' then v_bars else 1 end;
end
$$;
comment on function desk.sessions_a_year(text[], text, date[]) is
  'Sessions a year of a portfolio in bars of a length: of its calendars together; 52 of weekly bars, 12 of monthly. '
  'Of symbols that the desk does not know the sessions tell whether they are of seven days a week.';
grant execute on function desk.sessions_a_year(text[], text, date[]) to desk_director, desk_viewer, desk_importer;
