-- What holds for every object of the desk, whoever adds the next one.

select plan(18);

-- A function that belongs to an extension is not ours.
create temporary view functions as
select p.*, l.lanname
from pg_proc as p
join pg_language as l on l.oid = p.prolang
where p.pronamespace = 'desk'::regnamespace
  and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e');

select is_empty(
  $$select c.relname from pg_class as c
    where c.relnamespace = 'desk'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and obj_description(c.oid, 'pg_class') is null$$,
  'every table and view has a comment');
select is_empty(
  $$select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.relnamespace = 'desk'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
      and col_description(c.oid, a.attnum) is null$$,
  'every column has a comment');
select is_empty(
  $$select oid::regprocedure from functions where obj_description(oid, 'pg_proc') is null$$, 'every function has a comment');
select is_empty(
  $$select oid::regprocedure from functions
    where prokind = 'f' and not 'search_path=desk, pg_temp' = any (coalesce(proconfig, '{}')) and proname <> 'reach'
      and not (proname like 'ratio\_%' and prolang = (select l.oid from pg_language as l where l.lanname = 'sql') and proconfig is null)$$,
  'every function pins its search path, temporary objects last; but for ratios (decision 0028) and the one that the gate takes into its statement (decision 0024)');
select is_empty(
  $$select f.oid::regprocedure from functions as f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a where a.grantee = 0$$,
  'PUBLIC may execute none');
select is_empty(
  $$select c.relname from pg_class as c, aclexplode(c.relacl) as a where c.relnamespace = 'desk'::regnamespace and a.grantee = 0
    union all
    select t.attname from pg_class as c join pg_attribute as t on t.attrelid = c.oid, aclexplode(t.attacl) as a
    where c.relnamespace = 'desk'::regnamespace and a.grantee = 0$$,
  'PUBLIC may read none');
select is_empty(
  $$select oid::regprocedure from functions where prokind = 'f' and lanname not in ('sql', 'plpgsql')$$, 'SQL and PL/pgSQL only');
select is_empty(
  $$select oid::regprocedure from functions where prorettype = 'trigger'::regtype and (proname not like 'tg\_%' or not prosecdef)$$,
  'trigger functions are called tg_ and act as the owner');
select is_empty(
  $$select f.oid::regprocedure from functions as f
    where f.prorettype = 'trigger'::regtype and not exists (select from pg_trigger as t where t.tgfoid = f.oid)$$,
  'each of them is a trigger''s');
select is_empty(
  $$select c.relname from pg_class as c
    where c.relnamespace = 'desk'::regnamespace and c.relkind = 'r'
      and not exists (select from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p')$$,
  'every table has a primary key');
select is_empty(
  $$select k.conname, k.conrelid::regclass from pg_constraint as k
    where k.connamespace = 'desk'::regnamespace and k.contype = 'c' and k.conname ~ '_check[0-9]*$'$$,
  'every check says in its name what it wants');
select is_empty(
  $$select c.oid::regclass, d.refobjid::regclass
    from pg_class as c
    join pg_rewrite as r on r.ev_class = c.oid
    join pg_depend as d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
    join pg_class as t on t.oid = d.refobjid
    where c.relnamespace = 'desk'::regnamespace and t.relnamespace = 'analytics'::regnamespace$$,
  'no view of the desk reads analytics');
select is_empty(
  $$select oid::regprocedure from functions where prosrc ~ 'analytics[.]'$$, 'nor does a function');
select is_empty(
  $$select a.metric from metric_definitions as a
    where not exists (select from pg_attribute as t where t.attrelid = 'desk.backtest_results'::regclass and t.attname = a.metric)$$,
  'every metric is a column of backtest_results');
select is_empty(
  $$select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
    where a.attrelid = 'desk.raw_metrics'::regclass and not a.attisdropped
    except
    select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a where a.attrelid = 'desk.backtest_results'::regclass$$,
  'every raw metric is one with its type');
select is_empty(
  $$select a.attname::text from pg_attribute as a
    where a.attrelid = 'desk.backtest_results'::regclass and col_description(a.attrelid, a.attnum) like 'Raw:%'
    except select m.name from unnest(raw_metric_names()) as m (name)$$,
  'and what says of itself that it is raw is a raw metric');
select is_empty(
  $$select s.name, f.name from searches as s
    cross join lateral (values (s.plan_first), (s.plan_next), (s.at_most)) as f (name)
    where f.name is not null and to_regprocedure(format('desk.%I(bigint)', f.name)) is null$$,
  'every function that a search names is there');
select is_empty(
  $$select s.name, k.name from searches as s
    cross join lateral (
      select 'optimization.' || n from unnest(s.keys) as n
      union all
      select 'optimization.parameters.*.' || n from unnest(s.range_keys) as n) as k (name)
    except select s.name, k.path from searches as s, config_keys as k$$,
  'and every key');

select * from finish();
