-- The checks of an order, each once. Granted to nobody: submit_order() adds identity, locks and the row.

create or replace function desk.multiple_of(p_value double precision, p_step double precision)
returns boolean
language sql immutable
set search_path = desk, pg_temp
as $$
  -- 0.3 is a multiple of 0.1 to anyone but a binary fraction.
  select p_step is null or abs(p_value / p_step - round(p_value / p_step)) <= 1e-9 * greatest(1, abs(p_value / p_step))
$$;
comment on function desk.multiple_of(double precision, double precision) is
  'Whether a size or price is a multiple of its step, to a billionth; without a step it is.';

create or replace function desk.breach(
  p_rule text, p_reason text, p_observed double precision default null, p_threshold double precision default null)
returns desk.order_breach
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_breach desk.order_breach;
begin
  v_breach.rule := p_rule;
  v_breach.reason := p_reason;
  v_breach.observed := p_observed;
  v_breach.threshold := p_threshold;
  return v_breach;
end
$$;
comment on function desk.breach(text, text, double precision, double precision) is 'A breach as a row.';

create or replace function desk.order_shape(p_order desk.broker_orders, p_session desk.trading_sessions)
returns desk.order_breach
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_type       desk.order_types;
  v_instrument desk.instruments;
  v_price      double precision;
  o            desk.broker_orders := p_order;
begin
  if (o.quantity <> 0 and o.quantity > '-Infinity' and o.quantity < 'Infinity') is not true then
    return desk.breach('quantity', format('No order of %s', coalesce(o.quantity::text, 'null')), o.quantity);
  end if;
  select t.* into v_type from desk.order_types as t where t.name = o.type;
  if not found then
    return desk.breach('type', format('No type of order is called %s', to_jsonb(left(o.type, 40))));
  -- A trailing order may say from which price it trails; else it is from the newest.
  elsif (o.limit_price is not null) <> v_type.has_limit
    or (o.stop_price is not null) <> v_type.has_stop and not v_type.has_trail
    or (num_nonnulls(o.trail_amount, o.trail_part) = 1) <> v_type.has_trail
    or num_nonnulls(o.trail_amount, o.trail_part) > 1
  then
    return desk.breach('prices', format('A %s order has%s', v_type.name,
      case when v_type.has_limit or v_type.has_stop or v_type.has_trail
        then rtrim(case when v_type.has_limit then ' a limit price,' else '' end
          || case when v_type.has_stop then ' a stop price,' else '' end
          || case when v_type.has_trail then ' a trailing amount or part,' else '' end, ',')
          || case when v_type.has_trail then ', perhaps a stop price to begin with' else ' and nothing else' end
        else ' no price' end));
  elsif o.time_in_force not in ('day', 'gtc', 'gtd') or (o.time_in_force = 'gtd') <> (o.valid_until is not null) then
    return desk.breach('time_in_force', 'An order is good for the day, gtc, or gtd with the time until which');
  elsif o.trail_part is not null and (o.trail_part > 0 and o.trail_part < 1) is not true then
    return desk.breach('prices', format('A trailing part is between 0 and 1, not %s', o.trail_part), o.trail_part, 1);
  end if;
  foreach v_price in array array_remove(array[o.limit_price, o.stop_price, o.trail_amount], null) loop
    if (v_price > 0 and v_price < 'Infinity') is not true then
      return desk.breach('prices', format('No order at %s', v_price), v_price, 0);
    end if;
  end loop;
  select i.* into v_instrument from desk.instruments as i where i.symbol = o.symbol;
  if not found or o.symbol <> all (p_session.symbols) then
    return desk.breach('symbol', format('%s is no symbol of session %s', to_jsonb(left(o.symbol, 40)), p_session.id));
  elsif v_instrument.size_step is not null and not desk.multiple_of(o.quantity, v_instrument.size_step) then
    return desk.breach('size_step', format('%s is no multiple of %s', o.quantity, v_instrument.size_step), o.quantity,
      v_instrument.size_step);
  end if;
  foreach v_price in array array_remove(array[o.limit_price, o.stop_price, o.trail_amount], null) loop
    if v_instrument.price_tick is not null and not desk.multiple_of(v_price, v_instrument.price_tick) then
      return desk.breach('price_tick', format('%s is no multiple of %s', v_price, v_instrument.price_tick), v_price,
        v_instrument.price_tick);
    end if;
  end loop;
  return null;
end
$$;
comment on function desk.order_shape(desk.broker_orders, desk.trading_sessions) is
  'What is wrong with an order by itself, whatever the account holds; null where nothing is. Holds for exits, too.';

create or replace function desk.reach(p_account_id bigint, p_session_id bigint)
returns table (
  of_session boolean, symbol text, held double precision, highest double precision, lowest double precision,
  price double precision)
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return query
  -- Of a bracket's exits, which count once their parent is done, the largest counts. Of one-cancels-others each does:
  -- a broker may have filled two before one has cancelled the other.
  with groups as (
    select o.trading_session_id, o.symbol, o.quantity > 0 as buys, max(greatest(abs(o.quantity) - o.filled, 0)) as size
    from desk.broker_orders as o
    join desk.accounts as a on a.id = o.account_id
    where o.account_id = p_account_id and o.is_open
      and not (a.cancels_at_once and o.cancel_asked_at is not null)
      and (o.parent_id is null
        or not exists (select from desk.broker_orders as p where p.id = o.parent_id and p.is_open))
    group by o.trading_session_id, o.symbol, o.quantity > 0, coalesce(o.parent_id, o.id)
  ),
  parts as (
    select p.trading_session_id, p.symbol, p.quantity as held, 0::float8 as buys, 0::float8 as sells, p.average_price
    from desk.positions as p where p.account_id = p_account_id and p.quantity <> 0
    union all
    select g.trading_session_id, g.symbol, 0, case when g.buys then g.size else 0 end,
      case when g.buys then 0 else g.size end, null
    from groups as g
  ),
  sums as (
    select c.of_session, p.symbol, sum(p.held) as held, sum(p.buys) as buys, sum(p.sells) as sells,
           max(p.average_price) as average_price
    from parts as p
    join (values (true), (false)) as c (of_session) on p.trading_session_id = p_session_id or not c.of_session
    group by c.of_session, p.symbol
  )
  select s.of_session, s.symbol, s.held, s.held + s.buys, s.held - s.sells, coalesce(k.price, s.average_price)
  from sums as s
  left join lateral (
    select q.price from desk.session_prices as q
    where q.account_id = p_account_id and q.symbol = s.symbol
    order by q.trading_session_id <> p_session_id, q.arrived_at desc limit 1
  ) as k on true;
end
$$;
comment on function desk.reach(bigint, bigint) is
  'What positions can become, a row a symbol of the session (of_session) and one of the whole account: now, if '
  'all that is on its way to buy is filled, and if all that is on its way to sell is. strategies/exposure.py counts '
  'the same way.';
