with source as (
  select * from {{ source('desk', 'backtest_results') }}
),

final as (
  select
    id as backtest_result_id,
    optimization_run_id,
    strategy_id,
    ordinal,
    parameters,
    outcome,
    error_kind,
    error,
    passed,
    rejection_reasons,
    total_trades,
    total_fees,
    max_drawdown,
    total_return,
    annual_return,
    volatility,
    sharpe_ratio,
    sortino_ratio,
    win_rate,
    profit_factor,
    fee_pct,
    engine,
    duration,
    created_at
  from source
)

select * from final
