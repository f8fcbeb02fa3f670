-- The desk's own closing: what has to be flat now, and the orders and cancels that make it so.

insert into desk.settings (name, value, description)
values
  ('closing_again_seconds', '5', 'So long after a closing order that came to nothing the next one is asked for.'),
  ('flat_lead_minutes', '5', 'So long before a session has to be flat nothing is entered any more.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.flat_deadlines(p_session_id bigint, p_at timestamptz)
returns table (trading_session_id bigint, symbol text, calendar text, flat_at timestamptz, closes_at timestamptz)
language sql stable
set search_path = desk, pg_temp
as $$
  select t.id, i.symbol, c.name, s.close - make_interval(secs => 60 * t.flat_minutes), s.close
  from desk.trading_sessions as t
  join desk.instruments as i on i.symbol = any (t.symbols)
  join desk.calendars as c on c.name = i.calendar
  cross join lateral (
    select x.close from desk.calendar_sessions as x
    where x.calendar = c.name and x.open <= p_at and x.session > p_at::date - 7 order by x.session desc limit 1) as s
  where t.id = p_session_id and c.weekdays is null and t.flat_minutes is not null
$$;
comment on function desk.flat_deadlines(bigint, timestamptz) is
  'When a session has to be flat, and its exchange closes, in the newest session of each symbol''s calendar that has '
  'begun. Markets that never close have none.';

create or replace function desk.closings_due(p_account_id bigint, p_at timestamptz)
returns table (trading_session_id bigint, symbol text, why text)
language sql stable
set search_path = desk, pg_temp
as $$
  with something as (
    select p.trading_session_id, p.symbol from desk.positions as p
    where p.account_id = p_account_id and p.quantity <> 0 and p.trading_session_id is not null
    union
    select o.trading_session_id, o.symbol from desk.broker_orders as o where o.account_id = p_account_id and o.is_open
  )
  select s.trading_session_id, s.symbol, coalesce(
    (select 'stopped: ' || h.reason from desk.halts as h
     where h.lifted_at is null and (h.account_id is null or h.account_id = p_account_id)
       and (h.trading_session_id is null or h.trading_session_id = s.trading_session_id)
       and coalesce(h.flatten, h.rule = 'emergency_stop' and a.flatten_on_stop)
       -- Its own losses a strategy closes by itself, as in a backtest.
       and (h.rule not like 'session max%' or not v.lives)
     order by h.id desc limit 1),
    (select 'flat before the close' from desk.flat_deadlines(s.trading_session_id, p_at) as d
     where d.symbol = s.symbol and t.clock = 'wall' and p_at >= d.flat_at and p_at < d.closes_at),
    case when t.on_dead_strategy = 'flatten' and not v.lives then 'its strategy is dead' end)
  from something as s
  join desk.trading_sessions as t on t.id = s.trading_session_id and t.state = 'open'
  join desk.accounts as a on a.id = p_account_id
  left join desk.session_processes as p on p.trading_session_id = t.id
  cross join lateral (
    select t.clock <> 'wall' or (p.beat_at < p_at - make_interval(
      secs => (desk.setting('dead_seconds') #>> '{}')::float8)) is not true as lives) as v
$$;
comment on function desk.closings_due(bigint, timestamptz) is
  'Sessions and symbols that hold or ask for something, and why they have to be flat at a moment; without a why they '
  'need not: a halt that flattens, their time before the close, a dead strategy whose session says flatten.';

create or replace function desk.close_what_is_due(p_account_id bigint, p_at timestamptz)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_again   interval := make_interval(secs => (desk.setting('closing_again_seconds') #>> '{}')::float8);
  v_done    bigint := 0;
  v_order   bigint;
  v_reach   record;
  v_units   double precision;
  d         record;
  o         desk.broker_orders;
begin
  perform from desk.accounts as a where a.id = p_account_id for no key update;
  for d in
    select c.* from desk.closings_due(p_account_id, p_at) as c where c.why is not null order by c.trading_session_id,
      c.symbol
  loop
    -- Resting exits go, too: with them on their way a closing order might turn the position round.
    for v_order in
      select b.id from desk.broker_orders as b
      where b.account_id = p_account_id and b.is_open and b.trading_session_id = d.trading_session_id
        and b.symbol = d.symbol and b.intent <> 'flatten' and b.cancel_asked_at is null order by b.id
    loop
      perform desk.cancel_order(v_order, 'desk', d.why);
      update desk.broker_orders as b set cancelled_by = 'desk' where b.id = v_order and b.state <> 'cancelled';
      v_done := v_done + 1;
    end loop;
    select m.* into v_reach from desk.reach(p_account_id, d.trading_session_id) as m where m.symbol = d.symbol;
    -- What is surely left, whatever of all that is on its way is filled.
    v_units := case when v_reach.held > 0 then greatest(v_reach.lowest, 0) else least(v_reach.highest, 0) end;
    continue when coalesce(v_units, 0) = 0 or exists (
      select from desk.broker_orders as b
      where b.trading_session_id = d.trading_session_id and b.symbol = d.symbol and b.intent = 'flatten'
        and b.state in ('refused', 'rejected', 'cancelled', 'never_sent')
        and b.changed_at > clock_timestamp() - v_again);
    o := null;
    o.trading_session_id := d.trading_session_id;
    o.key := 'close:' || 1 + (select count(*) from desk.broker_orders as b
      where b.trading_session_id = d.trading_session_id and b.intent = 'flatten');
    o.symbol := d.symbol;
    o.quantity := -v_units;
    o.type := 'market';
    o.time_in_force := 'day';
    o.intent := 'flatten';
    o.tag := left(d.why, 200);
    o := (desk.judge_orders(array[o], null))[1];
    v_done := v_done + 1;
    if o.state = 'refused' then
      perform desk.raise_alarm('closing', 'critical', format('closing %s %s', d.trading_session_id, d.symbol),
        format('Session %s cannot close its %s: %s', d.trading_session_id, d.symbol, o.reason), p_account_id,
        d.trading_session_id, d.symbol);
    end if;
  end loop;
  return v_done;
end
$$;
comment on function desk.close_what_is_due(bigint, timestamptz) is
  'Cancels what sessions that have to be flat still ask for, and asks for what closes the rest: never more than is '
  'surely held, so that called however often, beside the strategy''s own closing, nothing is turned round.';

create or replace function desk.close_before_sending(p_account_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if exists (select from desk.closings_due(p_account_id, clock_timestamp()) as c where c.why is not null) then
    perform desk.close_what_is_due(p_account_id, clock_timestamp());
  end if;
exception when lock_not_available then
  -- Somebody holds the gate: cancels go out all the same, and the link asks again in a moment.
  null;
end
$$;
comment on function desk.close_before_sending(bigint) is
  'What take_orders() does first: closes what is due, unless somebody holds the gate.';
