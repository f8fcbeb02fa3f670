-- What somebody has to look at, once as long as it lasts; and the levels that last as long as their cause.

insert into desk.settings (name, value, description)
values
  ('dead_seconds', '120',
   'A strategy that has not been heard of for so long is dead: its session holds or is flattened, as it says.'),
  ('runaway_refusals', '200',
   'A session that was refused so many orders of a minute for their rate may only reduce until a person looks.'),
  ('clock_seconds', '1', 'A link whose clock is off by more than that against the database enters nothing.')
on conflict (name) do update
set description = excluded.description;

insert into desk.level_rules (name, level, lasts, description)
values
  ('clock', 'reducing', 'cause', 'The clock of a link''s host is not the database''s.'),
  ('link', 'reducing', 'cause', 'A link was silent while something was open, until it is ready again.'),
  ('order rate', 'reducing', 'person', 'A strategy went on asking for more orders than it may.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.raise_alarm(
  p_kind text, p_severity text, p_matter text, p_message text, p_account_id bigint, p_session_id bigint default null,
  p_symbol text default null)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  -- Found again within a minute it is not written again.
  insert into desk.live_alarms as a (kind, severity, matter, message, account_id, trading_session_id, symbol)
  values (p_kind, p_severity, p_matter, p_message, p_account_id, p_session_id, p_symbol)
  on conflict (matter) where settled_at is null do update
  set times = a.times + 1, last_at = clock_timestamp(), severity = excluded.severity, message = excluded.message
  where a.last_at < clock_timestamp() - interval '1 minute' or a.severity <> excluded.severity
$$;
comment on function desk.raise_alarm(text, text, text, text, bigint, bigint, text) is
  'Writes an alarm, or that its matter is still there.';

create or replace function desk.lift_level(p_rule text, p_account_id bigint, p_why text)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  update desk.halts as h set lifted_at = clock_timestamp(), lifted_by = session_user, lifted_why = p_why
  where h.lifted_at is null and h.rule = p_rule and h.account_id = p_account_id and h.lasts = 'cause'
$$;
comment on function desk.lift_level(text, bigint, text) is 'Lifts what a rule set whose cause is over.';

create or replace function desk.watch_order_rate(p_order desk.broker_orders)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_most    double precision := desk.setting('runaway_refusals') #>> '{}';
  v_refused double precision := (
    select sum(o.times_refused) from desk.broker_orders as o
    where o.trading_session_id = p_order.trading_session_id and o.state = 'refused'
      and o.counted_at > p_order.counted_at - interval '1 minute' and o.rule like '%max\_orders\_per\_%');
begin
  if v_refused >= v_most then
    perform desk.set_level('order rate', p_order.account_id, p_order.trading_session_id,
      format('Session %s was refused %s orders of a minute for their rate', p_order.trading_session_id, v_refused),
      v_refused, v_most);
  end if;
end
$$;
comment on function desk.watch_order_rate(desk.broker_orders) is
  'Reduces a session that goes on asking for more orders than it may, counted when a refusal gets a row of its own.';

create or replace function desk.watch_clock(p_account desk.accounts, p_clock timestamptz)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_off  double precision := abs(extract(epoch from p_clock - clock_timestamp()));
  v_most double precision := desk.setting('clock_seconds') #>> '{}';
begin
  if v_off > v_most then
    perform desk.set_level('clock', p_account.id, null, format('The clock of %s''s link is off by %s s', p_account.name,
      desk.figure(v_off)), v_off, v_most);
  elsif v_off <= v_most then
    perform desk.lift_level('clock', p_account.id, 'the clock is right again');
  end if;
end
$$;
comment on function desk.watch_clock(desk.accounts, timestamptz) is
  'Sets the level of an account whose link has another time than the database, and lifts it.';

create or replace function desk.has_something_open(p_account_id bigint)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  select exists (
    select from desk.broker_orders as o where o.account_id = p_account_id and o.is_open
    union all
    select from desk.positions as p where p.account_id = p_account_id and p.quantity <> 0)
$$;
comment on function desk.has_something_open(bigint) is 'Whether an account has open orders or positions.';

create or replace function desk.watch_live(p_at timestamptz default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_at      timestamptz := coalesce(p_at, clock_timestamp());
  v_silence interval := make_interval(secs => (desk.setting('beat_seconds') #>> '{}')::float8);
  v_dead    interval := make_interval(secs => (desk.setting('dead_seconds') #>> '{}')::float8);
  f         record;
begin
  for f in
    select a.id, a.name, k.beat_at, (k.beat_at > v_at - v_silence) is true as alive
    from desk.accounts as a left join desk.account_links as k on k.account_id = a.id
  loop
    if f.alive or not desk.has_something_open(f.id) then
      update desk.live_alarms as l set settled_at = v_at where l.matter = 'link ' || f.id and l.settled_at is null;
    else
      perform desk.raise_alarm('link', 'critical', 'link ' || f.id, format('The link of %s %s, and something is open: '
        'start it, or close there in the broker''s own program', f.name,
        coalesce('was last heard of at ' || to_char(f.beat_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
          'never began')), f.id);
      perform desk.set_level('link', f.id, null, format('The link of %s is silent', f.name),
        extract(epoch from v_at - f.beat_at), extract(epoch from v_silence));
    end if;
  end loop;
  for f in
    select t.id, t.account_id, s.name, t.on_dead_strategy, p.beat_at, p.beat_at > v_at - v_dead as alive
    from desk.trading_sessions as t
    join desk.strategies as s on s.id = t.strategy_id
    join desk.session_processes as p on p.trading_session_id = t.id
    where t.state = 'open' and t.account_id is not null and t.clock = 'wall'
  loop
    if f.alive then
      update desk.live_alarms as l set settled_at = v_at where l.matter = 'strategy ' || f.id and l.settled_at is null;
    else
      perform desk.raise_alarm('strategy', 'critical', 'strategy ' || f.id, format('%s of session %s was last heard of '
        'at %s UTC: it %s', f.name, f.id, to_char(f.beat_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
        case f.on_dead_strategy when 'flatten' then 'is flattened' else 'holds what it has' end), f.account_id, f.id);
    end if;
  end loop;
  for f in
    select d.*, t.account_id, p.quantity, a.name
    from desk.trading_sessions as t
    join desk.accounts as a on a.id = t.account_id
    cross join lateral desk.flat_deadlines(t.id, v_at) as d
    left join desk.positions as p on p.trading_session_id = t.id and p.symbol = d.symbol and p.quantity <> 0
    where t.state = 'open' and t.clock = 'wall' and t.flat_minutes is not null
  loop
    if f.quantity is null and v_at < f.closes_at then
      update desk.live_alarms as l set settled_at = v_at
      where l.settled_at is null and l.kind = 'flat_by' and l.trading_session_id = f.trading_session_id
        and l.symbol = f.symbol;
    elsif f.quantity is not null and v_at >= f.flat_at + least(interval '2 minutes', (f.closes_at - f.flat_at) / 2) then
      perform desk.raise_alarm('flat_by', case when v_at >= f.closes_at then 'critical' else 'warning' end,
        format('flat_by %s %s %s', f.trading_session_id, f.symbol, f.closes_at),
        format('Session %s on %s holds %s %s: it had to be flat at %s, %s closes at %s UTC', f.trading_session_id,
          f.name, f.quantity, f.symbol, to_char(f.flat_at at time zone 'UTC', 'HH24:MI'), f.calendar,
          to_char(f.closes_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')),
        f.account_id, f.trading_session_id, f.symbol);
    end if;
  end loop;
  return (select count(*) from desk.live_alarms as l where l.settled_at is null);
end
$$;
comment on function desk.watch_live(timestamptz) is
  'Looks for silent links, dead strategies and sessions that are not flat by their time, writes alarms and settles '
  'those that are over; answers how many are open: select watch_live(); select * from live_alarms.';
grant execute on function desk.watch_live(timestamptz) to desk_director, desk_trader, desk_link;
grant select on desk.live_alarms to desk_director, desk_viewer;
