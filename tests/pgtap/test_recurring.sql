-- Jobs that come again: refused like any other when they are made, queued once by the database's clock.

select plan(34);
select tap.given_desk();

create function pg_temp.config(p_more jsonb default '{}') returns jsonb language sql as $$
  select '{"symbols": "AAPL", "optimization": {"parameters": {"fast": {"start": 2, "end": 5, "step": 1}}}}'::jsonb || p_more
$$;

set local role desk_director;
select is(tap.refusal($$select every('1 day', 'load_prices', p_config => '{"source": "moon"}')$$),
  array['22023', 'Got moon as the source of prices', '$.source', 'A runner can load from sample or yahoo.'],
  'what would be refused as a job is refused now');
select is((tap.refusal($$select every('1 second', 'dbt_refresh')$$))[2], 'Got 00:00:01 as the interval', 'not every second');
select is(tap.refusal(format('select every(%L::interval, %L)', i, 'dbt_refresh')),
  array['22023', format('Got %s as the interval', coalesce(i::text, 'nothing')), '$.every', 'From a minute to ten years, such as ''1 day''.'],
  format('nor every %s', coalesce(i::text, 'null')))
from unnest(array['0', '-1 day', '1 month -29 days', '1 day -1 hour', '11 years', null]::interval[]) as i;
select is((tap.refusal(format('select every(%L, %L, p_starts_at => %L)', '1 day', 'dbt_refresh', s)))[3], '$.starts_at', format('nor from %s on', s))
from unnest(array['infinity', '-infinity']) as s;
select is((tap.refusal($$select every('1 day', 'dbt_refresh', p_name => 'Robert''); drop table jobs; --')$$))[3], '$.name', 'a name is a name');
select lives_ok($$select every('1 day', 'load_prices', p_config => '{"source": "sample"}', p_name => 'prices', p_starts_at => now() - interval '1 hour')$$,
  'the director makes one');
select lives_ok($$select every('7 days', p_strategy => 'sma_crossover', p_config => pg_temp.config(), p_priority => 5)$$, 'and another, of a search');
select is((tap.refusal($$select every('1 day', 'load_prices', p_config => '{"source": "sample"}', p_name => 'prices')$$))[1], '23505', 'a name comes once');
select is((select count(*)::int from jobs), 0, 'nothing is queued yet');
select throws_ok('select do_chores()', '42501', null, 'the director queues nothing by hand');
select throws_ok($$update recurring_jobs set created_by = 'desk_owner'$$, '42501', null, 'nor for somebody else');

set local role desk_runner;
select is(do_chores(), 4, 'any runner does what is due');
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
    ('2030-01-01 00:00-05', '1 day', '2026-01-01 00:00-05'),
    ('2025-11-30 02:00-05', '7 days', '2026-03-02 00:00-05'),
    ('2025-11-30 02:00-05', '7 days', '2026-03-08 12:00-04'),
    ('2024-02-29 09:00-05', '1 year', '2026-01-01 00:00-05'),
    ('1900-01-31 12:00-05', '1 day 12 hours', '2026-06-01 00:00-04')) as t (s, e, a)$$,
  $$values ('2026-03-09 02:30-04'::timestamptz), ('2026-03-31 12:00-04'), ('2046-08-15 00:00-04'), ('2030-01-01 00:00-05'),
    ('2026-03-08 03:00-04'), ('2026-03-15 02:00-04'), ('2026-02-28 09:00-05'), ('2026-06-02 12:00-04')$$,
  'by the clocks of the desk''s time zone, an hour that is left out being the next one');
select results_eq(
  $$select desk.next_occurrence(s, e, a) from (values
    ('2026-03-08 00:00-05'::timestamptz, interval '1 minute', '2026-03-08 05:00-04'::timestamptz),
    ('2026-03-08 00:00-05', '10 minutes', '2026-03-08 01:55-05'),
    ('2026-11-01 00:00-04', '10 minutes', '2026-11-01 01:55-04'),
    ('2026-11-01 00:00-04', '10 minutes', '2026-11-01 01:30-05'),
    ('2026-03-07 20:00-05', '6 hours', '2026-03-08 03:00-04'),
    ('0001-01-01 00:00+00', '90 minutes', '2026-01-01 00:00+00')) as t (s, e, a)$$,
  $$values ('2026-03-08 05:01-04'::timestamptz), ('2026-03-08 03:00-04'), ('2026-11-01 01:00-05'), ('2026-11-01 01:40-05'),
    ('2026-03-08 09:00-04'), ('2026-01-01 01:30+00')$$,
  'hours and minutes go on evenly over the night on which the clocks change');
select is((select count(*)::int from generate_series('2026-03-01 00:00-05'::timestamptz, '2026-03-15 00:00-04', interval '13 minutes') as a
  where desk.next_occurrence('2026-02-01 02:30-05', '1 day', a) not between a and a + interval '26 hours'), 0, 'a day is never missed');

select * from finish();
