-- The compiled kernel runs only code that was compared with Backtrader; a difference is a note, and keeps nothing back.

select plan(13);
update desk.settings set value = 'false' where name = 'check_new_code';
update desk.settings set value = '3' where name = 'kernel_points';
select tap.given_desk();
create temporary table ids (name text primary key, id bigint);
grant all on ids to public;
create temporary table tasks (work_item_id bigint, token uuid, kind text, attempt integer, optimization_run_id bigint, payload jsonb);
grant all on tasks to public;
create function pg_temp.id(p_name text) returns bigint language sql as $$ select id from ids where name = p_name $$;
create function pg_temp.signals(p_version text) returns jsonb language sql as $$
  select jsonb_agg(s || '{"code_details": {"files": {"strategies.signal_strategy": "x"}}}') from jsonb_array_elements(tap.strategies(p_version)) as s $$;
create function pg_temp.version(p_hash text) returns bigint language sql as $$
  select v.id from desk.code_versions as v join desk.strategies as s on s.id = v.strategy_id where s.name = 'sma_crossover' and v.code_hash = repeat(p_hash, 64) $$;
create function pg_temp.run_all(p_runner text, p_job bigint) returns void language plpgsql as $$
declare
  v_item record;
begin
  perform tap.advance(pg_temp.id(p_runner));
  for v_item in select c.work_item_id, c.token, o.ordinal
    from desk.claim_work(pg_temp.id(p_runner), 9) as c cross join lateral unnest(c.ordinals) as o (ordinal)
  loop
    perform tap.complete(v_item.work_item_id, v_item.token, v_item.ordinal);
  end loop;
  perform tap.advance(pg_temp.id(p_runner));
end $$;

insert into ids values ('plain', desk.register_runner('host', 1, '0.1', '{backtrader,probes}', 2, 'linux', false, pg_temp.signals('a'))), ('first', tap.given_job(2));
select pg_temp.run_all('plain', pg_temp.id('first'));
select is((select count(*) from work_items where kind = 'compare_kernel'), 0::bigint, 'where no runner has the kernel nothing is compared');

insert into ids values ('kernel', desk.register_runner('host', 2, '0.1', '{backtrader,probes,kernel,bulk}', 2, 'linux', false, pg_temp.signals('a'))),
  ('small', tap.given_job(2, '{"cash": 1002}'));
select pg_temp.run_all('kernel', pg_temp.id('small'));
select is((select count(*) from work_items where kind = 'compare_kernel'), 0::bigint, 'nor for a search of few points');
insert into ids values ('job', tap.given_job(4, '{"cash": 1001}'));
select pg_temp.run_all('kernel', pg_temp.id('job'));
select is(tap.rows($$select needs, payload ->> 'strategy', payload ->> 'timeframe', (payload #>> '{settings,cash}')::float8 from work_items where kind = 'compare_kernel'$$),
  '[["kernel", "sma_crossover", "1d", 1001]]', 'a signal strategy''s first use by a runner that has it asks for the comparison, with the run''s settings');
select is(kernel_admits(pg_temp.version('a'), '1d'), false, 'code is not admitted before');
insert into tasks select * from claim_task(pg_temp.id('kernel'));
select is((select kind from tasks), 'compare_kernel', 'that runner takes it');
select is(complete_task(work_item_id, token, '{"outcome": "clean", "evidence": {"summary": "66 points are equal to the bit", "findings": []}}'), 'recorded', 'and says what it found') from tasks;
select is(tap.rows($$select kind, outcome, evidence ->> 'summary', evidence ->> 'timeframe' from code_verdicts$$),
  '[["kernel", "clean", "66 points are equal to the bit", "1d"]]', 'which is a verdict on the code');
select is(kernel_admits(pg_temp.version('a'), '1d'), true, 'equal to the bit, it is admitted');
select is(kernel_admits(pg_temp.version('a'), '1h'), false, 'on bars of that length');

-- A new version of what is in use
select publish_strategies(pg_temp.signals('b'), 'host', false);
select is((select count(*) from work_items where kind = 'compare_kernel' and code_version_id = pg_temp.version('b')), 1::bigint, 'a changed class is compared before its next search');
truncate tasks;
insert into ids values ('changed', desk.register_runner('host', 3, '0.1', '{backtrader,probes,kernel,bulk}', 2, 'linux', false, pg_temp.signals('b')));
insert into tasks select * from claim_task(pg_temp.id('changed'));
select is(complete_task(work_item_id, token, '{"outcome": "note", "evidence": {"summary": "2020-03-02, A: its signal is 0 when the bar comes, 1 once all bars are known", "findings": []}}'),
  'recorded', 'a difference is told with its first bar') from tasks;
select is(kernel_admits(pg_temp.version('b'), '1d'), false, 'and keeps the code out of the kernel');
select is(tap.rows($$select status, code_fault(current_version_id) is null from strategies where name = 'sma_crossover'$$), '[["passed", true]]', 'but is no fault of the strategy');

select * from finish();
