-- Searches beyond the grid: points that no axis describes, walk-forward folds, batches, reuse of equal results.

create table desk.batches (
  id         bigint generated always as identity primary key,
  name       text not null,
  file       text,
  notes      text,
  created_by text not null default current_user,
  created_at timestamptz not null default now()
);
comment on table desk.batches is 'One row a batch of jobs that was queued all or none.';
comment on column desk.batches.id is 'Key.';
comment on column desk.batches.name is 'Name for people.';
comment on column desk.batches.file is 'File that it came from.';
comment on column desk.batches.notes is 'Free notes.';
comment on column desk.batches.created_by is 'Database role that queued it.';
comment on column desk.batches.created_at is 'When it was queued.';

alter table desk.jobs
  add column batch_id bigint references desk.batches,
  add column force boolean not null default false;
create index jobs_by_batch on desk.jobs (batch_id) where batch_id is not null;
comment on column desk.jobs.batch_id is 'The batch it was queued with.';
comment on column desk.jobs.force is 'True where somebody wanted it run though its fees are estimated above max_fee_pct.';

alter table desk.optimization_runs
  add column parent_run_id bigint references desk.optimization_runs on delete cascade,
  add column role text not null default 'search',
  add column warm_up_bars integer not null default 0,
  add column settings_hash text,
  add column best_on_edge text[] not null default '{}',
  add constraint optimization_runs_role_known check (role in ('search', 'pilot', 'in_sample', 'out_of_sample')),
  add constraint optimization_runs_child_has_parent check ((role in ('in_sample', 'out_of_sample')) = (parent_run_id is not null)),
  add constraint optimization_runs_warm_up_counts check (warm_up_bars >= 0);
create index optimization_runs_by_parent on desk.optimization_runs (parent_run_id) where parent_run_id is not null;
comment on column desk.optimization_runs.parent_run_id is 'The walk-forward run that this run is a part of.';
comment on column desk.optimization_runs.role is 'search, pilot (a few points for an estimate), in_sample or out_of_sample (of a fold).';
comment on column desk.optimization_runs.warm_up_bars is 'Bars before start_date that are seen and not traded.';
comment on column desk.optimization_runs.settings_hash is 'SHA-256 of all besides code, prices and parameters that decides a result: costs, window, warm-up, seed.';
comment on column desk.optimization_runs.best_on_edge is 'Parameters whose best value lies on the edge of what was searched.';

alter table desk.backtest_results
  add column provenance_hash text;
create index backtest_results_equal on desk.backtest_results (provenance_hash)
  where outcome = 'finished' and provenance_hash is not null and source_result_id is null;
comment on column desk.backtest_results.provenance_hash is 'SHA-256 of code, prices, parameters, settings and platform: equal hash, equal numbers.';

create table desk.search_points (
  optimization_run_id bigint not null,
  generation          integer not null,
  ordinal             bigint not null,
  parameters          jsonb not null,
  primary key (optimization_run_id, ordinal),
  foreign key (optimization_run_id, generation) references desk.search_generations on delete cascade
);
comment on table desk.search_points is 'Points that no axis describes: random ones of a continuous space, and suggested ones.';
comment on column desk.search_points.optimization_run_id is 'The run.';
comment on column desk.search_points.generation is 'The generation.';
comment on column desk.search_points.ordinal is 'Number of the point.';
comment on column desk.search_points.parameters is 'The point.';

create table desk.walk_forward_plans (
  optimization_run_id bigint primary key references desk.optimization_runs on delete cascade,
  mode                text not null,
  unit                text not null,
  in_sample           integer not null,
  out_of_sample       integer not null,
  embargo_sessions    integer not null,
  warm_up_bars        integer not null,
  folds               integer not null,
  unique (optimization_run_id, embargo_sessions),
  constraint walk_forward_plans_mode_known check (mode in ('rolling', 'anchored')),
  constraint walk_forward_plans_unit_known check (unit in ('bars', 'days', 'months', 'years')),
  constraint walk_forward_plans_lengths check (in_sample > 0 and out_of_sample > 0 and embargo_sessions >= 0 and warm_up_bars >= 0 and folds > 0)
);
comment on table desk.walk_forward_plans is 'One row a walk-forward run: how its windows were laid.';
comment on column desk.walk_forward_plans.optimization_run_id is 'The walk-forward run.';
comment on column desk.walk_forward_plans.mode is 'rolling (the in-sample window moves) or anchored (it grows from the start).';
comment on column desk.walk_forward_plans.unit is 'Unit of in_sample and out_of_sample.';
comment on column desk.walk_forward_plans.in_sample is 'Length of the (first) in-sample window.';
comment on column desk.walk_forward_plans.out_of_sample is 'Length of an out-of-sample window, which is also the step.';
comment on column desk.walk_forward_plans.embargo_sessions is 'Sessions cut from the end of each in-sample window, so that it does not touch the test.';
comment on column desk.walk_forward_plans.warm_up_bars is 'Bars before each window that are seen and not traded.';
comment on column desk.walk_forward_plans.folds is 'Number of folds.';

create table desk.walk_forward_folds (
  optimization_run_id          bigint not null,
  fold                         integer not null,
  in_sample_start              date not null,
  in_sample_end                date not null,
  embargo_sessions             integer not null,
  out_of_sample_start          date not null,
  out_of_sample_end            date not null,
  previous_out_of_sample_end   date,
  state                        text not null default 'in_sample',
  in_sample_run_id             bigint unique references desk.optimization_runs,
  chosen_result_id             bigint references desk.backtest_results,
  out_of_sample_run_id         bigint unique references desk.optimization_runs,
  out_of_sample_result_id      bigint references desk.backtest_results,
  efficiency                   double precision,
  primary key (optimization_run_id, fold),
  unique (optimization_run_id, out_of_sample_end),
  foreign key (optimization_run_id, embargo_sessions)
    references desk.walk_forward_plans (optimization_run_id, embargo_sessions) on delete cascade,
  foreign key (optimization_run_id, previous_out_of_sample_end)
    references desk.walk_forward_folds (optimization_run_id, out_of_sample_end),
  constraint walk_forward_folds_in_sample_first check (in_sample_start < in_sample_end and in_sample_end <= out_of_sample_start),
  constraint walk_forward_folds_tests_something check (out_of_sample_start < out_of_sample_end),
  constraint walk_forward_folds_no_gap check (
    case when fold = 1 then previous_out_of_sample_end is null
    else previous_out_of_sample_end is not null and previous_out_of_sample_end = out_of_sample_start end),
  constraint walk_forward_folds_embargo_kept check ((embargo_sessions = 0) = (in_sample_end = out_of_sample_start)),
  constraint walk_forward_folds_state_known check (state in ('in_sample', 'out_of_sample', 'done', 'cash')),
  constraint walk_forward_folds_chosen check (
    case state
      when 'in_sample' then chosen_result_id is null and out_of_sample_run_id is null
      when 'out_of_sample' then chosen_result_id is not null and out_of_sample_run_id is not null and out_of_sample_result_id is null
      when 'done' then chosen_result_id is not null and out_of_sample_result_id is not null
      when 'cash' then chosen_result_id is null and out_of_sample_result_id is null
    end)
);
comment on table desk.walk_forward_folds is 'One row a fold. Windows are half-open: the end is the first day after. The keys forbid a gap, an overlap and a missing embargo.';
comment on column desk.walk_forward_folds.optimization_run_id is 'The walk-forward run.';
comment on column desk.walk_forward_folds.fold is 'Number of the fold, from 1.';
comment on column desk.walk_forward_folds.in_sample_start is 'First day of the in-sample window.';
comment on column desk.walk_forward_folds.in_sample_end is 'First day after the in-sample window.';
comment on column desk.walk_forward_folds.embargo_sessions is 'Sessions between the two windows.';
comment on column desk.walk_forward_folds.out_of_sample_start is 'First day of the out-of-sample window.';
comment on column desk.walk_forward_folds.out_of_sample_end is 'First day after the out-of-sample window.';
comment on column desk.walk_forward_folds.previous_out_of_sample_end is 'Where the fold before ended its test: the same day as this one starts.';
comment on column desk.walk_forward_folds.state is 'in_sample, out_of_sample, done, or cash: no point passed in sample, so nothing was traded.';
comment on column desk.walk_forward_folds.in_sample_run_id is 'The search in sample.';
comment on column desk.walk_forward_folds.chosen_result_id is 'Its best passing point.';
comment on column desk.walk_forward_folds.out_of_sample_run_id is 'The run of that point out of sample.';
comment on column desk.walk_forward_folds.out_of_sample_result_id is 'Its result.';
comment on column desk.walk_forward_folds.efficiency is 'Annual return out of sample over that in sample (Pardo 2008); null when in sample there was no gain.';
