-- Has each of dbt's views that people read answer to its bare name, as a view of the same columns in `marts`. Run as
-- desk_owner after dbt has built; what is there already is left alone, so it may be repeated at any time.
--
-- People's search path is `desk, marts`: `analytics` is on nobody's but dbt's own, since who may create there could
-- plant an operator that fits a statement better than pg_catalog's (docs/decisions/0021). These views hold nothing but
-- columns, are read with the reader's rights, and go where dbt drops what they stand on.

do $$
declare
  v_mart record;
begin
  for v_mart in
    with shapes as (
      select
        c.oid,
        c.relname,
        c.relnamespace::regnamespace::text as schema_name,
        array_agg(row(a.attname, a.atttypid, a.atttypmod)::text order by a.attnum) as shape,
        string_agg(format('%I', a.attname), ', ' order by a.attnum) as names,
        string_agg(
          format('comment on column marts.%I.%I is %L', c.relname, a.attname, col_description(c.oid, a.attnum)), '; '
        ) as remarks,
        bool_and(t.typnamespace = 'pg_catalog'::regnamespace) as plain
      from pg_class as c
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type as t on t.oid = a.atttypid
      where c.relnamespace in ('analytics'::regnamespace, 'marts'::regnamespace) and c.relkind in ('v', 'm', 'r')
      group by c.oid
    ),
    wanted as (
      select *
      from shapes
      where schema_name = 'analytics'
        and plain
        and has_table_privilege('desk_viewer', oid, 'select')
        and has_table_privilege('desk_director', oid, 'select')
    )
    select
      coalesce(w.relname, m.relname) as relname,
      m.oid is not null as stale,
      w.names,
      w.remarks,
      obj_description(w.oid, 'pg_class') as description
    from wanted as w
    full join (select * from shapes where schema_name = 'marts') as m on m.relname = w.relname
    where w.shape is distinct from m.shape
  loop
    if v_mart.stale then
      execute format('drop view marts.%I cascade', v_mart.relname);
    end if;
    if v_mart.names is not null then
      execute format(
        'create view marts.%1$I with (security_invoker = true) as select %2$s from analytics.%1$I',
        v_mart.relname, v_mart.names
      );
      execute format('comment on view marts.%I is %L', v_mart.relname, v_mart.description);
      execute v_mart.remarks;
      execute format('grant select on marts.%I to desk_director, desk_viewer', v_mart.relname);
    end if;
  end loop;
end
$$;
