with days as (
  select * from {{ ref('stg_session_days') }}
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

orders as (
  select * from {{ ref('int_session_orders') }}
),

fills as (
  select * from {{ ref('int_session_fills') }}
),

levels as (
  select * from {{ ref('int_session_levels') }}
),

final as (
  select
    days.day,
    accounts.account,
    strategies.name as strategy,
    days.trading_session_id,
    sessions.kind,
    days.start_value,
    days.end_value,
    days.end_value - days.start_value as profit,
    days.end_value / nullif(days.start_value, 0) - 1 as day_return,
    days.end_value - sessions.capital as profit_so_far,
    days.low_value,
    days.high_value,
    coalesce(orders.orders_allowed, 0) as orders_allowed,
    coalesce(orders.orders_refused, 0) as orders_refused,
    coalesce(fills.fills, 0) as fills,
    coalesce(fills.traded_value, 0) as traded_value,
    coalesce(fills.fees, 0) as fees,
    coalesce(levels.levels, '{}') as levels
  from days
  inner join sessions on sessions.trading_session_id = days.trading_session_id
  inner join accounts on accounts.account_id = sessions.account_id
  inner join strategies on strategies.strategy_id = sessions.strategy_id
  left join orders on orders.trading_session_id = days.trading_session_id and orders.day = days.day
  left join fills on fills.trading_session_id = days.trading_session_id and fills.day = days.day
  left join levels on levels.trading_session_id = days.trading_session_id and levels.day = days.day
)

select * from final
order by day desc, account, trading_session_id
