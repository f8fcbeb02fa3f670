-- Raw metrics of an equity curve that is already in the database: stitched folds, imported curves, calendar years.

create or replace function desk.curve_metrics(
  p_sessions date[], p_equity double precision[], p_cash double precision, p_start date, p_end date, p_blocks integer)
returns jsonb
language sql immutable
set search_path = desk, pg_temp
as $$
  -- The same definitions as the runners' raw metrics: the starting cash is the first peak and the base of the
  -- first return; after a value at or below zero no return is defined.
  with points as (
    select e.position, p_sessions[e.position] as session, e.value,
           lag(e.value, 1, p_cash) over (order by e.position) as before,
           greatest(p_cash, max(e.value) over (order by e.position)) as peak,
           bool_and(e.value > 0) over (order by e.position rows between unbounded preceding and 1 preceding)
             is not false as alive
    from unnest(p_equity) with ordinality as e (value, position)
  ),
  returns as (
    select p.session, p.value / p.before - 1 as r, row_number() over (order by p.value / p.before - 1) as badness
    from points as p where p.alive
  ),
  mean as (
    select count(*) as n, avg(r.r) as mean, case when count(*) > 0 then greatest(1, count(*) / 20) end as tail
      from returns as r
  ),
  moments as (
    select sum((r.r - m.mean) ^ 2) as m2, sum((r.r - m.mean) ^ 3) as m3, sum((r.r - m.mean) ^ 4) as m4,
           case when count(*) > 0 then coalesce(sum(r.r ^ 2) filter (where r.r < 0), 0) end as downside,
           sum(r.r) filter (where r.badness <= m.tail) as tail_sum,
           max(r.r) filter (where r.badness <= m.tail) as tail_return
    from returns as r cross join mean as m
  ),
  stretches as (
    -- Below a peak: sessions since the last one at a peak.
    select p.value, p.peak, p.position - coalesce(max(p.position)
      filter (where p.value >= p.peak) over (order by p.position), 0) as below
    from points as p
  ),
  falls as (
    select coalesce(max((s.peak - s.value) / s.peak), 0) as deepest, coalesce(max(s.below), 0) as longest
      from stretches as s
  ),
  blocks as (
    select b.block, count(r.r) as n, coalesce(sum(r.r), 0) as total, coalesce(sum(r.r ^ 2), 0) as squares
    from generate_series(0, p_blocks - 1) as b (block)
    left join returns as r on (r.session - p_start) * p_blocks / (p_end - p_start + 1) = b.block
    group by b.block
  )
  select jsonb_strip_nulls(jsonb_build_object(
    'starting_cash', p_cash, 'ending_value', coalesce(p_equity[cardinality(p_equity)], p_cash), 'sessions',
    cardinality(p_equity),
    'return_count', m.n, 'return_mean', m.mean, 'return_m2', o.m2, 'return_m3', o.m3, 'return_m4', o.m4, 'downside_m2',
    o.downside,
    'tail_count', m.tail, 'tail_sum', o.tail_sum, 'tail_return', o.tail_return,
    'max_drawdown', f.deepest, 'max_drawdown_sessions', f.longest,
    'lost_on', (select min(p.session) from points as p where p.value <= 0),
    'block_counts', (select jsonb_agg(b.n order by b.block) from blocks as b),
    'block_sums', (select jsonb_agg(b.total order by b.block) from blocks as b),
    'block_squares', (select jsonb_agg(b.squares order by b.block) from blocks as b)))
  from mean as m cross join moments as o cross join falls as f
$$;
comment on function desk.curve_metrics(date[], double precision[], double precision, date, date, integer) is
  'Raw metrics of an equity curve, as runners compute them: returns, moments, tail, drawdown, loss of the account, '
  'sums by block of the window.';
