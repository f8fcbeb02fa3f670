-- Levels: active, reducing, halted. A halt is a row that is inserted and lifted, and waits for nobody.

insert into desk.level_rules (name, level, lasts, description)
values
  ('session max_daily_loss', 'reducing', 'day', 'A session lost its limit since the begin of its day.'),
  ('session max_drawdown', 'reducing', 'person', 'A session fell by its limit from its highest value.'),
  ('account max_daily_loss', 'reducing', 'day', 'The sessions of an account together lost its limit on a day.'),
  ('account max_drawdown', 'reducing', 'person', 'The sessions of an account together fell by its limit.'),
  ('ledger', 'halted', 'person', 'The cash that a broker states after a fill is not the ledger''s.'),
  ('overfill', 'halted', 'person', 'More was filled than was ordered.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.level_of(p_account_id bigint, p_session_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  return coalesce(
    (select case when bool_or(h.level = 'halted') then 'halted' else 'reducing' end
     from desk.halts as h
     where h.lifted_at is null and (h.account_id is null or h.account_id = p_account_id)
       and (h.trading_session_id is null or h.trading_session_id = p_session_id)
     having count(*) > 0),
    'active');
end
$$;
comment on function desk.level_of(bigint, bigint) is
  'Level of a session, or of an account by itself: active, reducing (only what reduces) or halted (only cancels and '
  'the desk''s own flattening). Volatile, so that a gate that waited for its lock sees what was set meanwhile.';

create or replace function desk.level_of_session(p_session_id bigint)
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select desk.level_of(t.account_id, t.id) from desk.trading_sessions as t where t.id = p_session_id
$$;
comment on function desk.level_of_session(bigint) is 'Level of a trading session: select level_of_session(1).';
grant execute on function desk.level_of_session(bigint) to desk_director, desk_viewer, desk_trader, desk_link;

create or replace function desk.set_level(
  p_rule text, p_account_id bigint, p_session_id bigint, p_reason text, p_observed double precision,
  p_threshold double precision, p_flatten boolean default false, p_day date default null)
returns boolean
language sql volatile
set search_path = desk, pg_temp
as $$
  -- Once, until it is lifted.
  with made as (
    insert into desk.halts (account_id, trading_session_id, level, rule, reason, observed, threshold, flatten, lasts,
      set_day)
    select p_account_id, p_session_id, r.level, r.name, p_reason, p_observed, p_threshold, p_flatten, r.lasts, p_day
    from desk.level_rules as r
    where r.name = p_rule and not exists (
      select from desk.halts as h
      where h.lifted_at is null and h.rule = p_rule and h.account_id = p_account_id
        and h.trading_session_id is not distinct from p_session_id)
    returning 1
  )
  select exists (select from made)
$$;
comment on function desk.set_level(text, bigint, bigint, text, double precision, double precision, boolean, date) is
  'Sets the level that a row of level_rules says; false where it is set already.';

create or replace function desk.emergency_stop(
  p_reason text, p_account text default null, p_flatten boolean default null, p_exits text default 'keep')
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts;
  v_halt    bigint;
  v_before  bigint;
  v_silent  text;
  v_alive   text;
  v_silence interval := make_interval(secs => (desk.setting('beat_seconds') #>> '{}')::float8);
  v_still   text;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A stop needs a reason', '$.reason', 'select emergency_stop(''what happened'');');
  end if;
  if p_account is not null then
    v_account := desk.account_named(p_account);
  end if;
  select max(h.id) into v_before from desk.halts as h
  where h.lifted_at is null and h.rule = 'emergency_stop' and h.account_id is not distinct from v_account.id
    and h.trading_session_id is null;
  -- A second one is a row, too: it may ask for more, and somebody wanted it written down.
  insert into desk.halts (account_id, level, rule, reason, flatten, exits)
  values (v_account.id, 'halted', 'emergency_stop', p_reason, p_flatten, p_exits)
  returning id into v_halt;

  select string_agg(a.name, ', ' order by a.name) filter (where not s.alive),
         string_agg(format(' The link of %s is alive: it cancels %s.', a.name, case
           when s.flattens then 'everything and closes what the desk''s sessions hold'
           when p_exits = 'cancel' then 'everything' else 'what could add exposure' end), '' order by a.name)
           filter (where s.alive)
  into v_silent, v_alive
  from desk.accounts as a
  left join desk.account_links as l on l.account_id = a.id
  cross join lateral (
    select (l.beat_at > clock_timestamp() - v_silence) is true as alive,
           coalesce(p_flatten, a.flatten_on_stop) as flattens
  ) as s
  where (v_account.id is null or a.id = v_account.id)
    and exists (select from desk.broker_orders as o where o.account_id = a.id and o.is_open
      union all select from desk.positions as p where p.account_id = a.id and p.quantity <> 0);
  select string_agg(s.line, '; ' order by s.line) into v_still
  from (
    select format('%s: %s open %s', a.name, count(*), case count(*) when 1 then 'order' else 'orders' end) as line
    from desk.broker_orders as o join desk.accounts as a on a.id = o.account_id
    where o.is_open and (v_account.id is null or a.id = v_account.id) group by a.name
    union all
    select format('%s: %s %s%s', a.name, p.quantity, p.symbol, case
      when x.units is null then ' without a resting exit'
      when x.units < abs(p.quantity) then ' with a resting exit of ' || x.units || ' only' else '' end)
    from desk.positions as p
    join desk.accounts as a on a.id = p.account_id
    cross join lateral (
      -- What has not left is cancelled, and of several exits one may cancel the others.
      select max(abs(o.quantity) - o.filled) as units from desk.broker_orders as o
      where o.account_id = p.account_id and o.trading_session_id = p.trading_session_id and o.symbol = p.symbol
        and o.is_open and o.state <> 'allowed' and o.cancel_asked_at is null and p_exits = 'keep'
        and sign(o.quantity) = -sign(p.quantity)
    ) as x
    where p.quantity <> 0 and (v_account.id is null or a.id = v_account.id)
  ) as s;
  return format('HALTED%s (halt %s%s): no order is allowed from now on. %s.%s',
    coalesce(' ' || v_account.name, ''), v_halt, coalesce(', beside halt ' || v_before, ''),
    coalesce('Still open: ' || v_still, 'Nothing is open'),
    coalesce(v_alive, '') || coalesce(' No link is alive for ' || v_silent
      || ': cancel and close there in the broker''s own program, or start the link.', ''));
end
$$;
comment on function desk.emergency_stop(text, text, boolean, text) is
  'Stops all trading, or that of an account: select emergency_stop(''what happened''). From the next statement on no '
  'order is allowed; what was allowed and not sent is cancelled. It waits for no lock. flatten asks for positions to '
  'be closed; exits keep or cancel says what becomes of resting exits.';
grant execute on function desk.emergency_stop(text, text, boolean, text) to desk_director;

create or replace function desk.account_meant(p_account text, p_session_id bigint, p_open boolean)
returns bigint
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_account_id bigint;
begin
  if p_session_id is null then
    return case when p_account is not null then (desk.account_named(p_account)).id end;
  end if;
  select t.account_id into v_account_id from desk.trading_sessions as t
  where t.id = p_session_id and t.account_id is not null and (t.state = 'open' or not p_open);
  if not found then
    perform desk.refuse(format('There is no %ssession %s on an account', case when p_open then 'open ' else '' end,
      p_session_id), '$.session', 'See live_sessions.', '23503');
  end if;
  return v_account_id;
end
$$;
comment on function desk.account_meant(text, bigint, boolean) is
  'The account of a session, an open one where that is asked for, else the one that is named; null is all.';

create or replace function desk.resume_trading(
  p_reason text, p_account text default null, p_session_id bigint default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account_id bigint;
  v_lifted     text;
  v_left       text;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('Trading resumes with a reason', '$.reason', 'select resume_trading(''what was found'');');
  end if;
  v_account_id := desk.account_meant(p_account, p_session_id, false);
  select format('%s of %s: %s here, %s at the broker', d.kind, concat_ws(' ', a.name, d.symbol),
    coalesce(d.ours::text, 'nothing'), coalesce(d.theirs::text, 'nothing'))
  into v_left
  from desk.reconcile_differences as d
  join desk.accounts as a on a.id = d.account_id
  where d.ended_at is null and d.confirmed_at is not null and d.account_id = coalesce(v_account_id, d.account_id)
  order by d.id limit 1;
  if found then
    perform desk.refuse(format('The desk and its broker differ: %s', v_left), '$.account',
      'See open_differences. What is known at last ends by itself; the rest: select accept_position(account, symbol, '
      '''what was found'');', '55000');
  end if;
  if not desk.is_seconded('resume', concat_ws(' session ', coalesce(p_account, 'all'), p_session_id), p_reason) then
    return format('Asked for by %s. Nothing is lifted before another login says the same, within an hour.',
      session_user);
  end if;
  -- Falls are counted anew from here.
  if v_account_id is not null then
    perform from desk.accounts as a where a.id = v_account_id for no key update;
    if p_session_id is null then
      update desk.account_ledgers set peak = value where account_id = v_account_id;
    else
      update desk.session_ledgers set peak = value where trading_session_id = p_session_id;
    end if;
  end if;
  with lifted as (
    update desk.halts as h
    set lifted_at = clock_timestamp(), lifted_by = session_user, lifted_why = p_reason
    where h.lifted_at is null and h.account_id is not distinct from v_account_id
      and h.trading_session_id is not distinct from p_session_id
    returning h.id, h.rule
  )
  select string_agg(format('%s (%s)', l.id, l.rule), ', ' order by l.id) into v_lifted from lifted as l;
  select string_agg(format('%s (%s%s)', h.id, h.rule, coalesce(' of session ' || h.trading_session_id,
    ' of account ' || (select a.name from desk.accounts as a where a.id = h.account_id), '')), ', ' order by h.id)
  into v_left
  from desk.halts as h
  where h.lifted_at is null and (v_account_id is null or h.account_id is null or h.account_id = v_account_id);
  return format('%s.%s', coalesce('Lifted: ' || v_lifted, 'Nothing to lift'),
    coalesce(' Still set: ' || v_left || '.', ''));
end
$$;
comment on function desk.resume_trading(text, text, bigint) is
  'Lifts the halts of everything, of an account or of a session, as it is named: select resume_trading(''checked'', '
  '''PAPER1''). Falls of what is named are counted anew. Answers what stays set. Refused while the desk and its broker '
  'differ.';
grant execute on function desk.resume_trading(text, text, bigint) to desk_director;

grant select on desk.halts, desk.level_rules to desk_director, desk_viewer;
