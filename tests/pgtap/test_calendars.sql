-- Calendars: their sessions are rows, as far back as bars go and a year ahead.
select plan(17);
create function tap.given_bars(p_symbol text, p_timeframe text, p_times timestamptz[]) returns bigint language sql as $$
  select count(*)
  from (select array_fill(10::float8, array[cardinality(p_times)]) as prices) as p
  cross join lateral desk.load_bars(p_symbol, p_timeframe, 'made', p_times, prices, prices, prices, prices, prices)
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
select * from finish();
