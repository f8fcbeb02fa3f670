-- Orders that the broker refused, by reason: a strategy that never traded may have tried to.

alter table desk.backtest_results
  add column refused_for_cash bigint,
  add column refused_otherwise bigint,
  add constraint backtest_results_refusals_positive check (refused_for_cash >= 0 and refused_otherwise >= 0);
comment on column desk.backtest_results.refused_for_cash is
  'Orders that the broker refused for lack of cash or margin; null where the engine does not count them.';
comment on column desk.backtest_results.refused_otherwise is
  'Orders that the broker refused for another reason; null where the engine does not count them.';

alter type desk.raw_metrics
  add attribute refused_for_cash bigint,
  add attribute refused_otherwise bigint;
