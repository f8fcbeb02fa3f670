-- help() lists all that the director and the viewer may call or read, each under a topic.

select plan(6);
select tap.given_desk();

create temporary table expected as
select r.role, m.name
from (values ('desk_director'), ('desk_viewer')) as r (role)
cross join lateral (
  select p.proname::text from pg_proc as p
  where p.pronamespace = 'desk'::regnamespace and has_function_privilege(r.role, p.oid, 'execute')
  union
  select c.relname::text from pg_class as c
  where c.relnamespace = 'desk'::regnamespace and c.relkind = 'v' and has_table_privilege(r.role, c.oid, 'select')
) as m (name);
grant select on expected to public;

set local role desk_director;
select is(
  (select array_agg(distinct name order by name) from help() where topic <> 'marts'),
  (select array_agg(distinct name order by name) from expected where role = 'desk_director'),
  'the director is told of all that it may call or read');
select is((select example from help('jobs') where name = 'cancel_job'), 'select cancel_job(1)', 'with an example where there is one');
select is((select count(*) from help() where what is null), 0::bigint, 'and what each does');
select is((select count(distinct topic) from help('JOBS')), 1::bigint, 'one topic alone, in whatever case');
set local role desk_viewer;
select is(
  (select array_agg(distinct name order by name) from help() where topic <> 'marts'),
  (select array_agg(distinct name order by name) from expected where role = 'desk_viewer'),
  'the viewer is told of what it may');
select is((select count(*) from help() where name = 'cancel_job'), 0::bigint, 'and of nothing else');
reset role;

select * from finish();
