-- How many sessions a year has is a fact of the run: of its calendars and the length of its bars.

alter table desk.optimization_runs
  add column sessions_a_year double precision,
  add constraint optimization_runs_year_counts check (sessions_a_year > 0 and sessions_a_year <= 366);
comment on column desk.optimization_runs.sessions_a_year is
  'Sessions a year by which its results are judged: of its symbols'' calendars, together, and the length of a bar; of '
  'imported ones LEAN''s own. Null until a desk from before it was asked is brought up to date.';
create index optimization_runs_year_unknown on desk.optimization_runs (id) where sessions_a_year is null;

alter table desk.backtest_results
  add column sessions_a_year double precision not null default 252,
  add constraint backtest_results_year_counts check (sessions_a_year > 0 and sessions_a_year <= 366);
comment on column desk.backtest_results.sessions_a_year is 'Sessions a year by which it was judged: its run''s.';
comment on column desk.backtest_results.annual_return is 'Compound return a year, of the run''s sessions a year.';
comment on column desk.backtest_results.volatility is
  'Sample deviation of daily returns times the root of the sessions a year.';
comment on column desk.backtest_results.sharpe_ratio is
  'Mean daily return less the risk-free rate, over the sample deviation, times the root of the sessions a year (Sharpe '
  '1994).';
