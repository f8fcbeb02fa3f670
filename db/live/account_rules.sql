-- Rules that limit entries beside figures: the exchange's hours, settled cash, day trades.

create or replace function desk.trading_day(p_at timestamptz, p_timeframe text, p_zone text)
returns date
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  -- A bar of a day or week is the date that it bears.
  return (p_at at time zone case when p_timeframe ~ '[dw]$' then 'UTC' else p_zone end)::date;
end
$$;
comment on function desk.trading_day(timestamptz, text, text) is 'Day to which a time of a session belongs.';

create or replace function desk.day_trades(p_account_id bigint, p_since date)
returns bigint
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_count bigint;
begin
  -- Back from what is held now, so that no earlier fill has to be read.
  with fills as (
    select e.trading_session_id, e.symbol, e.id, e.quantity, e.executed_at,
           desk.trading_day(e.executed_at, t.timeframe, t.zone) as day
    from desk.newest_executions as e
    join desk.trading_sessions as t on t.id = e.trading_session_id
    where e.account_id = p_account_id and e.executed_at >= p_since - interval '1 day'
  ),
  running as (
    select f.trading_session_id, f.symbol, f.day, f.quantity,
      coalesce(p.quantity, 0) - sum(f.quantity) over (
        partition by f.trading_session_id, f.symbol order by f.executed_at desc, f.id desc) as before,
      row_number() over (partition by f.trading_session_id, f.symbol order by f.executed_at, f.id) as place
    from fills as f
    left join desk.positions as p
      on p.account_id = p_account_id and p.trading_session_id = f.trading_session_id and p.symbol = f.symbol
  )
  select count(distinct (o.trading_session_id, o.symbol, o.day)) into v_count
  from running as o
  join running as c
    on c.trading_session_id = o.trading_session_id and c.symbol = o.symbol and c.day = o.day and c.place > o.place
  where o.day >= p_since and o.quantity * o.before >= 0 and c.quantity * c.before < 0;
  return v_count;
end
$$;
comment on function desk.day_trades(bigint, date) is
  'Symbols and days since a day on which a session of an account opened and closed something on one day.';

create or replace function desk.hours_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_hours boolean, p_minutes double precision)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_calendar text;
  v_at       timestamptz := clock_timestamp();
  v_always   boolean;
  v_close    timestamptz;
begin
  if p_session.clock = 'stream' then
    -- A replay decides at the end of its bars; those of days have no time.
    if p_session.timeframe ~ '[dw]$' then
      return null;
    end if;
    v_at := p_order.counted_at + desk.bar_length(p_session.timeframe);
  end if;
  select c.name, c.weekdays is not null and extract(isodow from v_at at time zone c.zone)::integer = any (c.weekdays)
  into v_calendar, v_always
  from desk.instruments as i join desk.calendars as c on c.name = i.calendar where i.symbol = p_order.symbol;
  if v_always then
    return null;
  end if;
  select c.close into v_close from desk.calendar_sessions as c
  where c.calendar = v_calendar and c.session between v_at::date - 2 and v_at::date + 2
    and c.open <= v_at and c.close > v_at
  order by c.session limit 1;
  if not found then
    if not p_hours then
      return null;
    end if;
    select c.open into v_close from desk.calendar_sessions as c
    where c.calendar = v_calendar and c.session >= v_at::date - 2 and c.open > v_at order by c.session limit 1;
    return desk.breach('exchange_hours', format('%s is closed%s', v_calendar,
      coalesce(' until ' || to_char(v_close at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC',
        ', and the desk knows no later session: load its calendar')));
  elsif v_at >= v_close - make_interval(secs => 60 * p_minutes) then
    return desk.breach('no_entry_minutes', format('%s closes in %s min; nothing is entered in the last %s', v_calendar,
      desk.figure(extract(epoch from v_close - v_at) / 60), p_minutes), extract(epoch from v_close - v_at) / 60,
      p_minutes);
  end if;
  return null;
end
$$;
comment on function desk.hours_breach(desk.broker_orders, desk.trading_sessions, boolean, double precision) is
  'Why nothing is entered at this time of the exchange''s day: closed, or soon to close, half days included.';

create or replace function desk.account_rule_breach(
  p_order desk.broker_orders, p_session desk.trading_sessions, p_ledger desk.session_ledgers, p_account desk.accounts,
  p_session_limits jsonb, p_account_limits jsonb)
returns desk.order_breach
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_price   double precision := coalesce(p_order.limit_price, p_order.stop_price, p_order.decision_price);
  v_settled double precision;
  v_trades  bigint;
  v_most    double precision := (p_account_limits ->> 'max_day_trades')::float8;
  v_breach  desk.order_breach;
begin
  if p_session_limits ?| '{exchange_hours,no_entry_minutes}'
    or p_account_limits ?| '{exchange_hours,no_entry_minutes}'
  then
    v_breach := desk.hours_breach(p_order, p_session,
      coalesce(greatest((p_session_limits ->> 'exchange_hours')::float8,
        (p_account_limits ->> 'exchange_hours')::float8), 0) = 1,
      greatest((p_session_limits ->> 'no_entry_minutes')::float8, (p_account_limits ->> 'no_entry_minutes')::float8));
    if v_breach.rule is not null then
      return v_breach;
    end if;
  end if;
  if p_session.flat_minutes is not null then
    v_breach := desk.hours_breach(p_order, p_session, false,
      p_session.flat_minutes + (desk.setting('flat_lead_minutes') #>> '{}')::float8);
    if v_breach.rule is not null then
      v_breach.rule := 'flat_by';
      v_breach.reason := format('%s: the session is flat %s min before the close', v_breach.reason,
        p_session.flat_minutes);
      return v_breach;
    end if;
  end if;
  if (p_account_limits ->> 'settled_cash_only')::float8 = 1 and p_order.quantity > 0 then
    select (select sum(l.cash) from desk.session_ledgers as l where l.account_id = p_account.id)
      - coalesce((
        select sum(-e.quantity * e.price)
        from desk.newest_executions as e
        join desk.trading_sessions as t on t.id = e.trading_session_id
        where e.account_id = p_account.id and e.quantity < 0 and e.executed_at > p_ledger.day - interval '1 day'
          and desk.trading_day(e.executed_at, t.timeframe, t.zone) = p_ledger.day), 0)
      - coalesce((
        select sum((o.quantity - o.filled) * coalesce(o.limit_price, o.stop_price, o.decision_price))
        from desk.broker_orders as o
        where o.account_id = p_account.id and o.is_open and o.quantity > 0), 0)
    into v_settled;
    if p_order.quantity * v_price > v_settled * (1 + 1e-9) then
      return desk.breach('account settled_cash_only', format('%s to pay, %s of settled cash in %s',
        desk.figure(p_order.quantity * v_price), desk.figure(v_settled), p_account.name), p_order.quantity * v_price,
        v_settled);
    end if;
  end if;
  if v_most is not null then
    -- Five sessions are a week where no calendar says more.
    v_trades := desk.day_trades(p_account.id, coalesce((
      select c.session from desk.calendar_sessions as c
      join desk.instruments as i on i.calendar = c.calendar
      where i.symbol = p_order.symbol and c.session <= p_ledger.day order by c.session desc offset 4 limit 1),
      p_ledger.day - 6));
    if v_trades >= v_most then
      return desk.breach('account max_day_trades', format('%s day trades of %s in five sessions: a position that is '
        'entered now could not be left today', v_trades, p_account.name), v_trades, v_most);
    end if;
  end if;
  return null;
end
$$;
comment on function desk.account_rule_breach(desk.broker_orders, desk.trading_sessions, desk.session_ledgers,
  desk.accounts, jsonb, jsonb) is
  'What the rules of an account forbid to enter: with money that has not settled, after too many day trades.';

create or replace function desk.result_account_rules(p_result_id bigint, p_day_trades integer default 3)
returns table (rule text, broken bigint, trades bigint)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with facts as (
    select t.place, t.size, t.entry_price, t.exit_price, t.profit - t.fee as gain, t.entered, t.left_at,
           desk.trading_day(t.entered, r.timeframe, c.zone) as entry_day,
           desk.trading_day(t.left_at, r.timeframe, c.zone) as exit_day, b.starting_cash
    from desk.backtest_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    join desk.trades as x on x.backtest_result_id = b.id
    cross join lateral unnest(x.symbols, x.entry_times, x.exit_times, x.sizes, x.entry_prices, x.exit_prices, x.profits,
      x.fees) with ordinality as t (symbol, entered, left_at, size, entry_price, exit_price, profit, fee, place)
    join desk.instruments as i on i.symbol = t.symbol
    join desk.calendars as c on c.name = i.calendar
    where b.id = p_result_id
  ),
  day_trades as (
    -- Days of a week are five sessions.
    select f.place, count(*) over (
        order by f.entry_day range between interval '6 days' preceding and current row
      ) - count(*) over (partition by f.entry_day)
      + row_number() over (partition by f.entry_day order by f.left_at, f.place) as nth
    from facts as f where f.entry_day = f.exit_day
  ),
  unsettled as (
    -- Cash without what was sold on the same day: what was gained on days before, less what is tied up.
    select f.place
    from facts as f
    where f.size > 0 and f.size * f.entry_price > f.starting_cash + coalesce((
      select sum(case when g.exit_day < f.entry_day then g.gain else -abs(g.size) * g.entry_price end)
      from facts as g
      where g.place <> f.place and (g.exit_day < f.entry_day or (g.entered, g.place) < (f.entered, f.place))), 0)
  )
  select r.rule, r.broken, (select count(*) from facts)
  from (values
    ('max_day_trades', (select count(*) from day_trades as d where d.nth > p_day_trades)),
    ('settled_cash_only', (select count(*) from unsettled))) as r (rule, broken)
  where exists (select from desk.trades as x where x.backtest_result_id = p_result_id)
$$;
comment on function desk.result_account_rules(bigint, integer) is
  'How many trades of a result a small account''s rules would have kept from it: day trades beyond so many in five '
  'sessions, and purchases with money that had not settled: select * from result_account_rules(1).';
grant execute on function desk.result_account_rules(bigint, integer) to desk_director, desk_viewer;
