-- What a link that fills by itself records: the history that a session begins with, and then step by step all that
-- belongs to one, in one transaction.

create or replace function desk.session_of_link(p_session_id bigint, p_token uuid)
returns desk.trading_sessions
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_session desk.trading_sessions;
begin
  select t.* into v_session from desk.trading_sessions as t
  where t.id = p_session_id and t.account_id is not null and t.state = 'open';
  if not found then
    perform desk.refuse(format('There is no open session %s', coalesce(p_session_id::text, 'null')), '$.session',
      'See live_sessions.', '23503');
  end if;
  perform from desk.accounts as a where a.id = v_session.account_id for no key update;
  perform desk.check_link(v_session.account_id, p_token);
  return v_session;
end
$$;
comment on function desk.session_of_link(bigint, uuid) is
  'An open session, with its account''s lock taken, for the link that has the account.';

create or replace function desk.record_history(p_session_id bigint, p_token uuid, p_steps jsonb)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_session desk.trading_sessions := desk.session_of_link(p_session_id, p_token);
  v_count   bigint := jsonb_array_length(p_steps);
  v_first   bigint;
begin
  if exists (select from desk.session_streams as s where s.trading_session_id = p_session_id) then
    return 0;
  end if;
  v_first := desk.next_in_stream(p_session_id, v_count + 1);
  insert into desk.session_stream (trading_session_id, number, kind, item)
  select p_session_id, v_first, 'begin', jsonb_build_object(
    'history', (select count(*) from jsonb_array_elements(p_steps) as s (step)
                where s.step #> array['bars', v_session.symbols[1]] is not null),
    'cash', l.cash, 'positions', coalesce((
      select jsonb_object_agg(p.symbol, jsonb_build_array(p.quantity, p.average_price))
      from desk.positions as p where p.trading_session_id = p_session_id and p.quantity <> 0), '{}'))
  from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  insert into desk.session_stream (trading_session_id, number, kind, bar_time, item)
  select p_session_id, v_first + s.place, 'history', to_timestamp((s.step ->> 'epoch')::float8), s.step
  from jsonb_array_elements(p_steps) with ordinality as s (step, place);
  perform pg_notify('desk_stream', p_session_id::text);
  return v_count + 1;
end
$$;
comment on function desk.record_history(bigint, uuid, jsonb) is
  'Begins a session''s stream: its cash and positions, and steps on which nothing can be ordered. Answers how many '
  'items; 0 where it has begun already.';
grant execute on function desk.record_history(bigint, uuid, jsonb) to desk_link;

create or replace function desk.append_irregular(p_session_id bigint, p_irregular jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  i record;
begin
  for i in
    select x.* from jsonb_to_recordset(p_irregular) as x (kind text, epoch double precision, symbol text, bar jsonb)
  loop
    if i.kind in ('late', 'missing', 'corrected') is not true then
      perform desk.refuse(format('No bar is %s', coalesce(i.kind, 'null')), '$.kind', 'late, missing or corrected.',
        '22023');
    end if;
    perform desk.append_stream(p_session_id, i.kind, to_timestamp(i.epoch),
      jsonb_build_object('symbol', i.symbol, 'bar', i.bar));
  end loop;
end
$$;
comment on function desk.append_irregular(bigint, jsonb) is
  'Appends bars that were late, missing or corrected: a list of kind, epoch, symbol and the bar''s figures.';

create or replace function desk.compare_ledger(p_session desk.trading_sessions, p_step jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_cash   double precision;
  v_symbol record;
begin
  select l.cash into v_cash from desk.session_ledgers as l where l.trading_session_id = p_session.id;
  if abs(v_cash - (p_step ->> 'cash')::float8) > 1e-9 * p_session.capital then
    perform desk.set_level('ledger', p_session.account_id, p_session.id,
      format('Cash of session %s is %s by its ledger, %s by its broker', p_session.id, v_cash, p_step ->> 'cash'),
      (p_step ->> 'cash')::float8, v_cash);
  end if;
  select coalesce(p.symbol, b.key) as symbol, coalesce(p.quantity, 0) as held, coalesce(b.value::float8, 0) as stated
  into v_symbol
  from (select * from desk.positions as q where q.trading_session_id = p_session.id and q.quantity <> 0) as p
  full join jsonb_each_text(p_step -> 'positions') as b (key, value) on b.key = p.symbol
  where abs(coalesce(p.quantity, 0) - coalesce(b.value::float8, 0)) > 1e-9 * greatest(1, abs(p.quantity))
  order by 1 limit 1;
  if found then
    perform desk.set_level('ledger', p_session.account_id, p_session.id,
      format('Session %s holds %s %s by its ledger, %s by its broker', p_session.id, v_symbol.held, v_symbol.symbol,
        v_symbol.stated), v_symbol.stated, v_symbol.held);
  end if;
end
$$;
comment on function desk.compare_ledger(desk.trading_sessions, jsonb) is
  'Halts a session whose cash or positions are not what its broker states after a step.';

create or replace function desk.dropped_orders(p_session_id bigint, p_since timestamptz)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_agg(o.key order by o.id), '[]') from desk.broker_orders as o
  where o.trading_session_id = p_session_id and o.state <> 'refused'
    and o.counted_at >= coalesce(p_since, '-infinity')
    and o.state = 'cancelled' and o.cancelled_by = 'desk' and not exists (
      select from desk.broker_order_events as e where e.order_id = o.id and e.to_state = 'sending')
$$;
comment on function desk.dropped_orders(bigint, timestamptz) is
  'Keys of orders of a session, asked for since a bar, that the desk cancelled before they were sent.';

create or replace function desk.record_step(
  p_session_id bigint, p_token uuid, p_step jsonb, p_executions jsonb default '[]', p_words jsonb default '[]',
  p_irregular jsonb default '[]')
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  v_session desk.trading_sessions := desk.session_of_link(p_session_id, p_token);
  v_bar     timestamptz := to_timestamp((p_step ->> 'epoch')::float8);
  v_account text;
  v_known   desk.session_stream;
  v_before  desk.session_ledgers;
  e         record;
begin
  select s.* into v_known from desk.session_stream as s
  where s.trading_session_id = p_session_id and s.bar_time = v_bar and s.kind in ('history', 'step');
  if found then
    if v_known.item - '{arrived,dropped}'::text[] <> p_step - '{arrived,dropped}'::text[] then
      perform desk.refuse(format('The step of %s was another one', v_bar), '$.step',
        'What was recorded is what the strategy has seen. Rebuild the link from the stream.', '23505');
    end if;
    return v_known.number;
  end if;
  select l.* into v_before from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  if v_bar < v_before.newest_bar then
    perform desk.refuse(format('The bar of %s is older than the newest step', v_bar), '$.step',
      'Record it as late.', '22023');
  end if;
  select a.name into v_account from desk.accounts as a where a.id = v_session.account_id;
  for e in
    select x.*, o.id as order_id, o.symbol
    from jsonb_to_recordset(p_executions) as x (
      execution text, key text, quantity double precision, price double precision, commission double precision,
      cash_after double precision)
    left join desk.broker_orders as o on o.trading_session_id = p_session_id and o.key = x.key
  loop
    if e.order_id is null then
      perform desk.refuse(format('Session %s has no order %s that could be filled', p_session_id, e.key), '$.key',
        'See broker_orders.', '23503');
    end if;
    perform desk.record_execution(v_account, p_token, e.execution, 1, e.order_id, e.symbol, e.quantity, e.price, v_bar,
      e.commission, e.cash_after);
  end loop;
  for e in
    select x.*, o.id as order_id
    from jsonb_to_recordset(p_words) as x (key text, state text, reason text, cancelled_by text)
    left join desk.broker_orders as o on o.trading_session_id = p_session_id and o.key = x.key
  loop
    perform desk.record_order_state(v_account, p_token, e.order_id, e.state, e.reason, e.cancelled_by);
  end loop;
  perform desk.compare_ledger(v_session, p_step);
  perform desk.record_prices(p_session_id, p_token, v_bar, array_agg(b.symbol), array_agg(b.close))
  from (
    select b.key as symbol, (b.value ->> 3)::float8 as close from jsonb_each(p_step -> 'bars') as b
  ) as b;
  perform desk.append_irregular(p_session_id, p_irregular);
  return desk.append_stream(p_session_id, 'step', v_bar,
    p_step || jsonb_build_object('dropped', coalesce(p_step -> 'dropped', '[]') || desk.dropped_orders(p_session_id,
      v_before.older_bar)));
end
$$;
comment on function desk.record_step(bigint, uuid, jsonb, jsonb, jsonb, jsonb) is
  'A step with all that belongs to it: fills, what became of orders, prices, and the item of the stream; all or '
  'nothing. Cash and positions of the broker are compared with the ledger. Answers the item''s number, also the second '
  'time.';
grant execute on function desk.record_step(bigint, uuid, jsonb, jsonb, jsonb, jsonb) to desk_link;

create or replace function desk.record_end(p_session_id bigint, p_token uuid, p_irregular jsonb default '[]')
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_number bigint;
begin
  perform desk.session_of_link(p_session_id, p_token);
  select s.number into v_number from desk.session_stream as s
  join desk.session_streams as n on n.trading_session_id = s.trading_session_id and n.newest = s.number
  where s.trading_session_id = p_session_id and s.kind = 'end';
  if not found then
    perform desk.append_irregular(p_session_id, p_irregular);
    v_number := desk.append_stream(p_session_id, 'end', null, '{}');
  end if;
  return v_number;
end
$$;
comment on function desk.record_end(bigint, uuid, jsonb) is
  'There are no more bars; answers the item''s number, also the second time.';
grant execute on function desk.record_end(bigint, uuid, jsonb) to desk_link;

create or replace function desk.recorded_steps(p_session_id bigint, p_token uuid, p_after bigint, p_limit integer)
returns table (number bigint, kind text, item jsonb)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.check_link(t.account_id, p_token) from desk.trading_sessions as t where t.id = p_session_id;
  return query
    select s.number, s.kind, s.item from desk.session_stream as s
    where s.trading_session_id = p_session_id and s.number > p_after and s.kind in ('begin', 'history', 'step', 'end')
    order by s.number limit p_limit;
end
$$;
comment on function desk.recorded_steps(bigint, uuid, bigint, integer) is
  'What a link that was begun anew rebuilds its orders from: the steps of a session''s stream.';
grant execute on function desk.recorded_steps(bigint, uuid, bigint, integer) to desk_link;

create or replace function desk.placed_orders(p_session_id bigint, p_token uuid)
returns setof desk.broker_orders
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.check_link(t.account_id, p_token) from desk.trading_sessions as t where t.id = p_session_id;
  return query
    select o.* from desk.broker_orders as o
    where o.trading_session_id = p_session_id and o.state <> 'refused' and exists (
      select from desk.broker_order_events as e where e.order_id = o.id and e.to_state = 'sending')
    order by o.id;
end
$$;
comment on function desk.placed_orders(bigint, uuid) is
  'All orders of a session that a link has taken, in their order.';
grant execute on function desk.placed_orders(bigint, uuid) to desk_link;

create or replace function desk.decided_on(p_session_id bigint)
returns bigint
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select p.decided from desk.session_processes as p where p.trading_session_id = p_session_id
$$;
comment on function desk.decided_on(bigint) is
  'Newest item of a session''s stream that its strategy has decided on; null before it has begun.';
grant execute on function desk.decided_on(bigint) to desk_link;
