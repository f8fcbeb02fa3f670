-- Verdicts of bulk points: the criteria of a run as one expression, the verdict as a number with a bit a criterion,
-- and the reasons in words when somebody reads them.

create or replace function desk.metric_of(p_metric text, p_given jsonb)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(desk.ratio_call(p_metric, 'p', p_given), format('p.%I', p_metric))
$$;
comment on function desk.metric_of(text, jsonb) is
  'A metric as an expression over a relation p with raw metrics: the call of its ratio, or its column.';

create or replace function desk.bulk_constants(p_run_id bigint)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select jsonb_build_object('lost', desk.ratio_call('lost', 'p', '{}'), 'earned', 'null::double precision') || (
    select jsonb_object_agg(e.key, format(case when e.key like 'benchmark%'
        then 'case when p.benchmark_comoment is not null then %L::double precision end'
        else '%L::double precision' end, e.value))
    from jsonb_each_text(to_jsonb(k)) as e
    where e.key in ('starting_cash', 'sessions_a_year', 'risk_free_rate', 'benchmark_return', 'benchmark_mean',
      'benchmark_m2'))
  from desk.bulk_runs as k where k.optimization_run_id = p_run_id
$$;
comment on function desk.bulk_constants(bigint) is
  'What all points of a bulk run share, as text of SQL by name, for ratio_call(); of the benchmark only where a point '
  'is compared with it.';

create or replace function desk.target_of(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select case r.target_metric when 'sharpe_ratio' then 'p.sharpe_ratio'
    else desk.metric_of(r.target_metric, desk.bulk_constants(r.id)) end
  from desk.optimization_runs as r where r.id = p_run_id
$$;
comment on function desk.target_of(bigint) is 'The target of a bulk run as an expression over bulk_points p.';

create or replace function desk.criterion_term(
  p_value text, p_comparison text, p_threshold double precision, p_bit integer)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('case when coalesce(%s %s %L::double precision, false) then 0 else %s end', p_value, p_comparison,
    p_threshold, 1 << p_bit)
$$;
comment on function desk.criterion_term(text, text, double precision, integer) is
  'A criterion as an expression: 0 where the value meets it, else its bit; undefined fails.';

create or replace function desk.verdict_of(p_run_id bigint, out verdict text, out undefined text,
  out constraint_bits integer, out family_bits integer)
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_given constant jsonb := desk.bulk_constants(p_run_id);
begin
  with criteria as (
    select c.bit, d.scope, s.source, case when d.scope = 'family' then (1 << c.bit)::text
        else desk.criterion_term(desk.metric_of(c.metric, v_given), c.comparison, c.threshold, c.bit) end as term,
      case when d.scope = 'family' then (1 << c.bit)::text
        else format('case when %s is null then %s else 0 end', desk.metric_of(c.metric, v_given), 1 << c.bit) end
        as blank
    from desk.bulk_criteria as c
    join desk.metric_definitions as d on d.metric = c.metric
    left join desk.success_criteria as s on s.optimization_run_id = p_run_id and s.metric = c.metric
      and s.comparison = c.comparison
    where c.optimization_run_id = p_run_id
  )
  select format('(%s)::integer', v_given ->> 'lost') || coalesce(string_agg(' | ' || c.term, '' order by c.bit), ''),
         coalesce(string_agg(c.blank, ' | ' order by c.bit), '0'),
         coalesce(bit_or(1 << c.bit) filter (where c.source = 'constraint' and c.scope = 'result'), 0) | 1,
         coalesce(bit_or(1 << c.bit) filter (where c.scope = 'family'), 0)
  into verdict, undefined, constraint_bits, family_bits
  from criteria as c;
end
$$;
comment on function desk.verdict_of(bigint) is
  'The criteria of a bulk run as an expression over a relation p with raw metrics: undefined fails, bits of the family '
  'are set.';

create or replace function desk.snapshot_criteria(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if (select count(*) from desk.success_criteria as c where c.optimization_run_id = p_run_id) > 30 then
    perform desk.refuse(format('Run %s has more than 30 criteria', p_run_id), '$.success_criteria',
      'A verdict of a bulk run has 30 bits; leave some out.');
  end if;
  delete from desk.bulk_criteria where optimization_run_id = p_run_id;
  insert into desk.bulk_criteria (optimization_run_id, bit, metric, comparison, threshold)
  select p_run_id, row_number() over (order by c.metric, c.comparison), c.metric, c.comparison, c.threshold
  from desk.success_criteria as c where c.optimization_run_id = p_run_id;
  update desk.bulk_runs as k
  set verdict = v.verdict, undefined = v.undefined, constraint_bits = v.constraint_bits, family_bits = v.family_bits
  from desk.verdict_of(p_run_id) as v
  where k.optimization_run_id = p_run_id;
end
$$;
comment on function desk.snapshot_criteria(bigint) is
  'Writes down by which criteria the points of a bulk run are judged from now on, in the order of their reasons.';

create or replace function desk.make_bulk(p_run_id bigint)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_search desk.searches;
  v_word   text;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id for no key update;
  select s.* into v_search from desk.searches as s where s.name = v_run.optimization_type;
  v_word := case
    when v_run.id is null then 'there is no such run'
    when v_run.bulk then null
    when v_run.imported then 'it is imported'
    when v_search.windows then 'its own result is stitched of tests'
    when v_run.role not in ('search', 'in_sample') then format('it is %s', replace(v_run.role, '_', ' '))
    when v_run.config -> 'cash_flows' is not null and v_run.config -> 'cash_flows' <> 'null'
      then 'its config has cash_flows'
    when v_run.config ->> 'keep_series' = 'all' then 'it keeps every curve'
    when p_run_id >= 33554432 then 'its number is beyond the ids of bulk points'
    when desk.points_at_most(p_run_id) >= 134217728 then 'it has more points than their ids can number'
    when (select count(*) from desk.success_criteria as c where c.optimization_run_id = p_run_id) > 30
      then 'it has more than 30 criteria'
    when exists (select from desk.full_results as b where b.optimization_run_id = p_run_id)
      then 'points of it are recorded already' end;
  if v_word is not null or v_run.bulk then
    return v_word;
  end if;
  update desk.optimization_runs set bulk = true where id = p_run_id;
  begin
    perform desk.make_benchmark(p_run_id);
  exception when others then
    -- As where a run starts: nothing to compare with is no reason not to test.
    insert into desk.job_events (job_id, optimization_run_id, event, details)
    values (v_run.job_id, p_run_id, 'benchmark', jsonb_build_object('error', sqlerrm));
  end;
  insert into desk.bulk_runs (optimization_run_id, starting_cash, sessions_a_year, risk_free_rate, benchmark_return,
    benchmark_mean, benchmark_m2, sampled_below, verdict, undefined, constraint_bits, family_bits)
  select p_run_id, v_run.cash, coalesce(v_run.sessions_a_year, 252), v_run.risk_free_rate,
         (b.sums ->> 'benchmark_return')::double precision, (b.sums ->> 'benchmark_mean')::double precision,
         (b.sums ->> 'benchmark_m2')::double precision,
         -- Fifty more than are asked for, since some of the sample fail.
         least(4294967296, 4294967296 * 2050.0 / desk.points_at_most(p_run_id))::bigint, '', '', 0, 0
  from (select 1) as one
  left join desk.run_benchmarks as b on b.optimization_run_id = p_run_id;
  perform desk.snapshot_criteria(p_run_id);
  return null;
end
$$;
comment on function desk.make_bulk(bigint) is
  'Has the points of a run recorded in blocks, before the first of them is; answers null, or why that cannot be.';

-- Written out with the columns of today, so that no call has to plan it anew.
do $do$
begin
  execute format($function$
create or replace function desk.full_of(p_point desk.bulk_points)
returns desk.full_results
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_full desk.full_results;
  v_run  record;
begin
  select k.*, r.strategy_id, r.engine, r.code_version_id, r.data_hash, r.seed into v_run
  from desk.bulk_runs as k
  join desk.optimization_runs as r on r.id = k.optimization_run_id
  where k.optimization_run_id = p_point.optimization_run_id;
%s
  v_full.ordinal := p_point.id & 134217727;
  v_full.strategy_id := v_run.strategy_id;
  v_full.outcome := 'finished';
  v_full.starting_cash := v_run.starting_cash;
  v_full.sessions_a_year := v_run.sessions_a_year;
  v_full.exposed_time := coalesce(p_point.exposed_time, p_point.exposed_sessions);
  if p_point.benchmark_comoment is not null then
    v_full.benchmark_return := v_run.benchmark_return;
    v_full.benchmark_mean := v_run.benchmark_mean;
    v_full.benchmark_m2 := v_run.benchmark_m2;
  end if;
  v_full.engine := v_run.engine;
  v_full.engine_metrics := '{}';
  v_full.code_version_id := v_run.code_version_id;
  v_full.data_hash := v_run.data_hash;
  v_full.seed := v_run.seed;
  v_full.tags := '{}';
  return desk.compute_ratios(v_full, v_run.risk_free_rate);
end
$$;
$function$, (
    select string_agg(format('  v_full.%1$I := p_point.%1$I;', a.attname), E'\n' order by a.attnum)
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_attribute as f on f.attrelid = 'desk.full_results'::regclass and f.attname = a.attname
    where a.attrelid = 'desk.bulk_points'::regclass and a.attnum > 0));
end
$do$;
comment on function desk.full_of(desk.bulk_points) is
  'A bulk point as a full result, with its ratios; without parameters, verdict and what its block knows.';

create or replace function desk.bulk_reasons(p_id bigint)
returns text[]
language plpgsql stable security definer cost 20000
set search_path = desk, pg_temp
as $$
declare
  v_point   desk.bulk_points;
  v_metrics jsonb;
begin
  select p.* into v_point from desk.bulk_points as p where p.id = p_id;
  v_metrics := to_jsonb(desk.full_of(v_point));
  if v_point.verdict & (select k.family_bits from desk.bulk_runs as k
    where k.optimization_run_id = v_point.optimization_run_id) <> 0
  then
    v_metrics := v_metrics || coalesce((
      select to_jsonb(f) from desk.family_figures(v_point.optimization_run_id,
        (v_metrics ->> 'sharpe_ratio')::double precision, (v_metrics ->> 'skewness')::double precision,
        (v_metrics ->> 'kurtosis')::double precision, v_point.return_count,
        (v_metrics ->> 'sessions_a_year')::double precision) as f), '{}');
  end if;
  return case when v_point.verdict & 1 = 1 then array['Account lost on ' || coalesce(v_point.lost_on, (
      select r.end_date from desk.optimization_runs as r where r.id = v_point.optimization_run_id))] else '{}' end
    || array(
    select desk.rejection_reason(c.metric, c.comparison, (v_metrics ->> c.metric)::double precision, c.threshold)
    from desk.bulk_criteria as c
    where c.optimization_run_id = v_point.optimization_run_id and v_point.verdict & (1 << c.bit) <> 0
    order by c.bit);
end
$$;
comment on function desk.bulk_reasons(bigint) is
  'One reason a bit of the verdict of a bulk point, word for word as a full result has them.';
grant execute on function desk.bulk_reasons(bigint) to desk_director, desk_viewer, desk_importer, desk_dbt;
