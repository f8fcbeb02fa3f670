-- Roles, schemas and what PUBLIC may do. Run by `backdesk up` before the migrations, as the login that
-- installs the desk; that login needs CREATEROLE and CREATE on the database, nothing more.
-- Every statement may be repeated. On the embedded server the desk_* roles become logins with a password;
-- on a server of the user's they stay roles which that login takes on.
--
-- Whoever sends this is stronger than every role of the desk, so nothing of theirs may be on its path: an operator in
-- `analytics` that fits better than pg_catalog's would be called with the installing login's rights.

set local search_path = pg_catalog, pg_temp;

do $$
declare
  v_role text;
  v_member boolean;
begin
  foreach v_role in array array[
    'desk_owner', 'desk_director', 'desk_importer', 'desk_runner', 'desk_trader', 'desk_link', 'desk_dbt', 'desk_viewer'
  ] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute format('create role %I nologin', v_role);
      exception
        -- Another database of the same server is being set up at this moment.
        when duplicate_object or unique_violation then null;
      end;
    end if;

    -- Who creates a role may administer it but not become it (16 and later), or is no member at all (15).
    if current_setting('server_version_num')::int >= 160000 then
      execute 'select pg_has_role($1, ''set'') and pg_has_role($1, ''usage'')' into v_member using v_role;
    else
      v_member := pg_has_role(v_role, 'usage');
    end if;
    if not v_member then
      execute format('grant %I to current_user', v_role);
    end if;
  end loop;
end
$$;

create schema if not exists desk authorization desk_owner;
create schema if not exists analytics authorization desk_dbt;
create schema if not exists marts authorization desk_owner;

do $$
declare
  v_database text := current_database();
begin
  if pg_has_role((select datdba from pg_catalog.pg_database where datname = v_database), 'usage') then
    execute format('revoke all on database %I from public', v_database);
    execute format('alter database %I set search_path = desk, marts', v_database);
    execute 'revoke all on schema public from public';
    execute format(
      'grant connect on database %I'
      ' to desk_owner, desk_director, desk_importer, desk_runner, desk_trader, desk_link, desk_dbt, desk_viewer',
      v_database
    );
    execute format('grant temporary on database %I to desk_owner, desk_dbt', v_database);
  else
    -- Somebody else's database: the setting for our own login serves the roles that it takes on.
    execute format('alter role current_user in database %I set search_path = desk, marts', v_database);
  end if;
end
$$;

-- What a session of each role begins with. A role may change its own settings (and its password), which PostgreSQL lets
-- nobody forbid: what is not in this list is taken back, here and from the logins that `backdesk login` has made. Only
-- where it differs, because two databases set up at once would collide on the role's row.
do $$
declare
  v_row record;
begin
  for v_row in
    with wanted (role_name, setting) as (
      values
        ('desk_director', 'idle_in_transaction_session_timeout=10min'),
        ('desk_importer', 'idle_in_transaction_session_timeout=10min'),
        ('desk_runner', 'idle_in_transaction_session_timeout=5min'),
        -- Whoever sits in a transaction could hold up the orders of an account.
        ('desk_trader', 'idle_in_transaction_session_timeout=5s'),
        ('desk_trader', 'lock_timeout=5s'),
        ('desk_link', 'idle_in_transaction_session_timeout=5s'),
        ('desk_link', 'lock_timeout=5s'),
        ('desk_dbt', 'idle_in_transaction_session_timeout=5min'),
        ('desk_dbt', 'lock_timeout=5s'),
        ('desk_viewer', 'idle_in_transaction_session_timeout=60s'),
        ('desk_viewer', 'statement_timeout=60s'),
        ('desk_viewer', 'default_transaction_read_only=on')
    ),
    ours as (
      select r.oid, r.rolname::text as role_name
      from pg_catalog.pg_roles as r
      where r.rolname in ('desk_owner', 'desk_director', 'desk_importer', 'desk_runner', 'desk_trader', 'desk_link',
          'desk_dbt', 'desk_viewer')
         or shobj_description(r.oid, 'pg_authid') = 'made by backdesk login'
    ),
    found as (
      select o.role_name, d.datname::text as database_name, c.setting
      from ours as o
      join pg_catalog.pg_db_role_setting as s on s.setrole = o.oid
      left join pg_catalog.pg_database as d on d.oid = s.setdatabase
      cross join unnest(s.setconfig) as c (setting)
      where s.setdatabase = 0 or d.datname = current_database()
    )
    select
      coalesce(w.role_name, f.role_name) as role_name,
      coalesce(' in database ' || quote_ident(f.database_name), '') as place,
      split_part(coalesce(w.setting, f.setting), '=', 1) as name,
      split_part(w.setting, '=', 2) as value
    from wanted as w
    full join found as f
      on f.role_name = w.role_name and f.database_name is null and f.setting = w.setting
    where w.setting is null or f.setting is null
    -- What is taken back comes first, since it may be another value of what is wanted.
    order by w.setting is not null
  loop
    begin
      if v_row.value is null then
        execute format('alter role %I%s reset %I', v_row.role_name, v_row.place, v_row.name);
      else
        execute format('alter role %I set %I = %L', v_row.role_name, v_row.name, v_row.value);
      end if;
    exception
      -- Somebody stronger than the installing login has set this one, or made the role.
      when insufficient_privilege then
        raise warning 'the setting % of % stays as it is: %', v_row.name, v_row.role_name, sqlerrm;
    end;
  end loop;
end
$$;

-- How many of the server's connections each role may have at once, so that none keeps the others out. It counts for the
-- logins of the embedded server; `backdesk login` reads it here for those that it makes.
do $$
declare
  v_free int := current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int;
  v_row record;
begin
  for v_row in
    select s.role_name, greatest(2, floor(s.share * v_free)::int) as connections
    from (values
      ('desk_runner', 0.30), ('desk_viewer', 0.20), ('desk_director', 0.15), ('desk_dbt', 0.10),
      ('desk_importer', 0.05), ('desk_trader', 0.10), ('desk_link', 0.05)
    ) as s (role_name, share)
    join pg_catalog.pg_roles as r on r.rolname = s.role_name
    where r.rolconnlimit <> greatest(2, floor(s.share * v_free)::int)
  loop
    begin
      execute format('alter role %I connection limit %s', v_row.role_name, v_row.connections);
    exception
      when insufficient_privilege then
        raise warning 'the connections of % stay unlimited: %', v_row.role_name, sqlerrm;
    end;
  end loop;
end
$$;

-- What PUBLIC may call in every database, and nobody of the desk needs: large objects are state that stays, messages of
-- logical decoding write WAL, and advisory locks could hold up `backdesk up` and the owner's own. These belong to the
-- server's first superuser, so a plain installing login leaves them open, and `backdesk doctor` says so.
do $$
declare
  v_function record;
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    return;
  end if;
  for v_function in
    select p.oid::regprocedure as signature, p.proname like '%advisory%' as is_lock
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (
        p.proname ~ '^(lo_|loread$|lowrite$|pg_(try_)?advisory_(xact_)?lock)'
        or p.proname = 'pg_logical_emit_message'
      )
      and exists (
        select
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        where a.grantee = 0 and a.privilege_type = 'EXECUTE'
      )
  loop
    execute format('revoke execute on function pg_catalog.%s from public', v_function.signature);
    if v_function.is_lock then
      execute format('grant execute on function pg_catalog.%s to desk_owner', v_function.signature);
    end if;
  end loop;
end
$$;

do $$
begin
  -- For oldest_transaction() and nothing else: without it the owner sees no session but its own. Where the
  -- installing login may not grant it, that function answers with no row.
  if not pg_has_role('desk_owner', 'pg_read_all_stats', 'member') then
    grant pg_read_all_stats to desk_owner;
  end if;
exception
  when insufficient_privilege or unique_violation then null;
end
$$;

-- Functions are executable by everybody unless told otherwise, in every schema their owner uses.
alter default privileges for role desk_owner revoke execute on functions from public;

set role desk_owner;
grant usage on schema desk
to desk_director, desk_importer, desk_runner, desk_trader, desk_link, desk_dbt, desk_viewer;
grant usage on schema marts to desk_director, desk_viewer;
set role desk_dbt;
-- The owner looks up there what `marts` shows, and has no right to read any of it.
grant usage on schema analytics to desk_director, desk_viewer, desk_owner;
reset role;
