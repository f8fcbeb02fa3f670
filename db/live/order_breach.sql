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
language sql immutable
set search_path = desk, pg_temp
as $$
  select rtrim(p_timeframe, 'mohdw')::integer
    * case right(p_timeframe, 1) when 'm' then interval '1 minute' when 'h' then interval '1 hour'
        when 'd' then interval '1 day' when 'w' then interval '7 days' else interval '1 month' end
$$;
comment on function desk.bar_length(text) is 'Length of a bar of a timeframe.';

create or replace function desk.process_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_ledger desk.session_ledgers, p_account desk.accounts)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_now     timestamptz := clock_timestamp();
  v_silence double precision;
  v_link    desk.account_links;
  v_age     double precision;
  v_length  interval;
  v_local   timestamp;
begin
  select (s.value #>> '{}')::float8 into v_silence from desk.settings as s where s.name = 'beat_seconds';
  select l.* into v_link from desk.account_links as l where l.account_id = p_account.id;
  v_age := extract(epoch from v_now - v_link.beat_at);
  if not found or v_age > v_silence then
    return desk.breach('link', format('The link of %s was %s; nothing would carry this out', p_account.name,
      coalesce('last heard of ' || desk.figure(v_age) || ' s ago', 'never started')), v_age, v_silence);
  elsif v_link.state <> 'ready' then
    return desk.breach('link', format('The link of %s is %s', p_account.name, v_link.state));
  end if;
  if p_account.restart_at is not null then
    v_local := v_now at time zone p_account.restart_zone;
    v_age := extract(epoch from v_local::time - p_account.restart_at) / 60;
    v_age := v_age - 1440 * round(v_age / 1440);
    if v_age >= -1 and v_age < p_account.restart_minutes then
      return desk.breach('restart', format('The gateway of %s restarts at %s', p_account.name, p_account.restart_at));
    end if;
  end if;
  if p_order.decision_bar > p_ledger.newest_bar then
    return desk.breach('decision_bar', format('The newest bar is %s, not %s', p_ledger.newest_bar,
      p_order.decision_bar));
  elsif p_order.decision_bar < p_ledger.older_bar then
    return desk.breach('decision_bar', format('Decided on the bar of %s: there have been two since',
      p_order.decision_bar));
  end if;
  if p_session.clock = 'wall' and p_order.decision_bar > '-infinity' then
    v_length := desk.bar_length(p_session.timeframe);
    v_age := extract(epoch from v_now - p_order.decision_bar - v_length);
    -- Bars of days pause over weekends and holidays.
    if v_age > extract(epoch from 2 * v_length + case when v_length >= interval '1 day' then interval '4 days'
      else interval '0' end)
    then
      return desk.breach('decision_bar', format('The bar of %s ended %s s ago: it is older than two bars',
        p_order.decision_bar, desk.figure(v_age)), v_age, extract(epoch from 2 * v_length));
    end if;
  end if;
  return null;
end
$$;
comment on function desk.process_breach(
  desk.broker_orders, desk.trading_sessions, desk.session_ledgers, desk.accounts) is
  'Why an order cannot be carried out as it was meant, whatever it does: no link, a restart, an old decision.';

create or replace function desk.standing_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_account desk.accounts, p_limits jsonb)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_silence  double precision;
  v_process  desk.session_processes;
  v_strategy record;
  v_age      double precision;
  v_hash     text;
  v_reason   text;
  v_collar   double precision;
begin
  select (s.value #>> '{}')::float8 into v_silence from desk.settings as s where s.name = 'beat_seconds';
  select p.* into v_process from desk.session_processes as p where p.trading_session_id = p_session.id;
  v_age := extract(epoch from clock_timestamp() - v_process.beat_at);
  if not found or v_age > v_silence then
    return desk.breach('session', format('The strategy of session %s was %s', p_session.id,
      coalesce('last heard of ' || desk.figure(v_age) || ' s ago', 'never begun')), v_age, v_silence);
  elsif v_process.code_hash <> p_session.code_hash then
    return desk.breach('code', format('Code %s is not the session''s %s', left(v_process.code_hash, 12),
      left(p_session.code_hash, 12)));
  end if;
  select s.name, s.status into v_strategy from desk.strategies as s where s.id = p_session.strategy_id;
  if v_strategy.status not in ('paper', 'live') then
    return desk.breach('status', format('%s is %s, neither paper nor live', v_strategy.name, v_strategy.status));
  end if;
  v_reason := desk.code_fault((
    select c.id from desk.code_versions as c
    where c.strategy_id = p_session.strategy_id and c.code_hash = p_session.code_hash));
  if v_reason is not null then
    return desk.breach('approval', format('%s: %s', v_strategy.name, v_reason));
  elsif p_session.kind = 'live' then
    select a.code_hash into v_hash from desk.approvals as a
    where a.strategy_id = p_session.strategy_id and a.account_id = p_account.id order by a.id desc limit 1;
    if v_hash is distinct from p_session.code_hash then
      return desk.breach('approval', format('%s is not approved with this code', v_strategy.name));
    end if;
  end if;
  select r.reason into v_reason from desk.restricted_symbols as r
  where r.symbol = p_order.symbol and r.lifted_at is null and (r.account_id is null or r.account_id = p_account.id)
  limit 1;
  if found then
    return desk.breach('restricted', format('%s is restricted: %s', p_order.symbol, v_reason));
  end if;
  if p_order.decision_price is null then
    return desk.breach('price', format('There is no price of %s', p_order.symbol));
  end if;
  v_collar := least((p_limits #>> '{0,price_collar}')::float8, (p_limits #>> '{1,price_collar}')::float8);
  v_age := abs(coalesce(p_order.limit_price, p_order.stop_price, p_order.decision_price) / p_order.decision_price - 1);
  if v_age > v_collar * (1 + 1e-9) then
    return desk.breach('price_collar', format('Price collar: %s is more than %s away from %s',
      coalesce(p_order.limit_price, p_order.stop_price), v_collar, p_order.decision_price), v_age, v_collar);
  end if;
  v_collar := least((p_limits #>> '{0,max_price_age}')::float8, (p_limits #>> '{1,max_price_age}')::float8);
  if v_collar is not null then
    select extract(epoch from clock_timestamp() - q.arrived_at) into v_age from desk.session_prices as q
    where q.trading_session_id = p_session.id and q.symbol = p_order.symbol;
    if v_age > v_collar then
      return desk.breach('max_price_age', format('The price of %s is %s s old, more than %s', p_order.symbol,
        desk.figure(v_age), v_collar), v_age, v_collar);
    end if;
  end if;
  return null;
end
$$;
comment on function desk.standing_breach(desk.broker_orders, desk.trading_sessions, desk.accounts, jsonb) is
  'Why nothing may be entered whatever its size: a silent process, other code, a status, a restriction, no good price.';

create or replace function desk.limit_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_account desk.accounts, p_keeper text, p_limits jsonb,
  p_held double precision, p_highest double precision, p_lowest double precision, p_other_gross double precision,
  p_other_positions bigint, p_value double precision, p_orders_today bigint)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_price    double precision := coalesce(p_order.limit_price, p_order.stop_price, p_order.decision_price);
  v_worst    double precision;
  v_gross    double precision;
  v_window   double precision;
  v_repeats  double precision := (p_limits ->> 'repetition_seconds')::float8;
  v_second   bigint;
  v_minute   bigint;
  v_same     timestamptz;
  v_found    record;
begin
  v_worst := greatest(abs(p_held), abs(p_highest + greatest(p_order.quantity, 0)),
    abs(p_lowest + least(p_order.quantity, 0)));
  v_gross := p_other_gross + v_worst * v_price;
  v_window := greatest(case when p_limits ? 'max_orders_per_minute' then 60 end,
    case when p_limits ? 'max_orders_per_second' then 1 end, v_repeats);
  if v_window is not null then
    -- Replays count in the time of their bars, so by themselves.
    if p_keeper = 'account' and p_session.clock = 'wall' then
      select count(*) filter (where o.counted_at > p_order.counted_at - interval '1 second'),
             count(*) filter (where o.counted_at > p_order.counted_at - interval '1 minute'),
             max(o.counted_at) filter (where v_repeats is not null
               and (o.symbol, o.quantity, o.type, o.limit_price, o.stop_price) is not distinct from (
                 p_order.symbol, p_order.quantity, p_order.type, p_order.limit_price, p_order.stop_price))
      into v_second, v_minute, v_same
      from desk.broker_orders as o
      where o.account_id = p_account.id and o.state <> 'refused'
        and o.counted_at > p_order.counted_at - make_interval(secs => v_window);
    else
      select count(*) filter (where o.counted_at > p_order.counted_at - interval '1 second'),
             count(*) filter (where o.counted_at > p_order.counted_at - interval '1 minute'),
             max(o.counted_at) filter (where v_repeats is not null
               and (o.symbol, o.quantity, o.type, o.limit_price, o.stop_price) is not distinct from (
                 p_order.symbol, p_order.quantity, p_order.type, p_order.limit_price, p_order.stop_price))
      into v_second, v_minute, v_same
      from desk.broker_orders as o
      where o.trading_session_id = p_session.id and o.state <> 'refused'
        and o.counted_at > p_order.counted_at - make_interval(secs => v_window);
    end if;
  end if;
  select c.name, c.what, c.observed, (p_limits ->> c.name)::float8 as threshold into v_found
  from (values
    (1, 'max_order_shares', 'Order size', abs(p_order.quantity)),
    (2, 'max_order_value', 'Order value', abs(p_order.quantity) * v_price),
    (3, 'max_orders_per_day', 'Orders today', p_orders_today + 1),
    (4, 'max_position_shares', 'Position in shares', v_worst),
    (5, 'max_position_value', 'Position value', v_worst * v_price),
    (6, 'max_position_pct', 'Position share', desk.share(v_worst * v_price, p_value)),
    (7, 'max_concentration', 'Concentration', desk.share(v_worst * v_price, p_value)),
    (8, 'max_leverage', 'Leverage', desk.share(v_gross, p_value)),
    (9, 'max_gross_exposure', 'Gross exposure', v_gross),
    (10, 'max_positions', 'Open positions', p_other_positions + 1),
    (11, 'max_orders_per_second', 'Orders in a second', v_second + 1),
    (12, 'max_orders_per_minute', 'Orders in a minute', v_minute + 1)
  ) as c (place, name, what, observed)
  where c.observed > (p_limits ->> c.name)::float8 * (1 + 1e-9)
  order by c.place
  limit 1;
  if found then
    return desk.breach(p_keeper || ' ' || v_found.name, format('%s%s: %s > %s', v_found.what,
      case p_keeper when 'account' then ' of ' || p_account.name else '' end, desk.figure(v_found.observed),
      desk.figure(v_found.threshold)), v_found.observed, v_found.threshold);
  elsif v_same > p_order.counted_at - make_interval(secs => v_repeats) then
    return desk.breach(p_keeper || ' repetition_seconds',
      format('The same order %s s ago; it is not taken again within %s s',
        desk.figure(extract(epoch from p_order.counted_at - v_same)), desk.figure(v_repeats)),
      extract(epoch from p_order.counted_at - v_same), v_repeats);
  end if;
  return null;
end
$$;
comment on function desk.limit_breach(desk.broker_orders, desk.trading_sessions, desk.accounts, text, jsonb,
  double precision, double precision, double precision, double precision, bigint, double precision, bigint) is
  'The first limit of a keeper (session, account) that an order would break, if all that is on its way were filled.';

create or replace function desk.order_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_ledger desk.session_ledgers, p_account desk.accounts)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_breach desk.order_breach;
  v_level  text;
  v_limits record;
  r        record;
  v_value  double precision;
  v_orders bigint;
  v_reduces boolean;
begin
  v_breach := desk.order_shape(p_order, p_session);
  if v_breach.rule is not null then
    return v_breach;
  end if;
  v_level := desk.level_of(p_account.id, p_session.id);
  if v_level = 'halted' and p_order.intent <> 'flatten' then
    return desk.breach('halted', format('Trading is halted: %s', (select h.reason from desk.halts as h
      where h.lifted_at is null and h.level = 'halted' and (h.account_id is null or h.account_id = p_account.id)
        and (h.trading_session_id is null or h.trading_session_id = p_session.id) order by h.id desc limit 1)));
  elsif p_session.state <> 'open' then
    return desk.breach('session', format('Session %s is %s', p_session.id, p_session.state));
  end if;
  if p_order.intent <> 'flatten' then
    v_breach := desk.process_breach(p_order, p_session, p_ledger, p_account);
    if v_breach.rule is not null then
      return v_breach;
    end if;
  end if;

  select coalesce(max(x.held) filter (where x.of_session and x.own), 0) as held,
         coalesce(max(x.highest) filter (where x.of_session and x.own), 0) as highest,
         coalesce(max(x.lowest) filter (where x.of_session and x.own), 0) as lowest,
         coalesce(sum(x.worst * x.price) filter (where x.of_session and not x.own), 0) as gross,
         count(*) filter (where x.of_session and not x.own and x.worst > 0) as positions,
         coalesce(max(x.held) filter (where not x.of_session and x.own), 0) as a_held,
         coalesce(max(x.highest) filter (where not x.of_session and x.own), 0) as a_highest,
         coalesce(max(x.lowest) filter (where not x.of_session and x.own), 0) as a_lowest,
         coalesce(sum(x.worst * x.price) filter (where not x.of_session and not x.own), 0) as a_gross,
         count(*) filter (where not x.of_session and not x.own and x.worst > 0) as a_positions
  into r
  from (
    select q.*, q.symbol = p_order.symbol as own, greatest(abs(q.held), abs(q.highest), abs(q.lowest)) as worst
    from desk.reach(p_account.id, p_session.id) as q
  ) as x;
  v_reduces := case when p_order.quantity > 0 then r.highest + p_order.quantity <= 0
    else r.lowest + p_order.quantity >= 0 end;
  if v_reduces then
    return desk.breach(null, 'reduces');
  elsif v_level <> 'active' or p_order.intent <> 'trade' then
    return desk.breach('reducing', format('Only what reduces a position: %s held, %s to %s with all on its way',
      desk.figure(r.held), desk.figure(r.lowest), desk.figure(r.highest)));
  end if;

  select g.* into v_limits from desk.gate_limits(p_session.strategy_id, p_account.id) as g;
  v_breach := desk.standing_breach(p_order, p_session, p_account,
    jsonb_build_array(v_limits.session_limits, v_limits.account_limits));
  if v_breach.rule is not null then
    return v_breach;
  end if;
  v_breach := desk.limit_breach(p_order, p_session, p_account, 'session', v_limits.session_limits, r.held, r.highest,
    r.lowest, r.gross, r.positions, p_ledger.value, p_ledger.orders_today);
  if v_breach.rule is not null or v_limits.account_limits = '{}' then
    return v_breach;
  end if;
  select a.value into v_value from desk.account_ledgers as a where a.account_id = p_account.id;
  select sum(l.orders_today) into v_orders from desk.session_ledgers as l
  where l.account_id = p_account.id and l.day = p_ledger.day;
  v_breach := desk.limit_breach(p_order, p_session, p_account, 'account', v_limits.account_limits, r.a_held,
    r.a_highest, r.a_lowest, r.a_gross, r.a_positions, v_value, coalesce(v_orders, 0));
  if v_breach.rule is not null then
    return v_breach;
  end if;
  return desk.account_rule_breach(p_order, p_session, p_ledger, p_account, v_limits.session_limits,
    v_limits.account_limits);
end
$$;
comment on function desk.order_breach(desk.broker_orders, desk.trading_sessions, desk.session_ledgers, desk.accounts) is
  'Why an order is refused; without a rule it is allowed, and the reason reduces says that it can only reduce. Call it '
  'under the lock of the account: what is on its way counts.';
