-- Promotion: bulk points that others may point at, or that are the best, become full results under the id they had.

create or replace function desk.promote(p_ids bigint[])
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_ids   constant bigint[] := array(select distinct u.id from unnest(p_ids) as u (id));
  v_run   record;
  v_point record;
  v_full  desk.full_results;
  v_count integer := 0;
begin
  for v_run in
    select k.optimization_run_id as id, k.undefined from desk.bulk_runs as k
    where k.optimization_run_id in (select (u.id - 4503599627370496) >> 27 from unnest(v_ids) as u (id))
  loop
    execute format('update desk.bulk_verdicts as v set points = v.points - g.points from ('
      ' select p.verdict, case when p.verdict = 0 then 0 else p.verdict & (%s) end as undefined, count(*) as points'
      ' from desk.bulk_points as p where p.id = any ($1) and p.optimization_run_id = $2 group by 1, 2) as g'
      ' where v.optimization_run_id = $2 and v.verdict = g.verdict and v.undefined = g.undefined', v_run.undefined)
    using v_ids, v_run.id;
  end loop;
  for v_point in
    with gone as (
      delete from desk.bulk_points as p where p.id = any (v_ids) returning p as point
    )
    select g.point, k.runner_id, k.attempt, k.platform, k.created_at,
           k.seconds / (k.last_id - k.first_id + 1) as duration, s.block_counts, s.block_sums, s.block_squares,
           t.parameters,
           desk.provenance_hash(r, t.parameters, k.platform) as provenance_hash
    from gone as g
    join desk.optimization_runs as r on r.id = (g.point).optimization_run_id
    join (
      select desk.bulk_id(q.run_id, p.ordinal) as id, p.parameters
      from (
        select (u.id - 4503599627370496) >> 27 as run_id, array_agg(u.id & 134217727) as ordinals
        from unnest(v_ids) as u (id) group by 1
      ) as q
      cross join lateral desk.point_parameters(q.run_id, q.ordinals) as p
    ) as t on t.id = (g.point).id
    left join lateral (
      select b.* from desk.bulk_blocks as b where b.first_id <= (g.point).id order by b.first_id desc limit 1
    ) as k on true
    left join desk.bulk_samples as s on s.id = (g.point).id
    order by (g.point).id
  loop
    v_full := desk.full_of(v_point.point);
    v_full.parameters := v_point.parameters;
    v_full.parameters_hash := '';
    v_full.provenance_hash := v_point.provenance_hash;
    v_full.rejection_reasons := '{}';
    v_full.passed := true;
    v_full.ranked := false;
    v_full.repeated := false;
    v_full.runner_id := v_point.runner_id;
    v_full.attempt := v_point.attempt;
    v_full.platform := v_point.platform;
    v_full.created_at := v_point.created_at;
    v_full.duration := v_point.duration;
    v_full.block_counts := v_point.block_counts;
    v_full.block_sums := v_point.block_sums;
    v_full.block_squares := v_point.block_squares;
    insert into desk.full_results overriding system value values (v_full.*);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function desk.promote(bigint[]) is
  'Makes bulk points full results under the ids they have, judged by the same criteria; ids of others are passed over. '
  'Nothing is counted again. Answers how many.';

create or replace function desk.promote_best(p_run_id bigint)
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_most   constant integer := (desk.setting('deflated_results') #>> '{}')::integer;
  v_given  constant jsonb := desk.bulk_constants(p_run_id);
  v_run    record;
  v_size   record;
  v_target bigint[];
  v_passed bigint[];
  v_target_sql text;
begin
  select r.target_metric, r.target_direction, k.constraint_bits, k.family_bits into v_run
  from desk.bulk_runs as k join desk.optimization_runs as r on r.id = k.optimization_run_id
  where k.optimization_run_id = p_run_id;
  if not found then
    return 0;
  end if;
  v_target_sql := desk.target_of(p_run_id);
  -- Among those that are full results already, so that judging again promotes no further ones.
  execute format('select array_agg(c.id) filter (where c.narrow) from (select b.* from ('
    '(select p.id, %1$s as target, true as narrow from desk.bulk_points as p'
    ' where p.optimization_run_id = $1 and p.verdict & $2 = 0 and %1$s is not null order by %1$s %2$s, p.id limit $4)'
    ' union all (select f.id, f.%3$I, false from desk.full_results as f where f.optimization_run_id = $1'
    ' and not f.lost and f.%3$I is not null)) as b order by b.target %2$s, b.id limit $4) as c',
    v_target_sql, case v_run.target_direction when 'min' then 'asc' else 'desc' end, v_run.target_metric)
  into v_target using p_run_id, v_run.constraint_bits, null::integer, v_most;
  -- By the deflated Sharpe ratio, of the twenty times as many that are best by the Sharpe ratio.
  select f.* into v_size from desk.family_size(p_run_id) as f;
  execute format('select array_agg(z.id) filter (where z.narrow) from (select c.* from (select x.id, x.narrow,'
    ' desk.deflated_sharpe_z(x.sharpe, x.skewness, x.kurtosis, x.n,'
    ' desk.expected_best(x.n, $3, $4, $5, $6)) as z from ('
    ' select p.id, true as narrow, %1$s as sharpe, %2$s as skewness, %3$s as kurtosis, p.return_count as n'
    ' from (select b.* from desk.bulk_points as b where b.optimization_run_id = $1 and b.verdict & ~$7 = 0'
    ' order by b.sharpe_ratio desc nulls last limit 20 * $2) as p'
    ' union all select f.id, false, f.sharpe_ratio / sqrt(f.sessions_a_year), f.skewness, f.kurtosis, f.return_count'
    ' from desk.full_results as f where f.optimization_run_id = $1 and f.passed) as x) as c'
    ' order by c.z desc nulls last, c.id limit $2) as z',
    desk.ratio_call('session_sharpe', 'p', v_given), desk.ratio_call('skewness', 'p', v_given),
    desk.ratio_call('kurtosis', 'p', v_given))
  into v_passed using p_run_id, v_most, v_size.expected, v_size.trials, v_size.correlation, v_size.variance,
    v_run.family_bits;
  return desk.promote(coalesce(v_target, '{}') || coalesce(v_passed, '{}'));
end
$$;
comment on function desk.promote_best(bigint) is
  'Promotes the best points of a bulk run, as many as deflated_results says: by the target, and of the passed by '
  'deflated Sharpe ratio. Answers how many.';

create or replace function desk.promote_passed(p_run_id bigint)
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run record;
  v_ids bigint[];
begin
  select r.target_metric, r.target_direction into v_run
  from desk.bulk_runs as k join desk.optimization_runs as r on r.id = k.optimization_run_id
  where k.optimization_run_id = p_run_id;
  if not found then
    return 0;
  end if;
  execute format('select array_agg(b.id) from (select p.id from desk.bulk_points as p'
    ' where p.optimization_run_id = $1 and p.verdict = 0 and %1$s is not null order by %1$s %2$s, p.id limit 1) as b',
    desk.target_of(p_run_id),
    case v_run.target_direction when 'min' then 'asc' else 'desc' end)
  into v_ids using p_run_id;
  return desk.promote(coalesce(v_ids, '{}'));
end
$$;
comment on function desk.promote_passed(bigint) is
  'Promotes the passed point of a bulk run that is best by the target, which a fold may choose.';
