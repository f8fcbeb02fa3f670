with board as (
  select * from {{ source('desk', 'board') }}
),

-- Counted in the board's own order, down an index, so that the first rows are found without sorting the rest.
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
  from board
)

select * from final
