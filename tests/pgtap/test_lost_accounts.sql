-- An account that reaches zero is lost: no ratio of return to risk, a reason whatever the criteria, never the best.

select plan(24);
select tap.given_desk();
select tap.given_runner();

-- Ratios
create function pg_temp.ratios(p_more jsonb) returns jsonb language sql as $$
  select to_jsonb(desk.compute_ratios(jsonb_populate_record(null::desk.full_results, tap.metrics()
    || '{"benchmark_return": 0.1, "benchmark_mean": 0.0003, "benchmark_m2": 0.02, "benchmark_comoment": 0.01}' || p_more), 0))$$;
create function pg_temp.undefined(p_ratios jsonb) returns text language sql as $$
  select string_agg(d.metric, ' ' order by d.metric) from desk.metric_definitions as d
  where d.scope = 'result' and p_ratios -> d.metric = 'null'
    and d.metric in ('alpha', 'annual_return', 'calmar_ratio', 'ending_value', 'excess_return', 'information_ratio', 'min_track_record',
      'probabilistic_sharpe', 'sharpe_ratio', 'sortino_ratio', 'total_return', 'volatility')$$;
select is(pg_temp.undefined(pg_temp.ratios('{}')), null, 'of an honest account everything is defined');
select is(pg_temp.undefined(pg_temp.ratios(m.more)),
  'alpha calmar_ratio information_ratio min_track_record probabilistic_sharpe sharpe_ratio sortino_ratio', m.promise)
from (values
  ('{"ending_value": -935958, "lost_on": "2005-03-14"}'::jsonb, 'of a lost one no ratio of return to risk is'),
  ('{"ending_value": 0}', 'one that ends at nothing is lost'),
  ('{"max_drawdown": 1.2}', 'and one that came back from below zero')) as m (more, promise);
select is((pg_temp.ratios('{"lost_on": "2005-03-14"}') ->> 'annual_return')::float8, -1::float8, 'a year of it takes everything, whatever came back');
select is((pg_temp.ratios('{"return_count": null, "max_drawdown": 23.5, "sharpe_ratio": 1.4}') ->> 'sharpe_ratio')::float8, 1.4::float8,
  'a drawdown that somebody else measured, in per cent perhaps, says nothing');
select is(curve_metrics('{2020-01-01,2020-01-02,2020-01-03}', '{110,-1,120}', 100, '2020-01-01', '2020-01-03', 3) ->> 'lost_on', '2020-01-02',
  'a curve says when');
select is(
  tap.rows($$select period, sharpe_ratio is null from curve_periods('{2019-12-30,2019-12-31,2020-01-02,2020-01-03,2021-01-04,2021-01-05}',
    '{110,105,120,-1,130,150}', 100) where kind = 'year' order by period$$),
  '[["2019", false], ["2020", true]]', 'the year of the loss has no Sharpe ratio, and there is none after it');
select is(
  (select array_agg(sharpe_ratio is null order by session) from rolling_sharpe('{2020-01-01,2020-01-02,2020-01-03,2020-01-06,2020-01-07}',
    '{110,105,-1,130,150}', 100, 2)), '{f,t,t,t}', 'nor has any stretch that ends after it');

-- A search: point 1 is the best by every measure and lost, point 2 trades less, point 3 does not trade at all.
create temporary table points as
select * from (values
  (1, '{"ending_value": -935958, "return_mean": 0.02, "total_trades": 30, "winning_trades": 22, "lost_on": "2010-03-15", "max_drawdown": 23}'::jsonb),
  (2, '{}'),
  (3, '{"ending_value": 100000, "return_mean": 0, "return_m2": 0, "total_trades": 0, "winning_trades": 0, "losing_trades": 0, "max_drawdown": 0}'))
  as p (ordinal, more);
create function pg_temp.run(p_optimization jsonb) returns bigint language plpgsql as $$
declare v_run bigint;
begin
  v_run := tap.run_of(tap.given_job(3, jsonb_build_object('cash', 1000 + (select count(*) from desk.jobs), 'success_criteria', '{"min_trades": 1}'::jsonb,
    'optimization', '{"parameters": {"fast": [2, 3, 4]}}'::jsonb || p_optimization)));
  perform tap.advance((select max(id) from desk.runners));
  perform tap.complete(w.work_item_id, w.token, u.ordinal, tap.metrics(p.more))
  from desk.claim_work((select max(id) from desk.runners), 9) as w
  cross join unnest(w.ordinals) as u (ordinal) join points as p on p.ordinal = u.ordinal;
  perform tap.advance((select max(id) from desk.runners));
  return v_run;
end $$;
create temporary table runs as
select t.target, pg_temp.run(jsonb_build_object('target_metric', t.target, 'target_direction', t.direction)) as run
from (values ('Trades', 'max'), ('Total Return', 'min'), ('Sharpe Ratio', 'max')) as t (target, direction);
select is(
  tap.rows('select r.target, b.ordinal from runs as r join run_progress as p on p.optimization_run_id = r.run join backtest_results as b on b.id = p.best_result_id order by 1'),
  '[["Sharpe Ratio", 2], ["Total Return", 3], ["Trades", 2]]', 'whatever the target, the best is another');
select desk.find_best(r.run) from runs as r;
select is(
  tap.rows('select r.target, b.ordinal from runs as r join run_progress as p on p.optimization_run_id = r.run join backtest_results as b on b.id = p.best_result_id order by 1'),
  '[["Sharpe Ratio", 2], ["Total Return", 3], ["Trades", 2]]', 'also when it is looked for anew');
create temporary table trades as select run from runs where target = 'Trades';
select is(
  tap.rows('select ordinal, passed, rejection_reasons, lost, lost_on, sharpe_ratio is null from backtest_results where optimization_run_id = (select run from trades) order by 1'),
  '[[1, false, ["Account lost on 2010-03-15"], true, "2010-03-15", true], [2, true, [], false, null, false], [3, false, ["Insufficient trades: 0 < 1"], false, null, true]]',
  'it passes no criteria, with one reason that always holds');
select is(reasons_against(b.optimization_run_id, to_jsonb(b), true), '{Account lost on 2010-03-15}', 'also where only limits on metrics are asked for, as for what a search learns from')
from backtest_results as b where optimization_run_id = (select run from trades) and ordinal = 1;
select is((select flags from optimization_runs where id = (select run from trades)), '{"account lost (1 of 3)","deflated Sharpe below one half","no criterion asks for profit"}', 'the run is flagged');
select is((select array_agg(target_value order by ordinal) from target_values((select run from trades))), '{null,20,0}', 'a page is shown no target of it');
select is((select array_agg(best_so_far order by evaluation) from search_way((select run from trades))), '{null,20,20}', 'nor a way that begins with it');
select is((select array_agg(best order by x) from target_map((select run from trades), 'fast', 'fast')), '{null,20,0}', 'nor a place on the map');
select is((select reason from run_rejections where optimization_run_id = (select run from trades) and reason like 'Account%'), 'Account lost', 'losses of all days are of one kind');
select is((select array_agg(b.lost order by b.place) from (select row_number() over () as place, lost from board) as b),
  '{f,f,f,f,f,f,t,t,t}', 'on the board it comes after all that were honest, also after what never traded');

-- Imported: without a curve the ending value tells, and the day is the last of the window.
create temporary table imported as
with run as (
  insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric, total_combinations, status, start_date, end_date, engine)
  select id, 'x.yaml', 'Grid Search', 'Sharpe Ratio', 1, 'running', '2005-01-03', '2008-12-31', 'lean' from strategies where name = 'sma_crossover' returning id, strategy_id
)
select * from run;
insert into backtest_results (optimization_run_id, strategy_id, parameters, total_trades, ending_value, sharpe_ratio, sortino_ratio)
select id, strategy_id, '{"a": 1}', 400, -935958, 1.41, 2 from imported;
select is(
  tap.rows('select b.rejection_reasons[1], b.sharpe_ratio, b.sortino_ratio, p.best_result_id from imported as i
    join backtest_results as b on b.optimization_run_id = i.id join run_progress as p on p.optimization_run_id = i.id'),
  '[["Account lost on 2008-12-31", null, null, null]]', 'an imported one is lost when it ends below nothing, whatever ratios it brings');

-- From before: judged again when the desk is brought up to date.
select is(judge_lost_again(), 0, 'nothing waits to be judged again');
select tap.as_it_was($was$
update full_results set lost = false, passed = true, rejection_reasons = '{}', sharpe_ratio = 1.41
where optimization_run_id = (select run from trades) and ordinal = 1;
update run_progress set passed = 2, best_value = 30, best_result_id = (
  select id from backtest_results where optimization_run_id = (select run from trades) and ordinal = 1)
where optimization_run_id = (select run from trades);
update optimization_runs set flags = '{no data,"best on the edge: fast"}' where id = (select run from trades);
$was$);
select is(judge_lost_again(), 1, 'a run of an older version does');
select is(
  tap.rows('select b.ordinal, p.passed, p.best_value, r.flags, r.summary, l.passed, l.sharpe_ratio, l.rejection_reasons from trades as t
    join run_progress as p on p.optimization_run_id = t.run join optimization_runs as r on r.id = t.run join backtest_results as b on b.id = p.best_result_id
    join backtest_results as l on l.optimization_run_id = t.run and l.ordinal = 1'),
  '[[2, 1, 20, ["account lost (1 of 3)", "deflated Sharpe below one half", "no criterion asks for profit"], "3 runs complete, 1 passed, best Sharpe: 0.6", false, null, ["Account lost on 2010-03-15"]]]',
  'and is then as if it had been judged by this one');
select is(judge_lost_again(), 0, 'once');

select * from finish();
