-- What runners record: one call a point, refused with a word and never with an exception.

create or replace function desk.settle_point(p_item_id bigint, p_ordinal bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  update desk.work_items as w
  set settled = n.settled,
      state = case when n.over then 'done' else w.state end,
      token = case when n.over then null else w.token end,
      lease_until = case when n.over then null else w.lease_until end,
      deadline_at = case when n.over then null else w.deadline_at end
  from (
    select i.id, i.settled + int8multirange(int8range(p_ordinal, p_ordinal, '[]')) as settled,
           (i.settled + int8multirange(int8range(p_ordinal, p_ordinal, '[]'))) @> int8range(i.first_ordinal, i.last_ordinal, '[]') as over
    from desk.work_items as i where i.id = p_item_id
  ) as n
  where w.id = n.id
$$;
comment on function desk.settle_point(bigint, bigint) is 'Marks a point of an item as settled; an item without open points is done.';
revoke execute on function desk.settle_point(bigint, bigint) from public;

create or replace function desk.held_item(p_item_id bigint, p_token uuid, p_ordinal bigint, out item desk.work_items, out refusal text)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  perform desk.lock_progress(array(select w.optimization_run_id from desk.work_items as w where w.id = p_item_id));
  select w.* into item from desk.work_items as w where w.id = p_item_id for update;
  refusal := case
    when item.id is null or item.state <> 'leased' or item.token is distinct from p_token then 'stale'
    when p_ordinal is null or not p_ordinal between item.first_ordinal and item.last_ordinal
      then format('impossible: point %s is not in this item', coalesce(p_ordinal::text, 'null'))
    when item.settled @> p_ordinal then 'duplicate'
  end;
  if refusal is not null and item.id is not null then
    insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
    select r.job_id, r.id, item.id, item.runner_id, 'refusal', jsonb_build_object('ordinal', p_ordinal, 'why', refusal)
    from desk.optimization_runs as r where r.id = item.optimization_run_id;
  end if;
end
$$;
comment on function desk.held_item(bigint, uuid, bigint) is 'Locks a work item and says why the caller may not settle this point of it, if so.';
revoke execute on function desk.held_item(bigint, uuid, bigint) from public;

create or replace function desk.record_failure(p_item desk.work_items, p_ordinal bigint, p_kind text, p_error text)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  insert into desk.backtest_results (
    optimization_run_id, strategy_id, ordinal, parameters, parameters_hash, outcome, error_kind, error, rejection_reasons,
    engine, code_version_id, data_hash, platform, seed, runner_id, attempt)
  select r.id, r.strategy_id, p_ordinal, p.parameters, '', 'failed', p_kind, left(p_error, 4000), '{failed}',
         r.engine, r.code_version_id, r.data_hash, n.platform, r.seed, p_item.runner_id, p_item.attempt
  from desk.optimization_runs as r
  cross join lateral desk.point_parameters(r.id, array[p_ordinal]) as p
  left join desk.runners as n on n.id = p_item.runner_id
  where r.id = p_item.optimization_run_id
  on conflict (optimization_run_id, ordinal) do nothing;
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'failure',
         jsonb_build_object('ordinal', p_ordinal, 'attempt', p_item.attempt, 'kind', p_kind, 'error', left(p_error, 500))
  from desk.optimization_runs as r where r.id = p_item.optimization_run_id;
end
$$;
comment on function desk.record_failure(desk.work_items, bigint, text, text) is 'Records a point as failed for good, with its reason.';
revoke execute on function desk.record_failure(desk.work_items, bigint, text, text) from public;

create or replace function desk.insert_result(
  p_run desk.optimization_runs, p_ordinal bigint, p_parameters jsonb, p_metrics jsonb, p_runner_id bigint, p_attempt integer)
returns bigint
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.backtest_results (
    optimization_run_id, strategy_id, ordinal, parameters, parameters_hash,
    starting_cash, ending_value, sessions, return_count, return_mean, return_m2, return_m3, return_m4, downside_m2,
    tail_count, tail_sum, tail_return, max_drawdown, max_drawdown_sessions, total_orders, total_trades, winning_trades,
    losing_trades, gross_profit, gross_loss, trade_profit_sum, trade_profit_m2, total_fees, traded_value, exposed_sessions,
    block_counts, block_sums, block_squares, engine, engine_metrics, code_version_id, data_hash, platform, seed,
    runner_id, attempt, bars, duration, provenance_hash, benchmark_return, benchmark_mean, benchmark_m2, benchmark_comoment)
  select p_run.id, p_run.strategy_id, p_ordinal, p_parameters, '',
         m.starting_cash, m.ending_value, m.sessions, coalesce(m.return_count, 0), m.return_mean, m.return_m2, m.return_m3,
         m.return_m4, m.downside_m2, m.tail_count, m.tail_sum, m.tail_return, m.max_drawdown, m.max_drawdown_sessions,
         m.total_orders, m.total_trades, m.winning_trades, m.losing_trades, m.gross_profit, m.gross_loss, m.trade_profit_sum,
         m.trade_profit_m2, m.total_fees, m.traded_value, m.exposed_sessions, m.block_counts, m.block_sums, m.block_squares,
         p_run.engine, coalesce(m.engine_metrics, '{}'), p_run.code_version_id, p_run.data_hash, n.platform, p_run.seed,
         p_runner_id, p_attempt, m.bars, m.duration,
         desk.provenance_hash(p_run, p_parameters, n.platform), m.benchmark_return, m.benchmark_mean, m.benchmark_m2,
         m.benchmark_comoment
  from jsonb_to_record(p_metrics) as m (
    starting_cash float8, ending_value float8, sessions bigint, return_count bigint, return_mean float8, return_m2 float8,
    return_m3 float8, return_m4 float8, downside_m2 float8, tail_count bigint, tail_sum float8, tail_return float8,
    max_drawdown float8, max_drawdown_sessions bigint, total_orders bigint, total_trades bigint, winning_trades bigint,
    losing_trades bigint, gross_profit float8, gross_loss float8, trade_profit_sum float8, trade_profit_m2 float8,
    total_fees float8, traded_value float8, exposed_sessions bigint, block_counts integer[], block_sums float8[],
    block_squares float8[], engine_metrics jsonb, bars bigint, duration float8, benchmark_return float8, benchmark_mean float8,
    benchmark_m2 float8, benchmark_comoment float8)
  left join desk.runners as n on n.id = p_runner_id
  returning id
$$;
comment on function desk.insert_result(desk.optimization_runs, bigint, jsonb, jsonb, bigint, integer) is
  'Records a finished point from its raw metrics, with its provenance; triggers compute the ratios and judge.';
revoke execute on function desk.insert_result(desk.optimization_runs, bigint, jsonb, jsonb, bigint, integer) from public;

create or replace function desk.complete_work(
  p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_metrics jsonb,
  p_sessions date[], p_equity double precision[],
  p_trade_symbols text[], p_trade_entry_times timestamptz[], p_trade_exit_times timestamptz[],
  p_trade_sizes double precision[], p_trade_entry_prices double precision[], p_trade_exit_prices double precision[],
  p_trade_profits double precision[], p_trade_fees double precision[])
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_held   record;
  v_item   desk.work_items;
  v_run    desk.optimization_runs;
  v_result_id bigint;
  v_keep   text;
  v_why    text;
begin
  select h.item, h.refusal into v_held from desk.held_item(p_work_item_id, p_token, p_ordinal) as h;
  if v_held.refusal is not null then
    return v_held.refusal;
  end if;
  v_item := v_held.item;
  select r.* into v_run from desk.optimization_runs as r where r.id = v_item.optimization_run_id;
  begin
    if jsonb_typeof(p_metrics) is distinct from 'object' then
      raise exception using errcode = '22023', message = 'a result has no metrics';
    elsif p_metrics ->> 'total_orders' is null then
      -- Every engine counts them: without, it is no result, and would be judged by nulls.
      raise exception using errcode = '22023', message = 'the metrics lack total_orders';
    elsif not ('Infinity' > all (p_equity) and '-Infinity' < all (p_equity)) then
      raise exception using errcode = '22023', message = 'the equity has values that are no numbers';
    end if;
    v_result_id := desk.insert_result(v_run, p_ordinal,
      (select p.parameters from desk.point_parameters(v_run.id, array[p_ordinal]) as p),
      coalesce(desk.benchmark_sums(v_run.id, p_sessions, p_equity, v_run.cash), '{}') || p_metrics,
      v_item.runner_id, v_item.attempt);

    v_keep := v_run.config ->> 'keep_series';
    if p_equity is not null and (
      v_keep = 'all' or (select b.passed from desk.backtest_results as b where b.id = v_result_id)
      or (v_keep = 'best' and exists (
        select from desk.run_progress as p where p.optimization_run_id = v_run.id and p.best_result_id = v_result_id)))
    then
      insert into desk.equity_curves (backtest_result_id, sessions, equity)
      values (v_result_id, p_sessions, p_equity);
      insert into desk.trades (
        backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices, profits, fees)
      values (v_result_id, p_trade_symbols, p_trade_entry_times, p_trade_exit_times, p_trade_sizes, p_trade_entry_prices,
        p_trade_exit_prices, p_trade_profits, p_trade_fees);
    end if;
  exception
    when unique_violation then
      v_why := 'duplicate';
    when check_violation or not_null_violation or data_exception then
      v_why := 'impossible: ' || sqlerrm;
  end;
  if v_why like 'impossible%' then
    perform desk.record_failure(v_item, p_ordinal, 'impossible', substr(v_why, 13));
  end if;
  perform desk.settle_point(v_item.id, p_ordinal);
  return coalesce(v_why, 'recorded');
end
$$;
comment on function desk.complete_work(bigint, uuid, bigint, jsonb, date[], double precision[], text[], timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[], double precision[]) is
  'Records a finished point: recorded, or stale (the caller no longer holds it), duplicate, or impossible: why (recorded as failed). Judged by trigger.';
revoke execute on function desk.complete_work(bigint, uuid, bigint, jsonb, date[], double precision[], text[], timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[], double precision[]) from public;
grant execute on function desk.complete_work(bigint, uuid, bigint, jsonb, date[], double precision[], text[], timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[], double precision[]) to desk_runner;

create or replace function desk.fail_work(p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_kind text, p_error text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_held    record;
  v_outcome text := 'failed';
begin
  if p_kind is null or p_kind not in ('strategy', 'deadline', 'memory', 'crash', 'infrastructure') then
    return format('impossible: unknown kind %s', coalesce(p_kind, 'null'));
  end if;
  select h.item, h.refusal into v_held from desk.held_item(p_work_item_id, p_token, p_ordinal) as h;
  if v_held.refusal is not null then
    return v_held.refusal;
  end if;
  -- What a strategy raises, it raises again: there is no second attempt.
  if p_kind = 'strategy' then
    perform desk.record_failure(v_held.item, p_ordinal, p_kind, coalesce(nullif(p_error, ''), 'no message'));
  else
    v_outcome := desk.reissue_point(v_held.item, p_ordinal, p_kind, coalesce(nullif(p_error, ''), 'no message'));
  end if;
  perform desk.settle_point(p_work_item_id, p_ordinal);
  return v_outcome;
end
$$;
comment on function desk.fail_work(bigint, uuid, bigint, text, text) is
  'A point did not finish: failed (recorded), retried (issued again alone), or stale, duplicate, impossible: why.';
revoke execute on function desk.fail_work(bigint, uuid, bigint, text, text) from public;
grant execute on function desk.fail_work(bigint, uuid, bigint, text, text) to desk_runner;
