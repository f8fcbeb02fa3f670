-- What is thrown away, and when. Results never are: the count of trials is the desk's memory.

insert into desk.settings (name, value, description)
values
  ('keep_work_items', '"30 days"',
    'Age at which work items that are over are deleted, once their run or job is over too.'),
  ('keep_events', '"180 days"',
   'Age at which events about points, tasks and chores are deleted; those about jobs and runs are kept for ever.'),
  ('keep_curves', '"90 days"',
   'Age at which curves and trades of results that did not pass are deleted, once their run is over; any can be made '
   'again exactly.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.tg_settings_interval()
returns trigger
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  if (new.value #>> '{}')::interval < interval '0' then
    perform desk.refuse(format('%s cannot be %s', new.name, new.value), '$.' || new.name,
      'An interval, such as "90 days".');
  end if;
  return new;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    perform desk.refuse(format('Got %s for the setting %s', new.value, new.name), '$.' || new.name,
      'An interval, such as "90 days".');
end
$$;
comment on function desk.tg_settings_interval() is 'Refuses what is no interval where a setting is one.';
create or replace trigger settings_interval before update of value on desk.settings
for each row when (new.name like 'keep\_%' or new.name
  = 'transaction_limit') execute function desk.tg_settings_interval();

create or replace function desk.prune(p_limit integer default 20000)
returns table (what text, removed bigint, older_than interval)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_items  constant interval := (desk.setting('keep_work_items') #>> '{}')::interval;
  v_events constant interval := (desk.setting('keep_events') #>> '{}')::interval;
  v_curves constant interval := (desk.setting('keep_curves') #>> '{}')::interval;
  v_ids    bigint[];
begin
  if p_limit is null or p_limit < 1 then
    perform desk.refuse(format('Got %s as the number of rows at a time', coalesce(p_limit::text, 'null')), '$.limit',
      'It is 1 or more.');
  end if;

  what := 'work_items';
  older_than := v_items;
  with gone as (
    delete from desk.work_items as w
    -- An array is made once; asked for a row at a time, the limit would be each row's.
    where w.id = any (array(
      select o.id
      from desk.work_items as o
      left join desk.optimization_runs as r on r.id = o.optimization_run_id
      left join desk.jobs as j on j.id = o.job_id
      where o.state in ('done', 'expired', 'cancelled') and o.created_at < now() - v_items
        and coalesce(r.closed_at, j.finished_at) < now() - v_items
      order by o.created_at limit p_limit
      for update of o skip locked))
    returning 1
  )
  select count(*) into removed from gone;
  return next;

  what := 'job_events';
  older_than := v_events;
  with gone as (
    delete from desk.job_events as e
    where e.id = any (array(
      select o.id from desk.job_events as o
      where o.happened_at < now() - v_events and o.event not in ('job', 'run', 'judged again')
      order by o.happened_at limit p_limit
      for update skip locked))
    returning 1
  )
  select count(*) into removed from gone;
  return next;

  -- A run's best is kept though it did not pass: the page shows it. So are the folds of a walk-forward run.
  older_than := v_curves;
  v_ids := array(
    select b.id
    from (select c.backtest_result_id as id from desk.equity_curves as c union select t.backtest_result_id
      from desk.trades as t) as k
    join desk.full_results as b on b.id = k.id
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    join desk.run_progress as p on p.optimization_run_id = r.id
    where r.closed_at < now() - v_curves and r.role <> 'out_of_sample'
      and not b.passed and b.id is distinct from p.best_result_id
    limit p_limit);
  what := 'equity_curves';
  delete from desk.equity_curves as c where c.backtest_result_id = any (v_ids);
  get diagnostics removed = row_count;
  return next;
  what := 'trades';
  delete from desk.trades as t where t.backtest_result_id = any (v_ids);
  get diagnostics removed = row_count;
  return next;
end
$$;
comment on function desk.prune(integer) is
  'Deletes what is older than the settings keep_work_items, keep_events and keep_curves say, so many rows of each at '
  'a time; never a result. Runners do it by themselves.';
grant execute on function desk.prune(integer) to desk_director;
