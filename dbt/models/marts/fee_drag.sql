with board as (
  select * from {{ ref('strategy_leaderboard') }}
),

results as (
  select * from {{ ref('stg_backtest_results') }}
),

costs as (
  select * from {{ ref('stg_result_costs') }}
),

-- Only a strategy's best result, because each is worked out from its trades when it is read.
final as (
  select
    board.strategy,
    board.status,
    board.parameters,
    board.passed,
    board.trades,
    results.total_fees,
    board.fee_pct,
    board.fee_share_of_profit,
    results.turnover,
    desk.break_even_fee(board.backtest_result_id) as break_even_fee,
    swept.free_return,
    swept.half_fees_return,
    board.total_return,
    swept.double_fees_return,
    swept.fourfold_fees_return,
    swept.exact,
    board.backtest_result_id,
    board.optimization_run_id
  from board
  inner join results on results.backtest_result_id = board.backtest_result_id
  left join lateral (
    select
      max(costs.total_return) filter (where costs.multiple = 0) as free_return,
      max(costs.total_return) filter (where costs.multiple = 0.5) as half_fees_return,
      max(costs.total_return) filter (where costs.multiple = 2) as double_fees_return,
      max(costs.total_return) filter (where costs.multiple = 4) as fourfold_fees_return,
      bool_and(costs.exact) as exact
    from costs
    where costs.backtest_result_id = board.backtest_result_id
  ) as swept on true
)

select * from final
order by fee_share_of_profit desc nulls last, fee_pct desc nulls last, strategy
