-- Against luck: what a Sharpe ratio is worth after all the trials that it was picked from.
-- Sharpe ratios are a session's, not annualized; kurtosis is raw, 3 for a normal distribution.

create or replace function desk.sharpe_error(
  p_sharpe double precision, p_skewness double precision, p_kurtosis double precision, p_sessions double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_variance double precision := 1 - p_skewness * p_sharpe + (p_kurtosis - 1) / 4 * p_sharpe * p_sharpe;
begin
  return case when p_sessions >= 2 and v_variance > 0 then sqrt(v_variance / (p_sessions - 1)) end;
end
$$;
comment on function desk.sharpe_error(double precision, double precision, double precision, double precision) is
  'Standard error of a Sharpe ratio (Mertens 2002), from skewness and raw kurtosis.';

create or replace function desk.probabilistic_sharpe(
  p_sharpe double precision, p_hurdle double precision, p_skewness double precision, p_kurtosis double precision,
  p_sessions double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
begin
  return desk.normal_cdf((p_sharpe - p_hurdle) / desk.sharpe_error(p_sharpe, p_skewness, p_kurtosis, p_sessions));
end
$$;
comment on function desk.probabilistic_sharpe(double precision, double precision, double precision, double precision,
  double precision) is
  'Probability that the true Sharpe ratio is above the hurdle (Bailey and Lopez de Prado 2012).';

create or replace function desk.min_track_record(
  p_sharpe double precision, p_hurdle double precision, p_skewness double precision, p_kurtosis double precision,
  p_confidence double precision default 0.95)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
begin
  return case when p_sharpe > p_hurdle then
    1 + (1 - p_skewness * p_sharpe + (p_kurtosis - 1) / 4 * p_sharpe * p_sharpe)
      * (desk.normal_quantile(p_confidence) / (p_sharpe - p_hurdle)) ^ 2 end;
end
$$;
comment on function desk.min_track_record(double precision, double precision, double precision, double precision,
  double precision) is
  'Sessions needed to hold the Sharpe ratio above the hurdle with a confidence (Bailey and Lopez de Prado 2012); '
  'null when it is not above.';

drop function if exists desk.expected_best(double precision, double precision, double precision);
create or replace function desk.expected_best(
  p_sessions double precision, p_maximum double precision, p_trials double precision, p_correlation double precision,
  p_variance double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_noise constant double precision := (1 - least(coalesce(p_correlation, 0), 0.999999))
    / nullif(greatest(p_sessions - 1, 0), 0);
begin
  -- Trials that differ by more than noise explains may do so by what is not known of them: then their own spread.
  return p_maximum * sqrt(greatest(1, coalesce(p_variance, 0) / v_noise / desk.noise_spread(p_trials))
    / nullif(greatest(p_sessions - 1, 0), 0));
end
$$;
comment on function desk.expected_best(double precision, double precision, double precision, double precision,
  double precision) is
  'Sharpe ratio a session that the best of the trials is expected to have without skill: the expected maximum in '
  'standard errors, over sqrt(T-1); more where the trials'' variance V is beyond what noise explains.';

create or replace function desk.deflated_sharpe_z(
  p_sharpe double precision, p_skewness double precision, p_kurtosis double precision, p_sessions double precision,
  p_best double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return (p_sharpe - p_best) / desk.sharpe_error(p_sharpe, p_skewness, p_kurtosis, p_sessions);
end
$$;
comment on function desk.deflated_sharpe_z(double precision, double precision, double precision, double precision,
  double precision) is
  'Standard errors between a Sharpe ratio and what the best trial is expected to have, see expected_best() (Bailey and '
  'Lopez de Prado 2014). Its probability is normal_cdf(z); with 0 as the best it is that of the probabilistic Sharpe.';

drop function if exists desk.deflated_sharpe_z(double precision, double precision, double precision, double precision,
  double precision, double precision);

create or replace function desk.haircut_sharpe(
  p_sharpe double precision, p_skewness double precision, p_kurtosis double precision, p_sessions double precision,
  p_trials double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
declare
  v_error  constant double precision := desk.sharpe_error(p_sharpe, p_skewness, p_kurtosis, p_sessions);
  v_chance constant double precision := least(1, greatest(p_trials, 1) * 2 * desk.normal_cdf(-p_sharpe / v_error));
begin
  -- A loss is not made smaller.
  return case when p_sharpe <= 0 then p_sharpe else -desk.normal_quantile(v_chance / 2) * v_error end;
end
$$;
comment on function desk.haircut_sharpe(double precision, double precision, double precision, double precision,
  double precision) is
  'The Sharpe ratio a session that alone would be as unlikely as this one is among so many trials: its two-sided '
  'p-value times their number, turned back (Harvey and Liu 2015, Bonferroni).';

drop function if exists desk.deflate_run(bigint);
create or replace function desk.family_figures(p_run_id bigint, p_sharpe_ratio double precision,
  p_skewness double precision, p_kurtosis double precision, p_return_count double precision,
  p_sessions_a_year double precision, out pbo double precision, out deflated_sharpe_z double precision,
  out deflated_sharpe double precision, out luck_p double precision, out haircut_sharpe double precision)
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.run_statistics;
  v_sharpe constant double precision := p_sharpe_ratio / sqrt(p_sessions_a_year);
begin
  select s.* into v_run from desk.run_statistics as s where s.optimization_run_id = p_run_id;
  if found then
    pbo := v_run.pbo;
    deflated_sharpe_z := desk.deflated_sharpe_z(v_sharpe, p_skewness, p_kurtosis, p_return_count,
      desk.expected_best(p_return_count, v_run.expected_maximum, v_run.family_trials, v_run.family_correlation,
        v_run.trial_variance));
    deflated_sharpe := desk.normal_cdf(deflated_sharpe_z);
    luck_p := desk.luck_p(desk.deflated_sharpe_z(v_sharpe, p_skewness, p_kurtosis, p_return_count, 0), v_run.noise);
    haircut_sharpe := sqrt(p_sessions_a_year) * desk.haircut_sharpe(v_sharpe, p_skewness, p_kurtosis, p_return_count,
      v_run.family_trials);
  end if;
end
$$;
comment on function desk.family_figures(bigint, double precision, double precision, double precision,
  double precision, double precision) is
  'What a Sharpe ratio is worth among the trials that its run was counted with; nothing before they are counted.';

create or replace function desk.deflate_runs(p_run_ids bigint[])
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_most  constant integer := (desk.setting('deflated_results') #>> '{}')::integer;
  v_size  record;
  v_count integer := 0;
begin
  select f.* into v_size from desk.family_size(p_run_ids[1]) as f;
  update desk.run_statistics
  set family_runs = v_size.runs, family_trials = v_size.trials, family_windows = v_size.windows,
      effective_trials = v_size.effective, family_correlation = v_size.correlation, trial_variance = v_size.variance,
      noise = v_size.noise, expected_maximum = v_size.expected, stale = false, judged_at = clock_timestamp()
  where optimization_run_id = any (p_run_ids);
  with kept as materialized (
    select c.id, c.sharpe_ratio / sqrt(c.sessions_a_year) as sharpe, c.skewness, c.kurtosis, c.return_count,
           c.sessions_a_year, s.pbo
    from desk.run_statistics as s
    cross join lateral (
      select b.*
      from desk.full_results as b
      where b.optimization_run_id = s.optimization_run_id and b.outcome = 'finished'
      order by b.passed desc, b.sharpe_ratio desc nulls last, b.ordinal
      -- Of a bulk run both kinds of the best are promoted, and no others.
      limit case when exists (select from desk.bulk_runs as k where k.optimization_run_id = s.optimization_run_id)
        then null else v_most end
    ) as c
    where s.optimization_run_id = any (p_run_ids)
  )
  update desk.full_results as b
  set deflated_sharpe_z = d.z, deflated_sharpe = desk.normal_cdf(d.z), luck_p = d.luck_p,
      haircut_sharpe = d.haircut, pbo = d.pbo
  from (
    -- What luck is expected to reach is the same for all results of one length.
    select k.id, k.pbo, desk.deflated_sharpe_z(k.sharpe, k.skewness, k.kurtosis, k.return_count, e.best) as z,
           desk.luck_p(desk.deflated_sharpe_z(k.sharpe, k.skewness, k.kurtosis, k.return_count, 0), v_size.noise)
             as luck_p,
           sqrt(k.sessions_a_year) * desk.haircut_sharpe(k.sharpe, k.skewness, k.kurtosis, k.return_count,
             v_size.trials) as haircut
    from kept as k
    join (
      select n.return_count,
             desk.expected_best(n.return_count, v_size.expected, v_size.trials, v_size.correlation, v_size.variance)
               as best
      from (select distinct o.return_count from kept as o) as n
    ) as e on e.return_count is not distinct from k.return_count
  ) as d
  where b.id = d.id
    and (b.deflated_sharpe_z, b.luck_p, b.haircut_sharpe, b.pbo) is distinct from (d.z, d.luck_p, d.haircut, d.pbo);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function desk.deflate_runs(bigint[]) is
  'Counts the family of runs as it is now, which all of them share, and deflates the best results of each by it; '
  'answers how many results changed.';
