-- What the page of a run reads: failures, rejections, a search's way, noise, a map.
-- Two functions take more memory than a session has by default: with less they would sort 100,000 points on disk.

create or replace view desk.run_failures as
select b.optimization_run_id, b.error_kind, left(split_part(b.error, E'\n', 1), 300) as error, count(*) as points,
       min(b.id) as first_result_id, max(b.created_at) as last_at
from desk.full_results as b
where b.outcome = 'failed'
group by b.optimization_run_id, b.error_kind, left(split_part(b.error, E'\n', 1), 300);
comment on view desk.run_failures is 'One row a run and error: how many of its points failed with it.';
comment on column desk.run_failures.optimization_run_id is 'The run.';
comment on column desk.run_failures.error_kind is 'strategy, deadline, memory, crash or infrastructure.';
comment on column desk.run_failures.error is 'First line of the error.';
comment on column desk.run_failures.points is 'Points that failed with it.';
comment on column desk.run_failures.first_result_id is 'The first of them, with the whole error.';
comment on column desk.run_failures.last_at is 'When the last of them failed.';

create or replace view desk.run_rejections as
select c.optimization_run_id, c.reason, sum(c.rejected)::bigint as rejected
from (
  select b.optimization_run_id, desk.reason_kind(u.reason) as reason, count(distinct b.id) as rejected
  from desk.full_results as b
  cross join lateral unnest(b.rejection_reasons) as u (reason)
  where b.outcome = 'finished'
  group by b.optimization_run_id, desk.reason_kind(u.reason)
  union all
  select v.optimization_run_id, v.reason, v.points from desk.bulk_rejections as v
) as c
group by c.optimization_run_id, c.reason;
comment on view desk.run_rejections is
  'One row a run and kind of reason: how many finished points were rejected for it; one may have several.';
comment on column desk.run_rejections.optimization_run_id is 'The run.';
comment on column desk.run_rejections.reason is 'Kind of reason: the sentence without its figures.';
comment on column desk.run_rejections.rejected is 'Finished points rejected for it.';

create or replace function desk.search_way(p_run_id bigint, p_points integer default 2000)
returns table (
  evaluation bigint, backtest_result_id bigint, outcome text, passed boolean, target_value double precision,
  best_so_far double precision, improved boolean)
language plpgsql stable security definer
set search_path = desk, pg_temp
set work_mem = '32MB'
as $$
declare
  v_run   record;
  v_every bigint;
begin
  select r.target_metric, r.target_direction, g.finished + g.failed as recorded into v_run
  from desk.optimization_runs as r join desk.run_progress as g on g.optimization_run_id = r.id
  where r.id = p_run_id;
  if not found then
    return;
  end if;
  v_every := 1 + v_run.recorded / greatest(p_points, 1);
  -- By the column's name: asking every row as JSON for it takes seconds where a run has 100,000 of them.
  return query execute format($way$
    with numbered as (
      select row_number() over w as evaluation, b.id, b.outcome, b.passed, b.%1$I::double precision as value,
             %2$s(b.%1$I) over w as best
      from (select a.id, a.outcome, a.passed, case when not a.lost then a.%1$I end as %1$I
        from desk.backtest_results as a where a.optimization_run_id = $1) as b
      window w as (order by b.id)
    ), compared as (
      select n.*, n.value is not null and n.best is distinct from lag(n.best) over (order by n.id) as improved
        from numbered as n
    )
    select c.evaluation, c.id, c.outcome, c.passed, c.value, c.best::double precision, c.improved
    from compared as c
    where c.improved or c.evaluation %% $2 = 0 or c.evaluation = 1
    order by c.evaluation
  $way$, v_run.target_metric, case v_run.target_direction when 'min' then 'min' else 'max' end)
  using p_run_id, v_every;
end
$$;
comment on function desk.search_way(bigint, integer) is
  'Points of a run in the order of recording, with the best of the target so far: about as many as asked for, and '
  'every improvement.';
grant execute on function desk.search_way(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.noise_way(p_run_id bigint, p_points integer default 100)
returns table (evaluation bigint, low double precision, expected double precision, high double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with trials as (
    select count(*) as n,
           -- As where results are deflated: trials vary at least as noise does over so many sessions.
           sqrt(max(b.sessions_a_year)
             * greatest(coalesce(var_samp(b.sharpe_ratio), 0) / max(b.sessions_a_year),
               1 / nullif(max(b.return_count) - 1, 0)::double precision)) as deviation
    from desk.backtest_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    where b.optimization_run_id = p_run_id and b.outcome = 'finished' and r.target_metric = 'sharpe_ratio'
      and r.target_direction = 'max'
  ),
  places as (
    -- Close together at the begin, where the curve is steep.
    select distinct least(t.n, ceil(exp(ln(t.n::double precision) * i / greatest(p_points, 1))))::bigint as n,
      t.deviation
    from trials as t, generate_series(0, greatest(p_points, 1)) as i
    where t.n > 0 and t.deviation > 0
  )
  select p.n,
         p.deviation * desk.normal_quantile(0.05 ^ (1 / p.n::double precision)),
         p.deviation * desk.expected_maximum(p.n, 0),
         p.deviation * desk.normal_quantile(0.95 ^ (1 / p.n::double precision))
  from places as p
  order by p.n
$$;
comment on function desk.noise_way(bigint, integer) is
  'What the best of 1, 2 ... N trials without skill would have for a Sharpe ratio, annualized: expected, and 5 and '
  '95 per cent quantiles of the maximum of independent normal trials. No row where the run''s target is another.';
grant execute on function desk.noise_way(bigint, integer) to desk_director, desk_viewer;

create or replace function desk.target_map(p_run_id bigint, p_x text, p_y text, p_cells integer default 30)
returns table (
  x jsonb, y jsonb, x_end jsonb, y_end jsonb, points bigint, passed bigint, failed bigint, best double precision,
  mean double precision,
  best_result_id bigint)
language plpgsql stable security definer
set search_path = desk, pg_temp
set work_mem = '32MB'
as $$
declare
  v_run record;
begin
  select r.target_metric, r.target_direction into v_run from desk.optimization_runs as r where r.id = p_run_id;
  if not found then
    return;
  end if;
  return query execute format($map$
    with tried as materialized (
      select b.id, b.passed, b.outcome = 'failed' as failed,
        case when not b.lost then %2$s b.%1$I::double precision end as goodness, b.parameters -> $2 as x,
        b.parameters -> $3 as y
      from desk.full_results as b
      where b.optimization_run_id = $1 and b.parameters ? $2 and b.parameters ? $3
    ), given as (
      select 'x' as axis, v.x as value from (select distinct t.x from tried as t) as v
      union all
      select 'y', v.y from (select distinct t.y from tried as t) as v
    ), spans as (
      select g.axis, count(*) > $4 and bool_and(jsonb_typeof(g.value) = 'number') as binned,
             min(case jsonb_typeof(g.value) when 'number' then (g.value #>> '{}')::double precision end) as low,
             max(case jsonb_typeof(g.value) when 'number' then (g.value #>> '{}')::double precision end) as high
      from given as g group by g.axis
    ), cells as (
      select g.axis, g.value,
             case when s.binned then to_jsonb(s.low + (s.high - s.low) / $4 * n.cell) else g.value end as first,
             case when s.binned then to_jsonb(s.low + (s.high - s.low) / $4 * (n.cell + 1)) else g.value end as last
      from given as g
      join spans as s on s.axis = g.axis
      cross join lateral (
        select case when s.binned then least(
          floor(((g.value #>> '{}')::double precision - s.low) / (s.high - s.low) * $4), $4 - 1) end as cell
      ) as n
    ), numbered as materialized (
      select c.*, dense_rank() over (partition by c.axis order by c.first) as place from cells as c
    ), mapped as (
      select c.place as column, l.place as line, count(*) as points, count(*) filter (where t.passed) as passed,
             count(*) filter (where t.failed) as failed, max(t.goodness) as best, avg(t.goodness) as mean,
             -- The earliest of the best.
             -(max(array[t.goodness, -t.id]) filter (where t.goodness is not null))[2] as best_result_id
      from tried as t
      join numbered as c on c.axis = 'x' and c.value = t.x
      join numbered as l on l.axis = 'y' and l.value = t.y
      group by c.place, l.place
    )
    select c.first, l.first, c.last, l.last, m.points, m.passed, m.failed, %2$s m.best, %2$s m.mean,
      m.best_result_id::bigint
    from mapped as m
    join (select distinct n.place, n.first, n.last from numbered as n where n.axis = 'x') as c on c.place = m.column
    join (select distinct n.place, n.first, n.last from numbered as n where n.axis = 'y') as l on l.place = m.line
    order by m.column, m.line
  $map$, v_run.target_metric, case v_run.target_direction when 'min' then '-' else '' end)
  using p_run_id, p_x, p_y, p_cells;
end
$$;
comment on function desk.target_map(bigint, text, text, integer) is
  'The target of a run over two of its parameters, a row a cell: best and mean over the values of all other '
  'parameters. Numbers with more values than cells are put together: x up to below x_end. Of a bulk run its '
  'promoted and failed points.';
grant execute on function desk.target_map(bigint, text, text, integer) to desk_director, desk_viewer;

grant select on desk.run_failures, desk.run_rejections to desk_director, desk_viewer;
