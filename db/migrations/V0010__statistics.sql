-- Numbers that can be trusted: benchmark sums, statistics against luck, tallies a day, reproductions, crisis windows.

alter table desk.metric_definitions
  add column scope text not null default 'result',
  add constraint metric_definitions_scope_known check (scope in ('result', 'family'));
comment on column desk.metric_definitions.scope is
  'result: known when a point is recorded. family: known when its run closes, because it depends on all trials.';

alter table desk.backtest_results
  add column ranked boolean not null default false,
  add column benchmark_return double precision,
  add column benchmark_mean double precision,
  add column benchmark_m2 double precision,
  add column benchmark_comoment double precision,
  add column excess_return double precision,
  add column alpha double precision,
  add column beta double precision,
  add column information_ratio double precision,
  add column break_even_fee double precision,
  add column probabilistic_sharpe double precision,
  add column min_track_record double precision,
  add column deflated_sharpe_z double precision,
  add column deflated_sharpe double precision,
  add column pbo double precision,
  add constraint backtest_results_benchmark_finite check (
    benchmark_return > -1 and benchmark_return < 'Infinity' and abs(benchmark_mean) < 'Infinity'
    and benchmark_m2 >= 0 and benchmark_m2 < 'Infinity' and abs(benchmark_comoment) < 'Infinity'),
  add constraint backtest_results_failed_never_ranked check (outcome = 'finished' or not ranked);
comment on column desk.backtest_results.ranked is 'True where it has a place on the boards: finished, and of a search of its own, not of a fold or an estimate.';
comment on column desk.backtest_results.benchmark_return is 'Growth of the benchmark over the same sessions, less 1.';
comment on column desk.backtest_results.benchmark_mean is 'Mean daily return of the benchmark over the same sessions.';
comment on column desk.backtest_results.benchmark_m2 is 'Sum of squared deviations of the benchmark''s daily returns.';
comment on column desk.backtest_results.benchmark_comoment is 'Sum of products of the deviations of both daily returns.';
comment on column desk.backtest_results.excess_return is 'Annual return less that of the benchmark.';
comment on column desk.backtest_results.alpha is 'Annualized mean daily return that beta times the benchmark''s does not explain.';
comment on column desk.backtest_results.beta is 'Co-moment with the benchmark over the benchmark''s own.';
comment on column desk.backtest_results.information_ratio is 'Annualized mean over sample deviation of the daily return above the benchmark''s.';
comment on column desk.backtest_results.break_even_fee is 'Profit before fees over traded value: the fee, as a fraction of a fill, at which nothing is left.';
comment on column desk.backtest_results.probabilistic_sharpe is 'Probability that the true Sharpe ratio is above 0.';
comment on column desk.backtest_results.min_track_record is 'Sessions needed before the Sharpe ratio is above 0 with 95% confidence.';
comment on column desk.backtest_results.deflated_sharpe_z is 'Distance of the Sharpe ratio from what the best of as many noise trials is expected to have, in standard errors; written when the run closes.';
comment on column desk.backtest_results.deflated_sharpe is 'The probability of that distance; written when the run closes.';
comment on column desk.backtest_results.pbo is 'Probability of backtest overfitting of its run; written when the run closes.';

update desk.backtest_results as b
set ranked = true
from desk.optimization_runs as r
where r.id = b.optimization_run_id and r.role = 'search' and b.outcome = 'finished';

create index backtest_results_board on desk.backtest_results
  (deflated_sharpe_z desc nulls last, sharpe_ratio desc nulls last, id) where ranked;
create index backtest_results_board_passed on desk.backtest_results
  (deflated_sharpe_z desc nulls last, sharpe_ratio desc nulls last, id) where ranked and passed;
create index backtest_results_board_strategy on desk.backtest_results
  (strategy_id, deflated_sharpe_z desc nulls last, sharpe_ratio desc nulls last, id) where ranked;

create table desk.run_benchmarks (
  optimization_run_id bigint primary key references desk.optimization_runs on delete cascade,
  benchmark           text not null,
  sessions            date[] not null,
  returns             double precision[] not null,
  content_hash        text not null,
  made_at             timestamptz not null default now(),
  constraint run_benchmarks_aligned check (cardinality(sessions) = cardinality(returns)),
  constraint run_benchmarks_hash_shape check (content_hash ~ '^[0-9a-f]{64}$')
);
alter table desk.run_benchmarks alter column sessions set storage external;
alter table desk.run_benchmarks alter column returns set storage external;
comment on table desk.run_benchmarks is 'One row a run: what its results are compared with, as daily returns over its window.';
comment on column desk.run_benchmarks.optimization_run_id is 'The run.';
comment on column desk.run_benchmarks.benchmark is 'buy and hold (equal money into each of the run''s symbols), or the symbol that the config names.';
comment on column desk.run_benchmarks.sessions is 'Dates of the sessions.';
comment on column desk.run_benchmarks.returns is 'Daily return at each; 0 at the first, at whose close it is bought.';
comment on column desk.run_benchmarks.content_hash is 'SHA-256 of dates and returns: results of runs with equal hashes share their sums.';
comment on column desk.run_benchmarks.made_at is 'When it was made.';

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
comment on table desk.run_statistics is 'One row a closed run: what it adds to the trials of its strategy, and what is left of its results after luck.';
comment on column desk.run_statistics.optimization_run_id is 'The run.';
comment on column desk.run_statistics.strategy_id is 'Its strategy.';
comment on column desk.run_statistics.trials is 'Distinct trials that it added: finished points, neither copies nor re-runs of earlier ones.';
comment on column desk.run_statistics.sharpe_trials is 'Those of them with a Sharpe ratio.';
comment on column desk.run_statistics.sharpe_mean is 'Mean of their Sharpe ratios a session.';
comment on column desk.run_statistics.sharpe_m2 is 'Sum of squared deviations of these.';
comment on column desk.run_statistics.correlation is 'Mean correlation between two of its trials, of the returns by block of the window.';
comment on column desk.run_statistics.direction is 'Mean of the trials'' block sums, each centred and of length 1: products of two runs'' give the correlation between them.';
comment on column desk.run_statistics.family_runs is 'Closed runs of the strategy whose windows overlap with this one''s by at least half of the shorter, this one included.';
comment on column desk.run_statistics.family_trials is 'N: their trials.';
comment on column desk.run_statistics.effective_trials is 'N as independent trials, by mean correlation.';
comment on column desk.run_statistics.trial_variance is 'V: variance of their Sharpe ratios a session, as observed; not below 1/(T-1) where it is used.';
comment on column desk.run_statistics.stale is 'True where later trials have not been counted into this run yet; refresh_luck() does it.';
comment on column desk.run_statistics.pbo is 'Probability of backtest overfitting: share of splits in which the best half-sample point lands at or below the median of the other half.';
comment on column desk.run_statistics.pbo_points is 'Points in the sample that it was computed from.';
comment on column desk.run_statistics.pbo_blocks is 'Blocks of the window.';
comment on column desk.run_statistics.loss_probability is 'Share of splits in which the chosen point loses money in the other half.';
comment on column desk.run_statistics.degradation_slope is 'Slope of the chosen point''s Sharpe ratio in the other half over that in the half it was chosen in.';
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
comment on table desk.run_tallies is 'Results of a run by quarter of an hour: any time zone''s day is a sum of these, without reading a million results.';
comment on column desk.run_tallies.optimization_run_id is 'The run.';
comment on column desk.run_tallies.quarter is 'Begin of the quarter of an hour.';
comment on column desk.run_tallies.finished is 'Points finished in it.';
comment on column desk.run_tallies.failed is 'Points failed.';
comment on column desk.run_tallies.passed is 'Points passed.';
comment on column desk.run_tallies.best_sharpe is 'Best Sharpe ratio of all.';
comment on column desk.run_tallies.best_passed_sharpe is 'Best Sharpe ratio of the passed.';

insert into desk.run_tallies (optimization_run_id, quarter, finished, failed, passed, best_sharpe, best_passed_sharpe)
select b.optimization_run_id, date_bin('15 minutes', b.created_at, timestamptz '2000-01-01 00:00+00'),
       count(*) filter (where b.outcome = 'finished'), count(*) filter (where b.outcome = 'failed'), count(*) filter (where b.passed),
       max(b.sharpe_ratio), max(b.sharpe_ratio) filter (where b.passed)
from desk.backtest_results as b
group by 1, 2;

create table desk.reproductions (
  id                  bigint generated always as identity primary key,
  backtest_result_id  bigint not null references desk.backtest_results on delete cascade,
  verdict             text not null,
  differences         jsonb not null default '{}',
  compared            text[] not null,
  platform            text not null,
  reproduced_by       text not null default session_user,
  reproduced_at       timestamptz not null default clock_timestamp(),
  constraint reproductions_verdict_known check (verdict in ('equal', 'different')),
  constraint reproductions_different_says_where check ((verdict = 'different') = (differences <> '{}'))
);
create index reproductions_by_result on desk.reproductions (backtest_result_id, id desc);
comment on table desk.reproductions is 'One row a time that somebody ran a recorded point again and compared it to the bit.';
comment on column desk.reproductions.id is 'Key.';
comment on column desk.reproductions.backtest_result_id is 'The result.';
comment on column desk.reproductions.verdict is 'equal or different.';
comment on column desk.reproductions.differences is 'What differs: {name: [recorded, again]}.';
comment on column desk.reproductions.compared is 'What was compared: metrics, and sessions, equity and trades where they are stored.';
comment on column desk.reproductions.platform is 'Platform on which it was run again.';
comment on column desk.reproductions.reproduced_by is 'Who did it.';
comment on column desk.reproductions.reproduced_at is 'When.';

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
