-- What the page of the leaderboard reads: results to filter, curves in small.

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
-- Both are always there; joined so, they are left out where nothing is asked of them, and an index alone tells the
-- order.
from desk.backtest_results as b
left join desk.optimization_runs as r on r.id = b.optimization_run_id
left join desk.strategies as s on s.id = b.strategy_id
where b.ranked;
comment on view desk.ranked_results is
  'One row a finished result of a search, as result_leaderboard has it, but without its rank: so that filters come '
  'before the order, and a page of it is read fast. Order by deflated_sharpe_z desc nulls last, passed desc, '
  'sharpe_ratio desc nulls last, backtest_result_id.';
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
comment on column desk.ranked_results.out_of_sample is
  'True for the stitched tests of a walk-forward: days that no choice had seen.';
comment on column desk.ranked_results.parameters is 'Parameter names and values.';
comment on column desk.ranked_results.passed is 'True when all criteria of the run are met.';
comment on column desk.ranked_results.deflated_sharpe_z is
  'Standard errors above what the best of as many noise trials is expected to have.';
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
comment on column desk.ranked_results.out_of_sample_efficiency is
  'Of a walk-forward: mean annual return of its folds out of sample over that in sample.';
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
comment on view desk.fold_sharpes is
  'One row a tested fold of a walk-forward: the Sharpe ratio of its choice where it was chosen, and where it was '
  'tested.';
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
    select e.backtest_result_id, greatest(1, cardinality(e.equity) / greatest(p_points, 2)) as every,
      cardinality(e.equity) as values
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
grant execute on function desk.result_sparklines(bigint[], integer) to desk_director, desk_viewer;

grant select on desk.ranked_results, desk.fold_sharpes to desk_director, desk_viewer;
