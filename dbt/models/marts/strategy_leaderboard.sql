with strategies as (
  select * from {{ ref('stg_strategies') }}
),

board as (
  select * from {{ source('desk', 'board') }}
),

firsts as (
  select *
  from board
  -- Its best passed result, else its best: two short walks down an index for each strategy, however many it has.
  where backtest_result_id = any (array(
    select coalesce(
      (
        select ranked.backtest_result_id
        from {{ source('desk', 'board') }} as ranked
        where ranked.strategy_id = strategies.strategy_id
          and ranked.passed
        limit 1
      ),
      (
        select ranked.backtest_result_id
        from {{ source('desk', 'board') }} as ranked
        where ranked.strategy_id = strategies.strategy_id
        limit 1
      )
    )
    from strategies
  ))
),

final as (
  select
    row_number() over () as rank,
    strategy,
    status,
    symbols,
    start_date,
    end_date,
    timeframe,
    engine,
    parameters,
    passed,
    deflated_sharpe_z,
    deflated_sharpe,
    sharpe_ratio,
    pbo,
    trials,
    annual_return,
    excess_return,
    total_return,
    max_drawdown,
    trades,
    win_rate,
    profit_factor,
    fee_pct,
    fee_share_of_profit,
    out_of_sample_efficiency,
    reproduced,
    finished_at,
    backtest_result_id,
    optimization_run_id,
    rejection_reasons,
    strategy_id,
    out_of_sample,
    walk_forward_efficiency,
    survived,
    lost,
    luck_p,
    haircut_sharpe,
    checked,
    flags
  from firsts
)

select * from final
order by rank
