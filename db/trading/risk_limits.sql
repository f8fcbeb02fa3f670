-- Risk limits: each once, with its unit and its highest threshold, and what refuses a threshold that is a slip.

insert into desk.risk_limit_definitions (name, position, title, unit, highest, default_value, example, description,
  kept_by)
select l.*, array['strategy', 'session', 'account']
from (values
  ('max_daily_loss', 1, 'Daily loss', 'fraction', 1::double precision, 0.02::double precision, '0.02',
   'Loss of a day, of the value at its begin, that ends its entries.'),
  ('max_drawdown', 2, 'Drawdown', 'fraction', 1, 0.20, '0.20', 'Fall from the highest value that ends all entries.'),
  ('max_leverage', 3, 'Leverage', 'ratio', 100, 1, '1', 'All positions'' gross value over the portfolio''s.'),
  ('max_concentration', 4, 'Concentration', 'fraction', 10, 0.25, '0.25',
   'A position''s share of the portfolio, at any time; above 1 only with leverage.'),
  ('max_position_pct', 5, 'Position share', 'fraction', 10, null, '0.25',
   'A position''s share of the portfolio when an order is sent; above 1 only with leverage.'),
  ('max_position_value', 6, 'Position value', 'money', 1e12, null, '50000', 'A position''s value.'),
  ('max_position_shares', 7, 'Position shares', 'count', 1e12, null, '100',
   'A position''s shares, pending orders included.'),
  ('max_positions', 8, 'Positions', 'count', 1e6, 20, '20', 'Positions at a time.'),
  ('max_orders_per_day', 9, 'Orders a day', 'count', 1e6, 100, '100', 'Orders a day.'),
  ('flatten_on_daily_loss', 10, 'Flatten on daily loss', 'switch', 1, 0, '0', '1 closes all positions at that loss.'),
  ('flatten_on_drawdown', 11, 'Flatten on drawdown', 'switch', 1, 1, '1', '1 closes all positions at that fall.')
) as l
on conflict (name) do update
set position = excluded.position, title = excluded.title, unit = excluded.unit, highest = excluded.highest,
  default_value = excluded.default_value, example = excluded.example, description = excluded.description,
  kept_by = excluded.kept_by;

drop function if exists desk.check_risk_limit(text, double precision, text);
create or replace function desk.check_risk_limit(
  p_name text, p_threshold double precision, p_path text, p_keeper text default 'strategy')
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_limit desk.risk_limit_definitions;
begin
  select d.* into v_limit from desk.risk_limit_definitions as d where d.name = p_name;
  if not found or p_keeper <> all (v_limit.kept_by) then
    perform desk.refuse(
      format(case when v_limit.name is null then 'Unknown risk limit %s' else 'No %2$s keeps the limit %1$s' end,
        to_jsonb(left(p_name, 60)), p_keeper), p_path,
      desk.did_you_mean(p_name, array(select d.name from desk.risk_limit_definitions as d
        where p_keeper = any (d.kept_by))), '23503');
  end if;
  perform desk.check_range(p_threshold::numeric, 0, v_limit.highest::numeric, v_limit.unit, p_name, p_path);
end
$$;
comment on function desk.check_risk_limit(text, double precision, text, text) is
  'Refuses a limit that is unknown or that this keeper (strategy, session, account) does not keep, and a threshold '
  'that is negative or above the highest that makes sense.';

create or replace function desk.tg_risk_limits_check()
returns trigger
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  -- A row of a strategy is for its RiskManager and for the gate: what either of them keeps.
  perform desk.check_risk_limit(new.limit_name, new.threshold, '$.' || new.limit_name,
    case when new.account_id is null then 'session' else 'account' end);
  return new;
end
$$;
comment on function desk.tg_risk_limits_check() is 'Refuses a row of risk_limits whose name or threshold is wrong.';
create or replace trigger risk_limits_check before insert or update on desk.risk_limits
for each row execute function desk.tg_risk_limits_check();

create or replace function desk.risk_limits_of(p_strategy_id bigint)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select jsonb_object_agg(l.limit_name, l.threshold order by l.strategy_id nulls first)
  from desk.risk_limits as l
  join desk.risk_limit_definitions as d on d.name = l.limit_name and 'strategy' = any (d.kept_by)
  where l.account_id is null and (l.strategy_id = p_strategy_id or l.strategy_id is null)
$$;
comment on function desk.risk_limits_of(bigint) is
  'Limits that the RiskManager of a strategy keeps, its own before those of all; null where there are none.';

grant select on desk.risk_limits, desk.risk_limit_definitions to desk_director, desk_viewer;
grant insert (strategy_id, account_id, limit_name, threshold), update (threshold), delete on desk.risk_limits
to desk_director;
