-- The board of strategies and the board of results agree on who is first.
select
  strategies.strategy
from {{ ref('strategy_leaderboard') }} as strategies
where strategies.backtest_result_id <> (
  select results.backtest_result_id
  from {{ ref('result_leaderboard') }} as results
  where results.strategy = strategies.strategy
  order by results.rank
  limit 1
)
