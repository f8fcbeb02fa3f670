-- Reproduction: a recorded point is run again with all that it pinned, and compared to the bit.

create or replace function desk.reproducible(p_result_id bigint)
returns table (optimization_run_id bigint, ordinal bigint, parameters jsonb, code_hash text, platform text)
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_result desk.backtest_results;
  v_run    desk.optimization_runs;
begin
  select b.* into v_result from desk.backtest_results as b where b.id = p_result_id;
  if not found then
    perform desk.refuse(format('There is no result %s', p_result_id), '$.backtest_result_id',
      'See: select backtest_result_id, strategy, parameters from result_leaderboard limit 10.', '23503');
  end if;
  select r.* into v_run from desk.optimization_runs as r where r.id = v_result.optimization_run_id;
  if v_run.imported then
    perform desk.refuse(format('Result %s was imported: the desk does not have what made it', p_result_id),
      '$.backtest_result_id',
      'Queue a job with its parameters instead.');
  elsif v_result.outcome = 'failed' then
    perform desk.refuse(format('Result %s is a point that failed: %s', p_result_id, left(v_result.error, 200)),
      '$.backtest_result_id',
      'Only a finished point has numbers to compare.');
  elsif (select s.windows from desk.searches as s where s.name = v_run.optimization_type) then
    perform desk.refuse(format('Result %s is stitched from the folds of run %s', p_result_id, v_run.id),
      '$.backtest_result_id',
      (select 'Reproduce its folds: ' || string_agg(f.out_of_sample_result_id::text, ', ' order by f.fold)
       from desk.walk_forward_folds as f where f.optimization_run_id = v_run.id
         and f.out_of_sample_result_id is not null));
  end if;
  return query
  select v_run.id, v_result.ordinal, v_result.parameters, c.code_hash, v_result.platform
  from desk.code_versions as c where c.id = v_result.code_version_id;
end
$$;
comment on function desk.reproducible(bigint) is 'What it takes to run a recorded point again, or why that cannot be.';
grant execute on function desk.reproducible(bigint) to desk_director, desk_runner;

create or replace function desk.record_reproduction(
  p_result_id bigint, p_platform text, p_metrics jsonb, p_sessions date[], p_equity double precision[],
  p_trade_profits double precision[], p_trade_fees double precision[])
returns jsonb
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_result  desk.backtest_results;
  v_again   desk.raw_metrics;
  v_compared text[] := '{metrics}';
  v_unequal jsonb;
  v_curve   record;
  v_trades  record;
begin
  perform desk.promote(array[p_result_id]);
  select b.* into v_result from desk.backtest_results as b where b.id = p_result_id;
  -- Through the columns' own types, so that a number is compared as it would have been stored.
  v_again := jsonb_populate_record(null::desk.raw_metrics, p_metrics);
  -- A result may be older than a raw metric. The clock is not compared, nor what the desk adds from the curve.
  select coalesce(jsonb_object_agg(u.name, jsonb_build_array(u.value, u.value_again)), '{}')
  into v_unequal
  from (
    select k.name, to_jsonb(v_result) -> k.name as value, to_jsonb(v_again) -> k.name as value_again
    from unnest(desk.raw_metric_names()) as k (name)
    where k.name <> 'duration' and k.name not like 'benchmark\_%'
  ) as u
  where u.value <> 'null' and u.value <> u.value_again;
  select e.sessions, e.equity into v_curve from desk.equity_curves as e where e.backtest_result_id = p_result_id;
  if found then
    v_compared := v_compared || '{sessions,equity}'::text[];
    select v_unequal || coalesce(jsonb_object_agg('equity ' || coalesce(u.day, u.day_again),
      jsonb_build_array(u.value, u.value_again)), '{}')
    into v_unequal
    from (
      select u.* from unnest(v_curve.sessions, v_curve.equity, p_sessions, p_equity) as u (day, value, day_again,
        value_again)
      where (u.day, u.value) is distinct from (u.day_again, u.value_again) limit 3
    ) as u;
  end if;
  select t.profits, t.fees into v_trades from desk.trades as t where t.backtest_result_id = p_result_id;
  if found then
    v_compared := v_compared || '{trades}'::text[];
    select v_unequal || coalesce(jsonb_object_agg('trade ' || u.trade, jsonb_build_array(u.profit, u.profit_again)),
      '{}')
    into v_unequal
    from (
      select u.* from unnest(v_trades.profits, v_trades.fees, p_trade_profits, p_trade_fees) with ordinality
        as u (profit, fee, profit_again, fee_again, trade)
      where (u.profit, u.fee) is distinct from (u.profit_again, u.fee_again) limit 3
    ) as u;
  end if;
  insert into desk.reproductions (backtest_result_id, verdict, differences, compared, platform)
  values (p_result_id, case when v_unequal = '{}' then 'equal' else 'different' end, v_unequal, v_compared, p_platform);
  insert into desk.job_events (job_id, optimization_run_id, event, to_state, details, actor)
  select r.job_id, r.id, 'reproduction', case when v_unequal = '{}' then 'equal' else 'different' end,
         jsonb_build_object('backtest_result_id', p_result_id, 'differences', v_unequal), session_user
  from desk.optimization_runs as r where r.id = v_result.optimization_run_id;
  return v_unequal;
end
$$;
comment on function desk.record_reproduction(bigint, text, jsonb, date[], double precision[], double precision[],
  double precision[]) is
  'Compares a point that was run again with what is recorded, to the bit; keeps the verdict, and answers what differs.';
grant execute on function desk.record_reproduction(bigint, text, jsonb, date[], double precision[], double precision[],
  double precision[]) to desk_runner;
grant select on desk.reproductions to desk_director, desk_viewer, desk_dbt;
