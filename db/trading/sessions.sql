-- Trading sessions: the rows that a strategy's DBLogger hands over, and the limits that a job takes along.

create or replace function desk.bar_moment(p_epoch jsonb)
returns timestamptz
language sql immutable
set search_path = desk, pg_temp
as $$
  select to_timestamp((p_epoch #>> '{}')::float8)
$$;
comment on function desk.bar_moment(jsonb) is 'UTC seconds as a time.';

create or replace function desk.trading_session(p_item desk.work_items, p_ordinal bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_id bigint;
begin
  update desk.trading_sessions as t set written_at = clock_timestamp()
  where t.optimization_run_id = p_item.optimization_run_id and t.ordinal = p_ordinal and t.token = p_item.token
  returning t.id into v_id;
  if v_id is null then
    insert into desk.trading_sessions (strategy_id, optimization_run_id, ordinal, work_item_id, token, attempt,
      runner_id)
    select r.strategy_id, r.id, p_ordinal, p_item.id, p_item.token, p_item.attempt, p_item.runner_id
    from desk.optimization_runs as r where r.id = p_item.optimization_run_id
    returning id into v_id;
  end if;
  return v_id;
end
$$;
comment on function desk.trading_session(desk.work_items, bigint) is
  'The session of an attempt at a point, made when its first rows arrive.';

create or replace function desk.write_session_rows(p_session_id bigint, p_rows jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  -- Every row carries its number in the session: rows that arrive twice are kept once.
  with events as (
    insert into desk.order_events (session_id, seq, bar_time, order_ref, status, filled, average_price, fees)
    select p_session_id, (e ->> 0)::bigint, desk.bar_moment(e -> 1), (e ->> 2)::bigint, e ->> 3, (e ->> 10)::float8,
           (e ->> 11)::float8, (e ->> 12)::float8
    from jsonb_array_elements(p_rows -> 'order_events') as e
    on conflict do nothing
  )
  insert into desk.orders as o (session_id, order_ref, symbol, side, type, size, price, limit_price, tag, status,
    filled,
    average_price, fees, sent_at, changed_at, last_seq)
  select distinct on ((e ->> 2)::bigint)
         p_session_id, (e ->> 2)::bigint, e ->> 4, e ->> 5, e ->> 6, (e ->> 7)::float8, (e ->> 8)::float8,
         (e ->> 9)::float8,
         e ->> 13, e ->> 3, (e ->> 10)::float8, (e ->> 11)::float8, (e ->> 12)::float8,
         min(desk.bar_moment(e -> 1)) over (partition by (e ->> 2)::bigint), desk.bar_moment(e -> 1), (e ->> 0)::bigint
  from jsonb_array_elements(p_rows -> 'order_events') as e
  order by (e ->> 2)::bigint, (e ->> 0)::bigint desc
  on conflict (session_id, order_ref) do update
  set status = excluded.status, filled = excluded.filled, average_price = excluded.average_price, fees = excluded.fees,
      changed_at = excluded.changed_at, last_seq = excluded.last_seq
  where o.last_seq < excluded.last_seq;

  insert into desk.fills (session_id, seq, bar_time, order_ref, symbol, size, price, fee)
  select p_session_id, (e ->> 0)::bigint, desk.bar_moment(e -> 1), (e ->> 2)::bigint, e ->> 3, (e ->> 4)::float8,
    (e ->> 5)::float8,
         (e ->> 6)::float8
  from jsonb_array_elements(p_rows -> 'fills') as e
  on conflict do nothing;

  insert into desk.position_history (session_id, seq, bar_time, symbol, change, size_before, size, price,
    average_price, profit)
  select p_session_id, (e ->> 0)::bigint, desk.bar_moment(e -> 1), e ->> 2, e ->> 3, (e ->> 4)::float8,
    (e ->> 5)::float8,
         (e ->> 6)::float8, (e ->> 7)::float8, (e ->> 8)::float8
  from jsonb_array_elements(p_rows -> 'position_history') as e
  on conflict do nothing;

  insert into desk.session_trades (session_id, seq, symbol, entry_time, exit_time, size, entry_price, exit_price,
    profit, net_profit, fees)
  select p_session_id, (e ->> 0)::bigint, e ->> 1, desk.bar_moment(e -> 2), desk.bar_moment(e -> 3), (e ->> 4)::float8,
         (e ->> 5)::float8, (e ->> 6)::float8, (e ->> 7)::float8, (e ->> 8)::float8, (e ->> 9)::float8
  from jsonb_array_elements(p_rows -> 'session_trades') as e
  on conflict do nothing;

  insert into desk.risk_events (session_id, seq, bar_time, limit_name, severity, message, observed, threshold, symbol,
    size, price)
  select p_session_id, (e ->> 0)::bigint, desk.bar_moment(e -> 1), e ->> 2, e ->> 3, e ->> 4, (e ->> 5)::float8,
    (e ->> 6)::float8,
         e ->> 7, (e ->> 8)::float8, (e ->> 9)::float8
  from jsonb_array_elements(p_rows -> 'risk_events') as e
  on conflict do nothing;

  insert into desk.portfolio_snapshots (session_id, seq, bar_time, cash, value, exposure, positions)
  select p_session_id, (e ->> 0)::bigint, desk.bar_moment(e -> 1), (e ->> 2)::float8, (e ->> 3)::float8,
    (e ->> 4)::float8, e -> 5
  from jsonb_array_elements(p_rows -> 'portfolio_snapshots') as e
  on conflict do nothing;

  insert into desk.daily_summaries (session_id, session_date, begin_value, end_value, low_value, high_value, orders,
    fills, trades,
    profit, fees, risk_events)
  select p_session_id, date '1970-01-01' + (e ->> 1)::integer, (e ->> 2)::float8, (e ->> 3)::float8, (e ->> 4)::float8,
         (e ->> 5)::float8, (e ->> 6)::integer, (e ->> 7)::integer, (e ->> 8)::integer, (e ->> 9)::float8,
         (e ->> 10)::float8,
         (e ->> 11)::integer
  from jsonb_array_elements(p_rows -> 'daily_summaries') as e
  on conflict do nothing;

  update desk.trading_sessions as t
  set state = e ->> 1, symbols = coalesce(array(select jsonb_array_elements_text(nullif(e -> 2, 'null'))), '{}'),
      cash = (e ->> 3)::float8
  from jsonb_array_elements(p_rows -> 'session') as e
  where t.id = p_session_id and e ->> 1 = 'open' and t.cash is null;
  update desk.trading_sessions as t
  set state = e ->> 1, error = left(e ->> 4, 4000)
  from jsonb_array_elements(p_rows -> 'session') as e
  where t.id = p_session_id and e ->> 1 <> 'open';
end
$$;
comment on function desk.write_session_rows(bigint, jsonb) is
  'Stores rows by table; each is an array in the order of db_logger.COLUMNS.';

create or replace function desk.record_session_rows(p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_rows jsonb)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item desk.work_items;
begin
  select w.* into v_item from desk.work_items as w
  where w.id = p_work_item_id and w.state = 'leased' and w.token = p_token
  for share;
  if not found then
    return 'stale';
  end if;
  if p_ordinal is null or not p_ordinal between v_item.first_ordinal and v_item.last_ordinal then
    return format('impossible: point %s is not in this item', coalesce(p_ordinal::text, 'null'));
  end if;
  if jsonb_typeof(p_rows) is distinct from 'object' then
    return 'impossible: rows are no object';
  end if;
  begin
    perform desk.write_session_rows(desk.trading_session(v_item, p_ordinal), p_rows);
  exception
    when check_violation or not_null_violation or data_exception or invalid_parameter_value then
      return 'impossible: ' || sqlerrm;
  end;
  return 'logged';
end
$$;
comment on function desk.record_session_rows(bigint, uuid, bigint, jsonb) is
  'Stores what the strategy of a held point has logged so far: logged, stale (the caller no longer holds it), or '
  'impossible: why.';
grant execute on function desk.record_session_rows(bigint, uuid, bigint, jsonb) to desk_runner;

create or replace function desk.risk_limits_of(p_strategy_id bigint)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select jsonb_object_agg(l.limit_name, l.threshold order by l.strategy_id nulls first)
  from desk.risk_limits as l where l.strategy_id = p_strategy_id or l.strategy_id is null
$$;
comment on function desk.risk_limits_of(bigint) is
  'Limits of a strategy by name, its own before those of all; null where there are none.';

comment on table desk.portfolio_snapshots is
  'One row a look at the account: after each session that changed cash or positions, and at the end; daily_summaries '
  'has the value of every session.';

grant select on desk.trading_sessions, desk.orders, desk.order_events, desk.fills, desk.position_history,
  desk.session_trades,
  desk.risk_events, desk.portfolio_snapshots, desk.daily_summaries, desk.risk_limits to desk_director, desk_viewer;
grant insert (strategy_id, limit_name, threshold), update (threshold), delete on desk.risk_limits to desk_director;
