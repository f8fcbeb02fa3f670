-- What an order would break, beside its shape: the levels, who is alive, and every limit of its session and account.

create or replace function desk.figure(p_value double precision)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select case
    when p_value = 0 or abs(p_value) >= 1e15 or p_value <> p_value then p_value::text
    else trim_scale(round(p_value::numeric, greatest(0, 5 - floor(log(abs(p_value)))::integer)))::text end
$$;
comment on function desk.figure(double precision) is 'A number for people, with six digits that count.';

create or replace function desk.share(p_part double precision, p_whole double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return case when p_whole > 0 then p_part / p_whole when p_part > 0 then 'Infinity' else 0 end;
end
$$;
comment on function desk.share(double precision, double precision) is
  'A part of a whole; infinite of a whole that is worth nothing.';

create or replace function desk.bar_length(p_timeframe text)
returns interval
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return rtrim(p_timeframe, 'mohdw')::integer
    * case right(p_timeframe, 1) when 'm' then interval '1 minute' when 'h' then interval '1 hour'
        when 'd' then interval '1 day' when 'w' then interval '7 days' else interval '1 month' end;
end
$$;
comment on function desk.bar_length(text) is 'Length of a bar of a timeframe.';

create or replace function desk.limit_breach(
  p_order desk.broker_orders, p_keeper text, p_whose text, p_clock text, p_limits jsonb, p_held double precision,
  p_highest double precision, p_lowest double precision, p_other_gross double precision, p_other_positions bigint,
  p_value double precision, p_orders_today bigint, p_in_second bigint, p_in_minute bigint)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_names     constant text[] := '{max_order_shares,max_order_value,max_orders_per_day,max_position_shares,'
    'max_position_value,max_position_pct,max_concentration,max_leverage,max_gross_exposure,max_positions,'
    'max_orders_per_second,max_orders_per_minute}';
  v_price     double precision := coalesce(p_order.limit_price, p_order.stop_price, p_order.decision_price);
  v_worst     double precision := greatest(abs(p_held), abs(p_highest + greatest(p_order.quantity, 0)),
    abs(p_lowest + least(p_order.quantity, 0)));
  v_observed  double precision[] := array[abs(p_order.quantity), abs(p_order.quantity) * v_price, p_orders_today + 1,
    v_worst, v_worst * v_price, desk.share(v_worst * v_price, p_value), desk.share(v_worst * v_price, p_value),
    desk.share(p_other_gross + v_worst * v_price, p_value), p_other_gross + v_worst * v_price,
    p_other_positions + 1, p_in_second + 1, p_in_minute + 1];
  v_threshold double precision;
  v_same_at   timestamptz;
begin
  for i in 1 .. 12 loop
    if v_observed[i] > (p_limits ->> v_names[i])::float8 * (1 + 1e-9) then
      v_threshold := p_limits ->> v_names[i];
      return desk.breach(p_keeper || ' ' || v_names[i], format('%s%s: %s > %s',
        (array['Order size', 'Order value', 'Orders today', 'Position in shares', 'Position value', 'Position share',
          'Concentration', 'Leverage', 'Gross exposure', 'Open positions', 'Orders in a second',
          'Orders in a minute'])[i], ' of ' || p_whose, desk.figure(v_observed[i]), desk.figure(v_threshold)),
        v_observed[i], v_threshold);
    end if;
  end loop;
  if p_limits ? 'repetition_seconds' then
    v_threshold := p_limits ->> 'repetition_seconds';
    -- Replays count in the time of their bars, so by themselves.
    select max(o.counted_at) into v_same_at
    from desk.broker_orders as o
    where o.state <> 'refused' and o.account_id = p_order.account_id
      and (o.trading_session_id = p_order.trading_session_id or p_keeper = 'account' and p_clock <> 'stream')
      and o.counted_at > p_order.counted_at - make_interval(secs => v_threshold)
      and (o.symbol, o.quantity, o.type, o.limit_price, o.stop_price) is not distinct from (
        p_order.symbol, p_order.quantity, p_order.type, p_order.limit_price, p_order.stop_price);
    if v_same_at is not null then
      return desk.breach(p_keeper || ' repetition_seconds',
        format('The same order %s s ago; it is not taken again within %s s',
          desk.figure(extract(epoch from p_order.counted_at - v_same_at)), desk.figure(v_threshold)),
        extract(epoch from p_order.counted_at - v_same_at), v_threshold);
    end if;
  end if;
  return null;
end
$$;
comment on function desk.limit_breach(desk.broker_orders, text, text, text, jsonb, double precision, double precision,
  double precision, double precision, bigint, double precision, bigint, bigint, bigint) is
  'The first limit of a keeper (session, account) that an order would break, if all that is on its way were filled.';

create or replace function desk.is_approved(p_strategy_id bigint, p_account_id bigint, p_code_hash text)
returns boolean
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  return p_code_hash is not distinct from (
    select a.code_hash from desk.approvals as a
    where a.strategy_id = p_strategy_id and a.account_id = p_account_id order by a.id desc limit 1);
end
$$;
comment on function desk.is_approved(bigint, bigint, text) is
  'Whether the newest approval of a strategy for an account is one of this code.';

create or replace function desk.minutes_after(p_time time, p_zone text, p_at timestamptz)
returns double precision
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_minutes double precision := extract(epoch from (p_at at time zone p_zone)::time - p_time) / 60;
begin
  return v_minutes - 1440 * round(v_minutes / 1440);
end
$$;
comment on function desk.minutes_after(time, text, timestamptz) is
  'Minutes from a time of the day to a moment, negative before it; never more than half a day.';

create or replace function desk.check_breach(
  p_check text, p_order desk.broker_orders, p_facts desk.gate_facts, p_account desk.accounts)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  o      desk.broker_orders := p_order;
  f      desk.gate_facts := p_facts;
  v_age  double precision := extract(epoch from clock_timestamp() - case
    when p_check like 'link%' then f.link_beat
    when p_check = 'session silent' then f.process_beat
    when p_check = 'max_price_age' then f.priced_at
    when p_check = 'decision_bar old' then o.decision_bar + desk.bar_length(f.timeframe) end);
  v_most double precision := least((f.session_limits ->> p_check)::float8, (f.account_limits ->> p_check)::float8);
begin
  case p_check
    when 'halted' then
      return desk.breach('halted', format('Trading is halted: %s', (select h.reason from desk.halts as h
        where h.lifted_at is null and h.level = 'halted' and (h.account_id is null or h.account_id = p_account.id)
          and (h.trading_session_id is null or h.trading_session_id = o.trading_session_id)
        order by h.id desc limit 1)));
    when 'session over' then
      return desk.breach('session', format('Session %s is %s', o.trading_session_id, f.session_state));
    when 'link silent' then
      return desk.breach('link', format('The link of %s was %s; nothing would carry this out', p_account.name,
        coalesce('last heard of ' || desk.figure(v_age) || ' s ago', 'never started')), v_age, f.silence);
    when 'link' then
      return desk.breach('link', format('The link of %s is %s', p_account.name, f.link_state));
    when 'restart' then
      return desk.breach('restart', format('The gateway of %s restarts at %s', p_account.name, p_account.restart_at));
    when 'decision_bar unseen' then
      return desk.breach('decision_bar', format('The newest bar is %s, not %s', f.newest_bar, o.decision_bar));
    when 'decision_bar' then
      return desk.breach('decision_bar', format('Decided on the bar of %s: there have been two since',
        o.decision_bar));
    when 'decision_bar old' then
      return desk.breach('decision_bar', format('The bar of %s ended %s s ago: it is older than two bars',
        o.decision_bar, desk.figure(v_age)), v_age, extract(epoch from 2 * desk.bar_length(f.timeframe)));
    when 'reduces' then
      return desk.breach(null, 'reduces');
    when 'reducing' then
      return desk.breach('reducing', format('Only what reduces a position: %s held, %s to %s with all on its way',
        desk.figure(f.held), desk.figure(f.lowest), desk.figure(f.highest)));
    when 'session silent' then
      return desk.breach('session', format('The strategy of session %s was %s', o.trading_session_id,
        coalesce('last heard of ' || desk.figure(v_age) || ' s ago', 'never begun')), v_age, f.silence);
    when 'code' then
      return desk.breach('code', format('Code %s is not the session''s %s', left(f.process_hash, 12),
        left(f.code_hash, 12)));
    when 'status' then
      return desk.breach('status', format('%s is %s, neither paper nor live', f.strategy, f.status));
    when 'fault' then
      return desk.breach('approval', format('%s: %s', f.strategy, desk.code_fault(f.code_version_id)));
    when 'approval' then
      return desk.breach('approval', format('%s is not approved with this code', f.strategy));
    when 'restricted' then
      return desk.breach('restricted', format('%s is restricted: %s', o.symbol, f.restricted));
    when 'price' then
      return desk.breach('price', format('There is no price of %s', o.symbol));
    when 'price_collar' then
      return desk.breach('price_collar', format('Price collar: %s is more than %s away from %s',
        coalesce(o.limit_price, o.stop_price), v_most, o.decision_price),
        abs(coalesce(o.limit_price, o.stop_price) / o.decision_price - 1), v_most);
    when 'max_price_age' then
      return desk.breach('max_price_age', format('The price of %s is %s s old, more than %s', o.symbol,
        desk.figure(v_age), v_most), v_age, v_most);
  end case;
end
$$;
comment on function desk.check_breach(text, desk.broker_orders, desk.gate_facts, desk.accounts) is
  'The words of a check of order_breach() that an order does not pass, and the rule that it goes by.';

drop function if exists desk.process_breach(
  desk.broker_orders, desk.trading_sessions, desk.session_ledgers, desk.accounts);
drop function if exists desk.standing_breach(desk.broker_orders, desk.trading_sessions, desk.accounts, jsonb);
drop function if exists desk.limit_breach(desk.broker_orders, desk.trading_sessions, desk.accounts, text, jsonb,
  double precision, double precision, double precision, double precision, bigint, double precision, bigint);
drop function if exists desk.order_breach(
  desk.broker_orders, desk.trading_sessions, desk.session_ledgers, desk.accounts);
create or replace function desk.order_breach(
  p_order desk.broker_orders, p_facts desk.gate_facts, p_account desk.accounts)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  o        desk.broker_orders := p_order;
  f        desk.gate_facts := p_facts;
  v_breach desk.order_breach := desk.order_shape(o, f);
  v_level  text := 'active';
  v_now    timestamptz := clock_timestamp();
  v_check  text;
begin
  if v_breach.rule is not null then
    return v_breach;
  elsif f.is_halted then
    v_level := desk.level_of(p_account.id, o.trading_session_id);
  end if;
  -- In their order, in one expression: each statement here costs as much again as what it asks.
  v_check := case
    when v_level = 'halted' and o.intent <> 'flatten' then 'halted'
    when f.session_state <> 'open' then 'session over'
    -- Why nothing can be carried out as it was meant, whatever it does.
    when o.intent <> 'flatten' and (f.link_state is null or extract(epoch from v_now - f.link_beat) > f.silence)
      then 'link silent'
    when o.intent <> 'flatten' and f.link_state <> 'ready' then 'link'
    when o.intent <> 'flatten' and p_account.restart_at is not null
      and desk.minutes_after(p_account.restart_at, p_account.restart_zone, v_now) >= -1
      and desk.minutes_after(p_account.restart_at, p_account.restart_zone, v_now) < p_account.restart_minutes
      then 'restart'
    when o.intent <> 'flatten' and o.decision_bar > f.newest_bar then 'decision_bar unseen'
    when o.intent <> 'flatten' and o.decision_bar < f.older_bar then 'decision_bar'
    -- Bars of days pause over weekends and holidays.
    when o.intent <> 'flatten' and f.clock = 'wall' and o.decision_bar > '-infinity'
      and v_now - o.decision_bar > 3 * desk.bar_length(f.timeframe)
        + case when f.timeframe ~ '[dw]$' then interval '4 days' else interval '0' end
      then 'decision_bar old'
    when o.quantity > 0 and f.highest + o.quantity <= 0 or o.quantity < 0 and f.lowest + o.quantity >= 0 then 'reduces'
    when v_level <> 'active' or o.intent <> 'trade' then 'reducing'
    -- Why nothing may be entered, whatever its size.
    when f.process_hash is null or extract(epoch from v_now - f.process_beat) > f.silence then 'session silent'
    when f.process_hash <> f.code_hash then 'code'
    when f.status not in ('paper', 'live') then 'status'
    when f.has_fault and desk.code_fault(f.code_version_id) is not null then 'fault'
    when f.kind = 'live' and not desk.is_approved(f.strategy_id, p_account.id, f.code_hash) then 'approval'
    when f.restricted is not null then 'restricted'
    when o.decision_price is null then 'price'
    when abs(coalesce(o.limit_price, o.stop_price, o.decision_price) / o.decision_price - 1) > least(
      (f.session_limits ->> 'price_collar')::float8, (f.account_limits ->> 'price_collar')::float8) * (1 + 1e-9)
      then 'price_collar'
    when extract(epoch from v_now - f.priced_at) > least((f.session_limits ->> 'max_price_age')::float8,
      (f.account_limits ->> 'max_price_age')::float8) then 'max_price_age'
    end;
  if v_check is not null then
    return desk.check_breach(v_check, o, f, p_account);
  end if;
  if f.session_limits <> '{}' then
    v_breach := desk.limit_breach(o, 'session', null, f.clock, f.session_limits, f.held, f.highest, f.lowest,
      f.other_gross, f.other_positions, f.value, f.orders_today, f.in_second, f.in_minute);
  end if;
  if v_breach.rule is null and f.account_limits <> '{}' then
    v_breach := desk.limit_breach(o, 'account', p_account.name, f.clock, f.account_limits, f.a_held, f.a_highest,
      f.a_lowest, f.a_other_gross, f.a_other_positions, f.a_value, f.a_orders_today, f.a_in_second, f.a_in_minute);
  end if;
  if v_breach.rule is null and (f.session_limits || f.account_limits)
    ?| '{exchange_hours,no_entry_minutes,settled_cash_only,max_day_trades}'
  then
    select b.* into v_breach
    from desk.trading_sessions as t
    join desk.session_ledgers as l on l.trading_session_id = t.id
    cross join lateral desk.account_rule_breach(o, t, l, p_account, f.session_limits, f.account_limits) as b
    where t.id = o.trading_session_id;
  end if;
  return v_breach;
end
$$;
comment on function desk.order_breach(desk.broker_orders, desk.gate_facts, desk.accounts) is
  'Why an order is refused; without a rule it is allowed, and the reason reduces says that it can only reduce. Call it '
  'under the lock of the account, with facts that were read under it: what is on its way counts.';
