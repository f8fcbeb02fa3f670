-- Roles, schemas and what PUBLIC may do. Run by `backdesk up` before the migrations, as the login that
-- installs the desk; that login needs CREATEROLE and CREATE on the database, nothing more.
-- Every statement may be repeated. On the embedded server the desk_* roles become logins with a password;
-- on a server of the user's they stay roles which that login takes on.

do $$
declare
  v_role text;
  v_member boolean;
begin
  foreach v_role in array array[
    'desk_owner', 'desk_director', 'desk_importer', 'desk_runner', 'desk_dbt', 'desk_viewer'
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

do $$
declare
  v_database text := current_database();
  v_setting text;
begin
  if pg_has_role((select datdba from pg_catalog.pg_database where datname = v_database), 'usage') then
    execute format('revoke all on database %I from public', v_database);
    execute format('alter database %I set search_path = desk, analytics', v_database);
    execute 'revoke all on schema public from public';
    execute format(
      'grant connect on database %I'
      ' to desk_owner, desk_director, desk_importer, desk_runner, desk_dbt, desk_viewer',
      v_database
    );
    execute format('grant temporary on database %I to desk_owner, desk_dbt', v_database);
  else
    -- Somebody else's database: the setting for our own login serves the roles that it takes on.
    execute format('alter role current_user in database %I set search_path = desk, analytics', v_database);
  end if;

  -- Only where it differs, because two databases set up at once would collide on the role's row.
  foreach v_setting in array array[
    'desk_dbt lock_timeout 5s',
    'desk_viewer statement_timeout 60s',
    'desk_viewer default_transaction_read_only on'
  ] loop
    if not exists (
      select
      from pg_catalog.pg_db_role_setting
      where setdatabase = 0
        and setrole = split_part(v_setting, ' ', 1)::regrole
        and split_part(v_setting, ' ', 2) || '=' || split_part(v_setting, ' ', 3) = any (setconfig)
    ) then
      execute format(
        'alter role %I set %I = %L',
        split_part(v_setting, ' ', 1), split_part(v_setting, ' ', 2), split_part(v_setting, ' ', 3)
      );
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
grant usage on schema desk to desk_director, desk_importer, desk_runner, desk_dbt, desk_viewer;
set role desk_dbt;
grant usage on schema analytics to desk_director, desk_viewer;
reset role;
