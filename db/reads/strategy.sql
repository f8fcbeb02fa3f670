-- What the pages of a strategy and of a walk-forward read of one result: its worst falls, its prices, and how far
-- each trade went against and for its holder.

create or replace function desk.curve_drawdowns(
  p_sessions date[], p_equity double precision[], p_cash double precision, p_count integer default 10)
returns table (peak date, trough date, recovery date, depth double precision, sessions bigint,
  sessions_to_trough bigint)
language sql immutable
set search_path = desk, pg_temp
as $$
  -- A fall is numbered by the peaks before it; that of the starting cash is before the first session.
  with points as (
    select u.position, u.session, u.equity, greatest(p_cash, max(u.equity) over (order by u.position)) as peak
    from unnest(p_sessions, p_equity) with ordinality as u (session, equity, position)
  ),
  numbered as (
    select p.*, p.equity >= p.peak as at_peak, count(*)
      filter (where p.equity >= p.peak) over (order by p.position) as fall
    from points as p
  ),
  falls as (
    select n.fall, max(1 - n.equity / n.peak) as depth, count(*) as sessions, min(n.position) as begun,
           (array_agg(n.position order by n.equity, n.position))[1] as lowest
    from numbered as n
    where not n.at_peak
    group by n.fall
  )
  select top.session, low.session, back.session, f.depth, f.sessions, f.lowest - f.begun + 1
  from falls as f
  join numbered as low on low.position = f.lowest
  left join numbered as top on top.at_peak and top.fall = f.fall
  left join numbered as back on back.at_peak and back.fall = f.fall + 1
  order by f.depth desc, low.session
  limit p_count
$$;
comment on function desk.curve_drawdowns(date[], double precision[], double precision, integer) is
  'The deepest falls of a curve: last session at the peak (null: the starting cash was the peak), lowest session, '
  'first session at the peak again (null: not yet), depth as a fraction of the peak, sessions below it, and those '
  'down to the lowest.';
grant execute on function desk.curve_drawdowns(date[], double precision[], double precision, integer)
  to desk_director, desk_viewer;

create or replace function desk.result_drawdowns(p_result_id bigint, p_count integer default 10)
returns table (peak date, trough date, recovery date, depth double precision, sessions bigint,
  sessions_to_trough bigint)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select d.*
  from desk.equity_curves as e
  join desk.backtest_results as b on b.id = e.backtest_result_id
  cross join lateral desk.curve_drawdowns(e.sessions, e.equity, b.starting_cash, p_count) as d
  where e.backtest_result_id = p_result_id
  order by d.depth desc, d.trough
$$;
comment on function desk.result_drawdowns(bigint, integer) is
  'The deepest falls of the stored curve of a result, as curve_drawdowns has them.';
grant execute on function desk.result_drawdowns(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.result_prices(
  p_result_id bigint, p_symbol text, p_from date default null, p_to date default null, p_points integer default 1500)
returns table (
  bar_time timestamptz, until timestamptz, open double precision, high double precision, low double precision,
  close double precision,
  bars bigint)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with numbered as (
    select a.*, row_number() over (order by a.bar_time) - 1 as number, count(*) over () as total
    from desk.backtest_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    join desk.run_symbols as s on s.optimization_run_id = r.id
    join desk.instruments as i on i.id = s.instrument_id and i.symbol = p_symbol
    join desk.price_versions as v on v.id = s.price_version_id
    cross join lateral desk.adjusted_bars(v.instrument_id, v.timeframe, v.version, v.factors_version,
      greatest(r.start_date, p_from), least(r.end_date, p_to)) as a
    where b.id = p_result_id
  )
  select min(n.bar_time), max(n.bar_time), (array_agg(n.open order by n.number))[1], max(n.high), min(n.low),
         (array_agg(n.close order by n.number desc))[1], count(*)
  from numbered as n
  group by n.number / ceil(n.total::float8 / greatest(p_points, 1))::bigint
  order by 1
$$;
comment on function desk.result_prices(bigint, text, date, date, integer) is
  'Adjusted prices of a symbol that a result was traded on, at the version its run is pinned to, in its window: at '
  'most so many rows, each of as many bars as that takes.';
grant execute on function desk.result_prices(bigint, text, date, date, integer) to desk_director, desk_viewer;

create or replace function desk.result_excursions(p_result_id bigint, p_limit bigint default null,
  p_offset bigint default 0)
returns table (
  trade bigint, symbol text, entry_time timestamptz, exit_time timestamptz, size double precision,
  entry_price double precision,
  exit_price double precision, profit double precision, fees double precision, trade_return double precision,
  adverse double precision, favourable double precision, bars bigint)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with deals as materialized (
    select t.* from desk.result_trades as t where t.backtest_result_id = p_result_id order by t.trade
      limit p_limit offset p_offset
  ),
  series as materialized (
    select i.symbol, array_agg(extract(epoch from a.bar_time)::float8 order by a.bar_time) as times,
           array_agg(a.high order by a.bar_time) as highs, array_agg(a.low order by a.bar_time) as lows
    from desk.backtest_results as b
    join desk.run_symbols as s on s.optimization_run_id = b.optimization_run_id
    join desk.instruments as i on i.id = s.instrument_id and i.symbol in (select d.symbol from deals as d)
    join desk.price_versions as v on v.id = s.price_version_id
    cross join (select min(d.entry_time) as first, max(d.exit_time) as last from deals as d) as w
    -- Days of grace, since a bar may begin some time before what is traded in it.
    cross join lateral desk.adjusted_bars(v.instrument_id, v.timeframe, v.version, v.factors_version,
      (w.first at time zone 'UTC')::date - 7, (w.last at time zone 'UTC')::date + 1) as a
    where b.id = p_result_id
    group by i.symbol
  ),
  placed as (
    select d.*, s.highs, s.lows,
           width_bucket(extract(epoch from d.entry_time)::float8, s.times) as first,
           width_bucket(extract(epoch from d.exit_time)::float8, s.times) as last
    from deals as d
    left join series as s on s.symbol = d.symbol
  )
  -- Of the bar of the exit only the exit price counts: what it did afterwards happened to somebody else.
  select p.trade, p.symbol, p.entry_time, p.exit_time, p.size, p.entry_price, p.exit_price, p.profit, p.fees,
         p.profit / nullif(abs(p.size) * p.entry_price, 0),
         case when p.highs is not null then
           case when p.size < 0 then x.highest - p.entry_price
             else p.entry_price - x.lowest end / nullif(p.entry_price, 0) end,
         case when p.highs is not null then
           case when p.size < 0 then p.entry_price - x.lowest
             else x.highest - p.entry_price end / nullif(p.entry_price, 0) end,
         (p.last - p.first)::bigint
  from placed as p
  cross join lateral (
    select greatest(max(u.high), p.entry_price, p.exit_price) as highest,
      least(min(u.low), p.entry_price, p.exit_price) as lowest
    from unnest(p.highs[p.first : p.last - 1], p.lows[p.first : p.last - 1]) as u (high, low)
  ) as x
  order by p.trade
$$;
comment on function desk.result_excursions(bigint, bigint, bigint) is
  'Closed trades of a result as result_trades has them, with the return after fees, the maximum adverse and '
  'favourable excursion (all fractions of the entry price; the latter two from highs and lows of the bars from the '
  'entry''s to before the exit''s, null where the run has no pinned prices), and the bars held.';
grant execute on function desk.result_excursions(bigint, bigint, bigint) to desk_director, desk_viewer;

create or replace function desk.fee_break_even(p_result_id bigint)
returns double precision
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_multiples double precision[] := '{0,0.5,1,2,4,8,16,32,64,128}';
  v_found     record;
begin
  for i in 1 .. 3 loop
    select s.* into v_found
    from (
      select c.multiple as low, lead(c.multiple) over w as high, c.total_return as gained,
        lead(c.total_return) over w as lost,
             c.exact and lead(c.exact) over w as exact
      from desk.cost_sweep(p_result_id, v_multiples) as c
      window w as (order by c.multiple)
    ) as s
    where s.gained > 0 and s.lost <= 0
    order by s.low
    limit 1;
    if not found then
      return null;
    end if;
    -- In between it is a line where sizes do not follow equity, and nearly one where the ends are close.
    exit when v_found.exact;
    v_multiples := array(select v_found.low + (v_found.high - v_found.low) / 16 * g.n
      from generate_series(0, 16) as g (n));
  end loop;
  return v_found.low + (v_found.high - v_found.low) * v_found.gained / (v_found.gained - v_found.lost);
end
$$;
comment on function desk.fee_break_even(bigint) is
  'How many times its fees a result with stored trades could have paid until nothing was earned, by cost_sweep(); '
  'null where it loses without fees, or bears 128 times of them.';
grant execute on function desk.fee_break_even(bigint) to desk_director, desk_viewer;

create or replace function desk.break_even_fee(p_result_id bigint)
returns double precision
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select coalesce(desk.fee_break_even(p_result_id) * b.total_fees / nullif(b.traded_value, 0), b.break_even_fee)
  from desk.backtest_results as b where b.id = p_result_id
$$;
comment on function desk.break_even_fee(bigint) is
  'The fee of a fill, as a fraction, at which nothing of a result is left: by fee_break_even() where its trades are '
  'stored, else at fixed sizes.';
grant execute on function desk.break_even_fee(bigint) to desk_director, desk_viewer, desk_dbt;

create or replace function desk.target_values(p_run_id bigint)
returns table (
  backtest_result_id bigint, ordinal bigint, parameters jsonb, outcome text, passed boolean,
  target_value double precision)
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_metric text := (select r.target_metric from desk.optimization_runs as r where r.id = p_run_id);
begin
  if v_metric is null then
    return;
  end if;
  -- By the column's name: asking every row as JSON for it takes seconds where a run has 100,000 of them.
  return query execute format($values$
    select b.id, b.ordinal, b.parameters, b.outcome, b.passed, case when not b.lost then b.%I::double precision end
    from desk.full_results as b
    where b.optimization_run_id = $1
  $values$, v_metric) using p_run_id;
end
$$;
comment on function desk.target_values(bigint) is
  'Recorded points of a run (of a bulk run the promoted and the failed ones), each with the '
  'value of the run''s target; null where the point failed, lost the account, '
  'or the metric is undefined.';
grant execute on function desk.target_values(bigint) to desk_director, desk_viewer, desk_dbt;
