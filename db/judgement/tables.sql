-- What results are measured by: metrics, criteria, benchmarks, and what luck would have brought.

create table desk.metric_definitions (
  metric      text primary key,
  title       text not null,
  aliases     text[] not null default '{}',
  unit        text not null,
  direction   text not null,
  min_key     text unique,
  max_key     text unique,
  min_phrase  text,
  max_phrase  text,
  short_name  text not null,
  decimals    integer not null default 2,
  description text not null,
  scope       text not null default 'result',
  constraint metric_definitions_unit_known check (unit in ('ratio', 'fraction', 'money', 'count', 'sessions')),
  constraint metric_definitions_direction_known check (direction in ('max', 'min')),
  constraint metric_definitions_phrases check (
    (min_key is null or min_phrase is not null) and (max_key is null or max_phrase is not null)),
  constraint metric_definitions_decimals_sane check (decimals between 0 and 6),
  constraint metric_definitions_scope_known check (scope in ('result', 'family'))
);
comment on table desk.metric_definitions is
  'Every metric once: targets, constraints, criteria and messages read only this.';
comment on column desk.metric_definitions.metric is 'Column of backtest_results.';
comment on column desk.metric_definitions.title is 'Name for people.';
comment on column desk.metric_definitions.aliases is
  'Other names that configs may use, LEAN''s among them; compared without case.';
comment on column desk.metric_definitions.unit is 'ratio, fraction (0.30 is shown as 30.0%), money, count or sessions.';
comment on column desk.metric_definitions.direction is 'Better is max or min.';
comment on column desk.metric_definitions.min_key is 'Criterion key that sets a least value, such as min_trades.';
comment on column desk.metric_definitions.max_key is 'Criterion key that sets a greatest value, such as max_fee_pct.';
comment on column desk.metric_definitions.min_phrase is 'Begins the reason when the value is too low.';
comment on column desk.metric_definitions.max_phrase is 'Begins the reason when the value is too high.';
comment on column desk.metric_definitions.short_name is 'Name in "... undefined: needs ...".';
comment on column desk.metric_definitions.decimals is
  'Digits after the point in messages; more are added until two unequal numbers look unequal.';
comment on column desk.metric_definitions.description is 'Definition in a sentence, with its unit.';
comment on column desk.metric_definitions.scope is
  'result: known when a point is recorded. family: known when its run closes, because it depends on all trials.';

create table desk.success_criteria (
  optimization_run_id bigint not null references desk.optimization_runs on delete cascade,
  metric              text not null references desk.metric_definitions,
  comparison          text not null,
  threshold           double precision not null,
  source              text not null default 'director',
  primary key (optimization_run_id, metric, comparison),
  constraint success_criteria_comparison_known check (comparison in ('>=', '<=', '>', '<', '=', '!=')),
  constraint success_criteria_source_known check (source in ('config', 'constraint', 'default', 'director'))
);
comment on table desk.success_criteria is
  'Thresholds of a run: a result passes when it meets all of them. After a change: select rejudge_run(id).';
comment on column desk.success_criteria.optimization_run_id is 'The run.';
comment on column desk.success_criteria.metric is 'The metric.';
comment on column desk.success_criteria.comparison is 'How value and threshold must stand.';
comment on column desk.success_criteria.threshold is 'The threshold, in the metric''s unit (fractions, not per cents).';
comment on column desk.success_criteria.source is
  'config, constraint (only such points may be the best), default (the desk''s own) or director.';

create table desk.run_benchmarks (
  optimization_run_id bigint primary key references desk.optimization_runs on delete cascade,
  benchmark           text not null,
  sessions            date[] not null,
  returns             double precision[] not null,
  content_hash        text not null,
  made_at             timestamptz not null default now(),
  sums                jsonb,
  constraint run_benchmarks_aligned check (cardinality(sessions) = cardinality(returns)),
  constraint run_benchmarks_hash_shape check (content_hash ~ '^[0-9a-f]{64}$')
);
alter table desk.run_benchmarks alter column sessions set storage external;
alter table desk.run_benchmarks alter column returns set storage external;
comment on table desk.run_benchmarks is
  'One row a run: what its results are compared with, as daily returns over its window.';
comment on column desk.run_benchmarks.optimization_run_id is 'The run.';
comment on column desk.run_benchmarks.benchmark is
  'buy and hold (equal money into each of the run''s symbols), or the symbol that the config names.';
comment on column desk.run_benchmarks.sessions is 'Dates of the sessions.';
comment on column desk.run_benchmarks.returns is 'Daily return at each; 0 at the first, at whose close it is bought.';
comment on column desk.run_benchmarks.content_hash is
  'SHA-256 of dates and returns: results of runs with equal hashes share their sums.';
comment on column desk.run_benchmarks.made_at is 'When it was made.';
comment on column desk.run_benchmarks.sums is
  'Growth, mean and second moment over all sessions, as benchmark_sums() gives them; null where the run began before '
  'they were kept.';

create table desk.run_statistics (
  optimization_run_id bigint primary key references desk.optimization_runs on delete cascade,
  strategy_id         bigint not null references desk.strategies,
  trials              bigint not null,
  sharpe_trials       bigint not null,
  sharpe_mean         double precision,
  sharpe_m2           double precision,
  correlation         double precision,
  direction           double precision[],
  family_runs         bigint not null default 0,
  family_trials       bigint not null default 0,
  effective_trials    double precision not null default 0,
  trial_variance      double precision,
  stale               boolean not null default false,
  pbo                 double precision,
  pbo_points          integer,
  pbo_blocks          integer,
  loss_probability    double precision,
  degradation_slope   double precision,
  error               text,
  judged_at           timestamptz not null default clock_timestamp(),
  constraint run_statistics_counts check (trials >= sharpe_trials and sharpe_trials >= 0 and family_trials >= 0),
  constraint run_statistics_probabilities check (pbo between 0 and 1 and loss_probability between 0 and 1)
);
create index run_statistics_by_strategy on desk.run_statistics (strategy_id);
comment on table desk.run_statistics is
  'One row a closed run: what it adds to the trials of its strategy, and what is left of its results after luck.';
comment on column desk.run_statistics.optimization_run_id is 'The run.';
comment on column desk.run_statistics.strategy_id is 'Its strategy.';
comment on column desk.run_statistics.trials is
  'Distinct trials that it added: finished points, neither copies nor re-runs of earlier ones.';
comment on column desk.run_statistics.sharpe_trials is 'Those of them with a Sharpe ratio.';
comment on column desk.run_statistics.sharpe_mean is 'Mean of their Sharpe ratios a session.';
comment on column desk.run_statistics.sharpe_m2 is 'Sum of squared deviations of these.';
comment on column desk.run_statistics.correlation is
  'Mean correlation between two of its trials, of the returns by block of the window.';
comment on column desk.run_statistics.direction is
  'Mean of the trials'' block sums, each centred and of length 1: products of two runs'' give the correlation '
  'between them.';
comment on column desk.run_statistics.family_runs is
  'Closed runs of the strategy whose windows overlap with this one''s by at least half of the shorter, this one '
  'included.';
comment on column desk.run_statistics.family_trials is 'N: their trials.';
comment on column desk.run_statistics.effective_trials is 'N as independent trials, by mean correlation.';
comment on column desk.run_statistics.trial_variance is
  'V: variance of their Sharpe ratios a session, as observed; not below 1/(T-1) where it is used.';
comment on column desk.run_statistics.stale is
  'True where later trials have not been counted into this run yet; refresh_luck() does it.';
comment on column desk.run_statistics.pbo is
  'Probability of backtest overfitting: share of splits in which the best half-sample point lands at or below the '
  'median of the other half.';
comment on column desk.run_statistics.pbo_points is 'Points in the sample that it was computed from.';
comment on column desk.run_statistics.pbo_blocks is 'Blocks of the window.';
comment on column desk.run_statistics.loss_probability is
  'Share of splits in which the chosen point loses money in the other half.';
comment on column desk.run_statistics.degradation_slope is
  'Slope of the chosen point''s Sharpe ratio in the other half over that in the half it was chosen in.';
comment on column desk.run_statistics.error is 'Why the statistics could not be computed.';
comment on column desk.run_statistics.judged_at is 'When they were computed last.';

create table desk.run_tallies (
  optimization_run_id bigint not null references desk.optimization_runs on delete cascade,
  quarter             timestamptz not null,
  finished            bigint not null default 0,
  failed              bigint not null default 0,
  passed              bigint not null default 0,
  best_sharpe         double precision,
  best_passed_sharpe  double precision,
  primary key (optimization_run_id, quarter)
) with (fillfactor = 50);
comment on table desk.run_tallies is
  'Results of a run by quarter of an hour: any time zone''s day is a sum of these, without reading a million results.';
comment on column desk.run_tallies.optimization_run_id is 'The run.';
comment on column desk.run_tallies.quarter is 'Begin of the quarter of an hour.';
comment on column desk.run_tallies.finished is 'Points finished in it.';
comment on column desk.run_tallies.failed is 'Points failed.';
comment on column desk.run_tallies.passed is 'Points passed.';
comment on column desk.run_tallies.best_sharpe is 'Best Sharpe ratio of all.';
comment on column desk.run_tallies.best_passed_sharpe is 'Best Sharpe ratio of the passed.';

create table desk.crisis_windows (
  name        text primary key,
  start_date  date not null,
  end_date    date not null,
  description text not null,
  constraint crisis_windows_ordered check (start_date < end_date)
);
comment on table desk.crisis_windows is 'Stretches of market history by name; results are looked at in each.';
comment on column desk.crisis_windows.name is 'Name.';
comment on column desk.crisis_windows.start_date is 'First day.';
comment on column desk.crisis_windows.end_date is 'Last day.';
comment on column desk.crisis_windows.description is 'What happened.';

insert into desk.crisis_windows (name, start_date, end_date, description)
values
  ('Crash of 1987', '1987-10-05', '1987-12-04', 'A fifth of the market lost in a day, on 19 October.'),
  ('Gulf War', '1990-07-16', '1990-10-16', 'Kuwait is invaded, oil doubles.'),
  ('Russian default', '1998-07-20', '1998-10-15', 'Default of Russia, fall of a hedge fund.'),
  ('Dot-com bust', '2000-03-24', '2002-10-09', 'The end of the first internet boom.'),
  ('September 2001', '2001-09-10', '2001-09-28', 'Attacks, four days without trading.'),
  ('Financial crisis', '2007-10-09', '2009-03-09', 'From the peak of 2007 to the trough of 2009.'),
  ('Lehman', '2008-09-12', '2008-11-20', 'The weeks after the failure of Lehman Brothers.'),
  ('Flash crash', '2010-05-04', '2010-07-02', 'A thousand points in minutes on 6 May, and what followed.'),
  ('Euro debt', '2011-07-22', '2011-10-03', 'European debt, and the downgrade of the United States.'),
  ('August 2015', '2015-08-17', '2015-09-29', 'Devaluation in China.'),
  ('Volmageddon', '2018-01-26', '2018-02-09', 'Short-volatility funds are wiped out.'),
  ('Winter 2018', '2018-09-20', '2018-12-24', 'Tightening and trade war.'),
  ('Pandemic', '2020-02-19', '2020-03-23', 'The fastest fall of a third.'),
  ('Inflation 2022', '2022-01-03', '2022-10-12', 'Rates rise, stocks and bonds fall together.');

alter table desk.optimization_runs
  add foreign key (target_metric) references desk.metric_definitions (metric);
