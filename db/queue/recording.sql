-- What runners record: a batch a call, each point refused with a word of its own and never with an exception.

drop function if exists desk.settle_point(bigint, bigint);
create or replace function desk.settle_items(p_item_ids bigint[], p_points int8multirange[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
begin
  update desk.work_items as w
  set settled = n.settled,
      state = case when n.over then 'done' else w.state end,
      token = case when n.over then null else w.token end,
      lease_until = case when n.over then null else w.lease_until end,
      deadline_at = case when n.over then null else w.deadline_at end
  from (
    select i.id, i.settled + g.points as settled, (i.settled + g.points) @> int8range(i.first_ordinal, i.last_ordinal,
      '[]') as over
    from unnest(p_item_ids, p_points) as g (item_id, points)
    join desk.work_items as i on i.id = g.item_id
    -- A short list: the few items of a small queue are looked through one by one.
    where i.id = any (p_item_ids)
  ) as n
  where w.id = n.id and w.id = any (p_item_ids);
end
$$;
comment on function desk.settle_items(bigint[], int8multirange[]) is
  'Marks points as settled, those beside each item; an item without open points is done. Each item stands once.';

create or replace function desk.settle_points(p_item_ids bigint[], p_ordinals bigint[])
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  perform desk.settle_items(array_agg(g.item_id), array_agg(g.points))
  from (
    select u.item_id, range_agg(int8range(u.ordinal, u.ordinal, '[]')) as points
    from unnest(p_item_ids, p_ordinals) as u (item_id, ordinal)
    group by u.item_id
  ) as g;
end
$$;
comment on function desk.settle_points(bigint[], bigint[]) is
  'Marks points as settled, each of the item beside it.';

drop function if exists desk.held_item(bigint, uuid, bigint);
create or replace function desk.refusals(p_item_ids bigint[], p_tokens uuid[], p_ordinals bigint[])
returns text[]
language plpgsql volatile
set search_path = desk, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  v_ids   constant bigint[] := array(select distinct u.item_id from unnest(p_item_ids) as u (item_id));
  v_words text[];
begin
  perform desk.lock_progress_of(v_ids);
  -- Nearly always nothing is to be refused, which is seen item by item.
  if not exists (
    select
    from (
      select u.item_id, u.token, range_agg(int8range(u.ordinal, u.ordinal, '[]')) as points, count(*) as given
      from unnest(p_item_ids, p_tokens, p_ordinals) as u (item_id, token, ordinal)
      group by u.item_id, u.token
    ) as g
    left join desk.work_items as w on w.id = g.item_id and w.id = any (v_ids)
    where (w.kind = 'points' and w.state = 'leased' and w.token = g.token
      and g.points <@ int8range(w.first_ordinal, w.last_ordinal, '[]') and not g.points && w.settled
      and g.given = (select sum(upper(p.piece) - lower(p.piece)) from unnest(g.points) as p (piece))) is not true)
  then
    return array_fill(null::text, array[cardinality(p_item_ids)]);
  end if;
  select array_agg(
    case
      when w.id is null or w.kind <> 'points' or w.state <> 'leased' or w.token is distinct from g.token then 'stale'
      when g.ordinal is null or not g.ordinal between w.first_ordinal and w.last_ordinal
        then format('impossible: point %s is not in this item', coalesce(g.ordinal::text, 'null'))
      when w.settled @> g.ordinal or g.earlier then 'duplicate'
    end order by g.position)
  into v_words
  from (
    select u.item_id, u.token, u.ordinal, u.position,
           row_number() over (partition by u.item_id, u.token, u.ordinal order by u.position) > 1 as earlier
    from unnest(p_item_ids, p_tokens, p_ordinals) with ordinality as u (item_id, token, ordinal, position)
  ) as g
  left join desk.work_items as w on w.id = g.item_id and w.id = any (v_ids);
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, w.id, w.runner_id, 'refusal', jsonb_build_object('ordinal', u.ordinal, 'why', u.word)
  from unnest(p_item_ids, p_ordinals, v_words) with ordinality as u (item_id, ordinal, word, position)
  join desk.work_items as w on w.id = u.item_id
  join desk.optimization_runs as r on r.id = w.optimization_run_id
  where u.word is not null
  order by u.position;
  return v_words;
end
$$;
comment on function desk.refusals(bigint[], uuid[], bigint[]) is
  'Locks the counters of the items'' runs, under which alone their state changes; for each point why the caller may '
  'not settle it, or null where it may.';

create or replace function desk.record_failure(p_item desk.work_items, p_ordinal bigint, p_kind text, p_error text)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if (select r.bulk from desk.optimization_runs as r where r.id = p_item.optimization_run_id) then
    perform desk.record_block_failures(p_item, array[p_ordinal], array[p_kind], array[p_error]);
    return;
  end if;
  insert into desk.full_results (
    optimization_run_id, strategy_id, ordinal, parameters, parameters_hash, outcome, error_kind, error,
    rejection_reasons,
    engine, code_version_id, data_hash, platform, seed, runner_id, attempt)
  select r.id, r.strategy_id, p_ordinal, p.parameters, '', 'failed', p_kind, left(p_error, 4000), '{failed}',
         r.engine, r.code_version_id, r.data_hash, n.platform, r.seed, p_item.runner_id, p_item.attempt
  from desk.optimization_runs as r
  cross join lateral desk.point_parameters(r.id, array[p_ordinal]) as p
  left join desk.runners as n on n.id = p_item.runner_id
  where r.id = p_item.optimization_run_id
  on conflict (optimization_run_id, ordinal) do nothing;
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  select r.job_id, r.id, p_item.id, p_item.runner_id, 'failure',
         jsonb_build_object('ordinal', p_ordinal, 'attempt', p_item.attempt, 'kind', p_kind, 'error',
           left(p_error, 500))
  from desk.optimization_runs as r where r.id = p_item.optimization_run_id;
end
$$;
comment on function desk.record_failure(desk.work_items, bigint, text, text) is
  'Records a point as failed for good, with its reason.';

drop function if exists desk.insert_result(desk.optimization_runs, bigint, jsonb, jsonb, bigint, integer);
-- Written out with the names of the raw metrics of today, so that no call has to plan it anew.
do $do$
begin
  execute format($function$
create or replace function desk.insert_results(
  p_run_ids bigint[], p_ordinals bigint[], p_parameters jsonb[], p_metrics jsonb[], p_runner_ids bigint[],
  p_attempts integer[])
returns table (backtest_result_id bigint, optimization_run_id bigint, ordinal bigint, passed boolean)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  insert into desk.full_results as b (
    optimization_run_id, strategy_id, ordinal, parameters, parameters_hash, engine, code_version_id, data_hash,
    platform, seed, runner_id, attempt, provenance_hash, %1$s)
  select r.id, r.strategy_id, g.ordinal, g.parameters, '', r.engine, r.code_version_id, r.data_hash, n.platform,
         r.seed, g.runner_id, g.attempt, desk.provenance_hash(r, g.parameters, n.platform), %2$s
  from unnest(p_run_ids, p_ordinals, p_parameters, p_metrics, p_runner_ids, p_attempts)
    as g (run_id, ordinal, parameters, metrics, runner_id, attempt)
  join desk.optimization_runs as r on r.id = g.run_id
  left join desk.runners as n on n.id = g.runner_id
  cross join lateral jsonb_populate_record(null::desk.raw_metrics, g.metrics) as m
  on conflict (optimization_run_id, ordinal) do nothing
  returning b.id, b.optimization_run_id, b.ordinal, b.passed;
end
$$;
$function$,
    (select string_agg(quote_ident(u.name), ', ') from unnest(desk.raw_metric_names()) as u (name)),
    (select string_agg(format(case u.name
        when 'return_count' then 'coalesce(m.%I, 0)'
        when 'engine_metrics' then 'coalesce(m.%I, ''{}'')'
        else 'm.%I' end, u.name), ', ') from unnest(desk.raw_metric_names()) as u (name)));
end
$do$;
comment on function desk.insert_results(bigint[], bigint[], jsonb[], jsonb[], bigint[], integer[]) is
  'Records finished points from their raw metrics, with their provenance, and answers those that were not there; '
  'triggers compute the ratios, judge and count.';

create or replace function desk.store_outcomes(p_outcomes desk.point_outcome[], p_places integer[])
returns integer[]
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_given  record;
  v_stored record;
  v_kept   record;
begin
  with given as materialized (
    select o.place, w.optimization_run_id as run_id, o.ordinal, o.metrics, o.sessions, o.equity, w.runner_id, w.attempt
    from unnest(p_outcomes) with ordinality
      as o (item_id, token, ordinal, metrics, sessions, equity, a, b, c, d, e, f, g, h, place)
    join desk.work_items as w on w.id = o.item_id
    where o.place = any (p_places)
  ), decoded as materialized (
    select r.run_id, p.ordinal, p.parameters
    from (select g.run_id, array_agg(g.ordinal) as ordinals from given as g group by g.run_id) as r
    cross join lateral desk.point_parameters(r.run_id, r.ordinals) as p
  )
  select array_agg(g.place::integer) as places, array_agg(g.run_id) as runs, array_agg(g.ordinal) as ordinals,
         array_agg(d.parameters) as parameters, array_agg(g.runner_id) as runners, array_agg(g.attempt) as attempts,
         -- What an engine sends wins.
         array_agg(case when g.equity is null or g.metrics ? 'benchmark_comoment' then g.metrics
           else coalesce(desk.benchmark_sums(r.id, g.sessions, g.equity, r.cash), '{}') || g.metrics end) as metrics
  into v_given
  from given as g
  join desk.optimization_runs as r on r.id = g.run_id
  join decoded as d on d.run_id = g.run_id and d.ordinal = g.ordinal;

  select array_agg(u.place) as places, array_agg(s.backtest_result_id) as ids, array_agg(s.optimization_run_id) as runs,
         array_agg(s.passed) as passed
  into v_stored
  from desk.insert_results(v_given.runs, v_given.ordinals, v_given.parameters, v_given.metrics, v_given.runners,
    v_given.attempts) as s
  join unnest(v_given.runs, v_given.ordinals, v_given.places) as u (run_id, ordinal, place)
    on u.run_id = s.optimization_run_id and u.ordinal = s.ordinal;

  -- A statement of its own, since it asks which is the best now.
  select array_agg(s.place) as places, array_agg(s.id) as ids
  into v_kept
  from unnest(v_stored.places, v_stored.ids, v_stored.runs, v_stored.passed) as s (place, id, run_id, passed)
  join desk.optimization_runs as r on r.id = s.run_id
  join desk.run_progress as p on p.optimization_run_id = r.id
  where s.passed or r.config ->> 'keep_series' = 'all'
    or (r.config ->> 'keep_series' = 'best' and p.best_result_id = s.id);
  if v_kept.ids is not null then
    with kept as materialized (
      select k.id, o.*
      from unnest(v_kept.places, v_kept.ids) as k (place, id)
      join unnest(p_outcomes) with ordinality as o (item_id, token, ordinal, metrics, sessions, equity, symbols,
        entry_times,
        exit_times, sizes, entry_prices, exit_prices, profits, fees, place) on o.place = k.place
      where o.equity is not null
    ), curves as (
      insert into desk.equity_curves (backtest_result_id, sessions, equity)
      select k.id, k.sessions, k.equity from kept as k
    )
    insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices,
      profits, fees)
    select k.id, k.symbols, k.entry_times, k.exit_times, k.sizes, k.entry_prices, k.exit_prices, k.profits, k.fees
      from kept as k;
  end if;
  return coalesce(v_stored.places, '{}');
end
$$;
comment on function desk.store_outcomes(desk.point_outcome[], integer[]) is
  'Stores the outcomes at these places with the series that their runs keep; answers the places of those that were '
  'not there.';

drop function if exists desk.complete_work(bigint, uuid, bigint, jsonb, date[], double precision[], text[],
  timestamptz[], timestamptz[],
  double precision[], double precision[], double precision[], double precision[], double precision[]);
create or replace function desk.complete_work(p_outcomes desk.point_outcome[])
returns text[]
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_given  record;
  v_words  text[];
  v_held   integer[];
  v_open   integer[];
  v_stored integer[] := '{}';
  v_place  integer;
begin
  select array_agg(o.item_id) as items, array_agg(o.token) as tokens, array_agg(o.ordinal) as ordinals,
         array_agg(case
           when jsonb_typeof(o.metrics) is distinct from 'object' then 'impossible: a result has no metrics'
           -- Every engine counts them: without, it is no result, and would be judged by nulls.
           when o.metrics ->> 'total_orders' is null then 'impossible: the metrics lack total_orders'
           when not ('Infinity' > all (o.equity) and '-Infinity' < all (o.equity))
             then 'impossible: the equity has values that are no numbers' end) as flaws
  into v_given
  from unnest(p_outcomes) as o (item_id, token, ordinal, metrics, sessions, equity, a, b, c, d, e, f, g, h);
  if v_given.items is null then
    return '{}';
  end if;
  v_words := desk.refusals(v_given.items, v_given.tokens, v_given.ordinals);
  v_held := array(select u.place from unnest(v_words) with ordinality as u (word, place) where u.word is null);
  v_words := array(select coalesce(u.word, u.flaw) from unnest(v_words, v_given.flaws) with ordinality as u (word,
    flaw, place) order by u.place);
  v_open := array(select u.place from unnest(v_words) with ordinality as u (word, place) where u.word is null);
  if v_open <> '{}' then
    begin
      v_stored := desk.store_outcomes(p_outcomes, v_open);
    exception when check_violation or not_null_violation or data_exception then
      -- One of them is impossible, and costs the others nothing: each by itself.
      foreach v_place in array v_open loop
        begin
          v_stored := v_stored || desk.store_outcomes(p_outcomes, array[v_place]);
        exception when check_violation or not_null_violation or data_exception then
          v_words[v_place] := 'impossible: ' || sqlerrm;
        end;
      end loop;
    end;
  end if;
  if v_held <> '{}' then
    perform desk.record_failure(w, v_given.ordinals[u.place], 'impossible', substr(v_words[u.place], 13))
    from unnest(v_held) as u (place)
    join desk.work_items as w on w.id = v_given.items[u.place]
    where v_words[u.place] is not null;
    perform desk.settle_points(
      array(select v_given.items[u.place] from unnest(v_held) as u (place)),
      array(select v_given.ordinals[u.place] from unnest(v_held) as u (place)));
  end if;
  return array(
    select coalesce(u.word, case when u.place = any (v_stored) then 'recorded' else 'duplicate' end)
    from unnest(v_words) with ordinality as u (word, place) order by u.place);
end
$$;
comment on function desk.complete_work(desk.point_outcome[]) is
  'Records finished points and answers a word for each: recorded, or stale (the caller no longer holds it), '
  'duplicate, or impossible: why (recorded as failed). Judged by trigger.';
grant execute on function desk.complete_work(desk.point_outcome[]) to desk_runner;

create or replace function desk.complete_and_claim(p_outcomes desk.point_outcome[], p_runner_id bigint, p_limit integer)
returns table (
  word text, work_item_id bigint, token uuid, optimization_run_id bigint, attempt integer, ordinals bigint[],
  parameters jsonb)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  return query
  select u.word, null::bigint, null::uuid, null::bigint, null::integer, null::bigint[], null::jsonb
  from unnest(desk.complete_work(p_outcomes)) as u (word);
  -- The counters of the recorded points' runs are locked by now, so no others may be waited for.
  return query
  select null::text, c.* from desk.claim_work(p_runner_id, p_limit, false) as c;
end
$$;
comment on function desk.complete_and_claim(desk.point_outcome[], bigint, integer) is
  'complete_work and claim_work in one transaction: first a row a word, then a row a claimed item. May claim less '
  'than there is, where another one holds a run''s counters.';
grant execute on function desk.complete_and_claim(desk.point_outcome[], bigint, integer) to desk_runner;

create or replace function desk.fail_work(p_work_item_id bigint, p_token uuid, p_ordinal bigint, p_kind text,
  p_error text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_refusal text;
  v_item    desk.work_items;
  v_outcome text := 'failed';
begin
  if p_kind is null or p_kind not in ('strategy', 'deadline', 'memory', 'crash', 'infrastructure') then
    return format('impossible: unknown kind %s', coalesce(p_kind, 'null'));
  end if;
  v_refusal := (desk.refusals(array[p_work_item_id], array[p_token], array[p_ordinal]))[1];
  if v_refusal is not null then
    return v_refusal;
  end if;
  select w.* into v_item from desk.work_items as w where w.id = p_work_item_id;
  -- What a strategy raises, it raises again: there is no second attempt.
  if p_kind = 'strategy' then
    perform desk.record_failure(v_item, p_ordinal, p_kind, coalesce(nullif(p_error, ''), 'no message'));
  else
    v_outcome := desk.reissue_point(v_item, p_ordinal, p_kind, coalesce(nullif(p_error, ''), 'no message'));
  end if;
  perform desk.settle_points(array[p_work_item_id], array[p_ordinal]);
  return v_outcome;
end
$$;
comment on function desk.fail_work(bigint, uuid, bigint, text, text) is
  'A point did not finish: failed (recorded), retried (issued again alone), or stale, duplicate, impossible: why.';
grant execute on function desk.fail_work(bigint, uuid, bigint, text, text) to desk_runner;
