-- What the DBLogger of a session on an account writes: once, however often its strategy goes through its stream.

create or replace function desk.newest_row(p_session_id bigint)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select greatest(
    coalesce((select max(r.seq) from desk.order_events as r where r.session_id = p_session_id), 0),
    coalesce((select max(r.seq) from desk.fills as r where r.session_id = p_session_id), 0),
    coalesce((select max(r.seq) from desk.position_history as r where r.session_id = p_session_id), 0),
    coalesce((select max(r.seq) from desk.session_trades as r where r.session_id = p_session_id), 0),
    coalesce((select max(r.seq) from desk.risk_events as r where r.session_id = p_session_id), 0),
    coalesce((select max(r.seq) from desk.portfolio_snapshots as r where r.session_id = p_session_id), 0))
$$;
comment on function desk.newest_row(bigint) is 'Highest number of a row that a session''s DBLogger has written.';

create or replace function desk.record_strategy_rows(p_session_id bigint, p_token uuid, p_rows jsonb, p_keys jsonb)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_after bigint := desk.newest_row(p_session_id);
begin
  perform desk.check_strategy(p_session_id, p_token);
  if jsonb_typeof(p_rows) is distinct from 'object' then
    return 'impossible: rows are no object';
  end if;
  begin
    -- A session ends by end_trading_session(), not because its stream has.
    perform desk.write_session_rows(p_session_id, p_rows || jsonb_build_object('session', coalesce((
      select jsonb_agg(s.item) from jsonb_array_elements(p_rows -> 'session') as s (item)
      where s.item ->> 'state' = 'open'), '[]')));
  exception
    when check_violation or not_null_violation or data_exception or invalid_parameter_value then
      return 'impossible: ' || sqlerrm;
  end;
  update desk.orders as o
  set broker_order_id = b.id
  from jsonb_each_text(p_keys) as k (ref, key)
  join desk.broker_orders as b on b.trading_session_id = p_session_id and b.key = k.key
  where o.session_id = p_session_id and o.order_ref = k.ref::bigint and o.broker_order_id is null;
  -- The strategy's first fill of an order is the broker's first, and so on.
  with new as (
    select distinct f.order_ref from desk.fills as f
    where f.session_id = p_session_id and f.execution_id is null and f.seq > v_after
  ),
  seen as (
    select f.seq, o.broker_order_id, row_number() over (partition by f.order_ref order by f.seq) as place
    from new as n
    join desk.fills as f on f.session_id = p_session_id and f.order_ref = n.order_ref
    join desk.orders as o on o.session_id = p_session_id and o.order_ref = n.order_ref
  ),
  stated as (
    select e.id, e.order_id, row_number() over (partition by e.order_id order by e.executed_at, e.id) as place
    from desk.newest_executions as e
    where e.order_id in (select s.broker_order_id from seen as s)
  )
  update desk.fills as f
  set execution_id = t.id
  from seen as s
  join stated as t on t.order_id = s.broker_order_id and t.place = s.place
  where f.session_id = p_session_id and f.seq = s.seq and f.execution_id is null;
  return 'logged';
end
$$;
comment on function desk.record_strategy_rows(bigint, uuid, jsonb, jsonb) is
  'Stores what a session''s strategy has logged, with the keys of its orders by the strategy''s own numbers, so that '
  'each refers to the order and the fill here: logged, or impossible: why. Rows that come again are kept once.';
grant execute on function desk.record_strategy_rows(bigint, uuid, jsonb, jsonb) to desk_trader;
