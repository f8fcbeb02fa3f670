-- Prices: append-only by version, checked bar by bar, read as of a version, adjusted at read.

select plan(69);

-- The functions, and who may call them.
select has_function('desk', 'load_instrument', array['text', 'text', 'text', 'text', 'text', 'text', 'boolean', 'text', 'text', 'double precision', 'double precision', 'double precision', 'double precision']);
select results_eq(
  $$select proname::text collate "default", provolatile::text collate "default", prosecdef
    from pg_catalog.pg_proc
    where pronamespace = 'desk'::regnamespace and proname in ('adjusted_bars', 'array_figures', 'bar_time_text',
      'bits_hash', 'check_bars',
      'latest_price_version', 'load_bars', 'load_factors', 'load_instrument', 'price_hash', 'product', 'run_prices',
      'series_bars', 'series_figures', 'series_gaps', 'shortest_step', 'usual_break')
    order by proname$$,
  $$values ('adjusted_bars', 's', true), ('array_figures', 'i', false), ('bar_time_text', 'i', false),
      ('bits_hash', 's', false), ('check_bars', 'i', false),
      ('latest_price_version', 's', true), ('load_bars', 'v', true), ('load_factors', 'v', false),
      ('load_instrument', 'v', true), ('price_hash', 's', false), ('product', 'i', false), ('run_prices', 's', true),
      ('series_bars', 's', true), ('series_figures', 's', false), ('series_gaps', 's', true), ('shortest_step', 'i', false),
      ('usual_break', 'i', false)$$,
  'every function, its volatility, and whether it runs as the owner');
select function_privs_are('desk', 'run_prices', array['bigint'], 'desk_runner', array['EXECUTE']);
select function_privs_are('desk', 'run_prices', array['bigint'], 'desk_viewer', '{}'::text[]);
select function_privs_are('desk', 'series_bars', array['bigint', 'text', 'integer'], 'desk_viewer', array['EXECUTE']);

create function tap.load_closes(
  p_days date[], p_closes double precision[], p_factor_dates date[] default null, p_kinds text[] default null,
  p_factors double precision[] default null)
returns table (version integer, status text, new_bars integer, changed_bars integer, bar_count integer, gap_count integer)
language sql
as $$
  select l.version, l.status, l.new_bars, l.changed_bars, l.bar_count, l.gap_count
  from (
    select array_agg(d.day::timestamp at time zone 'UTC' order by d.position) as times
    from unnest(p_days) with ordinality as d (day, position)
  ) as t
  cross join lateral desk.load_bars(
    'xyz', '1d', 'made', t.times, p_closes, p_closes, p_closes, p_closes, p_closes, p_factor_dates, p_kinds, p_factors) as l
$$;

create function tap.refused_bars(p_times text, p_open text, p_high text, p_low text, p_close text, p_volume text)
returns text
language sql
as $$
  select (tap.refusal(format('select * from desk.load_bars(%L, %L, %L, %L, %L, %L, %L, %L, %L)',
    'XYZ', '1d', 'made', p_times, p_open, p_high, p_low, p_close, p_volume)))[2]
$$;
set local role desk_director;

-- An instrument is made once and described when something is known.
select is(tap.refusal($$select * from tap.load_closes('{2020-01-02}', '{1}')$$),
  array['23503', 'symbol "xyz" is unknown', '', 'First: select load_instrument(''XYZ'').'], 'an unknown symbol is refused');
select lives_ok($$select desk.load_instrument(' xyz ', p_title => 'Xyz', p_closes_only => true)$$, 'an instrument is made');
select lives_ok($$select desk.load_instrument('XYZ', p_notes => 'made up')$$, 'and described later');
select results_eq(
  $$select symbol, title, closes_only, notes from desk.instruments where symbol = 'XYZ'$$,
  $$values ('XYZ', 'Xyz', true, 'made up')$$, 'null leaves what is there');
select is((tap.refusal($$select desk.load_instrument('A  B')$$))[1:2], array['22023', 'symbol "A  B" is not a symbol'], 'a symbol has no two blanks');
select lives_ok($$select desk.load_instrument('^GSPC')$$, 'an index may begin with ^');

-- Loading.
select results_eq(
  $$select version, status, new_bars, changed_bars, bar_count, gap_count from tap.load_closes('{2020-01-02,2020-01-03,2020-01-10}', '{10,11,12}')$$,
  $$values (1, 'loaded', 3, 0, 3, 1)$$, 'the first load is version 1, with a gap of a week');
select results_eq(
  $$select version, status, new_bars, changed_bars, bar_count, gap_count from tap.load_closes('{2020-01-02,2020-01-03,2020-01-10}', '{10,11,12}')$$,
  $$values (1, 'unchanged', 0, 0, 3, 1)$$, 'an equal load makes no version');
select results_eq(
  $$select version, status, new_bars, bar_count from tap.load_closes('{2020-01-03}', '{11}')$$,
  $$values (1, 'unchanged', 0, 3)$$, 'bars that are not given stay');
select results_eq(
  $$select version, status, new_bars, changed_bars, bar_count, gap_count from tap.load_closes('{2020-01-03,2020-01-06}', '{11.5,13}')$$,
  $$values (2, 'loaded', 1, 1, 4, 0)$$, 'new and changed bars make the next version');

reset role;
select is((select count(*)::integer from desk.bars), 5, 'only new and changed bars became rows');
select throws_ok(
  $$update desk.price_versions set version = 1 where version = 2$$, '23505', null, 'a version is there once');
set local role desk_director;

select results_eq(
  $$select b.bar_time, b.close from desk.instruments as i, desk.series_bars(i.id, '1d', 1) as b where i.symbol = 'XYZ'$$,
  $$values ('2020-01-02Z'::timestamptz, 10::float8), ('2020-01-03Z', 11), ('2020-01-10Z', 12)$$, 'version 1 stays as it was');
select results_eq(
  $$select b.bar_time, b.close from desk.instruments as i, desk.series_bars(i.id, '1d', 2) as b where i.symbol = 'XYZ'$$,
  $$values ('2020-01-02Z'::timestamptz, 10::float8), ('2020-01-03Z', 11.5), ('2020-01-06Z', 13), ('2020-01-10Z', 12)$$,
  'version 2 has the change');
select results_eq(
  $$select g.last_before, g.first_after, g.days from desk.instruments as i, desk.series_gaps(i.id, '1d', 1) as g where i.symbol = 'XYZ'$$,
  $$values ('2020-01-03Z'::timestamptz, '2020-01-10Z'::timestamptz, 7::float8)$$, 'the gap is named');
select is((select v.version from desk.instruments as i, desk.latest_price_version(i.id, '1d') as v where i.symbol = 'XYZ'), 2, 'the newest version');
select ok((desk.latest_price_version(-1, '1d')) is null, 'no version of what is not there');

-- Factors.
select results_eq(
  $$select version, status, new_bars from tap.load_closes('{2020-01-02}', '{10}',
    '{2020-01-06,2020-01-10,2020-01-06}', '{dividend,dividend,split}', '{0.8,0.9,0.5}')$$,
  $$values (3, 'loaded', 0)$$, 'new factors make a version');
select is((select status from tap.load_closes('{2020-01-02}', '{10}',
    '{2020-01-10,2020-01-06,2020-01-06}', '{dividend,split,dividend}', '{0.9,0.5,0.8}')), 'unchanged', 'the same factors in another order do not');
select is((select status from tap.load_closes('{2020-01-02}', '{10}')), 'unchanged', 'no factors given leaves them');
select results_eq(
  $$select b.bar_time, b.close, b.volume
    from desk.instruments as i, desk.latest_price_version(i.id, '1d') as v,
      desk.adjusted_bars(i.id, '1d', v.version, v.factors_version) as b
    where i.symbol = 'XYZ'$$,
  $$values ('2020-01-02Z'::timestamptz, 10 * (0.9::float8 * (0.8::float8 * 0.5)), 20::float8),
           ('2020-01-03Z', 11.5 * (0.9::float8 * (0.8::float8 * 0.5)), 23), ('2020-01-06Z', 13 * 0.9::float8, 13), ('2020-01-10Z', 12, 12)$$,
  'prices times all factors that take effect later, volume divided by the splits');
select results_eq(
  $$select b.close from desk.instruments as i, desk.adjusted_bars(i.id, '1d', 2, 0, '2020-01-03', '2020-01-06') as b where i.symbol = 'XYZ'$$,
  $$values (11.5::float8), (13)$$, 'version 2 has no factors; start and end are included');
select is(price_splits('{XYZ,NOPE}', '1d'), '{"XYZ": [["2020-01-06", 0.5]]}'::jsonb, 'what one adjusted share was before each split');
select results_eq(
  $$select version, status from tap.load_closes('{2020-01-02}', '{10}', '{}', '{}', '{}')$$,
  $$values (4, 'loaded')$$, 'an empty set takes the factors away');

-- The hash is over content.
reset role;
select isnt(
  (select v.content_hash from desk.price_versions as v where v.version = 2 and v.instrument_id = (select id from desk.instruments where symbol = 'XYZ')),
  (select v.content_hash from desk.price_versions as v where v.version = 3 and v.instrument_id = (select id from desk.instruments where symbol = 'XYZ')),
  'other factors, other hash');
select is(
  (select v.content_hash from desk.price_versions as v where v.version = 2 and v.instrument_id = (select id from desk.instruments where symbol = 'XYZ')),
  (select v.content_hash from desk.price_versions as v where v.version = 4 and v.instrument_id = (select id from desk.instruments where symbol = 'XYZ')),
  'equal content, equal hash');
select is(
  (select desk.price_hash(array[max(id) filter (where version = 2)], '2020-01-01', '2020-12-31') from desk.price_versions),
  (select desk.price_hash(array[max(id) filter (where version = 4)], '2020-01-01', '2020-12-31') from desk.price_versions),
  'the data hash goes by content, not by version');
select isnt(
  (select desk.price_hash(array[max(id)], '2020-01-01', '2020-12-31') from desk.price_versions),
  (select desk.price_hash(array[max(id)], '2020-01-02', '2020-12-31') from desk.price_versions),
  'and by the window');
select is(desk.product(v), 24::float8, 'the product of numbers') from (values (2::float8), (3), (4)) as n (v) having true;
select is((select desk.product(v) from (values (1::float8)) as n (v) where false), 1::float8, 'the product of none is 1');
select results_eq(
  $$select desk.usual_break(t) from unnest(array['1d', '5d', '1w', '15m']) as t$$,
  $$values (interval '4 days'), ('8 days'), ('11 days'), ('4 days')$$, 'the longest break that is no gap');
set local role desk_director;

-- Refusals: symbol, date and value.
select is(tap.refused_bars('{2020-02-03Z,2020-02-03Z}', '{1,1}', '{1,1}', '{1,1}', '{1,1}', '{0,0}'), 'XYZ, 2020-02-03: comes twice', 'a duplicate');
select is(tap.refused_bars('{2020-02-04Z,2020-02-03Z}', '{1,1}', '{1,1}', '{1,1}', '{1,1}', '{0,0}'),
  'XYZ, 2020-02-03: comes after 2020-02-04, bars must be in order of time', 'unsorted');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{4}', '{6}', '{5}', '{0}'), 'XYZ, 2020-02-03: high 4 is below low 6', 'high below low');
select is(tap.refused_bars('{2020-02-03Z}', '{7}', '{6}', '{4}', '{5}', '{0}'), 'XYZ, 2020-02-03: open 7 is above high 6', 'open above high');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6}', '{4}', '{3}', '{0}'), 'XYZ, 2020-02-03: close 3 is below low 4', 'close below low');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6}', '{0}', '{5}', '{0}'), 'XYZ, 2020-02-03: low is 0, prices must be positive numbers', 'zero');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{Infinity}', '{4}', '{5}', '{0}'),
  'XYZ, 2020-02-03: high is Infinity, prices must be positive numbers', 'infinity');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6}', '{4}', '{NaN}', '{0}'), 'XYZ, 2020-02-03: close is NaN, prices must be positive numbers', 'NaN');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6}', '{4}', '{null}', '{0}'),
  'XYZ, 2020-02-03: close is missing, prices must be positive numbers', 'null');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6}', '{4}', '{5}', '{-1}'),
  'XYZ, 2020-02-03: volume is -1, it must be zero or a positive number', 'negative volume');
select is(tap.refused_bars('{2020-02-03 15:30Z}', '{5}', '{6}', '{4}', '{5}', '{0}'),
  'XYZ, 2020-02-03 15:30:00Z: a bar of timeframe 1d must be at 00:00 UTC of its session''s date', 'a daily bar has a date');
select is(tap.refused_bars('{}', '{}', '{}', '{}', '{}', '{}'), 'XYZ: there are no bars to load', 'no bars');
select is(tap.refused_bars('{2020-02-03Z}', '{5}', '{6,7}', '{4}', '{5}', '{0}'),
  'XYZ: 1 times, but 1 open, 2 high, 1 low, 1 close and 1 volume', 'arrays of one length');
select is((tap.refusal($$select * from desk.load_bars('XYZ', 'daily', 'made', '{}', '{}', '{}', '{}', '{}', '{}')$$))[2],
  'timeframe "daily" is not a timeframe', 'a timeframe');
select is((tap.refusal($$select * from tap.load_closes('{2020-01-02}', '{10}', '{2020-01-06}', '{split}', '{0}')$$))[2],
  'XYZ, 2020-01-06: split factor 0 cannot be used', 'a factor of zero');

-- Bars as far apart as their timeframe says.
reset role;
create function tap.load_times(p_timeframe text, p_times text, p_price double precision, p_replace boolean default false)
returns text
language sql
as $$
  select l.status || ' ' || l.changed_bars
  from (
    select array_agg(t.at order by t.position) as times, array_agg(p_price) as prices
    from unnest(p_times::timestamptz[]) with ordinality as t (at, position)
  ) as b
  cross join lateral desk.load_bars('XYZ', p_timeframe, 'made', b.times, b.prices, b.prices, b.prices, b.prices, b.prices,
    p_replace => p_replace) as l
$$;
create function tap.factors_of(p_instrument_id bigint)
returns table (effective_date date, factor double precision)
language sql
security definer
as $$
  select f.effective_date, f.factor
  from desk.adjustment_factors as f
  where f.instrument_id = p_instrument_id
    and f.version = (select max(n.version) from desk.adjustment_factors as n where n.instrument_id = p_instrument_id)
$$;
select results_eq(
  $$select desk.shortest_step(t) from unnest(array['15m', '4h', '1d', '1w']) as t$$,
  $$values (interval '15 minutes'), ('4 hours'), ('1 day'), ('3 days')$$, 'how close two bars may be');
set local role desk_director;
select is((tap.refusal($$select tap.load_times('1h', '{2020-03-02 14:30Z,2020-03-02 14:35Z,2020-03-02 14:40Z}', 1)$$))[2],
  'XYZ, 2020-03-02 14:35:00Z: comes 00:05:00 after the bar before it, and so do 2 of 3: bars of 1h cannot begin so '
  'close together', 'five minutes are no hour');
select is(tap.load_times('1h', '{2020-03-02 14:30Z,2020-03-02 15:00Z,2020-03-02 16:00Z,2020-03-02 17:00Z,2020-03-02 18:00Z}', 1),
  'loaded 0', 'a first bar that ends at the full hour may be shorter');

-- A load that changes every bar is asked about.
select is(tap.refusal($$select tap.load_times('1h', '{2020-03-02 14:30Z,2020-03-02 15:00Z,2020-03-02 16:00Z,2020-03-02 17:00Z,
    2020-03-02 18:00Z,2020-03-02 19:00Z}', 7)$$),
  array['22023', 'XYZ: all 5 bars that the desk has of these times would change',
    'The last of them closes at 1 and would close at 7.',
    'Another symbol or source, or a split since then? If it is meant: --replace, or p_replace.'], 'every bar another');
select is(tap.load_times('1h', '{2020-03-02 14:30Z,2020-03-02 15:00Z,2020-03-02 16:00Z,2020-03-02 17:00Z,2020-03-02 18:00Z}', 7, true),
  'loaded 5', 'unless it is meant');

-- A series has one hash and one count of gaps, loaded at once or by and by.
select lives_ok($$select desk.load_instrument('BTC/USDT'); select desk.load_instrument('NIFTY 50'); select desk.load_instrument('ES=F')$$,
  'symbols as exchanges write them');
select is((tap.refusal(format('select desk.load_instrument(%L)', name)))[1], '22023', format('%L is no symbol', name))
from unnest(array[' =F', 'A,B']) as n (name);
reset role;
create function tap.load_part(p_symbol text, p_since integer, p_until integer)
returns text
language sql
as $$
  select l.status
  from (
    select array_agg(t.at order by t.at) as times, array_agg(1 + t.n / 7.0::float8 order by t.at) as prices,
           array_agg(case when t.n = 2 then '-0'::float8 else t.n end order by t.at) as volumes
    from (
      select n, timestamptz '2021-03-01 00:00:00.25Z' + n * interval '45 hours' + (n / 5) * interval '9 days' as at
      from generate_series(p_since, p_until) as n
    ) as t
  ) as b
  cross join lateral desk.load_bars(p_symbol, '1h', 'made', b.times, b.prices, b.prices, b.prices, b.prices, b.volumes) as l
$$;
set local role desk_director;
select lives_ok($$select tap.load_part('BTC/USDT', 1, 9); select tap.load_part('NIFTY 50', 4, 6);
  select tap.load_part('NIFTY 50', 7, 9); select tap.load_part('NIFTY 50', 1, 3)$$, 'whole, and in three parts');
reset role;
select is((
    select array_agg(distinct (v.content_hash, v.gap_count, v.bar_count, v.first_bar, v.last_bar)::text)
    from desk.price_versions as v
    join desk.instruments as i on i.id = v.instrument_id
    where (i.symbol, v.version) in (('BTC/USDT', 1), ('NIFTY 50', 3))),
  (select array[(v.content_hash, 1, 9, v.first_bar, v.last_bar)::text]
   from desk.price_versions as v
   join desk.instruments as i on i.id = v.instrument_id
   where i.symbol = 'BTC/USDT'), 'one hash, and one gap');
set local role desk_director;

-- Factors of some days leave those of others.
select lives_ok($$select tap.load_closes('{2020-01-02}', '{10}', '{2020-01-03,2020-01-06,2020-01-10}',
  '{split,split,split}', '{0.5,0.25,0.1}')$$, 'three splits');
select is((
    select array_agg(f.effective_date || ' ' || f.factor order by f.effective_date)
    from desk.load_bars('XYZ', '1d', 'made', '{2020-01-03Z,2020-01-06Z}', '{11.5,13}', '{11.5,13}', '{11.5,13}', '{11.5,13}',
      '{11.5,13}', '{2020-01-06}', '{dividend}', '{0.9}', p_merge => true) as l
    cross join lateral tap.factors_of(l.instrument_id) as f),
  '{2020-01-03 0.5,2020-01-06 0.9,2020-01-10 0.1}', 'those before, on and after the first bar, and after the last');

-- What people and runners read.
select results_eq(
  $$select symbol, timeframe, version, bars, gaps, closes_only from desk.price_coverage where symbol = 'XYZ' order by timeframe$$,
  $$values ('XYZ', '1d', 6, 4::integer, 0::integer, true), ('XYZ', '1h', 2, 5, 0, true)$$,
  'price_coverage has the newest version');

reset role;
select tap.given_desk();
select lives_ok($$select tap.given_job(2, '{"symbols": ["IBM", "AAPL"], "start_date": "2010-02-01", "end_date": "2010-02-03"}')$$, 'a job on two symbols');
select set_config($q$tap.run$q$, (select max(id)::text from desk.optimization_runs), true);
set local role desk_runner;
select results_eq(
  $$select symbol, epochs, close from desk.run_prices(current_setting($q$tap.run$q$)::bigint)$$,
  $$values ('IBM', '{1264982400,1265068800,1265155200}'::bigint[], '{10,10,10}'::float8[]),
           ('AAPL', '{1264982400,1265068800,1265155200}', '{10,10,10}')$$,
  'a run reads its symbols in its order and window');
reset role;
-- 2:1 before the window, 7:1 on its last day, 4:1 after it.
insert into desk.adjustment_factors (instrument_id, effective_date, kind, version, factor)
select i.id, f.day, 'split', v.factors_version, f.factor
from desk.instruments as i
cross join lateral desk.latest_price_version(i.id, '1d') as v
cross join (values ('2010-02-01'::date, 0.5), ('2010-02-03', 1.0 / 7), ('2011-06-01', 0.25)) as f (day, factor)
where i.symbol = 'AAPL';
select is(
  (select array_agg(round(1 / (s.step ->> 1)::numeric, 9) || ' from ' || (s.step ->> 0) order by s.step ->> 0)
   from desk.run_settings(current_setting('tap.run')::bigint) as r (document), jsonb_array_elements(r.document #> '{splits,AAPL}') as s (step)),
  '{"28.000000000 from 2010-02-03","4.000000000 from 2011-06-01"}', 'and is told the splits after its first day');
select is(
  (select array_agg(desk.day_shares('[["2010-02-03", 0.05], ["2011-06-01", 0.25]]', t.at) order by t.at)
   from unnest('{2010-02-02Z,2010-02-03Z,2011-05-31T23:00Z,2011-06-01Z}'::timestamptz[]) as t (at)),
  '{0.05,0.25,0.25,1}'::float8[], 'a bar has the shares of the first split after it');
select is(
  (select array_agg(k.symbol) from desk.run_splits(current_setting('tap.run')::bigint) as r (document), jsonb_object_keys(r.document) as k (symbol)),
  '{AAPL}', 'of the symbols that have some');

select * from finish();
