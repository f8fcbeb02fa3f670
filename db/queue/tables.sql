-- Who executes, and what is handed out: leased work, each lease with a token of its own (a fencing token).

create table desk.runners (
  id           bigint generated always as identity primary key,
  host         text not null,
  pid          integer not null,
  version      text not null,
  engines      text[] not null,
  processes    integer not null,
  platform     text not null,
  runs_dbt     boolean not null default false,
  memory_mb    numeric,
  started_at   timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  stopped_at   timestamptz,
  constraint runners_processes_positive check (processes > 0)
);
create index runners_alive on desk.runners (heartbeat_at) where stopped_at is null;
comment on table desk.runners is
  'One row a start of a runner; never used again, so that a restart cannot be mistaken for the one before.';
comment on column desk.runners.id is 'Key.';
comment on column desk.runners.host is 'Host name.';
comment on column desk.runners.pid is 'Process number on the host.';
comment on column desk.runners.version is 'Version of Backdesk.';
comment on column desk.runners.engines is 'Engines it can run.';
comment on column desk.runners.processes is 'Children it runs side by side.';
comment on column desk.runners.platform is
  'Machine, operating system and Python: equal results are promised on an equal platform.';
comment on column desk.runners.runs_dbt is 'True where it also refreshes the marts.';
comment on column desk.runners.memory_mb is 'Private memory of it and its children at the last heartbeat.';
comment on column desk.runners.started_at is 'When it started.';
comment on column desk.runners.heartbeat_at is 'When it was last heard of.';
comment on column desk.runners.stopped_at is 'When it said goodbye, or was found dead.';

create table desk.runner_code (
  runner_id       bigint not null references desk.runners on delete cascade,
  code_version_id bigint not null references desk.code_versions on delete cascade,
  primary key (runner_id, code_version_id)
);
comment on table desk.runner_code is 'Which versions of which strategies a runner has.';
comment on column desk.runner_code.runner_id is 'The runner.';
comment on column desk.runner_code.code_version_id is 'The version.';

create table desk.work_items (
  id                  bigint generated always as identity primary key,
  optimization_run_id bigint references desk.optimization_runs on delete cascade,
  first_ordinal       bigint,
  last_ordinal        bigint,
  settled             int8multirange not null default '{}',
  state               text not null default 'waiting',
  attempt             integer not null default 1,
  run_after           timestamptz not null default now(),
  token               uuid,
  runner_id           bigint references desk.runners,
  running_ordinal     bigint,
  leased_at           timestamptz,
  lease_until         timestamptz,
  deadline_at         timestamptz,
  last_error          text,
  created_at          timestamptz not null default now(),
  kind                text not null default 'points',
  job_id              bigint references desk.jobs on delete cascade,
  payload             jsonb,
  constraint work_items_range check (first_ordinal > 0 and last_ordinal >= first_ordinal),
  constraint work_items_state_known check (state in ('waiting', 'leased', 'done', 'expired', 'cancelled')),
  constraint work_items_attempt_counts check (attempt > 0),
  constraint work_items_leased_has_holder check (
    (state = 'leased') = (token is not null and lease_until is not null and deadline_at is not null)),
  constraint work_items_holder_known check (token is null or runner_id is not null),
  constraint work_items_retry_is_one_point check (attempt = 1 or first_ordinal = last_ordinal),
  constraint work_items_kind_known check (
    kind in ('points', 'suggest', 'load_prices', 'dbt_refresh', 'lean_optimization')),
  constraint work_items_points_or_task check (
    case kind
      when 'points' then optimization_run_id is not null and first_ordinal is not null
      and last_ordinal is not null and payload is null
      when 'suggest' then optimization_run_id is not null and first_ordinal is null and last_ordinal is null
      and payload is not null
      else job_id is not null and first_ordinal is null and last_ordinal is null and payload is not null
    end)
) with (fillfactor = 70);
create index work_items_by_runner on desk.work_items (runner_id) where state = 'leased';
create index work_items_tasks on desk.work_items (id) where state = 'waiting' and kind <> 'points';
create index work_items_by_job on desk.work_items (job_id) where job_id is not null;
create index work_items_claim on desk.work_items (optimization_run_id, id)
  where state = 'waiting' and kind = 'points' and attempt = 1;
create index work_items_retries on desk.work_items (optimization_run_id, run_after)
  where state = 'waiting' and kind = 'points' and attempt > 1;
create index work_items_over on desk.work_items (created_at) where state in ('done', 'expired', 'cancelled');
comment on table desk.work_items is
  'The queue: a few points of a run, cut when runners come for them, never a row a point in advance.';
comment on column desk.work_items.id is 'Key.';
comment on column desk.work_items.optimization_run_id is 'The run.';
comment on column desk.work_items.first_ordinal is 'First point.';
comment on column desk.work_items.last_ordinal is 'Last point.';
comment on column desk.work_items.settled is 'Points that are recorded, or were handed on to another item.';
comment on column desk.work_items.state is
  'waiting, leased, done, expired (its points were issued again) or cancelled.';
comment on column desk.work_items.attempt is 'Which attempt this is; a retry is an item of one point.';
comment on column desk.work_items.run_after is 'Not to be claimed before: backoff of a retry.';
comment on column desk.work_items.token is 'New at every claim; whoever does not have it can record nothing.';
comment on column desk.work_items.runner_id is 'Who holds it, or held it last.';
comment on column desk.work_items.running_ordinal is 'Point that its holder last said it was executing.';
comment on column desk.work_items.leased_at is 'When it was claimed.';
comment on column desk.work_items.lease_until is 'Heartbeat clock: past this its runner is taken for dead.';
comment on column desk.work_items.deadline_at is 'Deadline clock: past this the attempt is taken to be too long.';
comment on column desk.work_items.last_error is 'Why it is a retry.';
comment on column desk.work_items.created_at is 'When it was made.';
comment on column desk.work_items.kind is
  'points of a run, or a task: suggest, load_prices, dbt_refresh, lean_optimization.';
comment on column desk.work_items.job_id is 'The job of a task.';
comment on column desk.work_items.payload is 'What a task needs to know.';

create type desk.point_outcome as (
  work_item_id       bigint,
  token              uuid,
  ordinal            bigint,
  metrics            jsonb,
  sessions           date[],
  equity             double precision[],
  trade_symbols      text[],
  trade_entry_times  timestamptz[],
  trade_exit_times   timestamptz[],
  trade_sizes        double precision[],
  trade_entry_prices double precision[],
  trade_exit_prices  double precision[],
  trade_profits      double precision[],
  trade_fees         double precision[]
);
comment on type desk.point_outcome is
  'A finished point as complete_work() takes it. Runners send the fields by their place: add to the end only.';
comment on column desk.point_outcome.work_item_id is 'The work item that it was claimed with.';
comment on column desk.point_outcome.token is 'The token of that claim.';
comment on column desk.point_outcome.ordinal is 'Its place in the search.';
comment on column desk.point_outcome.metrics is 'Raw metrics by the names of the columns of backtest_results.';
comment on column desk.point_outcome.sessions is 'Sessions of its curve, ascending; null without a curve.';
comment on column desk.point_outcome.equity is 'Value at the close of each session.';
comment on column desk.point_outcome.trade_symbols is 'Symbol of each closed trade.';
comment on column desk.point_outcome.trade_entry_times is 'When each was opened.';
comment on column desk.point_outcome.trade_exit_times is 'When each was closed.';
comment on column desk.point_outcome.trade_sizes is 'Shares that each opened, negative for a short.';
comment on column desk.point_outcome.trade_entry_prices is 'Average price of its opening.';
comment on column desk.point_outcome.trade_exit_prices is 'Average price of its closing.';
comment on column desk.point_outcome.trade_profits is 'Profit of each, fees taken off.';
comment on column desk.point_outcome.trade_fees is 'Fees of each.';
