-- The tests of a walk-forward as one result: what is open at the end of each is closed there, and each is scaled by
-- what the tests before it left.

drop function if exists desk.exit_fee(jsonb, double precision, double precision);
create or replace function desk.fill_fee(p_commission jsonb, p_size double precision, p_price double precision,
  p_terms jsonb default null)
returns double precision
language sql immutable
set search_path = desk, pg_temp
as $$
  select greatest((p_commission ->> 'minimum')::float8, case
    when p_terms ? 'margin' and p_commission ? 'per_contract'
      then abs(p_size) * (p_commission ->> 'per_contract')::float8
    else abs(p_size) * (p_commission ->> 'percent')::float8 * p_price
        * coalesce((p_terms ->> 'multiplier')::float8, 1)
      + abs(p_size) * (p_commission ->> 'per_share')::float8 end)
$$;
comment on function desk.fill_fee(jsonb, double precision, double precision, jsonb) is
  'What a fill costs by the commission of a config, as engines reckon it; of contracts with their terms.';

create or replace function desk.closing_trades(p_run_id bigint)
returns table (
  fold integer, symbol text, entry_time timestamptz, exit_time timestamptz, size double precision,
  entry_price double precision, exit_price double precision, profit double precision, fees double precision,
  cost double precision, exit_fee double precision, traded_value double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  select f.fold, o.symbol, o.entry_time, o.last_time, o.opened, o.entry_price,
         -- The average over all parts of the position: profit is size times the way from entry to exit, less fees.
         o.entry_price + (o.profit - s.lost) / (o.opened * m.multiplier),
         o.profit - s.lost - o.fees - c.fee, o.fees + c.fee, s.lost + c.fee, c.fee,
         abs(o.size) * s.price * m.multiplier
  from desk.walk_forward_folds as f
  join desk.optimization_runs as r on r.id = f.optimization_run_id
  join desk.full_results as b on b.id = f.out_of_sample_result_id
  cross join lateral jsonb_to_recordset(b.open_positions) as o (symbol text, entry_time timestamptz, size float8,
    opened float8, entry_price float8, last_time timestamptz, last_close float8, profit float8, fees float8)
  cross join lateral (
    select coalesce((r.contract_terms #>> array[o.symbol, 'multiplier'])::float8, 1) as multiplier
  ) as m
  cross join lateral (
    select abs(o.size * o.last_close) * (r.config ->> 'slippage')::float8 * m.multiplier as lost,
           o.last_close - sign(o.size) * abs(o.last_close) * (r.config ->> 'slippage')::float8 as price
  ) as s
  cross join lateral (select desk.day_shares(desk.run_splits(r.id) -> o.symbol, o.last_time) as shares) as d
  cross join lateral (
    select desk.fill_fee(r.config -> 'commission', o.size * d.shares, s.price / d.shares,
      r.contract_terms -> o.symbol) as fee
  ) as c
  where f.optimization_run_id = p_run_id
$$;
comment on function desk.closing_trades(bigint) is
  'What was open at the end of each test of a walk-forward run, as trades that were closed at that close with the '
  'config''s commission and slippage; cost is what closing took.';

create or replace function desk.fold_levels(p_run_id bigint)
returns table (
  fold integer, result_id bigint, sessions date[], equity double precision[], cost double precision,
  level double precision, scale double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  with pieces as (
    select f.fold, f.out_of_sample_result_id as result_id, r.cash, e.sessions, e.equity, c.cost,
           (e.equity[cardinality(e.equity)] - c.cost) / r.cash as growth
    from desk.walk_forward_folds as f
    join desk.optimization_runs as r on r.id = f.optimization_run_id
    left join desk.full_results as b on b.id = f.out_of_sample_result_id
    -- With cash flows the curve is what the starting cash became, so the cost is its share of the account.
    cross join lateral (
      select coalesce(sum(t.cost), 0)
        * coalesce(b.ending_value / nullif(b.starting_cash + b.net_flows + b.earned, 0), 1) as cost
      from desk.closing_trades(p_run_id) as t where t.fold = f.fold
    ) as c
    cross join lateral (
      select k.sessions, k.equity from desk.equity_curves as k where f.state = 'done'
        and k.backtest_result_id = f.out_of_sample_result_id
      union all
      select s.sessions, array_fill(r.cash, array[cardinality(s.sessions)])
      from (select desk.run_sessions(r.id, f.out_of_sample_start, f.out_of_sample_end - 1) as sessions) as s
      where f.state = 'cash'
    ) as e
    where f.optimization_run_id = p_run_id
  ),
  lived as (
    select p.*, coalesce(bool_and(p.growth > 0) over earlier, true) as alive
    from pieces as p
    window earlier as (order by p.fold rows between unbounded preceding and 1 preceding)
  ),
  reached as (
    select l.*, coalesce(desk.product(case when l.alive then l.growth else 1 end) over (
      order by l.fold rows between unbounded preceding and 1 preceding), 1) as level
    from lived as l
  )
  select t.fold, t.result_id, t.sessions, t.equity, t.cost, t.level * t.cash, case when t.alive then t.level else 0 end
  from reached as t
$$;
comment on function desk.fold_levels(bigint) is
  'The tests of a walk-forward run by fold, with their own curves: what closing took at their end, the account''s '
  'level before each, and the factor that its money is scaled by; 0 once the account was lost.';

create or replace function desk.stitched_curve(p_run_id bigint, out sessions date[], out equity double precision[])
language sql stable
set search_path = desk, pg_temp
as $$
  -- Folds are chained by returns: each starts flat with the run's cash, and its growth is applied to what the folds
  -- before left. A test that its strategy ended early is in cash from then on.
  with days as (
    select l.fold, l.scale, l.level, u.session, u.value - case when u.position = cardinality(l.sessions) then l.cost
      else 0 end as value
    from desk.fold_levels(p_run_id) as l
    cross join lateral unnest(l.sessions, l.equity) with ordinality as u (session, value, position)
    union all
    select l.fold, l.scale, l.level, u.session, l.equity[cardinality(l.equity)] - l.cost
    from desk.fold_levels(p_run_id) as l
    join desk.walk_forward_folds as f on f.optimization_run_id = p_run_id and f.fold = l.fold
    cross join lateral unnest(desk.run_sessions(p_run_id, l.sessions[cardinality(l.sessions)] + 1,
      f.out_of_sample_end - 1)) as u (session)
  )
  select array_agg(d.session order by d.session),
         array_agg(case when d.scale > 0 then d.value * d.scale else d.level end order by d.session)
  from days as d
$$;
comment on function desk.stitched_curve(bigint) is
  'The out-of-sample equity of all folds, chained by returns, with what was open at the end of each closed; a fold in '
  'cash is flat, and so is what comes after a loss of the account.';

create or replace function desk.stitched_sums(p_run_id bigint, p_known jsonb)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  -- What the curve does not say is the sum over the folds, in their order, so that the last bit does not depend on
  -- which test ended first; unknown of one fold is unknown of all. Money is scaled, and what does not add up has a line
  -- here: sums of squares about a mean add up by the parallel rule (Chan, Golub, LeVeque 1979).
  with closed as (
    select t.fold, count(*) as trades, count(*) filter (where t.profit > 0) as won,
           count(*) filter (where t.profit < 0) as lost, sum(greatest(t.profit, 0)) as gained,
           sum(greatest(-t.profit, 0)) as given, sum(t.profit) as profit, sum(t.profit ^ 2) as squares,
           sum(t.cost) as cost, sum(t.exit_fee) as fees, sum(t.traded_value) as traded
    from desk.closing_trades(p_run_id) as t
    group by t.fold
  ),
  tests as (
    select l.fold, b.open_positions,
           l.scale ^ 2 * (b.trade_profit_m2 + coalesce(b.trade_profit_sum ^ 2 / nullif(b.total_trades, 0), 0)
             + coalesce(c.squares, 0)) as squares,
           to_jsonb(b) || jsonb_build_object(
             'total_orders', b.total_orders + coalesce(c.trades, 0),
             'total_trades', b.total_trades + coalesce(c.trades, 0),
             'winning_trades', b.winning_trades + coalesce(c.won, 0),
             'losing_trades', b.losing_trades + coalesce(c.lost, 0),
             'gross_profit', l.scale * (b.gross_profit + coalesce(c.gained, 0)),
             'gross_loss', l.scale * (b.gross_loss + coalesce(c.given, 0)),
             'trade_profit_sum', l.scale * (b.trade_profit_sum + coalesce(c.profit, 0)),
             'net_flows', l.scale * b.net_flows,
             'earned', l.scale * (b.earned - coalesce(c.cost, 0)),
             'total_fees', l.scale * (b.total_fees + coalesce(c.fees, 0)),
             'traded_value', l.scale * (b.traded_value + coalesce(c.traded, 0))) as result
    from desk.fold_levels(p_run_id) as l
    join desk.full_results as b on b.id = l.result_id
    left join closed as c on c.fold = l.fold
    where l.scale > 0
  ),
  sums as (
    select k.name, case when count(t.fold) = count(t.result ->> k.name)
      then coalesce(sum((t.result ->> k.name)::float8 order by t.fold), 0) end as value
    from unnest(desk.raw_metric_names(true)) as k (name)
    left join tests as t on true
    where not p_known ? k.name and k.name not like 'benchmark\_%'
    group by k.name
  )
  select (select jsonb_object_agg(s.name, s.value) from sums as s) || (
    select jsonb_build_object(
      'trade_profit_m2', case when count(*) = count(t.squares) then greatest(0, coalesce(sum(t.squares order by t.fold)
        - sum((t.result ->> 'trade_profit_sum')::float8 order by t.fold) ^ 2
          / nullif(sum((t.result ->> 'total_trades')::float8), 0), 0)) end,
      'open_positions', case when count(*) = count(t.open_positions) then '[]'::jsonb end)
    from tests as t)
$$;
comment on function desk.stitched_sums(bigint, jsonb) is
  'Raw metrics of a stitched result that its curve does not say (those known are given): trades, orders, fees, with '
  'what was open at the end of each test closed there, all money scaled to the chain.';

create or replace function desk.record_stitched(p_run desk.optimization_runs)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_curve  record;
  v_raw    jsonb;
  v_result bigint;
begin
  select c.sessions, c.equity into v_curve from desk.stitched_curve(p_run.id) as c;
  v_raw := desk.curve_metrics(v_curve.sessions, v_curve.equity, p_run.cash, v_curve.sessions[1],
    v_curve.sessions[cardinality(v_curve.sessions)], 16);
  update desk.run_progress set total = 1, cut = 1 where optimization_run_id = p_run.id;
  v_result := (
    select r.backtest_result_id
    from desk.insert_results(array[p_run.id], array[1], array[jsonb_build_object('folds', (
        select count(*) from desk.walk_forward_folds as f where f.optimization_run_id = p_run.id))],
      array[v_raw || desk.stitched_sums(p_run.id, v_raw)
        || coalesce(desk.benchmark_sums(p_run.id, v_curve.sessions, v_curve.equity, p_run.cash), '{}')],
      array[null::bigint], array[null::integer]) as r);
  insert into desk.equity_curves (backtest_result_id, sessions, equity)
  values (v_result, v_curve.sessions, v_curve.equity);
  insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices, exit_prices,
    profits, fees)
  select v_result, coalesce(array_agg(t.symbol order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.entry_time order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.exit_time order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.size * l.scale order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.entry_price order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.exit_price order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.profit * l.scale order by t.fold, t.trade), '{}'),
         coalesce(array_agg(t.fees * l.scale order by t.fold, t.trade), '{}')
  from desk.fold_levels(p_run.id) as l
  join (
    select f.fold, d.trade, d.symbol, d.entry_time, d.exit_time, d.size, d.entry_price, d.exit_price, d.profit, d.fees
    from desk.walk_forward_folds as f
    join desk.result_trades as d on d.backtest_result_id = f.out_of_sample_result_id
    where f.optimization_run_id = p_run.id
    union all
    -- After those that the strategy closed.
    select c.fold, 1000000000 + row_number() over (order by c.exit_time, c.symbol, c.entry_time), c.symbol,
           c.entry_time, c.exit_time, c.size, c.entry_price, c.exit_price, c.profit, c.fees
    from desk.closing_trades(p_run.id) as c
  ) as t on t.fold = l.fold
  where l.scale > 0;
end
$$;
comment on function desk.record_stitched(desk.optimization_runs) is
  'Records the stitched out-of-sample result of a walk-forward run, with its curve and its trades; the run''s criteria '
  'judge it like any other.';
