-- What is open when a run ends, as the engine saw it: the stitched result of a walk-forward closes it.

alter table desk.backtest_results
  add column open_positions jsonb,
  add constraint backtest_results_open_positions_listed check (jsonb_typeof(open_positions) = 'array');
comment on column desk.backtest_results.open_positions is
  'A list of what was open at the last bar: symbol, entry_time, size (units held, negative when short), opened (units '
  'bought or sold to enter), entry_price (their average), last_time, last_close, profit at that close before fees, and '
  'fees so far. Null where the engine does not tell.';

alter type desk.raw_metrics add attribute open_positions jsonb;
