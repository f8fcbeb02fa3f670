-- Whose code runs a search: the current version's, which is what was announced last; never an older one in silence.

select plan(36);
select tap.given_desk();

create temporary table ids (name text primary key, id bigint);
grant all on ids to public;
create function pg_temp.current() returns text language sql as $$
  select left(v.code_hash, 1) from desk.strategies as s join desk.code_versions as v on v.id = s.current_version_id
  where s.name = 'sma_crossover' $$;
create function pg_temp.runner(p_host text, p_version text) returns bigint language sql as $$
  select desk.register_runner(p_host, 1, '0.1', '{backtrader}', 2, 'linux', false, tap.strategies(p_version)) $$;
create function pg_temp.claimed(p_runner text, p_limit integer default 1) returns bigint language plpgsql as $$
begin
  perform tap.advance((select id from ids where name = p_runner));
  return (select count(*) from desk.claim_work((select id from ids where name = p_runner), p_limit));
end $$;
create function pg_temp.id(p_name text) returns bigint language sql as $$ select id from ids where name = p_name $$;

-- What is current
select is(pg_temp.current(), 'a', 'what is published first is current');
insert into ids values ('a', pg_temp.runner('one', 'a')), ('elsewhere', pg_temp.runner('two', 'b'));
select is(pg_temp.current(), 'a', 'a host that merely starts announces nothing');
select pg_temp.runner('two', 'b');
select is(pg_temp.current(), 'a', 'however often it does');
select publish_strategies(tap.strategies('c') #- '{1,parameters,0}', 'two', false);
select is(pg_temp.current(), 'c', 'a host whose own file is another one now does');
select is((select count(*) from strategy_parameters as p join strategies as s on s.id = p.strategy_id where s.name = 'sma_crossover'), 4::bigint,
  'and the parameters are its');
select publish_strategies(tap.strategies('b'), 'two', false);
select is(pg_temp.current(), 'b', 'a change that is taken back makes the old version current again');
select is((select count(*) from strategy_parameters as p join strategies as s on s.id = p.strategy_id where s.name = 'sma_crossover'), 5::bigint,
  'with its own parameters');
select publish_strategies(tap.strategies('a'));
select is(pg_temp.current(), 'a', 'sync announces what it has');
select publish_strategies(jsonb_set(tap.strategies('d'), '{1,title}', '"Other"'), 'three', false);
select is((select title from strategies where name = 'sma_crossover'), 'SMA', 'who has other code says nothing of the strategy for everybody');
select publish_strategies(jsonb_set(jsonb_set(tap.strategies('d'), '{1,file}', '"/second/copy.py"'), '{0,file}', '"/second/rsi.py"'), 'two', false);
select is(pg_temp.current(), 'a', 'a second copy on a host is a file of its own');

-- Who may claim
insert into ids values ('job', tap.given_job(4));
insert into ids values ('run', tap.run_of(pg_temp.id('job')));
select is(pg_temp.claimed('elsewhere'), 0::bigint, 'a run that is not pinned is not for a runner with other code');
select is(open_work(pg_temp.id('elsewhere')), 0::bigint, 'nor does that wait for it');
select is(code_note(pg_temp.id('run')), 'version aaaaaaaaaaaa of sma_crossover', 'the run says which code will run it');
update runners set stopped_at = now() where id = pg_temp.id('a');
update runners set stopped_at = now() where id > pg_temp.id('elsewhere');
select is(code_note(pg_temp.id('run')),
  format('version aaaaaaaaaaaa of sma_crossover; runner %s has bbbbbbbbbbbb instead. If that is right: backdesk strategies sync, where it runs',
    pg_temp.id('elsewhere')), 'and what it waits for where nobody has that');
update runners set stopped_at = null where id = pg_temp.id('a');
select publish_strategies(tap.strategies('e'), 'one', false);
select is(pg_temp.claimed('a'), 0::bigint, 'a runner whose file has changed begins nothing with what it has in memory');
select matches(code_note(pg_temp.id('run')), 'runner \d+ has', 'and the run says so');
select is(may_register_again(pg_temp.id('a'), array[repeat('e', 64)]), true, 'it may read its files again at once');
insert into ids values ('e', pg_temp.runner('one', 'e'));
select is(pg_temp.claimed('e'), 1::bigint, 'having done so it claims');
select is((select left(v.code_hash, 1) from optimization_runs as r join code_versions as v on v.id = r.code_version_id where r.id = pg_temp.id('run')),
  'e', 'and the run is pinned to that');

-- What is pinned goes on
select publish_strategies(tap.strategies('f'), 'one', false);
select is(pg_temp.claimed('e'), 1::bigint, 'a run that has begun goes on where it is when its file changes');
select is(may_register_again(pg_temp.id('e'), array[repeat('f', 64)]), false, 'and holds its runner until it is over');
select is(code_note(pg_temp.id('run')), 'version eeeeeeeeeeee of sma_crossover; the file is newer: ffffffffffff', 'which it says');
insert into ids values ('second', tap.run_of(tap.given_job(4, '{"cash": 1001}')));
select matches(code_note(pg_temp.id('second')), 'version ffffffffffff of sma_crossover; runner \d+ has older code, and reads its files again',
  'what waits for the new code says what it waits for');

-- A file that cannot be read
select publish_strategies(tap.strategies('e'), 'one', false);
set local role desk_runner;
select files_changed(pg_temp.id('e'), '[]', 'sma.py, line 3, cannot be loaded: SyntaxError');
reset role;
select is((select files_error from runner_status where id = pg_temp.id('e')), 'sma.py, line 3, cannot be loaded: SyntaxError', 'a runner says what it cannot read');
select is(pg_temp.claimed('e', 9), 2::bigint, 'it goes on with what has begun and begins nothing');
select is(code_note(pg_temp.id('second')), format('version eeeeeeeeeeee of sma_crossover; runner %s begins no run: sma.py, line 3, cannot be loaded: SyntaxError',
  pg_temp.id('e')), 'as the run says that waits for it');
select files_changed(pg_temp.id('e'), tap.strategies('e'));
select is(pg_temp.claimed('e', 9), 4::bigint, 'until the file is mended');

-- Retried after a fix
select cancel_job(id) from jobs where state in ('waiting', 'running');
create function pg_temp.fail(p_job bigint, p_recorded integer) returns void language plpgsql as $$
declare
  v_item record;
begin
  perform tap.advance(pg_temp.id('e'));
  for v_item in
    select c.work_item_id, c.token, o.ordinal
    from desk.claim_work(pg_temp.id('e'), 9) as c cross join lateral unnest(c.ordinals) as o (ordinal)
  loop
    if v_item.ordinal <= p_recorded then
      perform tap.complete(v_item.work_item_id, v_item.token, v_item.ordinal);
    else
      perform desk.fail_work(v_item.work_item_id, v_item.token, v_item.ordinal, 'strategy', 'no attribute perod');
    end if;
  end loop;
  perform tap.advance(pg_temp.id('e'));
end $$;
insert into ids values ('broken', tap.given_job(2, '{"cash": 1002}'));
select pg_temp.fail(pg_temp.id('broken'), 0);
insert into ids values ('half', tap.given_job(2, '{"cash": 1003}'));
select pg_temp.fail(pg_temp.id('half'), 1);
insert into ids values ('whole', tap.given_job(2, '{"cash": 1004}'));
select pg_temp.fail(pg_temp.id('whole'), 2);
select is((select array_agg(state order by id desc) from jobs where id >= pg_temp.id('broken')), '{done,done,failed}', 'one job failed, and a half of another');
select publish_strategies(tap.strategies('f'), 'one', false);
insert into ids values ('f', pg_temp.runner('one', 'f'));
select is(retry_job(pg_temp.id('broken')), format('job %s: 2 failed points are tried again', pg_temp.id('broken')), 'it is tried again after the fix');
select is(pg_temp.claimed('e', 9) + pg_temp.claimed('f', 9), 2::bigint, 'by one of two runners');
select is((select left(v.code_hash, 1) from optimization_runs as r join code_versions as v on v.id = r.code_version_id where r.job_id = pg_temp.id('broken')),
  'f', 'the one that has the fix');
select is(tap.refusal(format('select retry_job(%s)', pg_temp.id('half'))), array['22023',
  format('Run %s has results of version eeeeeeeeeeee of sma_crossover, and ffffffffffff is current now', tap.run_of(pg_temp.id('half'))), '$.code_version_id',
  'A run never mixes two: insert its job again, or take the change of the code back first.'], 'where half was recorded by old code it is refused');
select is((tap.refusal(format('select extend_run(%s, ''{"fast": {"start": 2, "end": 9, "step": 1}}'')', tap.run_of(pg_temp.id('whole')))))[2],
  format('Run %s has results of version eeeeeeeeeeee of sma_crossover, and ffffffffffff is current now', tap.run_of(pg_temp.id('whole'))), 'nor is such a run extended');
select publish_strategies(tap.strategies('e'), 'one', false);
select is(retry_job(pg_temp.id('half')), format('job %s: 1 failed points are tried again', pg_temp.id('half')), 'with the change taken back it is tried again');

-- Known results
select cancel_job(id) from jobs where state in ('waiting', 'running');
insert into ids values ('again', tap.run_of(tap.given_job(3, '{"cash": 1004}')));
select pg_temp.claimed('e', 9);
select is((select reused from run_progress where optimization_run_id = pg_temp.id('again')), 2::bigint, 'results of the current code are known');
select cancel_job(id) from jobs where state in ('waiting', 'running');
select publish_strategies(tap.strategies('f'), 'one', false);
insert into ids values ('newer', tap.run_of(tap.given_job(3, '{"cash": 1004}')));
select is(array[pg_temp.claimed('e', 9), pg_temp.claimed('f', 9)], '{0,3}'::bigint[], 'those of older code are not');

select * from finish();
