-- Walk-forward searches: how their windows were laid, and what became of each fold.

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
  constraint walk_forward_plans_lengths check (
    in_sample > 0 and out_of_sample > 0 and embargo_sessions >= 0 and warm_up_bars >= 0 and folds > 0)
);
comment on table desk.walk_forward_plans is 'One row a walk-forward run: how its windows were laid.';
comment on column desk.walk_forward_plans.optimization_run_id is 'The walk-forward run.';
comment on column desk.walk_forward_plans.mode is
  'rolling (the in-sample window moves) or anchored (it grows from the start).';
comment on column desk.walk_forward_plans.unit is 'Unit of in_sample and out_of_sample.';
comment on column desk.walk_forward_plans.in_sample is 'Length of the (first) in-sample window.';
comment on column desk.walk_forward_plans.out_of_sample is 'Length of an out-of-sample window, which is also the step.';
comment on column desk.walk_forward_plans.embargo_sessions is
  'Sessions cut from the end of each in-sample window, so that it does not touch the test.';
comment on column desk.walk_forward_plans.warm_up_bars is 'Bars before each window that are seen and not traded.';
comment on column desk.walk_forward_plans.folds is 'Number of folds.';

create table desk.walk_forward_folds (
  optimization_run_id        bigint not null,
  fold                       integer not null,
  in_sample_start            date not null,
  in_sample_end              date not null,
  embargo_sessions           integer not null,
  out_of_sample_start        date not null,
  out_of_sample_end          date not null,
  previous_out_of_sample_end date,
  state                      text not null default 'in_sample',
  in_sample_run_id           bigint unique references desk.optimization_runs,
  chosen_result_id           bigint,
  out_of_sample_run_id       bigint unique references desk.optimization_runs,
  out_of_sample_result_id    bigint,
  efficiency                 double precision,
  primary key (optimization_run_id, fold),
  unique (optimization_run_id, out_of_sample_end),
  foreign key (optimization_run_id, embargo_sessions)
    references desk.walk_forward_plans (optimization_run_id, embargo_sessions) on delete cascade,
  foreign key (optimization_run_id, previous_out_of_sample_end)
    references desk.walk_forward_folds (optimization_run_id, out_of_sample_end),
  constraint walk_forward_folds_in_sample_first check (
    in_sample_start < in_sample_end and in_sample_end <= out_of_sample_start),
  constraint walk_forward_folds_tests_something check (out_of_sample_start < out_of_sample_end),
  constraint walk_forward_folds_no_gap check (
    case when fold = 1 then previous_out_of_sample_end is null
    else previous_out_of_sample_end is not null and previous_out_of_sample_end = out_of_sample_start end),
  constraint walk_forward_folds_embargo_kept check ((embargo_sessions = 0) = (in_sample_end = out_of_sample_start)),
  constraint walk_forward_folds_state_known check (state in ('in_sample', 'out_of_sample', 'done', 'cash')),
  constraint walk_forward_folds_chosen check (
    case state
      when 'in_sample' then chosen_result_id is null and out_of_sample_run_id is null
      when 'out_of_sample' then chosen_result_id is not null and out_of_sample_run_id is not null
      and out_of_sample_result_id is null
      when 'done' then chosen_result_id is not null and out_of_sample_result_id is not null
      when 'cash' then chosen_result_id is null and out_of_sample_result_id is null
    end)
);
comment on table desk.walk_forward_folds is
  'One row a fold. Windows are half-open: the end is the first day after. The keys forbid a gap, an overlap and a '
  'missing embargo.';
comment on column desk.walk_forward_folds.optimization_run_id is 'The walk-forward run.';
comment on column desk.walk_forward_folds.fold is 'Number of the fold, from 1.';
comment on column desk.walk_forward_folds.in_sample_start is 'First day of the in-sample window.';
comment on column desk.walk_forward_folds.in_sample_end is 'First day after the in-sample window.';
comment on column desk.walk_forward_folds.embargo_sessions is 'Sessions between the two windows.';
comment on column desk.walk_forward_folds.out_of_sample_start is 'First day of the out-of-sample window.';
comment on column desk.walk_forward_folds.out_of_sample_end is 'First day after the out-of-sample window.';
comment on column desk.walk_forward_folds.previous_out_of_sample_end is
  'Where the fold before ended its test: the same day as this one starts.';
comment on column desk.walk_forward_folds.state is
  'in_sample, out_of_sample, done, or cash: no point passed in sample, so nothing was traded.';
comment on column desk.walk_forward_folds.in_sample_run_id is 'The search in sample.';
comment on column desk.walk_forward_folds.chosen_result_id is 'Its best passing point.';
comment on column desk.walk_forward_folds.out_of_sample_run_id is 'The run of that point out of sample.';
comment on column desk.walk_forward_folds.out_of_sample_result_id is 'Its result.';
comment on column desk.walk_forward_folds.efficiency is
  'Annual return out of sample over that in sample (Pardo 2008); null when in sample there was no gain.';
