-- Figures of a backtest that is no row: what one run from the command line shows, by the desk's own definitions.

drop function if exists desk.backtest_figures(jsonb, double precision);
create or replace function desk.backtest_figures(p_metrics jsonb, p_risk_free_rate double precision default 0,
  p_sessions_a_year double precision default 252)
returns table (metric text, title text, unit text, decimals integer, value double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with figures as (
    select to_jsonb(r) as result
    from desk.compute_ratios(
      jsonb_populate_record(null::desk.full_results,
        p_metrics - '{block_counts,block_sums,block_squares,engine_metrics}'::text[]
          || jsonb_build_object('sessions_a_year', p_sessions_a_year)),
      p_risk_free_rate) as r
  )
  select d.metric, d.title, d.unit, d.decimals, (f.result ->> d.metric)::double precision
  from figures as f
  join desk.metric_definitions as d on d.scope = 'result' and f.result ? d.metric
  order by d.title
$$;
comment on function desk.backtest_figures(jsonb, double precision, double precision) is
  'Every metric of a single backtest from its raw metrics, as results of runs have them; null where it is undefined. '
  'Nothing is recorded.';
grant execute on function desk.backtest_figures(jsonb, double precision, double precision)
  to desk_director, desk_viewer;

drop function if exists desk.rolling_sharpe(date[], double precision[], double precision, integer);
create or replace function desk.rolling_sharpe(
  p_sessions date[], p_equity double precision[], p_cash double precision, p_window integer default 126,
  p_sessions_a_year double precision default 252)
returns table (session date, sharpe_ratio double precision)
language sql immutable
set search_path = desk, pg_temp
as $$
  with returns as (
    select e.position, p_sessions[e.position] as session, bool_and(e.value > 0) over (order by e.position) as alive,
           e.value / nullif(lag(e.value, 1, p_cash) over (order by e.position), 0) - 1 as r
    from unnest(p_equity) with ordinality as e (value, position)
  ),
  windows as (
    select r.position, r.session, r.alive, avg(r.r) over w as mean, stddev_samp(r.r) over w as deviation
    from returns as r
    window w as (order by r.position rows between p_window - 1 preceding and current row)
  )
  select w.session, case when w.alive then w.mean / nullif(w.deviation, 0) * sqrt(p_sessions_a_year) end
  from windows as w
  where w.position >= p_window
  order by w.position
$$;
comment on function desk.rolling_sharpe(date[], double precision[], double precision, integer, double precision) is
  'Sharpe ratio of the last so many sessions, at each session that has as many behind it; null where nothing moved, '
  'and from the loss of the account on.';
grant execute on function desk.rolling_sharpe(date[], double precision[], double precision, integer, double precision)
  to desk_director, desk_viewer;

-- Its columns have become more, which no replacement may do.
drop function if exists desk.price_series(text[], text, date, date);
create or replace function desk.price_series(p_symbols text[], p_timeframe text, p_start date default null,
  p_end date default null)
returns table (
  symbol text, source text, version integer,
  epochs bigint[], open double precision[], high double precision[], low double precision[], close double precision[],
  volume double precision[], zone text, day_begins integer)
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_symbols text[] := desk.checked_symbols(to_jsonb(p_symbols), p_timeframe);
  v_window  record;
begin
  select w.p_start, w.p_end into v_window from desk.checked_window(v_symbols, p_timeframe, p_start, p_end) as w;
  return query
  select i.symbol, v.source, v.version, b.epochs, b.open, b.high, b.low, b.close, b.volume, d.zone,
         extract(epoch from d.day_begins)::integer
  from unnest(v_symbols) with ordinality as s (symbol, position)
  join desk.instruments as i on i.symbol = s.symbol
  cross join lateral desk.latest_price_version(i.id, p_timeframe) as v
  cross join lateral desk.instrument_day(i.id, p_timeframe) as d
  cross join lateral (
    select coalesce(array_agg(extract(epoch from a.bar_time)::bigint order by a.bar_time), '{}') as epochs,
           coalesce(array_agg(a.open order by a.bar_time), '{}') as open,
           coalesce(array_agg(a.high order by a.bar_time), '{}') as high,
           coalesce(array_agg(a.low order by a.bar_time), '{}') as low,
           coalesce(array_agg(a.close order by a.bar_time), '{}') as close,
           coalesce(array_agg(a.volume order by a.bar_time), '{}') as volume
    from desk.adjusted_bars(i.id, p_timeframe, v.version, v.factors_version, v_window.p_start, v_window.p_end) as a
  ) as b
  order by s.position;
end
$$;
comment on function desk.price_series(text[], text, date, date) is
  'Adjusted bars at the newest version, a row a symbol in the order asked for, in the window that all of them have '
  'unless one is given. Refuses as a config would be refused.';
grant execute on function desk.price_series(text[], text, date, date) to desk_director, desk_viewer;
