-- What has to be done now and then, and by one runner only.

insert into desk.settings (name, value, description)
values
  ('transaction_limit', '"15 minutes"',
    'A transaction open for longer is an event, because nothing behind it can be cleaned up.')
on conflict (name) do update
set description = excluded.description;

insert into desk.chores (name, every, description)
values
  ('queue recurring jobs', '5 seconds', 'Queues the recurring jobs that are due.'),
  ('watch transactions', '1 minute',
    'Writes an event when a transaction has been open for longer than transaction_limit.'),
  ('refresh luck', '1 minute', 'Deflates earlier runs by trials that were made since and could not be counted in yet.'),
  ('prune', '10 minutes', 'Deletes what is too old, so many rows at a time.')
on conflict (name) do update
set every = excluded.every, description = excluded.description;

create or replace function desk.oldest_transaction()
returns table (pid integer, role text, application text, state text, started_at timestamptz, age interval)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select a.pid, a.usename::text, a.application_name, a.state, a.xact_start,
    date_trunc('second', clock_timestamp() - a.xact_start)
  from pg_catalog.pg_stat_activity as a
  where a.datname = current_database() and a.backend_type = 'client backend'
    and a.pid <> pg_backend_pid() and a.xact_start is not null
  order by a.xact_start
  limit 1
$$;
comment on function desk.oldest_transaction() is
  'The session whose transaction has been open for longest, besides one''s own; no row when there is none that the '
  'owner may see.';
grant execute on function desk.oldest_transaction() to desk_director, desk_viewer, desk_dbt;

create or replace function desk.watch_transactions()
returns integer
language sql volatile
set search_path = desk, pg_temp
as $$
  -- Once for each transaction, however often it is seen.
  with noted as (
    insert into desk.job_events (event, details)
    select 'alert', jsonb_build_object('what', 'long transaction', 'pid', t.pid, 'role', t.role, 'application',
      t.application,
      'state', t.state, 'started_at', t.started_at, 'age', t.age)
    from desk.oldest_transaction() as t
    where t.age > (desk.setting('transaction_limit') #>> '{}')::interval
      and not exists (
        select from desk.job_events as e
        where e.happened_at > t.started_at and e.event = 'alert'
          and e.details @> jsonb_build_object('pid', t.pid, 'started_at', t.started_at))
    returning 1
  )
  select count(*)::integer from noted
$$;
comment on function desk.watch_transactions() is
  'Writes an event about a transaction that has been open for too long; answers how many.';

create or replace function desk.do_chore(p_name text)
returns bigint
language sql volatile
set search_path = desk, pg_temp
as $$
  select case p_name
    when 'queue recurring jobs' then desk.queue_recurring()
    when 'watch transactions' then desk.watch_transactions()
    when 'refresh luck' then desk.refresh_luck()
    when 'prune' then (select sum(p.removed)::bigint from desk.prune() as p)
  end::bigint
$$;
comment on function desk.do_chore(text) is 'Does one chore.';

create or replace function desk.do_chores()
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_name  text;
  v_error text;
  v_count integer := 0;
begin
  for v_name in
    select c.name from desk.chores as c where c.next_at <= now() order by c.next_at, c.name for update skip locked
  loop
    v_error := null;
    begin
      perform desk.do_chore(v_name);
    exception when others then
      -- One chore that fails must not keep a runner from its work, nor the others from being done.
      v_error := sqlerrm;
    end;
    update desk.chores set next_at = clock_timestamp() + every, last_error = v_error where name = v_name;
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function desk.do_chores() is
  'Does what is due; called by every runner now and then. What another runner is at is left to it.';
grant execute on function desk.do_chores() to desk_runner;

create or replace function desk.host_is_alive(p_host text)
returns boolean
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select exists (select from desk.alive_runners() as r where r.host = p_host)
$$;
comment on function desk.host_is_alive(text) is
  'True when a runner on a host has been heard of within a lease; for health checks.';
grant execute on function desk.host_is_alive(text) to desk_runner;

-- A runner carries out load_prices, so it may do what that needs; a load adds versions and changes none.
grant execute on function desk.load_instrument(text, text, text, text, text, text, boolean, text, text,
  double precision, double precision, double precision, double precision) to desk_runner;
grant execute on function desk.load_bars(text, text, text, timestamptz[], double precision[], double precision[],
  double precision[], double precision[], double precision[], date[], text[], double precision[], boolean, boolean)
  to desk_runner;
grant execute on function desk.series_gaps(bigint, text, integer) to desk_runner;

grant select on desk.chores to desk_director, desk_viewer;
