-- How much each parameter of a search matters.

create table desk.parameter_importance (
  optimization_run_id bigint not null references desk.optimization_runs on delete cascade,
  parameter           text not null,
  importance          double precision not null,
  standard_error      double precision,
  points              bigint not null,
  method              text not null,
  recorded_at         timestamptz not null default clock_timestamp(),
  primary key (optimization_run_id, parameter),
  constraint parameter_importance_is_a_share check (importance >= 0 and importance <= 1),
  constraint parameter_importance_error_counts check (standard_error >= 0 and standard_error < 'Infinity'),
  constraint parameter_importance_points_counted check (points > 0)
);
comment on table desk.parameter_importance is
  'One row a closed search and parameter that it varied: its share in what the target depends on.';
comment on column desk.parameter_importance.optimization_run_id is 'The run.';
comment on column desk.parameter_importance.parameter is 'The parameter.';
comment on column desk.parameter_importance.importance is 'Its share; those of a run add up to 1.';
comment on column desk.parameter_importance.standard_error is
  'Standard error of the share, from points drawn again with replacement.';
comment on column desk.parameter_importance.points is 'Points that it rests on, at most 10,000.';
comment on column desk.parameter_importance.method is 'How it was worked out, with the library''s version.';
comment on column desk.parameter_importance.recorded_at is 'When.';
