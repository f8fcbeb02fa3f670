-- The curve of a best result that has none, because it was copied from one that was kept without: it is run again.

create or replace function desk.ask_curve(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  insert into desk.work_items (kind, code_version_id, payload)
  select 'keep_curve', b.code_version_id, jsonb_build_object('optimization_run_id', r.id, 'backtest_result_id', b.id,
    'ordinal', b.ordinal, 'parameters', b.parameters, 'seconds', 900)
  from desk.optimization_runs as r
  join desk.run_progress as p on p.optimization_run_id = r.id
  join desk.backtest_results as b on b.id = p.best_result_id and b.code_version_id is not null
  where r.id = p_run_id and not r.imported and r.role = 'search' and r.engine = 'backtrader'
    and r.config ->> 'keep_series' in ('best', 'all')
    and not (select s.windows from desk.searches as s where s.name = r.optimization_type)
    and not exists (select from desk.equity_curves as e where e.backtest_result_id = b.id)
    and exists (select from desk.alive_runners() as a where 'curves' = any (a.engines));
  if found then
    notify desk_work;
  end if;
end
$$;
comment on function desk.ask_curve(bigint) is
  'Has the best result of a closed search run again where its curve was to be kept and is not there.';

create or replace function desk.keep_curve(p_result_id bigint, p_result jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_sessions date[] := array(select s.value::date from jsonb_array_elements_text(p_result -> 'sessions')
    with ordinality as s (value, place) order by s.place);
  v_equity   double precision[] := array(select e.value::float8 from jsonb_array_elements_text(p_result -> 'equity')
    with ordinality as e (value, place) order by e.place);
  v_trades   record;
begin
  select coalesce(array_agg(t.symbol order by t.place), '{}') as symbols,
         coalesce(array_agg(t.entry_time order by t.place), '{}') as entry_times,
         coalesce(array_agg(t.exit_time order by t.place), '{}') as exit_times,
         coalesce(array_agg(t.size order by t.place), '{}') as sizes,
         coalesce(array_agg(t.entry_price order by t.place), '{}') as entry_prices,
         coalesce(array_agg(t.exit_price order by t.place), '{}') as exit_prices,
         coalesce(array_agg(t.profit order by t.place), '{}') as profits,
         coalesce(array_agg(t.fees order by t.place), '{}') as fees
  into v_trades
  from rows from (jsonb_to_recordset(p_result -> 'trades') as (symbol text, entry_time timestamptz,
    exit_time timestamptz, size double precision, entry_price double precision, exit_price double precision,
    profit double precision, fees double precision)) with ordinality as t (symbol, entry_time, exit_time, size,
    entry_price, exit_price, profit, fees, place);
  -- Kept only where it is the same result to the bit; else what differs is there to be looked into.
  if exists (select from desk.backtest_results as b where b.id = p_result_id)
    and not exists (select from desk.equity_curves as e where e.backtest_result_id = p_result_id)
    and desk.record_reproduction(p_result_id, p_result ->> 'platform', p_result -> 'metrics', v_sessions, v_equity,
      v_trades.profits, v_trades.fees) = '{}'
  then
    insert into desk.equity_curves (backtest_result_id, sessions, equity) values (p_result_id, v_sessions, v_equity);
    insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices,
      profits, fees)
    select p_result_id, v_trades.symbols, v_trades.entry_times, v_trades.exit_times, v_trades.sizes,
           v_trades.entry_prices, v_trades.exit_prices, v_trades.profits, v_trades.fees
    where not exists (select from desk.trades as t where t.backtest_result_id = p_result_id);
  end if;
end
$$;
comment on function desk.keep_curve(bigint, jsonb) is
  'Stores the curve and the trades of a result that was run again, where it came out equal to the bit; the comparison '
  'is a row of reproductions.';

create or replace function desk.tg_runs_curve()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.ask_curve(new.id);
  return null;
end
$$;
comment on function desk.tg_runs_curve() is 'Has the curve of a closed search''s best result made where it is missing.';
create or replace trigger optimization_runs_curve after update on desk.optimization_runs
for each row when (new.status = 'completed' and old.status is distinct from 'completed')
execute function desk.tg_runs_curve();
