-- Strategies: publishing what runners have, and the only ways a status moves.

create or replace function desk.publish_strategies(p_strategies jsonb)
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item        jsonb;
  v_strategy_id bigint;
  v_count       integer := 0;
begin
  for v_item in
    select s.item from jsonb_array_elements(p_strategies) as s (item) order by s.item ->> 'name'
  loop
    insert into desk.strategies as s (name, code, title, hypothesis, engine, entry_point, priority, tags)
    values (
      v_item ->> 'name',
      v_item ->> 'code',
      coalesce(v_item ->> 'title', ''),
      coalesce(v_item ->> 'hypothesis', ''),
      coalesce(v_item ->> 'engine', 'backtrader'),
      coalesce(v_item ->> 'entry_point', v_item ->> 'name'),
      coalesce((v_item ->> 'priority')::integer, 0),
      array(select jsonb_array_elements_text(coalesce(v_item -> 'tags', '[]'))))
    on conflict (name) do update
    set code = coalesce(excluded.code, s.code), title = excluded.title, hypothesis = excluded.hypothesis,
        engine = excluded.engine, entry_point = excluded.entry_point, updated_at = now()
    where (s.code, s.title, s.hypothesis, s.engine, s.entry_point)
      is distinct from (coalesce(excluded.code, s.code), excluded.title, excluded.hypothesis, excluded.engine,
        excluded.entry_point);

    select s.id into v_strategy_id from desk.strategies as s where s.name = v_item ->> 'name';

    insert into desk.code_versions (strategy_id, code_hash, details)
    values (v_strategy_id, v_item ->> 'code_hash', coalesce(v_item -> 'code_details', '{}'))
    on conflict (strategy_id, code_hash) do update
    set registered_at = now(), details = excluded.details;

    insert into desk.strategy_parameters as p (
      strategy_id, name, type, default_value, minimum, maximum, description, position)
    select v_strategy_id, a.item ->> 'name', a.item ->> 'type', a.item -> 'default',
           (a.item ->> 'minimum')::numeric, (a.item ->> 'maximum')::numeric,
           coalesce(a.item ->> 'description', ''), a.position
    from jsonb_array_elements(coalesce(v_item -> 'parameters', '[]')) with ordinality as a (item, position)
    order by a.item ->> 'name'
    on conflict (strategy_id, name) do update
    set type = excluded.type, default_value = excluded.default_value, minimum = excluded.minimum,
        maximum = excluded.maximum, description = excluded.description, position = excluded.position
    where (p.type, p.default_value, p.minimum, p.maximum, p.description, p.position)
      is distinct from (excluded.type, excluded.default_value, excluded.minimum, excluded.maximum,
        excluded.description, excluded.position);

    delete from desk.strategy_parameters as p
    where p.strategy_id = v_strategy_id
      and p.name not in (
        select a.item ->> 'name' from jsonb_array_elements(coalesce(v_item -> 'parameters', '[]')) as a (item));
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function desk.publish_strategies(jsonb) is
  'Makes the strategies, parameters and code versions that a runner has known to the desk; answers how many.';
grant execute on function desk.publish_strategies(jsonb) to desk_runner, desk_director;

create or replace function desk.tg_strategies_status()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into desk.strategy_events (strategy_id, from_status, to_status, reason, actor)
    values (new.id, null, new.status, coalesce(new.reason, 'made'), session_user);
    return null;
  end if;
  if not exists (
    select from desk.strategy_transitions as t where t.from_status = old.status and t.to_status = new.status)
  then
    perform desk.refuse(
      format('Strategy %s cannot move from %s to %s', new.name, old.status, new.status),
      '$.status',
      (select format('From %s it can move to: %s.', old.status,
        coalesce(string_agg(t.to_status, ', ' order by t.to_status), 'nowhere'))
       from desk.strategy_transitions as t where t.from_status = old.status));
  end if;
  insert into desk.strategy_events (strategy_id, from_status, to_status, reason, optimization_run_id, actor)
  values (new.id, old.status, new.status, new.reason,
    nullif(current_setting('desk.optimization_run_id', true), '')::bigint, session_user);
  return null;
end
$$;
comment on function desk.tg_strategies_status() is
  'Allows a status to move along strategy_transitions only, and writes the event.';

create or replace trigger strategies_status_made after insert on desk.strategies
for each row execute function desk.tg_strategies_status();
create or replace trigger strategies_status_moved after update of status on desk.strategies
for each row when (old.status is distinct from new.status) execute function desk.tg_strategies_status();

create or replace function desk.move_strategy_by_run(p_strategy_id bigint, p_to text, p_reason text, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  perform set_config('desk.optimization_run_id', p_run_id::text, true);
  update desk.strategies
  set status = p_to, reason = p_reason, updated_at = now()
  where id = p_strategy_id and status <> p_to;
  perform set_config('desk.optimization_run_id', '', true);
end
$$;
comment on function desk.move_strategy_by_run(bigint, text, text, bigint) is
  'Moves a strategy because of a run, so that the event names the run.';

create or replace function desk.move_strategy(p_name text, p_status text, p_reason text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_strategy desk.strategies;
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_name or s.code = p_name for no key update;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', p_name), '$.strategy',
      desk.did_you_mean(p_name, array(select s.name from desk.strategies as s)), '23503');
  end if;
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A move needs a reason', '$.reason', 'Say in a sentence why the strategy moves.');
  end if;
  if p_status is null or not exists (select from desk.strategy_transitions as t where t.to_status = p_status) then
    perform desk.refuse(format('Unknown status %s', coalesce(p_status, 'null')), '$.status',
      desk.did_you_mean(coalesce(p_status, ''), array(select distinct t.to_status
        from desk.strategy_transitions as t)));
  end if;
  if v_strategy.status = p_status then
    perform desk.refuse(format('Strategy %s is %s already', v_strategy.name, p_status), '$.status', 'Nothing to do.');
  end if;
  update desk.strategies
  set status = p_status, reason = p_reason, updated_at = now()
  where id = v_strategy.id;
  return format('%s: %s -> %s', v_strategy.name, v_strategy.status, p_status);
end
$$;
comment on function desk.move_strategy(text, text, text) is
  'Moves a strategy by hand along an allowed edge, with a reason: select move_strategy(''rsi_mean_reversion'', '
  '''retired'', ''fees'').';
grant execute on function desk.move_strategy(text, text, text) to desk_director;
