-- What a director does by hand to trading: reduce it, cancel an order. Stopping and resuming are with the levels.

create or replace function desk.reduce_trading(
  p_reason text, p_account text default null, p_session_id bigint default null, p_flatten boolean default false)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account_id bigint;
  v_halt       bigint;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('To reduce trading needs a reason', '$.reason',
      'select reduce_trading(''what happened'', ''PAPER1'');');
  end if;
  v_account_id := desk.account_meant(p_account, p_session_id, true);
  -- Like a stop, it is a row that waits for no lock.
  insert into desk.halts (account_id, trading_session_id, level, rule, reason, flatten)
  values (v_account_id, p_session_id, 'reducing', 'reduce_trading', p_reason, p_flatten)
  returning id into v_halt;
  return format('REDUCING %s (halt %s): nothing is entered from now on, exits pass%s.',
    coalesce('session ' || p_session_id, p_account, 'everything'), v_halt,
    case when p_flatten then '; what is held is to be closed' else '' end);
end
$$;
comment on function desk.reduce_trading(text, text, bigint, boolean) is
  'From the next statement on only what reduces a position is allowed, in a session, an account or everywhere: select '
  'reduce_trading(''what happened'', ''PAPER1''). flatten asks for positions to be closed. resume_trading() lifts it.';
grant execute on function desk.reduce_trading(text, text, bigint, boolean) to desk_director;

create or replace function desk.cancel_live_order(p_order_id bigint, p_reason text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_open  boolean;
  v_state text;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A cancel needs a reason', '$.reason', 'select cancel_live_order(1, ''why'');');
  end if;
  select o.is_open into v_open from desk.broker_orders as o where o.id = p_order_id;
  if v_open is null then
    perform desk.refuse(format('There is no order %s', coalesce(p_order_id::text, 'null')), '$.order',
      'See live_orders.', '23503');
  end if;
  v_state := desk.cancel_order(p_order_id, 'desk', p_reason);
  return case when not v_open then format('Order %s was %s already: nothing to cancel.', p_order_id, v_state)
    when v_state = 'cancelled' then format('Order %s is cancelled: it had not been sent.', p_order_id)
    else format('The cancel of order %s is asked for; it is %s until its broker says so.', p_order_id, v_state) end;
end
$$;
comment on function desk.cancel_live_order(bigint, text) is
  'Cancels an order that was not sent, and asks the broker to cancel one that was: select cancel_live_order(1, '
  '''why'').';
grant execute on function desk.cancel_live_order(bigint, text) to desk_director;

create or replace function desk.level_of_account(p_account_id bigint)
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select desk.level_of(p_account_id, null)
$$;
comment on function desk.level_of_account(bigint) is
  'Level of an account by itself, whatever holds for its sessions: select level_of_account(1).';
grant execute on function desk.level_of_account(bigint) to desk_director, desk_viewer;
