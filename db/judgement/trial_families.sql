-- Families: the trials that a result was picked from, those of the same code under another name among them.

create or replace function desk.same_code(p_strategy_id bigint)
returns setof bigint
language sql stable
set search_path = desk, pg_temp
as $$
  -- The hash of a version has the names of its files in it, which another name changes; what is in them counts.
  with versions as (
    select c.strategy_id, c.code_hash,
           (select string_agg(f.digest, ',' order by f.digest)
            from jsonb_each_text(case jsonb_typeof(c.details -> 'files') when 'object' then c.details -> 'files'
              else '{}' end) as f (file, digest)) as digests
    from desk.code_versions as c
  )
  select p_strategy_id
  union
  select o.strategy_id
  from versions as m
  join versions as o on o.code_hash = m.code_hash or o.digests = m.digests
  where m.strategy_id = p_strategy_id
$$;
comment on function desk.same_code(bigint) is
  'The strategy, and those that have or had the same code under another name.';

create or replace function desk.counts_towards(p_run desk.optimization_runs, p_other desk.optimization_runs)
returns boolean
language sql immutable
set search_path = desk, pg_temp
as $$
  -- A window that nobody stated may be any. The searches inside walk-forward runs are no trials of a stitched
  -- test: what they chose was tested on days that they had not seen.
  select p_other.role <> 'pilot' and (p_run.optimization_type <> 'Walk-Forward' or p_other.parent_run_id is null)
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
  join desk.run_statistics as s on s.strategy_id in (select desk.same_code(r.strategy_id))
  join desk.optimization_runs as o on o.id = s.optimization_run_id
  where r.id = p_run_id and desk.counts_towards(r, o)
$$;
comment on function desk.family_of(bigint) is
  'The closed runs of the same strategy, or of the same code under another name, whose windows overlap with this '
  'run''s by at least half of the shorter one.';

drop function if exists desk.family_size(bigint);
create or replace function desk.size_of(p_family desk.run_statistics[], out runs bigint, out trials bigint,
  out windows bigint, out effective double precision, out correlation double precision, out variance double precision,
  out noise double precision[], out expected double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  with family as materialized (
    select f.*, coalesce(r.start_date, '-infinity') as start_date, coalesce(r.end_date, 'infinity') as end_date,
           cardinality(f.direction) as blocks
    from unnest(p_family) as f
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
  groups as materialized (
    select w.n,
           greatest(0, least(1, coalesce((w.inside + c.square - w.own) / nullif(w.n * (w.n - 1), 0), 0))) as r
    from windows as w
    join crossed as c using (start_date, end_date, blocks)
    union all
    select sum(f.trials)::double precision, 0 from family as f where f.direction is null having sum(f.trials) > 0
  ),
  alike as (
    select count(*) as windows, sum(g.n * (1 - g.r) + g.r) as effective,
           coalesce(sum(g.n * (g.n - 1) * g.r) / nullif(sum(g.n) * (sum(g.n) - 1), 0), 0) as correlation,
           desk.noise_distribution(coalesce(array_agg(g.n order by g.n, g.r), '{}'),
             coalesce(array_agg(g.r order by g.n, g.r), '{}')) as noise
    from (select * from groups union all select 0, 0) as g
  ),
  spread as (
    select sum(f.sharpe_trials) as n, sum(f.sharpe_trials * f.sharpe_mean) / nullif(sum(f.sharpe_trials), 0) as mean
    from family as f
  )
  select count(f.optimization_run_id), coalesce(sum(f.trials), 0)::bigint, max(a.windows) - 1, max(a.effective),
         max(a.correlation),
         -- Groups' sums of squares add up by the parallel rule (Chan, Golub, LeVeque 1979).
         (sum(f.sharpe_m2) + sum(f.sharpe_trials * (f.sharpe_mean - s.mean) ^ 2)) / nullif(max(s.n) - 1,
           0)::double precision, max(a.noise), desk.expected_maximum(max(a.noise))
  from alike as a
  cross join spread as s
  left join family as f on true
$$;
comment on function desk.size_of(desk.run_statistics[]) is
  'Of runs: their trials N, the windows, N as independent trials (n(1-r)+r, window by window), the mean correlation '
  'between two of them, the variance of their Sharpe ratios a session, and what the best of them is without skill.';

create or replace function desk.family_size(p_run_id bigint, out runs bigint, out trials bigint,
  out windows bigint, out effective double precision, out correlation double precision, out variance double precision,
  out noise double precision[], out expected double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  select s.* from desk.size_of(array(select f from desk.family_of(p_run_id) as f)) as s
$$;
comment on function desk.family_size(bigint) is 'Of the family of a run: see size_of().';
