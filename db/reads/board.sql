-- The board, once: what a result shows, what survived, and who stands first. dbt ranks it; command line and pages
-- read it.

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
    where e.optimization_run_id = (
      select max(w.id) from desk.optimization_runs as w
      where w.strategy_id = b.strategy_id and w.optimization_type = 'Walk-Forward' and w.status = 'completed'
    )
  ) as out_of_sample_efficiency,
  b.created_at as finished_at,
  b.rejection_reasons,
  (
    select e.efficiency from desk.walk_forward_efficiency as e
    where r.optimization_type = 'Walk-Forward' and e.optimization_run_id = r.id
  ) as walk_forward_efficiency,
  -- 1.645 standard errors: less than one chance in twenty that the best of as many noise trials did as well.
  b.passed and b.deflated_sharpe_z is not null and b.deflated_sharpe_z >= 1.645 as survived,
  (
    select p.verdict from desk.reproductions as p where p.backtest_result_id = b.id order by p.id desc limit 1
  ) as reproduced,
  b.lost,
  b.luck_p,
  b.haircut_sharpe,
  -- Of an import there is no code.
  case when b.code_version_id is not null then coalesce((
    select c.checked from desk.version_checks as c where c.code_version_id = b.code_version_id), 'never') end
    as checked,
  array_remove(array[
    case when b.passed and b.total_return < 0 then 'passed with a loss' end,
    case when b.passed and b.deflated_sharpe < 0.5 then 'deflated Sharpe below one half' end,
    case when b.passed and b.sessions < (
      select (z.value #>> '{}')::bigint from desk.settings as z where z.name = 'least_sessions')
      then 'too short to judge' end], null) as flags
-- Both are always there; joined so, they are left out where nothing is asked of them, and an index alone tells the
-- order.
from desk.full_results as b
left join desk.optimization_runs as r on r.id = b.optimization_run_id
left join desk.strategies as s on s.id = b.strategy_id
where b.ranked;
comment on view desk.ranked_results is
  'One row a finished result of a search, in no order: to count and to look up. In the order of the board: desk.board.';
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
  'Of the strategy: what its newest completed walk-forward earned a year out of sample over that in sample. The same '
  'for each of its results.';
comment on column desk.ranked_results.finished_at is 'When it was recorded.';
comment on column desk.ranked_results.rejection_reasons is 'One sentence a criterion that is not met.';
comment on column desk.ranked_results.walk_forward_efficiency is
  'Of a walk-forward''s own result: mean annual return of its folds out of sample over that in sample.';
comment on column desk.ranked_results.survived is
  'True when it passed and survived deflation: the deflated Sharpe ratio is at least 0.95.';
comment on column desk.ranked_results.reproduced is
  'equal or different: the last verdict of backdesk reproduce. Null where nobody tried.';
comment on column desk.ranked_results.checked is
  'What is known of the code that made it: fault, accepted (a fault that the director accepted), note, clean, '
  'undecided, or never (it was not examined). Null for an import.';
comment on column desk.ranked_results.lost is 'True where the account reached zero; such a result comes last.';
comment on column desk.ranked_results.luck_p is
  'Chance that the best of as many trials without skill, as alike as these, is as good.';
comment on column desk.ranked_results.haircut_sharpe is
  'Annualized Sharpe ratio that alone would be as unlikely as this one is among all trials.';
comment on column desk.ranked_results.flags is
  'What is to be said of a result although it passed: a loss, a deflated Sharpe ratio below one half, few sessions.';

-- Said here and nowhere else. A condition goes below this order, and an index is read in it; only what need not be
-- in order (count, a result by its number) asks ranked_results, since ordering all would cost.
create or replace view desk.board as
select r.*
from desk.ranked_results as r
order by r.deflated_sharpe_z desc nulls last, r.passed desc, r.sharpe_ratio desc nulls last, r.lost,
  r.backtest_result_id;
comment on view desk.board is
  'ranked_results in the order of the board: by the deflated Sharpe ratio''s z; where it is unknown, passed first, '
  'then by Sharpe ratio, a lost account last, the earlier of two equals first. Filter it, and take the first: limit '
  '10.';
do $$ begin perform desk.describe_as('desk.board', 'desk.ranked_results'); end $$;

create or replace function desk.desk_luck()
returns table (
  runs bigint, trials bigint, windows bigint, correlation double precision, expected_maximum double precision,
  backtest_result_id bigint, strategy text, sharpe_ratio double precision, deflated_sharpe double precision,
  luck_p double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- Who chose among all strategies has had the luck of all of them.
  with family as materialized (
    select z.*
    from desk.size_of(array(
      select s
      from desk.run_statistics as s
      join desk.optimization_runs as r on r.id = s.optimization_run_id
      where r.role <> 'pilot')) as z
  )
  select f.runs, f.trials, f.windows, f.correlation, f.expected, b.backtest_result_id, b.strategy, b.sharpe_ratio,
         desk.normal_cdf(desk.deflated_sharpe_z(e.sharpe, b.skewness, b.kurtosis, b.return_count,
           f.expected / sqrt(nullif(b.return_count - 1, 0)))),
         desk.luck_p(desk.deflated_sharpe_z(e.sharpe, b.skewness, b.kurtosis, b.return_count, 0), f.noise)
  from family as f
  left join (
    select o.backtest_result_id, o.strategy, o.sharpe_ratio, r.skewness, r.kurtosis, r.return_count,
      r.sessions_a_year
    from (select c.* from desk.board as c limit 1) as o
    join desk.full_results as r on r.id = o.backtest_result_id
  ) as b on true
  left join lateral (select b.sharpe_ratio / sqrt(b.sessions_a_year)) as e (sharpe) on true
$$;
comment on function desk.desk_luck() is
  'The first of the board among everything that this desk ever tried: all trials of all strategies, what the best of '
  'them is expected to have without skill in standard errors, the first of the board deflated by it, and the chance '
  'that the best of all without skill is as good.';
grant execute on function desk.desk_luck() to desk_director, desk_viewer;

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
join desk.full_results as c on c.id = f.chosen_result_id
join desk.full_results as t on t.id = f.out_of_sample_result_id
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

grant select on desk.ranked_results, desk.board, desk.fold_sharpes to desk_director, desk_viewer;
