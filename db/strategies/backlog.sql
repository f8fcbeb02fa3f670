-- The backlog file into strategies: checked item by item, all of it or nothing.

create or replace function desk.check_backlog_item(p_item jsonb, p_path text)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_known    constant text[] := '{name,code,title,hypothesis,source,asset_class,timeframe,symbols,parameters,'
                                'priority,criteria,config,follows,history,rejected,entry_point}';
  v_required constant text[] := '{name,hypothesis,source,asset_class,timeframe,parameters,priority,criteria}';
  v_kinds    constant jsonb := '{"symbols": "array", "parameters": "object", "criteria": "object", "priority": '
                               '"number"}';
  v_key      text;
  v_kind     text;
begin
  if jsonb_typeof(p_item) <> 'object' then
    perform desk.refuse(format('Got %s where a strategy is needed', left(p_item::text, 60)), p_path,
      'Each strategy has keys such as name and hypothesis.');
  end if;
  for v_key in select jsonb_object_keys(p_item) loop
    if not v_key = any (v_known) then
      perform desk.refuse(format('Unknown key %s', to_jsonb(left(v_key, 60))), desk.json_path(p_path, v_key),
        desk.did_you_mean(v_key, v_known));
    end if;
    v_kind := coalesce(v_kinds ->> v_key, 'string');
    if jsonb_typeof(p_item -> v_key) <> v_kind then
      perform desk.refuse(format('Got %s for %s', left((p_item -> v_key)::text, 60), v_key),
        desk.json_path(p_path, v_key),
        case v_kind when 'string' then 'A text is needed.' when 'number' then 'A number is needed.'
          when 'array' then 'A list is needed.' else 'Keys with values are needed.' end);
    end if;
  end loop;
  select r.key into v_key from unnest(v_required) as r (key) where coalesce(btrim(p_item ->> r.key), '') = '' limit 1;
  if v_key is not null then
    perform desk.refuse(format('Key %s is missing', v_key), p_path,
      format('Every strategy of the backlog needs: %s.', array_to_string(v_required, ', ')));
  end if;
  perform desk.checked_criteria(p_item -> 'criteria', p_path || '.criteria');
end
$$;
comment on function desk.check_backlog_item(jsonb, text) is
  'Refuses an item of the backlog whose keys, kinds of values or criteria are wrong.';

create or replace function desk.sync_backlog_item(p_item jsonb, p_path text, out strategy text, out action text)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_strategy desk.strategies;
  v_before   jsonb;
  v_after    jsonb;
  v_follows  bigint;
  v_message  text;
  v_detail   text;
  v_hint     text;
begin
  perform desk.check_backlog_item(p_item, p_path);
  strategy := p_item ->> 'name';
  select s.* into v_strategy from desk.strategies as s where s.name = strategy;
  action := case when v_strategy.id is null then 'made' else 'unchanged' end;
  if p_item ? 'follows' then
    select s.id into v_follows from desk.strategies as s where s.name = p_item ->> 'follows';
    if v_follows is null then
      perform desk.refuse(format('%s follows %s, which is unknown', strategy, p_item ->> 'follows'),
        p_path || '.follows',
        'Name a strategy that stands earlier in the backlog.', '23503');
    end if;
  end if;

  insert into desk.strategies as s (name, code, title, hypothesis, entry_point, priority)
  values (strategy, p_item ->> 'code', coalesce(p_item ->> 'title', strategy), p_item ->> 'hypothesis',
    coalesce(p_item ->> 'entry_point', strategy), (p_item ->> 'priority')::integer)
  on conflict (name) do update
  set code = coalesce(excluded.code, s.code), title = excluded.title, hypothesis = excluded.hypothesis,
      priority = excluded.priority, updated_at = now()
  where (s.code, s.title, s.hypothesis, s.priority)
    is distinct from (coalesce(excluded.code, s.code), excluded.title, excluded.hypothesis, excluded.priority);
  if found and action = 'unchanged' then
    action := 'changed';
  end if;
  select s.* into v_strategy from desk.strategies as s where s.name = strategy;
  -- A strategy that no runner ever published has no parameters to check against.
  if exists (select from desk.strategy_parameters as p where p.strategy_id = v_strategy.id) then
    begin
      perform desk.parameter_space(v_strategy.id, p_item -> 'parameters', 'Grid Search');
    exception when invalid_parameter_value then
      -- The same refusal, with the path that it has in this file.
      get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
      perform desk.refuse(v_message, replace(v_detail, '$.optimization', p_path), v_hint);
    end;
  end if;

  select to_jsonb(b) - 'synced_at' into v_before from desk.strategy_backlog as b where b.strategy_id = v_strategy.id;
  insert into desk.strategy_backlog as b (
    strategy_id, source, asset_class, timeframe, symbols, parameters, criteria, config_file, follows_id, history)
  values (v_strategy.id, p_item ->> 'source', p_item ->> 'asset_class', p_item ->> 'timeframe',
    array(select jsonb_array_elements_text(coalesce(p_item -> 'symbols', '[]'))), p_item -> 'parameters',
    p_item -> 'criteria',
    p_item ->> 'config', v_follows, p_item ->> 'history')
  on conflict (strategy_id) do update
  set source = excluded.source, asset_class = excluded.asset_class, timeframe = excluded.timeframe,
    symbols = excluded.symbols,
      parameters = excluded.parameters, criteria = excluded.criteria, config_file = excluded.config_file,
      follows_id = excluded.follows_id, history = excluded.history
  returning to_jsonb(b) - 'synced_at' into v_after;
  if v_after is distinct from v_before then
    update desk.strategy_backlog as b set synced_at = now() where b.strategy_id = v_strategy.id;
    action := case action when 'unchanged' then 'changed' else action end;
  end if;

  -- What was rejected before the desk knew it goes the way that every rejected strategy went.
  if p_item ? 'rejected' and v_strategy.status = 'backlog' then
    update desk.strategies as s set status = 'testing', reason = 'tested before it came to this desk'
      where s.id = v_strategy.id;
    update desk.strategies as s set status = 'rejected', reason = p_item ->> 'rejected', updated_at = now()
      where s.id = v_strategy.id;
    action := case action when 'unchanged' then 'changed' else action end;
  end if;
end
$$;
comment on function desk.sync_backlog_item(jsonb, text) is
  'Brings one item of the backlog into strategies and strategy_backlog: made, changed or unchanged.';

create or replace function desk.sync_backlog(p_items jsonb)
returns table (strategy text, action text)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item     jsonb;
  v_position bigint;
begin
  if jsonb_typeof(coalesce(p_items, 'null')) <> 'array' then
    perform desk.refuse(format('Got %s where a list of strategies is needed',
      left(coalesce(p_items::text, 'nothing'), 60)), '$.strategies',
      'See configs/strategy_backlog.yaml.');
  end if;
  if (select count(*) > count(distinct i.item ->> 'name') from jsonb_array_elements(p_items) as i (item)
    where i.item ? 'name') then
    perform desk.refuse('A strategy stands in the backlog twice', '$.strategies', 'Name each strategy once.');
  end if;
  for v_item, v_position in
    select i.item, i.position from jsonb_array_elements(p_items) with ordinality as i (item, position)
      order by i.position
  loop
    return query select d.strategy, d.action from desk.sync_backlog_item(v_item,
      format('$.strategies[%s]', v_position - 1)) as d;
  end loop;
end
$$;
comment on function desk.sync_backlog(jsonb) is
  'Brings the strategies of a backlog file into the desk, each made, changed or unchanged; refuses the whole file '
  'when one of them is wrong. Takes none away.';
grant execute on function desk.sync_backlog(jsonb) to desk_director;

create or replace view desk.backlog as
select s.code, s.name as strategy, s.title, s.status, s.priority, s.hypothesis, b.source, b.asset_class, b.timeframe,
  b.symbols,
       b.parameters, b.criteria, b.config_file, f.name as follows, b.history, s.reason,
       exists (select from desk.code_versions as c where c.strategy_id = s.id) as implemented
from desk.strategies as s
left join desk.strategy_backlog as b on b.strategy_id = s.id
left join desk.strategies as f on f.id = b.follows_id;
comment on view desk.backlog is
  'One row a strategy: what it claims, what is to be tested and where it stands. Order by priority desc.';
comment on column desk.backlog.code is 'Short code.';
comment on column desk.backlog.strategy is 'Name that jobs use.';
comment on column desk.backlog.title is 'Name for people.';
comment on column desk.backlog.status is 'Where it stands.';
comment on column desk.backlog.priority is 'Higher is tested first.';
comment on column desk.backlog.hypothesis is 'Why it should make money.';
comment on column desk.backlog.source is 'Who had the idea.';
comment on column desk.backlog.asset_class is 'What it is meant to trade.';
comment on column desk.backlog.timeframe is 'Length of a bar.';
comment on column desk.backlog.symbols is 'Symbols of its first test.';
comment on column desk.backlog.parameters is 'Parameters to search.';
comment on column desk.backlog.criteria is 'Success criteria.';
comment on column desk.backlog.config_file is 'Config of its first test.';
comment on column desk.backlog.follows is 'The strategy whose successor it is.';
comment on column desk.backlog.history is 'What was tried before.';
comment on column desk.backlog.reason is 'Why it stands where it stands.';
comment on column desk.backlog.implemented is 'True where a runner has had code for it.';
grant select on desk.backlog to desk_director, desk_viewer;
