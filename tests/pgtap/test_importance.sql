-- How much each parameter of a search matters: asked when it is complete, and kept as rows.

select plan(13);
select tap.given_desk();
update settings set value = 'true' where name = 'weigh_parameters';
create temporary table r as select tap.given_runner('a', '{backtrader,optuna}') as id;
create function pg_temp.searched(p_slow text default '[30, 40, 50]', p_points integer default 10, p_strategy text default 'sma_crossover')
returns bigint language plpgsql as $$
declare v_job bigint;
begin
  v_job := tap.given_job(p_points, format('{"optimization": {"parameters": {"fast": {"start": 2, "end": %s, "step": 1}, "slow": %s}}}',
    p_points + 1, p_slow)::jsonb, 0, p_strategy);
  perform tap.drain((select id from pg_temp.r), tap.metrics());
  return tap.run_of(v_job);
end $$;
create function pg_temp.asked() returns bigint language sql as 'select count(*) from desk.work_items where kind = ''weigh_parameters''';

create temporary table s as select pg_temp.searched() as id;
select is((select status from optimization_runs as o, s where o.id = s.id), 'completed');
select is(pg_temp.asked(), 1::bigint, 'a search of thirty points over two parameters is weighed');
select is((select payload -> 'space' from work_items where kind = 'weigh_parameters'),
  '[{"name": "fast", "values": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}, {"name": "slow", "values": [30, 40, 50]}]', 'over the values that were tried');
create temporary table t as select * from claim_task((select id from r));
select is((select kind from t), 'weigh_parameters', 'a runner that has optuna takes it, though its job is over');
select is((select count(*) from task_points((select work_item_id from t), (select token from t))), 30::bigint, 'with the points');
select is((select count(*) from task_points((select work_item_id from t), gen_random_uuid())), 0::bigint, 'which nobody else is given');
select is(complete_task(work_item_id, token, '{"importance": [{"parameter": "fast", "importance": 0.75, "standard_error": 0.1},
  {"parameter": "slow", "importance": 0.25, "standard_error": 0.1}], "points": 30, "method": "m"}'), 'recorded') from t;
select is((select array_agg(parameter || ' ' || importance order by parameter) from parameter_importance as i, s where i.optimization_run_id = s.id),
  '{"fast 0.75","slow 0.25"}', 'what it finds is kept');
update run_progress set best_result_id = (select backtest_result_id from run_points(s.id) where ordinal = 7) from s where optimization_run_id = s.id;
select is((select array_agg(ordinal) from run_points((select id from s), 7)), '{1,6,7,11,16,21,26}', 'points are thinned evenly, and the best stays');

select pg_temp.searched('[60]', 25);
select is(pg_temp.asked(), 1::bigint, 'a single parameter is not weighed');
select pg_temp.searched('[60, 61]', 5);
select is(pg_temp.asked(), 1::bigint, 'nor are ten points');
update runners set engines = '{backtrader}';
select pg_temp.searched('[70, 80, 90]');
select is(pg_temp.asked(), 1::bigint, 'nor where no runner could');
update runners set engines = '{backtrader,optuna}';
update settings set value = 'false' where name = 'weigh_parameters';
select pg_temp.searched('[110, 120, 130]');
select is(pg_temp.asked(), 1::bigint, 'nor where the desk does not want it');
select * from finish();
