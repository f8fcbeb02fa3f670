-- Paper trading that the desk runs itself: how a session starts, what it is fed with, what its processes are told.

create or replace function desk.paper_account(p_name text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts;
begin
  select a.* into v_account from desk.accounts as a where a.name = p_name;
  if not found then
    perform desk.open_account(p_name);
  elsif v_account.kind <> 'paper' or v_account.broker <> 'desk' then
    perform desk.refuse(format('%s is a %s account at %s', p_name, v_account.kind, v_account.broker), '$.account',
      'The desk fills orders of paper accounts whose broker is desk.');
  end if;
  return p_name;
end
$$;
comment on function desk.paper_account(text) is
  'An account at the desk''s own paper broker, opened where there is none of the name: '
  'select paper_account(''PAPER'').';
grant execute on function desk.paper_account(text) to desk_director;

create or replace function desk.link_is_alive(p_account text)
returns boolean
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select exists (
    select from desk.account_links as l join desk.accounts as a on a.id = l.account_id
    where a.name = p_account
      and l.beat_at > clock_timestamp() - make_interval(secs => (desk.setting('beat_seconds') #>> '{}')::float8))
$$;
comment on function desk.link_is_alive(text) is
  'Whether the link of an account was heard of lately: select link_is_alive(''PAPER'').';
grant execute on function desk.link_is_alive(text) to desk_director, desk_viewer;

create or replace function desk.code_to_trade(p_strategy text, p_result_id bigint default null)
returns table (strategy text, entry_point text, code_hash text, files jsonb)
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_strategy desk.strategies;
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_strategy or s.code = p_strategy;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(p_strategy, 60))), '$.strategy',
      desk.did_you_mean(coalesce(p_strategy, ''), array(select s.name from desk.strategies as s)), '23503');
  elsif v_strategy.engine <> 'backtrader' then
    perform desk.refuse(format('%s is a LEAN project', v_strategy.name), '$.strategy',
      'Only strategies that run under Backtrader trade here; write it as one (docs/lean.md).', '22023');
  end if;
  return query
    select v_strategy.name, v_strategy.entry_point, c.code_hash, c.details -> 'files'
    from desk.code_versions as c
    where c.id = case when p_result_id is null then v_strategy.current_version_id
      else (select b.code_version_id from desk.backtest_results as b where b.id = p_result_id) end;
  if not found then
    perform desk.refuse(format('No code of %s is known%s', v_strategy.name,
      coalesce(' that made result ' || p_result_id, '')), '$.result',
      'Start from a result that a runner computed, or have a runner publish the strategy.', '23503');
  end if;
end
$$;
comment on function desk.code_to_trade(text, bigint) is
  'Files of the code that a session of a strategy would run: that of a result, else the newest. Refuses what cannot '
  'trade: select * from code_to_trade(''sma_crossover'').';
grant execute on function desk.code_to_trade(text, bigint) to desk_director;

create or replace function desk.check_paper_terms(
  p_account desk.accounts, p_symbols text[], p_timeframe text, p_result_id bigint)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_found record;
begin
  if p_timeframe ~ '[, ]' then
    perform desk.refuse(format('Got %s: a session has one timeframe', to_jsonb(left(p_timeframe, 60))), '$.timeframe',
      'A strategy that looks at a second one can make its bars itself, with consolidators.', '22023');
  end if;
  select r.timeframe into v_found from desk.backtest_results as b
  join desk.optimization_runs as r on r.id = b.optimization_run_id
  where b.id = p_result_id and r.timeframe <> p_timeframe;
  if found then
    perform desk.refuse(format('Result %s was made with bars of %s, not %s', p_result_id, v_found.timeframe,
      p_timeframe), '$.timeframe', format('Start it with %s.', v_found.timeframe), '22023');
  end if;
  select r.config -> 'resample' as longer into v_found from desk.backtest_results as b
  join desk.optimization_runs as r on r.id = b.optimization_run_id
  where b.id = p_result_id and jsonb_typeof(r.config -> 'resample') = 'array'
    and jsonb_array_length(r.config -> 'resample') > 0;
  if found then
    perform desk.refuse(format('Result %s was made with bars of %s, too, and a session has one timeframe', p_result_id,
      v_found.longer), '$.result', 'Start from a result without resample.', '22023');
  end if;
  select i.symbol, i.currency into v_found from desk.instruments as i
  where i.symbol = any (p_symbols) and i.currency <> p_account.currency order by i.symbol limit 1;
  if found then
    perform desk.refuse(format('%s is traded in %s, and the account %s is in %s', v_found.symbol, v_found.currency,
      p_account.name, p_account.currency), '$.symbols', 'Nothing here exchanges money.', '22023');
  end if;
  select i.symbol, case when i.margin is not null then 'a margin' when i.multiplier <> 1 then 'a multiplier'
      when i.tick is not null then 'a tick' else 'a lot' end as term into v_found
  from desk.instruments as i
  where i.symbol = any (p_symbols)
    and (i.margin is not null or i.multiplier <> 1 or i.tick is not null or i.lot is not null)
  order by i.symbol limit 1;
  if found then
    perform desk.refuse(format('%s has %s of its contract, which no account here heeds yet', v_found.symbol,
      v_found.term), '$.symbols', 'Name what is traded by the unit and paid in full.', '22023');
  end if;
  select s.symbol into v_found from unnest(p_symbols) with ordinality as s (symbol, place)
  left join desk.instruments as i on i.symbol = s.symbol
  where i.id is not null and (desk.latest_price_version(i.id, p_timeframe)).id is null order by s.place limit 1;
  if found then
    perform desk.refuse(format('There are no prices of %s in bars of %s', v_found.symbol, p_timeframe), '$.symbols',
      'Load some with backdesk load; see price_coverage.', '23503');
  end if;
end
$$;
comment on function desk.check_paper_terms(desk.accounts, text[], text, bigint) is
  'Refuses, by name, what no session here can trade: a second timeframe, another currency, a symbol without prices.';

create or replace function desk.start_paper_session(
  p_strategy text, p_account text, p_capital double precision, p_symbols text[], p_timeframe text, p_code_hash text,
  p_code_copy text, p_result_id bigint default null, p_parameters jsonb default null, p_first date default null,
  p_last date default null, p_warm_up_bars integer default null, p_speed double precision default 0,
  p_commission jsonb default null, p_slippage double precision default null, p_seed bigint default null,
  p_memory_mb double precision default 2048, p_seconds_per_step double precision default 60,
  p_on_dead_strategy text default 'hold', p_replay boolean default false, p_continues bigint default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts := desk.account_named(p_account);
  v_run     desk.optimization_runs;
  v_first   date := p_first;
  v_last    date := p_last;
  v_id      bigint;
  v_session desk.trading_sessions;
begin
  perform from desk.code_to_trade(p_strategy, p_result_id);
  perform desk.check_paper_terms(v_account, p_symbols, p_timeframe, p_result_id);
  select r.* into v_run from desk.backtest_results as b
  join desk.optimization_runs as r on r.id = b.optimization_run_id where b.id = p_result_id;
  v_id := desk.start_trading_session(p_strategy, p_account, p_capital, p_symbols, p_timeframe, p_parameters,
    coalesce(p_commission, v_run.config -> 'commission', '0.001'),
    coalesce(p_slippage, (v_run.config ->> 'slippage')::float8, 0), p_result_id,
    case when p_replay then 'stream' else 'wall' end, p_on_dead_strategy, p_continues => p_continues);
  select t.* into v_session from desk.trading_sessions as t where t.id = v_id;
  if v_session.code_hash <> p_code_hash then
    perform desk.refuse(format('The code of %s is %s now, not %s', p_strategy, left(v_session.code_hash, 12),
      left(p_code_hash, 12)), '$.code_hash', 'Start it again.', '55000');
  end if;
  if p_replay then
    select w.p_start, w.p_end into v_first, v_last
    from desk.checked_window(p_symbols, p_timeframe, p_first, p_last) as w;
  end if;
  insert into desk.session_feeds (trading_session_id, warm_up_bars, first_session, last_session, price_version_ids,
    speed, seed, risk_limits, memory_mb, seconds_per_step, code_copy)
  select v_id, coalesce(p_warm_up_bars, v_run.warm_up_bars, case when p_replay then 0 else 500 end),
    case when p_replay then v_first end, case when p_replay then v_last end,
    case when p_replay then array(
      select (desk.latest_price_version(i.id, p_timeframe)).id
      from unnest(p_symbols) with ordinality as s (symbol, place)
      join desk.instruments as i on i.symbol = s.symbol order by s.place) end,
    p_speed, coalesce(p_seed, v_run.seed, 0), case when p_result_id is not null
      then nullif(v_run.config -> 'risk_limits', 'null')
      else (select jsonb_object_agg(l.key, l.value) from jsonb_each(v_session.gate_limits -> 'session') as l
            join desk.risk_limit_definitions as d on d.name = l.key and 'strategy' = any (d.kept_by)) end,
    p_memory_mb, p_seconds_per_step, p_code_copy;
  update desk.strategies
  set status = 'paper', reason = format('session %s began on %s', v_id, p_account), updated_at = now()
  where id = v_session.strategy_id and status = 'validated';
  return v_id;
end
$$;
comment on function desk.start_paper_session(text, text, double precision, text[], text, text, text, bigint, jsonb,
  date, date, integer, double precision, jsonb, double precision, bigint, double precision, double precision, text,
  boolean, bigint) is
  'Starts a session that the desk runs itself, as backdesk live start and paper-replay do; a validated strategy moves '
  'to paper. A replay has a window of loaded bars, else bars are traded as they are loaded.';
grant execute on function desk.start_paper_session(text, text, double precision, text[], text, text, text, bigint,
  jsonb, date, date, integer, double precision, jsonb, double precision, bigint, double precision, double precision,
  text, boolean, bigint) to desk_director;

create or replace function desk.session_terms(p_session_id bigint)
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select jsonb_build_object(
    'trading_session_id', t.id, 'account', a.name, 'account_id', a.id, 'strategy', s.name,
    'entry_point', s.entry_point, 'parameters', t.parameters,
    'symbols', t.symbols, 'timeframe', t.timeframe, 'commission', case
      when jsonb_typeof(t.commission) = 'object' then t.commission
      else jsonb_build_object('percent', t.commission) end,
    'slippage', t.slippage, 'clock', t.clock, 'code_hash', t.code_hash, 'seed', f.seed, 'risk_limits', f.risk_limits,
    'memory_mb', f.memory_mb, 'seconds_per_step', f.seconds_per_step, 'code_copy', f.code_copy, 'speed', f.speed,
    'cash', t.cash, 'bar_seconds', extract(epoch from desk.bar_length(t.timeframe))::bigint,
    'begins', ceil(extract(epoch from case
      when f.first_session is null then t.created_at - desk.bar_length(t.timeframe)
      else (f.first_session + d.day_begins) at time zone d.zone end))::bigint,
    'session_days', case when t.timeframe !~ '(d|w|mo)$' then (
      select jsonb_agg(jsonb_build_array(x.zone, extract(epoch from x.day_begins)::integer) order by n.place)
      from unnest(t.symbols) with ordinality as n (symbol, place)
      join desk.instruments as j on j.symbol = n.symbol
      cross join lateral desk.instrument_day(j.id, t.timeframe) as x) end,
    'newest_row', desk.newest_row(t.id))
  from desk.trading_sessions as t
  join desk.session_feeds as f on f.trading_session_id = t.id
  join desk.accounts as a on a.id = t.account_id
  join desk.strategies as s on s.id = t.strategy_id
  join desk.instruments as i on i.symbol = t.symbols[1]
  cross join lateral desk.instrument_day(i.id, t.timeframe) as d
  where t.id = p_session_id
$$;
comment on function desk.session_terms(bigint) is
  'All that the processes of a session need to know of it; null of one that the desk does not run itself: '
  'select session_terms(1).';
grant execute on function desk.session_terms(bigint) to desk_director, desk_viewer, desk_trader, desk_link;

create or replace function desk.sessions_to_carry(p_account text, p_token uuid)
returns setof jsonb
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.check_link((desk.account_named(p_account)).id, p_token);
  return query
    select desk.session_terms(t.id) from desk.trading_sessions as t
    join desk.accounts as a on a.id = t.account_id
    join desk.session_feeds as f on f.trading_session_id = t.id
    where a.name = p_account and t.state = 'open'
    order by t.id;
end
$$;
comment on function desk.sessions_to_carry(text, uuid) is
  'Terms of the open sessions of an account that the desk''s own link feeds and fills.';
grant execute on function desk.sessions_to_carry(text, uuid) to desk_link;

create or replace function desk.session_bars(p_session_id bigint, p_token uuid, p_after bigint default null)
returns table (
  symbol text, epochs bigint[], open double precision[], high double precision[], low double precision[],
  close double precision[], volume double precision[])
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_session desk.trading_sessions;
  v_feed    desk.session_feeds;
  v_until   timestamptz;
begin
  select t.* into v_session from desk.trading_sessions as t where t.id = p_session_id;
  select f.* into v_feed from desk.session_feeds as f where f.trading_session_id = p_session_id;
  perform desk.check_link(v_session.account_id, p_token);
  -- A bar is known when it is over.
  v_until := case when v_feed.first_session is null
    then clock_timestamp() - desk.bar_length(v_session.timeframe) else 'infinity' end;
  return query
    select i.symbol, b.epochs, b.open, b.high, b.low, b.close, b.volume
    from unnest(v_session.symbols) with ordinality as n (symbol, place)
    join desk.instruments as i on i.symbol = n.symbol
    cross join lateral desk.instrument_day(i.id, v_session.timeframe) as d
    join desk.price_versions as v on v.id = coalesce(v_feed.price_version_ids[n.place],
      (desk.latest_price_version(i.id, v_session.timeframe)).id)
    cross join lateral (
      select case when p_after is not null then to_timestamp(p_after)::date - 1
        else coalesce(min(((w.bar_time at time zone d.zone) - d.day_begins)::date), v_feed.first_session, 'infinity')
        end as first
      from (
        select distinct b.bar_time from desk.bars as b
        where p_after is null and b.instrument_id = v.instrument_id and b.timeframe = v.timeframe
          and b.version <= v.version
          and b.bar_time < case when v_feed.first_session is null then v_until
            else (v_feed.first_session + d.day_begins) at time zone d.zone end
        order by b.bar_time desc limit v_feed.warm_up_bars) as w
    ) as begins
    cross join lateral (
      select coalesce(array_agg(extract(epoch from a.bar_time)::bigint order by a.bar_time), '{}') as epochs,
             coalesce(array_agg(a.open order by a.bar_time), '{}') as open,
             coalesce(array_agg(a.high order by a.bar_time), '{}') as high,
             coalesce(array_agg(a.low order by a.bar_time), '{}') as low,
             coalesce(array_agg(a.close order by a.bar_time), '{}') as close,
             coalesce(array_agg(a.volume order by a.bar_time), '{}') as volume
      from desk.adjusted_bars(v.instrument_id, v.timeframe, v.version, v.factors_version, begins.first,
        coalesce(v_feed.last_session, 'infinity'), d.zone, d.day_begins) as a
      where a.bar_time <= v_until and (p_after is null or a.bar_time > to_timestamp(p_after))
    ) as b
    order by n.place;
end
$$;
comment on function desk.session_bars(bigint, uuid, bigint) is
  'Adjusted bars for a session, a row a symbol: of a replay its whole window with the warm-up before it; else the '
  'warm-up and all that is over by now. With after (UTC seconds) only later ones.';
grant execute on function desk.session_bars(bigint, uuid, bigint) to desk_link;
