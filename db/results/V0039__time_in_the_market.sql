-- Time in the market by bars, and what Harvey and Liu leave of a Sharpe ratio.

alter table desk.backtest_results
  add column exposed_time double precision,
  add column haircut_sharpe double precision,
  add constraint backtest_results_exposed_time_range check (exposed_time >= 0 and exposed_time <= sessions);
comment on column desk.backtest_results.exposed_time is
  'Raw: sum over sessions of the share of their bars that ended with a position; null from engines without bars.';
comment on column desk.backtest_results.exposure is
  'Time in the market: exposed_time over sessions; without it the share of sessions that ended with a position.';
comment on column desk.backtest_results.sortino_ratio is
  'Annualized mean over the downside deviation, both against 0 (Sortino and Price 1994).';
comment on column desk.backtest_results.break_even_fee is
  'Profit before fees over traded value: the fee, as a fraction of a fill, at which nothing is left at fixed sizes.';
comment on column desk.backtest_results.haircut_sharpe is
  'Annualized Sharpe ratio after a haircut for all trials: by Bonferroni''s p-value (Harvey and Liu 2015); written '
  'when the run closes.';

alter type desk.raw_metrics add attribute exposed_time double precision;
