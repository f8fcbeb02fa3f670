-- What a trading session was worth, day by day: kept as its bars are priced.

create or replace function desk.tg_session_ledgers_day()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  -- One that continues another begins its day with what it took over: the day's profit until then is the other's.
  v_start double precision := case when tg_op = 'INSERT' then new.bar_value else new.day_start end;
begin
  insert into desk.session_days as d (trading_session_id, day, start_value, end_value, low_value, high_value,
    first_bar, last_bar)
  values (new.trading_session_id, new.day, v_start, new.bar_value, least(v_start, new.bar_value),
    greatest(v_start, new.bar_value), new.newest_bar, new.newest_bar)
  on conflict (trading_session_id, day) do update
  set end_value = excluded.end_value, low_value = least(d.low_value, excluded.end_value),
      high_value = greatest(d.high_value, excluded.end_value), last_bar = excluded.last_bar;
  return null;
end
$$;
comment on function desk.tg_session_ledgers_day() is 'Keeps the row of session_days of the day that was priced.';
create or replace trigger session_ledgers_begun after insert on desk.session_ledgers
for each row when (new.day is not null) execute function desk.tg_session_ledgers_day();
create or replace trigger session_ledgers_priced after update on desk.session_ledgers
for each row when (new.priced_at is distinct from old.priced_at) execute function desk.tg_session_ledgers_day();

grant execute on function desk.trading_day(timestamptz, text, text) to desk_director, desk_viewer, desk_dbt;
grant select on desk.session_days to desk_director, desk_viewer, desk_dbt;
grant select on desk.accounts, desk.trading_sessions, desk.broker_orders, desk.newest_executions, desk.halts,
  desk.risk_events, desk.order_types to desk_dbt;
