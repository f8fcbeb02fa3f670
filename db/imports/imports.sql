-- Imports: a run and its results come by the importer's two plain inserts, judged like any other; these functions
-- keep what the inserts have no column for, and refuse to import anything twice.

drop function if exists desk.strategy_for_import(text, boolean);
create or replace function desk.strategy_for_import(
  p_strategy text, p_create boolean, p_named boolean, out id bigint, out name text, out remark text)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_engine text;
  v_name   text := p_strategy;
begin
  select s.id, s.name, s.engine into id, name, v_engine
  from desk.strategies as s where s.name = p_strategy or s.code = p_strategy;
  -- Whose results these are is said by who names the strategy. A folder's name may be anybody's.
  if v_engine <> 'lean' and not p_named then
    if not p_create then
      perform desk.refuse(format('Strategy %s is of the engine %s, and these are LEAN''s results', name, v_engine),
        '$.strategy', format('If they are of it all the same, name it: --strategy %s', name));
    end if;
    v_name := left(p_strategy, 58) || '_lean';
    remark := format('%s is a strategy of %s, so that these results are of %s; to have them join it: --strategy %1$s',
      name, v_engine, v_name);
    id := null;
    select s.id, s.name, s.engine into id, name, v_engine from desk.strategies as s where s.name = v_name;
    if v_engine <> 'lean' and id is not null then
      perform desk.refuse(format('%s and %s are strategies of other engines than LEAN', p_strategy, v_name),
        '$.strategy', 'Name the one that these results are of: --strategy NAME --create-strategy');
    end if;
  end if;
  if id is null and p_create then
    if v_name !~ '^[A-Za-z][A-Za-z0-9_]{0,62}$' then
      perform desk.refuse(format('Got %s as the name of a strategy', to_jsonb(left(v_name, 80))), '$.strategy',
        'A name begins with a letter, and has letters, digits and underscores.');
    end if;
    insert into desk.strategies as s (name, title, engine, entry_point, reason)
    values (v_name, v_name, 'lean', v_name, 'made by an import')
    on conflict on constraint strategies_name_key do nothing;
    select s.id, s.name into id, name from desk.strategies as s where s.name = v_name;
  end if;
  if id is null then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(p_strategy, 80))), '$.strategy',
      desk.did_you_mean(p_strategy, array(select s.name from desk.strategies as s)), '23503');
  end if;
end
$$;
comment on function desk.strategy_for_import(text, boolean, boolean) is
  'The strategy that LEAN''s results are imported for, by name or code, made where the caller asks for it. Only one '
  'that the user has named may be of another engine; a folder that has its name becomes a strategy of its own.';
grant execute on function desk.strategy_for_import(text, boolean, boolean) to desk_importer;

create or replace function desk.begin_import(
  p_strategy_id bigint, p_folder text, p_hashes text[], out import_id bigint, out known text[], out known_runs bigint[])
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  -- The row lock lets two imports for one strategy follow one after the other.
  perform from desk.strategies as s where s.id = p_strategy_id for no key update;
  if not found then
    perform desk.refuse(format('There is no strategy %s', p_strategy_id), '$.strategy',
      'See: select id, name from strategies.', '23503');
  end if;
  select coalesce(array_agg(i.content_hash order by i.content_hash), '{}'),
         coalesce(array_agg(distinct b.optimization_run_id), '{}')
  into known, known_runs
  from desk.imported_results as i
  join desk.full_results as b on b.id = i.backtest_result_id
  where i.strategy_id = p_strategy_id and i.content_hash = any (p_hashes);
  insert into desk.imports as i (strategy_id, folder, known)
  values (p_strategy_id, left(p_folder, 1000), cardinality(known))
  returning i.id into import_id;
end
$$;
comment on function desk.begin_import(bigint, text, text[]) is
  'Begins the import of one search: which of these contents were imported before, and as which runs.';
grant execute on function desk.begin_import(bigint, text, text[]) to desk_importer;

create or replace function desk.own_import(p_run_id bigint)
returns desk.optimization_runs
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_run desk.optimization_runs;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  if v_run.id is null or not v_run.imported then
    perform desk.refuse(format('Run %s is no imported run', p_run_id), '$.optimization_run_id',
      'Insert an optimization_runs row first.', '23503');
  end if;
  return v_run;
end
$$;
comment on function desk.own_import(bigint) is
  'The imported run of that number, or a refusal: an importer changes no run that the desk executes.';

create or replace function desk.describe_import(p_run_id bigint, p_config jsonb)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs := desk.own_import(p_run_id);
  v_search jsonb := coalesce(p_config -> 'optimization', '{}');
  v_key    text;
  v_sorted record;
  v_metric text;
begin
  if exists (select from desk.full_results as b where b.optimization_run_id = p_run_id) then
    perform desk.refuse(format('Run %s has results already', p_run_id), '$.optimization_run_id',
      'Describe a run before its results come.');
  end if;
  perform desk.check_config_keys(p_config || jsonb_build_object('strategy', 'imported', 'symbols',
    coalesce(p_config -> 'symbols', '"ANY"')), '', '$');
  if v_search ? 'target_metric' then
    v_metric := desk.metric_named(v_search ->> 'target_metric');
    if v_metric is null then
      perform desk.refuse(format('Unknown metric %s', to_jsonb(left(v_search ->> 'target_metric', 60))),
        '$.optimization.target_metric',
        desk.did_you_mean(v_search ->> 'target_metric', array(select d.title from desk.metric_definitions as d)),
        '23503');
    end if;
  end if;
  update desk.optimization_runs as r
  set target_metric = coalesce(v_metric, r.target_metric),
      target_direction = coalesce(v_search ->> 'target_direction',
        (select d.direction from desk.metric_definitions as d where d.metric = v_metric), r.target_direction),
      risk_free_rate = coalesce((p_config ->> 'risk_free_rate')::float8, r.risk_free_rate),
      -- Nothing that was imported can be made again, so no policy takes its series away.
      config = p_config - 'keep_series'
  where r.id = p_run_id;
  -- Constraints between parameters cut a grid before it runs; this one has run.
  select * into v_sorted
  from desk.sorted_constraints(v_run.strategy_id, coalesce((
    select jsonb_agg(c.text)
    from jsonb_array_elements_text(coalesce(v_search -> 'constraints', '[]')) as c (text)
    where desk.metric_named((regexp_match(c.text, '^\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*[<>=!]'))[1]) is not null), '[]'));
  if p_config ? 'success_criteria' or v_sorted.metric_limits <> '[]' then
    perform desk.checked_criteria(coalesce(p_config -> 'success_criteria', '{}'), '$.success_criteria');
    delete from desk.success_criteria where optimization_run_id = p_run_id;
    perform desk.set_criteria(p_run_id, p_config -> 'success_criteria', v_sorted.metric_limits);
  end if;
end
$$;
comment on function desk.describe_import(bigint, jsonb) is
  'Gives an imported run what a config says of it: target, direction, risk-free rate, success criteria and limits on '
  'metrics. The rest of a config is how to run it, which is over.';
grant execute on function desk.describe_import(bigint, jsonb) to desk_importer;

create or replace function desk.record_import(
  p_import_id bigint, p_result_id bigint, p_content_hash text, p_file text, p_source text, p_flags text[],
  p_sessions date[], p_equity double precision[],
  p_trade_symbols text[], p_trade_entry_times timestamptz[], p_trade_exit_times timestamptz[],
  p_trade_sizes double precision[], p_trade_entry_prices double precision[], p_trade_exit_prices double precision[],
  p_trade_profits double precision[], p_trade_fees double precision[])
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_result desk.full_results;
begin
  select b.* into v_result from desk.full_results as b where b.id = p_result_id;
  perform desk.own_import(v_result.optimization_run_id);
  insert into desk.imported_results (strategy_id, content_hash, import_id, backtest_result_id, file, source, flags)
  values (v_result.strategy_id, p_content_hash, p_import_id, p_result_id, left(p_file, 1000), p_source, p_flags);
  if p_equity is not null then
    insert into desk.equity_curves (backtest_result_id, sessions, equity) values (p_result_id, p_sessions, p_equity);
  end if;
  -- An imported result cannot be made again, so its series are kept whatever the policy.
  if p_trade_symbols is not null then
    insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices,
      profits, fees)
    values (p_result_id, p_trade_symbols, p_trade_entry_times, p_trade_exit_times, p_trade_sizes, p_trade_entry_prices,
      p_trade_exit_prices, p_trade_profits, p_trade_fees);
  end if;
end
$$;
comment on function desk.record_import(bigint, bigint, text, text, text, text[], date[], double precision[], text[],
  timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[],
  double precision[]) is
  'Says which content an imported result was made from, and keeps its equity curve and trades.';
grant execute on function desk.record_import(bigint, bigint, text, text, text, text[], date[], double precision[],
  text[], timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[], double precision[]) to desk_importer;

create or replace function desk.import_flags(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(array_agg(f.flag order by f.flag), '{}')
  from (
    select desk.flag_of_some(u.flag, count(*), t.total) as flag
    from (select count(*) as total from desk.full_results as b where b.optimization_run_id = p_run_id) as t
    cross join desk.full_results as b
    join desk.imported_results as i on i.backtest_result_id = b.id
    cross join lateral unnest(i.flags) as u (flag)
    where b.optimization_run_id = p_run_id
    group by u.flag, t.total
    union
    -- Without trades in the files, the number of orders and LEAN's own statistics tell whether parameters were read.
    select 'all points identical'
    from desk.full_results as b
    where b.optimization_run_id = p_run_id
    having count(*) > 1 and max(b.total_orders) > 0
      and count(distinct (b.ending_value, b.total_orders, b.total_fees, b.engine_metrics - 'failed_data_requests')) = 1
  ) as f
$$;
comment on function desk.import_flags(bigint) is
  'What looks wrong with an imported run: flags of its results, each with their number, and parameters that nobody '
  'read.';

create or replace function desk.finish_import(p_import_id bigint, p_run_id bigint, p_refused jsonb, p_remarks text[])
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run desk.optimization_runs;
begin
  -- A folder of which nothing could be imported is remembered once, as it was found last.
  delete from desk.imports as i
  using desk.imports as this
  where this.id = p_import_id and i.id <> this.id and i.strategy_id = this.strategy_id and i.folder = this.folder
    and i.optimization_run_id is null;
  insert into desk.refused_imports (import_id, file, reason)
  select p_import_id, left(r.file, 1000), left(r.reason, 2000)
  from jsonb_to_recordset(p_refused) as r (file text, reason text);
  if p_run_id is not null then
    v_run := desk.own_import(p_run_id);
    update desk.optimization_runs as r
    set flags = desk.flags_of(p_run_id)
    where r.id = p_run_id
    returning r.* into v_run;
  end if;
  update desk.imports as i
  set optimization_run_id = p_run_id,
      imported = (select count(*) from desk.imported_results as d where d.import_id = i.id),
      refused = jsonb_array_length(p_refused),
      remarks = p_remarks
  where i.id = p_import_id and i.created_by = session_user and i.optimization_run_id is null;
  if not found then
    perform desk.refuse(format('There is no open import %s of yours', p_import_id), '$.import_id',
      'Call begin_import() first.');
  end if;
  return v_run.summary;
end
$$;
comment on function desk.finish_import(bigint, bigint, jsonb, text[]) is
  'Ends an import: the refused files with their reasons, and the flags of the run. Answers the run''s summary.';
grant execute on function desk.finish_import(bigint, bigint, jsonb, text[]) to desk_importer;

grant select on desk.imports, desk.imported_results, desk.refused_imports to desk_director, desk_viewer, desk_importer;
