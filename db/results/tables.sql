-- What came back: one row a point, raw metrics as sent, ratios as defined, the verdict with its reasons.

create table desk.backtest_results (
  id                    bigint generated always as identity primary key,
  optimization_run_id   bigint not null references desk.optimization_runs,
  strategy_id           bigint not null references desk.strategies,
  ordinal               bigint not null,
  parameters            jsonb not null,
  outcome               text not null default 'finished',
  error_kind            text,
  error                 text,
  passed                boolean not null default false,
  rejection_reasons     text[] not null default '{}',
  -- raw metrics
  starting_cash         double precision,
  ending_value          double precision,
  sessions              bigint,
  return_count          bigint,
  return_mean           double precision,
  return_m2             double precision,
  return_m3             double precision,
  return_m4             double precision,
  downside_m2           double precision,
  tail_count            bigint,
  tail_sum              double precision,
  tail_return           double precision,
  max_drawdown          double precision,
  max_drawdown_sessions bigint,
  total_orders          bigint,
  total_trades          bigint,
  winning_trades        bigint,
  losing_trades         bigint,
  gross_profit          double precision,
  gross_loss            double precision,
  trade_profit_sum      double precision,
  trade_profit_m2       double precision,
  total_fees            double precision,
  traded_value          double precision,
  exposed_sessions      bigint,
  block_counts          integer[],
  block_sums            double precision[],
  block_squares         double precision[],
  -- ratios
  metrics_given         boolean not null default false,
  total_return          double precision,
  annual_return         double precision,
  volatility            double precision,
  sharpe_ratio          double precision,
  sortino_ratio         double precision,
  calmar_ratio          double precision,
  skewness              double precision,
  kurtosis              double precision,
  value_at_risk         double precision,
  expected_shortfall    double precision,
  win_rate              double precision,
  average_win           double precision,
  average_loss          double precision,
  profit_factor         double precision,
  expectancy            double precision,
  sqn                   double precision,
  fee_pct               double precision,
  fee_share_of_profit   double precision,
  turnover              double precision,
  exposure              double precision,
  -- provenance
  engine                text,
  engine_metrics        jsonb not null default '{}',
  code_version_id       bigint references desk.code_versions,
  data_hash             text,
  parameters_hash       text not null,
  platform              text,
  seed                  bigint,
  runner_id             bigint references desk.runners,
  attempt               integer,
  source_result_id      bigint references desk.backtest_results,
  bars                  bigint,
  duration              double precision,
  created_at            timestamptz not null default clock_timestamp(),
  provenance_hash       text,
  notes                 text,
  tags                  text[] not null default '{}',
  ranked                boolean not null default false,
  benchmark_return      double precision,
  benchmark_mean        double precision,
  benchmark_m2          double precision,
  benchmark_comoment    double precision,
  excess_return         double precision,
  alpha                 double precision,
  beta                  double precision,
  information_ratio     double precision,
  break_even_fee        double precision,
  probabilistic_sharpe  double precision,
  min_track_record      double precision,
  deflated_sharpe_z     double precision,
  deflated_sharpe       double precision,
  pbo                   double precision,
  unique (optimization_run_id, ordinal),
  constraint backtest_results_outcome_known check (outcome in ('finished', 'failed')),
  constraint backtest_results_failed_says_why check (
    (outcome = 'failed') = (error is not null and error_kind is not null)),
  constraint backtest_results_failed_never_passes check (outcome = 'finished' or not passed),
  constraint backtest_results_rejected_says_why check (passed = (cardinality(rejection_reasons) = 0)),
  constraint backtest_results_ordinal_counts check (ordinal > 0),
  constraint backtest_results_parameters_are_named check (jsonb_typeof(parameters) = 'object'),
  constraint backtest_results_counts_positive check (
    sessions >= 0 and return_count >= 0 and tail_count >= 0 and total_orders >= 0 and total_trades >= 0
    and winning_trades >= 0 and losing_trades >= 0 and exposed_sessions >= 0 and max_drawdown_sessions >= 0),
  constraint backtest_results_trades_add_up check (winning_trades + losing_trades <= total_trades),
  constraint backtest_results_sessions_add_up check (exposed_sessions <= sessions and return_count <= sessions),
  constraint backtest_results_money_finite check (
    starting_cash > 0 and starting_cash < 'Infinity'
    and abs(ending_value) < 'Infinity' and abs(total_fees) < 'Infinity' and abs(traded_value) < 'Infinity'
    and gross_profit >= 0 and gross_profit < 'Infinity' and gross_loss >= 0 and gross_loss < 'Infinity'),
  constraint backtest_results_drawdown_range check (max_drawdown >= 0 and max_drawdown < 'Infinity'),
  constraint backtest_results_moments_finite check (
    abs(return_mean) < 'Infinity' and return_m2 >= 0 and return_m2 < 'Infinity'
    and abs(return_m3) < 'Infinity' and return_m4 >= 0 and return_m4 < 'Infinity'
    and downside_m2 >= 0 and downside_m2 < 'Infinity'),
  constraint backtest_results_blocks_aligned check (
    cardinality(block_counts) = cardinality(block_sums) and cardinality(block_sums) = cardinality(block_squares)),
  constraint backtest_results_benchmark_finite check (
    benchmark_return > -1 and benchmark_return < 'Infinity' and abs(benchmark_mean) < 'Infinity'
    and benchmark_m2 >= 0 and benchmark_m2 < 'Infinity' and abs(benchmark_comoment) < 'Infinity'),
  constraint backtest_results_failed_never_ranked check (outcome = 'finished' or not ranked),
  constraint backtest_results_tails_finite check (abs(tail_sum) < 'Infinity' and abs(tail_return) < 'Infinity'),
  constraint backtest_results_profits_finite check (
    abs(trade_profit_sum) < 'Infinity' and trade_profit_m2 >= 0 and trade_profit_m2 < 'Infinity'),
  constraint backtest_results_blocks_finite check (
    'Infinity' > all (block_sums) and '-Infinity' < all (block_sums)
    and 0 <= all (block_squares) and 'Infinity' > all (block_squares) and 0 <= all (block_counts))
);
create index backtest_results_by_day on desk.backtest_results (created_at);
create index backtest_results_board on desk.backtest_results
  (deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, id) where ranked;
create index backtest_results_board_passed on desk.backtest_results
  (deflated_sharpe_z desc nulls last, sharpe_ratio desc nulls last, id) where ranked and passed;
create index backtest_results_board_strategy on desk.backtest_results
  (strategy_id, deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, id) where ranked;
create index backtest_results_equal on desk.backtest_results (provenance_hash, id)
  where outcome = 'finished' and provenance_hash is not null and source_result_id is null;
comment on table desk.backtest_results is
  'One row a point of a run: what the engine measured, what the desk makes of it, and whether it passed.';
comment on column desk.backtest_results.id is 'Key.';
comment on column desk.backtest_results.optimization_run_id is 'The run.';
comment on column desk.backtest_results.strategy_id is 'The strategy.';
comment on column desk.backtest_results.ordinal is 'Number of the point in its run, from 1.';
comment on column desk.backtest_results.parameters is 'The point: parameter names and values.';
comment on column desk.backtest_results.outcome is 'finished or failed.';
comment on column desk.backtest_results.error_kind is
  'Of a failed one: strategy, deadline, memory, crash, infrastructure or impossible.';
comment on column desk.backtest_results.error is 'Of a failed one: what happened.';
comment on column desk.backtest_results.passed is 'True when all criteria of the run are met.';
comment on column desk.backtest_results.rejection_reasons is 'One sentence a criterion that is not met.';
comment on column desk.backtest_results.starting_cash is 'Raw: capital at the start.';
comment on column desk.backtest_results.ending_value is 'Raw: portfolio value at the end.';
comment on column desk.backtest_results.sessions is 'Raw: sessions in the equity curve.';
comment on column desk.backtest_results.return_count is 'Raw: number of daily returns at session close.';
comment on column desk.backtest_results.return_mean is 'Raw: mean daily return, a fraction.';
comment on column desk.backtest_results.return_m2 is 'Raw: sum of squared deviations of daily returns from their mean.';
comment on column desk.backtest_results.return_m3 is 'Raw: sum of cubed deviations.';
comment on column desk.backtest_results.return_m4 is 'Raw: sum of deviations to the fourth power.';
comment on column desk.backtest_results.downside_m2 is 'Raw: sum of squared negative daily returns.';
comment on column desk.backtest_results.tail_count is
  'Raw: number of daily returns in the worst twentieth, at least one.';
comment on column desk.backtest_results.tail_sum is 'Raw: sum of those.';
comment on column desk.backtest_results.tail_return is 'Raw: the least bad of those.';
comment on column desk.backtest_results.max_drawdown is 'Raw: largest fall from a running peak, a positive fraction.';
comment on column desk.backtest_results.max_drawdown_sessions is 'Raw: longest stretch of sessions below a peak.';
comment on column desk.backtest_results.total_orders is 'Raw: orders with a fill.';
comment on column desk.backtest_results.total_trades is 'Raw: closed trades.';
comment on column desk.backtest_results.winning_trades is 'Raw: closed trades with a net profit.';
comment on column desk.backtest_results.losing_trades is 'Raw: closed trades with a net loss.';
comment on column desk.backtest_results.gross_profit is 'Raw: sum of the winners'' net profits.';
comment on column desk.backtest_results.gross_loss is 'Raw: sum of the losers'' net losses, positive.';
comment on column desk.backtest_results.trade_profit_sum is 'Raw: sum of net profits of closed trades.';
comment on column desk.backtest_results.trade_profit_m2 is 'Raw: sum of squared deviations of those from their mean.';
comment on column desk.backtest_results.total_fees is 'Raw: all fees paid.';
comment on column desk.backtest_results.traded_value is 'Raw: sum of size times price over all fills.';
comment on column desk.backtest_results.exposed_sessions is 'Raw: sessions that ended with a position.';
comment on column desk.backtest_results.block_counts is 'Raw: daily returns in each equal stretch of the window.';
comment on column desk.backtest_results.block_sums is 'Raw: sums of daily returns in each stretch.';
comment on column desk.backtest_results.block_squares is 'Raw: sums of squared daily returns in each stretch.';
comment on column desk.backtest_results.metrics_given is
  'True where ratios came without raw moments and are kept as given.';
comment on column desk.backtest_results.total_return is 'Ending value over starting capital, less 1.';
comment on column desk.backtest_results.annual_return is 'Compound return a year of 252 sessions.';
comment on column desk.backtest_results.volatility is 'Sample deviation of daily returns times the root of 252.';
comment on column desk.backtest_results.sharpe_ratio is
  'Mean daily return less the risk-free rate, over the sample deviation, times the root of 252 (Sharpe 1994).';
comment on column desk.backtest_results.sortino_ratio is
  'The same over the downside deviation against 0 (Sortino and Price 1994).';
comment on column desk.backtest_results.calmar_ratio is 'Annual return over the largest drawdown (Young 1991).';
comment on column desk.backtest_results.skewness is 'Third standardized moment of daily returns.';
comment on column desk.backtest_results.kurtosis is
  'Fourth standardized moment of daily returns, raw: 3 for a normal distribution.';
comment on column desk.backtest_results.value_at_risk is
  'Daily loss exceeded in the worst twentieth of sessions, a positive fraction.';
comment on column desk.backtest_results.expected_shortfall is 'Mean daily loss in that twentieth.';
comment on column desk.backtest_results.win_rate is 'Winning trades over closed trades.';
comment on column desk.backtest_results.average_win is 'Mean net profit of winning trades.';
comment on column desk.backtest_results.average_loss is 'Mean net loss of losing trades, positive.';
comment on column desk.backtest_results.profit_factor is 'Gross profit over gross loss.';
comment on column desk.backtest_results.expectancy is 'Mean net profit of a closed trade.';
comment on column desk.backtest_results.sqn is
  'System quality number: root of trades times mean over deviation of net profits (Tharp 2008).';
comment on column desk.backtest_results.fee_pct is 'Fees as a fraction of the starting capital.';
comment on column desk.backtest_results.fee_share_of_profit is
  'Fees as a fraction of profit before fees; null when there was none.';
comment on column desk.backtest_results.turnover is 'Traded value a year over the starting capital.';
comment on column desk.backtest_results.exposure is 'Share of sessions that ended with a position.';
comment on column desk.backtest_results.engine is 'Engine that ran it.';
comment on column desk.backtest_results.engine_metrics is 'The engine''s own numbers, untouched.';
comment on column desk.backtest_results.code_version_id is 'Code that made it.';
comment on column desk.backtest_results.data_hash is 'Prices that made it.';
comment on column desk.backtest_results.parameters_hash is 'SHA-256 of the canonical parameters.';
comment on column desk.backtest_results.platform is 'Platform that made it.';
comment on column desk.backtest_results.seed is 'Seed that made it.';
comment on column desk.backtest_results.runner_id is 'Runner that made it.';
comment on column desk.backtest_results.attempt is 'Which attempt succeeded, or was the last.';
comment on column desk.backtest_results.source_result_id is 'Result it was copied from, when an equal one was known.';
comment on column desk.backtest_results.bars is 'Bars executed.';
comment on column desk.backtest_results.duration is 'Seconds that the backtest took.';
comment on column desk.backtest_results.created_at is 'When it was recorded.';
comment on column desk.backtest_results.provenance_hash is
  'SHA-256 of code, prices, parameters, settings and platform: equal hash, equal numbers.';
comment on column desk.backtest_results.notes is 'Free notes.';
comment on column desk.backtest_results.tags is 'Free tags.';
comment on column desk.backtest_results.ranked is
  'True where it has a place on the boards: finished, and of a search of its own, not of a fold or an estimate.';
comment on column desk.backtest_results.benchmark_return is 'Growth of the benchmark over the same sessions, less 1.';
comment on column desk.backtest_results.benchmark_mean is 'Mean daily return of the benchmark over the same sessions.';
comment on column desk.backtest_results.benchmark_m2 is 'Sum of squared deviations of the benchmark''s daily returns.';
comment on column desk.backtest_results.benchmark_comoment is
  'Sum of products of the deviations of both daily returns.';
comment on column desk.backtest_results.excess_return is 'Annual return less that of the benchmark.';
comment on column desk.backtest_results.alpha is
  'Annualized mean daily return that beta times the benchmark''s does not explain.';
comment on column desk.backtest_results.beta is 'Co-moment with the benchmark over the benchmark''s own.';
comment on column desk.backtest_results.information_ratio is
  'Annualized mean over sample deviation of the daily return above the benchmark''s.';
comment on column desk.backtest_results.break_even_fee is
  'Profit before fees over traded value: the fee, as a fraction of a fill, at which nothing is left.';
comment on column desk.backtest_results.probabilistic_sharpe is 'Probability that the true Sharpe ratio is above 0.';
comment on column desk.backtest_results.min_track_record is
  'Sessions needed before the Sharpe ratio is above 0 with 95% confidence.';
comment on column desk.backtest_results.deflated_sharpe_z is
  'Distance of the Sharpe ratio from what the best of as many noise trials is expected to have, in standard errors; '
  'written when the run closes.';
comment on column desk.backtest_results.deflated_sharpe is
  'The probability of that distance; written when the run closes.';
comment on column desk.backtest_results.pbo is
  'Probability of backtest overfitting of its run; written when the run closes.';

create table desk.equity_curves (
  backtest_result_id bigint primary key references desk.backtest_results on delete cascade,
  sessions           date[] not null,
  equity             double precision[] not null,
  constraint equity_curves_aligned check (cardinality(sessions) = cardinality(equity)),
  constraint equity_curves_finite check ('Infinity' > all (equity) and '-Infinity' < all (equity))
);
alter table desk.equity_curves alter column sessions set storage external;
alter table desk.equity_curves alter column equity set storage external;
comment on table desk.equity_curves is
  'Portfolio value at each session close, of results that the run''s policy keeps.';
comment on column desk.equity_curves.backtest_result_id is 'The result.';
comment on column desk.equity_curves.sessions is 'Dates of the sessions.';
comment on column desk.equity_curves.equity is 'Portfolio value at the close of each, in account currency.';

create table desk.trades (
  backtest_result_id bigint primary key references desk.backtest_results on delete cascade,
  symbols            text[] not null,
  entry_times        timestamptz[] not null,
  exit_times         timestamptz[] not null,
  sizes              double precision[] not null,
  entry_prices       double precision[] not null,
  exit_prices        double precision[] not null,
  profits            double precision[] not null,
  fees               double precision[] not null,
  constraint trades_aligned check (
    cardinality(symbols) = cardinality(entry_times) and cardinality(symbols) = cardinality(exit_times)
    and cardinality(symbols) = cardinality(sizes) and cardinality(symbols) = cardinality(entry_prices)
    and cardinality(symbols) = cardinality(exit_prices) and cardinality(symbols) = cardinality(profits)
    and cardinality(symbols) = cardinality(fees)),
  constraint trades_finite check (
    'Infinity' > all (sizes) and '-Infinity' < all (sizes) and 'Infinity' > all (entry_prices)
      and '-Infinity' < all (entry_prices)
    and 'Infinity' > all (exit_prices) and '-Infinity' < all (exit_prices) and 'Infinity' > all (profits)
    and '-Infinity' < all (profits) and 'Infinity' > all (fees) and '-Infinity' < all (fees))
);
comment on table desk.trades is
  'Closed trades of a result as arrays, of results that the run''s policy keeps. Read as rows through result_trades.';
comment on column desk.trades.backtest_result_id is 'The result.';
comment on column desk.trades.symbols is 'Symbol of each trade.';
comment on column desk.trades.entry_times is 'Bar time of each entry.';
comment on column desk.trades.exit_times is 'Bar time of each exit.';
comment on column desk.trades.sizes is 'Units, negative when short.';
comment on column desk.trades.entry_prices is 'Average price of entry.';
comment on column desk.trades.exit_prices is 'Average price of exit.';
comment on column desk.trades.profits is 'Profit net of fees, in account currency.';
comment on column desk.trades.fees is 'Fees of entry and exit.';

create table desk.reproductions (
  id                 bigint generated always as identity primary key,
  backtest_result_id bigint not null references desk.backtest_results on delete cascade,
  verdict            text not null,
  differences        jsonb not null default '{}',
  compared           text[] not null,
  platform           text not null,
  reproduced_by      text not null default session_user,
  reproduced_at      timestamptz not null default clock_timestamp(),
  constraint reproductions_verdict_known check (verdict in ('equal', 'different')),
  constraint reproductions_different_says_where check ((verdict = 'different') = (differences <> '{}'))
);
create index reproductions_by_result on desk.reproductions (backtest_result_id, id desc);
comment on table desk.reproductions is
  'One row a time that somebody ran a recorded point again and compared it to the bit.';
comment on column desk.reproductions.id is 'Key.';
comment on column desk.reproductions.backtest_result_id is 'The result.';
comment on column desk.reproductions.verdict is 'equal or different.';
comment on column desk.reproductions.differences is 'What differs: {name: [recorded, again]}.';
comment on column desk.reproductions.compared is
  'What was compared: metrics, and sessions, equity and trades where they are stored.';
comment on column desk.reproductions.platform is 'Platform on which it was run again.';
comment on column desk.reproductions.reproduced_by is 'Who did it.';
comment on column desk.reproductions.reproduced_at is 'When.';

alter table desk.walk_forward_folds
  add foreign key (chosen_result_id) references desk.backtest_results;

alter table desk.walk_forward_folds
  add foreign key (out_of_sample_result_id) references desk.backtest_results;
