-- Types of orders, the moves of their states, and a row of history for each.

insert into desk.order_types (name, has_limit, has_stop, has_trail, description)
values
  ('market', false, false, false, 'At once, at the price that there is.'),
  ('limit', true, false, false, 'At its limit or better.'),
  ('stop', false, true, false, 'At the market once the stop is reached.'),
  ('stop_limit', true, true, false, 'At its limit or better once the stop is reached.'),
  ('trail', false, false, true, 'At the market once the price has come back by the trailing distance.'),
  ('trail_limit', true, false, true, 'At its limit or better once the price has come back by the trailing distance.'),
  ('at_open', false, false, false, 'At the next open.'),
  ('at_close', false, false, false, 'At the close.')
on conflict (name) do update
set has_limit = excluded.has_limit, has_stop = excluded.has_stop, has_trail = excluded.has_trail,
  description = excluded.description;

insert into desk.order_transitions (from_state, to_state, reason)
values
  ('allowed', 'sending', 'Taken by the link, before anything leaves.'),
  ('allowed', 'cancelled', 'Cancelled or expired before it was sent.'),
  ('sending', 'working', 'The broker has it.'),
  ('sending', 'filled', 'A fill came first.'),
  ('sending', 'cancelled', 'The broker, or whoever asked it, cancelled it.'),
  ('sending', 'rejected', 'The broker does not take it.'),
  ('sending', 'unresolved', 'No word came.'),
  ('working', 'filled', 'Filled.'),
  ('working', 'cancelled', 'Cancelled or expired at the broker.'),
  ('working', 'rejected', 'Rejected after all.'),
  ('working', 'unresolved', 'Nothing is known of it any more.'),
  ('unresolved', 'working', 'The broker has it.'),
  ('unresolved', 'filled', 'It was filled.'),
  ('unresolved', 'cancelled', 'It was cancelled.'),
  ('unresolved', 'rejected', 'It was rejected.'),
  ('unresolved', 'never_sent', 'The broker does not know it, asked twice.'),
  ('cancelled', 'filled', 'A fill came after the last word.'),
  ('rejected', 'filled', 'A fill came after the last word.'),
  ('never_sent', 'filled', 'A fill came after the last word.'),
  ('filled', 'unresolved', 'A fill was corrected: something is open again.')
on conflict (from_state, to_state) do update
set reason = excluded.reason;

-- What a row has to be. Not by checks of the table: each statement makes those ready anew, which for so many takes
-- longer than the insert. What write_order() inserts has been judged.
create or replace function desk.tg_broker_orders_sound()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_refused boolean := new.state = 'refused';
begin
  new.is_open := new.state in ('allowed', 'sending', 'working', 'unresolved');
  if not (new.is_open or new.state in ('refused', 'filled', 'cancelled', 'rejected', 'never_sent'))
    or length(new.key) > 100 or new.key !~ '(^|[^0-9])[0-9]{1,18}$'
    or v_refused <> (new.times_refused is not null) or v_refused and num_nulls(new.rule, new.reason) > 0
    or not v_refused and (
      not (new.quantity <> 0 and new.quantity > '-Infinity' and new.quantity < 'Infinity')
      or new.time_in_force not in ('day', 'gtc', 'gtd')
      or (new.time_in_force = 'gtd') <> (new.valid_until is not null))
    or new.intent not in ('trade', 'reduce', 'flatten')
    or new.parent_id is not null and new.oco_id is not null
    or new.state in ('refused', 'allowed') and new.filled <> 0
    or new.state = 'filled' and new.filled < abs(new.quantity) * (1 - 1e-9)
    or new.state = 'cancelled' and new.cancelled_by is null
    or new.cancelled_by not in ('strategy', 'desk', 'broker', 'expiry')
    or not (new.decision_price > 0 and new.decision_price < 'Infinity')
  then
    perform desk.refuse(format('No order is %s', to_jsonb(left(jsonb_strip_nulls(to_jsonb(new) - '{reason,tag}'::text[])
      ::text, 600)) #>> '{}'), '$', 'Its key ends in a number; it has a state, whole units and a canceller as '
      'tg_broker_orders_sound() wants them.', '23514');
  end if;
  return new;
end
$$;
comment on function desk.tg_broker_orders_sound() is
  'Refuses a row of an order that cannot be: a state that is none, a refusal without a rule, filled and not whole; and '
  'says whether it is open.';
create or replace trigger broker_orders_sound before update on desk.broker_orders
for each row execute function desk.tg_broker_orders_sound();

create or replace function desk.tg_trading_sessions_stay()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if exists (select from desk.broker_orders as o where o.trading_session_id = old.id) then
    perform desk.refuse(format('Session %s has orders', old.id), '$.session', 'They are the audit trail.', '23503');
  end if;
  return old;
end
$$;
comment on function desk.tg_trading_sessions_stay() is 'Keeps a trading session that has orders from being deleted.';
create or replace trigger trading_sessions_stay before delete on desk.trading_sessions
for each row when (old.account_id is not null) execute function desk.tg_trading_sessions_stay();

create or replace function desk.tg_broker_orders_move()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if not exists (
    select from desk.order_transitions as t where t.from_state = old.state and t.to_state = new.state)
  then
    perform desk.refuse(format('Order %s cannot go from %s to %s', old.id, old.state, new.state), '$.state',
      (select format('From %s it can go to: %s.', old.state,
        coalesce(string_agg(t.to_state, ', ' order by t.to_state), 'nowhere'))
       from desk.order_transitions as t where t.from_state = old.state), '23514');
  end if;
  return new;
end
$$;
comment on function desk.tg_broker_orders_move() is 'Lets an order''s state move along order_transitions only.';
create or replace trigger broker_orders_move before update of state on desk.broker_orders
for each row when (old.state is distinct from new.state) execute function desk.tg_broker_orders_move();

create or replace function desk.tg_broker_orders_event()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  insert into desk.broker_order_events (order_id, from_state, to_state, reason, filled)
  values (new.id, old.state, new.state,
    case when old.cancel_asked_at is distinct from new.cancel_asked_at and new.state = old.state
      then 'cancel asked for' else new.reason end, new.filled);
  return null;
end
$$;
comment on function desk.tg_broker_orders_event() is
  'Writes a row of broker_order_events for each change of an order; that of its begin write_order() writes with it.';
drop trigger if exists broker_orders_made on desk.broker_orders;
create or replace trigger broker_orders_changed after update on desk.broker_orders
for each row when (
  old.state is distinct from new.state or old.filled is distinct from new.filled
  or old.cancel_asked_at is distinct from new.cancel_asked_at)
execute function desk.tg_broker_orders_event();

create or replace function desk.tg_broker_orders_alone()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if statement_timestamp() <> new.decided_in then
    perform desk.refuse('An order is asked for in a statement of its own', '$.key',
      'Call submit_order() outside a transaction, in autocommit: it holds the gate of its account until the commit.',
      '25001');
  end if;
  return null;
end
$$;
comment on function desk.tg_broker_orders_alone() is
  'At the commit: refuses an order whose transaction went on after the statement that asked for it.';
drop trigger if exists broker_orders_alone on desk.broker_orders;
create constraint trigger broker_orders_alone after insert on desk.broker_orders deferrable initially deferred
for each row execute function desk.tg_broker_orders_alone();

create or replace function desk.tg_audit_stays()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.refuse(format('Rows of %s are neither changed nor deleted', tg_table_name), '$',
    'They are the audit trail.', '42501');
  return null;
end
$$;
comment on function desk.tg_audit_stays() is 'Refuses to change or delete what is history, whoever asks.';
create or replace trigger broker_order_events_stay before update or delete on desk.broker_order_events
for each row execute function desk.tg_audit_stays();
create or replace trigger broker_orders_stay before delete on desk.broker_orders
for each row execute function desk.tg_audit_stays();
create or replace trigger limit_changes_stay before update or delete on desk.limit_changes
for each row execute function desk.tg_audit_stays();

grant select on desk.order_types, desk.order_transitions, desk.broker_orders, desk.broker_order_events
to desk_director, desk_viewer;
