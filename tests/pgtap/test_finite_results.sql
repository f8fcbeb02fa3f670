-- Values that are no numbers, and results that lack what every engine counts, are recorded as failed points.

select plan(8);
select tap.given_desk();
select tap.given_runner();
select tap.given_job(20);
select advance_runs(max(id)) from runners;
create temporary table held as select c.* from (select max(id) as id from runners) as n, claim_work(n.id, 100) as c;
create function pg_temp.answer(p_ordinal bigint, p_metrics jsonb, p_equity float8[] default null, p_sizes float8[] default '{1}') returns text
language sql as $$
  select tap.complete(h.work_item_id, h.token, p_ordinal, p_metrics, '{2010-01-04,2010-01-05}', p_equity, p_sizes)
  from held as h where p_ordinal = any (h.ordinals)
$$;

select alike(pg_temp.answer(t.ordinal, t.metrics, t.equity, t.sizes), 'impossible: %' || t.said || '%', t.promise)
from (values
  (1, '{}'::jsonb, null::float8[], '{1}'::float8[], 'lack total_orders', 'no metrics are no result'),
  (2, tap.metrics('{"tail_sum": "NaN"}'), null, '{1}', 'tails_finite', 'nor is a tail that is no number'),
  (3, tap.metrics('{"trade_profit_m2": "Infinity"}'), null, '{1}', 'profits_finite', 'nor a boundless sum of squares'),
  (4, tap.metrics('{"block_counts": [1], "block_sums": ["NaN"], "block_squares": [0]}'), null, '{1}', 'blocks_finite', 'nor such a block'),
  (5, tap.metrics(), '{1,NaN}', '{1}', 'equity has values', 'nor a curve with a hole, kept or not'),
  (6, tap.metrics('{"ending_value": 120000, "return_mean": 0.0008}'), '{1,2}', '{NaN}', 'trades_finite', 'nor a trade of no size')
) as t (ordinal, metrics, equity, sizes, said, promise);
select is(pg_temp.answer(7, tap.metrics('{"block_counts": [1], "block_sums": [-0.1], "block_squares": [0.01]}'), '{1,2}'), 'recorded',
  'losses are numbers');
select is(
  (select count(*) from backtest_results where outcome = 'failed' and error_kind = 'impossible'), 6::bigint, 'each refused point is recorded');

select * from finish();
