-- What a link found at its broker against what the desk has: each difference a row, and how it ends.

create or replace function desk.settle_order(
  p_account desk.accounts, p_token uuid, p_order_id bigint, p_connection bigint, p_why text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_order desk.broker_orders;
  v_since timestamptz;
  v_first bigint;
  v_wait  interval := make_interval(secs => (desk.setting('absence_seconds') #>> '{}')::float8);
  v_known boolean;
begin
  select o.* into v_order from desk.broker_orders as o where o.id = p_order_id for no key update;
  if v_order.state in ('sending', 'working') then
    perform desk.record_order_state(p_account.name, p_token, p_order_id, 'unresolved', p_why);
  end if;
  insert into desk.order_absences (order_id, connection) values (p_order_id, p_connection) on conflict do nothing;
  select a.since, a.connection into v_since, v_first from desk.order_absences as a where a.order_id = p_order_id;
  if v_since > clock_timestamp() - v_wait then
    return 'wait';
  elsif v_first = p_connection then
    return 'reconnect';
  elsif exists (
    select from desk.reconcile_differences as d
    where d.account_id = p_account.id and d.ended_at is null and d.kind = 'position' and d.symbol = v_order.symbol)
  then
    -- A fill of it may be what the position differs by.
    return 'held';
  end if;
  v_known := v_order.permanent_id is not null or exists (
    select from desk.broker_order_events as e where e.order_id = p_order_id and e.to_state in ('working', 'filled'));
  if not v_known then
    perform desk.record_order_state(p_account.name, p_token, p_order_id, 'never_sent',
      'the broker does not know it: asked twice, over two connections');
    perform desk.note_link(p_account.id, 'order', true, format('Order %s never reached the broker', p_order_id),
      p_order_id => p_order_id);
  elsif v_order.time_in_force = 'day' and v_order.decided_at < clock_timestamp() - interval '6 hours'
    or v_order.valid_until < clock_timestamp()
  then
    perform desk.record_order_state(p_account.name, p_token, p_order_id, 'cancelled',
      'expired: the broker does not have it any more', 'expiry');
  else
    perform desk.record_order_state(p_account.name, p_token, p_order_id, 'cancelled',
      format('%s, and positions agree', p_why), 'broker');
    insert into desk.reconcile_differences (account_id, kind, symbol, order_id, confirmed_at, ended_at, ended_how)
    values (p_account.id, 'gone', v_order.symbol, p_order_id, clock_timestamp(), clock_timestamp(), 'settled');
    perform desk.note_link(p_account.id, 'order', true, format('Order %s is gone: %s', p_order_id, p_why),
      p_order_id => p_order_id);
  end if;
  delete from desk.order_absences as a where a.order_id = p_order_id;
  update desk.reconcile_differences as d set ended_at = clock_timestamp(), ended_how = 'settled'
  where d.order_id = p_order_id and d.ended_at is null;
  return 'settled';
end
$$;
comment on function desk.settle_order(desk.accounts, uuid, bigint, bigint, text) is
  'Settles an order that was found nowhere, or of which fills are missing: once it was looked for twice, some seconds '
  'apart, over two connections, and the positions agree. Answers settled, wait, reconnect or held.';

create or replace function desk.compare_positions(p_account_id bigint, p_positions jsonb)
returns boolean
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_row     record;
  v_old     desk.reconcile_differences;
  v_settled boolean := true;
begin
  for v_row in
    select coalesce(t.symbol, o.symbol) as symbol, coalesce(o.quantity, 0) as ours, coalesce(t.quantity, 0) as theirs,
           t.price, abs(coalesce(o.quantity, 0) - coalesce(t.quantity, 0))
             > 1e-9 * greatest(1, abs(coalesce(t.quantity, 0))) as differs
    from (select p.symbol, sum(p.quantity) as quantity from desk.positions as p
          where p.account_id = p_account_id group by p.symbol) as o
    full join (select x.symbol, sum(x.quantity) as quantity, max(x.price) as price
               from jsonb_to_recordset(p_positions) as x (symbol text, quantity float8, price float8)
               group by x.symbol) as t on t.symbol = o.symbol
    order by 1
  loop
    select d.* into v_old from desk.reconcile_differences as d
    where d.account_id = p_account_id and d.kind = 'position' and d.symbol = v_row.symbol and d.ended_at is null;
    if not v_row.differs then
      update desk.reconcile_differences as d set ended_at = clock_timestamp(), ended_how = 'mended'
      where d.id = v_old.id;
      perform desk.lift_restriction(v_old.restriction_id, 'the positions agree again');
    elsif v_old.id is null then
      insert into desk.reconcile_differences (account_id, kind, symbol, ours, theirs, their_price)
      values (p_account_id, 'position', v_row.symbol, v_row.ours, v_row.theirs, v_row.price);
      v_settled := false;
    elsif (v_old.ours, v_old.theirs) <> (v_row.ours, v_row.theirs) then
      -- It moves: a fill was on its way, or is.
      update desk.reconcile_differences as d
      set ours = v_row.ours, theirs = v_row.theirs, their_price = v_row.price,
          found_at = case when d.confirmed_at is null then clock_timestamp() else d.found_at end
      where d.id = v_old.id;
      v_settled := v_settled and v_old.confirmed_at is not null;
    elsif v_old.confirmed_at is null then
      if v_old.found_at > clock_timestamp() - interval '0.5 second' then
        v_settled := false;
      else
        perform desk.confirm_position(v_old.id);
      end if;
    end if;
  end loop;
  return v_settled;
end
$$;
comment on function desk.compare_positions(bigint, jsonb) is
  'Compares an account''s positions with the broker''s. A difference counts when it is seen again, half a second '
  'later: false until then.';

create or replace function desk.confirm_position(p_difference_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  d       desk.reconcile_differences;
  v_set   bigint;
  v_said  text;
begin
  select x.* into d from desk.reconcile_differences as x where x.id = p_difference_id;
  v_said := format('%s: the broker holds %s, the desk %s, and no fill explains it', d.symbol, d.theirs, d.ours);
  insert into desk.restricted_symbols (symbol, account_id, reason)
  values (d.symbol, d.account_id, v_said || format('; select accept_position(%L, %L, ''why'')',
    (select a.name from desk.accounts as a where a.id = d.account_id), d.symbol))
  returning id into v_set;
  update desk.reconcile_differences as x set confirmed_at = clock_timestamp(), restriction_id = v_set
  where x.id = p_difference_id;
  perform desk.note_link(d.account_id, 'look', true, v_said);
end
$$;
comment on function desk.confirm_position(bigint) is
  'A difference of positions counts: the symbol is restricted, and a person is told.';

create or replace function desk.lift_restriction(p_restriction_id bigint, p_why text)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  update desk.restricted_symbols as r
  set lifted_at = clock_timestamp(), lifted_by = session_user, lifted_why = p_why
  where r.id = p_restriction_id and r.lifted_at is null;
end
$$;
comment on function desk.lift_restriction(bigint, text) is 'Lifts what a difference of positions had restricted.';

create or replace function desk.position_is_blocked(p_account_id bigint, p_symbol text)
returns boolean
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return exists (
    select from desk.reconcile_differences as d
    where d.account_id = p_account_id and d.ended_at is null and d.kind = 'position' and d.symbol = p_symbol
      and d.confirmed_at is not null);
end
$$;
comment on function desk.position_is_blocked(bigint, text) is
  'Whether nothing may be sent in a symbol, since the broker holds something else than the desk.';

create or replace function desk.accept_position(
  p_account text, p_symbol text, p_reason text, p_session_id bigint default null,
  p_price double precision default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts := desk.account_named(p_account);
  v_ledger  desk.session_ledgers;
  v_price   double precision;
  v_delta   double precision;
  v_id      bigint;
  d         desk.reconcile_differences;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A position is accepted with a reason', '$.reason', 'Say in a sentence where it comes from.');
  end if;
  perform from desk.accounts as a where a.id = v_account.id for no key update;
  select x.* into d from desk.reconcile_differences as x
  where x.account_id = v_account.id and x.kind = 'position' and x.symbol = p_symbol and x.ended_at is null
  for update;
  if not found then
    perform desk.refuse(format('The positions of %s in %s do not differ', p_account, to_jsonb(left(p_symbol, 60))),
      '$.symbol', 'See open_differences.', '23503');
  end if;
  select l.* into v_ledger from desk.session_ledgers as l
  join desk.trading_sessions as t on t.id = l.trading_session_id and t.state = 'open'
  where l.trading_session_id = p_session_id and l.account_id = v_account.id;
  if p_session_id is not null and v_ledger.trading_session_id is null then
    perform desk.refuse(format('Session %s is no open one of %s', p_session_id, p_account), '$.session',
      'See live_sessions; without a session the units belong to none.', '23503');
  end if;
  v_delta := d.theirs - coalesce((select sum(p.quantity) from desk.positions as p
    where p.account_id = v_account.id and p.symbol = p_symbol), 0);
  -- To a session without a price, as after a split: units come and no money goes.
  v_price := coalesce(p_price, case when p_session_id is null then d.their_price end, 0);
  insert into desk.executions (account_id, execution_key, revision, trading_session_id, symbol, quantity, price,
    commission, as_stated, executed_at)
  values (v_account.id, format('accepted-%s', d.id), 1, p_session_id, p_symbol, v_delta, v_price, 0,
    jsonb_build_object('accepted_by', session_user, 'reason', p_reason), clock_timestamp())
  returning id into v_id;
  perform desk.move_position(v_account.id, p_session_id, p_symbol, v_delta, v_price, false);
  if p_session_id is not null then
    perform desk.move_cash(v_ledger, 'correction', -v_delta * v_price, null, v_id);
  end if;
  perform desk.lift_restriction(d.restriction_id, p_reason);
  update desk.reconcile_differences as x
  set ended_at = clock_timestamp(), ended_how = 'accepted', ended_by = session_user, reason = p_reason
  where x.id = d.id;
  return format('%s of %s: %s units more for %s, %s held as at the broker', p_symbol, p_account, v_delta,
    coalesce('session ' || p_session_id, 'no session'), d.theirs);
end
$$;
comment on function desk.accept_position(text, text, text, bigint, double precision) is
  'Takes over what the broker holds, where no fill explains it: select accept_position(''DU1'', ''AAPL'', ''bought by '
  'hand''). The units belong to no session, or to the one that is named, for money where a price is.';
grant execute on function desk.accept_position(text, text, text, bigint, double precision) to desk_director;

create or replace view desk.open_differences as
select d.id as difference_id, a.name as account, d.kind, d.symbol, d.order_id, d.reference, d.ours, d.theirs,
       d.found_at, d.confirmed_at
from desk.reconcile_differences as d
join desk.accounts as a on a.id = d.account_id
where d.ended_at is null;
comment on view desk.open_differences is
  'In what the desk and its brokers differ now, a row a difference; accept_position() ends those of positions.';
comment on column desk.open_differences.difference_id is 'The difference.';
comment on column desk.open_differences.account is 'Account.';
comment on column desk.open_differences.kind is 'position, missing_fill, order_back, unknown_order or gone.';
comment on column desk.open_differences.symbol is 'Symbol.';
comment on column desk.open_differences.order_id is 'The order.';
comment on column desk.open_differences.reference is 'Reference at the broker.';
comment on column desk.open_differences.ours is 'Units by the desk.';
comment on column desk.open_differences.theirs is 'Units by the broker.';
comment on column desk.open_differences.found_at is 'When it was first seen.';
comment on column desk.open_differences.confirmed_at is 'Since when it counts.';

grant select on desk.broker_looks, desk.reconcile_differences, desk.order_absences, desk.open_differences
to desk_director, desk_viewer;
