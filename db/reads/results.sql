-- What the pages draw of a result: curve, months, checks, correlations, metrics.

create or replace function desk.result_equity(p_result_id bigint)
returns table (
  session date, equity double precision, total_return double precision, drawdown double precision,
  benchmark_return double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with curve as (
    select u.session, u.equity, b.starting_cash as cash, b.optimization_run_id as run
    from desk.equity_curves as e
    join desk.backtest_results as b on b.id = e.backtest_result_id
    cross join lateral unnest(e.sessions, e.equity) as u (session, equity)
    where e.backtest_result_id = p_result_id
  ),
  benchmark as (
    select u.session, u.return
    from desk.run_benchmarks as n
    cross join lateral unnest(n.sessions, n.returns) as u (session, return)
    where n.optimization_run_id = (select b.optimization_run_id from desk.backtest_results as b
      where b.id = p_result_id)
  )
  select c.session, c.equity, c.equity / c.cash - 1,
         1 - c.equity / greatest(c.cash, max(c.equity) over w),
         -- greatest() passes over nulls: without the case a run without a benchmark would have one that lost
         -- everything.
         exp(sum(case when n.return is not null then ln(greatest(1 + n.return, 1e-12)) end) over w) - 1
  from curve as c
  left join benchmark as n on n.session = c.session
  window w as (order by c.session)
  order by c.session
$$;
comment on function desk.result_equity(bigint) is
  'The stored curve of a result, a row a session: value, return since the start, fall below the peak (a positive '
  'fraction), and the return of its run''s benchmark.';
grant execute on function desk.result_equity(bigint) to desk_director, desk_viewer;

create or replace function desk.result_months(p_result_id bigint)
returns table (year integer, month integer, total_return double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with months as (
    select distinct on (date_trunc('month', u.session)) u.session, u.equity, b.starting_cash as cash
    from desk.equity_curves as e
    join desk.backtest_results as b on b.id = e.backtest_result_id
    cross join lateral unnest(e.sessions, e.equity) as u (session, equity)
    where e.backtest_result_id = p_result_id
    order by date_trunc('month', u.session), u.session desc
  )
  select extract(year from m.session)::integer, extract(month from m.session)::integer,
         m.equity / nullif(lag(m.equity, 1, m.cash) over (order by m.session), 0) - 1
  from months as m
  order by m.session
$$;
comment on function desk.result_months(bigint) is
  'Return of the stored curve of a result in each calendar month, a fraction.';
grant execute on function desk.result_months(bigint) to desk_director, desk_viewer;

create or replace function desk.result_checks(p_result_id bigint)
returns table (metric text, title text, unit text, decimals integer, value double precision, comparison text,
  threshold double precision,
  source text, met boolean)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- What the judge said counts: a criterion is not met when its sentence is among the result's reasons.
  select c.metric, d.title, d.unit, d.decimals, v.value, c.comparison, c.threshold, c.source,
         case when d.scope = 'result' or r.closed_at is not null
           then b.outcome = 'finished'
             and not desk.rejection_reason(c.metric, c.comparison, v.value, c.threshold) = any (b.rejection_reasons) end
  from desk.backtest_results as b
  join desk.optimization_runs as r on r.id = b.optimization_run_id
  join desk.success_criteria as c on c.optimization_run_id = b.optimization_run_id
  join desk.metric_definitions as d on d.metric = c.metric
  cross join lateral (select (to_jsonb(b) ->> c.metric)::double precision) as v (value)
  where b.id = p_result_id
  order by d.title, c.comparison
$$;
comment on function desk.result_checks(bigint) is
  'The criteria that a result was judged by, with its own values: met is null while the run is open and the figure '
  'depends on all its trials.';
grant execute on function desk.result_checks(bigint) to desk_director, desk_viewer;

create or replace function desk.result_correlations(p_result_ids bigint[])
returns table (result_id bigint, other_id bigint, sessions bigint, correlation double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with returns as (
    select e.backtest_result_id as id, u.session,
           u.equity / nullif(lag(u.equity, 1, b.starting_cash) over (partition by b.id order by u.session), 0) - 1 as r
    from desk.equity_curves as e
    join desk.backtest_results as b on b.id = e.backtest_result_id
    cross join lateral unnest(e.sessions, e.equity) as u (session, equity)
    where e.backtest_result_id = any (p_result_ids)
  )
  select x.id, y.id, count(*), corr(x.r, y.r)
  from returns as x
  join returns as y on y.session = x.session
  group by x.id, y.id
  order by x.id, y.id
$$;
comment on function desk.result_correlations(bigint[]) is
  'Correlation of the daily returns of each two of these results, over the sessions that both stored curves have.';
grant execute on function desk.result_correlations(bigint[]) to desk_director, desk_viewer;

create or replace view desk.result_metrics as
select b.id as backtest_result_id, d.metric, d.title, d.unit, d.decimals, d.direction,
  (to_jsonb(b) ->> d.metric)::double precision as value
from desk.backtest_results as b
cross join desk.metric_definitions as d;
comment on view desk.result_metrics is 'One row a result and metric: read it for a few results, to compare them.';
comment on column desk.result_metrics.backtest_result_id is 'The result.';
comment on column desk.result_metrics.metric is 'The metric.';
comment on column desk.result_metrics.title is 'Its name for people.';
comment on column desk.result_metrics.unit is 'ratio, fraction, money, count or sessions.';
comment on column desk.result_metrics.decimals is 'Decimals to show.';
comment on column desk.result_metrics.direction is 'max when more is better, min when less is.';
comment on column desk.result_metrics.value is 'The value; null where it is undefined.';

grant select on desk.result_metrics to desk_director, desk_viewer;
