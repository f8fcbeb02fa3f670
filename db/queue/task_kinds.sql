-- Every kind of task once: the validator, the queue and the runners read these rows. What load_prices loads from:
-- prices/sources.sql.

insert into desk.task_kinds as k (
  position, name, by_job, capability, package, on_request, config_keys, remedy, description)
values
  (1, 'load_prices', true, 'prices', null, false, '{source,symbols}', 'Start one: backdesk work',
    'Loads prices from a row of price_sources.'),
  (2, 'dbt_refresh', true, 'dbt', 'dbt', true, '{}', 'Start one that does: backdesk work --dbt',
    'Builds dbt''s views again.'),
  (3, 'lean_optimization', true, 'lean', null, true, null,
    'It needs lean and docker where it runs: backdesk lean check', 'Has LEAN search, and imports what it leaves.'),
  (4, 'suggest', false, 'optuna', 'optuna', false, '{}', 'Where a runner runs: pip install ''backdesk[bayes]''',
    'Suggests the next points of a search.'),
  (5, 'probe_code', false, 'probes', null, false, '{}', 'Start one: backdesk work',
    'Probes a version of a strategy''s code on the prices of a run, as backdesk check does on the sample.'),
  (6, 'weigh_parameters', false, 'optuna', 'optuna', false, '{}',
    'Where a runner runs: pip install ''backdesk[bayes]''', 'Works out how much each parameter of a search matters.'),
  (7, 'keep_curve', false, 'curves', null, false, '{}', 'Start one: backdesk work',
    'Runs the best point of a closed search again where its curve was to be kept and is not there.'),
  (8, 'compare_kernel', false, 'kernel', 'numba', false, '{}', 'Where a runner runs: pip install ''backdesk[bulk]''',
    'Compares a version of a signal strategy in the compiled kernel with Backtrader, on the prices of a run.')
on conflict (name) do update
set position = excluded.position, by_job = excluded.by_job, capability = excluded.capability,
    package = excluded.package, on_request = excluded.on_request, config_keys = excluded.config_keys,
    remedy = excluded.remedy, description = excluded.description;

-- On a desk that had jobs before it had the rows; done once, and nothing to do after that.
alter table desk.jobs validate constraint jobs_task_known;
alter table desk.recurring_jobs validate constraint recurring_jobs_task_known;

create or replace function desk.task_needs(p_kind text, p_config jsonb, out capability text, out remedy text)
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(s.capability, k.capability), coalesce(s.remedy, k.remedy)
  from desk.task_kinds as k
  left join desk.price_sources as s on 'source' = any (k.config_keys) and s.name = p_config ->> 'source'
  where k.name = p_kind
$$;
comment on function desk.task_needs(text, jsonb) is
  'What a runner must list among its engines to be given a task, and what to do where none does.';

create or replace function desk.tg_work_items_needs()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  new.needs := (select n.capability from desk.task_needs(new.kind, new.payload) as n);
  if new.needs is null then
    perform desk.refuse(format('Unknown kind of task %s', to_jsonb(left(new.kind, 60))), '$.kind',
      desk.did_you_mean(new.kind, array(select k.name from desk.task_kinds as k)), '23503');
  end if;
  return new;
end
$$;
comment on function desk.tg_work_items_needs() is
  'Writes down what a runner needs for a task, so that no claim looks it up.';
create or replace trigger work_items_needs before insert on desk.work_items
for each row when (new.kind <> 'points') execute function desk.tg_work_items_needs();

create or replace function desk.task_offers()
returns table (module text, capability text, package text, on_request boolean)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select 'tasks.' || k.name, k.capability, k.package, k.on_request from desk.task_kinds as k
  union all
  select 'prices.' || s.name, s.capability, s.package, false from desk.price_sources as s
$$;
comment on function desk.task_offers() is
  'What a runner may list among its engines: a capability where it has the module and the package, and was asked to '
  'where that is on request.';
grant execute on function desk.task_offers() to desk_runner;

grant select on desk.task_kinds to desk_director, desk_viewer;
