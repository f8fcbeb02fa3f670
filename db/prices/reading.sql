-- Reading prices: as of a version, raw or adjusted, and what a run is given.

create or replace aggregate desk.product(double precision) (
  sfunc = float8mul,
  stype = double precision,
  initcond = '1'
);
comment on aggregate desk.product(double precision) is 'Product of numbers; 1 of none.';

create or replace function desk.latest_price_version(p_instrument_id bigint, p_timeframe text)
returns desk.price_versions
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select v
  from desk.price_versions as v
  where v.instrument_id = p_instrument_id and v.timeframe = p_timeframe
  order by v.version desc
  limit 1
$$;
comment on function desk.latest_price_version(bigint, text) is 'Newest version of a series; null where there is none.';
grant execute on function desk.latest_price_version(bigint, text) to desk_director, desk_viewer;

create or replace function desk.series_bars(p_instrument_id bigint, p_timeframe text, p_version integer)
returns table (
  bar_time timestamptz,
  open     double precision,
  high     double precision,
  low      double precision,
  close    double precision,
  volume   double precision)
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select distinct on (b.bar_time) b.bar_time, b.open, b.high, b.low, b.close, b.volume
  from desk.bars as b
  where b.instrument_id = p_instrument_id and b.timeframe = p_timeframe and b.version <= p_version
  order by b.bar_time, b.version desc
$$;
comment on function desk.series_bars(bigint, text, integer) is
  'Raw bars of a series as they were in a version, in order of time.';
grant execute on function desk.series_bars(bigint, text, integer) to desk_director, desk_viewer;

create or replace function desk.series_gaps(p_instrument_id bigint, p_timeframe text, p_version integer)
returns table (
  last_before timestamptz,
  first_after timestamptz,
  days        double precision)
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select g.previous, g.bar_time, extract(epoch from g.bar_time - g.previous)::double precision / 86400
  from (
    select b.bar_time, lag(b.bar_time) over (order by b.bar_time) as previous
    from desk.series_bars(p_instrument_id, p_timeframe, p_version) as b
  ) as g
  where g.bar_time - g.previous > desk.usual_break(p_timeframe)
  order by g.bar_time
$$;
comment on function desk.series_gaps(bigint, text, integer) is
  'Stretches without a bar that are longer than usual_break(), with their length in days.';
grant execute on function desk.series_gaps(bigint, text, integer) to desk_director, desk_viewer;

create or replace function desk.bits_hash(p_bits bytea, p_instrument_id bigint, p_factors_version integer)
returns text
language sql
stable
set search_path = desk, pg_temp
as $$
  select encode(sha256(p_bits || convert_to('factors', 'UTF8')
    || coalesce(
      (select string_agg(
         int8send((f.effective_date - date '2000-01-01')::bigint) || convert_to(f.kind, 'UTF8') || float8send(f.factor),
         ''::bytea order by f.effective_date, f.kind)
       from desk.adjustment_factors as f
       where f.instrument_id = p_instrument_id and f.version = p_factors_version), ''::bytea)), 'hex')
$$;
comment on function desk.bits_hash(bytea, bigint, integer) is
  'SHA-256 over the bits of a series'' bars and of the factors that belong to it.';

create or replace function desk.series_figures(
  p_instrument_id   bigint,
  p_timeframe       text,
  p_version         integer,
  p_factors_version integer,
  out first_bar     timestamptz,
  out last_bar      timestamptz,
  out bar_count     integer,
  out gap_count     integer,
  out content_hash  text)
language sql
stable
set search_path = desk, pg_temp
set work_mem = '128MB'
as $$
  with bars as (
    select distinct on (b.bar_time) b.bar_time, b.open, b.high, b.low, b.close, b.volume
    from desk.bars as b
    where b.instrument_id = p_instrument_id and b.timeframe = p_timeframe and b.version <= p_version
    order by b.bar_time, b.version desc
  ), one_by_one as (
    select b.bar_time,
           b.bar_time - lag(b.bar_time) over (order by b.bar_time) as step,
           -- Bits as array_figures() has them; date_part is exact to the microsecond until 2106, and to the second.
           int8send((date_part('epoch', b.bar_time) * 1000000)::bigint) || float8send(b.open) || float8send(b.high)
             || float8send(b.low) || float8send(b.close) || float8send(b.volume) as bits
    from bars as b
  ), figures as (
    select min(o.bar_time) as first_bar, max(o.bar_time) as last_bar, count(*)::integer as bar_count,
           (count(*) filter (where o.step > desk.usual_break(p_timeframe)))::integer as gap_count,
           coalesce(string_agg(o.bits, ''::bytea order by o.bar_time), ''::bytea) as bits
    from one_by_one as o
  )
  select f.first_bar, f.last_bar, f.bar_count, f.gap_count,
         desk.bits_hash(f.bits, p_instrument_id, p_factors_version)
  from figures as f
$$;
comment on function desk.series_figures(bigint, text, integer, integer) is
  'First and last bar, bars, gaps longer than usual_break(), and the SHA-256 over the exact bits of all bars and '
  'factors of a version: equal hashes mean equal prices to the bit.';

drop function if exists desk.series_hash(bigint, text, integer, integer);

create or replace function desk.price_hash(p_price_version_ids bigint[], p_start date, p_end date)
returns text
language sql
stable
set search_path = desk, pg_temp
as $$
  select encode(sha256(convert_to(
      coalesce(p_start::text, '') || '/' || coalesce(p_end::text, '') || string_agg(
        format(E'\n%s %s %s', i.symbol, v.timeframe, v.content_hash), '' order by given.position),
      'UTF8')), 'hex')
  from unnest(p_price_version_ids) with ordinality as given (id, position)
  join desk.price_versions as v on v.id = given.id
  join desk.instruments as i on i.id = v.instrument_id
$$;
comment on function desk.price_hash(bigint[], date, date) is
  'SHA-256 over window, symbols in order, and the content of their versions: the data hash of a run. Numbers of '
  'versions do not count, content does.';

drop function if exists desk.adjusted_bars(bigint, text, integer, integer, date, date);
create or replace function desk.adjusted_bars(
  p_instrument_id   bigint,
  p_timeframe       text,
  p_version         integer,
  p_factors_version integer,
  p_start           date default '-infinity',
  p_end             date default 'infinity',
  p_zone            text default null,
  p_day_begins      interval default null)
returns table (
  bar_time timestamptz,
  open     double precision,
  high     double precision,
  low      double precision,
  close    double precision,
  volume   double precision)
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  with clock as (
    select coalesce(p_zone, d.zone) as zone, coalesce(p_day_begins, d.day_begins) as day_begins
    from desk.instrument_day(p_instrument_id, p_timeframe) as d
  ), days as (
    select f.effective_date,
           desk.product(f.factor order by f.kind) as price,
           desk.product(f.factor) filter (where f.kind = 'split') as split
    from desk.adjustment_factors as f
    where f.instrument_id = p_instrument_id and f.version = p_factors_version
    group by f.effective_date
  ), steps as (
    -- Products are taken from the newest day backwards, always in this order, so that they are equal to the bit.
    select lag(d.effective_date, 1, '-infinity') over (order by d.effective_date) as since,
           d.effective_date as until,
           desk.product(d.price) over (order by d.effective_date desc) as price,
           desk.product(d.split) over (order by d.effective_date desc) as split
    from days as d
    union all
    select coalesce(max(d.effective_date), '-infinity'), 'infinity', 1, 1
    from days as d
  ), spans as (
    -- The moments at which the days of sessions begin.
    select (s.since + c.day_begins) at time zone c.zone as since, (s.until + c.day_begins) at time zone c.zone as until,
           s.price, s.split
    from steps as s cross join clock as c
  )
  select distinct on (b.bar_time)
    b.bar_time,
    b.open * s.price,
    b.high * s.price,
    b.low * s.price,
    b.close * s.price,
    b.volume / s.split
  from clock as c
  cross join desk.bars as b
  join spans as s on b.bar_time >= s.since and b.bar_time < s.until
  where b.instrument_id = p_instrument_id
    and b.timeframe = p_timeframe
    and b.version <= p_version
    and b.bar_time >= (p_start + c.day_begins) at time zone c.zone
    and b.bar_time < ((case when isfinite(p_end) then p_end + 1 else p_end end) + c.day_begins) at time zone c.zone
  order by b.bar_time, b.version desc
$$;
comment on function desk.adjusted_bars(bigint, text, integer, integer, date, date, text, interval) is
  'Bars of a version in the sessions from start to end (included; by the clock of the instrument unless another is '
  'named), prices multiplied by all factors that take effect after their '
  'date, volume divided by the splits among them.';
grant execute on function desk.adjusted_bars(bigint, text, integer, integer, date, date, text, interval)
  to desk_director, desk_viewer;

create or replace function desk.split_steps(p_instrument_id bigint, p_factors_version integer, p_since date)
returns jsonb
language sql
stable
set search_path = desk, pg_temp
as $$
  select jsonb_agg(jsonb_build_array(s.effective_date, s.shares) order by s.effective_date)
  from (
    select f.effective_date, desk.product(f.factor) over (order by f.effective_date desc) as shares
    from desk.adjustment_factors as f
    where f.instrument_id = p_instrument_id and f.version = p_factors_version and f.kind = 'split'
  ) as s
  where s.effective_date > p_since
$$;
comment on function desk.split_steps(bigint, integer, date) is
  'Ex-dates of the splits after a day, each with the shares before it that one adjusted share is: 1/28 before 7:1 and '
  '4:1; null where there are none.';

create or replace function desk.day_shares(p_steps jsonb, p_time timestamptz)
returns double precision
language sql
immutable
set search_path = desk, pg_temp
as $$
  select coalesce((
    select (s.step ->> 1)::double precision
    from jsonb_array_elements(p_steps) as s (step)
    where p_time < (s.step ->> 0)::date::timestamp at time zone 'UTC'
    order by (s.step ->> 0)::date
    limit 1), 1)
$$;
comment on function desk.day_shares(jsonb, timestamptz) is
  'Shares of the day of a bar that one adjusted share is, by split_steps(): what a fee a share counts.';

create or replace function desk.price_splits(p_symbols text[], p_timeframe text)
returns jsonb
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_object_agg(i.symbol, s.steps), '{}')
  from desk.instruments as i
  cross join lateral desk.latest_price_version(i.id, p_timeframe) as v
  cross join lateral desk.split_steps(i.id, v.factors_version, '-infinity') as s (steps)
  where i.symbol = any (p_symbols) and s.steps is not null
$$;
comment on function desk.price_splits(text[], text) is
  'By symbol, the splits that its newest prices are adjusted for, as split_steps() has them.';
grant execute on function desk.price_splits(text[], text) to desk_director, desk_viewer;

create or replace function desk.run_splits(p_run_id bigint)
returns jsonb
language sql
stable
set search_path = desk, pg_temp
as $$
  select jsonb_object_agg(i.symbol, s.steps)
  from desk.run_symbols as y
  join desk.optimization_runs as r on r.id = y.optimization_run_id
  join desk.price_versions as v on v.id = y.price_version_id
  join desk.instruments as i on i.id = y.instrument_id
  cross join lateral desk.split_steps(i.id, v.factors_version, r.start_date) as s (steps)
  where y.optimization_run_id = p_run_id and s.steps is not null
$$;
comment on function desk.run_splits(bigint) is
  'By symbol, the splits after the first day of a run, those after its last too; null where there are none.';

create or replace function desk.run_prices(p_run_id bigint)
returns table (
  symbol text,
  epochs bigint[],
  open   double precision[],
  high   double precision[],
  low    double precision[],
  close  double precision[],
  volume double precision[])
language sql
stable
security definer
set search_path = desk, pg_temp
as $$
  select i.symbol, bars.epochs, bars.open, bars.high, bars.low, bars.close, bars.volume
  from desk.run_symbols as s
  join desk.optimization_runs as r on r.id = s.optimization_run_id
  join desk.instruments as i on i.id = s.instrument_id
  join desk.price_versions as v on v.id = s.price_version_id
  cross join lateral (
    -- The warm-up: so many bars of this symbol before the window.
    select coalesce(min(((w.bar_time at time zone s.zone) - s.day_begins)::date), r.start_date) as first
    from (
      select distinct b.bar_time
      from desk.bars as b
      where b.instrument_id = v.instrument_id and b.timeframe = v.timeframe and b.version <= v.version
        and b.bar_time < (r.start_date + s.day_begins) at time zone s.zone
      order by b.bar_time desc
      limit r.warm_up_bars
    ) as w
  ) as warm_up
  cross join lateral (
    select
      coalesce(array_agg(extract(epoch from b.bar_time)::bigint order by b.bar_time), '{}') as epochs,
      coalesce(array_agg(b.open order by b.bar_time), '{}') as open,
      coalesce(array_agg(b.high order by b.bar_time), '{}') as high,
      coalesce(array_agg(b.low order by b.bar_time), '{}') as low,
      coalesce(array_agg(b.close order by b.bar_time), '{}') as close,
      coalesce(array_agg(b.volume order by b.bar_time), '{}') as volume
    from desk.adjusted_bars(
      v.instrument_id, v.timeframe, v.version, v.factors_version, warm_up.first, r.end_date, s.zone,
      s.day_begins) as b
  ) as bars
  where s.optimization_run_id = p_run_id
  order by s.position
$$;
comment on function desk.run_prices(bigint) is
  'Adjusted bars of a run''s pinned versions in its window and the warm-up before it: one row a symbol, in the '
  'run''s order; epochs are UTC seconds.';
grant execute on function desk.run_prices(bigint) to desk_runner;

create or replace view desk.price_coverage as
select i.symbol,
       v.timeframe,
       v.version,
       v.source,
       v.first_bar,
       v.last_bar,
       v.bar_count as bars,
       v.gap_count as gaps,
       i.closes_only,
       v.loaded_at
from desk.price_versions as v
join desk.instruments as i on i.id = v.instrument_id
where not exists (
  select 1
  from desk.price_versions as newer
  where newer.instrument_id = v.instrument_id and newer.timeframe = v.timeframe and newer.version > v.version);
comment on view desk.price_coverage is 'One row a series of bars that the desk has, at its newest version.';
comment on column desk.price_coverage.symbol is 'The symbol.';
comment on column desk.price_coverage.timeframe is 'Length of a bar.';
comment on column desk.price_coverage.version is 'Newest version.';
comment on column desk.price_coverage.source is 'Where it came from.';
comment on column desk.price_coverage.first_bar is 'Time of the first bar.';
comment on column desk.price_coverage.last_bar is 'Time of the last bar.';
comment on column desk.price_coverage.bars is 'Bars.';
comment on column desk.price_coverage.gaps is
  'Stretches without a bar, longer than usual_break(); series_gaps() lists them.';
comment on column desk.price_coverage.closes_only is 'True where open, high and low repeat the close.';
comment on column desk.price_coverage.loaded_at is 'When it was loaded.';
grant select on desk.price_coverage to desk_director, desk_viewer;
