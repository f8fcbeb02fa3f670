-- Verdicts on code: a new version is probed on the prices it is used with, and a fault keeps a strategy from passing.

select plan(28);
update desk.settings set value = 'true' where name = 'check_new_code';
select tap.given_desk();
create temporary table ids (name text primary key, id bigint);
grant all on ids to public;
create temporary table tasks (work_item_id bigint, token uuid, kind text, attempt integer, optimization_run_id bigint, payload jsonb);
grant all on tasks to public;
create function pg_temp.id(p_name text) returns bigint language sql as $$ select id from ids where name = p_name $$;
create function pg_temp.version(p_hash text) returns bigint language sql as $$
  select v.id from desk.code_versions as v join desk.strategies as s on s.id = v.strategy_id where s.name = 'sma_crossover' and v.code_hash = repeat(p_hash, 64) $$;
create function pg_temp.runner(p_version text) returns bigint language sql as $$
  select desk.register_runner('host', 1, '0.1', '{backtrader,probes}', 2, 'linux', false, tap.strategies(p_version)) $$;
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
create function pg_temp.status() returns text language sql as $$ select status from desk.strategies where name = 'sma_crossover' $$;
create function pg_temp.answer(p_outcome text, p_found text) returns text language sql as $$
  select desk.complete_task((select work_item_id from tasks), (select token from tasks), jsonb_build_object('outcome', p_outcome, 'evidence',
    jsonb_build_object('findings', jsonb_build_array(jsonb_build_object('verdict', p_outcome, 'about', 'look-ahead', 'found', p_found, 'todo', ''))))) $$;

-- Not used yet
select is(tap.rows($$select outcome, evidence ->> 'summary' from code_checks where strategy = 'sma_crossover'$$),
  '[["undecided", "not used yet: it is probed on the prices that it is first used with"]]', 'code that was not used yet says so');
select is((select count(*) from work_items), 0::bigint, 'and is not probed');

-- First used
insert into ids values ('a', pg_temp.runner('a')), ('job', tap.given_job(2));
select pg_temp.run_all('a', pg_temp.id('job'));
select is(pg_temp.status(), 'passed', 'a search passes while nothing is known');
select is(tap.rows($$select kind, needs, payload ->> 'strategy', payload ->> 'timeframe', payload ->> 'code_hash' = repeat('a', 64) from work_items where code_version_id is not null$$),
  '[["probe_code", "probes", "sma_crossover", "1d", true]]', 'its first use has the code probed on its prices');
insert into ids values ('elsewhere', desk.register_runner('other', 1, '0.1', '{backtrader,probes}', 2, 'linux', false, tap.strategies('c')));
select is_empty(format('select * from claim_task(%s)', pg_temp.id('elsewhere')), 'not by a runner with other code');
insert into tasks select * from claim_task(pg_temp.id('a'));
select is((select kind from tasks), 'probe_code', 'a runner with the code takes the task');
select is((select count(*) from stranded_tasks()), 0::bigint, 'it strands nobody');
select is(pg_temp.answer('fault', 'with data until 2010-06-01 it decides otherwise'), 'recorded', 'it finds a fault');
select is(tap.rows($$select outcome, evidence ->> 'timeframe', (evidence ->> 'optimization_run_id')::bigint = (select min(id) from optimization_runs), said_by = session_user
  from code_checks where strategy = 'sma_crossover'$$), '[["fault", "1d", true, true]]', 'the verdict is kept with its evidence and who said it');
select is(tap.rows($$select status, reason from strategies where name = 'sma_crossover'$$),
  '[["rejected", "version aaaaaaaaaaaa has a fault: look-ahead: with data until 2010-06-01 it decides otherwise"]]', 'and takes the strategy back that this code let pass');
select is((select array_agg(distinct checked) from board), '{fault}', 'as the board shows');
select matches(code_note((select min(id) from optimization_runs)), 'version aaaaaaaaaaaa of sma_crossover; version aaaaaaaaaaaa has a fault: look-ahead', 'and the run');

-- While it stands
insert into ids values ('again', tap.given_job(2, '{"cash": 1001}'));
select pg_temp.run_all('a', pg_temp.id('again'));
select is(pg_temp.status(), 'rejected', 'no later search of that code passes');
select matches((select reason from strategies where name = 'sma_crossover'), '^2 runs complete, 2 passed, .*; version aaaaaaaaaaaa has a fault', 'and the reason says both');
select is((select count(*) from work_items where code_version_id is not null), 1::bigint, 'it is not probed again on the same timeframe');
update strategies set status = 'testing' where name = 'sma_crossover';
update strategies set status = 'validated' where name = 'sma_crossover';
set local role desk_director;
select is((tap.refusal($$select move_strategy('sma_crossover', 'paper', 'good')$$))[2:4],
  array['The code of sma_crossover does not go on: version aaaaaaaaaaaa has a fault: look-ahead: with data until 2010-06-01 it decides otherwise', '$.strategy',
    'Mend it; or, if that is as it should be: select accept_fault(''sma_crossover'', ''why'').'], 'nobody moves it to paper');
reset role;
select is(has_function_privilege('desk_runner', 'desk.accept_fault(text, text, text)', 'execute'), false, 'a runner accepts nothing');

-- Accepted
set local role desk_director;
select is((tap.refusal($$select accept_fault('sma_crossover', ' ')$$))[2], 'A fault is accepted for a reason', 'the director needs a reason to accept it');
select is((tap.refusal($$select accept_fault('rsi_mean_reversion', 'fine')$$))[2], 'rsi_mean_reversion has no fault to accept', 'and a fault');
select is(accept_fault('sma_crossover', 'it trades at the close on purpose'), 'sma_crossover: the faults of version aaaaaaaaaaaa are accepted; its next search may pass', 'then it is');
reset role;
select is(tap.rows($$select outcome, evidence ->> 'reason', said_by = session_user from code_checks where strategy = 'sma_crossover'$$),
  '[["accepted", "it trades at the close on purpose", true]]', 'with the reason and the login');
set local role desk_director;
select is(move_strategy('sma_crossover', 'paper', 'good'), 'sma_crossover: validated -> paper', 'and the strategy goes on');
reset role;
select is((select array_agg(distinct checked) from board), '{accepted}', 'which the board shows too');

-- A new version of what is in use
select publish_strategies(tap.strategies('b'), 'host', false);
select is((select count(*) from work_items where code_version_id = pg_temp.version('b') and state = 'waiting'), 1::bigint,
  'a new version is probed at once, on the prices that the last one was used with');
select is((select checked from version_checks where code_version_id = pg_temp.version('b')), null, 'it has no verdict of the old one');
truncate tasks;
insert into ids values ('b', pg_temp.runner('b'));
insert into tasks select * from claim_task(pg_temp.id('b'));
update work_items set lease_until = now() - interval '1 minute' where id = (select work_item_id from tasks);
select reap_expired();
select is((select array_agg(state || ' ' || attempt order by id) from work_items where code_version_id = pg_temp.version('b')), '{"expired 1","waiting 2"}', 'a probe whose runner dies is done by another');
truncate tasks;
update work_items set run_after = now() where state = 'waiting';
insert into tasks select * from claim_task(pg_temp.id('b'));
select fail_task(work_item_id, token, 'the file has been changed since', false) from tasks;
select is((select checked from version_checks where code_version_id = pg_temp.version('b')), 'undecided', 'one that cannot be done leaves the code undecided');
select throws_ok($$insert into desk.code_verdicts (code_version_id, kind, outcome) values (1, 'probes', 'accepted')$$, '23514', null, 'nothing is accepted without a word');

select * from finish();
