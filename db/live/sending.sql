-- The link's side of an order: taken, sent, answered. Committed as sending before anything leaves.

create or replace function desk.take_orders(p_account text, p_token uuid, p_limit integer default 20)
returns setof desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_id         bigint;
begin
  perform desk.check_link(v_account_id, p_token);
  perform desk.close_before_sending(v_account_id);
  -- Halts are read again here, in a statement that begins after the rows are held.
  perform from desk.broker_orders as o
  where o.account_id = v_account_id and o.is_open and o.state = 'allowed' order by o.id for update skip locked;
  for v_id in
    with over as (
      select o.id, o.valid_until <= clock_timestamp() as expired,
             desk.position_is_blocked(o.account_id, o.symbol) as blocked
      from desk.broker_orders as o
      join desk.trading_sessions as t on t.id = o.trading_session_id
      where o.account_id = v_account_id and o.is_open and o.state = 'allowed' and (
        o.valid_until <= clock_timestamp() and t.clock = 'wall'
        or desk.position_is_blocked(o.account_id, o.symbol)
        or o.intent <> 'flatten' and desk.level_of(o.account_id, o.trading_session_id) = 'halted'
        or o.intent <> 'flatten' and not o.reduces and o.parent_id is null
          and desk.level_of(o.account_id, o.trading_session_id) = 'reducing')
      order by o.id for update of o skip locked
    )
    update desk.broker_orders as o
    set state = 'cancelled', cancelled_by = case when v.expired then 'expiry' else 'desk' end,
        reason = case when v.expired then 'expired before it was sent'
          when v.blocked then 'not sent: the broker holds something else than the desk, see open_differences'
          else 'stopped before it was sent' end,
        changed_at = clock_timestamp()
    from over as v where o.id = v.id
    returning o.id
  loop
    perform desk.cancel_orphans(v_id);
  end loop;
  return query
    with held as (
      select o.id, o.parent_id from desk.broker_orders as o
      where o.account_id = v_account_id and o.is_open and o.state = 'allowed'
      order by o.id limit p_limit for update skip locked
    ),
    -- An exit does not leave before its entry, which somebody may be cancelling at this moment.
    taken as (
      select h.id from held as h
      where h.parent_id is null or h.parent_id in (select e.id from held as e)
        or exists (select from desk.broker_orders as p where p.id = h.parent_id and p.state <> 'allowed')
    ),
    sent as (
      update desk.broker_orders as o set state = 'sending', changed_at = clock_timestamp()
      from taken as t where o.id = t.id
      returning o.*
    )
    select s.* from sent as s order by s.id;
end
$$;
comment on function desk.take_orders(text, uuid, integer) is
  'Takes allowed orders to send, now in the state sending. What was stopped or has expired meanwhile is cancelled '
  'instead; what has to be flat by now is closed first. Send nothing before this has committed, and nothing that it '
  'did not answer.';
grant execute on function desk.take_orders(text, uuid, integer) to desk_link;

create or replace function desk.take_cancels(p_account text, p_token uuid, p_again boolean default false)
returns setof desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
begin
  perform desk.check_link(v_account_id, p_token);
  -- What a halt wants cancelled is asked for here: the halt itself touches no order.
  update desk.broker_orders as o
  set cancel_asked_at = clock_timestamp(), changed_at = clock_timestamp(),
      cancelled_by = coalesce(o.cancelled_by, 'desk')
  where o.id in (
    select b.id from desk.broker_orders as b
    where b.account_id = v_account_id and b.is_open and b.state <> 'allowed' and b.cancel_asked_at is null
      and b.intent <> 'flatten' and exists (
        select from desk.halts as h
        where h.lifted_at is null and h.level = 'halted' and (h.account_id is null or h.account_id = b.account_id)
          and (h.trading_session_id is null or h.trading_session_id = b.trading_session_id)
          and (h.exits = 'cancel' or not (b.reduces or b.parent_id is not null)))
    order by b.id for update skip locked);
  return query
    with taken as (
      update desk.broker_orders as o set cancel_taken_at = clock_timestamp()
      where o.id in (
        select b.id from desk.broker_orders as b
        where b.account_id = v_account_id and b.is_open and b.cancel_asked_at is not null
          and (p_again or b.cancel_taken_at is null) and b.state <> 'allowed'
        order by b.id for update skip locked)
      returning o.*
    )
    select t.* from taken as t order by t.id;
end
$$;
comment on function desk.take_cancels(text, uuid, boolean) is
  'Orders whose cancel has to go to the broker, each once; with again all that it has not answered yet. A halt asks '
  'for the cancel of what could add exposure, and of resting exits where it says so.';
grant execute on function desk.take_cancels(text, uuid, boolean) to desk_link;

create or replace function desk.record_order_state(
  p_account text, p_token uuid, p_order_id bigint, p_state text, p_reason text default null,
  p_cancelled_by text default null, p_broker_order_id bigint default null, p_permanent_id bigint default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_state      text;
begin
  perform desk.check_link(v_account_id, p_token);
  if p_state not in ('working', 'cancelled', 'rejected', 'unresolved', 'never_sent') is not false then
    perform desk.refuse(format('A link cannot record the state %s', coalesce(p_state, 'null')), '$.state',
      'working, cancelled, rejected, unresolved or never_sent; fills are recorded as executions.');
  end if;
  select o.state into v_state from desk.broker_orders as o
  where o.id = p_order_id and o.account_id = v_account_id for no key update;
  if not found then
    perform desk.refuse(format('Order %s is none of %s', coalesce(p_order_id::text, 'null'), p_account), '$.order',
      'See broker_orders.', '23503');
  elsif v_state = p_state or p_state = 'working' and v_state in ('filled', 'cancelled', 'rejected')
    or v_state = 'filled'
  then
    -- Words that come twice, or after the last one.
    update desk.broker_orders as o
    set broker_order_id = coalesce(p_broker_order_id, o.broker_order_id),
        permanent_id = coalesce(p_permanent_id, o.permanent_id)
    where o.id = p_order_id;
    return 'known';
  end if;
  update desk.broker_orders as o
  set state = p_state, reason = p_reason, changed_at = clock_timestamp(),
      cancelled_by = case when p_state = 'cancelled' then coalesce(p_cancelled_by, o.cancelled_by,
        case when o.cancel_asked_at is not null then 'strategy' else 'broker' end) end,
      broker_order_id = coalesce(p_broker_order_id, o.broker_order_id),
      permanent_id = coalesce(p_permanent_id, o.permanent_id)
  where o.id = p_order_id;
  perform desk.cancel_orphans(p_order_id);
  return 'recorded';
end
$$;
comment on function desk.record_order_state(text, uuid, bigint, text, text, text, bigint, bigint) is
  'What the broker said of an order: recorded, or known. A fill is an execution; unresolved is what nobody knows.';
grant execute on function desk.record_order_state(text, uuid, bigint, text, text, text, bigint, bigint) to desk_link;
