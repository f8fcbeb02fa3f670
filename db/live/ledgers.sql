-- What a session is worth, bar by bar; losses that set a level.

create or replace function desk.session_value(p_session_id bigint, p_cash double precision)
returns double precision
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return p_cash + coalesce((
    select sum(p.quantity * coalesce(q.price, p.average_price) order by p.symbol)
    from desk.positions as p
    left join desk.session_prices as q on q.trading_session_id = p.trading_session_id and q.symbol = p.symbol
    where p.trading_session_id = p_session_id and p.quantity <> 0), 0);
end
$$;
comment on function desk.session_value(bigint, double precision) is 'Cash and positions at the newest prices.';

create or replace function desk.watch_losses(
  p_account_id bigint, p_session_id bigint, p_limits jsonb, p_value double precision, p_day_start double precision,
  p_peak double precision, p_day date)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_whose text := case when p_session_id is null then 'account' else 'session' end;
  v_loss  record;
begin
  for v_loss in
    select w.name, w.what, desk.share(w.start - p_value, w.start) as part, (p_limits ->> w.name)::float8 as threshold,
      coalesce((p_limits ->> w.switch)::float8, 0) = 1 as flatten
    from (values
      ('max_drawdown', 'Drawdown', p_peak, 'flatten_on_drawdown'),
      ('max_daily_loss', 'Daily loss', p_day_start, 'flatten_on_daily_loss')) as w (name, what, start, switch)
    where p_limits ? w.name
  loop
    if v_loss.part >= v_loss.threshold - 1e-12 then
      perform desk.set_level(v_whose || ' ' || v_loss.name, p_account_id, p_session_id,
        format('%s: %s %% >= %s %%; only what reduces', v_loss.what, desk.figure(100 * v_loss.part),
          desk.figure(100 * v_loss.threshold)), v_loss.part, v_loss.threshold, v_loss.flatten, p_day);
    end if;
  end loop;
end
$$;
comment on function desk.watch_losses(
  bigint, bigint, jsonb, double precision, double precision, double precision, date) is
  'Sets the level of a session, or of an account, whose loss reaches its limit; flatten as the limit''s switch says.';

create or replace function desk.record_prices(
  p_session_id bigint, p_token uuid, p_bar_time timestamptz, p_symbols text[], p_prices double precision[])
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_session desk.trading_sessions;
  v_before  desk.session_ledgers;
  v_ledger  desk.session_ledgers;
  v_account desk.account_ledgers;
  v_day     date;
begin
  select t.* into v_session from desk.trading_sessions as t
  where t.id = p_session_id and t.account_id is not null and t.state = 'open';
  if not found then
    perform desk.refuse(format('There is no open session %s', coalesce(p_session_id::text, 'null')), '$.session',
      'See live_sessions.', '23503');
  elsif cardinality(p_symbols) is distinct from cardinality(p_prices) then
    perform desk.refuse('As many prices as symbols are needed', '$.prices', 'A price a symbol, in the same order.');
  end if;
  perform from desk.accounts as a where a.id = v_session.account_id for no key update;
  perform desk.check_link(v_session.account_id, p_token);
  select l.* into v_before from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  if p_bar_time < v_before.newest_bar then
    return 'old';
  end if;
  v_day := desk.trading_day(p_bar_time, v_session.timeframe, v_session.zone);
  if v_day > v_before.day is not false then
    update desk.session_ledgers
    set day = v_day, day_start = v_before.bar_value, orders_today = 0
    where trading_session_id = p_session_id and day is distinct from v_day;
  end if;
  select a.* into v_account from desk.account_ledgers as a where a.account_id = v_session.account_id;
  if v_day > v_account.day is not false then
    update desk.account_ledgers
    set day = v_day, day_start = (
      select coalesce(sum(l.bar_value), 0) from desk.session_ledgers as l where l.account_id = v_session.account_id)
    where account_id = v_session.account_id;
  end if;
  -- Where everything was to be closed, a new day is not enough.
  update desk.halts as h
  set lifted_at = clock_timestamp(), lifted_by = session_user, lifted_why = 'a new day'
  where h.lifted_at is null and h.lasts = 'day' and h.set_day < v_day and h.account_id = v_session.account_id
    and (h.trading_session_id is null or h.trading_session_id = p_session_id)
    and (h.flatten is not true or not exists (
        select from desk.positions as p
        where p.account_id = h.account_id and p.quantity <> 0 and p.trading_session_id is not null
          and (h.trading_session_id is null or p.trading_session_id = h.trading_session_id)
        union all
        select from desk.broker_orders as o
        where o.account_id = h.account_id and o.is_open
          and (h.trading_session_id is null or o.trading_session_id = h.trading_session_id)));

  insert into desk.session_prices as q (trading_session_id, symbol, account_id, price, bar_time)
  select p_session_id, n.symbol, v_session.account_id, n.price, p_bar_time
  from unnest(p_symbols, p_prices) as n (symbol, price)
  on conflict (trading_session_id, symbol) do update
  set price = excluded.price, bar_time = excluded.bar_time, arrived_at = clock_timestamp();
  update desk.session_ledgers as l
  set value = desk.session_value(p_session_id, l.cash), bar_value = desk.session_value(p_session_id, l.cash),
      peak = greatest(l.peak, desk.session_value(p_session_id, l.cash)),
      older_bar = case when p_bar_time > l.newest_bar then l.newest_bar else l.older_bar end,
      newest_bar = p_bar_time, priced_at = clock_timestamp()
  where l.trading_session_id = p_session_id
  returning l.* into v_ledger;
  update desk.account_ledgers as a
  set value = a.value + (v_ledger.value - v_before.value),
      peak = greatest(a.peak, a.value + (v_ledger.value - v_before.value))
  where a.account_id = v_session.account_id
  returning a.* into v_account;

  select t.* into v_session from desk.trading_sessions as t where t.id = p_session_id;
  perform desk.watch_losses(v_session.account_id, p_session_id, v_session.session_limits, v_ledger.value,
    v_ledger.day_start, v_ledger.peak, v_day);
  perform desk.watch_losses(v_session.account_id, null, v_session.account_limits, v_account.value, v_account.day_start,
    v_account.peak, v_day);
  return desk.level_of(v_session.account_id, p_session_id);
end
$$;
comment on function desk.record_prices(bigint, uuid, timestamptz, text[], double precision[]) is
  'Closes of a bar, in the order of its symbols: values the session, begins its days, and watches its losses and its '
  'account''s. Answers the level, or old: a newer bar was there already.';
grant execute on function desk.record_prices(bigint, uuid, timestamptz, text[], double precision[]) to desk_link;

create or replace function desk.record_account_value(
  p_account text, p_token uuid, p_name text, p_as_stated text, p_currency text, p_stated_at timestamptz)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
begin
  perform desk.check_link(v_account_id, p_token);
  if p_as_stated = (
    select v.as_stated from desk.account_values as v
    where v.account_id = v_account_id and v.name = p_name and v.currency is not distinct from p_currency
    order by v.id desc limit 1)
  then
    return 'known';
  end if;
  insert into desk.account_values (account_id, name, value, as_stated, currency, stated_at)
  values (v_account_id, p_name,
    case when p_as_stated ~ '^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$' then p_as_stated::float8 end, p_as_stated,
    p_currency, p_stated_at);
  return 'recorded';
end
$$;
comment on function desk.record_account_value(text, uuid, text, text, text, timestamptz) is
  'What the broker says of an account, where it says something new.';
grant execute on function desk.record_account_value(text, uuid, text, text, text, timestamptz) to desk_link;

grant select on desk.session_ledgers, desk.account_ledgers, desk.session_prices, desk.account_values
to desk_director, desk_viewer;
