-- The life of a run, and how its job and its strategy follow.

select plan(68);
select tap.given_desk();
create function pg_temp.runner() returns bigint language sql as 'select max(id) from desk.runners';
create function pg_temp.job() returns bigint language sql as 'select max(id) from desk.jobs';
create function pg_temp.state() returns jsonb language sql as $$
  select tap.rows('select j.state, r.status, s.status, r.summary from desk.jobs as j join desk.optimization_runs as r on r.job_id = j.id
    join desk.strategies as s on s.id = r.strategy_id where j.id = pg_temp.job() order by r.id')$$;
create function pg_temp.moves() returns jsonb language sql as $$
  select tap.rows('select e.from_status, e.to_status, e.reason from desk.strategy_events as e join desk.strategies as s on s.id = e.strategy_id
    where s.name = ''sma_crossover'' order by e.id desc limit 2')$$;
create function pg_temp.run() returns bigint language sql as 'select tap.run_of(pg_temp.job())';
select tap.given_runner();

-- Passed
select tap.given_job(3);
select is(pg_temp.state(), '[["waiting", "pending", "backlog", null]]', 'a new job waits, its strategy in the backlog');
select is(tap.drain(pg_temp.runner()), 3, 'a runner works until nothing is left');
select is(
  pg_temp.state(), '[["done", "completed", "passed", "3 runs complete, 3 passed, best Sharpe: 0.6"]]', 'all points passed: the strategy has');
select is(
  pg_temp.moves(), format('[["testing", "passed", "3 runs complete, 3 passed, best Sharpe: 0.6"], ["backlog", "testing", "run %s started"]]', pg_temp.run())::jsonb,
  'each move is an event with its reason');
select is(
  (select count(*)::integer from strategy_events where optimization_run_id = pg_temp.run()), 2, 'and names the run');
select is(
  tap.rows(format('select event, from_state, to_state from job_events where job_id = %s order by id', pg_temp.job())),
  '[["job", null, "waiting"], ["run", null, "pending"], ["run", "pending", "running"], ["job", "waiting", "running"],
    ["run", "running", "completed"], ["job", "running", "done"]]', 'so is each state of job and run');
select is(
  tap.rows(format('select total, finished, failed, passed, percent, best_value is not null, summary from job_progress where job_id = %s', pg_temp.job())),
  '[[3, 3, 0, 3, 100.0, true, "3 runs complete, 3 passed, best Sharpe: 0.6"]]', 'job_progress is complete');
select is(tap.rows('select closed_at is not null, started_at is not null, error from optimization_runs'), '[[true, true, null]]', 'its times are stamped');
select is(advance_runs(pg_temp.runner()), 0, 'a run closes once');

-- Rejected after it had passed: passing once is not undone by another search
select tap.given_job(2, '{"cash": 1001, "success_criteria": {"min_trades": 100}}');
select tap.drain(pg_temp.runner());
select is(
  pg_temp.state(), '[["done", "completed", "passed", "2 runs complete, 0 passed, best Sharpe: 0.6"]]', 'a strategy that passed stays passed');

-- Rejected
select tap.given_job(2, '{}', 0, 'rsi_mean_reversion');
select tap.drain(pg_temp.runner(), tap.metrics('{"total_trades": 8, "winning_trades": 8, "losing_trades": 0}'));
select is(
  pg_temp.state(), '[["done", "completed", "rejected", "2 runs complete, 0 passed, best Sharpe: 0.6"]]', 'no point passed: the strategy is rejected');
select tap.given_job(2, '{"cash": 1001}', 0, 'rsi_mean_reversion');
select advance_runs(pg_temp.runner());
select isnt_empty(format('select * from claim_work(%s, 1)', pg_temp.runner()), 'what is rejected may be tested again');
select is((select status from strategies where name = 'rsi_mean_reversion'), 'testing', 'and is in testing meanwhile');
select is(
  cancel_job(pg_temp.job()), format('job %s cancelled after 0 of 2: 0 runs complete, 0 passed, best Sharpe: n/a', pg_temp.job()), 'a cancelled search');
select is(
  pg_temp.state(), '[["cancelled", "cancelled", "rejected", "cancelled after 0 of 2: 0 runs complete, 0 passed, best Sharpe: n/a"]]',
  'puts the strategy back where it was');
select tap.given_job(2, '{"cash": 1001}', 0, 'rsi_mean_reversion');
select tap.drain(pg_temp.runner());
select is((select status from strategies where name = 'rsi_mean_reversion'), 'passed', 'the second chance was used');

-- Some fail
select tap.given_job(2, '{"cash": 1002}');
select advance_runs(pg_temp.runner());
do $$
declare v_item record;
begin
  select * into v_item from desk.claim_work(pg_temp.runner(), 1);
  perform desk.fail_work(v_item.work_item_id, v_item.token, v_item.ordinals[1], 'strategy', 'ZeroDivisionError');
end $$;
select tap.drain(pg_temp.runner());
select is(
  pg_temp.state(), '[["done", "completed", "passed", "1 runs complete, 1 passed, best Sharpe: 0.6, 1 failed"]]', 'failed points follow in the summary');
select is(tap.rows(format('select finished, failed, percent from job_progress where job_id = %s', pg_temp.job())), '[[1, 1, 100.0]]', 'and are counted apart');

-- Retry
select is(retry_job(pg_temp.job()), format('job %s: 1 failed points are tried again', pg_temp.job()), 'the director has failed points tried again');
select is(pg_temp.state(), '[["running", "running", "passed", null]]', 'the job is open once more');
select is(tap.rows(format('select finished, failed, percent from job_progress where job_id = %s', pg_temp.job())), '[[1, 0, 50.0]]', 'without the failure');
select is(
  tap.rows(format($$select details ->> 'error' from job_events where job_id = %s and event = 'retry'$$, pg_temp.job())), '[["ZeroDivisionError"]]',
  'which stays in the events');
select is(tap.drain(pg_temp.runner()), 1, 'only the failed point runs');
select is(pg_temp.state(), '[["done", "completed", "passed", "2 runs complete, 2 passed, best Sharpe: 0.6"]]', 'and the summary is whole');
select is((tap.refusal(format('select retry_job(%s)', pg_temp.job())))[2:4], array[format('Job %s has no failed point', pg_temp.job()), '$.job_id', 'It is done: there is nothing to try again.'], 'there is nothing left to try');

-- All fail
update strategies set status = 'testing' where name = 'sma_crossover';
update strategies set status = 'backlog' where name = 'sma_crossover';
select tap.given_job(2, '{"cash": 1003}');
select tap.drain(pg_temp.runner(), null, 'KeyError: fast');
select is(
  pg_temp.state(), '[["failed", "failed", "backlog", "0 runs complete, 0 passed, best Sharpe: n/a, 2 failed"]]',
  'a search in which nothing ran fails, and says nothing about the strategy');
select is(
  tap.rows('select r.error, j.error from optimization_runs as r join jobs as j on j.id = r.job_id order by r.id desc limit 1'),
  '[["All 2 points failed. KeyError: fast", "All 2 points failed. KeyError: fast"]]', 'it says why');
select tap.given_job(2, '{"cash": 1003}');
select is(
  tap.refusal(format('select retry_job(%s)', pg_temp.job() - 1)),
  array['23505', format('Job %s is identical and not over yet', pg_temp.job()), '$.job_id', format('Wait for it, or end it: select cancel_job(%s).', pg_temp.job())],
  'a job is not retried beside its like');
select cancel_job(pg_temp.job());
select is(
  tap.refusal(format('select retry_job(%s)', pg_temp.job())),
  array['22023', format('Job %s was cancelled', pg_temp.job()), '$.job_id', format('To run it after all: %s.', desk.again(pg_temp.job()))], 'a cancelled job is not retried');
select is(
  tap.refusal(format('select cancel_job(%s)', pg_temp.job())),
  array['22023', format('Job %s is cancelled already', pg_temp.job()), '$.job_id', 'Only an open job can be changed.'], 'nor cancelled twice');
select is(
  tap.refusal('select cancel_job(-1)'), array['23503', 'There is no job -1', '$.job_id', 'See: select job_id, state from job_progress.'],
  'an unknown job is refused');

-- Cancel
select tap.given_job(3, '{"cash": 1004}');
select advance_runs(pg_temp.runner());
create temporary table held as select * from claim_work(pg_temp.runner(), 2);
select tap.complete(work_item_id, token, ordinals[1]) from held order by work_item_id limit 1;
select is(
  cancel_job(pg_temp.job()), format('job %s cancelled after 1 of 3: 1 runs complete, 1 passed, best Sharpe: 0.6', pg_temp.job()), 'a cancelled job says how far it was');
select is((select status from strategies where name = 'sma_crossover'), 'backlog', 'what it found does not move the strategy');
select is(
  tap.rows(format('select state, count(*) from work_items where optimization_run_id = %s group by 1 order by 1', pg_temp.run())),
  '[["cancelled", 2], ["done", 1]]', 'its work is withdrawn, leased or not');
select is(tap.complete(work_item_id, token, ordinals[1]), 'stale', 'nothing more is recorded') from held order by work_item_id desc limit 1;
select is(tap.drain(pg_temp.runner()), 0, 'nothing more is handed out');
select is((select count(*)::integer from backtest_results where optimization_run_id = pg_temp.run()), 1, 'what was recorded stays');

-- Pause and resume
select tap.given_job(3, '{"cash": 1005}');
select is(tap.refusal(format('select resume_job(%s)', pg_temp.job())),
  array['22023', format('Job %s is waiting, not paused', pg_temp.job()), '$.job_id', 'Only a paused job can be resumed.'], 'only a paused job is resumed');
select is(pause_job(pg_temp.job()), format('job %s paused: what is running ends, nothing new is handed out', pg_temp.job()), 'a job is paused');
select is(tap.drain(pg_temp.runner()), 0, 'it is not worked on');
select is(open_work(pg_temp.runner()), 0::bigint, 'and no runner waits for it');
select is(set_priority(pg_temp.job(), 7), format('job %s has priority 7', pg_temp.job()), 'its priority may change');
select is(tap.rows(format('select j.state, j.priority, r.priority from jobs as j join optimization_runs as r on r.job_id = j.id where j.id = %s', pg_temp.job())),
  '[["paused", 7, 7]]', 'for job and run');
select is(resume_job(pg_temp.job()), format('job %s goes on', pg_temp.job()), 'it is resumed');
select is((select state from jobs where id = pg_temp.job()), 'waiting', 'and waits again');
select is(tap.drain(pg_temp.runner()), 3, 'until it is done');

-- Several runs of a job
select tap.given_job(2, '{"cash": 1006, "symbols": ["AAPL", "IBM"], "for_each": "symbols"}');
select is(tap.drain(pg_temp.runner()), 4, 'for_each makes runs that are worked on side by side');
select is((select summary from jobs where id = pg_temp.job()), '4 runs complete, 4 passed, best Sharpe: 0.6', 'the job sums up all of them');
select tap.given_job(2, '{"cash": 1008, "symbols": ["AAPL", "IBM"], "for_each": "symbols"}');
select advance_runs(pg_temp.runner());
do $$
declare v_item record; v_ordinal bigint;
begin
  for v_item in select * from desk.claim_work(pg_temp.runner(), 20) loop
    foreach v_ordinal in array v_item.ordinals loop
      if v_item.optimization_run_id = pg_temp.run() then
        perform desk.fail_work(v_item.work_item_id, v_item.token, v_ordinal, 'strategy', 'KeyError: slow');
      else
        perform tap.complete(v_item.work_item_id, v_item.token, v_ordinal);
      end if;
    end loop;
  end loop;
end $$;
select tap.drain(pg_temp.runner());
select is(tap.rows(format('select state, summary, error from jobs where id = %s', pg_temp.job())),
  '[["done", "2 runs complete, 2 passed, best Sharpe: 0.6, 2 failed; 1 of 2 searches failed: AAPL: All 2 points failed. KeyError: slow",
     "All 2 points failed. KeyError: slow"]]', 'one search that fails fails no job, and the summary says which and why');
select is(tap.rows(format('select status from optimization_runs where job_id = %s order by id', pg_temp.job())), '[["failed"], ["completed"]]',
  'the other one''s results stand');
select is(rejudge_run(pg_temp.run() + 1), '2 runs complete, 2 passed, best Sharpe: 0.6', 'judging one search again');
select matches((select summary from jobs where id = pg_temp.job()), '1 of 2 searches failed: AAPL: ', 'does not forget the other');
select is(retry_job(pg_temp.job()), format('job %s: 2 failed points are tried again', pg_temp.job()), 'what failed is tried again');
select is(tap.drain(pg_temp.runner()), 2, 'and nothing else');
select is(tap.rows(format('select state, summary, error from jobs where id = %s', pg_temp.job())),
  '[["done", "4 runs complete, 4 passed, best Sharpe: 0.6", null]]', 'then the job is whole');
select tap.given_job(2, '{"cash": 1009, "symbols": ["AAPL", "IBM"], "for_each": "symbols"}');
select tap.drain(pg_temp.runner(), null, 'KeyError: slow');
select is(tap.rows(format('select state, error from jobs where id = %s', pg_temp.job())),
  '[["failed", "All 2 points failed. KeyError: slow"]]', 'a job fails when all of its searches do');
select tap.given_job(2, '{"cash": 1010, "symbols": ["AAPL", "IBM"], "for_each": "symbols"}');
select advance_runs(pg_temp.runner());
create temporary table some_held as select * from claim_work(pg_temp.runner(), 20);
select tap.complete(h.work_item_id, h.token, o) from some_held as h, unnest(h.ordinals) as o where h.optimization_run_id = pg_temp.run();
select tap.advance(pg_temp.runner());
select is(cancel_job(pg_temp.job()), format('job %s cancelled after 2 of 4: 2 runs complete, 2 passed, best Sharpe: 0.6', pg_temp.job()),
  'one cancelled between its searches says how far it was');
select is(tap.rows(format('select j.state, r.status from jobs as j join optimization_runs as r on r.job_id = j.id where j.id = %s order by r.id', pg_temp.job())),
  '[["cancelled", "completed"], ["cancelled", "cancelled"]]', 'and is cancelled, though one of them completed');

-- Flags
select is(
  (select flags from optimization_runs where id = pg_temp.run()), '{"all points identical","deflated Sharpe below one half (2 of 2 passed)","no criterion asks for profit"}', 'points that are all identical are flagged');
select tap.given_job(2, '{"cash": 1007}');
select tap.drain(pg_temp.runner(), tap.metrics('{"total_trades": 0, "winning_trades": 0, "losing_trades": 0}'));
select is((select flags from optimization_runs where id = pg_temp.run()), '{"no trades"}', 'as is a search without trades');
select tap.given_job(1, '{"cash": 2008}');
select tap.drain(pg_temp.runner(), tap.metrics('{"sessions": 301, "refused_for_cash": 1070, "refused_otherwise": 1}'));
select is((select flags from optimization_runs where id = pg_temp.run()),
  '{"1 order refused by the broker","1,070 orders refused for lack of cash","deflated Sharpe below one half","ended early: 301 of 520 sessions","no criterion asks for profit"}',
  'a strategy that stops itself, and one that asks for more than it has');
select tap.given_job(3, '{"cash": 2009, "benchmark": "IBM"}');
select advance_runs(pg_temp.runner());
select tap.complete(w.work_item_id, w.token, u.ordinal, tap.metrics(jsonb_build_object('sessions', 520 - 10 * u.ordinal % 30, 'refused_for_cash', u.ordinal / 2)))
from claim_work(pg_temp.runner(), 9) as w cross join unnest(w.ordinals) as u (ordinal);
select tap.advance(pg_temp.runner());
select is((select flags from optimization_runs where id = pg_temp.run()),
  '{"all points identical","deflated Sharpe below one half (3 of 3 passed)","ended early: 500 of 520 sessions (2 of 3)","no criterion asks for profit","up to 1 order refused for lack of cash (2 of 3)"}',
  'of several points the worst, and how many');

-- The way of a run is a state machine
select throws_ok(format('update desk.optimization_runs set status = %L where id = %s', 'cancelled', pg_temp.run()), '23514',
  format('Run %s is completed and cannot become cancelled', pg_temp.run()), 'a completed run cannot be cancelled');
select throws_ok(format('update desk.optimization_runs set status = %L where id = %s', 'lost', pg_temp.run()), '23514', null, 'no run is in an unknown state');

-- A state says whether it is open; the times of a row may not say otherwise.
select tap.given_job(2, '{"symbols": "IBM"}');
select throws_ok(format('update desk.jobs set state = %L where id = %s', 'done', pg_temp.job()), '23503', null, 'a job that is over has a time at which it was');
select throws_ok(format('update desk.jobs set finished_at = now() where id = %s', pg_temp.job()), '23503', null, 'and an open one has none');
select throws_ok(format('update desk.optimization_runs set status = %L where id = %s', 'lost', pg_temp.run()), '23503', null, 'an open run moves to no unknown state, either');
select is(
  (select array_agg(s.what || ' ' || s.state order by s.what, s.position) from (select 'job' as what, * from job_states union all select 'run', * from run_states) as s
   where s.is_open), '{job held,job waiting,job running,job paused,run pending,run running}'::text[], 'these are the open states');
select * from finish();
