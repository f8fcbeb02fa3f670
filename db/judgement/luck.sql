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

create or replace function desk.expected_maximum(p_trials double precision, p_variance double precision)
returns double precision
language plpgsql immutable strict
set search_path = desk, pg_temp
as $$
begin
  return case when p_trials <= 1 then 0 else greatest(0, sqrt(p_variance) * (
    (1 - 0.57721566490153286) * desk.normal_quantile(1 - 1 / p_trials)
    + 0.57721566490153286 * desk.normal_quantile(1 - 1 / (p_trials * exp(1::double precision))))) end;
end
$$;
comment on function desk.expected_maximum(double precision, double precision) is
  'Sharpe ratio that the best of so many trials without skill is expected to have (Bailey, Borwein, Lopez de Prado, '
  'Zhu 2014); 0 for one trial.';

create or replace function desk.expected_best(p_sessions double precision, p_trials double precision,
  p_variance double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  -- Trials that resemble each other vary less than noise does over this many sessions: hence the floor.
  return desk.expected_maximum(p_trials, greatest(coalesce(p_variance, 0), 1 / nullif(p_sessions - 1, 0)));
end
$$;
comment on function desk.expected_best(double precision, double precision, double precision) is
  'What the best of so many trials without skill is expected to have over so many sessions; V is at least 1/(T-1).';

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
  'Standard errors between a Sharpe ratio and what the best trial is expected to have, see expected_best().';

create or replace function desk.deflated_sharpe_z(
  p_sharpe double precision, p_skewness double precision, p_kurtosis double precision, p_sessions double precision,
  p_trials double precision, p_variance double precision)
returns double precision
language plpgsql immutable
set search_path = desk, pg_temp
as $$
begin
  return desk.deflated_sharpe_z(p_sharpe, p_skewness, p_kurtosis, p_sessions,
    desk.expected_best(p_sessions, p_trials, p_variance));
end
$$;
comment on function desk.deflated_sharpe_z(double precision, double precision, double precision, double precision,
  double precision, double precision) is
  'Standard errors between a Sharpe ratio and the expected best of the trials (Bailey and Lopez de Prado 2014); V is '
  'at least 1/(T-1). Its probability is normal_cdf(z).';

create or replace function desk.unit_blocks(p_sums double precision[])
returns double precision[]
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select case when sqrt(m.square) > 1e-12 then array_agg((u.value - m.mean) / nullif(sqrt(m.square), 0)
    order by u.position) end
  from (select avg(v) as mean, regr_sxx(v, v) as square from unnest(p_sums) as s (v)) as m
  cross join unnest(p_sums) with ordinality as u (value, position)
  group by m.square
$$;
comment on function desk.unit_blocks(double precision[]) is
  'Block sums, centred and brought to length 1, so that the product of two is their correlation; null where nothing '
  'varies.';

create or replace function desk.own_trials(p_run_id bigint)
returns table (backtest_result_id bigint, sharpe double precision, block_sums double precision[], parameters_hash text)
language sql stable
set search_path = desk, pg_temp
as $$
  -- Copies say so themselves. A re-run has the provenance of an earlier result; an imported one, the same
  -- parameters on the same symbols in the same window.
  select distinct on (coalesce(b.provenance_hash, b.parameters_hash))
    b.id, b.sharpe_ratio / sqrt(252::double precision), b.block_sums, b.parameters_hash
  from desk.backtest_results as b
  where b.optimization_run_id = p_run_id and b.outcome = 'finished' and b.source_result_id is null
    and (b.provenance_hash is null or b.id = (
      select min(e.id) from desk.backtest_results as e
      where e.provenance_hash = b.provenance_hash and e.outcome = 'finished' and e.source_result_id is null))
    and (b.provenance_hash is not null or b.parameters_hash <> all (array(
      select e.parameters_hash
      from desk.optimization_runs as r
      join desk.optimization_runs as o on o.strategy_id = r.strategy_id and o.imported and o.id < r.id
        and (o.symbols, o.timeframe, o.start_date, o.end_date) is not distinct
          from (r.symbols, r.timeframe, r.start_date, r.end_date)
      join desk.backtest_results as e on e.optimization_run_id = o.id and e.outcome = 'finished'
      where r.id = p_run_id and r.imported)))
  order by coalesce(b.provenance_hash, b.parameters_hash), b.id
$$;
comment on function desk.own_trials(bigint) is
  'The distinct trials that a run adds to its strategy''s: finished points that are neither copies nor re-runs of '
  'earlier ones, with the Sharpe ratio a session.';

create or replace function desk.count_trials(p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  with own as materialized (
    select t.sharpe, t.block_sums, t.parameters_hash from desk.own_trials(p_run_id) as t
  ),
  sampled as materialized (
    -- A hash of the parameters is as good as a draw, and the same each time.
    select desk.unit_blocks(o.block_sums) as unit
    from (select * from own where block_sums is not null order by parameters_hash limit 2000) as o
  ),
  summed as (
    select u.position, sum(u.value) as value, count(*) as n
    from sampled as s cross join lateral unnest(s.unit) with ordinality as u (value, position)
    where cardinality(s.unit) = (select max(cardinality(unit)) from sampled)
    group by u.position
  ),
  alike as (
    select array_agg(s.value / s.n order by s.position) as direction,
           least(1, (sum(s.value * s.value) - max(s.n)) / nullif(max(s.n) * (max(s.n) - 1), 0)) as correlation
    from summed as s
  )
  insert into desk.run_statistics (
    optimization_run_id, strategy_id, trials, sharpe_trials, sharpe_mean, sharpe_m2, correlation, direction)
  select r.id, r.strategy_id, o.trials, o.sharpe_trials, o.mean, o.m2, a.correlation, a.direction
  from desk.optimization_runs as r
  cross join (
    select count(*) as trials, count(t.sharpe) as sharpe_trials, avg(t.sharpe) as mean,
      regr_sxx(t.sharpe, t.sharpe) as m2
    from own as t
  ) as o
  cross join alike as a
  where r.id = p_run_id
  on conflict (optimization_run_id) do update
  set trials = excluded.trials, sharpe_trials = excluded.sharpe_trials, sharpe_mean = excluded.sharpe_mean,
      sharpe_m2 = excluded.sharpe_m2, correlation = excluded.correlation, direction = excluded.direction
$$;
comment on function desk.count_trials(bigint) is
  'Records what a run adds to the trials of its strategy: their number, the spread of their Sharpe ratios, and how '
  'alike they are.';

create or replace function desk.counts_towards(p_run desk.optimization_runs, p_other desk.optimization_runs)
returns boolean
language sql immutable
set search_path = desk, pg_temp
as $$
  -- A window that nobody stated may be any. The searches inside walk-forward runs are no trials of a stitched
  -- test: what they chose was tested on days that they had not seen.
  select (p_run.optimization_type <> 'Walk-Forward' or p_other.parent_run_id is null)
    and coalesce(
      2 * (least(p_run.end_date, p_other.end_date) - greatest(p_run.start_date, p_other.start_date) + 1)
        >= least(p_run.end_date - p_run.start_date, p_other.end_date - p_other.start_date) + 1, true)
$$;
comment on function desk.counts_towards(desk.optimization_runs, desk.optimization_runs) is
  'True where the trials of the other run are trials of the run: their windows overlap by at least half of the '
  'shorter one.';

create or replace function desk.family_of(p_run_id bigint)
returns setof desk.run_statistics
language sql stable
set search_path = desk, pg_temp
as $$
  select s.*
  from desk.optimization_runs as r
  join desk.run_statistics as s on s.strategy_id = r.strategy_id
  join desk.optimization_runs as o on o.id = s.optimization_run_id
  where r.id = p_run_id and desk.counts_towards(r, o)
$$;
comment on function desk.family_of(bigint) is
  'The closed runs of the same strategy whose windows overlap with this run''s by at least half of the shorter one.';

create or replace function desk.family_size(p_run_id bigint, out runs bigint, out trials bigint,
  out effective double precision, out variance double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  with family as materialized (
    select f.*, coalesce(r.start_date, '-infinity') as start_date, coalesce(r.end_date, 'infinity') as end_date,
           cardinality(f.direction) as blocks
    from desk.family_of(p_run_id) as f
    join desk.optimization_runs as r on r.id = f.optimization_run_id
  ),
  -- Blocks can be compared between runs of one window; between windows nothing is known, and trials count as unlike.
  windows as (
    select f.start_date, f.end_date, f.blocks, sum(f.trials)::double precision as n,
           sum(f.trials * (f.trials - 1) * coalesce(f.correlation, 0)) as inside,
           sum(f.trials * f.trials * (select sum(d * d) from unnest(f.direction) as u (d))) as own
    from family as f
    where f.direction is not null and f.trials > 0
    group by f.start_date, f.end_date, f.blocks
  ),
  crossed as (
    select c.start_date, c.end_date, c.blocks, sum(c.total * c.total) as square
    from (
      select f.start_date, f.end_date, f.blocks, u.position, sum(f.trials * u.d) as total
      from family as f cross join lateral unnest(f.direction) with ordinality as u (d, position)
      where f.trials > 0
      group by f.start_date, f.end_date, f.blocks, u.position
    ) as c
    group by c.start_date, c.end_date, c.blocks
  ),
  effective as (
    select sum(w.n * (1 - rho.value) + rho.value) as trials
    from windows as w
    join crossed as c using (start_date, end_date, blocks)
    cross join lateral (
      select greatest(0, least(1, coalesce((w.inside + c.square - w.own) / nullif(w.n * (w.n - 1), 0), 0))) as value
    ) as rho
  ),
  spread as (
    select sum(f.sharpe_trials) as n, sum(f.sharpe_trials * f.sharpe_mean) / nullif(sum(f.sharpe_trials), 0) as mean
    from family as f
  )
  select count(*), coalesce(sum(f.trials), 0)::bigint,
         coalesce(max(e.trials), 0) + coalesce(sum(f.trials) filter (where f.direction is null), 0)::double precision,
         -- Groups' sums of squares add up by the parallel rule (Chan, Golub, LeVeque 1979).
         (sum(f.sharpe_m2) + sum(f.sharpe_trials * (f.sharpe_mean - s.mean) ^ 2)) / nullif(max(s.n) - 1,
           0)::double precision
  from family as f
  cross join effective as e
  cross join spread as s
$$;
comment on function desk.family_size(bigint) is
  'Trials of a run''s family: N, N as independent trials (n(1-r)+r with the mean correlation r, window by window), '
  'and the variance of their Sharpe ratios a session.';

drop function if exists desk.deflate_run(bigint);
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
  set family_runs = v_size.runs, family_trials = v_size.trials, effective_trials = v_size.effective,
      trial_variance = v_size.variance, stale = false, judged_at = clock_timestamp()
  where optimization_run_id = any (p_run_ids);
  with kept as materialized (
    select c.id, c.sharpe_ratio / sqrt(252::double precision) as sharpe, c.skewness, c.kurtosis, c.return_count, s.pbo
    from desk.run_statistics as s
    cross join lateral (
      select b.*
      from desk.backtest_results as b
      where b.optimization_run_id = s.optimization_run_id and b.outcome = 'finished'
      order by b.passed desc, b.sharpe_ratio desc nulls last, b.ordinal
      limit v_most
    ) as c
    where s.optimization_run_id = any (p_run_ids)
  )
  update desk.backtest_results as b
  set deflated_sharpe_z = d.z, deflated_sharpe = desk.normal_cdf(d.z), pbo = d.pbo
  from (
    -- What luck is expected to reach is the same for all results of one length.
    select k.id, desk.deflated_sharpe_z(k.sharpe, k.skewness, k.kurtosis, k.return_count, e.best) as z, k.pbo
    from kept as k
    join (
      select n.return_count, desk.expected_best(n.return_count, v_size.effective, v_size.variance) as best
      from (select distinct o.return_count from kept as o) as n
    ) as e on e.return_count is not distinct from k.return_count
  ) as d
  where b.id = d.id and (b.deflated_sharpe_z, b.pbo) is distinct from (d.z, d.pbo);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function desk.deflate_runs(bigint[]) is
  'Counts the family of runs as it is now, which all of them share, and deflates the best results of each by it; '
  'answers how many results changed.';
