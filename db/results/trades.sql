-- Trades of results as rows.

create or replace view desk.result_trades as
select t.backtest_result_id, u.trade, u.symbol, u.entry_time, u.exit_time, u.size, u.entry_price, u.exit_price,
  u.profit, u.fee as fees
from desk.trades as t
cross join lateral unnest(
  t.symbols, t.entry_times, t.exit_times, t.sizes, t.entry_prices, t.exit_prices, t.profits, t.fees)
  with ordinality as u (symbol, entry_time, exit_time, size, entry_price, exit_price, profit, fee, trade);
comment on view desk.result_trades is 'One row a closed trade of a result whose series are kept.';
comment on column desk.result_trades.backtest_result_id is 'The result.';
comment on column desk.result_trades.trade is 'Number of the trade, from 1.';
comment on column desk.result_trades.symbol is 'Symbol.';
comment on column desk.result_trades.entry_time is 'Bar time of entry.';
comment on column desk.result_trades.exit_time is 'Bar time of exit.';
comment on column desk.result_trades.size is 'Units, negative when short.';
comment on column desk.result_trades.entry_price is 'Average price of entry.';
comment on column desk.result_trades.exit_price is 'Average price of exit.';
comment on column desk.result_trades.profit is 'Profit net of fees.';
comment on column desk.result_trades.fees is 'Fees of entry and exit.';

grant select on desk.result_trades to desk_director, desk_viewer;
