-- What a benchmark's sums are over its whole window is computed once a run, not once a point.
alter table desk.run_benchmarks add column sums jsonb;
comment on column desk.run_benchmarks.sums is
  'Growth, mean and second moment over all sessions, as benchmark_sums() gives them; null where the run began before they were kept.';
