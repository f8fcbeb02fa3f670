with orders as (
  select * from {{ ref('int_order_fills') }}
),

sessions as (
  select * from {{ ref('stg_trading_sessions') }}
),

accounts as (
  select * from {{ ref('stg_accounts') }}
),

strategies as (
  select * from {{ ref('stg_strategies') }}
),

counted as (
  select
    trading_session_id,
    symbol,
    type,
    count(*) as orders,
    count(*) filter (where filled > 0) as filled_orders,
    sum(filled_value) as traded_value,
    sum(slippage_cost) as slippage_cost,
    sum(slippage_cost) / nullif(sum(decision_value), 0) as slippage,
    max(slippage_cost / nullif(decision_value, 0)) as worst_slippage,
    -- Alike for all orders of a session and type.
    max(assumed_slippage) as assumed_slippage,
    sum(fees) as fees,
    sum(assumed_fees) filter (where fees is not null) as assumed_fees,
    avg(seconds_to_fill) as seconds_to_fill
  from orders
  group by trading_session_id, symbol, type
),

final as (
  select
    accounts.account,
    strategies.name as strategy,
    counted.trading_session_id,
    sessions.kind,
    sessions.backtest_result_id,
    counted.symbol,
    counted.type,
    counted.orders,
    counted.filled_orders,
    counted.traded_value,
    counted.slippage,
    counted.assumed_slippage,
    counted.slippage - counted.assumed_slippage as excess_slippage,
    counted.worst_slippage,
    counted.slippage_cost,
    counted.fees,
    counted.assumed_fees,
    counted.seconds_to_fill
  from counted
  inner join sessions on sessions.trading_session_id = counted.trading_session_id
  inner join accounts on accounts.account_id = sessions.account_id
  inner join strategies on strategies.strategy_id = sessions.strategy_id
)

select * from final
order by trading_session_id desc, symbol, type
