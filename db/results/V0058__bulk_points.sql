-- Points in bulk: narrow rows beside the full results, under one name for whoever reads. What was the table
-- backtest_results is full_results from here on; the view that shows both has the old name (backtest_results.sql).

alter table desk.backtest_results rename to full_results;
revoke all on desk.full_results from desk_director, desk_viewer, desk_importer, desk_dbt;
comment on table desk.full_results is
  'One row a point with everything that is known of it: points of ordinary runs, imports, failed points, and promoted '
  'points of bulk runs. Read through backtest_results.';

alter table desk.optimization_runs add column bulk boolean not null default false;
comment on column desk.optimization_runs.bulk is
  'True where its points are recorded in blocks of narrow rows: docs/bulk.md.';

create table desk.bulk_runs (
  optimization_run_id bigint primary key references desk.optimization_runs,
  starting_cash       double precision not null,
  sessions_a_year     double precision not null,
  risk_free_rate      double precision not null,
  benchmark_return    double precision,
  benchmark_mean      double precision,
  benchmark_m2        double precision,
  sampled_below       bigint not null,
  verdict             text not null,
  undefined           text not null,
  constraint_bits     integer not null,
  family_bits         integer not null,
  repeated            int8multirange not null default '{}',
  constraint bulk_runs_cash_positive check (starting_cash > 0 and starting_cash < 'Infinity'),
  constraint bulk_runs_id_range check (optimization_run_id < 33554432)
);
comment on table desk.bulk_runs is
  'One row a run whose points are recorded in blocks: what its points share, and its criteria as one expression.';
comment on column desk.bulk_runs.optimization_run_id is 'The run.';
comment on column desk.bulk_runs.starting_cash is 'Capital at the start of each of its points.';
comment on column desk.bulk_runs.sessions_a_year is 'Sessions a year by which they are judged.';
comment on column desk.bulk_runs.risk_free_rate is 'Annual risk-free rate that ratios subtract.';
comment on column desk.bulk_runs.benchmark_return is 'Growth of its benchmark over the window, less 1.';
comment on column desk.bulk_runs.benchmark_mean is 'Mean daily return of its benchmark.';
comment on column desk.bulk_runs.benchmark_m2 is 'Sum of squared deviations of the benchmark''s daily returns.';
comment on column desk.bulk_runs.sampled_below is
  'Points whose hash is below this are sampled with sums by block: in_sample_of_blocks().';
comment on column desk.bulk_runs.verdict is
  'Its criteria as an expression over the columns of bulk_points: bit 0 for a lost account, bit i for criterion i of '
  'bulk_criteria; 0 passed.';
comment on column desk.bulk_runs.undefined is
  'The same with the bits of those criteria whose metric is undefined: as expression, for tallies of reasons.';
comment on column desk.bulk_runs.constraint_bits is 'Bits of the lost account and of metric constraints.';
comment on column desk.bulk_runs.family_bits is 'Bits of criteria on the family, set until the run closes.';
comment on column desk.bulk_runs.repeated is 'Ordinals of points that repeat trials counted before; told at the close.';

create table desk.bulk_criteria (
  optimization_run_id bigint not null references desk.bulk_runs on delete cascade,
  bit                 integer not null,
  metric              text not null references desk.metric_definitions,
  comparison          text not null,
  threshold           double precision not null,
  primary key (optimization_run_id, bit),
  constraint bulk_criteria_bit_range check (bit between 1 and 30)
);
comment on table desk.bulk_criteria is
  'The criteria of a bulk run as its points were judged by them: what the bits of a verdict stand for.';
comment on column desk.bulk_criteria.optimization_run_id is 'The run.';
comment on column desk.bulk_criteria.bit is 'Bit of the verdict, from 1; set where the criterion is not met.';
comment on column desk.bulk_criteria.metric is 'The metric.';
comment on column desk.bulk_criteria.comparison is 'How value and threshold must stand.';
comment on column desk.bulk_criteria.threshold is 'The threshold.';

-- Doubles first and then integers, so that nothing is lost to alignment. No key of another table: a check a row would
-- cost as much as the row, and bulk_runs keeps the run from being deleted.
create table desk.bulk_points (
  id                    bigint primary key,
  optimization_run_id   bigint not null,
  sharpe_ratio          double precision,
  ending_value          double precision not null,
  return_mean           double precision not null,
  return_m2             double precision not null,
  return_m3             double precision not null,
  return_m4             double precision not null,
  downside_m2           double precision not null,
  tail_sum              double precision not null,
  tail_return           double precision not null,
  max_drawdown          double precision not null,
  gross_profit          double precision not null,
  gross_loss            double precision not null,
  trade_profit_sum      double precision not null,
  trade_profit_m2       double precision not null,
  total_fees            double precision not null,
  traded_value          double precision not null,
  benchmark_comoment    double precision,
  exposed_time          double precision,
  verdict               integer not null,
  sessions              integer not null,
  return_count          integer not null,
  tail_count            integer not null,
  max_drawdown_sessions integer not null,
  total_orders          integer not null,
  total_trades          integer not null,
  winning_trades        integer not null,
  losing_trades         integer not null,
  exposed_sessions      integer not null,
  refused_for_cash      integer,
  refused_otherwise     integer,
  lost_on               date,
  constraint bulk_points_id_is_of_run check ((id - 4503599627370496) >> 27 = optimization_run_id),
  constraint bulk_points_verdict_range check (verdict >= 0)
);
create index bulk_points_best on desk.bulk_points (optimization_run_id, sharpe_ratio desc nulls last);
create index bulk_points_best_passed on desk.bulk_points (optimization_run_id, sharpe_ratio desc nulls last)
  where verdict = 0;
comment on table desk.bulk_points is
  'One narrow row a finished point of a bulk run that is not promoted: raw metrics, the Sharpe ratio, and the verdict '
  'as a number. Read through backtest_results.';
comment on column desk.bulk_points.id is
  'Key: 2^52 + optimization_run_id * 2^27 + ordinal, below 2^53 so that JavaScript can hold it; never changes.';
comment on column desk.bulk_points.optimization_run_id is 'The run.';
comment on column desk.bulk_points.verdict is
  '0 where it passed; else bit 0 for a lost account and a bit a criterion of bulk_criteria that is not met.';
do $$
declare
  v_column record;
begin
  for v_column in
    select a.attname, col_description('desk.full_results'::regclass, f.attnum) as words
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_attribute as f on f.attrelid = 'desk.full_results'::regclass and f.attname = a.attname
    where a.attrelid = 'desk.bulk_points'::regclass and a.attnum > 0
      and a.attname not in ('id', 'optimization_run_id')
  loop
    execute format('comment on column desk.bulk_points.%I is %L', v_column.attname, v_column.words);
  end loop;
end
$$;
comment on column desk.bulk_points.exposed_time is
  'Raw: sum over sessions of the share of their bars that ended with a position; null where it is exposed_sessions.';

create table desk.bulk_blocks (
  first_id            bigint primary key,
  last_id             bigint not null,
  optimization_run_id bigint not null references desk.bulk_runs,
  runner_id           bigint references desk.runners,
  attempt             integer not null,
  platform            text,
  seconds             double precision not null,
  created_at          timestamptz not null default clock_timestamp(),
  constraint bulk_blocks_range check (last_id >= first_id)
);
create index bulk_blocks_by_run on desk.bulk_blocks (optimization_run_id, created_at);
comment on table desk.bulk_blocks is 'One row a call that recorded a block of points: who did it, where and when.';
comment on column desk.bulk_blocks.first_id is 'Id of its first point.';
comment on column desk.bulk_blocks.last_id is 'Id of its last point.';
comment on column desk.bulk_blocks.optimization_run_id is 'The run.';
comment on column desk.bulk_blocks.runner_id is 'Runner that made it.';
comment on column desk.bulk_blocks.attempt is 'Which attempt of its item it was.';
comment on column desk.bulk_blocks.platform is 'Platform that made it.';
comment on column desk.bulk_blocks.seconds is 'Seconds that its backtests took together.';
comment on column desk.bulk_blocks.created_at is 'When it was recorded.';

create table desk.bulk_samples (
  id                  bigint primary key,
  optimization_run_id bigint not null references desk.bulk_runs,
  block_counts        integer[] not null,
  block_sums          double precision[] not null,
  block_squares       double precision[] not null,
  constraint bulk_samples_aligned check (
    cardinality(block_counts) = cardinality(block_sums) and cardinality(block_sums) = cardinality(block_squares)),
  constraint bulk_samples_finite check (
    'Infinity' > all (block_sums) and '-Infinity' < all (block_sums)
    and 0 <= all (block_squares) and 'Infinity' > all (block_squares) and 0 <= all (block_counts))
);
create index bulk_samples_by_run on desk.bulk_samples (optimization_run_id);
comment on table desk.bulk_samples is
  'Sums by stretch of the window of a sample of a bulk run''s points: for overfitting and for how alike they are.';
comment on column desk.bulk_samples.id is 'Id of the point.';
comment on column desk.bulk_samples.optimization_run_id is 'The run.';
comment on column desk.bulk_samples.block_counts is 'Daily returns in each equal stretch of the window.';
comment on column desk.bulk_samples.block_sums is 'Sums of daily returns in each stretch.';
comment on column desk.bulk_samples.block_squares is 'Sums of squared daily returns in each stretch.';

create table desk.bulk_verdicts (
  optimization_run_id bigint not null references desk.bulk_runs,
  verdict             integer not null,
  undefined           integer not null,
  points              bigint not null,
  primary key (optimization_run_id, verdict, undefined)
) with (fillfactor = 50);
comment on table desk.bulk_verdicts is 'Points of a bulk run by verdict, without the promoted and the failed ones.';
comment on column desk.bulk_verdicts.optimization_run_id is 'The run.';
comment on column desk.bulk_verdicts.verdict is 'The verdict, as in bulk_points.';
comment on column desk.bulk_verdicts.undefined is
  'Those of its bits whose criterion is not met because the metric is undefined.';
comment on column desk.bulk_verdicts.points is 'How many finished points have it.';

create table desk.bulk_sensitivity (
  optimization_run_id bigint not null references desk.bulk_runs on delete cascade,
  parameter           text not null,
  value               jsonb not null,
  evaluations         bigint not null,
  passed              bigint not null,
  mean_target         double precision,
  best_target         double precision,
  primary key (optimization_run_id, parameter, value)
);
comment on table desk.bulk_sensitivity is
  'One row a value of a parameter of a closed bulk run: what all points with it had. Written once, at the close.';
comment on column desk.bulk_sensitivity.optimization_run_id is 'The run.';
comment on column desk.bulk_sensitivity.parameter is 'The parameter.';
comment on column desk.bulk_sensitivity.value is 'Its value.';
comment on column desk.bulk_sensitivity.evaluations is 'Finished points with it.';
comment on column desk.bulk_sensitivity.passed is 'Those of them that passed.';
comment on column desk.bulk_sensitivity.mean_target is 'Mean of the run''s target over them.';
comment on column desk.bulk_sensitivity.best_target is 'Best of the run''s target among them.';
