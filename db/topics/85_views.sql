-- What people read in `desk` itself; the leaderboard and its kin are dbt's, in `analytics`.

create or replace view desk.job_progress as
select
  j.id as job_id,
  j.state,
  j.strategy,
  j.config_file,
  j.priority,
  p.total,
  p.finished,
  p.failed,
  p.passed,
  round(100.0 * (p.finished + p.failed) / nullif(p.total, 0), 1) as percent,
  case when j.state = 'running' and p.finished + p.failed > 0
    then date_trunc('second', (now() - j.started_at) * (p.total - p.finished - p.failed)::float8 / (p.finished + p.failed)) end as eta,
  p.best_value,
  p.target_metric,
  j.summary,
  j.error,
  j.created_by,
  j.created_at,
  j.started_at,
  j.finished_at,
  p.reused,
  coalesce(f.flags, '{}') as flags,
  j.batch_id
from desk.jobs as j
cross join lateral (
  select sum(g.total)::bigint as total, sum(g.finished)::bigint as finished, sum(g.failed)::bigint as failed, sum(g.reused)::bigint as reused,
         sum(g.passed) filter (where r.role = 'search')::bigint as passed, min(r.target_metric) as target_metric,
         case when min(r.target_direction) = 'min' then min(g.best_value) filter (where r.role = 'search')
           else max(g.best_value) filter (where r.role = 'search') end as best_value
  from desk.optimization_runs as r
  join desk.run_progress as g on g.optimization_run_id = r.id
  where r.job_id = j.id and r.role <> 'pilot'
) as p
cross join lateral (
  -- Of a walk-forward the whole counts: that a fold's best lies on an edge is told by parameter_sensitivity.
  select array_agg(distinct u.flag order by u.flag) as flags
  from desk.optimization_runs as r
  cross join lateral unnest(r.flags) as u (flag)
  where r.job_id = j.id and r.role = 'search'
) as f;
comment on view desk.job_progress is 'One row a job: how far it is and how it goes.';
comment on column desk.job_progress.job_id is 'The job.';
comment on column desk.job_progress.state is 'Its state.';
comment on column desk.job_progress.strategy is 'Its strategy.';
comment on column desk.job_progress.config_file is 'File of its config.';
comment on column desk.job_progress.priority is 'Its priority.';
comment on column desk.job_progress.total is 'Points planned.';
comment on column desk.job_progress.finished is 'Points finished.';
comment on column desk.job_progress.failed is 'Points failed.';
comment on column desk.job_progress.passed is 'Points that met all criteria.';
comment on column desk.job_progress.percent is 'Points recorded, in per cent.';
comment on column desk.job_progress.eta is 'Time left at the pace so far.';
comment on column desk.job_progress.best_value is 'Best value of the target so far.';
comment on column desk.job_progress.target_metric is 'The target.';
comment on column desk.job_progress.summary is 'Its summary, once it is over.';
comment on column desk.job_progress.error is 'Why it failed, or of one search a symbol, why some of them did.';
comment on column desk.job_progress.created_by is 'Who asked.';
comment on column desk.job_progress.created_at is 'When it was asked for.';
comment on column desk.job_progress.started_at is 'When it started.';
comment on column desk.job_progress.finished_at is 'When it was over.';
comment on column desk.job_progress.reused is 'Points that were copied from equal results known before.';
comment on column desk.job_progress.flags is 'What looks wrong: no data, no trades, all points identical, best on the edge.';
comment on column desk.job_progress.batch_id is 'The batch it was queued with.';

create or replace view desk.runner_status as
select
  r.id, r.host, r.pid, r.version, r.engines, r.processes,
  r.stopped_at is null and r.heartbeat_at > now() - make_interval(secs => (s.value #>> '{}')::float8) as alive,
  date_trunc('second', now() - r.heartbeat_at) as heartbeat_age,
  r.memory_mb, r.started_at, r.stopped_at
from desk.runners as r
cross join desk.settings as s
where s.name = 'lease_seconds';
comment on view desk.runner_status is 'One row a runner: is it alive, and when was it last heard of.';
comment on column desk.runner_status.id is 'The runner.';
comment on column desk.runner_status.host is 'Host name.';
comment on column desk.runner_status.pid is 'Process number.';
comment on column desk.runner_status.version is 'Version of Backdesk.';
comment on column desk.runner_status.engines is 'Engines.';
comment on column desk.runner_status.processes is 'Children side by side.';
comment on column desk.runner_status.alive is 'Heard of within a lease.';
comment on column desk.runner_status.heartbeat_age is 'Since it was last heard of.';
comment on column desk.runner_status.memory_mb is 'Private memory.';
comment on column desk.runner_status.started_at is 'When it started.';
comment on column desk.runner_status.stopped_at is 'When it said goodbye; null for one that died.';
comment on column desk.runners.stopped_at is 'When it said goodbye; a runner that died has none, and is only no longer heard of: see runner_status.alive.';

create or replace view desk.result_trades as
select t.backtest_result_id, u.trade, u.symbol, u.entry_time, u.exit_time, u.size, u.entry_price, u.exit_price, u.profit, u.fee as fees
from desk.trades as t
cross join lateral unnest(
  t.symbols, t.entry_times, t.exit_times, t.sizes, t.entry_prices, t.exit_prices, t.profits, t.fees)
  with ordinality as u (symbol, entry_time, exit_time, size, entry_price, exit_price, profit, fee, trade);
comment on view desk.result_trades is 'One row a closed trade of a result whose series are kept.';
comment on column desk.result_trades.backtest_result_id is 'The result.';
comment on column desk.result_trades.trade is 'Number of the trade, from 1.';
comment on column desk.result_trades.symbol is 'Symbol.';
comment on column desk.result_trades.entry_time is 'Bar time of entry.';
comment on column desk.result_trades.exit_time is 'Bar time of exit.';
comment on column desk.result_trades.size is 'Units, negative when short.';
comment on column desk.result_trades.entry_price is 'Average price of entry.';
comment on column desk.result_trades.exit_price is 'Average price of exit.';
comment on column desk.result_trades.profit is 'Profit net of fees.';
comment on column desk.result_trades.fees is 'Fees of entry and exit.';

grant usage on schema desk to desk_director, desk_importer, desk_runner, desk_dbt, desk_viewer;
grant select on desk.job_progress, desk.runner_status, desk.result_trades to desk_director, desk_viewer;
