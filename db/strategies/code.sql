-- Code: which versions hosts have, which of them is current, what a run is run by.

create or replace view desk.strategy_parameters as
select s.id as strategy_id, p.name, p.type, p.default_value, p.minimum, p.maximum, p.description, p.position
from desk.strategies as s
join desk.version_parameters as p on p.code_version_id = s.current_version_id;
comment on view desk.strategy_parameters is
  'One row a parameter of a strategy''s current code, so that SQL can refuse one that does not exist.';
comment on column desk.strategy_parameters.strategy_id is 'The strategy.';
comment on column desk.strategy_parameters.name is 'Name as the strategy''s code has it.';
comment on column desk.strategy_parameters.type is 'integer, number, boolean or text.';
comment on column desk.strategy_parameters.default_value is
  'Value that the strategy takes when a config does not name the parameter.';
comment on column desk.strategy_parameters.minimum is 'Least value allowed; null is no bound.';
comment on column desk.strategy_parameters.maximum is 'Greatest value allowed; null is no bound.';
comment on column desk.strategy_parameters.description is 'What it does.';
comment on column desk.strategy_parameters.position is 'Order in which the strategy declares it.';
grant select on desk.strategy_parameters, desk.version_parameters, desk.host_code to desk_director, desk_viewer;

create or replace view desk.run_versions as
select r.id as optimization_run_id,
       coalesce(r.code_version_id, w.code_version_id, s.current_version_id) as code_version_id,
       coalesce(r.code_version_id, w.code_version_id) is not null as pinned
from desk.optimization_runs as r
join desk.strategies as s on s.id = r.strategy_id
left join desk.optimization_runs as w on w.id = r.parent_run_id;
comment on view desk.run_versions is
  'One row a run: the code that runs it, or would as things are.';
comment on column desk.run_versions.optimization_run_id is 'The run.';
comment on column desk.run_versions.code_version_id is
  'The version it is pinned to, or a part of a walk-forward run the whole; else what is current.';
comment on column desk.run_versions.pinned is 'True from its first claim on: it is run by no other.';
grant select on desk.run_versions to desk_dbt;

create or replace function desk.publish_version(p_strategy_id bigint, p_item jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_version_id bigint;
begin
  insert into desk.code_versions (strategy_id, code_hash, details)
  values (p_strategy_id, p_item ->> 'code_hash', coalesce(p_item -> 'code_details', '{}'))
  on conflict (strategy_id, code_hash) do update set registered_at = now(), details = excluded.details
  returning id into v_version_id;
  insert into desk.version_parameters as p (
    code_version_id, name, type, default_value, minimum, maximum, description, position)
  select v_version_id, a.item ->> 'name', a.item ->> 'type', a.item -> 'default',
         (a.item ->> 'minimum')::numeric, (a.item ->> 'maximum')::numeric,
         coalesce(a.item ->> 'description', ''), a.position
  from jsonb_array_elements(coalesce(p_item -> 'parameters', '[]')) with ordinality as a (item, position)
  order by a.item ->> 'name'
  on conflict (code_version_id, name) do update
  set type = excluded.type, default_value = excluded.default_value, minimum = excluded.minimum,
      maximum = excluded.maximum, description = excluded.description, position = excluded.position
  where (p.type, p.default_value, p.minimum, p.maximum, p.description, p.position)
    is distinct from (excluded.type, excluded.default_value, excluded.minimum, excluded.maximum,
      excluded.description, excluded.position);
  delete from desk.version_parameters as p
  where p.code_version_id = v_version_id
    and p.name not in (
      select a.item ->> 'name' from jsonb_array_elements(coalesce(p_item -> 'parameters', '[]')) as a (item));
  return v_version_id;
end
$$;
comment on function desk.publish_version(bigint, jsonb) is
  'Makes a version of a strategy''s code known with its parameters, and answers its id.';

create or replace function desk.file_changed(p_host text, p_file text, p_strategy_id bigint, p_version_id bigint)
returns boolean
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_before bigint;
begin
  select h.code_version_id into v_before
  from desk.host_code as h where h.strategy_id = p_strategy_id and h.host = p_host and h.file = p_file;
  insert into desk.host_code as h (strategy_id, host, file, code_version_id)
  values (p_strategy_id, p_host, p_file, p_version_id)
  on conflict (strategy_id, host, file) do update
  set code_version_id = excluded.code_version_id, seen_at = now()
  where h.code_version_id <> excluded.code_version_id;
  return v_before <> p_version_id;
end
$$;
comment on function desk.file_changed(text, text, bigint, bigint) is
  'Writes down which version a file on a host is; true where it was another one, null where it was not known.';

grant select on desk.broken_files to desk_director, desk_viewer;

create or replace function desk.keep_broken_files(p_host text, p_strategies jsonb)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  delete from desk.broken_files as b
  where b.host = p_host
    and b.file not in (
      select s.item ->> 'file' from jsonb_array_elements(p_strategies) as s (item) where s.item ? 'fault');
  insert into desk.broken_files as b (host, file, fault)
  select distinct on (s.item ->> 'file') p_host, s.item ->> 'file', left(s.item ->> 'fault', 2000)
  from jsonb_array_elements(p_strategies) as s (item)
  where s.item ? 'fault'
  on conflict (host, file) do update
  set fault = excluded.fault, since = now()
  where b.fault <> excluded.fault;
end
$$;
comment on function desk.keep_broken_files(text, jsonb) is
  'What a host cannot load, as it was published last: entries with a fault, in place of what was there.';

create or replace function desk.broken_file_of(p_strategy text)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select format('On %s %s', b.host, b.fault)
  from desk.broken_files as b
  where regexp_replace(b.file, '^.*[/\\]|\.[^.]*$', '', 'g') = p_strategy
  order by b.since desc
  limit 1
$$;
comment on function desk.broken_file_of(text) is
  'Why the file of that name cannot be loaded where it lies; null where there is none.';

drop function if exists desk.publish_strategies(jsonb);
create or replace function desk.publish_strategies(
  p_strategies jsonb, p_host text default null, p_announce boolean default true)
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item        jsonb;
  v_strategy_id bigint;
  v_version_id  bigint;
  v_current     boolean;
  v_count       integer := 0;
begin
  -- In the order in which a claim locks those of runs that start; none whose code is current already, since somebody
  -- may hold it for long.
  perform from desk.strategies as s
  where s.id in (
    select n.id
    from jsonb_array_elements(p_strategies) as i (item)
    join desk.strategies as n on n.name = i.item ->> 'name'
    left join desk.code_versions as c on c.id = n.current_version_id
    where c.code_hash is distinct from i.item ->> 'code_hash')
  order by s.id
  for no key update;
  for v_item in
    select s.item from jsonb_array_elements(p_strategies) as s (item) where not s.item ? 'fault'
    order by s.item ->> 'name'
  loop
    insert into desk.strategies (name, code, engine, entry_point, priority, tags)
    values (
      v_item ->> 'name', v_item ->> 'code', coalesce(v_item ->> 'engine', 'backtrader'),
      coalesce(v_item ->> 'entry_point', v_item ->> 'name'), coalesce((v_item ->> 'priority')::integer, 0),
      array(select jsonb_array_elements_text(coalesce(v_item -> 'tags', '[]'))))
    on conflict (name) do nothing;
    select s.id into v_strategy_id from desk.strategies as s where s.name = v_item ->> 'name';
    v_version_id := desk.publish_version(v_strategy_id, v_item);
    v_current := p_announce;
    if p_host is not null then
      v_current := coalesce(
        desk.file_changed(p_host, coalesce(v_item ->> 'file', ''), v_strategy_id, v_version_id), false) or p_announce;
    end if;
    -- What is said of a strategy is said by its current code: who has other code says nothing for everybody.
    update desk.strategies as s
    set current_version_id = v_version_id, code = coalesce(v_item ->> 'code', s.code),
        title = coalesce(v_item ->> 'title', ''), hypothesis = coalesce(v_item ->> 'hypothesis', ''),
        engine = coalesce(v_item ->> 'engine', 'backtrader'),
        entry_point = coalesce(v_item ->> 'entry_point', v_item ->> 'name'), updated_at = now()
    where s.id = v_strategy_id
      and (v_current or s.current_version_id is null or s.current_version_id = v_version_id)
      and (s.current_version_id, s.code, s.title, s.hypothesis, s.engine, s.entry_point) is distinct from (
        v_version_id, coalesce(v_item ->> 'code', s.code), coalesce(v_item ->> 'title', ''),
        coalesce(v_item ->> 'hypothesis', ''), coalesce(v_item ->> 'engine', 'backtrader'),
        coalesce(v_item ->> 'entry_point', v_item ->> 'name'));
    if found then
      perform desk.probe_current(v_strategy_id);
    end if;
    v_count := v_count + 1;
  end loop;
  if p_host is not null then
    perform desk.keep_broken_files(p_host, p_strategies);
  end if;
  notify desk_work;
  return v_count;
end
$$;
comment on function desk.publish_strategies(jsonb, text, boolean) is
  'Makes strategies, their code versions and parameters known to the desk; answers how many. What is announced is '
  'current from now on; without that only what has changed on that host since it was last heard of, or is new. '
  'Entries with a file and a fault are what the host cannot load.';
grant execute on function desk.publish_strategies(jsonb, text, boolean) to desk_runner, desk_director;

create or replace function desk.may_register_again(p_runner_id bigint, p_code_hashes text[])
returns boolean
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select not exists (
    select from desk.runners as n
    join desk.optimization_runs as r on r.engine = any (n.engines)
    join desk.run_versions as v on v.optimization_run_id = r.id and v.pinned
    join desk.runner_code as c on c.runner_id = n.id and c.code_version_id = v.code_version_id
    join desk.code_versions as k on k.id = c.code_version_id
    where n.id = p_runner_id and r.is_open and not r.imported and not r.paused
      and k.code_hash <> all (p_code_hashes))
$$;
comment on function desk.may_register_again(bigint, text[]) is
  'True where no open run is pinned to code that a runner would lose if it had these versions instead of its own.';
grant execute on function desk.may_register_again(bigint, text[]) to desk_runner;

create or replace function desk.files_changed(p_runner_id bigint, p_strategies jsonb, p_error text default null)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_host text;
begin
  update desk.runners set files_error = left(p_error, 2000)
  where id = p_runner_id and stopped_at is null
  returning host into v_host;
  if v_host is not null and p_error is null then
    perform desk.publish_strategies(p_strategies, v_host, false);
  end if;
end
$$;
comment on function desk.files_changed(bigint, jsonb, text) is
  'A runner''s own files are not what it has in memory: they are published, or why they cannot be read is kept, and '
  'until they can it begins no run.';
grant execute on function desk.files_changed(bigint, jsonb, text) to desk_runner;

create or replace function desk.unpin_run(p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  update desk.optimization_runs as r
  set code_version_id = null
  from desk.optimization_runs as this
  where this.id = p_run_id
    and (r.id = coalesce(this.parent_run_id, this.id) or r.parent_run_id = coalesce(this.parent_run_id, this.id))
    and r.code_version_id is not null
    and not exists (
      select from desk.full_results as b
      join desk.optimization_runs as o on o.id = b.optimization_run_id
      where o.id = coalesce(this.parent_run_id, this.id) or o.parent_run_id = coalesce(this.parent_run_id, this.id))
    and not exists (
      select from desk.bulk_blocks as b
      join desk.optimization_runs as o on o.id = b.optimization_run_id
      where o.id = coalesce(this.parent_run_id, this.id) or o.parent_run_id = coalesce(this.parent_run_id, this.id))
$$;
comment on function desk.unpin_run(bigint) is
  'The next claim pins a run, or the whole that it is a part of, anew where nothing of it has been recorded.';

create or replace function desk.refuse_other_code(p_run_id bigint)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_found record;
begin
  select s.name, left(v.code_hash, 12) as pinned, left(c.code_hash, 12) as current into v_found
  from desk.run_versions as r
  join desk.code_versions as v on v.id = r.code_version_id
  join desk.strategies as s on s.id = v.strategy_id
  join desk.code_versions as c on c.id = s.current_version_id
  where r.optimization_run_id = p_run_id and r.pinned and c.id <> v.id;
  if found then
    perform desk.refuse(
      format('Run %s has results of version %s of %s, and %s is current now', p_run_id, v_found.pinned, v_found.name,
        v_found.current),
      '$.code_version_id',
      'A run never mixes two: insert its job again, or take the change of the code back first.');
  end if;
end
$$;
comment on function desk.refuse_other_code(bigint) is
  'Refuses to give a run more points when its code is no longer current: they would be of old code, or it of two.';
