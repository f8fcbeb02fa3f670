-- What the director may ask and order, by topic: select * from help().

create or replace function desk.help(p_topic text default null)
returns table (topic text, name text, arguments text, what text, example text)
language sql stable
set search_path = desk, pg_temp
as $$
  with topics (topic, names) as (
    values
    ('jobs', '{batch_summary,can_retry,cancel_job,estimate,every,job_advice,job_progress,pause_job,pause_recurring,'
      'resume_job,resume_recurring,retry_job,set_priority}'),
    ('search', '{extend_run,noise_way,point_parameters,refine_run,run_failures,run_points,run_rejections,'
      'runs_summary,search_way,summary_text,target_map,target_values,walk_forward_efficiency}'),
    ('board', '{board,fold_sharpes,funnel,ranked_results}'),
    ('results', '{backtest_figures,backtest_results,break_even_fee,bulk_parameters,bulk_parameters_hash,'
      'bulk_reason_kinds,bulk_reasons,compare_results,fee_break_even,note,price_series,price_splits,reproducible,'
      'result_checks,result_correlations,result_drawdowns,result_equity,result_excursions,result_metrics,'
      'result_months,result_prices,result_sparklines,result_trades,rolling_sharpe,tag,trials,tried_this_week}'),
    ('judgement', '{cost_sweep,curve_drawdowns,curve_periods,desk_luck,metric_named,reason_kind,refresh_luck,'
      'rejudge_run,result_costs,result_periods}'),
    ('strategies', '{accept_fault,backlog,code_checks,code_fault,code_note,move_strategy,publish_strategies,'
      'strategy_parameters,sync_backlog,version_checks}'),
    ('prices', '{adjusted_bars,calendar_coverage,contract_terms,fill_calendar,fill_calendars,instrument_place,'
      'latest_price_version,load_bars,load_instrument,price_coverage,series_bars,series_gaps,sessions_a_year,'
      'zone_of_times}'),
    ('configs', '{config_schema,validate_config}'),
    ('queue', '{clock_ahead,housekeeping,open_items,open_work,queue_states,runner_status,stranded_tasks,'
      'throughput}'),
    ('trading', '{session_positions,session_standing,session_usage}'),
    ('live', '{accept_position,approve_strategy,audit_answers,cancel_live_order,code_to_trade,desired_processes,'
      'emergency_stop,end_trading_session,halts_now,hold_process,level_of_account,level_of_session,limits_of,'
      'link_is_alive,live_accounts,live_orders,live_sessions,open_account,open_differences,order_trail,paper_account,'
      'record_audit,reduce_trading,release_process,release_symbol,renew_session,report_process,restrict_symbol,'
      'result_account_rules,resume_trading,session_terms,set_flat_minutes,start_paper_session,start_trading_session,'
      'trading_day,watch_live}'),
    ('desk', '{help,oldest_transaction,prune}')
  ),
  known as (
    select t.topic, n.name, t.position, n.place
    from (select row_number() over () as position, t.* from topics as t) as t
    cross join lateral unnest(t.names::text[]) with ordinality as n (name, place)
    union all
    select 'ratios', p.proname::text, 1000, row_number() over (order by p.proname)
    from pg_proc as p
    where p.pronamespace = 'desk'::regnamespace and p.proname like 'ratio\_%'
    union all
    select 'ratios', n.name, 1000, 0 from unnest('{min_track_record,probabilistic_sharpe}'::text[]) as n (name)
  ),
  found as (
    select p.proname::text as name, '(' || pg_get_function_identity_arguments(p.oid) || ')' as arguments,
           obj_description(p.oid, 'pg_proc') as what
    from pg_proc as p
    where p.pronamespace = 'desk'::regnamespace and has_function_privilege(p.oid, 'execute')
    union all
    select c.relname::text, '', obj_description(c.oid, 'pg_class')
    from pg_class as c
    where c.relnamespace = 'desk'::regnamespace and c.relkind = 'v' and has_table_privilege(c.oid, 'select')
  ),
  listed as (
    select k.topic, f.name, f.arguments, f.what, k.position, k.place
    from found as f
    join known as k on k.name = f.name
    union all
    -- What dbt has built: the boards and their kin.
    select 'marts', c.relname::text, '', obj_description(c.oid, 'pg_class'), 0, row_number() over (order by c.relname)
    from pg_class as c
    where c.relnamespace = 'marts'::regnamespace and c.relkind = 'v' and has_table_privilege(c.oid, 'select')
  )
  select l.topic, l.name, l.arguments, l.what, substring(l.what from 'select [^;]*\)')
  from listed as l
  where p_topic is null or l.topic = lower(p_topic)
  order by l.position, l.place, l.arguments
$$;
comment on function desk.help(text) is
  'What the caller may call and read, a row a function or view, by topic: select * from help(''jobs'').';
grant execute on function desk.help(text) to desk_director, desk_viewer;
