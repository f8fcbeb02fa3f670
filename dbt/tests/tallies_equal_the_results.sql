-- What is counted as results come in equals a count of all trials.
select
  optimization_run_id
from (
  select
    optimization_run_id,
    sum(finished) as finished,
    sum(failed) as failed,
    sum(passed) as passed,
    max(best_sharpe) as best_sharpe,
    max(best_passed_sharpe) as best_passed_sharpe
  from {{ ref('stg_run_tallies') }}
  group by optimization_run_id
) as tallied
full join (
  select
    optimization_run_id,
    count(*) filter (where tried and outcome = 'finished') as finished,
    count(*) filter (where tried and outcome = 'failed') as failed,
    count(*) filter (where judged and passed) as passed,
    max(sharpe_ratio) filter (where judged) as best_sharpe,
    max(sharpe_ratio) filter (where judged and passed) as best_passed_sharpe
  from {{ ref('stg_trials') }}
  where tried or judged
  group by optimization_run_id
) as counted using (optimization_run_id)
where (tallied.finished, tallied.failed, tallied.passed, tallied.best_sharpe, tallied.best_passed_sharpe)
  is distinct from (counted.finished, counted.failed, counted.passed, counted.best_sharpe, counted.best_passed_sharpe)
