-- Judgement: ratios from raw metrics, criteria against ratios, a reason for every rejection.

create or replace function desk.compute_ratios(inout p_result desk.backtest_results, p_risk_free_rate double precision)
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_days  constant double precision := coalesce(p_result.sessions_a_year, 252);
  v_n     double precision := nullif(p_result.return_count, 0);
  v_sd    double precision;
  v_excess double precision;
  v_mean  double precision;
  v_m2    double precision;
  v_active double precision;
  v_profit double precision;
begin
  -- A fall of the whole peak leaves nothing, whatever came back afterwards.
  p_result.lost := p_result.lost_on is not null or coalesce(p_result.ending_value <= 0, false)
    or coalesce(p_result.return_count is not null and p_result.max_drawdown >= 1, false);
  if p_result.return_count is null then
    p_result.metrics_given := true;
    if p_result.lost then
      p_result.sharpe_ratio := null;
      p_result.sortino_ratio := null;
      p_result.calmar_ratio := null;
    end if;
    return;
  end if;
  p_result.metrics_given := false;
  p_result.total_return := p_result.ending_value / p_result.starting_cash - 1;
  p_result.annual_return := case
    when v_n > 0 and not p_result.lost then (p_result.ending_value / p_result.starting_cash) ^ (
      v_days / v_n) - 1
    when v_n > 0 then -1 end;
  -- Deviations at the level of rounding are no deviations: a constant curve has no Sharpe ratio.
  v_sd := case when v_n >= 2 and p_result.return_m2 > 1e-24 then sqrt(p_result.return_m2 / (v_n - 1)) end;
  -- What a lost account earned for its risk is not defined; neither is any ratio that comes of this.
  v_excess := case when not p_result.lost then p_result.return_mean - p_risk_free_rate / v_days end;
  v_mean := case when not p_result.lost then p_result.return_mean end;
  p_result.volatility := case when v_n >= 2 then coalesce(v_sd, 0) * sqrt(v_days) end;
  p_result.sharpe_ratio := v_excess / v_sd * sqrt(v_days);
  p_result.sortino_ratio := case
    when v_n >= 2 and p_result.downside_m2 > 1e-24 then v_mean / sqrt(p_result.downside_m2 / v_n) * sqrt(v_days) end;
  p_result.calmar_ratio := case
    when not p_result.lost then p_result.annual_return / nullif(p_result.max_drawdown, 0) end;
  v_m2 := case when v_sd is not null then p_result.return_m2 / v_n end;
  p_result.skewness := p_result.return_m3 / v_n / (v_m2 * sqrt(v_m2));
  p_result.kurtosis := p_result.return_m4 / v_n / (v_m2 * v_m2);
  p_result.value_at_risk := -p_result.tail_return;
  p_result.expected_shortfall := -p_result.tail_sum / nullif(p_result.tail_count, 0);
  p_result.win_rate := p_result.winning_trades::float8 / nullif(p_result.total_trades, 0);
  p_result.average_win := p_result.gross_profit / nullif(p_result.winning_trades, 0);
  p_result.average_loss := p_result.gross_loss / nullif(p_result.losing_trades, 0);
  p_result.profit_factor := p_result.gross_profit / nullif(p_result.gross_loss, 0);
  p_result.expectancy := p_result.trade_profit_sum / nullif(p_result.total_trades, 0);
  p_result.sqn := case when p_result.total_trades >= 2 and p_result.trade_profit_m2 > 0
    then sqrt(p_result.total_trades) * (p_result.trade_profit_sum / p_result.total_trades)
      / sqrt(p_result.trade_profit_m2 / (p_result.total_trades - 1)) end;
  p_result.fee_pct := p_result.total_fees / p_result.starting_cash;
  -- Fees are money of the whole account, so what it earned is too where cash was paid in.
  v_profit := coalesce(p_result.earned, p_result.ending_value - p_result.starting_cash) + p_result.total_fees;
  p_result.fee_share_of_profit := case when v_profit > 0 then p_result.total_fees / v_profit end;
  p_result.break_even_fee := v_profit / nullif(p_result.traded_value, 0);
  p_result.turnover := p_result.traded_value / p_result.starting_cash * v_days / nullif(v_n, 0);
  p_result.exposure := coalesce(p_result.exposed_time, p_result.exposed_sessions) / nullif(p_result.sessions, 0);

  p_result.excess_return := p_result.annual_return - ((1 + p_result.benchmark_return) ^ (v_days / nullif(v_n, 0)) - 1);
  p_result.beta := case when p_result.benchmark_m2 > 1e-24 then p_result.benchmark_comoment / p_result.benchmark_m2 end;
  p_result.alpha := v_days * (v_excess - p_result.beta * (p_result.benchmark_mean - p_risk_free_rate / v_days));
  -- Of the difference of two series, from the sums of both; what is left of equal ones is rounding.
  v_active := p_result.return_m2 + p_result.benchmark_m2 - 2 * p_result.benchmark_comoment;
  p_result.information_ratio := case
    when not p_result.lost and v_n >= 2 and v_active > 1e-12 * (p_result.return_m2 + p_result.benchmark_m2)
    then (p_result.return_mean - p_result.benchmark_mean) / sqrt(v_active / (v_n - 1)) * sqrt(v_days) end;

  p_result.probabilistic_sharpe := desk.probabilistic_sharpe(v_excess / v_sd, 0, p_result.skewness, p_result.kurtosis,
    v_n);
  p_result.min_track_record := desk.min_track_record(v_excess / v_sd, 0, p_result.skewness, p_result.kurtosis);
end
$$;
comment on function desk.compute_ratios(desk.backtest_results, double precision) is
  'Every ratio from the raw metrics and the sessions a year: sample deviation; undefined is null. A result without raw '
  'moments keeps the ratios it came with. Says whether the account was lost, which leaves ratios of return to risk '
  'undefined.';

create or replace function desk.reasons_against(p_run_id bigint, p_metrics jsonb,
  p_constraints_only boolean default false)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  -- Criteria on the family wait until its figures are known: tg_results_judge() adds them to the metrics then.
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
  v_family jsonb := '{}';
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
      -- A statement closes its run at its end, so one with too many rows is not stopped by the status.
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
        and s.optimization_run_id = (select e.optimization_run_id from desk.backtest_results as e
          where e.id = new.source_result_id))
    then
      new.benchmark_return := null;
      new.benchmark_mean := null;
      new.benchmark_m2 := null;
      new.benchmark_comoment := null;
    end if;
  elsif not v_run.is_open
    or current_setting('desk.judged_family', true) = v_run.id::text then
    -- Which criteria count is told by this key; the figures themselves are columns.
    v_family := '{"family": true}';
    select s.pbo, desk.deflated_sharpe_z(f.sharpe, new.skewness, new.kurtosis, new.return_count,
             desk.expected_best(new.return_count, s.expected_maximum, s.family_trials, s.family_correlation,
               s.trial_variance)),
           desk.luck_p(desk.deflated_sharpe_z(f.sharpe, new.skewness, new.kurtosis, new.return_count, 0), s.noise),
           sqrt(new.sessions_a_year) * desk.haircut_sharpe(f.sharpe, new.skewness, new.kurtosis, new.return_count,
             s.family_trials)
    into new.pbo, new.deflated_sharpe_z, new.luck_p, new.haircut_sharpe
    from desk.run_statistics as s
    cross join (select new.sharpe_ratio / sqrt(new.sessions_a_year)) as f (sharpe)
    where s.optimization_run_id = v_run.id;
    new.deflated_sharpe := desk.normal_cdf(new.deflated_sharpe_z);
  end if;
  if new.outcome = 'failed' then
    new.passed := false;
    new.rejection_reasons := array[format('Failed (%s)', new.error_kind)];
    return new;
  end if;
  new.sessions_a_year := coalesce(v_run.sessions_a_year, 252);
  new := desk.compute_ratios(new, v_run.risk_free_rate);
  new.rejection_reasons := desk.reasons_against(new.optimization_run_id, to_jsonb(new) || v_family);
  new.passed := cardinality(new.rejection_reasons) = 0;
  return new;
end
$$;
comment on function desk.tg_results_judge() is
  'Numbers an imported result, computes the ratios, and judges by the criteria of the run.';
-- What a result is worth after luck changes no verdict by itself, so only a change of the verdict is judged.
create or replace trigger backtest_results_a_judge before insert or update of passed on desk.backtest_results
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
  from desk.trials as t
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
      left join desk.backtest_results as b on b.id = p.best_result_id
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
  from desk.tallied(array(select n.id from added as n)) as q
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
drop trigger if exists backtest_results_b_count on desk.backtest_results;
create trigger backtest_results_b_count after insert on desk.backtest_results
referencing new table as added for each statement execute function desk.tg_results_count();

create or replace function desk.find_best(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run  desk.optimization_runs;
  v_best record;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  select b.id, v.value into v_best
  from desk.backtest_results as b
  cross join lateral (select (to_jsonb(b) ->> v_run.target_metric)::float8) as v (value)
  where b.optimization_run_id = p_run_id and b.outcome = 'finished' and v.value is not null
    and desk.reasons_against(p_run_id, to_jsonb(b), true) = '{}'
  order by case v_run.target_direction when 'max' then -v.value else v.value end, b.ordinal
  limit 1;
  update desk.run_progress
  set best_result_id = v_best.id, best_value = v_best.value
  where optimization_run_id = p_run_id;
end
$$;
comment on function desk.find_best(bigint) is
  'Finds the best point of a run anew: by the target, among those that meet the metric constraints and did not lose '
  'the account, the lowest ordinal of equals.';

grant select on desk.backtest_results, desk.equity_curves, desk.trades, desk.strategies,
  desk.strategy_events, desk.strategy_transitions, desk.code_versions, desk.metric_definitions, desk.config_keys,
  desk.settings, desk.instruments, desk.price_versions, desk.bars, desk.adjustment_factors to desk_director,
  desk_viewer;
grant update (notes, tags, priority, title, hypothesis) on desk.strategies to desk_director;
grant update (value) on desk.settings to desk_director;
grant select on desk.backtest_results, desk.strategies, desk.metric_definitions, desk.run_progress to desk_importer;
-- Raw metrics beside them: results/raw_metrics.sql.
grant insert (optimization_run_id, strategy_id, parameters, engine, total_return, annual_return, volatility,
  sharpe_ratio, sortino_ratio, calmar_ratio, skewness, kurtosis, value_at_risk, expected_shortfall, win_rate,
  average_win, average_loss, profit_factor, expectancy, sqn, fee_pct, fee_share_of_profit, turnover, exposure)
  on desk.backtest_results to desk_importer, desk_director;
