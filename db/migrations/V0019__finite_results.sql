-- What is not a number compares as greater than every number, so it must not get in anywhere.
alter table desk.backtest_results
  add constraint backtest_results_tails_finite check (abs(tail_sum) < 'Infinity' and abs(tail_return) < 'Infinity'),
  add constraint backtest_results_profits_finite check (
    abs(trade_profit_sum) < 'Infinity' and trade_profit_m2 >= 0 and trade_profit_m2 < 'Infinity'),
  add constraint backtest_results_blocks_finite check (
    'Infinity' > all (block_sums) and '-Infinity' < all (block_sums)
    and 0 <= all (block_squares) and 'Infinity' > all (block_squares) and 0 <= all (block_counts));
alter table desk.equity_curves
  add constraint equity_curves_finite check ('Infinity' > all (equity) and '-Infinity' < all (equity));
alter table desk.trades
  add constraint trades_finite check (
    'Infinity' > all (sizes) and '-Infinity' < all (sizes) and 'Infinity' > all (entry_prices) and '-Infinity' < all (entry_prices)
    and 'Infinity' > all (exit_prices) and '-Infinity' < all (exit_prices) and 'Infinity' > all (profits)
    and '-Infinity' < all (profits) and 'Infinity' > all (fees) and '-Infinity' < all (fees));
