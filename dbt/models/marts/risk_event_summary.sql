with words as (
  select * from {{ ref('stg_risk_events') }}
  -- A new day is no event, though it is logged as one.
  where limit_name <> 'day'
),

orders as (
  select * from {{ ref('stg_broker_orders') }}
),

halts as (
  select * from {{ ref('stg_halts') }}
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

events as (
  select
    trading_session_id,
    null::bigint as account_id,
    'strategy' as source,
    limit_name as rule,
    severity as outcome,
    count(*) as events,
    min(bar_time) as first_at,
    max(bar_time) as last_at,
    (array_agg(message order by seq desc))[1] as last_reason,
    (array_agg(observed order by seq desc))[1] as last_observed,
    (array_agg(threshold order by seq desc))[1] as last_threshold
  from words
  group by trading_session_id, limit_name, severity
  union all
  select
    trading_session_id,
    account_id,
    'gate',
    rule,
    'refused',
    sum(times_refused)::bigint,
    min(decided_at),
    max(decided_at),
    (array_agg(reason order by order_id desc))[1],
    (array_agg(observed order by order_id desc))[1],
    (array_agg(threshold order by order_id desc))[1]
  from orders
  where state = 'refused'
  group by trading_session_id, account_id, rule
  union all
  select
    trading_session_id,
    account_id,
    'level',
    rule,
    level,
    count(*),
    min(set_at),
    max(set_at),
    (array_agg(reason order by halt_id desc))[1],
    (array_agg(observed order by halt_id desc))[1],
    (array_agg(threshold order by halt_id desc))[1]
  from halts
  group by trading_session_id, account_id, rule, level
),

final as (
  select
    accounts.account,
    strategies.name as strategy,
    events.trading_session_id,
    sessions.kind,
    events.source,
    events.rule,
    events.outcome,
    events.events,
    events.first_at,
    events.last_at,
    events.last_reason,
    events.last_observed,
    events.last_threshold
  from events
  left join sessions on sessions.trading_session_id = events.trading_session_id
  left join accounts on accounts.account_id = coalesce(events.account_id, sessions.account_id)
  left join strategies on strategies.strategy_id = sessions.strategy_id
)

select * from final
order by last_at desc, trading_session_id, source, rule, outcome
