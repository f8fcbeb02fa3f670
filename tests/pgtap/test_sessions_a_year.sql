-- How many sessions a year has is the run's: of its calendars and its bars. Right values are worked by hand.
select plan(41);
select tap.given_desk();
create function tap.given_series(p_symbol text, p_calendar text, p_timeframe text, p_step interval, p_bars integer, p_growth float8)
returns bigint language sql as $$
  select desk.load_instrument(p_symbol, p_calendar => p_calendar);
  select count(*)
  from (
    select array_agg(timestamptz '2010-01-04 00:00+00' + n * p_step order by n) as times, array_agg(10 * p_growth ^ (n / (p_bars - 1.0)) order by n) as prices
    from generate_series(0, p_bars - 1) as n
  ) as s
  cross join lateral desk.load_bars(p_symbol, p_timeframe, 'made', times, prices, prices, prices, prices, prices)
$$;
select tap.given_series('WEEKS', 'XNYS', '1w', '7 days', 521, 2.2056), tap.given_series('COIN', null, '1d', '1 day', 1461, 9.266),
  tap.given_series('BHP', 'XASX', '1d', '1 day', 30, 1.1);
select desk.fill_calendar(c.name, '2000-01-01', '2024-12-31', array_agg(d::date), array_agg(d + interval '1 hour'), array_agg(d + interval '2 hours'), array_agg(false))
from (values ('XNYS', date '2023-01-02', date '2024-12-31', 5), ('XASX', '2023-01-02', '2024-12-31', 6)) as c (name, first, last, days)
cross join lateral generate_series(c.first::timestamptz, c.last, '1 day') as d
where extract(isodow from d) between c.days - 4 and c.days
group by c.name;

select is(desk.sessions_a_year(s.symbols, s.timeframe), s.n::float8, format('%s in bars of %s: %s', s.symbols, s.timeframe, s.n))
from (values ('{AAPL}'::text[], '1d', 252.0), ('{AAPL}', '15m', 252), ('{AAPL}', '2d', 126), ('{AAPL,COIN}', '1d', 365), ('{COIN}', '1h', 365),
  ('{BHP}', '1h', 253), ('{COIN}', '1w', 52), ('{WEEKS}', '4w', 13), ('{COIN}', '1mo', 12), ('{AAPL}', '3mo', 4), ('{}', '1d', 252), ('{AAPL}', null, 252),
  -- Of one from Monday to Friday and one from Tuesday to Saturday: six days of each week of two years, 2023-01-02 to 2024-12-31.
  ('{AAPL,BHP}', '1d', 313)) as s (symbols, timeframe, n);
select is(desk.sessions_a_year('{ELSEWHERE}', '1d', array(select d::date from generate_series(date '2023-01-02', '2023-01-31', '1 day') as d)), 365::float8,
  'a symbol from elsewhere that trades on week-ends has seven days a week');
select is(desk.sessions_a_year(s.symbols, '1d', '{2023-01-02,2023-01-03}'), 252::float8, 'one that does not has 252') from (values ('{ELSEWHERE}'::text[]), ('{}')) as s (symbols);
select is(desk.sessions_a_year('{ELSEWHERE}', '1d'), 252::float8, 'one of which nothing is known has 252');
select is(desk.sessions_a_year('{}', '1d', '{2023-01-06,2023-01-07,2023-01-08}'), 365::float8, 'so where no symbol is named');

select tap.given_series('MONTHS', null, '1mo', '1 month', 121, 2.0);
create temporary table months as select tap.run_of(tap.given_job(1, '{"symbols": ["MONTHS"], "timeframe": "1mo"}')) as run;
select results_eq($$select r.sessions_a_year, s.zone, r.timeframe from optimization_runs as r join run_symbols as s on s.optimization_run_id = r.id
    where r.id = (select run from months)$$,
  $$values (12::float8, 'UTC', '1mo')$$, 'bars of a month are loaded and run');
select is((select gap_count from price_versions where timeframe = '1mo'), 0, 'and a month is no gap');

-- A run says it, and so does what decides a result.
create temporary table runs as
select s.name, tap.run_of(tap.given_job(1, s.more || '{"commission": 0, "success_criteria": {"min_annual_return": 0.4}}')) as run
from (values ('weeks', '{"symbols": ["WEEKS"], "timeframe": "1w"}'::jsonb), ('coin', '{"symbols": ["COIN"]}'), ('stock', '{}')) as s (name, more);
select results_eq($$select name, sessions_a_year, desk.run_settings(run) -> 'sessions_a_year' from runs join optimization_runs on id = run order by 1$$,
  $$values ('coin', 365::float8, '365'::jsonb), ('stock', 252, '252'), ('weeks', 52, '52')$$, 'each run knows its year, and tells the runner');
select results_eq(
  $$select name, settings_hash = desk.settings_hash(config, start_date, end_date, 0), settings_hash = desk.settings_hash(config, start_date, end_date, 0,
      jsonb_build_object('sessions_a_year', sessions_a_year)) from runs join optimization_runs on id = run order by 1$$,
  $$values ('coin', false, true), ('stock', true, false), ('weeks', false, true)$$, 'it is hashed where it is not 252');
select is(desk.settings_hash('{}', null, null, 0, desk.session_settings(252, array(select v.id from price_versions as v join instruments as i on i.id = v.instrument_id where i.symbol = 'AAPL'))),
  desk.settings_hash('{}', null, null, 0), 'and nothing of the sessions else');

-- 520 weekly returns to 2.2056, mean over deviation 0.0947: 8.2% a year and Sharpe 0.683. 1,460 daily ones of seven a week to
-- 9.266: 74.5%. The same with 252 sessions a year would be 46.7% and 1.504, and 46.9%.
create temporary table results as
select r.name, i.backtest_result_id as id
from runs as r
cross join lateral desk.insert_results(array[r.run], array[1], array['{"fast": 2}'::jsonb], array[tap.metrics(jsonb_build_object(
    'ending_value', case r.name when 'weeks' then 220560 when 'coin' then 926600 else 110000 end,
    'sessions', case r.name when 'weeks' then 520 when 'coin' then 1460 else 252 end,
    'return_count', case r.name when 'weeks' then 520 when 'coin' then 1460 else 252 end,
    'return_mean', 0.000947, 'return_m2', 0.0001 * (case r.name when 'weeks' then 519 when 'coin' then 1459 else 251 end),
    'benchmark_return', 1, 'benchmark_mean', 0.0005, 'benchmark_m2', 0.02, 'benchmark_comoment', 0.01))], array[null::bigint], array[null::integer]) as i;
select results_eq(
  $$select r.name, b.sessions_a_year, round(b.annual_return::numeric, 3), round(b.sharpe_ratio::numeric, 3), round(b.volatility::numeric, 4), b.passed
    from results as r join backtest_results as b on b.id = r.id order by 1$$,
  $$values ('coin', 365::float8, 0.745, 1.809, 0.1910, true), ('stock', 252, 0.100, 1.503, 0.1587, false), ('weeks', 52, 0.082, 0.683, 0.0721, false)$$,
  'annual return, Sharpe ratio and volatility are a year''s, and are judged');
select results_eq(
  $$select r.name, round(b.alpha::numeric, 6), round(b.excess_return::numeric, 4), round(b.turnover::numeric, 4), round(b.information_ratio::numeric, 4)
    from results as r join backtest_results as b on b.id = r.id order by 1$$,
  -- 365 (0.000947 - 0.5 x 0.0005); 9.266^0.25 - 2^0.25; 4 x 0.25; 0.000447 / sqrt((0.1459 + 0.02 - 0.02) / 1459) x sqrt(365); and so on.
  $$values ('coin', 0.254405, 0.5555, 1.0000, 0.8540), ('stock', 0.175644, -0.9000, 4.0000, 0.7096), ('weeks', 0.036244, 0.0105, 0.4000, 0.3223)$$,
  'so are alpha, excess return, turnover and information ratio');
select results_eq(
  $$select r.name, round(b.probabilistic_sharpe::numeric, 6) = round(desk.probabilistic_sharpe(0.0947, 0, b.skewness, b.kurtosis, b.return_count)::numeric, 6)
    from results as r join backtest_results as b on b.id = r.id order by 1$$,
  $$values ('coin', true), ('stock', true), ('weeks', true)$$, 'what is a session''s stays so');
select is((select round(sharpe::numeric, 6) from runs, desk.own_trials(run) where name = 'weeks'), 0.0947, 'a trial''s Sharpe ratio is brought back to a session by its own year');

-- Figures that are no rows.
select is((select round(value::numeric, 3) from desk.backtest_figures(tap.metrics('{"ending_value": 926600, "return_count": 1460}'), 0, 365) where metric = 'annual_return'), 0.745,
  'a single backtest');
select is((select round(sharpe_ratio::numeric, 6) from desk.rolling_sharpe('{2020-01-02,2020-01-09}', '{101,103.02}', 100, 2, 52)),
  round((0.015 / sqrt(0.00005::float8) * sqrt(52::float8))::numeric, 6), 'a rolling Sharpe ratio');
select is((select round(sharpe_ratio::numeric, 6) from desk.curve_periods('{2020-01-02,2020-01-09}', '{101,103.02}', 100, 52) where kind = 'year'),
  round((0.015 / sqrt(0.00005::float8) * sqrt(52::float8))::numeric, 6), 'a calendar year''s');
insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices, profits, fees)
select id, '{COIN}', '{2010-01-05}', '{2010-01-06}', '{1}', '{1}', '{2}', '{1}', '{0}' from results where name = 'coin';
select is((select round(c.annual_return::numeric, 3) from results as r, desk.cost_sweep(r.id, '{1}') as c where r.name = 'coin'), 0.745, 'a sweep of costs');

-- Imported: what it says itself, else by its days.
create temporary table imported (id bigint, strategy_id bigint);
grant all on imported to desk_importer;
set local role desk_importer;
with run as (
  insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations, status, sessions_a_year)
  select id, 'Grid Search', 'Sharpe Ratio', 1, 'running', 365 from desk.strategies where name = 'sma_crossover' returning id, strategy_id
)
insert into imported select * from run;
insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, starting_cash, ending_value, return_count, sessions)
select id, strategy_id, '{}', 100000, 103600, 31, 31 from imported;
reset role;
-- 1.036 ^ (365 / 31) - 1: what LEAN's own file says is 51.652%.
select is((select round(annual_return::numeric, 4) from backtest_results order by id desc limit 1), 0.5165, 'LEAN''s days a year are kept');

-- From before: judged again, once, and an event says what moved.
select is(desk.judge_years_again(), 0, 'nothing waits');
select tap.as_it_was($was$
update full_results as b set sessions_a_year = 252, annual_return = 0.469, passed = false, rejection_reasons = '{low}' from results as r where b.id = r.id and r.name = 'coin';
update full_results as b set sessions_a_year = 252, annual_return = 0.467, passed = true, rejection_reasons = '{}' from results as r where b.id = r.id and r.name = 'weeks';
update optimization_runs set sessions_a_year = null where id in (select run from runs);
update instruments set calendar_by = null, calendar = 'XNYS', zone = 'America/New_York' where symbol = 'COIN';
update run_progress set passed = 1 where optimization_run_id = (select run from runs where name = 'weeks');
update run_progress set passed = 0 where optimization_run_id = (select run from runs where name = 'coin');
$was$);
select is(desk.judge_years_again(), 2, 'runs of an older version that have not 252 sessions a year are judged again');
select results_eq('select calendar, zone, calendar_by from instruments where symbol = ''COIN''', $$values ('24/7', 'UTC', 'bars')$$,
  'by the calendar that their bars tell');
select results_eq(
  $$select r.name, b.sessions_a_year, round(b.annual_return::numeric, 3), b.passed from results as r join backtest_results as b on b.id = r.id order by 1$$,
  $$values ('coin', 365::float8, 0.745, true), ('stock', 252, 0.100, false), ('weeks', 52, 0.082, false)$$, 'with the right figures');
select results_eq(
  $$select r.name, e.details -> 'sessions_a_year', e.details -> 'passed' from job_events as e join runs as r on r.run = e.optimization_run_id
    where e.event = 'judged again' order by 1$$,
  $$values ('coin', '[252, 365]'::jsonb, '[0, 1]'::jsonb), ('weeks', '[252, 52]', '[1, 0]')$$, 'and an event says what moved');
select is(desk.judge_years_again(), 0, 'once');

-- What was cut by UTC dates is said.
select desk.load_instrument('SYD', p_calendar => 'XASX');
select count(*) from (select array_agg(t order by t) as times from generate_series(timestamptz '2010-01-04 23:00+00', '2010-02-04 23:00+00', '1 day') as d
  cross join lateral (values (d), (d + interval '5 hours')) as h (t)) as s
cross join lateral (select array_fill(10::float8, array[cardinality(times)]) as p) as p
cross join lateral desk.load_bars('SYD', '1h', 'made', times, p, p, p, p, p);
create temporary table syd as select tap.run_of(tap.given_job(1, '{"symbols": ["SYD"], "timeframe": "1h"}')) as run;
select is(desk.session_flags(run) || array[cardinality(desk.run_sessions(run, '2010-01-01', '2010-12-31'))::text], '{32}', 'a run of today has the days of its exchange') from syd;
update run_symbols set own_day = false, zone = 'UTC' where optimization_run_id = (select run from syd);
select is(desk.run_flags(run) || array[cardinality(desk.run_sessions(run, '2010-01-01', '2010-12-31'))::text], '{"sessions by UTC date",33}', 'one from before is flagged') from syd;
select is(desk.run_settings(run) -> 'session_days', 'null', 'and would be run again as it was') from syd;
select * from finish();
