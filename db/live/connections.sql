-- A link's connection to its gateway: on what terms, in which state, and what it writes down of fills.

insert into desk.settings (name, value, description)
values
  ('ack_seconds', '10', 'An order of which a broker has said nothing for so long is unresolved: it is asked for.'),
  ('absence_seconds', '5',
   'An order that was found nowhere at a broker is looked for again after so long, over a new connection.'),
  ('probe_seconds', '10', 'A gateway that has said nothing for so long is asked for its time, and has as long again.'),
  ('look_seconds', '180', 'A link compares everything with its broker every so many seconds.'),
  ('broker_messages_per_second', '40',
   'A link sends a broker so many messages a second at the most, and orders for three quarters of it: cancels pass.'),
  ('execution_clock_seconds', '300',
   'A fill whose time is further than this from the database''s is marked, and a person is told.'),
  ('orphan_orders', '"cancel"',
   'What becomes of an order of the desk''s that is open at the broker and of no open session: cancel or adopt.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.restart_is_near(p_account desk.accounts)
returns boolean
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_minutes double precision;
begin
  if p_account.restart_at is null then
    return false;
  end if;
  v_minutes := extract(epoch from (clock_timestamp() at time zone p_account.restart_zone)::time - p_account.restart_at)
    / 60;
  v_minutes := v_minutes - 1440 * round(v_minutes / 1440);
  return v_minutes >= -1 and v_minutes < p_account.restart_minutes;
end
$$;
comment on function desk.restart_is_near(desk.accounts) is
  'Whether an account''s gateway is within the minutes around its restart, in which nothing is sent.';

create or replace function desk.check_broker_account(p_account text, p_names text[])
returns void
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts := desk.account_named(p_account);
begin
  if p_account <> all (p_names) then
    perform desk.refuse(format('The gateway is logged in for %s, not for %s',
      coalesce(nullif(array_to_string(p_names, ', '), ''), 'no account'), p_account), '$.account',
      'Log the gateway in with the user of that account, or name another gateway: accounts.gateway.');
  elsif (p_account like 'D%') <> (v_account.kind = 'paper') then
    perform desk.refuse(format('%s is a %s account of the broker, and %s for the desk', p_account,
      case when p_account like 'D%' then 'paper' else 'live' end, v_account.kind), '$.account',
      'Paper accounts of Interactive Brokers begin with D, live ones do not, whatever the port.');
  end if;
end
$$;
comment on function desk.check_broker_account(text, text[]) is
  'Refuses a gateway that is logged in for other accounts, or for one of the other kind: the names are the broker''s.';
grant execute on function desk.check_broker_account(text, text[]) to desk_link;

create or replace function desk.link_terms(p_account text)
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select jsonb_build_object('account', a.name, 'kind', a.kind, 'currency', a.currency, 'prefix', a.order_prefix,
    'gateway', a.gateway, 'client_id', coalesce(a.client_id, 100 + a.id), 'broker', a.broker,
    'restart_at', a.restart_at)
    || (select jsonb_object_agg(s.name, s.value) from desk.settings as s
        where s.name in ('ack_seconds', 'absence_seconds', 'probe_seconds', 'look_seconds', 'beat_seconds',
          'broker_messages_per_second'))
  from desk.account_named(p_account) as a
$$;
comment on function desk.link_terms(text) is 'What a link of an account has to know: where it connects, and its times.';
grant execute on function desk.link_terms(text) to desk_link;

create or replace function desk.begin_connection(p_account text, p_token uuid)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_connection bigint;
begin
  perform desk.check_link(v_account_id, p_token);
  update desk.account_links as l set connection = l.connection + 1
  where l.account_id = v_account_id
  returning l.connection into v_connection;
  -- What was being sent over an earlier one: nobody knows.
  update desk.broker_orders as o
  set state = 'unresolved', reason = 'the connection ended before the broker''s word', changed_at = clock_timestamp()
  where o.id in (
    select b.id from desk.broker_orders as b
    where b.account_id = v_account_id and b.is_open and b.state = 'sending' order by b.id for update);
  return v_connection;
end
$$;
comment on function desk.begin_connection(text, uuid) is
  'A link connects to its gateway: answers the connection''s number. What was on its way over another is unresolved.';
grant execute on function desk.begin_connection(text, uuid) to desk_link;

create or replace function desk.beat_connection(
  p_account text, p_token uuid, p_state text, p_clock timestamptz default null)
returns jsonb
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account desk.accounts := desk.account_named(p_account);
  v_near    boolean := desk.restart_is_near(v_account);
  v_state   text := case when v_near and p_state in ('ready', 'degraded', 'lost', 'connecting') then 'restarting'
    else p_state end;
  v_level   text := desk.beat_link(p_account, p_token, v_state, p_clock);
  v_overdue bigint[];
begin
  if v_level = 'superseded' then
    perform desk.check_link(v_account.id, p_token);
  end if;
  with late as (
    update desk.broker_orders as o
    set state = 'unresolved', reason = 'no word of the broker in time', changed_at = clock_timestamp()
    where o.id in (
      select b.id from desk.broker_orders as b
      where b.account_id = v_account.id and b.is_open and b.state = 'sending'
        and b.changed_at < clock_timestamp() - make_interval(secs => (desk.setting('ack_seconds') #>> '{}')::float8)
      order by b.id for update skip locked)
    returning o.id
  )
  select array_agg(l.id) into v_overdue from late as l;
  return jsonb_build_object('level', v_level, 'state', v_state, 'may_send', v_state = 'ready',
    'overdue', to_jsonb(coalesce(v_overdue, '{}')),
    'unresolved', exists (select from desk.broker_orders as b where b.account_id = v_account.id and b.is_open
      and b.state = 'unresolved'));
end
$$;
comment on function desk.beat_connection(text, uuid, text, timestamptz) is
  'A link lives, in this state; with the time of its host it is told when that is wrong. Answers '
  'the state that holds (restarting around the gateway''s restart), whether '
  'orders may leave, and which have waited too long for a word: they are unresolved now.';
grant execute on function desk.beat_connection(text, uuid, text, timestamptz) to desk_link;

create or replace function desk.tg_account_links_state()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.note_link(new.account_id, 'state', new.state = 'lost', new.state);
  return null;
end
$$;
comment on function desk.tg_account_links_state() is
  'Writes a row of link_events for each state of a link; one that is lost is an alert, a restart is none.';
create or replace trigger account_links_state after update of state on desk.account_links
for each row when (old.state is distinct from new.state) execute function desk.tg_account_links_state();

create or replace function desk.record_link_event(
  p_account text, p_token uuid, p_kind text, p_message text, p_is_alert boolean default true)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
begin
  perform desk.check_link(v_account_id, p_token);
  perform desk.note_link(v_account_id, p_kind, p_is_alert, p_message);
end
$$;
comment on function desk.record_link_event(text, uuid, text, text, boolean) is
  'What a link noticed by itself: a message that it could not read, a log-in that somebody has to renew.';
grant execute on function desk.record_link_event(text, uuid, text, text, boolean) to desk_link;

create or replace function desk.never_left(p_account text, p_token uuid, p_order_id bigint, p_reason text)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
begin
  perform desk.record_order_state(p_account, p_token, p_order_id, 'unresolved', p_reason);
  perform desk.record_order_state(p_account, p_token, p_order_id, 'never_sent', p_reason);
  perform desk.note_link((desk.account_named(p_account)).id, 'order', true, p_reason, p_order_id => p_order_id);
end
$$;
comment on function desk.never_left(text, uuid, bigint, text) is
  'Settles an order that the link took and knows it has not written, such as one whose contract the broker lacks.';
grant execute on function desk.never_left(text, uuid, bigint, text) to desk_link;

create or replace function desk.parent_state(p_account text, p_token uuid, p_order_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.check_link((desk.account_named(p_account)).id, p_token);
  return (
    select p.state from desk.broker_orders as o join desk.broker_orders as p on p.id = o.parent_id
    where o.id = p_order_id);
end
$$;
comment on function desk.parent_state(text, uuid, bigint) is
  'State of the order that opens what a bracket''s exit closes; null of any other order.';
grant execute on function desk.parent_state(text, uuid, bigint) to desk_link;

create or replace function desk.order_of_reference(p_account desk.accounts, p_reference text)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select o.id from desk.broker_orders as o
  where o.account_id = p_account.id
    and o.id = substring(p_reference from '^' || p_account.order_prefix || '-([0-9]{1,18})$')::bigint
$$;
comment on function desk.order_of_reference(desk.accounts, text) is 'The order of a reference; null of any other.';

create or replace function desk.record_broker_fill(
  p_account text, p_token uuid, p_execution text, p_reference text, p_symbol text, p_quantity double precision,
  p_price double precision, p_executed_at timestamptz, p_is_live boolean, p_as_stated jsonb)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account  desk.accounts := desk.account_named(p_account);
  v_order    desk.broker_orders;
  v_key      text := coalesce(substring(p_execution from '^(.+)\.[0-9]{1,9}$'), p_execution);
  v_revision integer := coalesce(substring(p_execution from '\.([0-9]{1,9})$')::integer, 1);
  v_far      double precision := (desk.setting('execution_clock_seconds') #>> '{}')::float8;
  v_ahead    double precision := extract(epoch from p_executed_at - clock_timestamp());
  v_odd      text;
  v_old      desk.executions;
  v_answer   text;
begin
  select e.* into v_old from desk.executions as e
  where e.account_id = v_account.id and e.execution_key = v_key order by e.revision desc limit 1;
  if v_old.revision >= v_revision then
    perform desk.check_link(v_account.id, p_token);
    return 'known';
  end if;
  select o.* into v_order from desk.broker_orders as o where o.id = coalesce(v_old.order_id,
    desk.order_of_reference(v_account, p_reference));
  -- Older ones are told after a connection, so only live ones are near, and none lies ahead.
  if p_executed_at is null then
    v_odd := format('The time %s of a fill cannot be read', p_as_stated -> 'time');
  elsif v_ahead > v_far or p_is_live and v_ahead < -v_far then
    v_odd := format('A fill of %s is %s s off the database''s clock', p_as_stated -> 'time', round(v_ahead));
  end if;
  if v_order.id is not null and (v_order.state in ('refused', 'allowed') or v_order.symbol <> p_symbol
    or v_order.quantity * p_quantity < 0)
  then
    perform desk.note_link(v_account.id, 'fill', true, format('%s %s at the broker cannot be a fill of order %s',
      p_quantity, p_symbol, v_order.id), p_order_id => v_order.id);
    v_order := null;
  elsif v_order.id is null then
    perform desk.note_link(v_account.id, 'fill', true, format('%s %s at %s was traded by somebody else (%s)',
      p_quantity, p_symbol, p_price, coalesce(nullif(p_reference, ''), 'no reference')));
  end if;
  v_answer := desk.record_execution(p_account, p_token, v_key, v_revision, v_order.id, p_symbol, p_quantity, p_price,
    coalesce(p_executed_at, clock_timestamp()), null, null,
    p_as_stated || case when v_odd is null then '{}' else jsonb_build_object('odd', v_odd) end);
  if v_odd is not null then
    perform desk.note_link(v_account.id, 'fill', true, v_odd, p_order_id => v_order.id);
  end if;
  if v_order.id is not null then
    delete from desk.order_absences as a where a.order_id = v_order.id;
  end if;
  return v_answer;
end
$$;
comment on function desk.record_broker_fill(text, uuid, text, text, text, double precision, double precision,
  timestamptz, boolean, jsonb) is
  'Records a fill by the broker''s own execution number, whose last part is its revision, and the reference it '
  'carries. Nothing is dropped: an odd time is kept as it was stated, and a fill of somebody else belongs to no '
  'session; both are told to a person.';
grant execute on function desk.record_broker_fill(text, uuid, text, text, text, double precision, double precision,
  timestamptz, boolean, jsonb) to desk_link;

grant select (connection) on desk.account_links to desk_director, desk_viewer;
grant update (gateway, client_id) on desk.accounts to desk_director;
