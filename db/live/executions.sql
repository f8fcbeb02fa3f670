-- Fills: recorded once a key and revision, and what they do to order, position and cash.

create or replace view desk.newest_executions as
select e.*
from desk.executions as e
where not exists (
  select from desk.executions as n
  where n.account_id = e.account_id and n.execution_key = e.execution_key and n.revision > e.revision);
comment on view desk.newest_executions is
  'Fills as they are known now, a row a key: what a later revision replaced is left out.';
do $$ begin perform desk.describe_as('desk.newest_executions', 'desk.executions'); end $$;

create or replace function desk.average_after(
  p_held double precision, p_average double precision, p_quantity double precision, p_price double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return case
    when p_held + p_quantity = 0 then 0
    when p_held * p_quantity >= 0 then (p_held * p_average + p_quantity * p_price) / (p_held + p_quantity)
    when abs(p_quantity) > abs(p_held) then p_price
    else p_average
  end;
end
$$;
comment on function desk.average_after(double precision, double precision, double precision, double precision) is
  'Average price of a position after a fill: of what was added, its mean; a reduction leaves it as it is.';

create or replace function desk.move_position(
  p_account_id bigint, p_session_id bigint, p_symbol text, p_quantity double precision, p_price double precision,
  p_corrected boolean)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_held    double precision := 0;
  v_average double precision := 0;
  e         record;
begin
  if p_corrected then
    -- Seldom: all fills of the position once more, each in its newest revision.
    for e in
      select x.quantity, x.price from desk.newest_executions as x
      where x.account_id = p_account_id and x.trading_session_id is not distinct from p_session_id
        and x.symbol = p_symbol
      order by x.executed_at, x.id
    loop
      v_average := desk.average_after(v_held, v_average, e.quantity, e.price);
      v_held := v_held + e.quantity;
    end loop;
  else
    select p.quantity, p.average_price into v_held, v_average from desk.positions as p
    where p.account_id = p_account_id and p.trading_session_id is not distinct from p_session_id
      and p.symbol = p_symbol;
    v_average := desk.average_after(coalesce(v_held, 0), coalesce(v_average, 0), p_quantity, p_price);
    v_held := coalesce(v_held, 0) + p_quantity;
  end if;
  insert into desk.positions as p (account_id, trading_session_id, symbol, quantity, average_price)
  values (p_account_id, p_session_id, p_symbol, v_held, v_average)
  on conflict (account_id, trading_session_id, symbol) do update
  set quantity = excluded.quantity, average_price = excluded.average_price, changed_at = clock_timestamp();
end
$$;
comment on function desk.move_position(bigint, bigint, text, double precision, double precision, boolean) is
  'A fill moves a position; after a correction it is counted anew.';

create or replace function desk.move_cash(
  p_ledger desk.session_ledgers, p_kind text, p_amount double precision, p_cash_after double precision,
  p_execution_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_cash     double precision := p_ledger.cash + p_amount;
  v_capital  double precision;
  v_value    double precision;
begin
  select t.capital into v_capital from desk.trading_sessions as t where t.id = p_ledger.trading_session_id;
  if abs(v_cash - p_cash_after) > 1e-9 * v_capital then
    perform desk.set_level('ledger', p_ledger.account_id, p_ledger.trading_session_id,
      format('Cash of session %s is %s by its ledger, %s by its broker', p_ledger.trading_session_id, v_cash,
        p_cash_after),
      p_cash_after, v_cash);
  else
    -- Sums differ in their last bits: the broker's are those that the strategy sees.
    v_cash := coalesce(p_cash_after, v_cash);
  end if;
  insert into desk.cash_movements (account_id, trading_session_id, kind, amount, cash_after, execution_id)
  values (p_ledger.account_id, p_ledger.trading_session_id, p_kind, v_cash - p_ledger.cash, v_cash, p_execution_id);
  v_value := desk.session_value(p_ledger.trading_session_id, v_cash);
  update desk.session_ledgers set cash = v_cash, value = v_value where trading_session_id = p_ledger.trading_session_id;
  update desk.account_ledgers set value = value + (v_value - p_ledger.value) where account_id = p_ledger.account_id;
end
$$;
comment on function desk.move_cash(desk.session_ledgers, text, double precision, double precision, bigint) is
  'Moves a session''s cash, and values it. What the broker states is taken where it is its own sum to 1e-9 of the '
  'capital; else the session is halted.';

create or replace function desk.fill_order(
  p_order desk.broker_orders, p_units double precision, p_money double precision)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_filled double precision := greatest(0, p_order.filled + p_units);
  v_whole  boolean := v_filled >= abs(p_order.quantity) * (1 - 1e-9);
  v_state  text := p_order.state;
begin
  v_state := case
    when v_whole then 'filled'
    when v_state = 'filled' then 'unresolved'
    when v_state in ('sending', 'unresolved') then 'working'
    else v_state end;
  update desk.broker_orders as o
  set filled = v_filled, filled_value = o.filled_value + p_money, state = v_state, changed_at = clock_timestamp()
  where o.id = p_order.id;
  if v_filled > abs(p_order.quantity) * (1 + 1e-9) then
    perform desk.set_level('overfill', p_order.account_id, p_order.trading_session_id,
      format('%s of %s filled of order %s', v_filled, abs(p_order.quantity), p_order.id), v_filled,
      abs(p_order.quantity));
  end if;
  if v_whole then
    -- One cancels the other: here what was not sent yet, at the broker what was.
    update desk.broker_orders as o
    set state = 'cancelled', cancelled_by = 'desk', reason = 'another of its group was filled',
        changed_at = clock_timestamp()
    where o.id in (
      select s.id from desk.broker_orders as s
      where s.account_id = p_order.account_id and s.is_open and s.state = 'allowed' and s.id <> p_order.id
        and (s.parent_id = p_order.parent_id or s.oco_id = coalesce(p_order.oco_id, p_order.id)
          or s.id = p_order.oco_id)
      order by s.id for update);
  end if;
end
$$;
comment on function desk.fill_order(desk.broker_orders, double precision, double precision) is
  'Adds units to what an order has filled, or takes them off it after a correction.';

create or replace function desk.record_execution(
  p_account text, p_token uuid, p_execution_key text, p_revision integer, p_order_id bigint, p_symbol text,
  p_quantity double precision, p_price double precision, p_executed_at timestamptz,
  p_commission double precision default null, p_cash_after double precision default null,
  p_as_stated jsonb default '{}')
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_order      desk.broker_orders;
  v_old        desk.executions;
  v_ledger     desk.session_ledgers;
  v_id         bigint;
begin
  perform from desk.accounts as a where a.id = v_account_id for no key update;
  perform desk.check_link(v_account_id, p_token);
  select e.* into v_old from desk.executions as e
  where e.account_id = v_account_id and e.execution_key = p_execution_key order by e.revision desc limit 1;
  if v_old.revision >= p_revision then
    return 'known';
  end if;
  if coalesce(p_order_id, v_old.order_id) is not null then
    select o.* into v_order from desk.broker_orders as o
    where o.id = coalesce(p_order_id, v_old.order_id) and o.account_id = v_account_id for no key update;
    if not found or v_order.state in ('refused', 'allowed') or v_order.symbol <> p_symbol
      or v_order.quantity * p_quantity < 0 or v_old.order_id <> v_order.id
    then
      perform desk.refuse(format('%s %s cannot be a fill of order %s', p_quantity, p_symbol, p_order_id), '$.order',
        'Record it without an order, as a fill that belongs to no session, and look into it.', '23514');
    end if;
  end if;
  insert into desk.executions (account_id, execution_key, revision, order_id, trading_session_id, symbol, quantity,
    price,
    commission, cash_after, as_stated, executed_at)
  values (v_account_id, p_execution_key, p_revision, v_order.id, v_order.trading_session_id, p_symbol, p_quantity,
    p_price,
    coalesce(p_commission, v_old.commission), p_cash_after, p_as_stated, p_executed_at)
  returning id into v_id;
  perform desk.move_position(v_account_id, v_order.trading_session_id, p_symbol, p_quantity, p_price,
    v_old.id is not null);
  if v_order.id is not null then
    perform desk.fill_order(v_order, abs(p_quantity) - coalesce(abs(v_old.quantity), 0),
      abs(p_quantity) * p_price - coalesce(abs(v_old.quantity) * v_old.price, 0));
    select l.* into v_ledger from desk.session_ledgers as l where l.trading_session_id = v_order.trading_session_id;
    perform desk.move_cash(v_ledger, case when v_old.id is null then 'execution' else 'correction' end,
      coalesce(v_old.quantity * v_old.price, 0) - p_quantity * p_price
      + coalesce(v_old.commission, 0) - coalesce(p_commission, v_old.commission, 0), p_cash_after, v_id);
  end if;
  return case when v_old.id is null then 'recorded' else 'corrected' end;
end
$$;
comment on function desk.record_execution(text, uuid, text, integer, bigint, text, double precision, double precision,
  timestamptz, double precision, double precision, jsonb) is
  'Records a fill: recorded, corrected (a higher revision of its key) or known. Without an order it belongs to no '
  'session. A fill that comes after the last word of its order is still a fill.';
grant execute on function desk.record_execution(text, uuid, text, integer, bigint, text, double precision,
  double precision, timestamptz, double precision, double precision, jsonb) to desk_link;

create or replace function desk.record_commission(
  p_account text, p_token uuid, p_execution_key text, p_commission double precision)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_execution  desk.executions;
  v_ledger     desk.session_ledgers;
begin
  perform from desk.accounts as a where a.id = v_account_id for no key update;
  perform desk.check_link(v_account_id, p_token);
  select e.* into v_execution from desk.executions as e
  where e.account_id = v_account_id and e.execution_key = p_execution_key order by e.revision desc limit 1;
  if not found then
    return 'unknown';
  elsif v_execution.commission = p_commission then
    return 'known';
  end if;
  update desk.executions as e set commission = p_commission where e.id = v_execution.id;
  if v_execution.trading_session_id is not null then
    select l.* into v_ledger from desk.session_ledgers as l where l.trading_session_id = v_execution.trading_session_id;
    perform desk.move_cash(v_ledger, 'commission', coalesce(v_execution.commission, 0) - p_commission, null,
      v_execution.id);
  end if;
  return 'recorded';
end
$$;
comment on function desk.record_commission(text, uuid, text, double precision) is
  'The commission of an execution, which may come later: recorded, known, or unknown where the fill is not there yet.';
grant execute on function desk.record_commission(text, uuid, text, double precision) to desk_link;

grant select on desk.executions, desk.positions, desk.cash_movements to desk_director, desk_viewer;
