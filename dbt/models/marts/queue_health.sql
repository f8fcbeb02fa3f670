with jobs as (
  select * from {{ ref('stg_jobs') }}
),

open_runs as (
  select * from {{ ref('int_open_runs') }}
),

runs as (
  select * from {{ ref('stg_optimization_runs') }}
),

progress as (
  select * from {{ ref('stg_run_progress') }}
),

results as (
  select * from {{ ref('stg_backtest_results') }}
),

runners as (
  select * from {{ ref('stg_runner_status') }}
),

settings as (
  select * from {{ ref('stg_settings') }}
),

stranded_tasks as (
  select * from {{ stranded_tasks() }} as t (job_id, kind, remedy)
),

open_jobs as (
  select
    count(*) as open_jobs,
    count(*) filter (where state = 'waiting' and run_after <= {{ desk_now() }}) as waiting_jobs,
    min(job_id) filter (where state = 'paused') as paused_job,
    min(job_id) filter (where state = 'held') as held_job
  from jobs
  where is_open
),

failed_jobs as (
  select
    job_id as failed_job,
    advice as failed_advice,
    left(split_part(error, e'\n', 1), 200) as failed_error
  from jobs
  where state = 'failed'
    and finished_at > {{ desk_now() }} - interval '24 hours'
  order by job_id desc
  limit 1
),

stranded_task as (
  select
    job_id as task_job,
    kind as task_kind,
    remedy as task_remedy
  from stranded_tasks
  order by kind <> 'points', job_id
  limit 1
),

points as (
  select
    coalesce(sum(waiting_points), 0)::bigint as waiting_points,
    coalesce(sum(waiting_points) filter (where not paused and not postponed), 0)::bigint as claimable_points,
    coalesce(sum(running_points), 0)::bigint as running_points,
    date_trunc('second', {{ desk_now() }} - min(waiting_since) filter (
      where waiting_points > 0 and not paused and not postponed
    )) as oldest_waiting_age,
    min(oldest_lease) as oldest_lease,
    min(run_after) filter (where waiting_points > 0 and not paused and postponed) as next_start
  from open_runs
),

recorded as (
  select
    coalesce(sum(progress.finished), 0)::bigint as finished_points,
    coalesce(sum(progress.failed), 0)::bigint as failed_points,
    max(runs.job_id) filter (where progress.failed > 0) as job_of_failed_points
  from runs
  inner join progress on progress.optimization_run_id = runs.optimization_run_id
  where runs.is_open
    or runs.closed_at > {{ desk_now() }} - interval '24 hours'
),

throughput as (
  select count(*) as points_last_5_minutes
  from results
  where created_at > {{ desk_now() }} - interval '5 minutes'
),

alive as (
  select count(*) as runners_alive
  from runners
  where alive
),

transactions as (
  select
    {{ oldest_transaction_age() }} as oldest_transaction_age,
    (
      select (value #>> '{}')::interval
      from settings
      where name = 'transaction_limit'
    ) as transaction_limit
),

figures as (
  select
    points.waiting_points,
    points.running_points,
    recorded.finished_points,
    recorded.failed_points,
    recorded.job_of_failed_points,
    open_jobs.open_jobs,
    points.oldest_waiting_age,
    alive.runners_alive,
    throughput.points_last_5_minutes,
    transactions.oldest_transaction_age,
    transactions.transaction_limit,
    points.claimable_points,
    points.oldest_lease,
    points.next_start,
    open_jobs.waiting_jobs,
    open_jobs.paused_job,
    open_jobs.held_job
  from points
  cross join recorded
  cross join open_jobs
  cross join alive
  cross join throughput
  cross join transactions
),

final as (
  select
    figures.waiting_points,
    figures.running_points,
    figures.finished_points,
    figures.failed_points,
    figures.open_jobs,
    figures.oldest_waiting_age,
    figures.runners_alive,
    figures.points_last_5_minutes,
    figures.oldest_transaction_age,
    case
      when figures.runners_alive = 0 and figures.claimable_points > 0
        then format('%s points wait and no runner is alive. Start one: backdesk work', figures.claimable_points)
      when figures.runners_alive = 0 and figures.waiting_jobs > 0
        then format('%s jobs wait and no runner is alive. Start one: backdesk work', figures.waiting_jobs)
      when stranded_task.task_kind = 'points'
        then stranded_task.task_remedy
      when stranded_task.task_kind is not null
        then format(
          'Job %s waits, and no live runner takes tasks of kind %s. %s',
          stranded_task.task_job, stranded_task.task_kind, stranded_task.task_remedy)
      when figures.oldest_lease < {{ desk_now() }} - interval '5 minutes' and figures.points_last_5_minutes = 0
        then format(
          '%s points are with runners and none was recorded for five minutes.'
           ' See: select * from runner_status where alive',
          figures.running_points)
      when figures.oldest_transaction_age > figures.transaction_limit
        then format(
          'A transaction has been open for %s, so that old rows cannot be cleaned up.'
           ' See: select * from oldest_transaction()',
          figures.oldest_transaction_age)
      when failed_jobs.failed_job is not null
        then format(
          'Job %s failed: %s. %s', failed_jobs.failed_job, rtrim(failed_jobs.failed_error, '. '),
          failed_jobs.failed_advice)
      when figures.failed_points > 0
        then format(
          '%s points failed%s. See: select error_kind, error, points from run_failures order by last_at desc%s',
          figures.failed_points,
          ', the last of them in job ' || figures.job_of_failed_points,
          '. To try them again: select retry_job(' || figures.job_of_failed_points || ')')
      when figures.claimable_points + figures.running_points > 0
        then format('Nothing to do: %s points to go', figures.claimable_points + figures.running_points)
      when figures.held_job is not null
        then format('Nothing to do: job %s is held until its pilot points are in', figures.held_job)
      when figures.paused_job is not null
        then format('Job %s is paused. To go on: select resume_job(%s)', figures.paused_job, figures.paused_job)
      when figures.next_start is not null
        then format('Nothing to do: the next job starts at %s', date_trunc('second', figures.next_start))
      when figures.open_jobs > 0
        then format('Nothing to do: %s jobs are open', figures.open_jobs)
      else 'Nothing to do: no job is open'
    end as next_step
  from figures
  left join stranded_task on true
  left join failed_jobs on true
)

select * from final
