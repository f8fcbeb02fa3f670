-- The stream of a session: numbered in the order of the commits, read by its strategy's process.

insert into desk.stream_kinds (name, is_step, description)
values
  ('begin', false, 'What the session begins with: bars of history, cash, positions.'),
  ('history', true, 'Bars that only warm up.'),
  ('step', true, 'Bars of one moment, what was filled on them, the account after them.'),
  ('late', false, 'A bar that came after its step was over; the strategy is not told.'),
  ('missing', false, 'A symbol that had no bar when its step was due.'),
  ('corrected', false, 'A bar that came again with other figures before its step was over: the figures before.'),
  ('acknowledged', false, 'The broker has an order.'),
  ('filled', false, 'A fill, where it does not belong to a step.'),
  ('cancelled', false, 'An order was cancelled.'),
  ('expired', false, 'An order expired.'),
  ('rejected', false, 'The broker does not take an order.'),
  ('end', false, 'There are no more bars.')
on conflict (name) do update
set is_step = excluded.is_step, description = excluded.description;

create or replace function desk.next_in_stream(p_session_id bigint, p_count bigint)
returns bigint
language sql volatile
set search_path = desk, pg_temp
as $$
  -- Its row is held until the commit: a number that commits late would be passed over by whoever reads by number.
  insert into desk.session_streams as s (trading_session_id, newest) values (p_session_id, p_count)
  on conflict (trading_session_id) do update set newest = s.newest + excluded.newest
  returning s.newest - p_count + 1
$$;
comment on function desk.next_in_stream(bigint, bigint) is
  'First of so many numbers of a session''s stream; whoever asks next waits until this transaction is over. Take it '
  'last: nothing else may be waited for while it is held.';

create or replace function desk.append_stream(p_session_id bigint, p_kind text, p_bar_time timestamptz, p_item jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_number bigint := desk.next_in_stream(p_session_id, 1);
begin
  insert into desk.session_stream (trading_session_id, number, kind, bar_time, item)
  values (p_session_id, v_number, p_kind, p_bar_time, p_item);
  perform pg_notify('desk_stream', p_session_id::text);
  return v_number;
end
$$;
comment on function desk.append_stream(bigint, text, timestamptz, jsonb) is
  'Appends an item to a session''s stream, wakes its strategy, and answers the number.';

create or replace function desk.check_strategy(p_session_id bigint, p_token uuid)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if not exists (
    select from desk.session_processes as p where p.trading_session_id = p_session_id and p.token = p_token)
  then
    perform desk.refuse(format('Another process runs session %s now', coalesce(p_session_id::text, 'null')),
      '$.token', 'End this one.', '55000');
  end if;
end
$$;
comment on function desk.check_strategy(bigint, uuid) is
  'Refuses a process whose token is not the session''s any more.';

create or replace function desk.read_stream(
  p_session_id bigint, p_token uuid, p_after bigint, p_limit integer default 500)
returns table (number bigint, kind text, item jsonb)
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_decided bigint;
begin
  perform desk.check_strategy(p_session_id, p_token);
  select p.decided into v_decided from desk.session_processes as p where p.trading_session_id = p_session_id;
  return query
    with items as materialized (
      select s.number, s.kind, s.item from desk.session_stream as s
      where s.trading_session_id = p_session_id and s.number > p_after
      order by s.number limit p_limit
    ),
    marked as (
      update desk.session_processes as p
      set decided = greatest(p.decided, p_after), beat_at = clock_timestamp(),
          seen = greatest(p.seen, (select max(i.number) from items as i))
      where p.trading_session_id = p_session_id
    )
    select i.number, i.kind, i.item from items as i order by i.number;
  if p_after > v_decided then
    -- A replay waits until its strategy has decided.
    perform pg_notify('desk_orders', l.account_id::text)
    from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  end if;
end
$$;
comment on function desk.read_stream(bigint, uuid, bigint, integer) is
  'Items of a session''s stream after a number, for its strategy''s process, which says by this that it has decided on '
  'all up to there. They count as seen. It is woken on the channel desk_stream.';
grant execute on function desk.read_stream(bigint, uuid, bigint, integer) to desk_trader;

create or replace function desk.asked_before(
  p_session_id bigint, p_token uuid, out seen bigint, out keys text[])
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.check_strategy(p_session_id, p_token);
  select p.seen into seen from desk.session_processes as p where p.trading_session_id = p_session_id;
  select coalesce(array_agg(o.key), '{}') into keys from desk.broker_orders as o
  where o.trading_session_id = p_session_id and o.intent <> 'flatten';
end
$$;
comment on function desk.asked_before(bigint, uuid, out bigint, out text[]) is
  'What earlier processes of a session were given, and the keys for which they asked: going through the same items, '
  'its strategy has to ask for the same.';
grant execute on function desk.asked_before(bigint, uuid) to desk_trader;

-- News of a broker that is not the desk's own: there fills belong to no step.

create or replace function desk.tg_executions_tell()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_key text;
begin
  select o.key into v_key from desk.broker_orders as o join desk.accounts as a on a.id = o.account_id
  where o.id = new.order_id and not a.cancels_at_once;
  if found then
    perform desk.append_stream(new.trading_session_id, 'filled', null, jsonb_build_object('key', v_key,
      'symbol', new.symbol, 'quantity', new.quantity, 'price', new.price, 'commission', new.commission,
      'execution', new.execution_key, 'revision', new.revision));
  end if;
  return null;
end
$$;
comment on function desk.tg_executions_tell() is
  'Tells a session''s strategy of a fill, where its broker is not the desk''s own, whose fills are in its steps.';
drop trigger if exists executions_tell on desk.executions;
-- Deferred, so that no order is waited for while the stream is held.
create constraint trigger executions_tell after insert on desk.executions deferrable initially deferred
for each row when (new.trading_session_id is not null) execute function desk.tg_executions_tell();

create or replace function desk.tg_broker_order_events_tell()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  o desk.broker_orders;
begin
  select b.* into o from desk.broker_orders as b join desk.accounts as a on a.id = b.account_id
  where b.id = new.order_id and not a.cancels_at_once;
  if found then
    perform desk.append_stream(o.trading_session_id,
      case when new.to_state = 'working' then 'acknowledged' when new.to_state = 'rejected' then 'rejected'
        when o.cancelled_by = 'expiry' then 'expired' else 'cancelled' end,
      null, jsonb_build_object('key', o.key, 'symbol', o.symbol, 'reason', new.reason, 'filled', new.filled));
  end if;
  return null;
end
$$;
comment on function desk.tg_broker_order_events_tell() is
  'Tells a session''s strategy what became of an order, where its broker is not the desk''s own.';
drop trigger if exists broker_order_events_tell on desk.broker_order_events;
create constraint trigger broker_order_events_tell after insert on desk.broker_order_events
deferrable initially deferred
for each row when (
  new.from_state is distinct from new.to_state and new.to_state in ('working', 'cancelled', 'rejected', 'never_sent'))
execute function desk.tg_broker_order_events_tell();

create or replace trigger session_stream_stay before update or delete on desk.session_stream
for each row execute function desk.tg_audit_stays();

grant select on desk.session_stream, desk.stream_kinds, desk.session_feeds, desk.session_audits
to desk_director, desk_viewer;
grant select (seen, decided) on desk.session_processes to desk_director, desk_viewer;
