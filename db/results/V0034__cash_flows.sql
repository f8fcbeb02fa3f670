-- Deposits and withdrawals of a run whose config asks for them, apart from what it earned.

alter table desk.backtest_results
  add column net_flows double precision,
  add column earned double precision,
  add constraint backtest_results_flows_with_earnings check ((net_flows is null) = (earned is null));
comment on column desk.backtest_results.net_flows is
  'Raw: deposits less withdrawals, in money; null in a run whose config has no cash_flows.';
comment on column desk.backtest_results.earned is
  'Raw: the account at its end less its start and net_flows, in money; null where net_flows is. ending_value is then '
  'what the starting cash alone became.';
alter type desk.raw_metrics add attribute net_flows double precision, add attribute earned double precision;
