select
  folds.optimization_run_id,
  avg(tested.annual_return) / nullif(avg(chosen.annual_return), 0) as out_of_sample_efficiency
from {{ ref('stg_walk_forward_folds') }} as folds
left join {{ ref('stg_backtest_results') }} as tested on tested.backtest_result_id = folds.out_of_sample_result_id
left join {{ ref('stg_backtest_results') }} as chosen on chosen.backtest_result_id = folds.chosen_result_id
group by folds.optimization_run_id
