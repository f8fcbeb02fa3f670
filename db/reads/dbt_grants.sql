-- What dbt may read. Its views in `analytics` read with its rights, but call functions with the reader's.

grant select on desk.strategies, desk.code_versions, desk.settings, desk.jobs, desk.optimization_runs,
  desk.run_progress,
  desk.full_results, desk.full_trials, desk.board, desk.runner_code, desk.work_items, desk.runner_status to desk_dbt;
grant execute on function desk.summary_text(bigint, bigint, bigint, double precision, double precision, bigint)
  to desk_dbt, desk_director, desk_viewer;
