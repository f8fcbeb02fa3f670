-- What the pages of the leaderboard and of a run read: results to filter, curves in small, a search's way, noise, a map.
-- Two functions take more memory than a session has by default: with less they would sort 100,000 points on disk.

create or replace view desk.ranked_results as
select
  b.id as backtest_result_id,
  b.optimization_run_id,
  b.strategy_id,
  s.name as strategy,
  s.status,
  r.symbols,
  r.timeframe,
  r.start_date,
  r.end_date,
  coalesce(b.engine, r.engine, s.engine) as engine,
  r.optimization_type = 'Walk-Forward' as out_of_sample,
  b.parameters,
  b.passed,
  b.deflated_sharpe_z,
  b.deflated_sharpe,
  b.sharpe_ratio,
  b.pbo,
  (select x.family_trials from desk.run_statistics as x where x.optimization_run_id = b.optimization_run_id) as trials,
  b.annual_return,
  b.excess_return,
  b.total_return,
  b.max_drawdown,
  b.total_trades as trades,
  b.win_rate,
  b.profit_factor,
  b.fee_pct,
  b.fee_share_of_profit,
  (
    select e.efficiency from desk.walk_forward_efficiency as e
    where r.optimization_type = 'Walk-Forward' and e.optimization_run_id = r.id
  ) as out_of_sample_efficiency,
  b.created_at as finished_at,
  b.rejection_reasons
-- Both are always there; joined so, they are left out where nothing is asked of them, and an index alone tells the order.
from desk.backtest_results as b
left join desk.optimization_runs as r on r.id = b.optimization_run_id
left join desk.strategies as s on s.id = b.strategy_id
where b.ranked;
comment on view desk.ranked_results is
  'One row a finished result of a search, as result_leaderboard has it, but without its rank: so that filters come before the order, and a page of it is read fast. Order by deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, backtest_result_id.';
comment on column desk.ranked_results.backtest_result_id is 'The result.';
comment on column desk.ranked_results.optimization_run_id is 'Its run.';
comment on column desk.ranked_results.strategy_id is 'Its strategy.';
comment on column desk.ranked_results.strategy is 'Name of the strategy.';
comment on column desk.ranked_results.status is 'Where the strategy stands.';
comment on column desk.ranked_results.symbols is 'Symbols, traded as one portfolio.';
comment on column desk.ranked_results.timeframe is 'Length of a bar.';
comment on column desk.ranked_results.start_date is 'First day of the window.';
comment on column desk.ranked_results.end_date is 'Last day of the window.';
comment on column desk.ranked_results.engine is 'Engine that ran it.';
comment on column desk.ranked_results.out_of_sample is 'True for the stitched tests of a walk-forward: days that no choice had seen.';
comment on column desk.ranked_results.parameters is 'Parameter names and values.';
comment on column desk.ranked_results.passed is 'True when all criteria of the run are met.';
comment on column desk.ranked_results.deflated_sharpe_z is 'Standard errors above what the best of as many noise trials is expected to have.';
comment on column desk.ranked_results.deflated_sharpe is 'The probability of that distance.';
comment on column desk.ranked_results.sharpe_ratio is 'Annualized Sharpe ratio.';
comment on column desk.ranked_results.pbo is 'Probability of backtest overfitting of the run.';
comment on column desk.ranked_results.trials is 'N: distinct trials of the strategy that this one was picked from.';
comment on column desk.ranked_results.annual_return is 'Compound return a year, a fraction.';
comment on column desk.ranked_results.excess_return is 'Annual return less that of the benchmark.';
comment on column desk.ranked_results.total_return is 'Return over the window, a fraction.';
comment on column desk.ranked_results.max_drawdown is 'Largest fall from a peak, a positive fraction.';
comment on column desk.ranked_results.trades is 'Closed trades.';
comment on column desk.ranked_results.win_rate is 'Winning trades over closed trades.';
comment on column desk.ranked_results.profit_factor is 'Gross profit over gross loss.';
comment on column desk.ranked_results.fee_pct is 'Fees as a fraction of the starting capital.';
comment on column desk.ranked_results.fee_share_of_profit is 'Fees as a fraction of profit before fees.';
comment on column desk.ranked_results.out_of_sample_efficiency is 'Of a walk-forward: mean annual return of its folds out of sample over that in sample.';
comment on column desk.ranked_results.finished_at is 'When it was recorded.';
comment on column desk.ranked_results.rejection_reasons is 'One sentence a criterion that is not met.';

create or replace view desk.fold_sharpes as
select
  f.optimization_run_id,
  r.strategy_id,
  s.name as strategy,
  s.status,
  r.symbols,
  r.start_date,
  r.end_date,
  r.engine,
  f.fold,
  f.chosen_result_id,
  f.out_of_sample_result_id,
  c.sharpe_ratio as in_sample_sharpe,
  t.sharpe_ratio as out_of_sample_sharpe
from desk.walk_forward_folds as f
join desk.optimization_runs as r on r.id = f.optimization_run_id
join desk.strategies as s on s.id = r.strategy_id
join desk.backtest_results as c on c.id = f.chosen_result_id
join desk.backtest_results as t on t.id = f.out_of_sample_result_id
where c.sharpe_ratio is not null and t.sharpe_ratio is not null;
comment on view desk.fold_sharpes is 'One row a tested fold of a walk-forward: the Sharpe ratio of its choice where it was chosen, and where it was tested.';
comment on column desk.fold_sharpes.optimization_run_id is 'The walk-forward run.';
comment on column desk.fold_sharpes.strategy_id is 'Its strategy.';
comment on column desk.fold_sharpes.strategy is 'Name of the strategy.';
comment on column desk.fold_sharpes.status is 'Where the strategy stands.';
comment on column desk.fold_sharpes.symbols is 'Symbols, traded as one portfolio.';
comment on column desk.fold_sharpes.start_date is 'First day of the run''s window.';
comment on column desk.fold_sharpes.end_date is 'Last day of the run''s window.';
comment on column desk.fold_sharpes.engine is 'Engine of the run.';
comment on column desk.fold_sharpes.fold is 'Number of the fold, from 1.';
comment on column desk.fold_sharpes.chosen_result_id is 'What was chosen in sample.';
comment on column desk.fold_sharpes.out_of_sample_result_id is 'The same parameters on the days after.';
comment on column desk.fold_sharpes.in_sample_sharpe is 'Annualized Sharpe ratio in sample.';
comment on column desk.fold_sharpes.out_of_sample_sharpe is 'Annualized Sharpe ratio out of sample.';

create or replace function desk.result_sparklines(p_result_ids bigint[], p_points integer default 40)
returns table (backtest_result_id bigint, equity double precision[])
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- Its length apart: asked for at every value, the curve would be unpacked as often.
  with kept as materialized (
    select e.backtest_result_id, greatest(1, cardinality(e.equity) / greatest(p_points, 2)) as every, cardinality(e.equity) as values
    from desk.equity_curves as e
    where e.backtest_result_id = any (p_result_ids)
  )
  select k.backtest_result_id, array_agg(u.equity order by u.position)
  from kept as k
  join desk.equity_curves as e on e.backtest_result_id = k.backtest_result_id
  cross join lateral unnest(e.equity) with ordinality as u (equity, position)
  where (k.values - u.position) % k.every = 0 or u.position = 1
  group by k.backtest_result_id
$$;
comment on function desk.result_sparklines(bigint[], integer) is
  'The stored curves of these results in small: about so many values of each, the first and the last among them.';
revoke execute on function desk.result_sparklines(bigint[], integer) from public;
grant execute on function desk.result_sparklines(bigint[], integer) to desk_director, desk_viewer;

create or replace function desk.search_way(p_run_id bigint, p_points integer default 2000)
returns table (
  evaluation bigint, backtest_result_id bigint, outcome text, passed boolean, target_value double precision,
  best_so_far double precision, improved boolean)
language plpgsql stable security definer
set search_path = desk, pg_temp
set work_mem = '32MB'
as $$
declare
  v_run   record;
  v_every bigint;
begin
  select r.target_metric, r.target_direction, g.finished + g.failed as recorded into v_run
  from desk.optimization_runs as r join desk.run_progress as g on g.optimization_run_id = r.id
  where r.id = p_run_id;
  if not found then
    return;
  end if;
  v_every := 1 + v_run.recorded / greatest(p_points, 1);
  -- By the column's name: asking every row as JSON for it takes seconds where a run has 100,000 of them.
  return query execute format($way$
    with numbered as (
      select row_number() over w as evaluation, b.id, b.outcome, b.passed, b.%1$I::double precision as value,
             %2$s(b.%1$I) over w as best
      from desk.backtest_results as b
      where b.optimization_run_id = $1
      window w as (order by b.id)
    ), compared as (
      select n.*, n.value is not null and n.best is distinct from lag(n.best) over (order by n.id) as improved from numbered as n
    )
    select c.evaluation, c.id, c.outcome, c.passed, c.value, c.best::double precision, c.improved
    from compared as c
    where c.improved or c.evaluation %% $2 = 0 or c.evaluation = 1
    order by c.evaluation
  $way$, v_run.target_metric, case v_run.target_direction when 'min' then 'min' else 'max' end)
  using p_run_id, v_every;
end
$$;
comment on function desk.search_way(bigint, integer) is
  'Points of a run in the order of recording, with the best of the target so far: about as many as asked for, and every improvement.';
revoke execute on function desk.search_way(bigint, integer) from public;
grant execute on function desk.search_way(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.noise_way(p_run_id bigint, p_points integer default 100)
returns table (evaluation bigint, low double precision, expected double precision, high double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with trials as (
    select count(*) as n,
           -- As where results are deflated: trials vary at least as noise does over so many sessions.
           sqrt(252 * greatest(coalesce(var_samp(b.sharpe_ratio), 0) / 252, 1 / nullif(max(b.return_count) - 1, 0)::double precision)) as deviation
    from desk.backtest_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    where b.optimization_run_id = p_run_id and b.outcome = 'finished' and r.target_metric = 'sharpe_ratio' and r.target_direction = 'max'
  ),
  places as (
    -- Close together at the begin, where the curve is steep.
    select distinct least(t.n, ceil(exp(ln(t.n::double precision) * i / greatest(p_points, 1))))::bigint as n, t.deviation
    from trials as t, generate_series(0, greatest(p_points, 1)) as i
    where t.n > 0 and t.deviation > 0
  )
  select p.n,
         p.deviation * desk.normal_quantile(0.05 ^ (1 / p.n::double precision)),
         p.deviation * desk.expected_maximum(p.n, 1),
         p.deviation * desk.normal_quantile(0.95 ^ (1 / p.n::double precision))
  from places as p
  order by p.n
$$;
comment on function desk.noise_way(bigint, integer) is
  'What the best of 1, 2 ... N trials without skill would have for a Sharpe ratio, annualized: expected, and 5 and 95 per cent quantiles of the maximum of independent normal trials. No row where the run''s target is another.';
revoke execute on function desk.noise_way(bigint, integer) from public;
grant execute on function desk.noise_way(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.target_map(p_run_id bigint, p_x text, p_y text, p_cells integer default 30)
returns table (
  x jsonb, y jsonb, x_end jsonb, y_end jsonb, points bigint, passed bigint, failed bigint, best double precision, mean double precision,
  best_result_id bigint)
language plpgsql stable security definer
set search_path = desk, pg_temp
set work_mem = '32MB'
as $$
declare
  v_run record;
begin
  select r.target_metric, r.target_direction into v_run from desk.optimization_runs as r where r.id = p_run_id;
  if not found then
    return;
  end if;
  return query execute format($map$
    with tried as materialized (
      select b.id, b.passed, b.outcome = 'failed' as failed, %2$s b.%1$I::double precision as goodness, b.parameters -> $2 as x, b.parameters -> $3 as y
      from desk.backtest_results as b
      where b.optimization_run_id = $1 and b.parameters ? $2 and b.parameters ? $3
    ), given as (
      select 'x' as axis, v.x as value from (select distinct t.x from tried as t) as v
      union all
      select 'y', v.y from (select distinct t.y from tried as t) as v
    ), spans as (
      select g.axis, count(*) > $4 and bool_and(jsonb_typeof(g.value) = 'number') as binned,
             min(case jsonb_typeof(g.value) when 'number' then (g.value #>> '{}')::double precision end) as low,
             max(case jsonb_typeof(g.value) when 'number' then (g.value #>> '{}')::double precision end) as high
      from given as g group by g.axis
    ), cells as (
      select g.axis, g.value,
             case when s.binned then to_jsonb(s.low + (s.high - s.low) / $4 * n.cell) else g.value end as first,
             case when s.binned then to_jsonb(s.low + (s.high - s.low) / $4 * (n.cell + 1)) else g.value end as last
      from given as g
      join spans as s on s.axis = g.axis
      cross join lateral (
        select case when s.binned then least(floor(((g.value #>> '{}')::double precision - s.low) / (s.high - s.low) * $4), $4 - 1) end as cell
      ) as n
    ), numbered as materialized (
      select c.*, dense_rank() over (partition by c.axis order by c.first) as place from cells as c
    ), mapped as (
      select c.place as column, l.place as line, count(*) as points, count(*) filter (where t.passed) as passed,
             count(*) filter (where t.failed) as failed, max(t.goodness) as best, avg(t.goodness) as mean,
             -- The earliest of the best.
             -(max(array[t.goodness, -t.id]) filter (where t.goodness is not null))[2] as best_result_id
      from tried as t
      join numbered as c on c.axis = 'x' and c.value = t.x
      join numbered as l on l.axis = 'y' and l.value = t.y
      group by c.place, l.place
    )
    select c.first, l.first, c.last, l.last, m.points, m.passed, m.failed, %2$s m.best, %2$s m.mean, m.best_result_id::bigint
    from mapped as m
    join (select distinct n.place, n.first, n.last from numbered as n where n.axis = 'x') as c on c.place = m.column
    join (select distinct n.place, n.first, n.last from numbered as n where n.axis = 'y') as l on l.place = m.line
    order by m.column, m.line
  $map$, v_run.target_metric, case v_run.target_direction when 'min' then '-' else '' end)
  using p_run_id, p_x, p_y, p_cells;
end
$$;
comment on function desk.target_map(bigint, text, text, integer) is
  'The target of a run over two of its parameters, a row a cell: best and mean over the values of all other parameters. Numbers with more values than cells are put together: x up to below x_end.';
revoke execute on function desk.target_map(bigint, text, text, integer) from public;
grant execute on function desk.target_map(bigint, text, text, integer) to desk_director, desk_viewer;

grant select on desk.ranked_results, desk.fold_sharpes to desk_director, desk_viewer;
