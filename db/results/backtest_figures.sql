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
