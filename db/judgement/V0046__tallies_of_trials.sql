-- Tallies are sums of the view of trials; an upgrade counts them anew.

comment on table desk.run_tallies is
  'Trials of a run by quarter of an hour: any time zone''s day is a sum of these, without reading a million results.';
comment on column desk.run_tallies.finished is 'Backtests tried that finished in it: trials.tried.';
comment on column desk.run_tallies.failed is 'Those that failed.';
comment on column desk.run_tallies.passed is 'Results that passed, of searches and stitched tests: trials.judged.';
comment on column desk.run_tallies.best_sharpe is 'Best Sharpe ratio of these, passed or not.';
comment on column desk.run_tallies.best_passed_sharpe is 'Best Sharpe ratio of those that passed.';
-- A strategy is shown by its best passed result, where it has one.
create index backtest_results_board_strategy_passed on desk.backtest_results
  (strategy_id, deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, lost, id)
  where ranked and passed;

comment on column desk.optimization_runs.summary is
  '72 runs complete, 3 passed, best Sharpe: 1.8; where it did not pass, the best passed follows.';
