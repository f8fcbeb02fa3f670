-- Descriptions of views whose columns are another relation's.

create or replace function desk.describe_as(p_view regclass, p_relation regclass)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_column record;
begin
  for v_column in
    select a.attname, col_description(a.attrelid, a.attnum) as words
    from pg_catalog.pg_attribute as a
    where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped
  loop
    execute format('comment on column %s.%I is %L', p_view, v_column.attname, v_column.words);
  end loop;
end
$$;
comment on function desk.describe_as(regclass, regclass) is
  'Gives the columns of a view the descriptions of the relation that it is a part of.';
