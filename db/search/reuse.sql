-- Reuse: an equal result is not run again. Equal is equal code, prices, parameters, settings and platform.

create or replace function desk.provenance_hash(p_run desk.optimization_runs, p_parameters jsonb, p_platform text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select desk.sha256_text(format('%s/%s/%s/%s/%s/%s', p_run.strategy_id, p_run.code_version_id, p_run.data_hash,
    p_run.settings_hash,
    p_parameters, p_platform))
  where p_run.code_version_id is not null and p_run.settings_hash is not null and p_platform is not null
$$;
comment on function desk.provenance_hash(desk.optimization_runs, jsonb, text) is
  'SHA-256 of all that decides the numbers of a point; null where something of it is not known.';

create or replace function desk.copy_result(p_source desk.full_results, p_run desk.optimization_runs,
  p_ordinal bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_copy desk.full_results := p_source;
begin
  v_copy.id := nextval(pg_get_serial_sequence('desk.full_results', 'id'));
  v_copy.optimization_run_id := p_run.id;
  v_copy.ordinal := p_ordinal;
  v_copy.source_result_id := coalesce(p_source.source_result_id, p_source.id);
  v_copy.runner_id := null;
  v_copy.attempt := null;
  v_copy.duration := 0;
  v_copy.created_at := clock_timestamp();
  insert into desk.full_results overriding system value select (v_copy).*
  on conflict (optimization_run_id, ordinal) do nothing;
  if found then
    insert into desk.equity_curves (backtest_result_id, sessions, equity)
    select v_copy.id, e.sessions, e.equity from desk.equity_curves as e where e.backtest_result_id = p_source.id;
    insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices,
      profits, fees)
    select v_copy.id, t.symbols, t.entry_times, t.exit_times, t.sizes, t.entry_prices, t.exit_prices, t.profits, t.fees
    from desk.trades as t where t.backtest_result_id = p_source.id;
  end if;
  return v_copy.id;
end
$$;
comment on function desk.copy_result(desk.full_results, desk.optimization_runs, bigint) is
  'Records a known result as a point of another run: the raw metrics are copied, the verdict is the run''s own.';

drop function if exists desk.reuse_points(bigint, bigint, bigint, bigint[]);
create or replace function desk.reuse_points(p_run_id bigint, p_runner_id bigint, p_item_ids bigint[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_known  record;
  v_items  bigint[] := '{}';
  v_copied bigint[] := '{}';
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  for v_known in
    select w.work_item_id, p.ordinal, k.source
    from desk.runners as n
    cross join desk.leased_work(p_run_id, p_item_ids) as w
    cross join lateral unnest(w.ordinals, array(select jsonb_array_elements(w.parameters))) as p (ordinal, parameters)
    cross join lateral (
      select b as source
      from desk.full_results as b
      where b.provenance_hash = desk.provenance_hash(v_run, p.parameters, n.platform)
        and b.outcome = 'finished' and b.source_result_id is null and b.optimization_run_id <> p_run_id
        -- A run that keeps every curve needs one.
        and (v_run.config ->> 'keep_series' <> 'all' or exists (
          select from desk.equity_curves as e where e.backtest_result_id = b.id))
        -- What is open at the end of a test is closed there. LEAN does not tell it, nor does a result from before.
        and (v_run.role <> 'out_of_sample' or b.open_positions is not null or b.engine = 'lean')
      order by b.id limit 1
    ) as k
    where n.id = p_runner_id
    order by p.ordinal
  loop
    perform desk.copy_result(v_known.source, v_run, v_known.ordinal);
    v_items := v_items || v_known.work_item_id;
    v_copied := v_copied || v_known.ordinal;
  end loop;
  if v_copied <> '{}' then
    perform desk.settle_points(v_items, v_copied);
    update desk.run_progress set reused = reused + cardinality(v_copied) where optimization_run_id = p_run_id;
  end if;
end
$$;
comment on function desk.reuse_points(bigint, bigint, bigint[]) is
  'Copies those points of claimed items that are known already, and settles them.';
