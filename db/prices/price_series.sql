-- Bars of a backtest that is no run: what one from the command line reads.

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
