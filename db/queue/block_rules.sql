-- Points of bulk runs as runners record them: a block a call, in arrays, stored, judged and counted by one statement.

-- What a point must be to be judged at all, once: true, or the word for what is wrong with it.
create or replace function desk.block_flaw()
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select $sql$case
    when (p.sessions >= 0 and p.return_count >= 0 and p.tail_count >= 0 and p.max_drawdown_sessions >= 0
      and p.total_orders >= 0 and p.total_trades >= 0 and p.winning_trades >= 0 and p.losing_trades >= 0
      and p.exposed_sessions >= 0 and coalesce(p.refused_for_cash, 0) >= 0 and coalesce(p.refused_otherwise, 0) >= 0)
      is not true then 'a count is missing or negative'
    when p.winning_trades + p.losing_trades > p.total_trades then 'more trades won and lost than closed'
    when p.exposed_sessions > p.sessions or p.return_count > p.sessions
      or (p.exposed_time >= 0 and p.exposed_time <= p.sessions) is false then 'more days than sessions'
    when (p.gross_profit >= 0 and p.gross_loss >= 0 and p.return_m2 >= 0 and p.return_m4 >= 0 and p.downside_m2 >= 0
      and p.trade_profit_m2 >= 0 and p.max_drawdown >= 0) is not true then 'a sum is missing or negative'
    when (abs(p.ending_value) < 'Infinity' and abs(p.return_mean) < 'Infinity' and p.return_m2 < 'Infinity'
      and abs(p.return_m3) < 'Infinity' and p.return_m4 < 'Infinity' and p.downside_m2 < 'Infinity'
      and abs(p.tail_sum) < 'Infinity' and abs(p.tail_return) < 'Infinity' and p.max_drawdown < 'Infinity'
      and p.gross_profit < 'Infinity' and p.gross_loss < 'Infinity' and abs(p.trade_profit_sum) < 'Infinity'
      and p.trade_profit_m2 < 'Infinity' and abs(p.total_fees) < 'Infinity' and abs(p.traded_value) < 'Infinity'
      and abs(coalesce(p.benchmark_comoment, 0)) < 'Infinity') is not true
      then 'a value is missing or no number' end$sql$
$$;
comment on function desk.block_flaw() is
  'What makes a point of a block impossible, as an expression over a relation p; null for a possible one.';

create or replace function desk.record_block_failures(p_item desk.work_items, p_ordinals bigint[], p_kinds text[],
  p_errors text[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  insert into desk.full_results (
    id, optimization_run_id, strategy_id, ordinal, parameters, parameters_hash, outcome, error_kind, error,
    rejection_reasons, engine, code_version_id, data_hash, platform, seed, runner_id, attempt)
  overriding system value
  select desk.bulk_id(r.id, u.ordinal), r.id, r.strategy_id, u.ordinal, p.parameters, '', 'failed', u.kind,
         left(coalesce(nullif(u.error, ''), 'no message'), 4000), '{failed}', r.engine, r.code_version_id, r.data_hash,
         n.platform, r.seed, p_item.runner_id, p_item.attempt
  from unnest(p_ordinals, p_kinds, p_errors) as u (ordinal, kind, error)
  join desk.optimization_runs as r on r.id = p_item.optimization_run_id
  join desk.point_parameters(p_item.optimization_run_id, p_ordinals) as p on p.ordinal = u.ordinal
  left join desk.runners as n on n.id = p_item.runner_id
  on conflict (optimization_run_id, ordinal) do nothing;
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'failure', jsonb_build_object('ordinal', min(u.ordinal),
    'points', count(*), 'attempt', p_item.attempt, 'kind', u.kind, 'error', left(min(u.error), 500))
  from unnest(p_ordinals, p_kinds, p_errors) as u (ordinal, kind, error)
  join desk.optimization_runs as r on r.id = p_item.optimization_run_id
  group by r.job_id, r.id, u.kind;
end
$$;
comment on function desk.record_block_failures(desk.work_items, bigint[], text[], text[]) is
  'Records points of a block as failed for good, each under the id that it would have had.';

create or replace function desk.block_refusal(p_item_id bigint, p_token uuid, p_first bigint, p_last bigint,
  p_counts integer[], p_flaw text)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_item desk.work_items;
  v_word text;
begin
  perform desk.lock_progress_of(array[p_item_id]);
  select w.* into v_item from desk.work_items as w where w.id = p_item_id;
  v_word := case
    when v_item.id is null or v_item.kind <> 'points' or v_item.state <> 'leased'
      or v_item.token is distinct from p_token then 'stale'
    when not exists (select from desk.bulk_runs as k where k.optimization_run_id = v_item.optimization_run_id)
      then format('impossible: run %s takes its points one by one', v_item.optimization_run_id)
    when p_first is null or coalesce(p_last < p_first, true) then 'impossible: the block has no points'
    when p_first < v_item.first_ordinal or p_last > v_item.last_ordinal
      then format('impossible: points %s to %s are not in this item', p_first, p_last)
    when v_item.settled && int8range(p_first, p_last, '[]') then 'duplicate'
    when exists (select from unnest(p_counts) as u (n) where u.n is distinct from p_last - p_first + 1)
      then format('impossible: the arrays have not %s values each', p_last - p_first + 1)
    else p_flaw end;
  if v_word is not null and v_item.id is not null then
    insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
    select r.job_id, r.id, v_item.id, v_item.runner_id, 'refusal', jsonb_build_object('ordinal', p_first, 'last',
      p_last, 'why', v_word)
    from desk.optimization_runs as r where r.id = v_item.optimization_run_id;
  end if;
  return v_word;
end
$$;
comment on function desk.block_refusal(bigint, uuid, bigint, bigint, integer[], text) is
  'Locks the counters of the item''s run, under which alone its state changes; why the caller may not record this '
  'block, or null where it may.';

create or replace function desk.block_rows()
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select 'unnest(
      $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
      $29, $30, $31, $32, $33, $34) with ordinality as p (
        sessions, return_count, tail_count, max_drawdown_sessions, total_orders, total_trades, winning_trades,
        losing_trades, exposed_sessions, ending_value, return_mean, return_m2, return_m3, return_m4, downside_m2,
        tail_sum, tail_return, max_drawdown, gross_profit, gross_loss, trade_profit_sum, trade_profit_m2, total_fees,
        traded_value, refused_for_cash, refused_otherwise, exposed_time, benchmark_comoment, lost_on, place)'
$$;
comment on function desk.block_rows() is
  'The arrays of a block as rows p, a point each; $6 to $34 of the statements about a block.';

create or replace function desk.block_statement(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  -- $1 the run, $2 the id before the first point, $3 to $4 the places to store, $5 places that failed, then the arrays.
  select format($sql$
    with stored as (
      insert into desk.bulk_points as p (id, optimization_run_id, sharpe_ratio,
      ending_value, return_mean, return_m2, return_m3, return_m4, downside_m2, tail_sum, tail_return, max_drawdown,
      gross_profit, gross_loss, trade_profit_sum, trade_profit_m2, total_fees, traded_value, exposed_time,
      benchmark_comoment, verdict, sessions, return_count, tail_count, max_drawdown_sessions, total_orders,
      total_trades, winning_trades, losing_trades, exposed_sessions, refused_for_cash, refused_otherwise, lost_on)
      select $2 + p.place, $1, %1$s,
      p.ending_value, p.return_mean, p.return_m2, p.return_m3, p.return_m4, p.downside_m2, p.tail_sum, p.tail_return,
      p.max_drawdown, p.gross_profit, p.gross_loss, p.trade_profit_sum, p.trade_profit_m2, p.total_fees,
      p.traded_value, nullif(p.exposed_time, p.exposed_sessions), p.benchmark_comoment, %2$s, p.sessions,
      p.return_count, p.tail_count, p.max_drawdown_sessions, p.total_orders, p.total_trades, p.winning_trades,
      p.losing_trades, p.exposed_sessions, p.refused_for_cash, p.refused_otherwise, p.lost_on
      from %8$s
      where p.place between $3 and $4 and p.place <> all ($5) and (%3$s) is null
      returning p.id, p.verdict, p.sharpe_ratio, %4$s::double precision as target,
        case when p.verdict = 0 then 0 else p.verdict & (%7$s) end as undefined
    ), tallied as (
      insert into desk.bulk_verdicts as v (optimization_run_id, verdict, undefined, points)
      select $1, s.verdict, s.undefined, count(*) from stored as s group by s.verdict, s.undefined
      on conflict (optimization_run_id, verdict, undefined) do update set points = v.points + excluded.points
    )
    select a.*, b.id as best_id, b.target as best_value
    from (
      select count(*) as finished, count(*) filter (where s.verdict = 0) as passed, max(s.sharpe_ratio) as best_sharpe,
             max(s.sharpe_ratio) filter (where s.verdict = 0) as best_passed_sharpe
      from stored as s
    ) as a
    left join (
      select s.id, s.target from stored as s
      where s.target is not null and s.verdict & %5$s = 0
      order by s.target %6$s, s.id limit 1
    ) as b on true $sql$,
    desk.metric_of('sharpe_ratio', g.given), k.verdict, desk.block_flaw(),
    desk.target_of(p_run_id),
    k.constraint_bits, case r.target_direction when 'min' then 'asc' else 'desc' end, k.undefined,
    desk.block_rows())
  from desk.bulk_runs as k
  join desk.optimization_runs as r on r.id = k.optimization_run_id
  cross join lateral (select desk.bulk_constants(k.optimization_run_id)) as g (given)
  where k.optimization_run_id = p_run_id
$$;
comment on function desk.block_statement(bigint) is
  'The statement that stores, judges and tallies a block of a run''s points, and answers how many, how many passed and '
  'the best.';

create or replace function desk.block_flaws_statement()
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  -- $1 to $3 the failures so far, $5 their places, then the arrays.
  select format($sql$
    select $1 || array_agg(p.place::integer order by p.place), $2 || array_agg('impossible'::text),
           $3 || array_agg(%1$s order by p.place)
    from %2$s
    where (%1$s) is not null and $4 = 0 and p.place <> all ($5) $sql$, desk.block_flaw(), desk.block_rows())
$$;
comment on function desk.block_flaws_statement() is
  'The statement that adds the impossible points of a block to its failures, each with its word.';

create or replace function desk.is_better(p_run_id bigint, p_value double precision, p_than double precision)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  select case r.target_direction when 'min' then p_value < p_than else p_value > p_than end
  from desk.optimization_runs as r where r.id = p_run_id
$$;
comment on function desk.is_better(bigint, double precision, double precision) is
  'True where a value of a run''s target is better than another.';

create or replace function desk.is_sampled(p_ordinal bigint, p_below bigint)
returns boolean
language sql immutable
set search_path = desk, pg_temp
as $$
  select p_ordinal * 2654435761 % 4294967296 < p_below
$$;
comment on function desk.is_sampled(bigint, bigint) is
  'True for points that come with sums by block: those whose ordinal, hashed (Knuth''s multiplication), is below the '
  'bound of their run.';

create or replace function desk.store_samples(p_run_id bigint, p_first bigint, p_last bigint, p_failed integer[],
  p_counts integer[], p_sums double precision[], p_squares double precision[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_below    constant bigint := (
    select k.sampled_below from desk.bulk_runs as k where k.optimization_run_id = p_run_id);
  v_ordinals constant bigint[] := array(
    select o from generate_series(p_first, p_last) as o where o * 2654435761 % 4294967296 < v_below order by o);
  v_blocks   integer;
begin
  if cardinality(v_ordinals) = 0 or cardinality(p_sums) = 0 then
    return;
  elsif cardinality(p_sums) % cardinality(v_ordinals) <> 0 then
    perform desk.refuse(format('Got %s sums by block for %s sampled points', cardinality(p_sums),
      cardinality(v_ordinals)), '$.block_sums', 'Send as many for each point that is_sampled(), failed ones too.');
  end if;
  v_blocks := cardinality(p_sums) / cardinality(v_ordinals);
  insert into desk.bulk_samples (id, optimization_run_id, block_counts, block_sums, block_squares)
  select desk.bulk_id(p_run_id, u.ordinal), p_run_id, p_counts[v_blocks * (u.k - 1) + 1 : v_blocks * u.k],
         p_sums[v_blocks * (u.k - 1) + 1 : v_blocks * u.k], p_squares[v_blocks * (u.k - 1) + 1 : v_blocks * u.k]
  from unnest(v_ordinals) with ordinality as u (ordinal, k)
  where (u.ordinal - p_first + 1)::integer <> all (p_failed);
end
$$;
comment on function desk.store_samples(bigint, bigint, bigint, integer[], integer[], double precision[],
  double precision[]) is 'Stores the sums by block of the sampled points of a block that did not fail.';

create or replace function desk.count_block(p_run_id bigint, p_finished bigint, p_passed bigint,
  p_seconds double precision, p_best_id bigint, p_best_value double precision, p_best_sharpe double precision,
  p_best_passed_sharpe double precision)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_judged constant boolean := (select r.role = 'search' from desk.optimization_runs as r where r.id = p_run_id);
begin
  update desk.run_progress as p
  set finished = p.finished + p_finished,
      passed = p.passed + p_passed,
      results_seconds = p.results_seconds + greatest(0, coalesce(p_seconds, 0)),
      best_value = case when b.better then p_best_value else p.best_value end,
      best_result_id = case when b.better then p_best_id else p.best_result_id end,
      due = p.due or p.finished + p.failed + p_finished >= p.total,
      updated_at = now()
  from (
    select coalesce(p_best_id is not null and (o.best_value is null
      or desk.is_better(p_run_id, p_best_value, o.best_value)
      or (p_best_value = o.best_value and p_best_id < o.best_result_id)), false) as better
    from desk.run_progress as o where o.optimization_run_id = p_run_id
  ) as b
  where p.optimization_run_id = p_run_id;
  insert into desk.run_tallies as t (optimization_run_id, quarter, finished, failed, passed, best_sharpe,
    best_passed_sharpe)
  values (p_run_id, date_bin('15 minutes', clock_timestamp(), timestamptz '2000-01-01 00:00+00'), p_finished, 0,
    case when v_judged then p_passed else 0 end, case when v_judged then p_best_sharpe end,
    case when v_judged then p_best_passed_sharpe end)
  on conflict (optimization_run_id, quarter) do update
  set finished = t.finished + excluded.finished, passed = t.passed + excluded.passed,
      best_sharpe = greatest(t.best_sharpe, excluded.best_sharpe),
      best_passed_sharpe = greatest(t.best_passed_sharpe, excluded.best_passed_sharpe);
end
$$;
comment on function desk.count_block(bigint, bigint, bigint, double precision, bigint, double precision,
  double precision, double precision) is
  'Counts a block into its run and its quarter of an hour, and keeps the best; of equals the lowest ordinal.';
