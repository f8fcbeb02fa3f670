-- The desk's settings: rows the director may change, kept when this file is applied again.

insert into desk.settings (name, value, description)
values
  ('default_criteria', '{"min_trades": 100, "max_fee_pct": 0.30, "min_total_return": 0}',
   'Criteria of a run whose config names none: eight trades prove nothing, fees kill small accounts, a loss is none.'),
  ('least_sessions', '252', 'Sessions of a passed result at the least, for its strategy to count as passed.'),
  ('time_zone', '"UTC"', 'Time zone in which daily_summary counts days.'),
  ('lease_seconds', '60', 'A runner that has not been heard of for so long is taken for dead.'),
  ('max_attempts', '3', 'Attempts at a point whose own process is killed, before it counts as failed.'),
  ('max_lost_attempts', '6', 'Attempts at a point whose runner is lost with it, which is seldom the point''s doing.'),
  ('retry_seconds', '5', 'Backoff before the second attempt; doubled for each further one.'),
  ('item_seconds', '2', 'The work in one item at the most, in seconds; the last items of a run are smaller.'),
  ('max_item_points', '64', 'Points in one item at the most.'),
  ('max_bulk_item_points', '50000', 'Points in one item of a bulk run at the most.'),
  ('waiting_items', '200', 'Work items waiting in a run at the most.'),
  ('pilot_points', '5', 'Points that run first when nothing is known of a strategy''s fees; 0 lets such a job run '
                        'unguarded.'),
  ('max_combinations', '100000000', 'Points in a search at the most.'),
  ('max_linked_combinations', '1000000', 'Tuples of parameters that a constraint links, at the most.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.setting(p_name text)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select value from desk.settings where name = p_name
$$;
comment on function desk.setting(text) is 'Value of a setting of the desk.';

create or replace function desk.tg_settings_check()
returns trigger
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  if jsonb_typeof(new.value) <> jsonb_typeof(old.value) then
    perform desk.refuse(format('Got %s for the setting %s', new.value, new.name), '$.' || new.name,
      format('It is of the kind of %s.', old.value));
  elsif jsonb_typeof(new.value) = 'number' and (new.value #>> '{}')::numeric < 0 then
    perform desk.refuse(format('%s cannot be %s', new.name, new.value), '$.' || new.name, 'Use 0 or more.');
  elsif new.name = 'time_zone' and not exists (
    select from pg_catalog.pg_timezone_names as z where z.name = new.value #>> '{}')
  then
    perform desk.refuse(format('Unknown time zone %s', new.value), '$.time_zone',
      'Such as "America/New_York"; see pg_timezone_names.');
  elsif new.name = 'default_criteria' then
    perform desk.checked_criteria(new.value, '$.default_criteria');
  end if;
  return new;
end
$$;
comment on function desk.tg_settings_check() is
  'Refuses a setting''s value that is of another kind, negative, or unknown.';
create or replace trigger settings_check before update of value on desk.settings
for each row execute function desk.tg_settings_check();
