-- What prune() deletes and what it never touches.

select plan(14);
select tap.given_desk();
select tap.given_runner();
update desk.settings set value = '{"min_trades": 0, "max_fee_pct": 1}' where name = 'default_criteria';

create temporary table made as
select tap.given_job(4, '{"keep_series": "all", "success_criteria": {"min_trades": 1000}}') as rejected,
       tap.given_job(6, '{"keep_series": "all", "success_criteria": {"min_trades": 1}}', p_strategy => 'rsi_mean_reversion') as passing;
select tap.drain((select max(id) from runners));
insert into equity_curves (backtest_result_id, sessions, equity) select id, '{2010-01-04}', '{1}' from backtest_results;
insert into trades select id, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}' from backtest_results;
insert into job_events (event, happened_at) values ('retry', now() - interval '181 days'), ('retry', now() - interval '179 days'),
  ('run', now() - interval '400 days');
create temporary table before as select count(*) as results, (select count(*) from job_events where event in ('job', 'run')) as events from backtest_results;

select is((tap.refusal($$update settings set value = '"soon"' where name = 'keep_curves'$$))[4], 'An interval, such as "90 days".', 'an age is an interval');
select is((select sum(removed)::int from prune()), 1, 'of what is young only an old event goes');
select is((select count(*)::int from job_events where event = 'retry'), 1, 'the event about a point that is older than the setting');

update work_items set created_at = now() - interval '31 days';
update optimization_runs set closed_at = now() - interval '29 days';
select is((select removed from prune() where what = 'work_items'), 0::bigint, 'a run must have been over for as long');
update optimization_runs set closed_at = now() - interval '91 days';
select throws_ok('select * from prune(0)', '22023', 'Got 0 as the number of rows at a time', 'nothing at a time makes no sense');
set local role desk_director;
select is((select removed from prune(1) where what = 'work_items'), 1::bigint, 'so many at a time');
reset role;
select is((select count(*)::int from equity_curves), 9, 'of each kind');
select prune();
select is((select count(*)::int from work_items), 0, 'work items that are over go');
select is((select count(*)::int from equity_curves), 7, 'and curves that did not pass, but for the best of their run');
select is((select count(*)::int from trades), 7, 'and their trades');
select is((select count(*)::int from equity_curves as c join backtest_results as b on b.id = c.backtest_result_id where b.passed), 6, 'all that passed stay');
select results_eq('select results, events from before',
  $$select (select count(*) from backtest_results), (select count(*) from job_events where event in ('job', 'run'))$$,
  'no result goes, and no event about a job or a run');
select is((select sum(removed)::int from prune()), 0, 'a second time there is nothing to do');

select tap.given_job(9);
select advance_runs((select max(id) from runners));
update work_items set created_at = now() - interval '400 days';
select is((select removed from prune() where what = 'work_items'), 0::bigint, 'what waits is never too old');

select * from finish();
