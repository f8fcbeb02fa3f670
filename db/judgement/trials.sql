-- Trials: what a run adds to those of its strategy, and how alike they are.

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

create or replace function desk.repeats_another(p_run desk.optimization_runs, p_result desk.full_results)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  -- What a job's pilot found out counts where its search takes it over. An import has no provenance: there the same
  -- parameters on the same symbols in the same window are the same trial.
  select p_run.role <> 'pilot' and p_result.outcome = 'finished' and case
    when p_result.provenance_hash is not null then exists (
      select from desk.full_results as e
      join desk.optimization_runs as o on o.id = e.optimization_run_id
      where e.provenance_hash = p_result.provenance_hash and e.outcome = 'finished' and e.id < p_result.id
        and o.role <> 'pilot')
    -- A walk-forward does so where all of its tests do.
    when p_run.optimization_type = 'Walk-Forward' and not p_run.imported then (
      select coalesce(bool_and(e.repeated), false)
      from desk.walk_forward_folds as f
      join desk.full_results as e on e.id = f.out_of_sample_result_id
      where f.optimization_run_id = p_run.id)
    when p_run.imported then exists (
      select from desk.optimization_runs as o
      join desk.full_results as e on e.optimization_run_id = o.id
      where o.strategy_id = p_run.strategy_id and o.imported and o.id <= p_run.id
        and (o.symbols, o.timeframe, o.start_date, o.end_date) is not distinct
          from (p_run.symbols, p_run.timeframe, p_run.start_date, p_run.end_date)
        and e.parameters_hash = p_result.parameters_hash and e.outcome = 'finished' and e.id < p_result.id)
    else false end
$$;
comment on function desk.repeats_another(desk.optimization_runs, desk.full_results) is
  'True where an equal trial was counted before this result, in this run or in another.';

create or replace function desk.mark_repeated(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_count bigint;
begin
  update desk.full_results as b
  set repeated = n.repeated
  from (
    select e.id, desk.repeats_another(r, e) as repeated, e.repeated as before
    from desk.optimization_runs as r
    join desk.full_results as e on e.optimization_run_id = r.id
    where r.id = p_run_id
  ) as n
  where b.id = n.id and n.repeated <> n.before;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function desk.mark_repeated(bigint) is
  'Marks the results of a run that repeat one counted before; answers how many marks changed.';

create or replace function desk.own_trials(p_run_id bigint)
returns table (backtest_result_id bigint, sharpe double precision, block_sums double precision[], parameters_hash text)
language sql stable
set search_path = desk, pg_temp
as $$
  select b.id, b.sharpe_ratio / sqrt(b.sessions_a_year), b.block_sums, b.parameters_hash
  from desk.optimization_runs as r
  join desk.full_results as b on b.optimization_run_id = r.id
  where r.id = p_run_id and r.role <> 'pilot' and b.outcome = 'finished' and not b.repeated
$$;
comment on function desk.own_trials(bigint) is
  'The distinct trials that a run adds to its strategy''s: finished points that repeat none counted before, with the '
  'Sharpe ratio a session. A pilot adds none.';

create or replace function desk.curve_correlation(p_run_id bigint, p_curves integer default 100,
  out correlation double precision, out returns bigint)
language sql stable
set search_path = desk, pg_temp
as $$
  -- Those kept because they are the best would be more alike than all are: either a draw of all is there, or none
  -- of it is used. A hash of the parameters is as good as a draw, and the same each time.
  with drawn as materialized (
    select t.backtest_result_id as id
    from desk.own_trials(p_run_id) as t
    -- Of a bulk run only the best are full results.
    where t.sharpe is not null
      and not exists (select from desk.bulk_runs as k where k.optimization_run_id = p_run_id)
    order by t.parameters_hash
    limit p_curves
  ), points as (
    select e.backtest_result_id as id, u.position,
           u.value / nullif(lag(u.value, 1, b.starting_cash) over (partition by b.id order by u.position), 0) - 1 as r
    from drawn as d
    join desk.full_results as b on b.id = d.id
    join desk.equity_curves as e on e.backtest_result_id = d.id
    cross join lateral unnest(e.equity) with ordinality as u (value, position)
    where not exists (
      select from drawn as o
      where not exists (select from desk.equity_curves as x where x.backtest_result_id = o.id))
  ), moments as (
    select p.id, avg(p.r) as mean, sqrt(regr_sxx(p.r, p.r)) as length, count(p.r) as n from points as p group by p.id
  ), summed as (
    select sum((p.r - m.mean) / m.length) as value
    from points as p join moments as m on m.id = p.id
    where m.length > 1e-12
    group by p.position
  ), counted as (
    select count(*) as curves, max(m.n) as n from moments as m where m.length > 1e-12
    having min(m.n) = max(m.n) and count(*) > 1
  )
  select least(1, ((select sum(s.value ^ 2) from summed as s) - c.curves) / (c.curves * (c.curves - 1))), c.n
  from counted as c
$$;
comment on function desk.curve_correlation(bigint, integer) is
  'Mean correlation between the daily returns of two trials of a run, from the curves of a draw of so many, and the '
  'number of returns; null where the run does not keep them all.';

create or replace function desk.correlation_error(p_correlation double precision, p_trials double precision,
  p_values double precision)
returns double precision
language sql immutable strict
set search_path = desk, pg_temp
as $$
  -- What all share is seen once, however many trials there are; what is a pair's own is averaged over them.
  select sqrt(2 * (r * (1 - r)) ^ 2 + ((1 - r * r) ^ 2 - 2 * (r * (1 - r)) ^ 2) / greatest(p_trials - 1, 1))
    / sqrt(greatest(p_values - 1, 1))
  from (select greatest(0, least(1, p_correlation))) as c (r)
$$;
comment on function desk.correlation_error(double precision, double precision, double precision) is
  'Standard error of the mean correlation between trials, from so many values (sessions or blocks) of each.';

create or replace function desk.count_trials(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_curves record;
begin
  if desk.mark_repeated(p_run_id) + desk.mark_repeated_points(p_run_id) > 0 then
    perform desk.recount_tallies(p_run_id);
  end if;
  select c.correlation, c.returns into v_curves from desk.curve_correlation(p_run_id) as c;
  with own as materialized (
    select t.sharpe, t.block_sums, t.parameters_hash from desk.own_trials(p_run_id) as t
  ),
  sampled as materialized (
    select desk.unit_blocks(o.block_sums) as unit
    from (
      (select o.block_sums from own as o
       where o.block_sums is not null and not exists (
         select from desk.bulk_runs as k where k.optimization_run_id = p_run_id)
       order by o.parameters_hash limit 2000)
      union all
      (select s.block_sums
       from desk.bulk_samples as s
       join desk.bulk_runs as k on k.optimization_run_id = s.optimization_run_id
       where s.optimization_run_id = p_run_id and not k.repeated @> (s.id & 134217727)
       order by s.id limit 2000)
    ) as o
  ),
  summed as (
    select u.position, sum(u.value) as value, count(*) as n
    from sampled as s cross join lateral unnest(s.unit) with ordinality as u (value, position)
    where cardinality(s.unit) = (select max(cardinality(unit)) from sampled)
    group by u.position
  ),
  alike as (
    select array_agg(s.value / s.n order by s.position) as direction, count(*) as blocks, max(s.n) as n,
           least(1, (sum(s.value * s.value) - max(s.n)) / nullif(max(s.n) * (max(s.n) - 1), 0)) as correlation
    from summed as s
  )
  insert into desk.run_statistics as s (
    optimization_run_id, strategy_id, trials, sharpe_trials, sharpe_mean, sharpe_m2, correlation, correlation_from,
    correlation_error, direction, formulas)
  select r.id, r.strategy_id, o.trials, o.sharpe_trials, o.mean, o.m2, coalesce(v_curves.correlation, a.correlation),
         case when v_curves.correlation is not null then 'curves' when a.correlation is not null then 'blocks' end,
         case when v_curves.correlation is not null
           then desk.correlation_error(v_curves.correlation, least(o.trials, 100), v_curves.returns)
           else desk.correlation_error(a.correlation, a.n, a.blocks) end,
         a.direction, desk.luck_formulas()
  from desk.optimization_runs as r
  cross join (
    select count(*) as trials, count(t.sharpe) as sharpe_trials, avg(t.sharpe) as mean,
      regr_sxx(t.sharpe, t.sharpe) as m2
    from (
      select o.sharpe from own as o
      union all
      select p.sharpe_ratio / g.root
      from (
        select k.optimization_run_id, sqrt(k.sessions_a_year) as root, k.repeated, k.repeated = '{}' as all_new
        from desk.bulk_runs as k where k.optimization_run_id = p_run_id
      ) as g
      join desk.bulk_points as p on p.optimization_run_id = g.optimization_run_id
        and (g.all_new or not g.repeated @> (p.id & 134217727))
    ) as t
  ) as o
  cross join alike as a
  where r.id = p_run_id
  on conflict (optimization_run_id) do update
  set trials = excluded.trials, sharpe_trials = excluded.sharpe_trials, sharpe_mean = excluded.sharpe_mean,
      sharpe_m2 = excluded.sharpe_m2, correlation = excluded.correlation, correlation_from = excluded.correlation_from,
      correlation_error = excluded.correlation_error, direction = excluded.direction, formulas = excluded.formulas;
end
$$;
comment on function desk.count_trials(bigint) is
  'Records what a run adds to the trials of its strategy: their number, the spread of their Sharpe ratios, and how '
  'alike they are.';

create or replace function desk.luck_formulas()
returns integer
language sql immutable
set search_path = desk, pg_temp
as $$ select 4 $$;
comment on function desk.luck_formulas() is
  'Number of the formulas of luck; raised with each change of a figure, so that an upgrade counts anew.';
