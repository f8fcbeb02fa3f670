-- Who may do what, exactly. Whatever is not in these tables nobody but the owner may do.

select plan(10);

-- Lists over several lines are read without their line breaks.
create function pg_temp.items(p_list text) returns setof text language sql as
  $$select btrim(i) from regexp_split_to_table(p_list, ',\s*') as i where btrim(i) <> ''$$;
create function pg_temp.role_name(p_oid oid) returns text language sql as
  $$select case p_oid when 0 then 'PUBLIC' else p_oid::regrole::text end collate "default"$$;

select set_eq(
  $have$
  select pg_temp.role_name(a.grantee), lower(a.privilege_type) collate "default", c.relname::text collate "default"
  from pg_class as c, aclexplode(c.relacl) as a
  where c.relnamespace = 'desk'::regnamespace and a.grantee <> c.relowner
  $have$,
  $want$
  select t.role, t.privilege, object
  from (values
    ('desk_dbt', 'select', 'backtest_results, board, code_versions, crisis_windows, full_results, full_trials, jobs, optimization_runs, reproductions, result_costs,
     result_periods, run_benchmarks, run_progress, run_versions, run_statistics, run_tallies, runner_code, runner_status, settings,
     strategies, trials, walk_forward_efficiency, walk_forward_folds, work_items,
     accounts, broker_orders, halts, newest_executions, order_types, risk_events, session_days, trading_sessions'),
    ('desk_director', 'delete', 'crisis_windows, recurring_jobs, risk_limits, success_criteria'),
    ('desk_director', 'insert', 'crisis_windows, success_criteria'),
    ('desk_director', 'update', 'crisis_windows'),
    ('desk_director', 'select', 'adjustment_factors, backlog, backtest_results, bars, batch_summary, batches, calendar_coverage, calendar_sessions,
     calendars, chores, code_versions, config_keys,
     equity_curves, estimates, imported_results, imports, instruments, job_events, job_progress, job_states, jobs,
     metric_definitions, optimization_runs, price_coverage, price_sources, price_versions, recurring_jobs, refused_imports, result_trades,
     reproductions, result_costs, result_periods, run_benchmarks, run_statistics, run_tallies, crisis_windows,
     run_progress, run_states, run_symbols, runner_code, runner_status, runners, search_axes, search_generations,
     search_points, searches, settings, strategies, strategy_events, strategy_parameters, strategy_transitions, host_code, broken_files, version_parameters, verdict_kinds, code_verdicts, code_checks,
     version_checks,
     board, fold_sharpes, ranked_results, walk_forward_efficiency,
     funnel, queue_states, result_metrics, run_failures, run_rejections, throughput,
     daily_summaries, fills, order_events, orders, portfolio_snapshots, position_history, risk_events, risk_limit_definitions, risk_limits,
     session_trades, trading_sessions, open_items,
     account_ledgers, account_values, accounts, approvals, broker_codes, broker_looks, broker_order_events, broker_orders,
     broker_statuses, cash_movements, link_events, open_differences, order_absences, reconcile_differences,
     executions, halts, halts_now, level_rules, limit_changes, consents, live_accounts, live_alarms, desired_processes, process_holds, process_events, live_orders, live_sessions,
     order_trail, order_transitions, order_types, positions, parameter_importance, restricted_symbols, session_days, session_ledgers, session_prices,
     session_stream, stream_kinds, session_feeds, session_audits,
     success_criteria, task_kinds, trades, trials, tried_this_week, walk_forward_folds, walk_forward_plans, work_items'),
    ('desk_importer', 'select', 'backtest_results, imported_results, imports, jobs, metric_definitions, optimization_runs,
     refused_imports, run_progress, strategies'),
    ('desk_viewer', 'select', 'adjustment_factors, backlog, backtest_results, bars, batch_summary, batches, calendar_coverage, calendar_sessions,
     calendars, chores, code_versions, config_keys,
     equity_curves, estimates, imported_results, imports, instruments, job_events, job_progress, job_states, jobs,
     metric_definitions, optimization_runs, price_coverage, price_sources, price_versions, recurring_jobs, refused_imports, result_trades,
     reproductions, result_costs, result_periods, run_benchmarks, run_statistics, run_tallies, crisis_windows,
     run_progress, run_states, run_symbols, runner_code, runner_status, runners, search_axes, search_generations,
     search_points, searches, settings, strategies, strategy_events, strategy_parameters, strategy_transitions, host_code, broken_files, version_parameters, verdict_kinds, code_verdicts, code_checks,
     version_checks,
     board, fold_sharpes, ranked_results, walk_forward_efficiency,
     funnel, queue_states, result_metrics, run_failures, run_rejections, throughput,
     daily_summaries, fills, order_events, orders, portfolio_snapshots, position_history, risk_events, risk_limit_definitions, risk_limits,
     session_trades, trading_sessions, open_items,
     account_ledgers, account_values, accounts, approvals, broker_codes, broker_looks, broker_order_events, broker_orders,
     broker_statuses, cash_movements, link_events, open_differences, order_absences, reconcile_differences,
     executions, halts, halts_now, level_rules, limit_changes, consents, live_accounts, live_alarms, desired_processes, process_holds, process_events, live_orders, live_sessions,
     order_trail, order_transitions, order_types, positions, parameter_importance, restricted_symbols, session_days, session_ledgers, session_prices,
     session_stream, stream_kinds, session_feeds, session_audits,
     success_criteria, task_kinds, trades, trials, tried_this_week, walk_forward_folds, walk_forward_plans, work_items')
  ) as t (role, privilege, objects), pg_temp.items(t.objects) as object
  $want$,
  'each role has exactly these privileges on tables and views');

select set_eq(
  $have$
  select pg_temp.role_name(a.grantee), lower(a.privilege_type) collate "default", c.relname::text collate "default", t.attname::text collate "default"
  from pg_class as c
  join pg_attribute as t on t.attrelid = c.oid
  cross join aclexplode(t.attacl) as a
  where c.relnamespace = 'desk'::regnamespace and a.grantee <> c.relowner
  $have$,
  $want$
  select t.role, t.privilege, t.object, col
  from (values
    ('desk_director', 'insert', 'batches', 'name, file, notes'),
    ('desk_director', 'insert', 'risk_limits', 'strategy_id, account_id, limit_name, threshold'),
    ('desk_director', 'update', 'accounts', 'flatten_on_stop, restart_at, restart_zone, restart_minutes, gateway, client_id'),
    ('desk_director', 'update', 'instruments', 'lot, tick'),
    ('desk_director', 'select', 'session_processes', 'trading_session_id, code_hash, host, pid, began_at, beat_at, seen, decided'),
    ('desk_director', 'select', 'account_links', 'account_id, state, host, pid, began_at, beat_at, connection'),
    ('desk_viewer', 'select', 'session_processes', 'trading_session_id, code_hash, host, pid, began_at, beat_at, seen, decided'),
    ('desk_viewer', 'select', 'account_links', 'account_id, state, host, pid, began_at, beat_at, connection'),
    ('desk_director', 'update', 'risk_limits', 'threshold'),
    ('desk_director', 'insert', 'jobs', 'kind, strategy, config, config_file, priority, run_after, notes, tags, batch_id, force'),
    ('desk_director', 'update', 'jobs', 'notes, tags'),
    ('desk_director', 'update', 'optimization_runs', 'notes, tags'),
    ('desk_director', 'update', 'recurring_jobs', 'every, config, config_file, priority, notes'),
    ('desk_director', 'update', 'settings', 'value'),
    ('desk_director', 'update', 'strategies', 'title, hypothesis, priority, notes, tags'),
    ('desk_director', 'update', 'success_criteria', 'comparison, threshold'),
    ('desk_importer', 'insert', 'backtest_results', 'optimization_run_id, strategy_id, parameters, engine, total_return,
     annual_return, volatility, sharpe_ratio, sortino_ratio, calmar_ratio, skewness, kurtosis, value_at_risk, expected_shortfall,
     win_rate, average_win, average_loss, profit_factor, expectancy, sqn, fee_pct, fee_share_of_profit, turnover, exposure'),
    ('desk_importer', 'insert', 'backtest_results', (select string_agg(m.name, ', ') from unnest(desk.raw_metric_names()) as m (name)
     where m.name not in ('benchmark_return', 'benchmark_mean', 'benchmark_m2', 'benchmark_comoment'))),
    ('desk_importer', 'insert', 'optimization_runs', 'strategy_id, config_file, optimization_type, target_metric, total_combinations, status, symbols,
     timeframe, start_date, end_date, cash, engine, notes, tags, sessions_a_year'),
    ('desk_director', 'insert', 'backtest_results', 'optimization_run_id, strategy_id, parameters, engine, total_return,
     annual_return, volatility, sharpe_ratio, sortino_ratio, calmar_ratio, skewness, kurtosis, value_at_risk, expected_shortfall,
     win_rate, average_win, average_loss, profit_factor, expectancy, sqn, fee_pct, fee_share_of_profit, turnover, exposure'),
    ('desk_director', 'insert', 'backtest_results', (select string_agg(m.name, ', ') from unnest(desk.raw_metric_names()) as m (name)
     where m.name not in ('benchmark_return', 'benchmark_mean', 'benchmark_m2', 'benchmark_comoment'))),
    ('desk_director', 'insert', 'optimization_runs', 'strategy_id, config_file, optimization_type, target_metric, total_combinations, status, symbols,
     timeframe, start_date, end_date, cash, engine, notes, tags, sessions_a_year')
  ) as t (role, privilege, object, columns), pg_temp.items(t.columns) as col
  $want$,
  'and exactly these on columns');

-- The functions that somebody may call: the desk's interface. Roles without their desk_.
create temporary table interface (name text, arguments text, volatility text, security text, roles text);
insert into interface
select t.name, regexp_replace(t.arguments, '\s+', ' ', 'g'), t.volatility, t.security, t.roles
from (values
    ('adjusted_bars', 'p_instrument_id bigint, p_timeframe text, p_version integer, p_factors_version integer, p_start date,
     p_end date, p_zone text, p_day_begins interval', 'stable', 'definer', 'director, viewer'),
    ('advance_runs', 'p_runner_id bigint', 'volatile', 'definer', 'runner'),
    ('backtest_figures', 'p_metrics jsonb, p_risk_free_rate float8, p_sessions_a_year float8', 'stable', 'definer', 'director, viewer'),
    ('begin_import', 'p_strategy_id bigint, p_folder text, p_hashes text[], OUT import_id bigint, OUT known text[], OUT
     known_runs bigint[]', 'volatile', 'definer', 'importer'),
    ('accept_fault', 'p_strategy text, p_reason text, p_code_hash text', 'volatile', 'definer', 'director'),
    ('can_retry', 'p_job_id bigint', 'stable', 'definer', 'director, viewer'),
    ('job_advice', 'p_job_id bigint', 'stable', 'definer', 'dbt, director, viewer'),
    ('contract_terms', 'p_symbols text[]', 'stable', 'definer', 'director, viewer'),
    ('code_fault', 'p_version_id bigint', 'stable', 'definer', 'director, viewer'),
    ('code_note', 'p_run_id bigint', 'stable', 'definer', 'director, viewer'),
    ('files_changed', 'p_runner_id bigint, p_strategies jsonb, p_error text', 'volatile', 'definer', 'runner'),
    ('may_register_again', 'p_runner_id bigint, p_code_hashes text[]', 'stable', 'definer', 'runner'),
    ('break_even_fee', 'p_result_id bigint', 'stable', 'definer', 'dbt, director, viewer'),
    ('trading_day', 'p_at timestamptz, p_timeframe text, p_zone text', 'stable', 'invoker', 'dbt, director, viewer'),
    ('bulk_parameters', 'p_id bigint', 'stable', 'definer', 'dbt, director, importer, viewer'),
    ('bulk_parameters_hash', 'p_id bigint', 'stable', 'definer', 'dbt, director, importer, viewer'),
    ('bulk_plan', 'p_run_id bigint', 'stable', 'definer', 'runner'),
    ('bulk_reason_kinds', 'p_run_id bigint, p_verdict integer, p_undefined integer', 'stable', 'definer', 'director, viewer'),
    ('bulk_reasons', 'p_id bigint', 'stable', 'definer', 'dbt, director, importer, viewer'),
    ('complete_block', 'p_work_item_id bigint, p_token uuid, p_first_ordinal bigint, p_seconds float8, p_sessions integer[],
     p_return_count integer[], p_tail_count integer[], p_max_drawdown_sessions integer[], p_total_orders integer[],
     p_total_trades integer[], p_winning_trades integer[], p_losing_trades integer[], p_exposed_sessions integer[],
     p_ending_value float8[], p_return_mean float8[], p_return_m2 float8[], p_return_m3 float8[], p_return_m4 float8[],
     p_downside_m2 float8[], p_tail_sum float8[], p_tail_return float8[], p_max_drawdown float8[], p_gross_profit float8[],
     p_gross_loss float8[], p_trade_profit_sum float8[], p_trade_profit_m2 float8[], p_total_fees float8[],
     p_traded_value float8[], p_refused_for_cash integer[], p_refused_otherwise integer[], p_exposed_time float8[],
     p_benchmark_comoment float8[], p_lost_on date[], p_failed_ordinals bigint[], p_failed_kinds text[],
     p_failed_errors text[], p_block_counts integer[], p_block_sums float8[], p_block_squares float8[]', 'volatile', 'definer', 'runner'),
    ('min_track_record', 'p_sharpe float8, p_hurdle float8, p_skewness float8, p_kurtosis float8, p_confidence float8', 'immutable', 'invoker', 'dbt, director, importer, viewer'),
    ('probabilistic_sharpe', 'p_sharpe float8, p_hurdle float8, p_skewness float8, p_kurtosis float8, p_sessions float8', 'immutable', 'invoker', 'dbt, director, importer, viewer'),
    ('cancel_job', 'p_job_id bigint', 'volatile', 'definer', 'director'),
    ('claim_task', 'p_runner_id bigint', 'volatile', 'definer', 'runner'),
    ('claim_work', 'p_runner_id bigint, p_limit integer, p_waits boolean', 'volatile', 'definer', 'runner'),
    ('complete_and_claim', 'p_outcomes point_outcome[], p_runner_id bigint, p_limit integer', 'volatile', 'definer', 'runner'),
    ('complete_task', 'p_work_item_id bigint, p_token uuid, p_result jsonb', 'volatile', 'definer', 'runner'),
    ('complete_work', 'p_outcomes point_outcome[]', 'volatile', 'definer', 'runner'),
    ('compare_results', 'VARIADIC p_results bigint[]', 'stable', 'definer', 'director, viewer'),
    ('run_points', 'p_run_id bigint, p_points integer', 'stable', 'definer', 'director, viewer'),
    ('task_points', 'p_work_item_id bigint, p_token uuid', 'stable', 'definer', 'runner'),
    ('curve_drawdowns', 'p_sessions date[], p_equity float8[], p_cash float8, p_count integer', 'immutable', 'invoker', 'director, viewer'),
    ('reduce_trading', 'p_reason text, p_account text, p_session_id bigint, p_flatten boolean', 'volatile', 'definer', 'director'),
    ('cancel_live_order', 'p_order_id bigint, p_reason text', 'volatile', 'definer', 'director'),
    ('level_of_account', 'p_account_id bigint', 'stable', 'definer', 'director, viewer'),
    ('config_schema', '', 'stable', 'definer', 'director, viewer'),
    ('help', 'p_topic text', 'stable', 'invoker', 'director, viewer'),
    ('cost_sweep', 'p_result_id bigint, p_multiples float8[]', 'stable', 'definer', 'dbt, director, viewer'),
    ('curve_periods', 'p_sessions date[], p_equity float8[], p_cash float8, p_sessions_a_year float8', 'stable', 'definer', 'dbt, director, viewer'),
    ('describe_import', 'p_run_id bigint, p_config jsonb', 'volatile', 'definer', 'importer'),
    ('desk_luck', '', 'stable', 'definer', 'director, viewer'),
    ('estimate', 'p_config jsonb, p_strategy text', 'volatile', 'definer', 'director'),
    ('extend_run', 'p_run_id bigint, p_parameters jsonb', 'volatile', 'definer', 'director'),
    ('do_chores', '', 'volatile', 'definer', 'runner'),
    ('every', 'p_every interval, p_kind text, p_strategy text, p_config jsonb, p_name text, p_starts_at timestamptz, p_priority integer',
     'volatile', 'definer', 'director'),
    ('fail_task', 'p_work_item_id bigint, p_token uuid, p_error text, p_again boolean', 'volatile', 'definer', 'runner'),
    ('fail_work', 'p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_kind text, p_error text', 'volatile', 'definer', 'runner'),
    ('fill_calendar', 'p_calendar text, p_first_day date, p_last_day date, p_sessions date[], p_opens timestamptz[],
     p_closes timestamptz[], p_half_days boolean[]', 'volatile', 'definer', 'director, runner'),
    ('fill_calendars', '', 'volatile', 'definer', 'director, runner'),
    ('finish_import', 'p_import_id bigint, p_run_id bigint, p_refused jsonb, p_remarks text[]', 'volatile', 'definer', 'importer'),
    ('heartbeat', 'p_runner_id bigint, p_running jsonb, p_memory_mb numeric', 'volatile', 'definer', 'runner'),
    ('host_is_alive', 'p_host text', 'stable', 'definer', 'runner'),
    ('housekeeping', '', 'stable', 'definer', 'director, viewer'),
    ('latest_price_version', 'p_instrument_id bigint, p_timeframe text', 'stable', 'definer', 'director, viewer'),
    ('load_bars', 'p_symbol text, p_timeframe text, p_source text, p_times timestamptz[], p_open float8[], p_high float8[],
     p_low float8[], p_close float8[], p_volume float8[], p_factor_dates date[], p_factor_kinds text[],
     p_factors float8[], p_merge boolean, p_replace boolean', 'volatile', 'definer', 'director, runner'),
    ('clock_ahead', '', 'stable', 'invoker', 'director, viewer'),
    ('load_instrument', 'p_symbol text, p_title text, p_asset_class text, p_currency text, p_exchange text, p_calendar text,
     p_closes_only boolean, p_notes text, p_zone text, p_multiplier float8, p_tick float8, p_lot float8, p_margin float8', 'volatile', 'definer', 'director, runner'),
    ('metric_named', 'p_name text', 'stable', 'invoker', 'director, importer, viewer'),
    ('reason_kind', 'p_reason text', 'immutable', 'invoker', 'dbt, director, viewer'),
    ('move_strategy', 'p_name text, p_status text, p_reason text', 'volatile', 'definer', 'director'),
    ('noise_way', 'p_run_id bigint, p_points integer', 'stable', 'definer', 'director, viewer'),
    ('note', 'p_what text, p_id bigint, p_text text', 'volatile', 'definer', 'director'),
    ('oldest_transaction', '', 'stable', 'definer', 'dbt, director, viewer'),
    ('open_work', '', 'stable', 'definer', 'director, runner, viewer'),
    ('open_work', 'p_runner_id bigint', 'stable', 'definer', 'runner'),
    ('pause_job', 'p_job_id bigint', 'volatile', 'definer', 'director'),
    ('pause_recurring', 'p_name text', 'volatile', 'definer', 'director'),
    ('point_parameters', 'p_run_id bigint, p_ordinals bigint[]', 'stable', 'definer', 'director, viewer'),
    ('price_series', 'p_symbols text[], p_timeframe text, p_start date, p_end date', 'stable', 'definer', 'director, viewer'),
    ('price_splits', 'p_symbols text[], p_timeframe text', 'stable', 'definer', 'director, viewer'),
    ('prune', 'p_limit integer', 'volatile', 'definer', 'director'),
    ('publish_strategies', 'p_strategies jsonb, p_host text, p_announce boolean', 'volatile', 'definer', 'director, runner'),
    ('audit_answers', 'p_session_id bigint', 'stable', 'definer', 'director, viewer'),
    ('record_audit', 'p_session_id bigint, p_code_hash text, p_through bigint, p_asked jsonb, p_fault text', 'volatile', 'definer', 'director'),
    ('renew_session', 'p_session_id bigint, p_code_hash text, p_code_copy text, p_reason text', 'volatile', 'definer', 'director'),
    ('link_is_alive', 'p_account text', 'stable', 'definer', 'director, viewer'),
    ('paper_account', 'p_name text', 'volatile', 'definer', 'director'),
    ('code_to_trade', 'p_strategy text, p_result_id bigint', 'stable', 'definer', 'director'),
    ('start_paper_session', 'p_strategy text, p_account text, p_capital float8, p_symbols text[], p_timeframe text, p_code_hash text, p_code_copy text,
     p_result_id bigint, p_parameters jsonb, p_first date, p_last date, p_warm_up_bars integer, p_speed float8, p_commission jsonb, p_slippage float8,
     p_seed bigint, p_memory_mb float8, p_seconds_per_step float8, p_on_dead_strategy text, p_replay boolean, p_continues bigint', 'volatile', 'definer', 'director'),
    ('session_terms', 'p_session_id bigint', 'stable', 'definer', 'director, link, trader, viewer'),
    ('sessions_to_carry', 'p_account text, p_token uuid', 'stable', 'definer', 'link'),
    ('session_bars', 'p_session_id bigint, p_token uuid, p_after bigint', 'stable', 'definer', 'link'),
    ('record_history', 'p_session_id bigint, p_token uuid, p_steps jsonb', 'volatile', 'definer', 'link'),
    ('record_step', 'p_session_id bigint, p_token uuid, p_step jsonb, p_executions jsonb, p_words jsonb, p_irregular jsonb', 'volatile', 'definer', 'link'),
    ('record_end', 'p_session_id bigint, p_token uuid, p_irregular jsonb', 'volatile', 'definer', 'link'),
    ('recorded_steps', 'p_session_id bigint, p_token uuid, p_after bigint, p_limit integer', 'volatile', 'definer', 'link'),
    ('placed_orders', 'p_session_id bigint, p_token uuid', 'volatile', 'definer', 'link'),
    ('decided_on', 'p_session_id bigint', 'stable', 'definer', 'link'),
    ('read_stream', 'p_session_id bigint, p_token uuid, p_after bigint, p_limit integer', 'volatile', 'definer', 'trader'),
    ('report_fault', 'p_session_id bigint, p_token uuid, p_rule text, p_reason text', 'volatile', 'definer', 'link, trader'),
    ('asked_before', 'p_session_id bigint, p_token uuid, OUT seen bigint, OUT keys text[]', 'volatile', 'definer', 'trader'),
    ('record_strategy_rows', 'p_session_id bigint, p_token uuid, p_rows jsonb, p_keys jsonb', 'volatile', 'definer', 'trader'),
    ('reap_expired', '', 'volatile', 'definer', 'runner'),
    ('record_import', 'p_import_id bigint, p_result_id bigint, p_content_hash text, p_file text, p_source text, p_flags text[],
     p_sessions date[], p_equity float8[], p_trade_symbols text[], p_trade_entry_times timestamptz[],
     p_trade_exit_times timestamptz[], p_trade_sizes float8[], p_trade_entry_prices float8[],
     p_trade_exit_prices float8[], p_trade_profits float8[], p_trade_fees float8[]', 'volatile', 'definer', 'importer'),
    ('record_reproduction', 'p_result_id bigint, p_platform text, p_metrics jsonb, p_sessions date[], p_equity float8[],
     p_trade_profits float8[], p_trade_fees float8[]', 'volatile', 'definer', 'runner'),
    ('refine_run', 'p_run_id bigint, p_segments integer', 'volatile', 'definer', 'director'),
    ('refresh_luck', 'p_strategy_id bigint', 'volatile', 'definer', 'director'),
    ('record_session_rows', 'p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_rows jsonb', 'volatile', 'definer', 'runner'),
    ('register_runner', 'p_host text, p_pid integer, p_version text, p_engines text[], p_processes integer, p_platform text,
     p_runs_dbt boolean, p_strategies jsonb', 'volatile', 'definer', 'runner'),
    ('rejudge_run', 'p_run_id bigint', 'volatile', 'definer', 'director'),
    ('release_work', 'p_runner_id bigint, p_item_ids bigint[]', 'volatile', 'definer', 'runner'),
    ('lease_seconds', '', 'stable', 'definer', 'runner'),
    ('run_standing', 'p_run_ids bigint[]', 'stable', 'definer', 'runner'),
    ('reproducible', 'p_result_id bigint', 'stable', 'definer', 'director, runner'),
    ('result_sparklines', 'p_result_ids bigint[], p_points integer', 'stable', 'definer', 'director, viewer'),
    ('resume_job', 'p_job_id bigint', 'volatile', 'definer', 'director'),
    ('resume_recurring', 'p_name text', 'volatile', 'definer', 'director'),
    ('result_account_rules', 'p_result_id bigint, p_day_trades integer', 'stable', 'definer', 'director, viewer'),
    ('result_checks', 'p_result_id bigint', 'stable', 'definer', 'director, viewer'),
    ('result_correlations', 'p_result_ids bigint[]', 'stable', 'definer', 'director, viewer'),
    ('fee_break_even', 'p_result_id bigint', 'stable', 'definer', 'director, viewer'),
    ('result_drawdowns', 'p_result_id bigint, p_count integer', 'stable', 'definer', 'director, viewer'),
    ('result_excursions', 'p_result_id bigint, p_limit bigint, p_offset bigint', 'stable', 'definer', 'director, viewer'),
    ('result_prices', 'p_result_id bigint, p_symbol text, p_from date, p_to date, p_points integer', 'stable', 'definer',
     'director, viewer'),
    ('result_equity', 'p_result_id bigint', 'stable', 'definer', 'director, viewer'),
    ('result_months', 'p_result_id bigint', 'stable', 'definer', 'director, viewer'),
    ('retry_job', 'p_job_id bigint', 'volatile', 'definer', 'director'),
    ('rolling_sharpe', 'p_sessions date[], p_equity float8[], p_cash float8, p_window integer, p_sessions_a_year float8', 'immutable', 'invoker',
     'director, viewer'),
    ('run_prices', 'p_run_id bigint', 'stable', 'definer', 'runner'),
    ('run_settings', 'p_run_id bigint', 'stable', 'definer', 'runner'),
    ('search_way', 'p_run_id bigint, p_points integer', 'stable', 'definer', 'director, viewer'),
    ('search_history', 'p_work_item_id bigint, p_token uuid', 'stable', 'definer', 'runner'),
    ('series_bars', 'p_instrument_id bigint, p_timeframe text, p_version integer', 'stable', 'definer', 'director, viewer'),
    ('series_gaps', 'p_instrument_id bigint, p_timeframe text, p_version integer', 'stable', 'definer', 'director, runner, viewer'),
    ('session_positions', 'p_session_id bigint, p_day date', 'stable', 'definer', 'director, viewer'),
    ('session_standing', 'p_session_id bigint, p_day date', 'stable', 'definer', 'director, viewer'),
    ('session_usage', 'p_session_id bigint, p_day date', 'stable', 'definer', 'director, viewer'),
    ('set_priority', 'p_job_id bigint, p_priority integer', 'volatile', 'definer', 'director'),
    ('stranded_tasks', '', 'stable', 'definer', 'dbt, director, viewer'),
    ('task_offers', '', 'stable', 'definer', 'runner'),
    ('start_task_job', 'p_item_id bigint', 'volatile', 'definer', 'runner'),
    ('stop_runner', 'p_runner_id bigint', 'volatile', 'definer', 'runner'),
    ('strategy_for_import', 'p_strategy text, p_create boolean, p_named boolean, OUT id bigint, OUT name text, OUT remark text', 'volatile', 'definer', 'importer'),
    ('runs_summary', 'p_run_ids bigint[]', 'stable', 'definer', 'director, viewer'),
    ('summary_text', 'p_finished bigint, p_passed bigint, p_failed bigint, p_best_sharpe float8, p_best_passed_sharpe float8, p_known bigint', 'immutable', 'invoker', 'dbt, director, viewer'),
    ('sync_backlog', 'p_items jsonb', 'volatile', 'definer', 'director'),
    ('target_map', 'p_run_id bigint, p_x text, p_y text, p_cells integer', 'stable', 'definer', 'director, viewer'),
    ('target_values', 'p_run_id bigint', 'stable', 'definer', 'dbt, director, viewer'),
    ('tag', 'p_what text, p_id bigint, VARIADIC p_tags text[]', 'volatile', 'definer', 'director'),
    ('approve_strategy', 'p_name text, p_account text, p_reason text, p_code_hash text', 'volatile', 'definer', 'director'),
    ('accept_position', 'p_account text, p_symbol text, p_reason text, p_session_id bigint, p_price float8', 'volatile', 'definer',
     'director'),
    ('beat_connection', 'p_account text, p_token uuid, p_state text, p_clock timestamptz', 'volatile', 'definer', 'link'),
    ('begin_connection', 'p_account text, p_token uuid', 'volatile', 'definer', 'link'),
    ('check_broker_account', 'p_account text, p_names text[]', 'stable', 'definer', 'link'),
    ('link_terms', 'p_account text', 'stable', 'definer', 'link'),
    ('never_left', 'p_account text, p_token uuid, p_order_id bigint, p_reason text', 'volatile', 'definer', 'link'),
    ('parent_state', 'p_account text, p_token uuid, p_order_id bigint', 'volatile', 'definer', 'link'),
    ('record_broker_code', 'p_account text, p_token uuid, p_code integer, p_text text, p_subject text, p_order_id bigint', 'volatile',
     'definer', 'link'),
    ('record_broker_fill', 'p_account text, p_token uuid, p_execution text, p_reference text, p_symbol text, p_quantity float8,
     p_price float8, p_executed_at timestamptz, p_is_live boolean, p_as_stated jsonb', 'volatile', 'definer', 'link'),
    ('record_broker_status', 'p_account text, p_token uuid, p_order_id bigint, p_status text, p_broker_order_id bigint,
     p_permanent_id bigint', 'volatile', 'definer', 'link'),
    ('record_link_event', 'p_account text, p_token uuid, p_kind text, p_message text, p_is_alert boolean', 'volatile', 'definer', 'link'),
    ('record_look', 'p_account text, p_token uuid, p_connection bigint, p_cause text, p_seconds float8, p_answers jsonb', 'volatile',
     'definer', 'link'),
    ('beat_link', 'p_account text, p_token uuid, p_state text, p_clock timestamptz', 'volatile', 'definer', 'link'),
    ('watch_live', 'p_at timestamptz', 'volatile', 'definer', 'director, link, trader'),
    ('hold_process', 'p_name text, p_reason text', 'volatile', 'definer', 'director'),
    ('release_process', 'p_name text', 'volatile', 'definer', 'director'),
    ('report_process', 'p_name text, p_event text, p_host text, p_pid integer, p_exit_code integer', 'volatile', 'definer', 'director'),
    ('set_flat_minutes', 'p_session_id bigint, p_minutes float8', 'volatile', 'definer', 'director'),
    ('beat_strategy', 'p_session_id bigint, p_token uuid', 'volatile', 'definer', 'trader'),
    ('begin_link', 'p_account text, p_host text, p_pid integer', 'volatile', 'definer', 'link'),
    ('begin_strategy', 'p_session_id bigint, p_code_hash text, p_host text, p_pid integer', 'volatile', 'definer', 'trader'),
    ('emergency_stop', 'p_reason text, p_account text, p_flatten boolean, p_exits text', 'volatile', 'definer', 'director'),
    ('end_trading_session', 'p_session_id bigint', 'volatile', 'definer', 'director'),
    ('level_of_session', 'p_session_id bigint', 'stable', 'definer', 'director, link, trader, viewer'),
    ('limits_of', 'p_session_id bigint, p_at timestamptz', 'stable', 'definer', 'director, viewer'),
    ('open_account', 'p_name text, p_kind text, p_broker text, p_currency text, p_flatten_on_stop boolean', 'volatile', 'definer',
     'director'),
    ('record_account_value', 'p_account text, p_token uuid, p_name text, p_as_stated text, p_currency text,
     p_stated_at timestamptz', 'volatile', 'definer', 'link'),
    ('record_commission', 'p_account text, p_token uuid, p_execution_key text, p_commission float8', 'volatile', 'definer',
     'link'),
    ('record_execution', 'p_account text, p_token uuid, p_execution_key text, p_revision integer, p_order_id bigint,
     p_symbol text, p_quantity float8, p_price float8, p_executed_at timestamptz, p_commission float8,
     p_cash_after float8, p_as_stated jsonb', 'volatile', 'definer', 'link'),
    ('record_order_state', 'p_account text, p_token uuid, p_order_id bigint, p_state text, p_reason text,
     p_cancelled_by text, p_broker_order_id bigint, p_permanent_id bigint', 'volatile', 'definer', 'link'),
    ('record_prices', 'p_session_id bigint, p_token uuid, p_bar_time timestamptz, p_symbols text[], p_prices float8[]', 'volatile', 'definer',
     'link'),
    ('release_symbol', 'p_symbol text, p_reason text, p_account text', 'volatile', 'definer', 'director'),
    ('request_cancel', 'p_session_id bigint, p_key text, p_token uuid', 'volatile', 'definer', 'trader'),
    ('restrict_symbol', 'p_symbol text, p_reason text, p_account text', 'volatile', 'definer', 'director'),
    ('resume_trading', 'p_reason text, p_account text, p_session_id bigint', 'volatile', 'definer', 'director'),
    ('start_trading_session', 'p_strategy text, p_account text, p_capital float8, p_symbols text[], p_timeframe text,
     p_parameters jsonb, p_commission jsonb, p_slippage float8, p_result_id bigint, p_clock text,
     p_on_dead_strategy text, p_zone text, p_continues bigint', 'volatile', 'definer', 'director'),
    ('submit_bracket', 'p_session_id bigint, p_orders jsonb, p_decision_bar timestamptz, p_token uuid', 'volatile', 'definer',
     'trader'),
    ('submit_flatten', 'p_session_id bigint, p_key text, p_symbol text, p_quantity float8, p_type text, p_token uuid,
     p_limit_price float8', 'volatile', 'definer', 'link'),
    ('submit_order', 'p_session_id bigint, p_key text, p_symbol text, p_quantity float8, p_type text,
     p_limit_price float8, p_stop_price float8, p_trail_amount float8, p_trail_part float8, p_time_in_force text,
     p_valid_until timestamptz, p_oco_key text, p_reduce_only boolean, p_decision_bar timestamptz, p_tag text,
     p_token uuid', 'volatile', 'definer', 'trader'),
    ('take_cancels', 'p_account text, p_token uuid, p_again boolean', 'volatile', 'definer', 'link'),
    ('take_orders', 'p_account text, p_token uuid, p_limit integer', 'volatile', 'definer', 'link'),
    ('validate_config', 'p_strategy text, p_config jsonb', 'stable', 'definer', 'director, importer, viewer'),
    ('sessions_a_year', 'p_symbols text[], p_timeframe text, p_sessions date[]', 'stable', 'definer', 'director, importer, viewer'),
    ('instrument_place', 'p_instrument_id bigint', 'stable', 'definer', 'director, runner'),
    ('zone_of_times', 'p_times timestamptz[], p_minutes integer[]', 'stable', 'definer', 'director, runner')
) as t (name, arguments, volatility, security, roles);
-- Ratios are called by whoever reads the view of results, with rights of their own.
insert into interface
select p.proname, replace(pg_get_function_identity_arguments(p.oid), 'double precision', 'float8'), 'immutable', 'invoker',
  'dbt, director, importer, viewer'
from pg_proc as p
where p.pronamespace = 'desk'::regnamespace and p.proname like 'ratio\_%' and p.proname not in ('ratio_names', 'ratio_call');

create temporary view callable as
select
  p.oid,
  p.proname::text collate "default" as name,
  replace(replace(pg_get_function_identity_arguments(p.oid), 'double precision', 'float8'), 'timestamp with time zone', 'timestamptz')
    collate "default" as arguments,
  case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
  case when p.prosecdef then 'definer' else 'invoker' end as security,
  a.roles
from pg_proc as p
cross join lateral (
  select string_agg(replace(pg_temp.role_name(a.grantee), 'desk_', ''), ', ' order by pg_temp.role_name(a.grantee)) as roles
  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee <> p.proowner
) as a
where p.pronamespace = 'desk'::regnamespace and a.roles is not null;

select set_eq('select name, arguments from callable', 'select name, arguments from interface', 'the interface is these functions, no more and no fewer');
select set_eq('select name, arguments, roles from callable', 'select name, arguments, roles from interface', 'each callable by these roles, none by PUBLIC');
select set_eq('select name, arguments, volatility from callable', 'select name, arguments, volatility from interface', 'each of this volatility');
select set_eq('select name, arguments, security from callable', 'select name, arguments, security from interface', 'each with the rights of its owner, or of its caller');

select is_empty(
  $$select c.name from callable as c where c.security = 'invoker' and c.volatility = 'volatile'$$,
  'whoever calls a function that writes needs no right to write');
select is_empty(
  $$select c.relname from pg_class as c where c.relnamespace = 'desk'::regnamespace and c.relowner <> 'desk_owner'::regrole$$,
  'the owner owns every table');
select is_empty(
  $$select p.proname from pg_proc as p where p.pronamespace = 'desk'::regnamespace and p.proowner <> 'desk_owner'::regrole$$,
  'and every function');

select is_empty(
  $$
  select o.what, pg_temp.role_name(a.grantee)
  from (
    select relname::text, relacl, relowner from pg_class where relnamespace = 'desk'::regnamespace
    union all
    select c.relname || '.' || t.attname, t.attacl, c.relowner
    from pg_class as c join pg_attribute as t on t.attrelid = c.oid where c.relnamespace = 'desk'::regnamespace
    union all
    select proname::text, proacl, proowner from pg_proc where pronamespace = 'desk'::regnamespace
    union all
    select nspname::text, nspacl, nspowner from pg_namespace where nspname in ('desk', 'analytics', 'marts')
  ) as o (what, acl, owner), aclexplode(o.acl) as a
  where a.is_grantable and a.grantee <> o.owner
  $$,
  'nobody can hand on what was granted');

select * from finish();
