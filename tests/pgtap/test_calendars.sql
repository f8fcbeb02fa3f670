-- Calendars: their sessions are rows, as far back as bars go and a year ahead.
select plan(33);
create function tap.given_bars(p_symbol text, p_timeframe text, p_times timestamptz[]) returns bigint language sql as $$
  select count(*)
  from (select array_fill(10::float8, array[cardinality(p_times)]) as prices) as p
  cross join lateral desk.load_bars(p_symbol, p_timeframe, 'made', p_times, prices, prices, prices, prices, prices)
$$;
create function tap.given_hours(p_symbol text, p_zone text, p_hours integer[], p_days integer default 60)
returns bigint language sql as $$
  select tap.given_bars(p_symbol, '1h', array_agg((d::date + make_interval(hours => h)) at time zone p_zone order by d, h))
  from generate_series(date '2022-01-03', date '2022-01-03' + p_days, interval '1 day') as d
  cross join unnest(p_hours) as h
  where extract(isodow from d) < 6
$$;

select is(desk.calendar_named(n.said), n.meant, format('%s is %s', n.said, coalesce(n.meant, 'no calendar')))
from (values (' nyse', 'XNYS'), ('US_FUTURES', 'us_futures'), ('24/7', '24/7'), ('XXXX', null)) as n (said, meant);

set local role desk_director;
select is_empty('select * from fill_calendars()', 'without prices no calendar is wanted');
select load_instrument('ETF'), load_instrument('COIN', p_calendar => '24/7'), load_instrument('EUR', p_calendar => '24/5');
select tap.given_bars('ETF', '1d', '{2001-03-05 00:00+00}'), tap.given_bars('EUR', '1h', '{1985-06-03 00:00+00}'),
  tap.given_bars('COIN', '1d', '{2020-03-07 00:00+00}');
select results_eq('select calendar, ending from calendar_coverage', $$values ('XNYS', true), ('24/7', true), ('24/5', true)$$,
  'with prices their calendars are');
select results_eq('select * from fill_calendars()', $$values ('XNYS', date '1990-01-01', current_date + 366)$$,
  'one with holidays is asked for; it begins in 1990 at the latest');
select results_eq(
  $$select calendar, first_session, last_session, ending from calendar_coverage where calendar <> 'XNYS'$$,
  $$values ('24/7', date '1990-01-01', current_date + 366, false),
    ('24/5', date '1985-01-01', (select max(d::date) from generate_series(current_date + 360, current_date + 366, '1 day') as d
      where extract(isodow from d) < 6), false)$$,
  'those without are filled, from the year of the first bar and a year ahead');
select results_eq(
  $$select session, open, close from calendar_sessions where calendar = '24/5' and session between '2024-03-08' and '2024-03-12'$$,
  $$values (date '2024-03-08', timestamptz '2024-03-07 22:00+00', timestamptz '2024-03-08 22:00+00'),
    ('2024-03-11', '2024-03-10 21:00+00', '2024-03-11 21:00+00'), ('2024-03-12', '2024-03-11 21:00+00', '2024-03-12 21:00+00')$$,
  'a day of currencies begins at 17:00 in New York on the evening before, also after a clock change');

select is(desk.fill_calendar('XNYS', '1990-01-01', current_date + 366, array['2024-11-27', '2024-11-29', current_date + 29]::date[],
  array['2024-11-27 09:30-05', '2024-11-29 09:30-05', current_date + 29]::timestamptz[],
  array['2024-11-27 16:00-05', '2024-11-29 13:00-05', current_date + 30]::timestamptz[], '{f,t,f}'), 3, 'its sessions are written');
select is_empty('select * from fill_calendars()', 'and are not asked for again');
select results_eq($$select ending from calendar_coverage where calendar = 'XNYS'$$, 'values (true)', '29 days ahead are few');
select is(desk.fill_calendar('XNYS', '2024-11-29', '2024-12-31', '{2024-11-29}', '{2024-11-29 09:30-05}', '{2024-11-29 16:00-05}',
  '{f}'), 1, 'a later word');
select results_eq($$select session, half_day from calendar_sessions where calendar = 'XNYS' order by 1 limit 2$$,
  $$values (date '2024-11-27', false), ('2024-11-29', false)$$, 'replaces an earlier one, between its days');
select is((tap.refusal($$select desk.fill_calendar('NYSE', '2024-11-29', '2024-12-31', '{}', '{}', '{}', '{}')$$))[1:2],
  '{23503,"Unknown calendar \"NYSE\""}', 'sessions of no calendar are refused');
select is((tap.refusal($$select desk.fill_calendar('XNYS', '2024-11-29', '2024-12-31', '{2025-01-02}', '{2024-11-29}', '{2024-11-30}', '{f}')$$))[1:2],
  '{22023,"1 sessions of XNYS do not fit 2024-11-29 to 2024-12-31"}', 'and sessions of other days');
reset role;
update desk.calendar_sessions set session = session + 1 where calendar = 'XNYS' and session = current_date + 29;
select results_eq($$select ending from desk.calendar_coverage where calendar = 'XNYS'$$, 'values (false)', '30 days ahead are enough');

-- A session is the day of the instrument's exchange: told, by the zone, or by the bars.
set local role desk_director;
select load_instrument(i.symbol, p_calendar => i.calendar, p_zone => i.zone)
from (values ('TOLD', 'ASX', null), ('ZONED', null, 'Australia/Sydney'), ('UTCED', null, 'UTC'), ('ELSE', null, 'Asia/Kathmandu'),
  ('LATE', null, null), ('FX', null, 'Europe/London'), ('COIN2', null, 'Asia/Tokyo')) as i (symbol, calendar, zone);
select tap.given_hours('LATE', 'America/New_York', array[10, 19]);
select tap.given_hours('TOLD', 'Australia/Sydney', array[10, 15]);
-- Currencies go from Sunday 17:00 in New York to Friday 17:00.
select tap.given_bars('FX', '1h', array_agg(h order by h))
from generate_series(timestamptz '2022-01-02 17:00-05', '2022-02-04 16:00-05', interval '1 hour') as h
where extract(isodow from (h at time zone 'America/New_York') + interval '7 hours') < 6;
select tap.given_bars('COIN2', '1d', array_agg(d order by d)) from generate_series(timestamptz '2022-01-03+00', '2022-03-01+00', '1 day') as d;
select results_eq(
  $$select symbol, calendar, zone, calendar_by from instruments where symbol in
    ('TOLD', 'ZONED', 'UTCED', 'ELSE', 'LATE', 'FX', 'COIN2') order by id$$,
  $$values ('TOLD', 'XASX', 'Australia/Sydney', 'told'), ('ZONED', 'XASX', 'Australia/Sydney', 'zone'),
    ('UTCED', 'XNYS', 'America/New_York', 'default'), ('ELSE', 'XNYS', 'Asia/Kathmandu', 'zone'),
    ('LATE', 'XNYS', 'America/New_York', 'default'), ('FX', '24/5', 'America/New_York', 'bars'),
    ('COIN2', '24/7', 'Asia/Tokyo', 'bars')$$, 'calendar and zone, and what they were taken from');
select is((tap.refusal($$select load_instrument('TOLD', p_calendar => 'XASY')$$))[1:2], '{23503,"Unknown calendar \"XASY\""}',
  'an unknown calendar is refused');
select is((tap.refusal($$select load_instrument('TOLD', p_zone => 'Sydney')$$))[1:2], '{22023,"Unknown time zone \"Sydney\""}',
  'and an unknown zone');
select is((select calendar from instruments where symbol = 'TOLD'), 'XASX', 'and nothing changes');
select load_instrument('TOLD', p_zone => 'America/New_York');
select is((select zone from instruments where symbol = 'TOLD'), 'Australia/Sydney', 'an exchange that was told keeps its clock');

select is(zone_of_times(t.at, t.minutes), t.zone, coalesce(t.zone, 'no zone') || ' by offsets')
from (values ('{2022-01-03 00:00+00,2022-05-03 00:00+00}'::timestamptz[], '{660,600}'::integer[], 'Australia/Sydney'),
  ('{2022-01-03 00:00+00,2022-03-13 07:00+00}', '{-300,-240}', 'America/New_York'),
  ('{2022-01-03 00:00+00}', '{0}', null), ('{2022-01-03 00:00+00}', '{13}', null)) as t (at, minutes, zone);

select results_eq(
  $$select i.symbol, v.utc_sessions from price_versions as v join instruments as i on i.id = v.instrument_id
    where v.timeframe = '1h' and i.symbol <> 'EUR' order by i.id$$,
  $$values ('TOLD', false), ('LATE', false), ('FX', false)$$, 'a version says whether its sessions are UTC dates');
reset role;
create temporary table sessions as
select i.symbol, d.zone, d.day_begins, count(distinct ((b.bar_time at time zone d.zone) - d.day_begins)::date) as n,
  count(distinct (b.bar_time at time zone 'UTC')::date) as by_utc
from desk.instruments as i join desk.bars as b on b.instrument_id = i.id and b.timeframe = '1h'
cross join lateral desk.instrument_day(i.id, '1h') as d
group by i.symbol, d.zone, d.day_begins;
select results_eq($$select symbol, n, by_utc from sessions where symbol in ('TOLD', 'LATE', 'FX') order by symbol collate "C"$$,
  $$values ('FX', 25::bigint, 30::bigint), ('LATE', 45, 54), ('TOLD', 45, 54)$$, 'so many sessions, and so many by UTC');

-- A window is cut by sessions: of currencies Monday begins on Sunday evening.
select is((select array[min(b.bar_time), max(b.bar_time)] from desk.instruments as i
  cross join lateral desk.adjusted_bars(i.id, '1h', 1, 0, '2022-01-10', '2022-01-11') as b where i.symbol = 'FX'),
  array['2022-01-09 17:00-05', '2022-01-11 16:00-05']::timestamptz[], 'bars of two sessions');
select is((select array[min(b.bar_time), max(b.bar_time)] from desk.instruments as i
  cross join lateral desk.adjusted_bars(i.id, '1h', 1, 0, '2022-01-10', '2022-01-11', 'UTC', '0') as b where i.symbol = 'FX'),
  array['2022-01-10 00:00+00', '2022-01-11 23:00+00']::timestamptz[], 'or of UTC days, as runs from before had them');
insert into desk.adjustment_factors (instrument_id, effective_date, kind, version, factor)
select i.id, '2022-01-11', 'split', 1, 0.5 from desk.instruments as i where i.symbol = 'FX';
select is((select max(b.bar_time) from desk.instruments as i
  cross join lateral desk.adjusted_bars(i.id, '1h', 1, 1) as b where i.symbol = 'FX' and b.close = 5),
  '2022-01-10 16:00-05'::timestamptz, 'a split takes effect with its session');

select desk.load_instrument('FX', p_calendar => 'XLON');
select is((select n.zone from desk.instruments as i cross join lateral desk.instrument_day(i.id, '1h') as n where i.symbol = 'FX'),
  'Europe/London', 'a calendar that is told later replaces what was found');
select is((select v.utc_sessions from desk.price_versions as v join desk.instruments as i on i.id = v.instrument_id
  where i.symbol = 'FX'), true, 'and its versions are looked at again');
select * from finish();
