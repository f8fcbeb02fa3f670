-- All that an order is judged by, read at once: under the lock of its account, in a statement that begins after it.

create or replace function desk.is_on_its_way(p_order_id bigint)
returns boolean
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  -- Of a bracket's exits, which count once their entry is done, the largest counts. Of one-cancels-others each does: a
  -- broker may have filled two before one has cancelled the other.
  return (
    select bool_or(c.id = p_order_id) filter (where c.place = 1)
    from (
      select b.id, row_number() over (order by abs(b.quantity) - b.filled desc, b.id) as place
      from desk.broker_orders as o
      join desk.accounts as a on a.id = o.account_id
      join desk.broker_orders as b on b.id = o.id
        or b.parent_id = o.parent_id and b.symbol = o.symbol and b.quantity * o.quantity > 0
      where o.id = p_order_id and b.is_open and not (a.cancels_at_once and b.cancel_asked_at is not null)
        and not exists (select from desk.broker_orders as e where e.id = o.parent_id and e.is_open)
    ) as c);
end
$$;
comment on function desk.is_on_its_way(bigint) is
  'Whether an open order that is a bracket''s exit, or whose cancel was asked for, counts as one that may be filled.';

-- Without a path of its own, so that gate_facts() takes it into its statement: every name in it is qualified.
drop function if exists desk.reach(bigint, bigint);
create function desk.reach(p_account_id bigint, p_session_id bigint)
returns table (
  symbol text, held double precision, highest double precision, lowest double precision, a_held double precision,
  a_highest double precision, a_lowest double precision, price double precision)
language sql stable
as $$
  select s.symbol, s.held, s.held + s.buys, s.held - s.sells, s.a_held, s.a_held + s.a_buys, s.a_held - s.a_sells,
         coalesce((
           select q.price from desk.session_prices as q
           where q.account_id = p_account_id and q.symbol = s.symbol
           order by q.trading_session_id <> p_session_id, q.arrived_at desc limit 1), s.average_price)
  from (
    select p.symbol, coalesce(sum(p.held) filter (where p.own), 0) as held,
           coalesce(sum(p.buys) filter (where p.own), 0) as buys,
           coalesce(sum(p.sells) filter (where p.own), 0) as sells,
           sum(p.held) as a_held, sum(p.buys) as a_buys, sum(p.sells) as a_sells, max(p.average_price) as average_price
    from (
      select h.symbol, h.trading_session_id = p_session_id as own, h.quantity as held, 0::float8 as buys,
             0::float8 as sells, h.average_price
      from desk.positions as h where h.account_id = p_account_id and h.quantity <> 0
      union all
      select o.symbol, o.trading_session_id = p_session_id, 0, greatest(o.quantity - o.filled, 0),
             greatest(-o.quantity - o.filled, 0), null
      from desk.broker_orders as o
      where o.account_id = p_account_id and o.is_open
        and case when o.parent_id is null and o.cancel_asked_at is null then true else desk.is_on_its_way(o.id) end
    ) as p
    group by p.symbol
  ) as s
$$;
comment on function desk.reach(bigint, bigint) is
  'What positions of a session, and of its whole account (a_), can become, a row a symbol: held now, highest if all '
  'that is on its way to buy is filled, lowest if all that is on its way to sell is. strategies/exposure.py counts the '
  'same way.';

create or replace function desk.gate_facts(p_order desk.broker_orders, p_account_id bigint)
returns desk.gate_facts
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  f desk.gate_facts;
begin
  select t.strategy_id, t.kind, t.code_version_id, t.state, t.symbols, t.timeframe, t.clock, t.code_hash,
    case t.clock when 'stream' then coalesce(l.newest_bar, '-infinity') else p_order.counted_at end,
    l.newest_bar, l.older_bar, l.value, l.orders_today,
    (select (s.value #>> '{}')::float8 from desk.settings as s where s.name = 'beat_seconds'),
    p.token, p.code_hash, p.beat_at, k.state, k.beat_at, s.name, s.status,
    exists (
      select from desk.code_verdicts as d where d.code_version_id = t.code_version_id and d.outcome = 'fault'),
    (select r.reason from desk.restricted_symbols as r
     where r.symbol = p_order.symbol and r.lifted_at is null and (r.account_id is null or r.account_id = p_account_id)
     limit 1),
    q.price, q.arrived_at, y.has_limit, y.has_stop, y.has_trail, i.symbol is not null, i.lot, i.tick,
    exists (
      select from desk.refused_keys as b
      where b.trading_session_id = t.id and b.prefix = rtrim(p_order.key, '0123456789')),
    exists (select from desk.halts as h where h.lifted_at is null),
    t.session_limits, t.account_limits,
    coalesce(m.held, 0), coalesce(m.highest, 0), coalesce(m.lowest, 0), 0, 0,
    coalesce(m.a_held, 0), coalesce(m.a_highest, 0), coalesce(m.a_lowest, 0), 0, 0,
    0, 0, 0, 0,
    (select a.value from desk.account_ledgers as a where a.account_id = p_account_id), 0, t.flat_minutes
  into f
  from desk.trading_sessions as t
  join desk.session_ledgers as l on l.trading_session_id = t.id
  join desk.strategies as s on s.id = t.strategy_id
  left join desk.session_processes as p on p.trading_session_id = t.id
  left join desk.account_links as k on k.account_id = p_account_id
  left join desk.session_prices as q on q.trading_session_id = t.id and q.symbol = p_order.symbol
  left join desk.order_types as y on y.name = p_order.type
  left join desk.instruments as i on i.symbol = p_order.symbol
  left join desk.reach(p_account_id, p_order.trading_session_id) as m on m.symbol = p_order.symbol
  where t.id = p_order.trading_session_id;
  -- Statements of their own, which cost less than as parts of that one; the last two are seldom needed.
  if f.clock = 'stream' then
    -- Replays count in the time of their bars, so by themselves.
    select count(*) filter (where o.counted_at > f.counted_at - interval '1 second'), count(*)
    into f.in_second, f.in_minute
    from desk.broker_orders as o
    where o.trading_session_id = p_order.trading_session_id and o.counted_at > f.counted_at - interval '1 minute'
      and o.state <> 'refused';
    f.a_in_second := f.in_second;
    f.a_in_minute := f.in_minute;
  else
    select count(*) filter (where o.counted_at > f.counted_at - interval '1 second'), count(*),
           count(*) filter (where o.counted_at > f.counted_at - interval '1 second'
             and o.trading_session_id = p_order.trading_session_id),
           count(*) filter (where o.trading_session_id = p_order.trading_session_id)
    into f.a_in_second, f.a_in_minute, f.in_second, f.in_minute
    from desk.broker_orders as o
    where o.account_id = p_account_id and o.counted_at > f.counted_at - interval '1 minute' and o.state <> 'refused';
  end if;
  if exists (
      select from desk.broker_orders as o
      where o.account_id = p_account_id and o.is_open and o.symbol <> p_order.symbol
      union all
      select from desk.positions as h
      where h.account_id = p_account_id and h.quantity <> 0 and h.symbol <> p_order.symbol)
  then
    select coalesce(sum(greatest(abs(m.held), abs(m.highest), abs(m.lowest)) * m.price), 0),
           count(*) filter (where m.held <> 0 or m.highest <> 0 or m.lowest <> 0),
           coalesce(sum(greatest(abs(m.a_held), abs(m.a_highest), abs(m.a_lowest)) * m.price), 0),
           count(*) filter (where m.a_held <> 0 or m.a_highest <> 0 or m.a_lowest <> 0)
    into f.other_gross, f.other_positions, f.a_other_gross, f.a_other_positions
    from desk.reach(p_account_id, p_order.trading_session_id) as m
    where m.symbol <> p_order.symbol;
  end if;
  if f.account_limits ? 'max_orders_per_day' then
    select coalesce(sum(x.orders_today), 0) into f.a_orders_today
    from desk.session_ledgers as l
    join desk.session_ledgers as x on x.account_id = p_account_id and x.day = l.day
    where l.trading_session_id = p_order.trading_session_id;
  end if;
  return f;
end
$$;
comment on function desk.gate_facts(desk.broker_orders, bigint) is
  'What an order is judged by, of its session and account; counted_at of the order is the time of the day.';
