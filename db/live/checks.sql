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

drop function if exists desk.order_shape(desk.broker_orders, desk.trading_sessions);
create or replace function desk.order_shape(p_order desk.broker_orders, p_facts desk.gate_facts)
returns desk.order_breach
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  o       desk.broker_orders := p_order;
  f       desk.gate_facts := p_facts;
  v_check text;
  v_price double precision;
begin
  -- In their order, in one expression: most orders have nothing wrong, and each statement here costs as much again.
  v_check := case
    when (o.quantity <> 0 and o.quantity > '-Infinity' and o.quantity < 'Infinity') is not true then 'quantity'
    when f.has_limit is null then 'type'
    -- A trailing order may say from which price it trails; else it is from the newest.
    when (o.limit_price is not null) <> f.has_limit or (o.stop_price is not null) <> f.has_stop and not f.has_trail
      or (num_nonnulls(o.trail_amount, o.trail_part) = 1) <> f.has_trail
      or num_nonnulls(o.trail_amount, o.trail_part) > 1 then 'prices'
    when o.time_in_force not in ('day', 'gtc', 'gtd') or (o.time_in_force = 'gtd') <> (o.valid_until is not null)
      then 'time_in_force'
    when not (o.trail_part > 0 and o.trail_part < 1) then 'trail'
    when not (o.limit_price > 0 and o.limit_price < 'Infinity') or not (o.stop_price > 0 and o.stop_price < 'Infinity')
      or not (o.trail_amount > 0 and o.trail_amount < 'Infinity') then 'price'
    when not f.has_instrument or o.symbol <> all (f.symbols) then 'symbol'
    when f.size_step is not null and not desk.multiple_of(o.quantity, f.size_step) then 'size_step'
    when f.price_tick is not null and not (desk.multiple_of(coalesce(o.limit_price, 0), f.price_tick)
      and desk.multiple_of(coalesce(o.stop_price, 0), f.price_tick)
      and desk.multiple_of(coalesce(o.trail_amount, 0), f.price_tick)) then 'price_tick'
    end;
  if v_check is null then
    return null;
  end if;
  case v_check
    when 'quantity' then
      return desk.breach('quantity', format('No order of %s', coalesce(o.quantity::text, 'null')), o.quantity);
    when 'type' then
      return desk.breach('type', format('No type of order is called %s', to_jsonb(left(o.type, 40))));
    when 'prices' then
      return desk.breach('prices', format('A %s order has%s', o.type,
        case when f.has_limit or f.has_stop or f.has_trail
          then rtrim(case when f.has_limit then ' a limit price,' else '' end
            || case when f.has_stop then ' a stop price,' else '' end
            || case when f.has_trail then ' a trailing amount or part,' else '' end, ',')
            || case when f.has_trail then ', perhaps a stop price to begin with' else ' and nothing else' end
          else ' no price' end));
    when 'time_in_force' then
      return desk.breach('time_in_force', 'An order is good for the day, gtc, or gtd with the time until which');
    when 'trail' then
      return desk.breach('prices', format('A trailing part is between 0 and 1, not %s', o.trail_part), o.trail_part, 1);
    when 'price' then
      select p.price into v_price from unnest(array[o.limit_price, o.stop_price, o.trail_amount]) as p (price)
      where not (p.price > 0 and p.price < 'Infinity') limit 1;
      return desk.breach('prices', format('No order at %s', v_price), v_price, 0);
    when 'symbol' then
      return desk.breach('symbol', format('%s is no symbol of session %s', to_jsonb(left(o.symbol, 40)),
        o.trading_session_id));
    when 'size_step' then
      return desk.breach('size_step', format('%s is no multiple of %s', o.quantity, f.size_step), o.quantity,
        f.size_step);
    when 'price_tick' then
      select p.price into v_price from unnest(array[o.limit_price, o.stop_price, o.trail_amount]) as p (price)
      where not desk.multiple_of(p.price, f.price_tick) limit 1;
      return desk.breach('price_tick', format('%s is no multiple of %s', v_price, f.price_tick), v_price,
        f.price_tick);
  end case;
end
$$;
comment on function desk.order_shape(desk.broker_orders, desk.gate_facts) is
  'What is wrong with an order by itself, whatever the account holds; null where nothing is. Holds for exits, too.';
