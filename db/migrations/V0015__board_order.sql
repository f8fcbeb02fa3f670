-- The boards' order: by what is left after luck; where that is not known yet, passed first and then by Sharpe ratio.

drop index desk.backtest_results_best, desk.backtest_results_ranked, desk.backtest_results_board, desk.backtest_results_board_strategy;
create index backtest_results_board on desk.backtest_results
  (deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, id) where ranked;
create index backtest_results_board_strategy on desk.backtest_results
  (strategy_id, deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, id) where ranked;
