-- The gate: one call allows or refuses an order and leaves a row either way.

create or replace function desk.check_gate_call()
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform desk.refuse(format('Orders are asked for in READ COMMITTED, not in %s',
      upper(current_setting('transaction_isolation'))), '$',
      'An older snapshot would count what is on its way wrongly.', '25001');
  elsif statement_timestamp() > transaction_timestamp() + interval '1 second'
    or not exists (select from pg_catalog.pg_cursors as c where c.name = '')
  then
    perform desk.refuse('An order is asked for in a statement of its own', '$',
      'Call submit_order() outside a transaction, in autocommit: it holds the gate of its account until the commit.',
      '25001');
  end if;
end
$$;
comment on function desk.check_gate_call() is
  'Refuses an order that is asked for under another isolation, or in a transaction that was open before.';

create or replace function desk.key_number(p_key text)
returns bigint
language sql immutable
set search_path = desk, pg_temp
as $$
  select substring(p_key from '[0-9]{1,18}$')::bigint
$$;
comment on function desk.key_number(text) is 'Number at the end of an order''s key.';

create or replace function desk.same_terms(p_one desk.broker_orders, p_other desk.broker_orders)
returns boolean
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return (p_one.symbol, p_one.quantity, p_one.type, p_one.limit_price, p_one.stop_price, p_one.trail_amount,
      p_one.trail_part, p_one.time_in_force, p_one.valid_until, p_one.parent_id, p_one.oco_id, p_one.intent)
    is not distinct from (p_other.symbol, p_other.quantity, p_other.type, p_other.limit_price, p_other.stop_price,
      p_other.trail_amount, p_other.trail_part, p_other.time_in_force, p_other.valid_until, p_other.parent_id,
      p_other.oco_id, p_other.intent);
end
$$;
comment on function desk.same_terms(desk.broker_orders, desk.broker_orders) is 'Whether two orders ask for the same.';

create or replace function desk.known_order(p_order desk.broker_orders)
returns desk.broker_orders
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_known desk.broker_orders;
begin
  select o.* into v_known from desk.broker_orders as o
  where o.trading_session_id = p_order.trading_session_id and o.key = p_order.key;
  if not found then
    -- Its refusal may be counted in another's row.
    select o.* into v_known
    from desk.refused_keys as k
    join desk.broker_orders as o on o.id = k.order_id
    where k.trading_session_id = p_order.trading_session_id and k.prefix = rtrim(p_order.key, '0123456789')
      and desk.key_number(p_order.key) between desk.key_number(o.key) and o.last_number
      and desk.same_terms(o, p_order)
    order by o.id
    limit 1;
    return v_known;
  end if;
  if not desk.same_terms(v_known, p_order) then
    perform desk.refuse(format('Order %s of session %s was another one: %s %s %s', p_order.key,
      p_order.trading_session_id,
      v_known.quantity, v_known.symbol, v_known.type), '$.key',
      'A key is one order for ever. A replay that asks for other terms runs other code, or has seen something else.',
      '23505');
  end if;
  return v_known;
end
$$;
comment on function desk.known_order(desk.broker_orders) is
  'The row of an order''s key, null where there is none; refuses a key that was another order.';

create or replace function desk.known_orders(p_orders desk.broker_orders[])
returns desk.broker_orders[]
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_first desk.broker_orders := desk.known_order(p_orders[1]);
  v_known desk.broker_orders[] := array[v_first];
  v_one   desk.broker_orders;
begin
  if v_first.id is null then
    return null;
  end if;
  for i in 2 .. cardinality(p_orders) loop
    v_one := p_orders[i];
    v_one.parent_id := v_first.id;
    v_one := desk.known_order(v_one);
    if v_one.id is null then
      perform desk.refuse(format('The bracket of %s had no order %s', v_first.key, p_orders[i].key), '$.key',
        'A key is one order for ever.', '23505');
    end if;
    v_known := v_known || v_one;
  end loop;
  return v_known;
end
$$;
comment on function desk.known_orders(desk.broker_orders[]) is
  'The rows of an order, or of a bracket, that was asked for before; null where it was not.';

create or replace function desk.write_order(p_order desk.broker_orders, p_breach desk.order_breach)
returns desk.broker_orders
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  o         desk.broker_orders := p_order;
  v_refused boolean := p_breach.rule is not null;
begin
  if v_refused then
    -- A strategy that runs wild must not fill the disk: equal refusals within a second are one row.
    update desk.broker_orders as b
    set times_refused = b.times_refused + 1, last_number = desk.key_number(o.key), changed_at = clock_timestamp()
    where b.id = (
      select r.id
      from desk.refused_keys as k
      join desk.broker_orders as r on r.id = k.order_id
      where k.trading_session_id = o.trading_session_id and k.prefix = rtrim(o.key, '0123456789')
        and r.last_number < desk.key_number(o.key) and r.rule = p_breach.rule
        and r.decided_at > clock_timestamp() - interval '1 second' and desk.same_terms(r, o)
      order by r.id desc limit 1)
    returning b.* into p_order;
    if found then
      return p_order;
    end if;
  end if;
  insert into desk.broker_orders as b (account_id, trading_session_id, key, symbol, quantity, type, limit_price,
    stop_price, trail_amount, trail_part, time_in_force, valid_until, parent_id, oco_id, intent, tag, state, is_open,
    rule, reason, observed, threshold, times_refused, last_number, reduces, decision_bar, decision_price, counted_at,
    decided_in)
  values (o.account_id, o.trading_session_id, o.key, o.symbol, o.quantity, o.type, o.limit_price, o.stop_price,
    o.trail_amount, o.trail_part, o.time_in_force, o.valid_until, o.parent_id, o.oco_id, o.intent, o.tag,
    case when v_refused then 'refused' else 'allowed' end, not v_refused, p_breach.rule,
    case when v_refused then p_breach.reason end, p_breach.observed, p_breach.threshold,
    case when v_refused then 1 end, case when v_refused then desk.key_number(o.key) end,
    p_breach.reason is not distinct from 'reduces', coalesce(o.decision_bar, '-infinity'), o.decision_price,
    o.counted_at, statement_timestamp())
  on conflict (trading_session_id, key) do nothing
  returning b.* into o;
  if o.id is null then
    return null;
  elsif v_refused then
    insert into desk.refused_keys (trading_session_id, prefix, order_id)
    values (o.trading_session_id, rtrim(o.key, '0123456789'), o.id);
  else
    insert into desk.broker_order_events (order_id, to_state, filled) values (o.id, 'allowed', 0);
    update desk.session_ledgers set orders_today = orders_today + 1 where trading_session_id = o.trading_session_id;
  end if;
  return o;
end
$$;
comment on function desk.write_order(desk.broker_orders, desk.order_breach) is
  'Writes the row of an order that was judged: refused where the breach has a rule; null where its key is there.';

create or replace function desk.judge_orders(p_orders desk.broker_orders[], p_token uuid)
returns desk.broker_orders[]
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_account  desk.accounts;
  f          desk.gate_facts;
  v_breach   desk.order_breach;
  v_breaches desk.order_breach[] := '{}';
  v_refusal  desk.order_breach;
  v_written  desk.broker_orders[];
  o          desk.broker_orders := p_orders[1];
  v_first    desk.broker_orders := o;
begin
  select a.* into v_account
  from desk.session_ledgers as l
  join desk.accounts as a on a.id = l.account_id
  where l.trading_session_id = o.trading_session_id for no key update of a;
  if not found then
    perform desk.refuse(
      format('There is no session %s on an account', coalesce(o.trading_session_id::text, 'null')),
      '$.session', 'See live_sessions.', '23503');
  end if;
  for i in 1 .. cardinality(p_orders) loop
    o := p_orders[i];
    o.account_id := v_account.id;
    o.counted_at := clock_timestamp();
    -- Read after the lock: each statement of READ COMMITTED sees what was committed by then.
    f := desk.gate_facts(o, v_account.id);
    if i = 1 and p_token is not null and p_token is distinct from f.process_token then
      perform desk.refuse(format('Another process runs session %s now', o.trading_session_id), '$.token',
        'End this one.', '55000');
    elsif i = 1 and f.may_be_known then
      v_written := desk.known_orders(p_orders);
      if v_written is not null then
        return v_written;
      end if;
    end if;
    o.decision_bar := coalesce(o.decision_bar, f.newest_bar);
    o.counted_at := f.counted_at;
    o.decision_price := f.price;
    p_orders[i] := o;
    if i = 1 then
      v_first := o;
      v_breach := desk.order_breach(o, f, v_account);
    else
      -- A bracket's exit can only close what its parent opens.
      v_breach := desk.order_shape(o, f);
      if v_breach.rule is null and not (o.symbol = v_first.symbol and o.quantity * v_first.quantity < 0
        and abs(o.quantity) <= abs(v_first.quantity))
      then
        v_breach := desk.breach('bracket', format('%s %s does not close what %s opens', o.quantity, o.symbol,
          v_first.key));
      end if;
    end if;
    v_breaches := v_breaches || v_breach;
    if v_refusal.rule is null then
      v_refusal := v_breach;
    end if;
  end loop;
  if v_refusal.rule is not null then
    -- What was allowed once is not refused now.
    v_written := desk.known_orders(p_orders);
    if v_written is not null then
      return v_written;
    end if;
  end if;
  -- All or none.
  for i in 1 .. cardinality(p_orders) loop
    o := p_orders[i];
    if i > 1 then
      o.parent_id := v_first.id;
    end if;
    o := desk.write_order(o, case when v_refusal.rule is null then v_breaches[i] else v_refusal end);
    if o.id is null and i = 1 then
      return desk.known_orders(p_orders);
    elsif o.id is null then
      perform desk.refuse(format('Order %s was asked for before, without %s', p_orders[i].key, v_first.key), '$.key',
        'A key is one order for ever.', '23505');
    end if;
    if i = 1 then
      v_first := o;
    end if;
    v_written := v_written || o;
  end loop;
  return v_written;
end
$$;
comment on function desk.judge_orders(desk.broker_orders[], uuid) is
  'Judges and writes an order, or a bracket whose first opens what the others close, under the lock of the account.';

create or replace function desk.place_orders(p_orders desk.broker_orders[], p_token uuid)
returns setof desk.broker_orders
language sql volatile
set search_path = desk, pg_temp
as $$
  select o.* from unnest(desk.judge_orders(p_orders, p_token)) as o
$$;
comment on function desk.place_orders(desk.broker_orders[], uuid) is 'What judge_orders() answers, a row an order.';
