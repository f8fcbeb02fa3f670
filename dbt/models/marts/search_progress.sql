with points as (
  select * from {{ ref('int_target_values') }}
),

results as (
  select * from {{ ref('stg_backtest_results') }}
),

numbered as (
  select
    points.optimization_run_id,
    row_number() over recorded as evaluation,
    points.backtest_result_id,
    points.ordinal,
    points.parameters,
    points.outcome,
    points.passed,
    results.source_result_id is not null as reused,
    points.target_metric,
    points.target_direction,
    points.target_value,
    case points.target_direction
      when 'min' then min(points.target_value) over recorded
      else max(points.target_value) over recorded
    end as best_so_far,
    results.created_at
  from points
  inner join results on results.backtest_result_id = points.backtest_result_id
  window recorded as (partition by points.optimization_run_id order by points.backtest_result_id)
),

final as (
  select
    optimization_run_id,
    evaluation,
    backtest_result_id,
    ordinal,
    parameters,
    outcome,
    passed,
    reused,
    target_metric,
    target_value,
    best_so_far,
    target_value is not null and best_so_far is distinct from lag(best_so_far) over (
      partition by optimization_run_id order by evaluation
    ) as improved,
    created_at
  from numbered
)

select * from final
