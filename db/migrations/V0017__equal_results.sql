-- The earliest of equal results is found by the index alone, also while the table has no statistics yet: with
-- the hash alone, a plan made on a young table read every result once for every result of a closing run.
drop index desk.backtest_results_equal;
create index backtest_results_equal on desk.backtest_results (provenance_hash, id)
  where outcome = 'finished' and provenance_hash is not null and source_result_id is null;
