-- A look: a link has asked its broker for everything, and hands it over to be compared.

create or replace function desk.look_at_open(
  p_account desk.accounts, p_token uuid, p_open jsonb)
returns jsonb
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_cancel jsonb := '[]';
  v_adopt  boolean := desk.setting('orphan_orders') #>> '{}' = 'adopt';
  v_order  desk.broker_orders;
  v_kind   text;
  v_known  bigint;
  r        record;
begin
  for r in
    select x.*, substring(x.reference from '^' || p_account.order_prefix || '-([0-9]{1,18})$')::bigint as number
    from jsonb_to_recordset(p_open) as x (reference text, status text, order_id bigint, permanent_id bigint)
  loop
    continue when r.number is null;
    v_kind := null;
    select o.* into v_order from desk.broker_orders as o where o.id = r.number and o.account_id = p_account.id;
    if not found then
      v_kind := 'unknown_order';
    elsif not v_order.is_open then
      v_kind := 'order_back';
    else
      perform desk.record_broker_status(p_account.name, p_token, r.number, r.status, r.order_id, r.permanent_id);
      if exists (
        select from desk.trading_sessions as t where t.id = v_order.trading_session_id and t.state <> 'open')
      then
        v_kind := 'unknown_order';
      end if;
    end if;
    continue when v_kind is null;
    select d.id into v_known from desk.reconcile_differences as d
    where d.account_id = p_account.id and d.kind = v_kind and d.reference = r.reference
      and (d.ended_at is null or d.ended_how = 'adopted');
    if v_known is null then
      insert into desk.reconcile_differences (account_id, kind, symbol, order_id, reference, confirmed_at, ended_at,
        ended_how)
      values (p_account.id, v_kind, v_order.symbol, v_order.id, r.reference, clock_timestamp(),
        case when v_adopt then clock_timestamp() end, case when v_adopt then 'adopted' end);
      perform desk.note_link(p_account.id, 'look', true, format('%s is open at the broker: %s; it is %s', r.reference,
        case v_kind when 'order_back' then 'the desk has it as ' || v_order.state
          when 'unknown_order' then 'no open session has it' end,
        case when v_adopt then 'kept' else 'cancelled' end), p_order_id => v_order.id);
    end if;
    if not v_adopt then
      v_cancel := v_cancel || to_jsonb(r.reference);
    end if;
  end loop;
  -- What was to be cancelled and is open no more.
  update desk.reconcile_differences as d set ended_at = clock_timestamp(), ended_how = 'cancelled'
  where d.account_id = p_account.id and d.ended_at is null and d.kind in ('order_back', 'unknown_order')
    and not exists (select from jsonb_to_recordset(p_open) as x (reference text) where x.reference = d.reference);
  return v_cancel;
end
$$;
comment on function desk.look_at_open(desk.accounts, uuid, jsonb) is
  'Orders that are open at the broker: ours are working; those of ours that should not be open are to be cancelled, '
  'or are adopted (setting orphan_orders). Answers the references to cancel.';

create or replace function desk.look_at_completed(p_account desk.accounts, p_token uuid, p_completed jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_order desk.broker_orders;
  r       record;
begin
  for r in
    select x.status, x.filled, desk.order_of_reference(p_account, x.reference) as order_id, s.outcome
    from jsonb_to_recordset(p_completed) as x (reference text, status text, filled float8)
    left join desk.broker_statuses as s on s.status = x.status
  loop
    select o.* into v_order from desk.broker_orders as o where o.id = r.order_id and o.is_open;
    continue when not found or v_order.state = 'allowed';
    if r.filled > v_order.filled * (1 + 1e-9) then
      insert into desk.reconcile_differences (account_id, kind, symbol, order_id, ours, theirs, confirmed_at)
      select p_account.id, 'missing_fill', v_order.symbol, v_order.id, v_order.filled, r.filled, clock_timestamp()
      where not exists (
        select from desk.reconcile_differences as d
        where d.order_id = v_order.id and d.kind = 'missing_fill' and d.ended_at is null);
    elsif r.outcome = 'cancelled' then
      perform desk.record_order_state(p_account.name, p_token, v_order.id, 'cancelled', 'the broker has ended it');
    elsif r.outcome = 'ask' then
      perform desk.record_order_state(p_account.name, p_token, v_order.id, 'rejected', 'the broker has ended it');
    end if;
  end loop;
  update desk.reconcile_differences as d set ended_at = clock_timestamp(), ended_how = 'mended'
  from desk.broker_orders as o
  where d.account_id = p_account.id and d.ended_at is null and d.kind = 'missing_fill' and o.id = d.order_id
    and o.filled >= d.theirs * (1 - 1e-9);
end
$$;
comment on function desk.look_at_completed(desk.accounts, uuid, jsonb) is
  'Orders that the broker has ended: they end here too, once all that was filled of them is known.';

create or replace function desk.record_look(
  p_account text, p_token uuid, p_connection bigint, p_cause text, p_seconds double precision, p_answers jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account   desk.accounts := desk.account_named(p_account);
  v_began     timestamptz := clock_timestamp() - make_interval(secs => p_seconds);
  v_highest   bigint;
  v_cancel    jsonb;
  v_settled   boolean;
  v_words     text[] := '{}';
  v_outcome   text;
  v_order     record;
begin
  perform desk.check_link(v_account.id, p_token);
  if p_answers is null then
    insert into desk.broker_looks (account_id, connection, cause, outcome, took)
    values (v_account.id, p_connection, p_cause, 'unanswered', p_seconds);
    return jsonb_build_object('outcome', 'unanswered');
  end if;
  -- A desk that was restored from a backup must not give a number again that the broker knows.
  select max(substring(x.reference from '^' || v_account.order_prefix || '-([0-9]{1,18})$')::bigint) into v_highest
  from jsonb_to_recordset((p_answers -> 'open') || (p_answers -> 'completed')) as x (reference text);
  if v_highest > coalesce((select max(o.id) from desk.broker_orders as o), 0) then
    perform setval(pg_get_serial_sequence('desk.broker_orders', 'id'), v_highest);
    perform desk.note_link(v_account.id, 'look', true, format(
      'The broker knows order %s of this desk, and the desk does not: was it restored from a backup?', v_highest));
  end if;
  perform from desk.accounts as a where a.id = v_account.id for no key update;
  v_cancel := desk.look_at_open(v_account, p_token, p_answers -> 'open');
  perform desk.look_at_completed(v_account, p_token, p_answers -> 'completed');
  v_settled := desk.compare_positions(v_account.id, p_answers -> 'positions');
  for v_order in
    select o.id, exists (select from desk.reconcile_differences as d
      where d.order_id = o.id and d.kind = 'missing_fill' and d.ended_at is null) as lacks_fills
    from desk.broker_orders as o
    where o.account_id = v_account.id and o.is_open and o.state in ('working', 'unresolved') and o.changed_at < v_began
      and not exists (select from jsonb_to_recordset(p_answers -> 'open') as x (reference text)
        where x.reference = v_account.order_prefix || '-' || o.id)
    order by o.id
  loop
    v_words := v_words || desk.settle_order(v_account, p_token, v_order.id, p_connection,
      case when v_order.lacks_fills then 'the broker has ended it and fills of it are missing'
        else 'the broker does not have it any more' end);
  end loop;
  v_outcome := case
    when not v_settled or v_words && '{wait,reconnect}' then 'unsettled'
    when exists (select from desk.reconcile_differences as d where d.account_id = v_account.id and d.ended_at is null)
      then 'differs'
    else 'equal' end;
  insert into desk.broker_looks (account_id, connection, cause, outcome, took)
  values (v_account.id, p_connection, p_cause, v_outcome, p_seconds);
  return jsonb_build_object('outcome', v_outcome, 'cancel', v_cancel, 'reconnect', 'reconnect' = any (v_words),
    'in_flight', (select coalesce(jsonb_agg(o.id), '[]') from desk.broker_orders as o
      where o.account_id = v_account.id and o.is_open and o.state in ('sending', 'unresolved')),
    'again_in', case
      when not v_settled then 0.6
      when 'wait' = any (v_words) then (desk.setting('absence_seconds') #>> '{}')::float8 end);
end
$$;
comment on function desk.record_look(text, uuid, bigint, text, double precision, jsonb) is
  'Compares what the broker answered (open and completed orders, positions) with what the desk has; its fills were '
  'recorded before. Without answers nothing is concluded. Answers the outcome, what is to be cancelled, which orders '
  'still wait for a word, and whether to look again and over a new connection.';
grant execute on function desk.record_look(text, uuid, bigint, text, double precision, jsonb) to desk_link;
