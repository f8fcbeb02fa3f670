-- An account that reaches zero is lost: the session as a raw fact, the verdict as a column that the boards sort by.

alter table desk.backtest_results
  add column lost_on date,
  add column lost boolean not null default false,
  add constraint backtest_results_lost_never_passes check (not lost or not passed);
comment on column desk.backtest_results.lost_on is
  'First session that closed with an account at or below zero; null where there was none, or no curve to tell it.';
comment on column desk.backtest_results.lost is
  'True where the account reached zero: its ratios of return to risk are undefined, it never passes and is never best.';

update desk.backtest_results as b
set lost_on = l.session
from desk.equity_curves as e
cross join lateral (
  select min(u.session) as session from unnest(e.sessions, e.equity) as u (session, value) where u.value <= 0
) as l
where e.backtest_result_id = b.id and 0 >= any (e.equity);

alter type desk.raw_metrics add attribute lost_on date;

drop index desk.backtest_results_board;
create index backtest_results_board on desk.backtest_results
  (deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, lost, id) where ranked;
drop index desk.backtest_results_board_strategy;
create index backtest_results_board_strategy on desk.backtest_results
  (strategy_id, deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, lost, id) where ranked;
-- What an older version judged as if nothing had happened: found without a look at every result, empty afterwards.
create index backtest_results_lost_unjudged on desk.backtest_results (optimization_run_id)
  where outcome = 'finished' and not lost
    and (lost_on is not null or ending_value <= 0 or (return_count is not null and max_drawdown >= 1));
