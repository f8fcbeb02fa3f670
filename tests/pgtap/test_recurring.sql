-- Jobs that come again: refused like any other when they are made, queued once by the database's clock.

select plan(24);
select tap.given_desk();

create function pg_temp.config(p_more jsonb default '{}') returns jsonb language sql as $$
  select '{"symbols": "AAPL", "optimization": {"parameters": {"fast": {"start": 2, "end": 5, "step": 1}}}}'::jsonb || p_more
$$;

set local role desk_director;
select is(tap.refusal($$select every('1 day', 'load_prices', p_config => '{"source": "moon"}')$$),
  array['22023', 'Got moon as the source of prices', '$.source', 'A runner can load from sample or yahoo.'],
  'what would be refused as a job is refused now');
select is((tap.refusal($$select every('1 second', 'dbt_refresh')$$))[2], 'Got 00:00:01 as the interval', 'not every second');
select is((tap.refusal($$select every('1 day', 'dbt_refresh', p_name => 'Robert''); drop table jobs; --')$$))[3], '$.name', 'a name is a name');
select lives_ok($$select every('1 day', 'load_prices', p_config => '{"source": "sample"}', p_name => 'prices', p_starts_at => now() - interval '1 hour')$$,
  'the director makes one');
select lives_ok($$select every('7 days', p_strategy => 'sma_crossover', p_config => pg_temp.config(), p_priority => 5)$$, 'and another, of a search');
select is((tap.refusal($$select every('1 day', 'load_prices', p_config => '{"source": "sample"}', p_name => 'prices')$$))[1], '23505', 'a name comes once');
select is((select count(*)::int from jobs), 0, 'nothing is queued yet');
select throws_ok('select do_chores()', '42501', null, 'the director queues nothing by hand');
select throws_ok($$update recurring_jobs set created_by = 'desk_owner'$$, '42501', null, 'nor for somebody else');

set local role desk_runner;
select is(do_chores(), 3, 'any runner does what is due');
select is(do_chores(), 0, 'and the next one finds nothing to do');
reset role;
select results_eq('select kind, strategy, priority, created_by from jobs order by id',
  $$values ('load_prices', null, 0, 'desk_director'), ('optimization', 'sma_crossover', 5, 'desk_director')$$, 'both are queued');
select is((select total_combinations from optimization_runs), 4::bigint, 'as what they ask for');
select is((select next_at from recurring_jobs where name = 'prices'), now() + interval '23 hours', 'the next time is a whole interval from the start');

update recurring_jobs set starts_at = now() - interval '10 days';
update recurring_jobs set next_at = now();
select is(queue_recurring(), 0, 'what is still open is not queued again');
select matches((select last_note from recurring_jobs where name = 'prices'), '^skipped: Job \d+ is identical and not over yet$', 'and that is noted');
select is((select count(*)::int from job_events where event = 'skipped' and details ->> 'recurring_job' = 'prices'), 1, 'with an event');

select cancel_job(id) from jobs;
update recurring_jobs set next_at = starts_at;
select is(queue_recurring(), 2, 'ten missed days are one job');
select ok((select bool_and(next_at > now() and last_note is null) from recurring_jobs), 'and the next lies ahead');

select pause_recurring('prices');
select cancel_job(id) from jobs where state = 'waiting';
update recurring_jobs set next_at = now();
select is(queue_recurring(), 1, 'a paused one is left out');
select is((tap.refusal($$select pause_recurring('price')$$))[4], 'Did you mean prices?', 'a wrong name is helped');
select matches(resume_recurring('prices'), '^prices is queued next at ', 'it goes on');
select ok((select next_at > now() from recurring_jobs where name = 'prices'), 'without making up for the pause');

update desk.settings set value = '"America/New_York"' where name = 'time_zone';
select results_eq(
  $$select desk.next_occurrence(s, e, a) from (values
    ('2026-03-06 02:30-05'::timestamptz, interval '1 day', '2026-03-09 00:00-04'::timestamptz),
    ('2026-01-31 12:00-05', '1 month', '2026-03-01 00:00-05'),
    ('2020-01-15 00:00-05', '1 month', '2046-07-20 00:00-04'),
    ('2030-01-01 00:00-05', '1 day', '2026-01-01 00:00-05')) as t (s, e, a)$$,
  $$values ('2026-03-09 02:30-04'::timestamptz), ('2026-03-31 12:00-04'), ('2046-08-15 00:00-04'), ('2030-01-01 00:00-05')$$,
  'by the clocks of the desk''s time zone');

select * from finish();
