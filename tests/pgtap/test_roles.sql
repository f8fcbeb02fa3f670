select plan(30);

select has_role('desk_owner', 'the owner is there');
select isnt_superuser('desk_owner', 'the owner is an ordinary role');
select is(
  (select rolcanlogin from pg_catalog.pg_roles where rolname = 'desk_owner'),
  false,
  'nobody logs in as the owner'
);

select has_role(role_name::name, role_name || ' is there')
from unnest(array['desk_director', 'desk_importer', 'desk_runner', 'desk_trader', 'desk_link', 'desk_dbt',
  'desk_viewer']) as role_name;

select is(
  (
    select count(*)::int
    from pg_catalog.pg_roles
    where rolname like 'desk\_%' and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication)
  ),
  0,
  'no role of the desk has a power over the server'
);

-- The login that installs may act in all of them, and a login of a person's own in some; none of ours is in another.
select is_empty(
  $$
  select m.member::regrole, m.roleid::regrole
  from pg_catalog.pg_auth_members as m
  where m.member::regrole::text like 'desk\_%'
    and (m.member, m.roleid) <> (to_regrole('desk_owner')::oid, to_regrole('pg_read_all_stats')::oid)
  $$,
  'no role of the desk is a member of another role, but the owner of that which sees open transactions'
);

select schema_owner_is('desk', 'desk_owner');
select schema_owner_is('analytics', 'desk_dbt');
select schema_owner_is('marts', 'desk_owner');

select schema_privs_are('desk', 'desk_director', array['USAGE']);
select schema_privs_are('desk', 'desk_importer', array['USAGE']);
select schema_privs_are('desk', 'desk_runner', array['USAGE']);
select schema_privs_are('desk', 'desk_trader', array['USAGE']);
select schema_privs_are('desk', 'desk_link', array['USAGE']);
select schema_privs_are('desk', 'desk_dbt', array['USAGE']);
select schema_privs_are('desk', 'desk_viewer', array['USAGE']);
select schema_privs_are('analytics', 'desk_runner', array[]::text[]);
select schema_privs_are('analytics', 'desk_owner', array['USAGE']);
select schema_privs_are('marts', 'desk_director', array['USAGE']);
select schema_privs_are('marts', 'desk_viewer', array['USAGE']);
select schema_privs_are('marts', 'desk_dbt', array[]::text[]);
select is_empty(
  $$
  select r.rolname, d.datname, c.setting
  from pg_catalog.pg_db_role_setting as s
  left join pg_catalog.pg_roles as r on r.oid = s.setrole
  left join pg_catalog.pg_database as d on d.oid = s.setdatabase
  cross join unnest(s.setconfig) as c (setting)
  where c.setting ~ '^search_path=.*analytics'
    and (r.rolname is null or r.rolname ~ '^desk_') and (d.datname is null or d.datname = current_database())
  $$,
  'what dbt makes is on nobody''s search path'
);

select is(
  (
    select count(*)::int
    from pg_catalog.pg_namespace as n, aclexplode(n.nspacl) as a
    where n.nspname in ('desk', 'analytics', 'marts', 'public') and a.grantee = 0
  ),
  0,
  'PUBLIC has nothing in any schema'
);
select is(
  (
    select count(*)::int
    from
      pg_catalog.pg_database as d,
      aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
    where d.datname = current_database() and a.grantee = 0
  ),
  0,
  'PUBLIC may not connect'
);

select * from finish();
