-- What a strategy's process asks for: orders, brackets, cancels; and the desk's own flattening.

create or replace function desk.submit_order(
  p_session_id bigint, p_key text, p_symbol text, p_quantity double precision, p_type text default 'market',
  p_limit_price double precision default null, p_stop_price double precision default null,
  p_trail_amount double precision default null, p_trail_part double precision default null,
  p_time_in_force text default 'gtc', p_valid_until timestamptz default null, p_oco_key text default null,
  p_reduce_only boolean default false, p_decision_bar timestamptz default null, p_tag text default null,
  p_token uuid default null)
returns desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  o desk.broker_orders;
begin
  -- Looked at closely only where it is not plain that the statement began its transaction.
  if statement_timestamp() > transaction_timestamp() + interval '200 us'
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform desk.check_gate_call();
  end if;
  o.trading_session_id := p_session_id;
  o.key := p_key;
  o.symbol := left(p_symbol, 40);
  o.quantity := p_quantity;
  o.type := left(p_type, 40);
  o.limit_price := p_limit_price;
  o.stop_price := p_stop_price;
  o.trail_amount := p_trail_amount;
  o.trail_part := p_trail_part;
  o.time_in_force := left(p_time_in_force, 40);
  o.valid_until := p_valid_until;
  o.intent := case when p_reduce_only then 'reduce' else 'trade' end;
  o.decision_bar := p_decision_bar;
  o.tag := left(p_tag, 200);
  if p_oco_key is not null then
    select coalesce(b.oco_id, b.id) into o.oco_id from desk.broker_orders as b
    where b.trading_session_id = p_session_id and b.key = p_oco_key and b.state <> 'refused';
    if not found then
      perform desk.refuse(format('Session %s has no order %s to cancel the other', p_session_id, p_oco_key),
        '$.oco_key', 'Name one that was allowed.', '23503');
    end if;
  end if;
  return (desk.judge_orders(array[o], p_token))[1];
end
$$;
comment on function desk.submit_order(bigint, text, text, double precision, text, double precision, double precision,
  double precision, double precision, text, timestamptz, text, boolean, timestamptz, text, uuid) is
  'Asks for an order; in autocommit. The row says allowed, or refused and why: select state, reason from '
  'submit_order(1, ''2026-01-05:1'', ''SPY'', 10). Quantity is negative to sell. A key is one order for ever: asked '
  'again, it answers as it did. oco_key names an order of which one cancels the other.';
grant execute on function desk.submit_order(bigint, text, text, double precision, text, double precision,
  double precision, double precision, double precision, text, timestamptz, text, boolean, timestamptz, text, uuid)
to desk_trader;

create or replace function desk.submit_bracket(
  p_session_id bigint, p_orders jsonb, p_decision_bar timestamptz default null, p_token uuid default null)
returns setof desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  v_orders desk.broker_orders[];
begin
  if statement_timestamp() > transaction_timestamp() + interval '200 us'
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform desk.check_gate_call();
  end if;
  if jsonb_typeof(p_orders) is distinct from 'array' or jsonb_array_length(p_orders) not between 2 and 10 then
    perform desk.refuse('A bracket is a list: its entry, then its exits', '$.orders',
      '[{"key": "b:1", "symbol": "SPY", "quantity": 10}, '
      '{"key": "b:2", "quantity": -10, "type": "stop", "stop_price": 90}]');
  end if;
  select array_agg(b order by e.place) into v_orders
  from jsonb_array_elements(p_orders) with ordinality as e (item, place)
  cross join lateral jsonb_populate_record(null::desk.broker_orders,
    jsonb_build_object('symbol', p_orders #>> '{0,symbol}', 'type', 'market', 'time_in_force', 'gtc')
    || (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(e.item) as k
        where k.key in ('key', 'symbol', 'quantity', 'type', 'limit_price', 'stop_price', 'trail_amount', 'trail_part',
          'time_in_force', 'valid_until', 'tag'))
    || jsonb_build_object('trading_session_id', p_session_id, 'intent', 'trade', 'decision_bar', p_decision_bar)) as b;
  return query select b.* from desk.place_orders(v_orders, p_token) as b;
end
$$;
comment on function desk.submit_bracket(bigint, jsonb, timestamptz, uuid) is
  'Asks for an entry and the exits that close it, as a list of objects with submit_order''s words; allowed or refused '
  'together. Of the exits one cancels the others.';
grant execute on function desk.submit_bracket(bigint, jsonb, timestamptz, uuid) to desk_trader;

create or replace function desk.submit_flatten(
  p_session_id bigint, p_key text, p_symbol text, p_quantity double precision, p_type text, p_token uuid,
  p_limit_price double precision default null)
returns desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  o desk.broker_orders;
begin
  if statement_timestamp() > transaction_timestamp() + interval '200 us'
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform desk.check_gate_call();
  end if;
  perform desk.check_link(l.account_id, p_token)
  from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  o.trading_session_id := p_session_id;
  o.key := p_key;
  o.symbol := left(p_symbol, 40);
  o.quantity := p_quantity;
  o.type := left(p_type, 40);
  o.limit_price := p_limit_price;
  o.time_in_force := 'day';
  o.intent := 'flatten';
  return (desk.judge_orders(array[o], null))[1];
end
$$;
comment on function desk.submit_flatten(bigint, text, text, double precision, text, uuid, double precision) is
  'The desk''s own order to close: passes every level and limit, and is refused unless it only reduces.';
grant execute on function desk.submit_flatten(bigint, text, text, double precision, text, uuid, double precision)
to desk_link;

create or replace function desk.cancel_order(p_order_id bigint, p_by text, p_reason text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_state text;
begin
  -- One statement: a link that takes the order at this moment comes before it or after it.
  update desk.broker_orders as o
  set cancel_asked_at = coalesce(o.cancel_asked_at, clock_timestamp()), changed_at = clock_timestamp(),
      state = case o.state when 'allowed' then 'cancelled' else o.state end,
      cancelled_by = case o.state when 'allowed' then p_by else o.cancelled_by end,
      reason = case o.state when 'allowed' then p_reason else o.reason end
  where o.id = p_order_id and o.is_open
  returning o.state into v_state;
  if v_state = 'cancelled' then
    perform desk.cancel_orphans(p_order_id);
  end if;
  return coalesce(v_state, (select o.state from desk.broker_orders as o where o.id = p_order_id));
end
$$;
comment on function desk.cancel_order(bigint, text, text) is
  'Cancels an order that was not sent, and asks for the cancel of one that was; answers its state.';

create or replace function desk.cancel_orphans(p_order_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  update desk.broker_orders as o
  set state = 'cancelled', cancelled_by = 'desk', reason = 'its bracket''s entry came to nothing',
      changed_at = clock_timestamp()
  where o.state = 'allowed' and o.id in (
    select c.id from desk.broker_orders as c
    join desk.broker_orders as p on p.id = c.parent_id
    where c.parent_id = p_order_id and c.state = 'allowed' and not p.is_open and p.filled = 0
    order by c.id for update of c);
end
$$;
comment on function desk.cancel_orphans(bigint) is
  'Cancels the unsent exits of a bracket whose entry is over and was not filled.';

create or replace function desk.request_cancel(p_session_id bigint, p_key text, p_token uuid default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_id bigint;
begin
  if p_token is not null and not exists (
    select from desk.session_processes as p where p.trading_session_id = p_session_id and p.token = p_token)
  then
    perform desk.refuse(format('Another process runs session %s now', p_session_id), '$.token', 'End this one.',
      '55000');
  end if;
  select o.id into v_id from desk.broker_orders as o where o.trading_session_id = p_session_id and o.key = p_key;
  if not found then
    perform desk.refuse(format('Session %s has no order %s', coalesce(p_session_id::text, 'null'),
      to_jsonb(left(p_key, 60))), '$.key', 'See broker_orders.', '23503');
  end if;
  return desk.cancel_order(v_id, 'strategy', 'cancelled before it was sent');
end
$$;
comment on function desk.request_cancel(bigint, text, uuid) is
  'Asks for an order''s cancel; always passes, and does not wait for the gate. Answers the order''s state: cancelled '
  'where it had not been sent, else what the broker has still to say.';
grant execute on function desk.request_cancel(bigint, text, uuid) to desk_trader;
