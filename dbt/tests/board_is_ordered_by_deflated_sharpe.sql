-- Nobody stands above a result with a higher z.
select
  backtest_result_id
from (
  select
    backtest_result_id,
    deflated_sharpe_z,
    lag(deflated_sharpe_z) over (order by rank) as above
  from {{ ref('result_leaderboard') }}
) as board
where deflated_sharpe_z > above
  or (deflated_sharpe_z is not null and above is null and backtest_result_id <> (
    select top.backtest_result_id from {{ ref('result_leaderboard') }} as top where top.rank = 1
  ))
