-- Probability of backtest overfitting: does the point that is best in one half of the window stay good in the other?

drop function if exists desk.block_sharpe(double precision, double precision, double precision);

create or replace function desk.cscv(
  p_points integer, p_blocks integer, p_counts double precision[], p_sums double precision[],
  p_squares double precision[],
  out pbo double precision, out loss_probability double precision, out degradation_slope double precision,
  out splits bigint)
language plpgsql immutable
set search_path = desk, pg_temp
as $$
declare
  v_masks constant integer := 1 << (p_blocks / 2);
  v_n     double precision[];
  v_s     double precision[];
  v_q     double precision[];
  v_tn    double precision[];
  v_ts    double precision[];
  v_tq    double precision[];
  v_low   integer;
  v_high  integer;
begin
  if p_points < 2 or p_blocks < 2 or p_blocks > 16 or p_blocks % 2 <> 0 then
    return;
  end if;
  -- Each half of the blocks is summed once for each of its subsets; a split is then the sum of two of these.
  select array_agg(h.n order by h.half, h.mask, h.point), array_agg(h.s order by h.half, h.mask, h.point),
         array_agg(h.q order by h.half, h.mask, h.point)
  into v_n, v_s, v_q
  from (
    select c.block / (p_blocks / 2) as half, m.mask, c.point,
           sum(c.n * b.bit) as n, sum(c.s * b.bit) as s, sum(c.q * b.bit) as q
    from (
      select (u.position - 1) / p_blocks as point, ((u.position - 1) % p_blocks)::integer as block, u.n, u.s, u.q
      from unnest(p_counts, p_sums, p_squares) with ordinality as u (n, s, q, position)
    ) as c
    cross join generate_series(0, v_masks - 1) as m (mask)
    cross join lateral (select (m.mask >> (c.block % (p_blocks / 2))) & 1 as bit) as b
    group by 1, 2, 3
  ) as h;
  select array_agg(t.n order by t.point), array_agg(t.s order by t.point), array_agg(t.q order by t.point)
  into v_tn, v_ts, v_tq
  from (
    select (u.position - 1) / p_blocks as point, sum(u.n) as n, sum(u.s) as s, sum(u.q) as q
    from unnest(p_counts, p_sums, p_squares) with ordinality as u (n, s, q, position)
    group by 1
  ) as t;
  pbo := 0;
  loss_probability := 0;
  splits := 0;
  declare
    v_split  record;
    v_in     double precision[] := '{}';
    v_out    double precision[] := '{}';
  begin
    for v_low in 0 .. v_masks - 1 loop
      for v_high in 0 .. v_masks - 1 loop
        continue when bit_count(v_low::bit(16)) + bit_count(v_high::bit(16)) <> p_blocks / 2;
        with halves as (
          select u.position, u.ln + u.rn as n, u.ls + u.rs as s, u.lq + u.rq as q,
                 u.tn - u.ln - u.rn as o, u.ts - u.ls - u.rs as os, u.tq - u.lq - u.rq as oq
          from unnest(
            v_n[v_low * p_points + 1 : (v_low + 1) * p_points],
            v_n[(v_masks + v_high) * p_points + 1 : (v_masks + v_high + 1) * p_points],
            v_s[v_low * p_points + 1 : (v_low + 1) * p_points],
            v_s[(v_masks + v_high) * p_points + 1 : (v_masks + v_high + 1) * p_points],
            v_q[v_low * p_points + 1 : (v_low + 1) * p_points],
            v_q[(v_masks + v_high) * p_points + 1 : (v_masks + v_high + 1) * p_points],
            v_tn, v_ts, v_tq) with ordinality as u (ln, rn, ls, rs, lq, rq, tn, ts, tq, position)
        ),
        sharpes as materialized (
          select h.position,
                 -- What does not vary did not trade: its Sharpe ratio is that of cash.
                 case when h.q - h.s * h.s / nullif(h.n, 0) > 1e-18
                   then h.s / h.n / sqrt((h.q - h.s * h.s / h.n) / nullif(h.n - 1, 0)) else 0 end as inside,
                 case when h.oq - h.os * h.os / nullif(h.o, 0) > 1e-18
                   then h.os / h.o / sqrt((h.oq - h.os * h.os / h.o) / nullif(h.o - 1, 0)) else 0 end as outside
          from halves as h
        ),
        best as (
          select s.inside, s.outside from sharpes as s order by s.inside desc, s.position limit 1
        )
        select b.inside, b.outside,
               (select count(*) filter (where s.outside < b.outside) + (
                 count(*) filter (where s.outside = b.outside) + 1) / 2.0
                from sharpes as s) as rank
        into v_split
        from best as b;
        splits := splits + 1;
        pbo := pbo + (v_split.rank <= (p_points + 1) / 2.0)::integer;
        loss_probability := loss_probability + (v_split.outside < 0)::integer;
        v_in := v_in || v_split.inside;
        v_out := v_out || v_split.outside;
      end loop;
    end loop;
    pbo := pbo / splits;
    loss_probability := loss_probability / splits;
    select regr_slope(u.o, u.i) into degradation_slope from unnest(v_in, v_out) as u (i, o);
  end;
end
$$;
comment on function desk.cscv(integer, integer, double precision[], double precision[], double precision[]) is
  'Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado, Zhu 2017) on counts, sums and sums '
  'of squares by point and block, point by point: PBO, probability of loss and slope of degradation.';

create or replace function desk.measure_overfitting(p_run_id bigint)
returns double precision
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_blocks constant integer := (desk.setting('pbo_blocks') #>> '{}')::integer;
  v_sample record;
  v_pbo    record;
begin
  with chosen as (
    (select b.id, b.block_counts, b.block_sums, b.block_squares
    from desk.full_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    where b.optimization_run_id = p_run_id and b.outcome = 'finished' and not b.lost and not r.bulk
      and cardinality(b.block_sums) > 0 and cardinality(b.block_sums) % v_blocks = 0
    -- Seeded, and the same each time.
    order by md5(r.seed::text || b.parameters_hash), b.ordinal
    limit (desk.setting('pbo_points') #>> '{}')::integer)
    union all
    (select s.id, s.block_counts, s.block_sums, s.block_squares
    from desk.bulk_samples as s
    where s.optimization_run_id = p_run_id
      and cardinality(s.block_sums) > 0 and cardinality(s.block_sums) % v_blocks = 0
      and not exists (select from desk.bulk_points as p where p.id = s.id and p.verdict & 1 = 1)
      and not exists (select from desk.full_results as f where f.id = s.id and f.lost)
    order by md5(s.id::text), s.id
    limit (desk.setting('pbo_points') #>> '{}')::integer)
  ),
  merged as (
    select c.id, (u.position - 1) * v_blocks / cardinality(c.block_sums) as block,
           sum(u.n)::double precision as n, sum(u.s) as s, sum(u.q) as q
    from chosen as c
    cross join lateral unnest(c.block_counts, c.block_sums, c.block_squares) with ordinality as u (n, s, q, position)
    group by 1, 2
  )
  select count(distinct m.id)::integer as points, array_agg(m.n order by m.id, m.block) as n,
         array_agg(m.s order by m.id, m.block) as s, array_agg(m.q order by m.id, m.block) as q
  into v_sample
  from merged as m;
  select c.* into v_pbo from desk.cscv(v_sample.points, v_blocks, v_sample.n, v_sample.s, v_sample.q) as c;
  update desk.run_statistics
  set pbo = v_pbo.pbo, loss_probability = v_pbo.loss_probability, degradation_slope = v_pbo.degradation_slope,
      pbo_points = v_sample.points, pbo_blocks = v_blocks
  where optimization_run_id = p_run_id;
  return v_pbo.pbo;
end
$$;
comment on function desk.measure_overfitting(bigint) is
  'Probability of backtest overfitting of a run, from the block sums of a seeded sample of its points; null with '
  'less than two.';
