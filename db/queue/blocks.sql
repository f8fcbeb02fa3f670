-- A block of points of a bulk run, as runners record it.

create or replace function desk.complete_block(
  p_work_item_id bigint, p_token uuid, p_first_ordinal bigint, p_seconds double precision, p_sessions integer[],
  p_return_count integer[], p_tail_count integer[], p_max_drawdown_sessions integer[], p_total_orders integer[],
  p_total_trades integer[], p_winning_trades integer[], p_losing_trades integer[], p_exposed_sessions integer[],
  p_ending_value double precision[], p_return_mean double precision[], p_return_m2 double precision[],
  p_return_m3 double precision[], p_return_m4 double precision[], p_downside_m2 double precision[],
  p_tail_sum double precision[], p_tail_return double precision[], p_max_drawdown double precision[],
  p_gross_profit double precision[], p_gross_loss double precision[], p_trade_profit_sum double precision[],
  p_trade_profit_m2 double precision[], p_total_fees double precision[], p_traded_value double precision[],
  p_refused_for_cash integer[] default null, p_refused_otherwise integer[] default null,
  p_exposed_time double precision[] default null, p_benchmark_comoment double precision[] default null,
  p_lost_on date[] default null, p_failed_ordinals bigint[] default '{}', p_failed_kinds text[] default '{}',
  p_failed_errors text[] default '{}', p_block_counts integer[] default '{}',
  p_block_sums double precision[] default '{}', p_block_squares double precision[] default '{}')
returns table (word text, points bigint, first_ordinal bigint)
language plpgsql volatile security definer
set search_path = desk, pg_temp set jit = off
as $$
#variable_conflict use_column
declare
  v_last    constant bigint := p_first_ordinal + cardinality(p_ending_value) - 1;
  v_points  constant integer := cardinality(p_ending_value);
  v_failed  integer[] := array(
    select (u.ordinal - p_first_ordinal + 1)::integer from unnest(p_failed_ordinals) as u (ordinal));
  v_kinds   text[] := p_failed_kinds;
  v_errors  text[] := p_failed_errors;
  v_sql     text;
  v_item    desk.work_items;
  v_base    bigint;
  v_todo    int4range[] := array[int4range(1, v_points, '[]')];
  v_slice   int4range;
  v_got     record;
  v_count   bigint := 0;
  v_passed  bigint := 0;
  v_best    record;
  v_sharpe  double precision;
  v_sharpe_passed double precision;
begin
  select null::bigint as id, null::double precision as value into v_best;
  word := desk.block_refusal(p_work_item_id, p_token, p_first_ordinal, v_last, array[
      cardinality(p_sessions), cardinality(p_return_count), cardinality(p_tail_count),
      cardinality(p_max_drawdown_sessions), cardinality(p_total_orders), cardinality(p_total_trades),
      cardinality(p_winning_trades), cardinality(p_losing_trades), cardinality(p_exposed_sessions),
      cardinality(p_ending_value), cardinality(p_return_mean), cardinality(p_return_m2), cardinality(p_return_m3),
      cardinality(p_return_m4), cardinality(p_downside_m2), cardinality(p_tail_sum), cardinality(p_tail_return),
      cardinality(p_max_drawdown), cardinality(p_gross_profit), cardinality(p_gross_loss),
      cardinality(p_trade_profit_sum), cardinality(p_trade_profit_m2), cardinality(p_total_fees),
      cardinality(p_traded_value),
      coalesce(cardinality(p_refused_for_cash), v_points), coalesce(cardinality(p_refused_otherwise), v_points),
      coalesce(cardinality(p_exposed_time), v_points), coalesce(cardinality(p_benchmark_comoment), v_points),
      coalesce(cardinality(p_lost_on), v_points)],
    case when cardinality(p_failed_kinds) <> cardinality(p_failed_ordinals)
        or cardinality(p_failed_errors) <> cardinality(p_failed_ordinals)
        then 'impossible: failed points, kinds and errors are not as many'
      when exists (select from unnest(p_failed_ordinals) as u (o) where u.o is null
          or not u.o between p_first_ordinal and v_last)
        then 'impossible: a failed point is not in the block'
      when exists (select from unnest(p_failed_kinds) as u (k) where u.k is null
          or u.k not in ('strategy', 'deadline', 'memory', 'crash', 'infrastructure'))
        then 'impossible: a kind of failure is unknown'
      when cardinality(p_block_sums) <> cardinality(p_block_counts)
        or cardinality(p_block_squares) <> cardinality(p_block_counts)
        then 'impossible: sums by block are not aligned' end);
  if word is not null then
    points := v_points;
    first_ordinal := p_first_ordinal;
    return next;
    return;
  end if;
  select w.* into v_item from desk.work_items as w where w.id = p_work_item_id;
  v_base := desk.bulk_id(v_item.optimization_run_id, p_first_ordinal) - 1;
  v_sql := desk.block_statement(v_item.optimization_run_id);
  while cardinality(v_todo) > 0 loop
    v_slice := v_todo[1];
    v_todo := v_todo[2:];
    begin
      execute v_sql into v_got
      using v_item.optimization_run_id, v_base, lower(v_slice), upper(v_slice) - 1, v_failed,
        p_sessions, p_return_count, p_tail_count, p_max_drawdown_sessions, p_total_orders, p_total_trades,
        p_winning_trades, p_losing_trades, p_exposed_sessions, p_ending_value, p_return_mean, p_return_m2,
        p_return_m3, p_return_m4, p_downside_m2, p_tail_sum, p_tail_return, p_max_drawdown, p_gross_profit,
        p_gross_loss, p_trade_profit_sum, p_trade_profit_m2, p_total_fees, p_traded_value, p_refused_for_cash,
        p_refused_otherwise, p_exposed_time, p_benchmark_comoment, p_lost_on;
      v_count := v_count + v_got.finished;
      v_passed := v_passed + v_got.passed;
      v_sharpe := greatest(v_sharpe, v_got.best_sharpe);
      v_sharpe_passed := greatest(v_sharpe_passed, v_got.best_passed_sharpe);
      if v_got.best_id is not null then
        -- Slices come in the order of their points, so of equals the first stays.
        if v_best.value is null or desk.is_better(v_item.optimization_run_id, v_got.best_value, v_best.value) then
          select v_got.best_id as id, v_got.best_value as value into v_best;
        end if;
      end if;
    exception when check_violation or not_null_violation or data_exception then
      if upper(v_slice) - lower(v_slice) = 1 then
        v_failed := v_failed || lower(v_slice);
        v_kinds := v_kinds || 'impossible'::text;
        v_errors := v_errors || sqlerrm;
      else
        -- A number of one of them is beyond what a ratio can hold: it costs itself.
        v_todo := array[int4range(lower(v_slice), (lower(v_slice) + upper(v_slice)) / 2),
          int4range((lower(v_slice) + upper(v_slice)) / 2, upper(v_slice))] || v_todo;
      end if;
    end;
  end loop;
  if v_count + cardinality(v_failed) < v_points then
    execute desk.block_flaws_statement()
    into v_failed, v_kinds, v_errors
    using v_failed, v_kinds, v_errors, 0, v_failed,
        p_sessions, p_return_count, p_tail_count, p_max_drawdown_sessions, p_total_orders, p_total_trades,
        p_winning_trades, p_losing_trades, p_exposed_sessions, p_ending_value, p_return_mean, p_return_m2,
        p_return_m3, p_return_m4, p_downside_m2, p_tail_sum, p_tail_return, p_max_drawdown, p_gross_profit,
        p_gross_loss, p_trade_profit_sum, p_trade_profit_m2, p_total_fees, p_traded_value, p_refused_for_cash,
        p_refused_otherwise, p_exposed_time, p_benchmark_comoment, p_lost_on;
  end if;
  if v_failed <> '{}' then
    perform desk.record_block_failures(v_item,
      array(select p_first_ordinal + u.place - 1 from unnest(v_failed) as u (place)), v_kinds, v_errors);
  end if;
  perform desk.store_samples(v_item.optimization_run_id, p_first_ordinal, v_last, v_failed, p_block_counts,
    p_block_sums, p_block_squares);
  insert into desk.bulk_blocks (first_id, last_id, optimization_run_id, runner_id, attempt, platform, seconds)
  select v_base + 1, v_base + v_points, v_item.optimization_run_id, v_item.runner_id, v_item.attempt, n.platform,
         greatest(0, coalesce(p_seconds, 0))
  from (select 1) as one left join desk.runners as n on n.id = v_item.runner_id;
  perform desk.count_block(v_item.optimization_run_id, v_count, v_passed, p_seconds, v_best.id, v_best.value, v_sharpe,
    v_sharpe_passed);
  perform desk.settle_items(array[p_work_item_id],
    array[int8multirange(int8range(p_first_ordinal, v_last, '[]'))]);
  return query select 'recorded', v_count, p_first_ordinal where v_count > 0;
  return query
  select case u.kind when 'impossible' then 'impossible: ' || u.error else 'failed' end, count(*),
         p_first_ordinal + min(u.place) - 1
  from unnest(v_failed, v_kinds, v_errors) as u (place, kind, error)
  group by 1 order by 3;
end
$$;
comment on function desk.complete_block(
  bigint, uuid, bigint, double precision, integer[], integer[], integer[], integer[], integer[], integer[],
  integer[], integer[], integer[], double precision[], double precision[], double precision[], double precision[],
  double precision[], double precision[], double precision[], double precision[], double precision[],
  double precision[], double precision[], double precision[], double precision[], double precision[],
  double precision[], integer[], integer[], double precision[], double precision[], date[], bigint[], text[], text[],
  integer[], double precision[], double precision[]) is
  'Records a range of points of a held item, from p_first_ordinal on, as many as each array has values; answers rows '
  'of a word, how many points it is about, and the first of them: recorded, failed, impossible: why (recorded as '
  'failed), or for all of them stale, duplicate, impossible: why (nothing is recorded).';
grant execute on function desk.complete_block(
  bigint, uuid, bigint, double precision, integer[], integer[], integer[], integer[], integer[], integer[],
  integer[], integer[], integer[], double precision[], double precision[], double precision[], double precision[],
  double precision[], double precision[], double precision[], double precision[], double precision[],
  double precision[], double precision[], double precision[], double precision[], double precision[],
  double precision[], integer[], integer[], double precision[], double precision[], date[], bigint[], text[], text[],
  integer[], double precision[], double precision[]) to desk_runner;

create or replace function desk.bulk_plan(p_run_id bigint)
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select jsonb_build_object('sampled_below', k.sampled_below, 'block_count', 16, 'generations', (
    select jsonb_agg(jsonb_build_object(
      'generation', g.generation, 'first_ordinal', g.first_ordinal, 'points', g.points, 'axes', (
        select jsonb_agg(jsonb_build_object('parameters', a.parameters, 'sizes', a.sizes, 'points', a.points,
          'valid', a.valid, 'values', (
            select jsonb_agg((
              select jsonb_agg(desk.axis_value(s.item, i) order by i)
              from generate_series(0, n.size - 1) as i) order by n.position)
            from unnest(a.parameters, a.sizes) with ordinality as n (name, size, position)
            join jsonb_array_elements(g.space) as s (item) on s.item ->> 'name' = n.name)) order by a.axis)
        from desk.search_axes as a
        where a.optimization_run_id = g.optimization_run_id and a.generation = g.generation),
      'listed', (
        select jsonb_object_agg(q.ordinal, q.parameters)
        from desk.search_points as q
        where q.optimization_run_id = g.optimization_run_id and q.generation = g.generation)) order by g.generation)
    from desk.search_generations as g where g.optimization_run_id = k.optimization_run_id))
  from desk.bulk_runs as k where k.optimization_run_id = p_run_id
$$;
comment on function desk.bulk_plan(bigint) is
  'What a runner needs to decode the ordinals of a bulk run: the axes of each generation with their values, the last '
  'of them turning fastest, or its listed points; and below which hash points are sampled (is_sampled()). Null where '
  'the run takes its points one by one.';
grant execute on function desk.bulk_plan(bigint) to desk_runner;
