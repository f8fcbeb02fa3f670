-- Trading sessions: the rows that a strategy's DBLogger hands over.

drop function if exists desk.bar_moment(jsonb);

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
declare
  v_table text;
begin
  select t.name into v_table from jsonb_object_keys(p_rows) as t (name)
  where t.name <> all (array['session', 'order_events', 'fills', 'position_history', 'session_trades', 'risk_events',
    'portfolio_snapshots', 'daily_summaries'])
  limit 1;
  if found then
    perform desk.refuse(format('Unknown kind of row %s', to_jsonb(left(v_table, 60))), '$', 'See DBLogger.');
  end if;

  -- Every row carries its number in the session: rows that arrive twice are kept once.
  with sent as materialized (
    select e.*, to_timestamp(e.bar_time) as moment
    from jsonb_to_recordset(p_rows -> 'order_events') as e (
      seq bigint, bar_time double precision, order_ref bigint, status text, symbol text, side text, type text,
      size double precision, price double precision, limit_price double precision, filled double precision,
      average_price double precision, fees double precision, tag text)
  ),
  events as (
    insert into desk.order_events (session_id, seq, bar_time, order_ref, status, filled, average_price, fees)
    select p_session_id, e.seq, e.moment, e.order_ref, e.status, e.filled, e.average_price, e.fees
    from sent as e
    on conflict do nothing
  )
  insert into desk.orders as o (session_id, order_ref, symbol, side, type, size, price, limit_price, tag, status,
    filled, average_price, fees, sent_at, changed_at, last_seq)
  select distinct on (e.order_ref)
         p_session_id, e.order_ref, e.symbol, e.side, e.type, e.size, e.price, e.limit_price, e.tag, e.status,
         e.filled, e.average_price, e.fees, min(e.moment) over (partition by e.order_ref), e.moment, e.seq
  from sent as e
  order by e.order_ref, e.seq desc
  on conflict (session_id, order_ref) do update
  set status = excluded.status, filled = excluded.filled, average_price = excluded.average_price, fees = excluded.fees,
      changed_at = excluded.changed_at, last_seq = excluded.last_seq
  where o.last_seq < excluded.last_seq;

  insert into desk.fills (session_id, seq, bar_time, order_ref, symbol, size, price, fee)
  select p_session_id, e.seq, to_timestamp(e.bar_time), e.order_ref, e.symbol, e.size, e.price, e.fee
  from jsonb_to_recordset(p_rows -> 'fills') as e (
    seq bigint, bar_time double precision, order_ref bigint, symbol text, size double precision,
    price double precision, fee double precision)
  on conflict do nothing;

  insert into desk.position_history (session_id, seq, bar_time, symbol, change, size_before, size, price,
    average_price, profit)
  select p_session_id, e.seq, to_timestamp(e.bar_time), e.symbol, e.change, e.size_before, e.size, e.price,
         e.average_price, e.profit
  from jsonb_to_recordset(p_rows -> 'position_history') as e (
    seq bigint, bar_time double precision, symbol text, change text, size_before double precision,
    size double precision, price double precision, average_price double precision, profit double precision)
  on conflict do nothing;

  insert into desk.session_trades (session_id, seq, symbol, entry_time, exit_time, size, entry_price, exit_price,
    profit, net_profit, fees)
  select p_session_id, e.seq, e.symbol, to_timestamp(e.entry_time), to_timestamp(e.exit_time), e.size, e.entry_price,
         e.exit_price, e.profit, e.net_profit, e.fees
  from jsonb_to_recordset(p_rows -> 'session_trades') as e (
    seq bigint, symbol text, entry_time double precision, exit_time double precision, size double precision,
    entry_price double precision, exit_price double precision, profit double precision, net_profit double precision,
    fees double precision)
  on conflict do nothing;

  insert into desk.risk_events (session_id, seq, bar_time, limit_name, severity, message, observed, threshold, symbol,
    size, price)
  select p_session_id, e.seq, to_timestamp(e.bar_time), e.limit_name, e.severity, e.message, e.observed, e.threshold,
         e.symbol, e.size, e.price
  from jsonb_to_recordset(p_rows -> 'risk_events') as e (
    seq bigint, bar_time double precision, limit_name text, severity text, message text, observed double precision,
    threshold double precision, symbol text, size double precision, price double precision)
  on conflict do nothing;

  insert into desk.portfolio_snapshots (session_id, seq, bar_time, cash, value, exposure, positions)
  select p_session_id, e.seq, to_timestamp(e.bar_time), e.cash, e.value, e.exposure, e.positions
  from jsonb_to_recordset(p_rows -> 'portfolio_snapshots') as e (
    seq bigint, bar_time double precision, cash double precision, value double precision, exposure double precision,
    positions jsonb)
  on conflict do nothing;

  insert into desk.daily_summaries (session_id, session_date, begin_value, end_value, low_value, high_value, orders,
    fills, trades, profit, fees, risk_events)
  select p_session_id, date '1970-01-01' + e.session_day, e.begin_value, e.end_value, e.low_value, e.high_value,
         e.orders, e.fills, e.trades, e.profit, e.fees, e.risk_events
  from jsonb_to_recordset(p_rows -> 'daily_summaries') as e (
    session_day integer, begin_value double precision, end_value double precision, low_value double precision,
    high_value double precision, orders integer, fills integer, trades integer, profit double precision,
    fees double precision, risk_events integer)
  on conflict do nothing;

  -- The opening row, and once more where a risk manager was made after it.
  update desk.trading_sessions as t
  set symbols = coalesce(e.symbols, '{}'), cash = e.cash, watched = coalesce(t.watched, false)
    or e.risk_limits is not null,
      risk_limits = coalesce(t.risk_limits, e.risk_limits)
  from (
    select o.symbols, o.cash, nullif(o.risk_limits, 'null') as risk_limits
    from jsonb_to_recordset(p_rows -> 'session') as o (
      seq bigint, state text, symbols text[], cash double precision, risk_limits jsonb)
    where o.state = 'open'
    order by o.risk_limits is null, o.seq
    limit 1
  ) as e
  where t.id = p_session_id and (t.cash is null or e.risk_limits is not null and t.risk_limits is null);
  update desk.trading_sessions as t
  set state = e.state, error = left(e.error, 4000)
  from jsonb_to_recordset(p_rows -> 'session') as e (state text, error text)
  where t.id = p_session_id and e.state <> 'open';
end
$$;
comment on function desk.write_session_rows(bigint, jsonb) is
  'Stores rows by table, each an object by the names of session_rows.COLUMNS; times are UTC seconds, days count from '
  '1970.';

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

comment on table desk.portfolio_snapshots is
  'One row a look at the account: after each session that changed cash or positions, and at the end; daily_summaries '
  'has the value of every session.';

grant select on desk.trading_sessions, desk.orders, desk.order_events, desk.fills, desk.position_history,
  desk.session_trades, desk.risk_events, desk.portfolio_snapshots, desk.daily_summaries to desk_director, desk_viewer;
