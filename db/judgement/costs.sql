-- Costs after the fact, from stored trades; calendar years and crises, from stored curves.

create or replace function desk.cost_sweep(p_result_id bigint, p_multiples double precision[] default '{0,0.5,1,2,4}')
returns table (
  multiple double precision, exact boolean, total_fees double precision, ending_value double precision,
  total_return double precision, annual_return double precision, winning_trades bigint, profit_factor double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with result as (
    select b.starting_cash as cash, b.ending_value as ending, b.total_fees as paid, b.return_count as n,
      b.sessions_a_year as year, t.symbols,
      t.exit_times,
           t.sizes, t.profits, t.fees
    from desk.full_results as b join desk.trades as t on t.backtest_result_id = b.id
    -- Where cash was paid in, trades are money of another account than the curve's.
    where b.id = p_result_id and b.net_flows is null
  ),
  deals as (
    select u.deal, u.symbol, u.size, u.profit, u.fee,
           r.cash + coalesce(sum(u.profit) over (order by u.exit_time,
             u.deal rows between unbounded preceding and 1 preceding), 0) as before
    from result as r
    cross join lateral unnest(r.symbols, r.exit_times, r.sizes, r.profits, r.fees) with ordinality as u (symbol,
      exit_time, size, profit, fee, deal)
  ),
  -- The same number of units each time says that sizes do not depend on equity, so neither do the other trades.
  sizing as (
    select coalesce(bool_and(s.same), true) as exact
    from (select min(abs(d.size)) = max(abs(d.size)) as same from deals as d group by d.symbol) as s
  ),
  swept as (
    select k.multiple,
           coalesce(desk.product(greatest(0, 1 + (d.profit + (1 - k.multiple) * d.fee) / nullif(greatest(d.before, 0),
             0)) order by d.deal), 1) as growth,
           coalesce(sum(d.profit), 0) as profit, coalesce(sum(d.fee), 0) as fee,
           count(*) filter (where d.profit + (1 - k.multiple) * d.fee > 0) as won,
           sum(greatest(0, d.profit + (1 - k.multiple) * d.fee)) as gained,
           sum(greatest(0, -(d.profit + (1 - k.multiple) * d.fee))) as lost
    from unnest(p_multiples) as k (multiple)
    left join deals as d on true
    group by k.multiple
  ),
  ended as (
    select s.*, r.cash, r.n, r.year, z.exact or s.multiple = 1 as exact, r.paid * s.multiple as fees,
           case
             when z.exact or s.multiple = 1 then r.ending + (1 - s.multiple) * r.paid
             -- Sizes that follow equity: each trade keeps its return on the equity before it, and compounds.
             else r.cash * s.growth * (r.ending + (1 - s.multiple) * (r.paid - s.fee)) / nullif(r.cash + s.profit, 0)
           end as ending
    from swept as s cross join result as r cross join sizing as z
  )
  select e.multiple, e.exact, e.fees, e.ending, e.ending / e.cash - 1,
         case when e.n > 0 then case when e.ending > 0 then (e.ending / e.cash) ^ (e.year / e.n) - 1
           else -1 end end,
         e.won, e.gained / nullif(e.lost, 0)
  from ended as e
  order by e.multiple
$$;
comment on function desk.cost_sweep(bigint, double precision[]) is
  'What a result with stored trades would have been at multiples of its fees: exact where every trade of a symbol '
  'has the same size, an approximation where sizes follow equity. None where cash was paid in.';
grant execute on function desk.cost_sweep(bigint, double precision[]) to desk_director, desk_viewer, desk_dbt;

create or replace view desk.result_costs as
select t.backtest_result_id, c.multiple, c.exact, c.total_fees, c.ending_value, c.total_return, c.annual_return,
  c.winning_trades, c.profit_factor
from desk.trades as t
cross join lateral desk.cost_sweep(t.backtest_result_id) as c;
comment on view desk.result_costs is
  'Five rows a result with stored trades: what it would have been at 0, 0.5, 1, 2 and 4 times its fees.';
comment on column desk.result_costs.backtest_result_id is 'The result.';
comment on column desk.result_costs.multiple is 'How many times its fees.';
comment on column desk.result_costs.exact is
  'True where sizes do not depend on equity; false where the figures are an approximation.';
comment on column desk.result_costs.total_fees is 'Fees paid then.';
comment on column desk.result_costs.ending_value is 'Portfolio value at the end.';
comment on column desk.result_costs.total_return is 'Ending value over starting capital, less 1.';
comment on column desk.result_costs.annual_return is 'Compound return a year, of the run''s sessions a year.';
comment on column desk.result_costs.winning_trades is 'Closed trades with a profit.';
comment on column desk.result_costs.profit_factor is 'Gross profit over gross loss.';

drop view if exists desk.result_periods;
drop function if exists desk.curve_periods(date[], double precision[], double precision);
create or replace function desk.curve_periods(p_sessions date[], p_equity double precision[], p_cash double precision,
  p_sessions_a_year double precision default 252)
returns table (
  kind text, period text, start_date date, end_date date, sessions bigint, complete boolean,
  total_return double precision, sharpe_ratio double precision, max_drawdown double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with windows as (
    select 'year' as kind, y.year::text as period, make_date(y.year, 1, 1) as start_date,
      make_date(y.year, 12, 31) as end_date
    from generate_series(extract(year from p_sessions[1])::integer,
      extract(year from p_sessions[cardinality(p_sessions)])::integer) as y (year)
    union all
    select 'crisis', w.name, w.start_date, w.end_date from desk.crisis_windows as w
  ),
  cut as (
    select w.*, c.low, c.high
    from windows as w
    cross join lateral (
      select min(s.position) as low, max(s.position) as high
      from unnest(p_sessions) with ordinality as s (session, position)
      where s.session between w.start_date and w.end_date
    ) as c
    where c.low is not null
  ),
  measured as (
    select c.*, desk.curve_metrics(p_sessions[c.low : c.high], p_equity[c.low : c.high],
      case when c.low = 1 then p_cash else p_equity[c.low - 1] end, c.start_date, c.end_date, 1) as m
    from cut as c
    where 0 < all (p_equity[: c.low - 1])
  )
  select x.kind, x.period, x.start_date, x.end_date, x.high - x.low + 1,
         -- A week of grace: a window may begin or end on a holiday.
         p_sessions[1] <= x.start_date + 7 and p_sessions[cardinality(p_sessions)] >= x.end_date - 7,
         (x.m ->> 'ending_value')::float8 / (x.m ->> 'starting_cash')::float8 - 1,
         case when x.m -> 'lost_on' is null
             and (x.m ->> 'return_count')::float8 >= 2 and (x.m ->> 'return_m2')::float8 > 1e-24
           then (x.m ->> 'return_mean')::float8 / sqrt(
             (x.m ->> 'return_m2')::float8 / ((x.m ->> 'return_count')::float8 - 1))
             * sqrt(p_sessions_a_year) end,
         (x.m ->> 'max_drawdown')::float8
  from measured as x
  order by x.kind desc, x.start_date
$$;
comment on function desk.curve_periods(date[], double precision[], double precision, double precision) is
  'Return, Sharpe ratio and drawdown of a curve in each calendar year, and in each crisis of crisis_windows that it '
  'lived through, until the account was lost.';
grant execute on function desk.curve_periods(date[], double precision[], double precision, double precision)
  to desk_director, desk_viewer, desk_dbt;

create or replace view desk.result_periods as
select e.backtest_result_id, p.kind, p.period, p.start_date, p.end_date, p.sessions, p.complete, p.total_return,
  p.sharpe_ratio, p.max_drawdown
from desk.equity_curves as e
join desk.full_results as b on b.id = e.backtest_result_id
cross join lateral desk.curve_periods(e.sessions, e.equity, b.starting_cash, b.sessions_a_year) as p;
comment on view desk.result_periods is 'One row a calendar year and a crisis of a result with a stored curve.';
comment on column desk.result_periods.backtest_result_id is 'The result.';
comment on column desk.result_periods.kind is 'year or crisis.';
comment on column desk.result_periods.period is 'The year, or the name of the crisis.';
comment on column desk.result_periods.start_date is 'First day of the period.';
comment on column desk.result_periods.end_date is 'Last day.';
comment on column desk.result_periods.sessions is 'Sessions of the curve in it.';
comment on column desk.result_periods.complete is 'False where the curve covers only a part of the period.';
comment on column desk.result_periods.total_return is 'Return over these sessions.';
comment on column desk.result_periods.sharpe_ratio is
  'Annualized mean over sample deviation of the daily returns; null when undefined.';
comment on column desk.result_periods.max_drawdown is 'Largest fall from a peak within the period.';

grant select on desk.result_costs, desk.result_periods, desk.crisis_windows to desk_director, desk_viewer, desk_dbt;
grant insert, update, delete on desk.crisis_windows to desk_director;
