with points as (
  select * from {{ ref('int_target_values') }}
),

tried as (
  select
    points.optimization_run_id,
    points.target_metric,
    points.target_direction,
    given.parameter,
    given.value,
    count(*) as evaluations,
    count(*) filter (where points.passed) as passed,
    avg(points.target_value) as mean_target,
    case points.target_direction
      when 'min' then min(points.target_value)
      else max(points.target_value)
    end as best_target
  from points
  cross join lateral jsonb_each(points.parameters) as given (parameter, value)
  where points.outcome = 'finished'
  group by points.optimization_run_id, points.target_metric, points.target_direction, given.parameter, given.value
),

-- Goodness is the mean, turned so that more is better.
ranked as (
  select
    *,
    case when jsonb_typeof(value) = 'number' then (value #>> '{}')::numeric end as number,
    case target_direction when 'min' then -mean_target else mean_target end as goodness
  from tried
),

neighboured as (
  select
    *,
    count(*) over same as parameter_values,
    max(goodness) over same as highest,
    min(goodness) over same as lowest,
    lag(goodness) over in_order as below,
    lead(goodness) over in_order as above
  from ranked
  window
    same as (partition by optimization_run_id, parameter),
    in_order as (partition by optimization_run_id, parameter order by number nulls last, value)
),

judged as (
  select
    *,
    goodness = highest as best_value,
    -- What the neighbours lose, as a share of the distance between the best and the worst value.
    -- Beyond the first and the last value nothing was seen.
    goodness = highest and number is not null and below is not null and above is not null as best_within,
    case when number is not null and highest > lowest and goodness = highest
      then (highest - (coalesce(below, above) + coalesce(above, below)) / 2) / (highest - lowest) end as neighbours_lose
  from neighboured
),

final as (
  select
    optimization_run_id,
    parameter,
    value,
    evaluations,
    passed,
    target_metric,
    mean_target,
    best_target,
    best_value,
    parameter_values,
    highest - lowest as spread,
    case
      when parameter_values < 3 or min(number) over same is null then null
      when highest = lowest then 'flat'
      when not bool_or(best_within) over same then 'edge'
      when min(neighbours_lose) over same <= 0.25 then 'plateau'
      else 'peak'
    end as shape
  from judged
  window same as (partition by optimization_run_id, parameter)
)

select * from final
