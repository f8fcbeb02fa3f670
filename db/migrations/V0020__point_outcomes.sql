-- What a runner hands over of a finished point: a batch of them is one array, and one call.

create type desk.point_outcome as (
  work_item_id       bigint,
  token              uuid,
  ordinal            bigint,
  metrics            jsonb,
  sessions           date[],
  equity             double precision[],
  trade_symbols      text[],
  trade_entry_times  timestamptz[],
  trade_exit_times   timestamptz[],
  trade_sizes        double precision[],
  trade_entry_prices double precision[],
  trade_exit_prices  double precision[],
  trade_profits      double precision[],
  trade_fees         double precision[]
);
comment on type desk.point_outcome is 'A finished point as complete_work() takes it. Runners send the fields by their place: add to the end only.';
comment on column desk.point_outcome.work_item_id is 'The work item that it was claimed with.';
comment on column desk.point_outcome.token is 'The token of that claim.';
comment on column desk.point_outcome.ordinal is 'Its place in the search.';
comment on column desk.point_outcome.metrics is 'Raw metrics by the names of the columns of backtest_results.';
comment on column desk.point_outcome.sessions is 'Sessions of its curve, ascending; null without a curve.';
comment on column desk.point_outcome.equity is 'Value at the close of each session.';
comment on column desk.point_outcome.trade_symbols is 'Symbol of each closed trade.';
comment on column desk.point_outcome.trade_entry_times is 'When each was opened.';
comment on column desk.point_outcome.trade_exit_times is 'When each was closed.';
comment on column desk.point_outcome.trade_sizes is 'Shares that each opened, negative for a short.';
comment on column desk.point_outcome.trade_entry_prices is 'Average price of its opening.';
comment on column desk.point_outcome.trade_exit_prices is 'Average price of its closing.';
comment on column desk.point_outcome.trade_profits is 'Profit of each, fees taken off.';
comment on column desk.point_outcome.trade_fees is 'Fees of each.';
