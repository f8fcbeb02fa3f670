-- Luck of alike trials: their correlation instead of a smaller number, the chance of the best, what repeats another.

alter table desk.backtest_results
  add column luck_p double precision,
  add column repeated boolean not null default false,
  add constraint backtest_results_luck_p_range check (luck_p between 0 and 1);
comment on column desk.backtest_results.luck_p is
  'Chance that the best of as many trials without skill, as alike as these, is as good; written when the run closes.';
comment on column desk.backtest_results.repeated is
  'True where an equal trial was counted before it, a copy or a run again: no trial of its own.';

-- A copy of a pilot point counts where no other has before, so copies are found by it too.
drop index desk.backtest_results_equal;
create index backtest_results_equal on desk.backtest_results (provenance_hash, id)
  where outcome = 'finished' and provenance_hash is not null;

alter table desk.run_statistics
  add column correlation_from text,
  add column correlation_error double precision,
  add column family_correlation double precision,
  add column family_windows bigint not null default 0,
  add column expected_maximum double precision,
  add column noise double precision[],
  add column formulas integer not null default 0,
  add constraint run_statistics_correlation_source_known check (correlation_from in ('curves', 'blocks'));
comment on column desk.run_statistics.correlation_from is
  'What the correlation is of: curves (daily returns, where the run keeps every curve) or blocks (sums of returns).';
comment on column desk.run_statistics.correlation_error is
  'Standard error of the correlation, by the number of blocks or sessions that it is of.';
comment on column desk.run_statistics.correlation is
  'Mean correlation between two of its trials: of daily returns where it keeps every curve, else of block sums.';
comment on column desk.run_statistics.family_correlation is
  'r: mean correlation between two trials of the family; between windows 0.';
comment on column desk.run_statistics.family_windows is 'Windows that the family''s trials are of.';
comment on column desk.run_statistics.effective_trials is
  'N as independent trials, N (1 - r) + r by window; for people, no formula uses it.';
comment on column desk.run_statistics.trial_variance is
  'V: variance of their Sharpe ratios a session, as observed; it counts where noise does not explain it.';
comment on column desk.run_statistics.expected_maximum is
  'What the best of the family''s trials without skill is expected to have, in standard errors of a Sharpe ratio.';
comment on column desk.run_statistics.noise is
  'Logarithm of the chance that the best of them is above -5, -4.8 ... 9 standard errors; empty for one trial.';
comment on column desk.run_statistics.formulas is
  'Which formulas it was counted by: those of an older version are counted again at an upgrade.';
