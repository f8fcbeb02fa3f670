-- Points in bulk: the same points judged by blocks and one by one, and what a block is refused for.

select plan(39);
select tap.given_desk();
select tap.given_runner('a', '{backtrader,bulk}');
select setseed(0.26);
create function pg_temp.given_run(p_seed integer) returns bigint language sql as $$
  select tap.run_of(tap.given_job(1, jsonb_build_object('seed', p_seed, 'risk_free_rate', 0.01, 'success_criteria',
    '{"min_sharpe": -1, "min_trades": 10, "max_drawdown": 0.45, "min_calmar": -1, "max_fee_pct": 0.08, "max_kurtosis": 900, "min_beta": 0.05,
      "min_alpha": -0.9, "min_expectancy": -900}'::jsonb,
    'optimization', '{"parameters": {"fast": {"start": 1, "end": 20, "step": 1}, "slow": {"start": 101, "end": 150, "step": 1}}}'::jsonb)))
$$;
create temporary table runs as select pg_temp.given_run(1) as plain, pg_temp.given_run(2) as bulk;
select is((select desk.make_bulk(bulk) from runs), null, 'a grid can be recorded in blocks');
create temporary table points as
select o as ordinal, n.sessions, case when random() < 0.02 then (random() * 3)::integer else n.sessions end as return_count, 26 as tail_count,
  (random() * 200)::integer as max_drawdown_sessions, t.trades * 2 as total_orders, t.trades as total_trades, t.won as winning_trades,
  t.trades - t.won as losing_trades, (n.sessions * random())::integer as exposed_sessions,
  case when random() < 0.01 then 0 else 100000 * (0.4 + 1.4 * random()) end as ending_value, (random() - 0.45) / 300 as return_mean,
  case when random() < 0.02 then 0 else random() / 10 end as return_m2, (random() - 0.5) / 1000 as return_m3, random() / 1000 as return_m4,
  case when random() < 0.02 then 0 else random() / 20 end as downside_m2, -random() as tail_sum, -random() / 12 as tail_return,
  case when random() < 0.02 then 0 when random() < 0.01 then 1.01 else random() / 2 end as max_drawdown, t.won * random() * 100 as gross_profit,
  (t.trades - t.won) * random() * 100 as gross_loss, (random() - 0.4) * 9000 as trade_profit_sum, random() * 1e6 as trade_profit_m2,
  random() * 9000 as total_fees, random() * 9e6 as traded_value, case when random() < 0.5 then (random() * 4)::integer end as refused_for_cash,
  null::integer as refused_otherwise, n.sessions * random() as exposed_time, case when random() < 0.9 then random() / 20 end as benchmark_comoment,
  case when random() < 0.01 then date '2011-03-04' end as lost_on
from generate_series(1, 1000) as o
cross join lateral (select 500 + o % 7 as sessions) as n
cross join lateral (select case when random() < 0.05 then 0 else (random() * 60)::integer end as trades) as c
cross join lateral (select c.trades, (c.trades * random())::integer as won) as t;
-- Values at a threshold, which are met.
update points set total_trades = 10, winning_trades = 4, losing_trades = 6, max_drawdown = 0.3, total_fees = 5000 where ordinal % 100 = 0;
update desk.run_benchmarks set sums = '{"benchmark_return": 0.21, "benchmark_mean": 0.0004, "benchmark_m2": 0.04}';
update desk.bulk_runs set benchmark_return = 0.21, benchmark_mean = 0.0004, benchmark_m2 = 0.04;
select desk.snapshot_criteria(bulk) from runs;
select advance_runs(max(id)) from runners;
update desk.optimization_runs set code_version_id = (select max(id) from desk.code_versions) where id = (select plain from runs);

create function pg_temp.raw(p points) returns jsonb language sql as $$
  select to_jsonb(p) - '{ordinal}'::text[] || jsonb_build_object('starting_cash', 100000) || case when p.benchmark_comoment is not null then
    '{"benchmark_return": 0.21, "benchmark_mean": 0.0004, "benchmark_m2": 0.04}'::jsonb else '{}' end
$$;
select count(*) from (
  select array_agg(p.ordinal order by p.ordinal) as o, array_agg(d.parameters order by p.ordinal) as a, array_agg(pg_temp.raw(p) order by p.ordinal) as m
  from points as p, runs as r, desk.point_parameters(r.plain, array[p.ordinal]) as d) as g, runs as r,
  desk.insert_results(array_fill(r.plain, array[1000]), g.o, g.a, g.m, array_fill(null::bigint, array[1000]), array_fill(1, array[1000]));
create function pg_temp.block(p_item bigint, p_token uuid, p_first bigint, p_last bigint) returns setof record language sql as $$
  select b.* from (
    select array_agg(p.sessions order by p.ordinal) as a1, array_agg(p.return_count order by p.ordinal) as a2, array_agg(p.tail_count order by p.ordinal) as a3,
      array_agg(p.max_drawdown_sessions order by p.ordinal) as a4, array_agg(p.total_orders order by p.ordinal) as a5,
      array_agg(p.total_trades order by p.ordinal) as a6, array_agg(p.winning_trades order by p.ordinal) as a7,
      array_agg(p.losing_trades order by p.ordinal) as a8, array_agg(p.exposed_sessions order by p.ordinal) as a9,
      array_agg(p.ending_value order by p.ordinal) as b1, array_agg(p.return_mean order by p.ordinal) as b2, array_agg(p.return_m2 order by p.ordinal) as b3,
      array_agg(p.return_m3 order by p.ordinal) as b4, array_agg(p.return_m4 order by p.ordinal) as b5, array_agg(p.downside_m2 order by p.ordinal) as b6,
      array_agg(p.tail_sum order by p.ordinal) as b7, array_agg(p.tail_return order by p.ordinal) as b8, array_agg(p.max_drawdown order by p.ordinal) as b9,
      array_agg(p.gross_profit order by p.ordinal) as c1, array_agg(p.gross_loss order by p.ordinal) as c2, array_agg(p.trade_profit_sum order by p.ordinal) as c3,
      array_agg(p.trade_profit_m2 order by p.ordinal) as c4, array_agg(p.total_fees order by p.ordinal) as c5, array_agg(p.traded_value order by p.ordinal) as c6,
      array_agg(p.refused_for_cash order by p.ordinal) as d1, array_agg(p.refused_otherwise order by p.ordinal) as d2,
      array_agg(p.exposed_time order by p.ordinal) as d3, array_agg(p.benchmark_comoment order by p.ordinal) as d4, array_agg(p.lost_on order by p.ordinal) as d5
    from points as p where p.ordinal between p_first and p_last) as a,
  desk.complete_block(p_item, p_token, p_first, 0.1, a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, b4, b5, b6, b7, b8, b9, c1, c2, c3, c4, c5, c6, d1, d2, d3, d4, d5) as b
$$;
do $$
declare
  v_item record;
begin
  for i in 1 .. 100 loop
    perform tap.advance((select max(id) from desk.runners));
    for v_item in select c.* from desk.claim_work((select max(id) from desk.runners), 20) as c where c.parameters is null loop
      perform from pg_temp.block(v_item.work_item_id, v_item.token, v_item.ordinals[1], v_item.ordinals[2]) as b (word text, points bigint, first bigint);
    end loop;
  end loop;
end $$;

select is(tap.rows('select finished, failed, total from run_progress as p, runs as r where p.optimization_run_id in (r.plain, r.bulk)'),
  '[[1000, 0, 1000], [1000, 0, 1000]]', 'each point is recorded once by both ways');
create temporary table plain as select b.* from backtest_results as b where b.optimization_run_id = (select plain from runs);
create temporary table bulk as select b.* from backtest_results as b where b.optimization_run_id = (select bulk from runs);
select is((select count(*) from bulk as b join plain as p using (ordinal)
  where (b.passed, b.rejection_reasons, b.parameters) is distinct from (p.passed, p.rejection_reasons, p.parameters)), 0::bigint,
  'with the same verdict and the same reasons word for word');
select ok((select count(*) > 0 from bulk where passed), 'some of them passing');
select is(
  (select array_agg(distinct k.key order by k.key) filter (where k.key !~ 'deflated|luck|haircut|pbo') from bulk as b join plain as p using (ordinal) cross join lateral jsonb_each(to_jsonb(b)) as k
    where k.value is distinct from to_jsonb(p) -> k.key),
  '{created_at,duration,id,optimization_run_id,platform,provenance_hash,ranked,runner_id,seed}'::text[],
  'and every metric and ratio the same to the bit: what differs is who made it and when');


select is((select count(*) from bulk_points as p, runs as r where p.optimization_run_id = r.bulk and p.sharpe_ratio is not null), 0::bigint, 'the best thousand are full results when the run is closed');
select is(
  (select array_agg(distinct k.key order by k.key) from plain as p join full_results as b on b.optimization_run_id = (select bulk from runs) and b.ordinal = p.ordinal
    cross join lateral jsonb_each(to_jsonb(b)) as k where k.value is distinct from to_jsonb(p) -> k.key),
  '{created_at,duration,id,optimization_run_id,platform,provenance_hash,runner_id,seed}'::text[],
  'with the deflated figures, the places on the board and the reasons of any other');
select is(
  (select array_agg(distinct k.key order by k.key) from run_statistics as b, run_statistics as p, runs as r, jsonb_each(to_jsonb(b)) as k
    where b.optimization_run_id = r.bulk and p.optimization_run_id = r.plain and k.key not in ('sharpe_mean', 'sharpe_m2')
      and k.value is distinct from to_jsonb(p) -> k.key),
  '{judged_at,optimization_run_id}'::text[], 'and the same trials counted');
select is(
  (select tap.rows('select summary, flags from optimization_runs where id = ' || bulk) from runs),
  (select tap.rows('select summary, flags from optimization_runs where id = ' || plain) from runs), 'the same is said of the run');
select is(
  (select tap.rows(format('select quarter is null, sum(finished), sum(failed), sum(passed), max(best_sharpe), max(best_passed_sharpe) from run_tallies
     where optimization_run_id = %s group by 1', bulk)) from runs),
  (select tap.rows(format('select quarter is null, sum(finished), sum(failed), sum(passed), max(best_sharpe), max(best_passed_sharpe) from run_tallies
     where optimization_run_id = %s group by 1', plain)) from runs), 'with the same tallies');

-- A larger run, of which a few are promoted: the settings say how many.
update settings set value = '20' where name = 'deflated_results';
create temporary table more as select pg_temp.given_run(3) as run, pg_temp.given_run(4) as plain;
select desk.make_bulk(run) from more;
update desk.run_benchmarks set sums = '{"benchmark_return": 0.21, "benchmark_mean": 0.0004, "benchmark_m2": 0.04}';
update desk.bulk_runs set benchmark_return = 0.21, benchmark_mean = 0.0004, benchmark_m2 = 0.04;
select desk.snapshot_criteria(run) from more;
select tap.advance(max(id)) > 0 from runners;
-- As one item, whatever was cut.
delete from work_items as w using more as m where w.optimization_run_id = m.run and w.first_ordinal > 1;
update work_items as w set last_ordinal = 1000 from more as m where w.optimization_run_id = m.run;
select is((select count(*) from run_statistics where error is not null), 0::bigint, 'statistics are there');
create temporary table held as select c.* from more as m, desk.claim_work((select max(id) from runners), 40) as c where c.optimization_run_id = m.run;
select is((select array_agg(ordinals::text) from held), '{"{1,1000}"}', 'a claim answers the first and the last ordinal');
create function pg_temp.words(p_first bigint, p_last bigint, p_token uuid default null) returns text language sql as $$
  select string_agg(b.word || ' ' || b.points || ' from ' || b.first, '; ' order by b.first)
  from held as h, pg_temp.block(h.work_item_id, coalesce(p_token, h.token), p_first, p_last) as b (word text, points bigint, first bigint)
$$;
select is(pg_temp.words(1, 10, gen_random_uuid()), 'stale 10 from 1', 'another token is stale');
select is(pg_temp.words(1, 100), 'recorded 100 from 1', 'a block is recorded');
select is(pg_temp.words(51, 150), 'duplicate 100 from 51', 'an overlap is a duplicate');
insert into points select 1001, sessions, return_count, tail_count, max_drawdown_sessions, total_orders, total_trades, winning_trades, losing_trades, exposed_sessions,
  ending_value, return_mean, return_m2, return_m3, return_m4, downside_m2, tail_sum, tail_return, max_drawdown, gross_profit, gross_loss, trade_profit_sum,
  trade_profit_m2, total_fees, traded_value, refused_for_cash, refused_otherwise, exposed_time, benchmark_comoment, lost_on from points where ordinal = 1;
select is(pg_temp.words(901, 1001), 'impossible: points 901 to 1001 are not in this item 101 from 901', 'nor may it leave its item');
update points set ending_value = 'NaN' where ordinal = 105;
update points set winning_trades = total_trades + 1 where ordinal = 107;
update points set ending_value = 1e300, return_count = 1, sessions = 600, lost_on = null, max_drawdown = 0.1 where ordinal = 109;
select is(pg_temp.words(101, 200),
  'recorded 97 from 101; impossible: a value is missing or no number 1 from 105; impossible: more trades won and lost than closed 1 from 107; '
  'impossible: value out of range: overflow 1 from 109', 'what cannot be costs itself');
select is(pg_temp.words(201, 1000), 'recorded 800 from 201', 'the rest');
select is(pg_temp.words(201, 1000), 'stale 800 from 201', 'after which the item is over');
select is((select tap.rows('select total, finished, failed from run_progress where optimization_run_id = ' || run) from more), '[[1000, 997, 3]]', 'counted');
select is((select sum(points) from bulk_verdicts as v, more as m where v.optimization_run_id = m.run and v.verdict = 0)::bigint,
  (select passed from run_progress as p, more as m where p.optimization_run_id = m.run), 'tallies of verdicts are those of the counters');
select tap.advance(max(id)) > 0 from runners;
select is((select status from optimization_runs, more where id = run), 'completed', 'and closed');
select ok((select count(*) between 20 and 40 from full_results as b, more where b.optimization_run_id = run and b.outcome = 'finished'), 'with twenty promoted by each order');
select is((select count(distinct id) from backtest_results as b, more where b.optimization_run_id = run), 1000::bigint, 'each point once');
select is((select sum(evaluations) from bulk_sensitivity, more where optimization_run_id = run and parameter = 'fast')::bigint, 997::bigint, 'sensitivity counts each point');
select is((select tap.rows('select reason, rejected from run_rejections where optimization_run_id = ' || run || ' order by reason collate "C"') from more),
  (select tap.rows('select desk.reason_kind(u) as reason, count(*) as rejected from backtest_results, unnest(rejection_reasons) as u where outcome = ''finished'' and optimization_run_id = '
     || run || ' group by 1 order by desk.reason_kind(u) collate "C"') from more), 'reasons are counted from the tallies as from the points');
select is(
  (select array_agg(distinct k.key order by k.key) from plain as p join backtest_results as b on b.optimization_run_id = (select run from more) and b.ordinal = p.ordinal
    join bulk_points as n on n.id = b.id cross join lateral jsonb_each(to_jsonb(b)) as k
    where p.ordinal not in (105, 107, 109) and k.key !~ 'deflated|luck|haircut|pbo' and k.value is distinct from to_jsonb(p) -> k.key),
  '{created_at,duration,id,optimization_run_id,platform,ranked,runner_id,seed}'::text[],
  'narrow rows show the parameters, verdicts, ratios to the bit and reasons word for word of points judged one by one');
-- Judged again
create temporary table before as select b.id, b.passed, b.rejection_reasons, b.xmin_of from (
  select v.id, v.passed, v.rejection_reasons, (select p.xmin::text from bulk_points as p where p.id = v.id) as xmin_of from backtest_results as v, more where v.optimization_run_id = run) as b;
update success_criteria set threshold = 20 where metric = 'total_trades' and optimization_run_id = (select run from more);
select alike(desk.rejudge_run(run), '997 runs complete, %', 'another threshold judges again') from more;
select is((select count(*) from backtest_results as b, more where b.optimization_run_id = run and b.outcome = 'finished'
  and (b.total_trades < 20) <> (b.rejection_reasons::text like '%Insufficient trades: % < 20%')), 0::bigint, 'every verdict by it');
select is((select passed from run_progress, more where optimization_run_id = run), (select count(*) from backtest_results, more where optimization_run_id = run and passed), 'and counted');
-- A criterion on the family, with no other.
create temporary table kept as select c.* from success_criteria as c, more where c.optimization_run_id = run;
delete from success_criteria where optimization_run_id = (select run from more);
create temporary table figures as
select p.id, f.deflated_sharpe_z as z from more as m join bulk_points as p on p.optimization_run_id = m.run join bulk_runs as k on k.optimization_run_id = m.run
cross join lateral family_figures(m.run, p.sharpe_ratio, desk.ratio_skewness(p.return_count, p.return_m2, p.return_m3),
  desk.ratio_kurtosis(p.return_count, p.return_m2, p.return_m4), p.return_count, k.sessions_a_year) as f where p.verdict & 1 = 0;
create temporary table least as select percentile_disc(0.5) within group (order by z) as z from figures;
insert into success_criteria (optimization_run_id, metric, comparison, threshold) select run, 'deflated_sharpe_z', '>=', z from more, least;
select desk.rejudge_run(run) from more;
select is((select count(*) > 10 and count(*) filter (where f.z >= l.z) > 5 and count(*) filter (where f.z < l.z) > 5 from figures as f, least as l), true, 'some on each side of it');
select is((select count(*) from figures as f, least as l, backtest_results as b, more where b.optimization_run_id = run and b.id = f.id and b.passed <> (coalesce(f.z >= l.z, false))),
  0::bigint, 'by their figures among the trials');
delete from success_criteria where optimization_run_id = (select run from more);
insert into success_criteria select * from kept;
select desk.rejudge_run(run) from more;
create temporary table noted as select max(p.id) as id from bulk_points as p, more where p.optimization_run_id = run;
select note('result', id, 'odd') from noted;
select is((select b.id from full_results as b where b.notes = 'odd'), (select id from noted), 'a point that is noted on is promoted under its id');
select is((select tap.refusal(format('delete from desk.backtest_results where id = %s', max(id))) from full_results), array['55000',
  'backtest_results is a view, which takes no delete', '$.backtest_results', 'Results are never changed by hand; select note(''result'', id, ''...'') writes a note.'],
  'nobody changes results through the view');
grant select on more to public;
set local role desk_viewer;
select is((select count(*) > 0 from run_rejections, more where optimization_run_id = run), true, 'the viewer may ask for the reasons');
select is((select count(b.parameters) + count(b.rejection_reasons) + count(b.parameters_hash) from (select v.* from backtest_results as v, more
  where v.optimization_run_id = run limit 9) as b), 27::bigint, 'and for all that a point is');
select is((select count(*) from trials, more where optimization_run_id = run), 1000::bigint, 'and whether it was tried');
reset role;
-- Plans
create function pg_temp.plan(p_query text) returns text language plpgsql as $$
declare v_line text; v_all text := '';
begin
  for v_line in execute 'explain (verbose, costs off) ' || p_query loop v_all := v_all || v_line || E'\n'; end loop;
  return v_all;
end $$;
select unalike(pg_temp.plan('select total_return, annual_return, volatility, sortino_ratio, calmar_ratio, skewness, kurtosis, value_at_risk, expected_shortfall, win_rate,
  average_win, average_loss, profit_factor, expectancy, sqn, fee_pct, fee_share_of_profit, break_even_fee, turnover, exposure from backtest_results'),
  '%ratio\_%', 'ratios are inlined: no plan calls one');
set local enable_sort = off; set local enable_seqscan = off; set local enable_bitmapscan = off;
select matches(pg_temp.plan('select id from backtest_results where optimization_run_id = 7 order by sharpe_ratio desc nulls last limit 10'), 'Merge Append|Index (Only )?Scan using bulk_points_best',
  'order and limit go down to the index of bulk points');

select * from finish();
