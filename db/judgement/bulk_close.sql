-- What the close of a bulk run and its judging again do by sets.

create or replace function desk.passed_of(p_run_id bigint)
returns bigint
language sql stable
set search_path = desk, pg_temp
as $$
  select (select count(*) from desk.full_results as b where b.optimization_run_id = p_run_id and b.passed)
    + coalesce((select sum(v.points) from desk.bulk_verdicts as v
      where v.optimization_run_id = p_run_id and v.verdict = 0), 0)::bigint
$$;
comment on function desk.passed_of(bigint) is 'How many results of a run have passed.';

create or replace function desk.recount_verdicts(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_undefined constant text := (select k.undefined from desk.bulk_runs as k where k.optimization_run_id = p_run_id);
begin
  if v_undefined is null then
    return;
  end if;
  delete from desk.bulk_verdicts where optimization_run_id = p_run_id;
  execute format('insert into desk.bulk_verdicts (optimization_run_id, verdict, undefined, points)'
    ' select $1, p.verdict, case when p.verdict = 0 then 0 else p.verdict & (%s) end, count(*)'
    ' from desk.bulk_points as p where p.optimization_run_id = $1 group by 2, 3', v_undefined)
  using p_run_id;
end
$$;
comment on function desk.recount_verdicts(bigint) is 'Tallies the verdicts of a bulk run anew.';

create or replace function desk.tally_blocks(p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.run_tallies as t (optimization_run_id, quarter, finished, failed, passed, best_sharpe,
    best_passed_sharpe)
  select p_run_id, date_bin('15 minutes', k.created_at, timestamptz '2000-01-01 00:00+00'), sum(c.finished), 0,
         case when r.role = 'search' then sum(c.passed) else 0 end,
         case when r.role = 'search' then max(c.best) end, case when r.role = 'search' then max(c.best_passed) end
  from desk.bulk_blocks as k
  join desk.bulk_runs as g on g.optimization_run_id = k.optimization_run_id
  join desk.optimization_runs as r on r.id = k.optimization_run_id
  cross join lateral (
    select count(*) as finished, count(*) filter (where p.verdict = 0) as passed, max(p.sharpe_ratio) as best,
           max(p.sharpe_ratio) filter (where p.verdict = 0) as best_passed
    from desk.bulk_points as p
    where p.id between k.first_id and k.last_id
      and (g.repeated = '{}' or not g.repeated @> (p.id & 134217727))
  ) as c
  where k.optimization_run_id = p_run_id and c.finished > 0
  group by 2, r.role
  on conflict (optimization_run_id, quarter) do update
  set finished = t.finished + excluded.finished, passed = t.passed + excluded.passed,
      best_sharpe = greatest(t.best_sharpe, excluded.best_sharpe),
      best_passed_sharpe = greatest(t.best_passed_sharpe, excluded.best_passed_sharpe)
$$;
comment on function desk.tally_blocks(bigint) is
  'Adds the points of a bulk run that are not promoted to its tallies by quarter of an hour.';

create or replace function desk.rejudge_points(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp set jit = off
as $$
declare
  v_count bigint := 0;
begin
  if not exists (select from desk.bulk_runs as k where k.optimization_run_id = p_run_id) then
    return 0;
  end if;
  perform desk.snapshot_criteria(p_run_id);
  -- A row has no new version where its verdict stays.
  execute format('update desk.bulk_points as p set verdict = %1$s'
    ' where p.optimization_run_id = $1 and p.verdict <> (%1$s)',
    (select k.verdict from desk.bulk_runs as k where k.optimization_run_id = p_run_id))
  using p_run_id;
  get diagnostics v_count = row_count;
  perform desk.recount_verdicts(p_run_id);
  return v_count;
end
$$;
comment on function desk.rejudge_points(bigint) is
  'Judges the points of a bulk run by its criteria as they are now; answers how many verdicts changed.';

create or replace function desk.judge_bulk_by_family(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp set jit = off
as $$
declare
  v_given constant jsonb := desk.bulk_constants(p_run_id);
  v_bits  constant integer := (select k.family_bits from desk.bulk_runs as k where k.optimization_run_id = p_run_id);
  v_count bigint := 0;
begin
  if coalesce(v_bits, 0) = 0 then
    return 0;
  end if;
  -- Only those that meet all else may come to pass; of the others the reasons are told from figures when they are read.
  execute format('update desk.bulk_points as b set verdict = m.verdict from ('
    ' select p.id, %s as verdict'
    ' from desk.bulk_points as p'
    ' cross join lateral desk.family_figures($1, p.sharpe_ratio, %s, %s, p.return_count, $3) as f'
    ' where p.optimization_run_id = $1 and p.verdict & ~$2 = 0) as m'
    ' where b.id = m.id and b.verdict <> m.verdict', (
      select string_agg(desk.criterion_term(format('f.%I', c.metric), c.comparison, c.threshold, c.bit), ' | ')
      from desk.bulk_criteria as c where c.optimization_run_id = p_run_id and v_bits & (1 << c.bit) <> 0),
    desk.ratio_call('skewness', 'p', v_given), desk.ratio_call('kurtosis', 'p', v_given))
  using p_run_id, v_bits, (
    select k.sessions_a_year from desk.bulk_runs as k where k.optimization_run_id = p_run_id);
  get diagnostics v_count = row_count;
  perform desk.recount_verdicts(p_run_id);
  return v_count;
end
$$;
comment on function desk.judge_bulk_by_family(bigint) is
  'Judges the points of a bulk run that meet all other criteria by those on the family; answers how many verdicts '
  'changed.';

create or replace function desk.mark_repeated_points(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_before   int8multirange;
  v_repeated int8multirange := '{}';
  v_twins    bigint[];
begin
  select k.repeated into v_before from desk.bulk_runs as k where k.optimization_run_id = p_run_id;
  if not found then
    return 0;
  end if;
  v_twins := array(
    select o.id
    from desk.optimization_runs as r
    join desk.optimization_runs as o on o.strategy_id = r.strategy_id and o.code_version_id = r.code_version_id
      and o.data_hash = r.data_hash and o.settings_hash = r.settings_hash and o.id < r.id and o.role <> 'pilot'
    where r.id = p_run_id);
  -- Nearly always there is none. Else parameters are decoded, all of them: seconds for a million.
  if v_twins <> '{}' then
    select coalesce(range_agg(int8range(m.ordinal, m.ordinal, '[]')), '{}') into v_repeated
    from desk.run_progress as g
    cross join lateral desk.point_texts(p_run_id, array(select generate_series(1, g.total))) as m
    where g.optimization_run_id = p_run_id and m.parameters::jsonb in (
      select b.parameters from desk.full_results as b
      where b.optimization_run_id = any (v_twins) and b.outcome = 'finished'
      union all
      select t.parameters::jsonb
      from unnest(v_twins) as u (id)
      cross join lateral desk.point_texts(u.id, array(
        select p.id & 134217727 from desk.bulk_points as p where p.optimization_run_id = u.id)) as t);
  end if;
  if v_repeated = v_before then
    return 0;
  end if;
  update desk.bulk_runs set repeated = v_repeated where optimization_run_id = p_run_id;
  return 1;
end
$$;
comment on function desk.mark_repeated_points(bigint) is
  'Tells which points of a bulk run repeat trials of earlier runs with the same code, prices and settings; answers 1 '
  'where that is news.';

create or replace function desk.write_sensitivity(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp set jit = off
as $$
declare
  v_run   record;
  v_axis  record;
  v_value text;
begin
  select r.target_metric, r.target_direction, k.constraint_bits into v_run
  from desk.bulk_runs as k join desk.optimization_runs as r on r.id = k.optimization_run_id
  where k.optimization_run_id = p_run_id;
  if not found then
    return;
  end if;
  v_value := desk.target_of(p_run_id);
  delete from desk.bulk_sensitivity where optimization_run_id = p_run_id;
  for v_axis in
    select g.first_ordinal, g.points, n.name, s.item, a.points as tuples, a.valid, a.sizes[n.position] as size,
           coalesce((select exp(sum(ln(z.size)))::numeric::bigint
             from unnest(a.sizes) with ordinality as z (size, place)
             where z.place > n.position), 1) as within,
           coalesce((select exp(sum(ln(l.points)))::numeric::bigint from desk.search_axes as l
             where l.optimization_run_id = g.optimization_run_id and l.generation = g.generation
               and l.axis > a.axis), 1) as stride
    from desk.search_generations as g
    join desk.search_axes as a on a.optimization_run_id = g.optimization_run_id and a.generation = g.generation
    cross join lateral unnest(a.parameters) with ordinality as n (name, position)
    join jsonb_array_elements(g.space) as s (item) on s.item ->> 'name' = n.name
    where g.optimization_run_id = p_run_id
  loop
    execute format('insert into desk.bulk_sensitivity as t (optimization_run_id, parameter, value, evaluations, passed,'
      ' mean_target, best_target)'
      ' select $1, $2, desk.axis_value($3, c.place), c.points, c.passed, c.mean, c.best from ('
      ' select (%1$s) / $5 %% $6 as place, count(*) as points, count(*) filter (where p.verdict = 0) as passed,'
      ' avg(p.target) as mean, %2$s(p.target) as best'
      ' from (select p.verdict, (p.id & 134217727) - $7 as number,'
      '   case when p.verdict & 1 = 0 then %3$s end as target'
      '   from desk.bulk_points as p where p.optimization_run_id = $1'
      '   and p.id & 134217727 between $7 and $7 + $10 - 1) as p group by 1) as c'
      ' on conflict (optimization_run_id, parameter, value) do update set'
      ' mean_target = (coalesce(t.mean_target * t.evaluations, 0)'
      ' + coalesce(excluded.mean_target * excluded.evaluations, 0))'
      ' / (t.evaluations + excluded.evaluations), evaluations = t.evaluations + excluded.evaluations,'
      ' passed = t.passed + excluded.passed, best_target = %4$s(t.best_target, excluded.best_target)',
      case when v_axis.valid is null then 'p.number / $8 % $9' else '($4)[p.number / $8 % $9 + 1]' end,
      case v_run.target_direction when 'min' then 'min' else 'max' end, v_value,
      case v_run.target_direction when 'min' then 'least' else 'greatest' end)
    using p_run_id, v_axis.name, v_axis.item, v_axis.valid, v_axis.within, v_axis.size, v_axis.first_ordinal,
      v_axis.stride, v_axis.tuples, v_axis.points;
  end loop;
end
$$;
comment on function desk.write_sensitivity(bigint) is
  'Writes for each value of each parameter of a bulk run what its points had; before the best are promoted.';

create or replace function desk.run_extremes(p_run_id bigint, out results bigint, out most_sessions bigint,
  out most_trades bigint, out lost bigint, out most_refused_for_cash bigint, out refused_for_cash bigint,
  out most_refused_otherwise bigint, out refused_otherwise bigint, out given boolean, out identical boolean,
  out endings_differ boolean)
language sql stable
set search_path = desk, pg_temp
as $$
  with parts as (
    select count(*) as n, max(b.sessions) as sessions, max(b.total_trades) as trades,
           count(*) filter (where b.lost) as lost, max(b.refused_for_cash) as cash,
           count(*) filter (where b.refused_for_cash > 0) as cashless, max(b.refused_otherwise) as other,
           count(*) filter (where b.refused_otherwise > 0) as others,
           bool_or(b.metrics_given and b.engine_metrics = '{}') as given, min(b.ending_value) as e1,
           max(b.ending_value) as e2, min(b.total_trades) as t1, min(b.total_orders) as o1, max(b.total_orders) as o2,
           min(b.return_m2) as m1, max(b.return_m2) as m2, count(b.ending_value) as e, count(b.total_trades) as t,
           count(b.total_orders) as o, count(b.return_m2) as m
    from desk.full_results as b where b.optimization_run_id = p_run_id and b.outcome = 'finished'
    union all
    select count(*), max(p.sessions), max(p.total_trades), count(*) filter (where p.verdict & 1 = 1),
           max(p.refused_for_cash), count(*) filter (where p.refused_for_cash > 0), max(p.refused_otherwise),
           count(*) filter (where p.refused_otherwise > 0), false, min(p.ending_value), max(p.ending_value),
           min(p.total_trades), min(p.total_orders), max(p.total_orders), min(p.return_m2), max(p.return_m2), count(*),
           count(*), count(*), count(*)
    from desk.bulk_points as p where p.optimization_run_id = p_run_id
  )
  select sum(x.n)::bigint, max(x.sessions), max(x.trades), sum(x.lost)::bigint, max(x.cash), sum(x.cashless)::bigint,
         max(x.other), sum(x.others)::bigint, bool_or(x.given),
         -- Equal, and known of all or of none.
         min(x.e1) is not distinct from max(x.e2) and min(x.t1) is not distinct from max(x.trades)
           and min(x.o1) is not distinct from max(x.o2) and min(x.m1) is not distinct from max(x.m2)
           and sum(x.e) in (0, sum(x.n)) and sum(x.t) in (0, sum(x.n)) and sum(x.o) in (0, sum(x.n))
           and sum(x.m) in (0, sum(x.n)),
         min(x.e1) <> max(x.e2)
  from parts as x
$$;
comment on function desk.run_extremes(bigint) is
  'What the flags of a run ask of its finished points, of both kinds, in one pass.';
