-- Limits that the gate alone keeps, beside those of a RiskManager; what held when.

insert into desk.risk_limit_definitions (name, position, title, unit, highest, default_value, example, description,
  kept_by)
select l.name, l.position, l.title, l.unit, l.highest, null, l.example, l.description, l.kept_by::text[]
from (values
  ('max_order_shares', 21, 'Order size', 'count', 1e12::double precision, '1000', 'Units of an order.',
   '{session,account}'),
  ('max_order_value', 22, 'Order value', 'money', 1e12, '25000', 'Value of an order.', '{session,account}'),
  ('price_collar', 23, 'Price collar', 'fraction', 10, '0.05',
   'Distance of an order''s price from the newest one, as a part of it.', '{session,account}'),
  ('max_price_age', 24, 'Age of prices', 'seconds', 1e7, '180', 'Age of the newest price when an order is asked for.',
   '{session,account}'),
  ('max_gross_exposure', 25, 'Gross exposure', 'money', 1e12, '100000', 'All positions'' gross value.',
   '{session,account}'),
  ('max_orders_per_second', 26, 'Orders a second', 'count', 1e6, '5', 'Orders in any second.', '{session,account}'),
  ('max_orders_per_minute', 27, 'Orders a minute', 'count', 1e6, '30', 'Orders in any minute.', '{session,account}'),
  ('repetition_seconds', 28, 'Repetition', 'seconds', 1e6, '2', 'The same order is not taken again for so long.',
   '{session,account}'),
  ('no_entry_minutes', 29, 'No entries before the close', 'minutes', 1440, '10',
   'Minutes before the close in which nothing is entered.', '{session,account}'),
  ('exchange_hours', 30, 'Exchange hours', 'switch', 1, '1', '1 enters only while the exchange is open.',
   '{session,account}'),
  ('settled_cash_only', 31, 'Settled cash only', 'switch', 1, '1', '1 buys with settled cash only: sales of the day '
   'settle on the next.', '{account}'),
  ('max_day_trades', 32, 'Day trades', 'count', 1e6, '3',
   'Positions opened and closed on one day, in five sessions; at that many nothing is entered.', '{account}')
) as l (name, position, title, unit, highest, example, description, kept_by)
on conflict (name) do update
set position = excluded.position, title = excluded.title, unit = excluded.unit, highest = excluded.highest,
  example = excluded.example, description = excluded.description, kept_by = excluded.kept_by;

create or replace function desk.tg_risk_limits_changed()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and new is not distinct from old then
    return null;
  end if;
  if tg_op <> 'UPDATE' or new.threshold <> old.threshold then
    insert into desk.limit_changes (strategy_id, account_id, limit_name, threshold)
    select r.strategy_id, r.account_id, r.limit_name, case when tg_op <> 'DELETE' then r.threshold end
    from (select (case when tg_op = 'DELETE' then old else new end).*) as r;
  end if;
  -- The gate reads them beside the session. Held first, so that of two changes at once the later one sees both.
  perform from desk.trading_sessions as t where t.account_id is not null and t.state = 'open'
  order by t.id for no key update;
  update desk.trading_sessions as t
  set session_limits = g.session_limits, account_limits = g.account_limits
  from desk.trading_sessions as o
  cross join lateral desk.gate_limits(o.strategy_id, o.account_id) as g
  where o.id = t.id and t.account_id is not null and t.state = 'open'
    and (t.session_limits, t.account_limits) is distinct from (g.session_limits, g.account_limits);
  return null;
end
$$;
comment on function desk.tg_risk_limits_changed() is
  'Writes a row of limit_changes for each change of a limit, and what holds from then on beside the open sessions.';
create or replace trigger risk_limits_changed after insert or update or delete on desk.risk_limits
for each row execute function desk.tg_risk_limits_changed();

create or replace function desk.limits_of(p_session_id bigint, p_at timestamptz default null)
returns table (keeper text, limit_name text, threshold double precision, changed_by text, changed_at timestamptz)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select k.keeper, k.limit_name, k.threshold, k.changed_by, k.changed_at
  from (
    select distinct on (o.keeper, o.limit_name) o.*
    from (
      -- A strategy's own before those of all, as long as it has one.
      select distinct on (c.limit_name, c.strategy_id, c.account_id)
        case when c.account_id is null then 'session' else 'account' end as keeper,
        c.strategy_id is not null as own, c.*
      from desk.trading_sessions as t
      join desk.limit_changes as c
        on c.account_id = t.account_id
        or c.account_id is null and (c.strategy_id = t.strategy_id or c.strategy_id is null)
      where t.id = p_session_id and c.changed_at <= coalesce(p_at, 'infinity')
      order by c.limit_name, c.strategy_id, c.account_id, c.id desc
    ) as o
    where o.threshold is not null
    order by o.keeper, o.limit_name, o.own desc
  ) as k
  join desk.risk_limit_definitions as d on d.name = k.limit_name
  order by k.keeper desc, d.position
$$;
comment on function desk.limits_of(bigint, timestamptz) is
  'Limits that the gate keeps for a trading session and for its account, now or as they were: '
  'select * from limits_of(1).';
grant execute on function desk.limits_of(bigint, timestamptz) to desk_director, desk_viewer;

create or replace function desk.gate_limits(p_strategy_id bigint, p_account_id bigint)
returns table (session_limits jsonb, account_limits jsonb)
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return query
  select
    coalesce(jsonb_object_agg(l.limit_name, l.threshold order by l.strategy_id nulls first)
      filter (where l.account_id is null), '{}'),
    coalesce(jsonb_object_agg(l.limit_name, l.threshold) filter (where l.account_id is not null), '{}')
  from desk.risk_limits as l
  where l.account_id = p_account_id
     or l.account_id is null and (l.strategy_id = p_strategy_id or l.strategy_id is null);
end
$$;
comment on function desk.gate_limits(bigint, bigint) is
  'What holds now, by name: of a strategy''s sessions, its own rows before those of all, and of an account.';

grant select on desk.limit_changes to desk_director, desk_viewer;
