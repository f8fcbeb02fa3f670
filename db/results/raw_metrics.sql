-- Raw metrics by name, for whoever treats all of them alike.

create or replace function desk.raw_metric_names(p_numbers_only boolean default false)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select array_agg(a.attname::text order by a.attnum)
  from pg_attribute as a
  where a.attrelid = 'desk.raw_metrics'::regclass and not a.attisdropped
    and (not p_numbers_only or a.atttypid in ('bigint'::regtype, 'double precision'::regtype))
$$;
comment on function desk.raw_metric_names(boolean) is
  'What engines measure, by the names of the columns of backtest_results, in the order of the type raw_metrics: all, '
  'or those that are single numbers.';
