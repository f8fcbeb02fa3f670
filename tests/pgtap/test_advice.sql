-- Every piece of advice that names a statement is carried out as it stands, and the desk is better off.
select plan(40);
select tap.given_desk();
-- The statement in an advice or a hint; carried out as the director, who reads it.
create function pg_temp.statement(p_text text) returns text language sql as $$
  select rtrim((regexp_match(p_text, '((?:select|insert into|update) .*)$'))[1], '.')$$;
create function pg_temp.followed(p_text text) returns text language plpgsql as $$
declare v_statement text;
begin
  set local role desk_director;
  foreach v_statement in array regexp_split_to_array(pg_temp.statement(p_text), ', then ') loop
    execute v_statement;
  end loop;
  reset role;
  return (select j.state from desk.jobs as j order by j.id desc limit 1);
end $$;
create function pg_temp.job() returns bigint language sql as $$select max(id) from desk.jobs$$;
create function pg_temp.advice() returns text language sql as $$select advice from desk.job_progress where job_id = pg_temp.job()$$;
create temporary table r as select tap.given_runner() as id;
grant select on r to public;

-- Paused, cancelled, identical
select tap.given_job(2, '{"cash": 1001}');
select is((tap.refusal(format('insert into jobs (strategy, config) select strategy, config from jobs where id = %s', pg_temp.job())))[2:4],
  array[format('Job %s is identical and not over yet', pg_temp.job()), '$',
    format('Watch it: select * from job_progress where job_id = %1$s; or end it: select cancel_job(%1$s).', pg_temp.job())], 'a twin is refused');
select is(pg_temp.followed(format('select cancel_job(%s).', pg_temp.job())), 'cancelled', 'with a statement that ends it');
select is(pg_temp.advice(), format('To run it after all: insert into jobs (kind, strategy, config, config_file) select kind, strategy, config, config_file from jobs where id = %s',
  pg_temp.job()), 'what is cancelled may be inserted again');
select is(pg_temp.followed(pg_temp.advice()), 'waiting', 'and then waits');
select pause_job(pg_temp.job());
select is(pg_temp.advice(), format('To go on: select resume_job(%s)', pg_temp.job()), 'what is paused may go on');
select is(pg_temp.followed(pg_temp.advice()), 'waiting', 'and does');
select is(pg_temp.advice(), null, 'of what waits there is nothing to say');

-- Points that failed
select tap.drain((select id from r), null, 'KeyError: fast');
select is(pg_temp.advice(), format('Once that is mended: select retry_job(%s)', pg_temp.job()), 'points that failed may be tried again');
select is(pg_temp.followed(pg_temp.advice()), 'running', 'and are');
select is((tap.refusal(format('select retry_job(%s)', pg_temp.job())))[2:4], array[format('Job %s has no failed point', pg_temp.job()), '$.job_id',
  'It is running: there is nothing to try again.'], 'once');
select tap.drain((select id from r));
select is((select state from jobs where id = pg_temp.job()), 'done', 'so that the job is done');
select is(pg_temp.advice(), null, 'and needs nothing');

-- Fees: of a strategy of which nothing is known, pilot points; of which much is known, a refusal.
update settings set value = '5' where name = 'pilot_points';
create function pg_temp.dear(p_force boolean default false) returns text[] language sql as $$
  select tap.refusal(format($q$insert into jobs (strategy, config, force) values ('rsi_mean_reversion', '{"symbols": "AAPL", "commission": %s,
    "optimization": {"parameters": {"rsi_period": {"start": 2, "end": 41, "step": 1}}}}', %L)$q$, '{"percent": 0.01, "minimum": 1}', p_force))$$;
select is(pg_temp.dear(), '{accepted}', 'of a strategy without results nothing is known');
select is((select row(state, summary)::text from job_progress where job_id = pg_temp.job()),
  '(held,"held: nothing is known of its fees; 5 pilot points tell them first")', 'its job is held, and says why');
select matches(pg_temp.advice(), '^Nothing to do: it waits for 5 pilot points, which tell its fees; without them: select cancel_job', 'and what for');
select is(pg_temp.followed(pg_temp.advice()), 'waiting', 'who cannot wait may force it');
select is((select force from jobs where id = pg_temp.job()), true, 'past the fee guard');
select cancel_job(pg_temp.job());
select is(pg_temp.dear(), '{accepted}', 'it is inserted once more');
select tap.drain((select id from r), tap.metrics('{"total_fees": 90000, "traded_value": 9000000, "total_orders": 400, "total_trades": 200}'));
select is((select row(state, error)::text from job_progress where job_id = pg_temp.job()) ~ 'failed,"Fees would take', true, 'pilot points that are too dear stop it');
select is(desk.can_retry(pg_temp.job()), false, 'trying again would change nothing');
select is((tap.refusal(format('select retry_job(%s)', pg_temp.job())))[4] like 'Trade less often, on longer bars, or with more capital, of which a least fee is a smaller share. As it is, past the fee guard: insert into jobs%', true,
  'so it is refused with what would');
select is(pg_temp.followed(pg_temp.advice()), 'waiting', 'which works');
select cancel_job(pg_temp.job());
select is((pg_temp.dear())[4], 'Trade less often, on longer bars, or with more capital, of which a least fee is a smaller share; or insert the job with force true.',
  'of a strategy with results an insert is refused at once');
select is(pg_temp.dear(true), '{accepted}', 'and forced');
select cancel_job(pg_temp.job());
select is(desk.fee_advice('{"percent": 0.001, "minimum": 0}') like '%more capital would change nothing', true, 'a proportional fee is no smaller with more capital');

-- Pilot points that fail
select is(tap.refused_job('{"symbols": "AAPL", "timeframe": "1d", "cash": 777, "optimization": {"parameters": {"fast": {"start": 1, "end": 40, "step": 1}}}}'), '{accepted}', 'another');
select is(exists (select from desk.stranded_tasks() as t where t.kind = 'points'), false, 'a runner with the code is there');
update runners set stopped_at = now();
select is((select array_agg(t.job_id = pg_temp.job()) from desk.stranded_tasks() as t where t.kind = 'points'), '{t}', 'without one the job is stranded');
select is((select t.remedy ~ 'no live runner has the current code of sma_crossover' from desk.stranded_tasks() as t where t.kind = 'points'), true, 'and why is said');
select is(pg_temp.followed(format('select cancel_job(%s)', pg_temp.job())), 'cancelled', 'it can be ended');
select is((select count(*) from desk.stranded_tasks()), 0::bigint, 'and is none then');

-- Hints of refusals
create function pg_temp.hint(p_statement text) returns text language sql as $$select (tap.refusal(p_statement))[4]$$;
create function pg_temp.done(p_text text) returns boolean language plpgsql as $$
begin
  set local role desk_director;
  execute pg_temp.statement(p_text);
  reset role;
  return true;
end $$;
update strategies set status = 'retired' where name = 'rsi_mean_reversion';
select is(pg_temp.hint($$select validate_config('rsi_mean_reversion', '{"symbols": "AAPL"}')$$),
  'Bring it back first: select move_strategy(''rsi_mean_reversion'', ''backlog'', ''why'').', 'a retired strategy');
select ok(pg_temp.done(pg_temp.hint($$select validate_config('rsi_mean_reversion', '{"symbols": "AAPL"}')$$)), 'is brought back');
select lives_ok($$select validate_config('rsi_mean_reversion', '{"symbols": "AAPL"}')$$, 'and runs');
select ok(pg_temp.done(pg_temp.hint($$select * from load_bars('NEW1', '1d', 'made', '{2010-01-04}', '{1}', '{1}', '{1}', '{1}', '{1}')$$)), 'an unknown symbol is made');
select lives_ok($$select * from load_bars('NEW1', '1d', 'made', '{2010-01-04}', '{1}', '{1}', '{1}', '{1}', '{1}')$$, 'and loaded');
select open_account('PAPER9');
select ok(pg_temp.done(pg_temp.hint($$select desk.check_account_limits(desk.account_named('PAPER9'))$$)), 'an account gets its limits');
select lives_ok($$select desk.check_account_limits(desk.account_named('PAPER9'))$$, 'and is no longer without');
select ok(pg_temp.done(pg_temp.hint($$select emergency_stop('')$$)), 'a stop with a reason stops');
select ok(pg_temp.done(pg_temp.hint($$select resume_trading('')$$)), 'and a reason lets trading resume');
select * from finish();
