-- Strategies: the only ways a status moves.

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
  if p_status in ('passed', 'validated', 'paper', 'live') then
    perform desk.refuse_fault(v_strategy.current_version_id);
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
