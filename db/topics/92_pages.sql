-- What the pages draw: a result's curve, months, checks and metrics; a run's failures; the queue by state and minute.

create or replace function desk.result_equity(p_result_id bigint)
returns table (
  session date, equity double precision, total_return double precision, drawdown double precision, benchmark_return double precision)
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
    where n.optimization_run_id = (select b.optimization_run_id from desk.backtest_results as b where b.id = p_result_id)
  )
  select c.session, c.equity, c.equity / c.cash - 1,
         1 - c.equity / greatest(c.cash, max(c.equity) over w),
         -- greatest() passes over nulls: without the case a run without a benchmark would have one that lost everything.
         exp(sum(case when n.return is not null then ln(greatest(1 + n.return, 1e-12)) end) over w) - 1
  from curve as c
  left join benchmark as n on n.session = c.session
  window w as (order by c.session)
  order by c.session
$$;
comment on function desk.result_equity(bigint) is
  'The stored curve of a result, a row a session: value, return since the start, fall below the peak (a positive fraction), and the return of its run''s benchmark.';
revoke execute on function desk.result_equity(bigint) from public;
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
comment on function desk.result_months(bigint) is 'Return of the stored curve of a result in each calendar month, a fraction.';
revoke execute on function desk.result_months(bigint) from public;
grant execute on function desk.result_months(bigint) to desk_director, desk_viewer;

create or replace function desk.result_checks(p_result_id bigint)
returns table (metric text, title text, unit text, decimals integer, value double precision, comparison text, threshold double precision,
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
  'The criteria that a result was judged by, with its own values: met is null while the run is open and the figure depends on all its trials.';
revoke execute on function desk.result_checks(bigint) from public;
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
revoke execute on function desk.result_correlations(bigint[]) from public;
grant execute on function desk.result_correlations(bigint[]) to desk_director, desk_viewer;

create or replace view desk.result_metrics as
select b.id as backtest_result_id, d.metric, d.title, d.unit, d.decimals, d.direction, (to_jsonb(b) ->> d.metric)::double precision as value
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

create or replace view desk.funnel as
with runs as (
  select r.strategy_id, r.optimization_type, g.finished, g.passed
  from desk.optimization_runs as r
  join desk.run_progress as g on g.optimization_run_id = r.id
  where r.role = 'search'
),
-- 1.645 standard errors: less than one chance in twenty that the best of as many noise trials did as well.
survivors as (
  select b.strategy_id
  from desk.backtest_results as b
  where b.ranked and b.deflated_sharpe_z >= 1.645 and b.passed
)
select 1 as step, 'tried' as stage,
       count(distinct r.strategy_id) filter (where r.finished > 0) as strategies, coalesce(sum(r.finished), 0)::bigint as results
from runs as r
where r.optimization_type <> 'Walk-Forward'
union all
select 2, 'passed criteria', count(distinct r.strategy_id) filter (where r.passed > 0), coalesce(sum(r.passed), 0)::bigint
from runs as r
where r.optimization_type <> 'Walk-Forward'
union all
select 3, 'survived deflation', count(distinct s.strategy_id), count(*) from survivors as s
union all
select 4, 'walk-forward', count(distinct r.strategy_id) filter (where r.passed > 0), coalesce(sum(r.passed), 0)::bigint
from runs as r
where r.optimization_type = 'Walk-Forward'
union all
select 5, 'paper', count(*), null from desk.strategies as s where s.status in ('paper', 'live')
union all
select 6, 'live', count(*), null from desk.strategies as s where s.status = 'live';
comment on view desk.funnel is 'Six rows: how many strategies, and how many of their results, came through each stage from tried to live.';
comment on column desk.funnel.step is 'From 1 to 6.';
comment on column desk.funnel.stage is
  'tried; passed criteria; survived deflation (passed, and the deflated Sharpe ratio is at least 0.95); walk-forward (the stitched test passed); paper (or already live); live.';
comment on column desk.funnel.strategies is 'Strategies that have one.';
comment on column desk.funnel.results is 'Results; null where only the strategy''s status counts.';

create or replace view desk.run_failures as
select b.optimization_run_id, b.error_kind, left(split_part(b.error, E'\n', 1), 300) as error, count(*) as points,
       min(b.id) as first_result_id, max(b.created_at) as last_at
from desk.backtest_results as b
where b.outcome = 'failed'
group by b.optimization_run_id, b.error_kind, left(split_part(b.error, E'\n', 1), 300);
comment on view desk.run_failures is 'One row a run and error: how many of its points failed with it.';
comment on column desk.run_failures.optimization_run_id is 'The run.';
comment on column desk.run_failures.error_kind is 'strategy, deadline, memory, crash or infrastructure.';
comment on column desk.run_failures.error is 'First line of the error.';
comment on column desk.run_failures.points is 'Points that failed with it.';
comment on column desk.run_failures.first_result_id is 'The first of them, with the whole error.';
comment on column desk.run_failures.last_at is 'When the last of them failed.';

create or replace view desk.run_rejections as
select b.optimization_run_id, split_part(u.reason, ':', 1) as reason, count(distinct b.id) as rejected
from desk.backtest_results as b
cross join lateral unnest(b.rejection_reasons) as u (reason)
where b.outcome = 'finished'
group by b.optimization_run_id, split_part(u.reason, ':', 1);
comment on view desk.run_rejections is 'One row a run and kind of reason: how many finished points were rejected for it; one may have several.';
comment on column desk.run_rejections.optimization_run_id is 'The run.';
comment on column desk.run_rejections.reason is 'Kind of reason: the sentence up to its colon.';
comment on column desk.run_rejections.rejected is 'Finished points rejected for it.';

create or replace view desk.queue_states as
select i.kind, i.state, count(*) as items,
       sum(i.last_ordinal - i.first_ordinal + 1 - (
         select coalesce(sum(upper(u.piece) - lower(u.piece)), 0) from unnest(i.settled) as u (piece)))::bigint as points,
       count(*) filter (where i.attempt > 1) as retries,
       date_trunc('second', now() - min(case when i.state = 'leased' then i.leased_at else i.created_at end)) as oldest_age
from desk.work_items as i
where i.state in ('waiting', 'leased')
group by i.kind, i.state;
comment on view desk.queue_states is 'One row a kind and state of open work items; points that no item was cut for yet are in job_progress.';
comment on column desk.queue_states.kind is 'points, or the name of a task.';
comment on column desk.queue_states.state is 'waiting or leased.';
comment on column desk.queue_states.items is 'Work items.';
comment on column desk.queue_states.points is 'Their points that are not recorded yet; null for tasks.';
comment on column desk.queue_states.retries is 'Items that are a second or later attempt.';
comment on column desk.queue_states.oldest_age is 'Age of the oldest: since it was claimed, or since it was made.';

create or replace view desk.throughput as
select m.minute, count(b.id) filter (where b.outcome = 'finished') as finished, count(b.id) filter (where b.outcome = 'failed') as failed
from generate_series(date_trunc('minute', now()) - interval '59 minutes', date_trunc('minute', now()), interval '1 minute') as m (minute)
left join desk.backtest_results as b
  on b.created_at >= m.minute and b.created_at < m.minute + interval '1 minute' and b.source_result_id is null
group by m.minute
order by m.minute;
comment on view desk.throughput is 'Sixty rows: points recorded in each of the last sixty minutes, copies not counted.';
comment on column desk.throughput.minute is 'Begin of the minute.';
comment on column desk.throughput.finished is 'Points that finished.';
comment on column desk.throughput.failed is 'Points that failed for good.';

grant select on desk.result_metrics, desk.funnel, desk.run_failures, desk.run_rejections, desk.queue_states, desk.throughput
  to desk_director, desk_viewer;
