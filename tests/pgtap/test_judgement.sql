-- Judgement: ratios worked by hand, reasons word for word, and judging again.

select plan(64);
select tap.given_desk();

-- Reasons
select is(desk.rejection_reason(t.metric, t.comparison, t.value, t.threshold), t.reason, t.reason)
from (values
  ('total_trades', '>=', 8::float8, 100::float8, 'Insufficient trades: 8 < 100'),
  ('fee_pct', '<=', 0.674, 0.3, 'Fees too high: 67.4% > 30.0%'),
  ('sharpe_ratio', '>=', null, 1, 'Sharpe undefined: needs >= 1.00'),
  ('max_drawdown', '<=', null, 0.25, 'Drawdown undefined: needs <= 25.0%'),
  ('sharpe_ratio', '>=', 0.5, 1, 'Sharpe too low: 0.50 < 1.00'),
  ('sharpe_ratio', '<=', 9, 4, 'Sharpe too high to be true: 9.00 > 4.00'),
  ('max_drawdown', '<=', 0.41, 0.25, 'Drawdown too deep: 41.0% > 25.0%'),
  ('max_drawdown', '<', 0.25, 0.25, 'Drawdown too deep: 25.0% >= 25.0%'),
  ('total_trades', '>', 100, 100, 'Insufficient trades: 100 <= 100'),
  ('total_trades', '=', 8, 100, 'Trades not as wanted: 8 != 100'),
  ('total_trades', '!=', 8, 8, 'Trades not as wanted: 8 = 8'),
  ('total_fees', '<=', 1234.5, 1000, 'Fees too high: 1,234.50 > 1,000.00'),
  ('average_win', '>=', 1, 2, 'Average Win too low: 1.00 < 2.00'),
  -- Digits are added until both sides differ.
  ('sharpe_ratio', '>=', 0.2999, 0.3, 'Sharpe too low: 0.2999 < 0.3000'),
  ('fee_pct', '<=', 0.3001, 0.3, 'Fees too high: 30.01% > 30.00%'),
  ('fee_pct', '<=', 0.30000000000000004, 0.3, 'Fees too high: 30.000000000000004% > 30.000000000000000%'),
  ('sharpe_ratio', '>=', -0.001, 0, 'Sharpe too low: -0.001 < 0.000'),
  ('profit_factor', '>=', '-Infinity', 1, 'Profit factor too low: -Infinity < 1.00')
) as t (metric, comparison, value, threshold, reason);

-- Ten daily returns: 2% -1% 3% -2% 1% 0% 5% -3% 2% -2%; mean 0.5%; deviations 1.5 -1.5 2.5 -2.5 0.5 -0.5 4.5 -3.5 1.5 -2.5.
-- Their squares add to 58.5, their cubes to 36, their fourth powers to 692.625 (in units of a per cent to that power);
-- the squares of the losses to 1 + 4 + 9 + 4 = 18.
create function pg_temp.ten(p_more jsonb, p_rate float8 default 0) returns desk.full_results language sql as $$
  select desk.compute_ratios(jsonb_populate_record(null::desk.full_results,
    '{"starting_cash": 1000, "ending_value": 1050, "sessions": 10, "return_count": 10, "return_mean": 0.005, "return_m2": 0.005850,
      "return_m3": 0.000036, "return_m4": 0.00000692625, "downside_m2": 0.0018, "tail_count": 1, "tail_sum": -0.03,
      "tail_return": -0.03, "max_drawdown": 0.03, "total_trades": 4, "winning_trades": 3, "losing_trades": 1, "gross_profit": 80,
      "gross_loss": 30, "trade_profit_sum": 50, "trade_profit_m2": 1875, "total_fees": 10, "traded_value": 4000,
      "exposed_sessions": 6}'::jsonb || p_more), p_rate)$$;
create temporary table ten as select * from pg_temp.ten('{}');
-- 500 was paid in: the account ended at 1,590 and earned 90, of which and of 10 of fees the curve's 50 says nothing.
select is(
  (select array[round(t.fee_share_of_profit::numeric, 9), round(t.break_even_fee::numeric, 9), round(t.total_return::numeric, 9)]
   from pg_temp.ten('{"net_flows": 500, "earned": 90}') as t), '{0.100000000,0.025000000,0.050000000}'::numeric[],
  'fees are set against what the whole account earned, the return against the starting cash');
select is(round((to_jsonb(ten) ->> t.metric)::numeric, 9), t.value, t.promise)
from ten, (values
  ('total_return', 0.050000000, 'total return is 1050 / 1000 - 1'),
  ('annual_return', 2.419560852, 'annual return is 1.05 ^ 25.2 - 1'),
  ('volatility', 0.404722127, 'volatility is the root of 0.00585 / 9 times the root of 252'),
  ('sharpe_ratio', 3.113247130, 'Sharpe is 0.005 over the root of 0.00585 / 9, times the root of 252'),
  ('sortino_ratio', 5.916079783, 'Sortino is 0.005 over the root of 0.0018 / 10, times the root of 252'),
  ('calmar_ratio', 80.652028410, 'Calmar is annual return over 0.03'),
  ('skewness', 0.254430225, 'skewness is 0.0000036 over 0.000585 ^ 1.5'),
  ('kurtosis', 2.023887793, 'kurtosis is 0.00000069263 over 0.000585 squared, raw: a normal distribution has 3'),
  ('value_at_risk', 0.030000000, 'value at risk is the least bad of the worst twentieth'),
  ('expected_shortfall', 0.030000000, 'expected shortfall is the mean of the worst twentieth'),
  ('win_rate', 0.750000000, 'win rate is 3 of 4'),
  ('average_win', 26.666666667, 'average win is 80 / 3'),
  ('average_loss', 30.000000000, 'average loss is 30 / 1'),
  ('profit_factor', 2.666666667, 'profit factor is 80 / 30'),
  ('expectancy', 12.500000000, 'expectancy is 50 / 4'),
  ('sqn', 1.000000000, 'SQN is 2 times 12.5 over the root of 1875 / 3'),
  ('fee_pct', 0.010000000, 'fees are a share of the starting capital'),
  ('fee_share_of_profit', 0.166666667, 'and of the profit before fees: 10 / 60'),
  ('turnover', 100.800000000, 'turnover is 4 capitals in 10 sessions of 252'),
  ('exposure', 0.600000000, 'exposure is 6 of 10 sessions')
) as t (metric, value, promise);
select is(round((pg_temp.ten('{}', 0.252)).sharpe_ratio::numeric, 9), 2.490597704, 'the risk-free rate is subtracted: 0.25% a day of 252');
select is(round((pg_temp.ten('{}', 0.252)).sortino_ratio::numeric, 9), 5.916079783, 'not from Sortino, whose one target is 0');
select is((pg_temp.ten('{"exposed_sessions": 0, "exposed_time": 4.25}')).exposure, 0.425::float8, 'time in the market is counted by bars where there are any');
select is(
  (select jsonb_agg(round((to_jsonb(pg_temp.ten('{"return_m2": 5e-25, "return_m3": 0, "return_m4": 0, "downside_m2": 0}')) ->> m)::numeric, 6) order by o)
   from unnest('{sharpe_ratio,sortino_ratio,skewness,kurtosis,volatility}'::text[]) with ordinality as u (m, o)),
  '[null, null, null, null, 0.000000]', 'a constant curve has no Sharpe, Sortino, skewness or kurtosis, and no volatility');
select is((pg_temp.ten('{"max_drawdown": 0}')).calmar_ratio, null, 'without drawdown there is no Calmar');
select is((pg_temp.ten('{"gross_loss": 0, "losing_trades": 0}')).profit_factor, null, 'without losses there is no profit factor');
select is((pg_temp.ten('{"ending_value": 980}')).fee_share_of_profit, null, 'without profit there is no share of it');
select is((pg_temp.ten('{"ending_value": -5}')).annual_return, -1::float8, 'what ends below nothing has lost everything');
select is(
  (select (r.sharpe_ratio, r.win_rate, r.annual_return, r.turnover)::text
   from pg_temp.ten('{"return_count": 0, "return_mean": null, "return_m2": null, "total_trades": 0}') as r), '(,,,)',
  'without returns and trades nothing is defined');

-- Verdicts
select tap.given_runner();
select tap.given_job(3, '{"success_criteria": {"min_trades": 100, "max_fee_pct": 0.3, "min_sharpe": 1}}');
create temporary table ids as select tap.run_of(max(id)) as run, max(id) as job from jobs;
grant select on ids to public;
select tap.drain(max(id), tap.metrics('{"total_trades": 8, "winning_trades": 8, "losing_trades": 0, "total_fees": 67400, "return_m2": 0}')) from runners;
select is(
  (select rejection_reasons from backtest_results where ordinal = 1 and optimization_run_id = (select run from ids)),
  array['Fees too high: 67.4% > 30.0%', 'Sharpe undefined: needs >= 1.00', 'Insufficient trades: 8 < 100'], 'every reason is written');
select is((select summary from optimization_runs where id = (select run from ids)), '3 runs complete, 0 passed, best Sharpe: n/a', 'without any Sharpe the best is n/a');

-- Judged again
set local role desk_director;
select lives_ok($$delete from success_criteria where optimization_run_id = (select run from ids) and metric = 'sharpe_ratio'$$, 'the director drops a criterion');
select lives_ok($$update success_criteria set threshold = 5 where optimization_run_id = (select run from ids) and metric = 'total_trades'$$, 'relaxes another');
select lives_ok($$update success_criteria set threshold = 0.7 where optimization_run_id = (select run from ids) and metric = 'fee_pct'$$, 'and the third');
select is((select count(*) from backtest_results where passed and optimization_run_id = (select run from ids)), 0::bigint, 'nothing changes by itself');
select is(rejudge_run((select run from ids)), '3 runs complete, 3 passed, best Sharpe: n/a', 'rejudge_run answers the new summary');
select is(
  tap.rows('select distinct b.passed, b.rejection_reasons, p.passed, j.summary, r.revised_at is not null, s.status
    from ids join backtest_results as b on b.optimization_run_id = ids.run join run_progress as p on p.optimization_run_id = ids.run
    join optimization_runs as r on r.id = ids.run join jobs as j on j.id = ids.job join strategies as s on s.id = r.strategy_id'),
  '[[true, [], 3, "3 runs complete, 3 passed, best Sharpe: n/a", true, "passed"]]', 'results, counters, job and strategy follow');
select lives_ok($$insert into success_criteria (optimization_run_id, metric, comparison, threshold) select run, 'total_return', '>=', 0.5 from ids$$, 'the director adds a criterion');
select is(rejudge_run((select run from ids)), '3 runs complete, 0 passed, best Sharpe: n/a', 'judging again rejects');
select is((select status from strategies where name = 'sma_crossover'), 'rejected', 'and the strategy follows back');
select is(tap.refusal('select rejudge_run(-1)'),
  array['23503', 'There is no run -1', '$.optimization_run_id', 'See: select id, summary from optimization_runs.'], 'an unknown run is refused');
reset role;

-- The best
select tap.given_job(4, '{"cash": 1001, "optimization": {"constraints": ["Drawdown < 15%"], "target_metric": "Total Return", "parameters": {"fast": [2, 3, 4, 5]}}}');
select advance_runs(max(id)) from runners;
select tap.complete(w.work_item_id, w.token, w.ordinals[1], tap.metrics(m.more))
from (select max(id) as id from runners) as n, claim_work(n.id, 9) as w
join (values (1, '{"ending_value": 105000}'::jsonb), (2, '{"ending_value": 150000, "max_drawdown": 0.2}'),
             (3, '{"ending_value": 120000}'), (4, '{"ending_value": 120000}')) as m (ordinal, more) on m.ordinal = w.ordinals[1];
select is(
  tap.rows('select b.ordinal, round(p.best_value::numeric, 9) from run_progress as p join backtest_results as b on b.id = p.best_result_id order by p.optimization_run_id desc limit 1'),
  '[[3, 0.200000000]]', 'the best is the highest target among points that meet the constraints on metrics, of equals the first');
select is(
  (select rejection_reasons from backtest_results where ordinal = 2 order by id desc limit 1), array['Drawdown too deep: 20.0% >= 15.0%'],
  'a constraint on a metric is a reason, too');
select desk.find_best(max(id)) from optimization_runs;
select is(
  tap.rows('select b.ordinal, round(p.best_value::numeric, 9) from run_progress as p join backtest_results as b on b.id = p.best_result_id order by p.optimization_run_id desc limit 1'),
  '[[3, 0.200000000]]', 'found anew it is the same');

-- Of two thresholds the stricter holds.
select tap.given_job(4, '{"cash": 1002, "success_criteria": {"max_drawdown": 0.1},
  "optimization": {"constraints": ["Drawdown <= 0.3", "Drawdown <= 0.2", "fee_pct <= 0.05"], "parameters": {"fast": [2, 3, 4, 5]}}}');
select is(
  tap.rows('select metric, comparison, threshold, source from success_criteria where optimization_run_id = (select max(id) from optimization_runs) order by 1'),
  '[["fee_pct", "<=", 0.05, "constraint"], ["max_drawdown", "<=", 0.1, "constraint"]]', 'of two thresholds for one metric the stricter holds');

select * from finish();
