-- Trading sessions on an account: how one starts and ends, and who runs it now.

create or replace function desk.check_account_limits(p_account desk.accounts)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_missing text[];
begin
  select array_agg(n.name order by n.place) into v_missing
  from unnest(array['max_daily_loss', 'max_leverage', 'max_orders_per_minute']) with ordinality as n (name, place)
  where not exists (
    select from desk.risk_limits as l
    where l.account_id = p_account.id and l.limit_name = n.name
      or l.account_id = p_account.id and n.name = 'max_orders_per_minute' and l.limit_name = 'max_orders_per_second');
  if v_missing is not null then
    perform desk.refuse(
      format('The account %s has no limit %s', p_account.name, array_to_string(v_missing, ', ')), '$.account',
      format('insert into risk_limits (account_id, limit_name, threshold) values %s;',
        (select string_agg(format('(%s, %L, %s)', p_account.id, d.name, d.example), ', ' order by d.position)
         from desk.risk_limit_definitions as d where d.name = any (v_missing))), '23514');
  end if;
end
$$;
comment on function desk.check_account_limits(desk.accounts) is
  'Refuses an account without a limit of loss, leverage and order rate, with the statement that sets them.';

create or replace function desk.start_trading_session(
  p_strategy text, p_account text, p_capital double precision, p_symbols text[], p_timeframe text,
  p_parameters jsonb default null, p_commission jsonb default '0.001', p_slippage double precision default 0,
  p_result_id bigint default null, p_clock text default 'wall', p_on_dead_strategy text default 'hold',
  p_zone text default 'America/New_York', p_continues bigint default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account    desk.accounts := desk.account_named(p_account);
  v_strategy   desk.strategies;
  v_parameters jsonb := p_parameters;
  v_hash       text;
  v_unknown    text;
  v_old        desk.session_ledgers;
  v_capital    double precision := p_capital;
  v_cash       double precision := p_capital;
  v_id         bigint;
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_strategy or s.code = p_strategy;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(p_strategy, 60))), '$.strategy',
      desk.did_you_mean(coalesce(p_strategy, ''), array(select s.name from desk.strategies as s)), '23503');
  elsif v_strategy.status not in ('validated', 'paper', 'live') then
    perform desk.refuse(format('%s is %s', v_strategy.name, v_strategy.status), '$.strategy',
      'Only what was validated trades. See the page of the strategy for what is missing.');
  elsif cardinality(p_symbols) > 0 is not true then
    perform desk.refuse('A session needs symbols', '$.symbols', 'Name at least one, such as ''{SPY}''.');
  elsif p_timeframe !~ '^[1-9][0-9]*(m|h|d|w)$' is not false then
    perform desk.refuse(format('Got %s as timeframe', to_jsonb(left(p_timeframe, 60))), '$.timeframe',
      'Such as 1m or 1d.');
  elsif not exists (select from pg_catalog.pg_timezone_names as z where z.name = p_zone) then
    perform desk.refuse(format('Unknown time zone %s', to_jsonb(left(p_zone, 60))), '$.zone',
      'Such as America/New_York.');
  elsif p_result_id is not null and not exists (
    select from desk.backtest_results as b where b.id = p_result_id and b.strategy_id = v_strategy.id)
  then
    perform desk.refuse(format('Result %s is none of %s', p_result_id, v_strategy.name), '$.result', 'See board.',
      '23503');
  end if;
  select k.key into v_unknown
  from unnest('{margin,cash_flows,resample}'::text[]) as k (key)
  join desk.backtest_results as b on b.id = p_result_id
  join desk.optimization_runs as r on r.id = b.optimization_run_id and r.config -> k.key is distinct from 'null'
    and r.config ? k.key
  limit 1;
  if found then
    perform desk.refuse(format('Result %s was made with %s, which no account here heeds yet', p_result_id, v_unknown),
      '$.result', format('Start from a result without %s.', v_unknown), '22023');
  end if;
  select s.symbol into v_unknown from unnest(p_symbols) as s (symbol)
  where not exists (select from desk.instruments as i where i.symbol = s.symbol) limit 1;
  if found then
    perform desk.refuse(format('Unknown symbol %s', to_jsonb(left(v_unknown, 60))), '$.symbols',
      desk.did_you_mean(v_unknown, array(select i.symbol from desk.instruments as i)), '23503');
  end if;
  select t.symbol into v_unknown
  from jsonb_each(desk.contract_terms(p_symbols)) as t (symbol, terms) where t.terms ?| '{margin,lot}' limit 1;
  if found then
    perform desk.refuse(format('%s has a margin or a lot, which no account here heeds yet', v_unknown), '$.symbols',
      'Trade what is paid in full, by whole units.', '22023');
  end if;
  perform desk.check_account_limits(v_account);

  -- Paper runs the code of the result it comes from; a live account the code that was approved for it.
  if p_result_id is not null then
    select coalesce(b.parameters, '{}') into v_parameters from desk.backtest_results as b
    where b.id = p_result_id and p_parameters is null;
    v_parameters := coalesce(v_parameters, p_parameters);
  end if;
  v_hash := case
    when v_account.kind = 'live' then (
      select a.code_hash from desk.approvals as a
      where a.strategy_id = v_strategy.id and a.account_id = v_account.id order by a.id desc limit 1)
    when p_result_id is not null then (
      select c.code_hash from desk.backtest_results as b
      join desk.code_versions as c on c.id = b.code_version_id where b.id = p_result_id)
    else (
      select c.code_hash from desk.code_versions as c where c.id = v_strategy.current_version_id) end;
  if v_hash is null then
    perform desk.refuse(format('No code of %s may trade on %s', v_strategy.name, v_account.name), '$.strategy',
      case v_account.kind when 'live'
        then format('select approve_strategy(%L, %L, ''why'');', v_strategy.name, v_account.name)
        else 'The result has no code version; start from one that a runner computed.' end);
  end if;

  perform desk.refuse_fault((
    select c.id from desk.code_versions as c where c.strategy_id = v_strategy.id and c.code_hash = v_hash));

  -- A limit that is being changed is waited for, one that comes later finds the session.
  lock table desk.risk_limits in share mode;
  perform from desk.accounts as a where a.id = v_account.id for no key update;
  if p_continues is not null then
    select l.* into v_old from desk.session_ledgers as l
    join desk.trading_sessions as t on t.id = l.trading_session_id
    where l.trading_session_id = p_continues and l.account_id = v_account.id and t.strategy_id = v_strategy.id
      and t.state = 'open';
    if not found then
      perform desk.refuse(format('Session %s is no open one of %s on %s', p_continues, v_strategy.name, v_account.name),
        '$.continues', 'See live_sessions.', '23503');
    elsif exists (select from desk.broker_orders as o where o.trading_session_id = p_continues and o.is_open) then
      perform desk.refuse(format('Session %s has open orders', p_continues), '$.continues',
        'Cancel them and wait until the broker has answered.');
    elsif exists (select from desk.positions as p
      where p.trading_session_id = p_continues and p.quantity <> 0 and p.symbol <> all (p_symbols))
    then
      perform desk.refuse(format('Session %s holds other symbols', p_continues), '$.symbols',
        'Name all that it holds.');
    end if;
    v_capital := v_old.value;
    v_cash := v_old.cash;
  end if;
  insert into desk.trading_sessions (kind, strategy_id, account_id, backtest_result_id, parameters, symbols, timeframe,
    capital, cash, commission, slippage, code_hash, clock, zone, on_dead_strategy, continues, code_version_id,
    gate_limits, session_limits, account_limits, started_by)
  select v_account.kind, v_strategy.id, v_account.id, p_result_id, coalesce(v_parameters, '{}'), p_symbols, p_timeframe,
    v_capital, v_cash, p_commission, p_slippage, v_hash, p_clock, p_zone, p_on_dead_strategy, p_continues,
    (select c.id from desk.code_versions as c where c.strategy_id = v_strategy.id and c.code_hash = v_hash),
    jsonb_build_object('session', l.session_limits, 'account', l.account_limits), l.session_limits, l.account_limits,
    session_user
  from desk.gate_limits(v_strategy.id, v_account.id) as l
  returning id into v_id;
  if p_continues is null then
    insert into desk.session_ledgers (trading_session_id, account_id, cash, value, bar_value, day_start, peak)
    values (v_id, v_account.id, v_cash, v_capital, v_capital, v_capital, v_capital);
    update desk.account_ledgers
    set value = value + v_capital, day_start = day_start + v_capital, peak = peak + v_capital
    where account_id = v_account.id;
  else
    insert into desk.session_ledgers (trading_session_id, account_id, cash, value, bar_value, day, day_start, peak,
      orders_today, newest_bar, older_bar, priced_at)
    select v_id, account_id, cash, value, bar_value, day, day_start, peak, orders_today, newest_bar, older_bar,
      priced_at
    from desk.session_ledgers where trading_session_id = p_continues;
    update desk.positions set trading_session_id = v_id where trading_session_id = p_continues;
    insert into desk.session_prices (trading_session_id, symbol, account_id, price, bar_time, arrived_at)
    select v_id, symbol, account_id, price, bar_time, arrived_at
    from desk.session_prices where trading_session_id = p_continues and symbol = any (p_symbols);
    insert into desk.cash_movements (account_id, trading_session_id, kind, amount, cash_after)
    values (v_account.id, p_continues, 'returned', -v_cash, 0);
    update desk.session_ledgers set cash = 0, value = 0, bar_value = 0 where trading_session_id = p_continues;
    update desk.trading_sessions set state = 'finished', ended_at = clock_timestamp() where id = p_continues;
  end if;
  insert into desk.cash_movements (account_id, trading_session_id, kind, amount, cash_after)
  values (v_account.id, v_id, 'capital', v_cash, v_cash);
  return v_id;
end
$$;
comment on function desk.start_trading_session(text, text, double precision, text[], text, jsonb, jsonb,
  double precision, bigint, text, text, text, bigint) is
  'Starts a trading session with capital of its own: select start_trading_session(''sma_crossover'', ''PAPER1'', '
  '10000, ''{SPY}'', ''1d''). With a result it takes its parameters and its code; continues takes over another''s cash '
  'and positions.';
grant execute on function desk.start_trading_session(text, text, double precision, text[], text, jsonb, jsonb,
  double precision, bigint, text, text, text, bigint) to desk_director;

create or replace function desk.end_trading_session(p_session_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_ledger desk.session_ledgers;
begin
  select l.* into v_ledger from desk.session_ledgers as l
  join desk.trading_sessions as t on t.id = l.trading_session_id
  where l.trading_session_id = p_session_id and t.state = 'open';
  if not found then
    perform desk.refuse(format('There is no open session %s', coalesce(p_session_id::text, 'null')), '$.session',
      'See live_sessions.', '23503');
  end if;
  perform from desk.accounts as a where a.id = v_ledger.account_id for no key update;
  if not exists (select from desk.trading_sessions as t where t.id = p_session_id and t.state = 'open') then
    return format('Session %s has ended', p_session_id);
  end if;
  select l.* into v_ledger from desk.session_ledgers as l where l.trading_session_id = p_session_id;
  if exists (select from desk.broker_orders as o where o.trading_session_id = p_session_id and o.is_open)
    or exists (select from desk.positions as p where p.trading_session_id = p_session_id and p.quantity <> 0)
  then
    perform desk.refuse(format('Session %s has open orders or positions', p_session_id), '$.session',
      'Close them, or start a session that continues it.');
  end if;
  insert into desk.cash_movements (account_id, trading_session_id, kind, amount, cash_after)
  values (v_ledger.account_id, p_session_id, 'returned', -v_ledger.cash, 0);
  update desk.account_ledgers
  set value = value - v_ledger.value, day_start = day_start - v_ledger.value, peak = peak - v_ledger.value
  where account_id = v_ledger.account_id;
  update desk.session_ledgers set cash = 0, value = 0, bar_value = 0 where trading_session_id = p_session_id;
  update desk.trading_sessions set state = 'finished', ended_at = clock_timestamp() where id = p_session_id;
  return format('Session %s ended with %s', p_session_id, v_ledger.cash);
end
$$;
comment on function desk.end_trading_session(bigint) is
  'Ends a trading session that has no order and no position any more: select end_trading_session(1).';
grant execute on function desk.end_trading_session(bigint) to desk_director;
