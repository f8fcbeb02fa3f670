with results as (
  select * from {{ ref('stg_backtest_results') }}
),

strategies as (
  select * from {{ ref('stg_strategies') }}
),

trials as (
  select * from {{ ref('stg_trials') }}
),

finished as (
  select
    results.backtest_result_id,
    results.strategy_id,
    results.rejection_reasons
  from results
  inner join trials on trials.backtest_result_id = results.backtest_result_id
  where results.outcome = 'finished'
    and trials.tried
),

tried as (
  select
    strategy_id,
    count(*) as backtests
  from finished
  group by strategy_id
),

-- 'Insufficient trades: 8 < 100' is of the kind 'Insufficient trades'.
reasons as (
  select distinct
    finished.backtest_result_id,
    finished.strategy_id,
    desk.reason_kind(given.reason) as reason
  from finished
  cross join lateral unnest(finished.rejection_reasons) as given (reason)
),

counted as (
  select
    strategy_id,
    reason,
    count(*) as rejected
  from reasons
  group by strategy_id, reason
),

final as (
  select
    strategies.name as strategy,
    counted.reason,
    counted.rejected,
    tried.backtests,
    counted.rejected::float8 / tried.backtests as share
  from counted
  inner join tried on tried.strategy_id = counted.strategy_id
  inner join strategies on strategies.strategy_id = counted.strategy_id
)

select * from final
order by strategy, rejected desc, reason
