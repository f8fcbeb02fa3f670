-- Judgement: ratios from raw metrics, criteria against ratios, a reason for every rejection.

-- Written out from the functions of ratios.sql, so that a row asks no catalogue.
do $do$
begin
  execute format($function$
create or replace function desk.compute_ratios(inout p_result desk.full_results, p_risk_free_rate double precision)
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  p_result.lost := %s;
  p_result.metrics_given := p_result.return_count is null;
  if p_result.metrics_given then
    if p_result.lost then
      p_result.sharpe_ratio := null;
      p_result.sortino_ratio := null;
      p_result.calmar_ratio := null;
    end if;
    return;
  end if;
%s
end
$$;
$function$,
    desk.ratio_call('lost', 'p_result', '{}'),
    (select string_agg(format('  p_result.%I := %s;', n.name, desk.ratio_call(n.name, 'p_result', jsonb_build_object(
        'risk_free_rate', 'p_risk_free_rate', 'sessions_a_year', 'coalesce(p_result.sessions_a_year, 252)'))), E'\n')
      from unnest(desk.ratio_names()) as n (name)));
end
$do$;
comment on function desk.compute_ratios(desk.full_results, double precision) is
  'Every ratio from the raw metrics and the sessions a year, by ratios.sql: undefined is null. A result without raw '
  'moments keeps the ratios it came with. Says whether the account was lost, which leaves ratios of return to risk '
  'undefined.';

create or replace function desk.reasons_against(p_run_id bigint, p_metrics jsonb,
  p_constraints_only boolean default false)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  -- Criteria on the family wait until its figures are known, which this key says.
  return case when (p_metrics ->> 'lost')::boolean then array['Account lost' || coalesce(' on ' || coalesce(
    p_metrics ->> 'lost_on', (select r.end_date::text from desk.optimization_runs as r where r.id = p_run_id)), '')]
    else '{}' end || (
    select coalesce(array_agg(desk.rejection_reason(c.metric, c.comparison, v.value, c.threshold) order by c.metric,
      c.comparison), '{}')
    from desk.success_criteria as c
    join desk.metric_definitions as d on d.metric = c.metric and (d.scope = 'result' or p_metrics ? 'family')
    cross join lateral (select (p_metrics ->> c.metric)::float8) as v (value)
    where c.optimization_run_id = p_run_id
      and (not p_constraints_only or c.source = 'constraint')
      and not coalesce(case c.comparison
        when '>=' then v.value >= c.threshold
        when '<=' then v.value <= c.threshold
        when '>' then v.value > c.threshold
        when '<' then v.value < c.threshold
        when '=' then v.value = c.threshold
        when '!=' then v.value <> c.threshold end, false));
end
$$;
comment on function desk.reasons_against(bigint, jsonb, boolean) is
  'One reason a criterion of the run that the metrics do not meet; undefined metrics meet none. Before them, whatever '
  'the criteria: that the account was lost, on the last day of the run''s window where its curve is not known.';

-- Written out with the columns of today: a row turned into JSON for a few values of it cost more than all else.
do $do$
begin
  execute format($function$
create or replace function desk.reasons_of(p_result desk.full_results, p_with_family boolean)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_criterion record;
  v_value     double precision;
  v_reasons   text[] := '{}';
begin
  if p_result.lost then
    v_reasons := array['Account lost' || coalesce(' on ' || coalesce(p_result.lost_on, (
      select r.end_date from desk.optimization_runs as r where r.id = p_result.optimization_run_id)), '')];
  end if;
  for v_criterion in
    select c.metric, c.comparison, c.threshold
    from desk.success_criteria as c
    join desk.metric_definitions as d on d.metric = c.metric and (d.scope = 'result' or p_with_family)
    where c.optimization_run_id = p_result.optimization_run_id
    order by c.metric, c.comparison
  loop
    v_value := case v_criterion.metric %s end;
    if not coalesce(case v_criterion.comparison
        when '>=' then v_value >= v_criterion.threshold
        when '<=' then v_value <= v_criterion.threshold
        when '>' then v_value > v_criterion.threshold
        when '<' then v_value < v_criterion.threshold
        when '=' then v_value = v_criterion.threshold
        when '!=' then v_value <> v_criterion.threshold end, false)
    then
      v_reasons := v_reasons || desk.rejection_reason(v_criterion.metric, v_criterion.comparison, v_value,
        v_criterion.threshold);
    end if;
  end loop;
  return v_reasons;
end
$$;
$function$, (
    select string_agg(format('when %L then p_result.%I', a.attname, a.attname), ' ' order by a.attname)
    from pg_catalog.pg_attribute as a
    where a.attrelid = 'desk.full_results'::regclass and a.attnum > 0
      and a.atttypid in ('bigint'::regtype, 'double precision'::regtype)));
end
$do$;
comment on function desk.reasons_of(desk.full_results, boolean) is
  'The same for a result as the judging trigger has it; criteria on the family where that is known.';

create or replace function desk.reason_kind(p_reason text)
returns text
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select regexp_replace(p_reason, '(:| on \d{4}-).*$', '')
$$;
comment on function desk.reason_kind(text) is 'Kind of a reason against a result: the sentence without its figures.';
grant execute on function desk.reason_kind(text) to desk_director, desk_viewer, desk_dbt;

create or replace function desk.tg_results_judge()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run record;
  v_family boolean := false;
  v_metrics jsonb;
begin
  select r.id, r.strategy_id, r.imported, r.status, r.is_open, r.total_combinations, r.engine, r.role, r.risk_free_rate,
    r.sessions_a_year
  into v_run
  from desk.optimization_runs as r where r.id = new.optimization_run_id;
  if tg_op = 'INSERT' then
    if v_run.id is null then
      perform desk.refuse(format('There is no run %s', new.optimization_run_id), '$.optimization_run_id',
        'Insert the optimization_runs row first.', '23503');
    end if;
    if new.strategy_id is distinct from v_run.strategy_id then
      perform desk.refuse(format('Run %s is of strategy %s, the result says %s', v_run.id, v_run.strategy_id,
        new.strategy_id),
        '$.strategy_id', 'Give the result the strategy of its run.');
    end if;
    if not v_run.imported and new.ordinal is null then
      perform desk.refuse(format('Run %s is executed by runners', v_run.id), '$.optimization_run_id',
        'Import results into a run of your own: insert an optimization_runs row first.');
    end if;
    if v_run.imported then
      if not v_run.is_open then
        perform desk.refuse(format('Run %s is %s already', v_run.id, v_run.status), '$.optimization_run_id',
          'Insert another optimization_runs row for further results.');
      end if;
      -- Not a number (NaN) is no metric: as a number it would exceed every threshold.
      v_metrics := to_jsonb(new);
      if v_metrics::text like '%NaN%' then
        new := jsonb_populate_record(new, (
          select jsonb_object_agg(d.metric, null)
          from desk.metric_definitions as d where v_metrics ->> d.metric = 'NaN'));
      end if;
      if jsonb_typeof(new.parameters) is distinct from 'object' then
        perform desk.refuse(format('Got %s as parameters', left(coalesce(new.parameters::text, 'nothing'), 60)),
          '$.parameters',
          'Give an object of names and values.');
      end if;
      new.parameters := desk.canonical_parameters(new.parameters);
      update desk.run_progress
      set last_ordinal = last_ordinal + 1
      where optimization_run_id = new.optimization_run_id
      returning last_ordinal into new.ordinal;
      if new.ordinal > v_run.total_combinations then
        perform desk.refuse(format('Run %s has its %s results already', v_run.id, v_run.total_combinations),
          '$.optimization_run_id',
          'Insert another optimization_runs row for further results.');
      end if;
      new.engine := coalesce(new.engine, v_run.engine);
    end if;
    new.parameters_hash := desk.sha256_text(new.parameters::text);
    new.ranked := v_run.role = 'search' and new.outcome = 'finished';
    new.deflated_sharpe_z := null;
    new.deflated_sharpe := null;
    new.luck_p := null;
    new.haircut_sharpe := null;
    new.pbo := null;
    -- Of an import it is marked when the run closes.
    new.repeated := false;
    if new.provenance_hash is not null then
      select desk.repeats_another(r, new) into new.repeated from desk.optimization_runs as r where r.id = v_run.id;
    end if;
    -- A copy keeps its comparison only where it is made with the same benchmark.
    if new.source_result_id is not null and not exists (
      select from desk.run_benchmarks as b
      join desk.run_benchmarks as s on s.content_hash = b.content_hash
      where b.optimization_run_id = v_run.id
        and s.optimization_run_id = (select e.optimization_run_id from desk.full_results as e
          where e.id = new.source_result_id))
    then
      new.benchmark_return := null;
      new.benchmark_mean := null;
      new.benchmark_m2 := null;
      new.benchmark_comoment := null;
    end if;
  elsif not v_run.is_open
    or current_setting('desk.judged_family', true) = v_run.id::text then
    v_family := true;
    select f.pbo, f.deflated_sharpe_z, f.deflated_sharpe, f.luck_p, f.haircut_sharpe
    into new.pbo, new.deflated_sharpe_z, new.deflated_sharpe, new.luck_p, new.haircut_sharpe
    from desk.family_figures(v_run.id, new.sharpe_ratio, new.skewness, new.kurtosis, new.return_count,
      new.sessions_a_year) as f;
  end if;
  if new.outcome = 'failed' then
    new.passed := false;
    new.rejection_reasons := array[format('Failed (%s)', new.error_kind)];
    return new;
  end if;
  new.sessions_a_year := coalesce(v_run.sessions_a_year, 252);
  new := desk.compute_ratios(new, v_run.risk_free_rate);
  new.rejection_reasons := desk.reasons_of(new, v_family);
  new.passed := cardinality(new.rejection_reasons) = 0;
  return new;
end
$$;
comment on function desk.tg_results_judge() is
  'Numbers an imported result, computes the ratios, and judges by the criteria of the run.';
-- What a result is worth after luck changes no verdict by itself, so only a change of the verdict is judged.
create or replace trigger backtest_results_a_judge before insert or update of passed on desk.full_results
for each row execute function desk.tg_results_judge();

create or replace function desk.tallied(p_result_ids bigint[])
returns table (
  optimization_run_id bigint, quarter timestamptz, finished bigint, failed bigint, passed bigint,
  best_sharpe double precision, best_passed_sharpe double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  select t.optimization_run_id, date_bin('15 minutes', t.created_at, timestamptz '2000-01-01 00:00+00'),
         count(*) filter (where t.tried and t.outcome = 'finished'),
         count(*) filter (where t.tried and t.outcome = 'failed'),
         count(*) filter (where t.judged and t.passed), max(t.sharpe_ratio) filter (where t.judged),
         max(t.sharpe_ratio) filter (where t.judged and t.passed)
  from desk.full_trials as t
  where t.backtest_result_id = any (p_result_ids) and (t.tried or t.judged)
  group by 1, 2
$$;
comment on function desk.tallied(bigint[]) is 'Trials among some results, by run and quarter of an hour.';

create or replace function desk.tg_results_count()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run  record;
  v_best record;
begin
  for v_run in
    select r.id, r.imported, r.total_combinations, r.target_metric, r.target_direction, a.*,
           exists (select from desk.success_criteria as c where c.optimization_run_id = r.id
             and c.source = 'constraint') as constrained
    from (
      select n.optimization_run_id as run_id, count(*) filter (where n.outcome = 'finished') as finished,
             count(*) filter (where n.outcome = 'failed') as failed, count(*) filter (where n.passed) as passed,
             coalesce(sum(n.duration), 0) as seconds
      from added as n
      -- A promoted point was counted with its block.
      where n.id < 4503599627370496 or n.outcome = 'failed'
      group by n.optimization_run_id
    ) as a
    join desk.optimization_runs as r on r.id = a.run_id
    order by r.id desc
  loop
    perform from desk.run_progress as p where p.optimization_run_id = v_run.id for update;
    -- The target is a column by the metric's name. Only points that would be the best are asked about the metric
    -- constraints.
    execute format($query$
      select n.id, n.%1$I::float8 as value
      from added as n
      join desk.run_progress as p on p.optimization_run_id = n.optimization_run_id
      left join desk.full_results as b on b.id = p.best_result_id
      where n.optimization_run_id = $1 and n.outcome = 'finished' and not n.lost and n.%1$I is not null
        and (p.best_value is null or n.%1$I::float8 %2$s p.best_value
          or (n.%1$I::float8 = p.best_value and n.ordinal < b.ordinal))
        and (not $2 or desk.reasons_against($1, to_jsonb(n), true) = '{}')
      order by n.%1$I %3$s, n.ordinal
      limit 1 $query$,
      v_run.target_metric, case v_run.target_direction when 'min' then '<' else '>' end,
      case v_run.target_direction when 'min' then 'asc' else 'desc' end)
    into v_best using v_run.id, v_run.constrained;
    update desk.run_progress as p
    set finished = p.finished + v_run.finished,
        failed = p.failed + v_run.failed,
        passed = p.passed + v_run.passed,
        results_seconds = p.results_seconds + v_run.seconds,
        best_value = coalesce(v_best.value, p.best_value),
        best_result_id = coalesce(v_best.id, p.best_result_id),
        due = p.due or p.finished + p.failed + v_run.finished + v_run.failed >= p.total,
        updated_at = now()
    where p.optimization_run_id = v_run.id;
  end loop;
  insert into desk.run_tallies as t (optimization_run_id, quarter, finished, failed, passed, best_sharpe,
    best_passed_sharpe)
  select q.optimization_run_id, q.quarter, q.finished, q.failed, q.passed, q.best_sharpe, q.best_passed_sharpe
  from desk.tallied(array(
    select n.id from added as n where n.id < 4503599627370496 or n.outcome = 'failed')) as q
  on conflict (optimization_run_id, quarter) do update
  set finished = t.finished + excluded.finished, failed = t.failed + excluded.failed,
    passed = t.passed + excluded.passed,
      best_sharpe = greatest(t.best_sharpe, excluded.best_sharpe),
      best_passed_sharpe = greatest(t.best_passed_sharpe, excluded.best_passed_sharpe);
  -- No runner looks after an imported run.
  perform desk.close_run(r.id, 'completed')
  from desk.optimization_runs as r
  join desk.run_progress as p on p.optimization_run_id = r.id
  where r.id in (select n.optimization_run_id from added as n)
    and r.imported and p.finished + p.failed = r.total_combinations;
  return null;
end
$$;
comment on function desk.tg_results_count() is
  'Counts the recorded points of a statement, keeps the best, tallies them by quarter of an hour, and marks a '
  'complete run as due.';
-- Once a statement, since runners record many points in one.
drop trigger if exists backtest_results_b_count on desk.full_results;
create trigger backtest_results_b_count after insert on desk.full_results
referencing new table as added for each statement execute function desk.tg_results_count();

create or replace function desk.find_best(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run  desk.optimization_runs;
  v_best record;
  v_bulk record;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  select b.id, v.value into v_best
  from desk.full_results as b
  cross join lateral (select (to_jsonb(b) ->> v_run.target_metric)::float8) as v (value)
  where b.optimization_run_id = p_run_id and b.outcome = 'finished' and v.value is not null
    and desk.reasons_against(p_run_id, to_jsonb(b), true) = '{}'
  order by case v_run.target_direction when 'max' then -v.value else v.value end, b.ordinal
  limit 1;
  if v_run.bulk then
    execute format('select p.id, %1$s as value from desk.bulk_points as p where p.optimization_run_id = $1'
      ' and p.verdict & (select k.constraint_bits from desk.bulk_runs as k where k.optimization_run_id = $1) = 0'
      ' and %1$s is not null order by %1$s %2$s, p.id limit 1',
      desk.target_of(p_run_id),
      case v_run.target_direction when 'min' then 'asc' else 'desc' end)
    into v_bulk using p_run_id;
    if v_best.id is null or coalesce(desk.is_better(p_run_id, v_bulk.value, v_best.value), false)
      or (v_bulk.value = v_best.value and v_bulk.id < v_best.id)
    then
      v_best := v_bulk;
    end if;
  end if;
  update desk.run_progress
  set best_result_id = v_best.id, best_value = v_best.value
  where optimization_run_id = p_run_id;
end
$$;
comment on function desk.find_best(bigint) is
  'Finds the best point of a run anew: by the target, among those that meet the metric constraints and did not lose '
  'the account, the lowest ordinal of equals.';

grant select on desk.equity_curves, desk.trades, desk.strategies,
  desk.strategy_events, desk.strategy_transitions, desk.code_versions, desk.metric_definitions, desk.config_keys,
  desk.settings, desk.instruments, desk.price_versions, desk.bars, desk.adjustment_factors to desk_director,
  desk_viewer;
grant update (notes, tags, priority, title, hypothesis) on desk.strategies to desk_director;
grant update (value) on desk.settings to desk_director;
grant select on desk.strategies, desk.metric_definitions, desk.run_progress to desk_importer;
