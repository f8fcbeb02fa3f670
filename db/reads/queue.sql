-- What the page of the queue reads: items by state, outcomes by minute, open items, housekeeping.

create or replace view desk.queue_states as
select i.kind, i.state, count(*) as items,
       sum(i.last_ordinal - i.first_ordinal + 1 - (
         select coalesce(sum(upper(u.piece) - lower(u.piece)), 0) from unnest(i.settled) as u (piece)))::bigint
           as points,
       count(*) filter (where i.attempt > 1) as retries,
       date_trunc('second', now() - min(case when i.state = 'leased' then i.leased_at else i.created_at end))
         as oldest_age
from desk.work_items as i
where i.state in ('waiting', 'leased')
group by i.kind, i.state;
comment on view desk.queue_states is
  'One row a kind and state of open work items; points that no item was cut for yet are in job_progress.';
comment on column desk.queue_states.kind is 'points, or the name of a task.';
comment on column desk.queue_states.state is 'waiting or leased.';
comment on column desk.queue_states.items is 'Work items.';
comment on column desk.queue_states.points is 'Their points that are not recorded yet; null for tasks.';
comment on column desk.queue_states.retries is 'Items that are a second or later attempt.';
comment on column desk.queue_states.oldest_age is 'Age of the oldest: since it was claimed, or since it was made.';

create or replace view desk.throughput as
select m.minute, count(b.id) filter (where b.outcome = 'finished') as finished,
  count(b.id) filter (where b.outcome = 'failed') as failed
from generate_series(date_trunc('minute', now()) - interval '59 minutes', date_trunc('minute', now()),
  interval '1 minute') as m (minute)
left join desk.backtest_results as b
  on b.created_at >= m.minute and b.created_at < m.minute + interval '1 minute' and b.source_result_id is null
group by m.minute
order by m.minute;
comment on view desk.throughput is 'Sixty rows: points recorded in each of the last sixty minutes, copies not counted.';
comment on column desk.throughput.minute is 'Begin of the minute.';
comment on column desk.throughput.finished is 'Points that finished.';
comment on column desk.throughput.failed is 'Points that failed for good.';

create or replace view desk.open_items as
select
  w.id as work_item_id, w.kind, w.state, coalesce(w.job_id, r.job_id) as job_id, w.optimization_run_id,
  coalesce(s.name, j.strategy, case when w.code_version_id is not null then w.payload ->> 'strategy' end) as strategy,
  w.attempt,
  case when w.kind = 'points' then w.last_ordinal - w.first_ordinal + 1 - (
    select coalesce(sum(upper(u.piece) - lower(u.piece)), 0) from unnest(w.settled) as u (piece)) end as points,
  w.runner_id, n.host, n.pid, w.running_ordinal, w.created_at, w.leased_at, w.run_after, w.lease_until, w.deadline_at,
  w.last_error
from desk.work_items as w
left join desk.optimization_runs as r on r.id = w.optimization_run_id
left join desk.strategies as s on s.id = r.strategy_id
left join desk.jobs as j on j.id = coalesce(w.job_id, r.job_id)
left join desk.runners as n on n.id = w.runner_id
where w.state in ('waiting', 'leased');
comment on view desk.open_items is 'One row a work item that waits or is with a runner.';
comment on column desk.open_items.work_item_id is 'The item.';
comment on column desk.open_items.kind is 'points, or the name of a task.';
comment on column desk.open_items.state is 'waiting or leased.';
comment on column desk.open_items.job_id is 'Its job.';
comment on column desk.open_items.optimization_run_id is 'Its run; null for the task of a job.';
comment on column desk.open_items.strategy is 'Its strategy.';
comment on column desk.open_items.attempt is 'Which attempt it is.';
comment on column desk.open_items.points is 'Points of it that are not recorded yet; null for a task.';
comment on column desk.open_items.runner_id is 'Runner that holds it, or held it last.';
comment on column desk.open_items.host is 'Host of that runner.';
comment on column desk.open_items.pid is 'Process of that runner.';
comment on column desk.open_items.running_ordinal is 'Point that its holder last said it was executing.';
comment on column desk.open_items.created_at is 'When it was made.';
comment on column desk.open_items.leased_at is 'When it was claimed.';
comment on column desk.open_items.run_after is 'Not to be claimed before.';
comment on column desk.open_items.lease_until is 'Past this its runner is taken for dead.';
comment on column desk.open_items.deadline_at is 'Past this the attempt is taken to be too long.';
comment on column desk.open_items.last_error is 'Why it is a retry.';

create or replace function desk.housekeeping()
returns table (
  transaction_age interval, transaction_role text, transaction_application text, transaction_state text,
  transaction_limit interval,
  sees_all boolean, dead_rows bigint, live_rows bigint, cleaned_at timestamptz)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select t.age, t.role, t.application, t.state, (desk.setting('transaction_limit') #>> '{}')::interval,
         pg_has_role('desk_owner', 'pg_read_all_stats', 'usage'), a.n_dead_tup, a.n_live_tup,
         greatest(a.last_autovacuum, a.last_vacuum)
  from pg_catalog.pg_stat_all_tables as a
  left join desk.oldest_transaction() as t on true
  where a.relid = 'desk.work_items'::regclass
$$;
comment on function desk.housekeeping() is
  'One row: the transaction that has been open for longest, whether the desk may see those of all logins, and the '
  'queue''s dead rows.';
grant execute on function desk.housekeeping() to desk_director, desk_viewer;

grant select on desk.queue_states, desk.throughput, desk.open_items to desk_director, desk_viewer;
