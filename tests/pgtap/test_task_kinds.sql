-- What a runner can do and what SQL accepts are one list: rows of task_kinds and price_sources.
select plan(13);
select tap.given_desk();

select is(tap.refusal($$insert into jobs (kind, config) values ('load_prices', '{"source": "yahoo"}')$$),
  array['22023', 'No symbol is named', '$.symbols', 'yahoo has no list of all; write a list of symbols, such as ["SPY"].'],
  'yahoo cannot load everything');
select is((tap.refusal($$insert into jobs (kind, config) values ('suggest', '{}')$$))[2:3],
  '{"Unknown kind \"suggest\"",$.kind}', 'a job asks for no suggestions');
select lives_ok($$insert into jobs (kind, config) values ('load_prices', '{"source": "yahoo", "symbols": ["SPY"]}')$$,
  'yahoo with a symbol is accepted');
select is((select w.needs from work_items as w join jobs as j on j.id = w.job_id where j.kind = 'load_prices'), 'yahoo',
  'and needs a runner that has yahoo');

create temporary table loaders as
select tap.given_runner(p_engines => '{backtrader,prices}') as plain;
select is_empty($$select l.work_item_id from loaders, claim_task(plain) as l$$, 'a runner without it is not given the load');
select is(open_work(plain), 0::bigint, 'nor waits for it') from loaders;
select results_eq($$select kind, remedy from stranded_tasks()$$,
  $$values ('load_prices', 'Where a runner runs: pip install ''backdesk[yahoo]''')$$, 'and the desk says what it takes');
select is((select l.kind from claim_task(tap.given_runner(p_engines => '{yahoo}')) as l), 'load_prices',
  'a runner that has it is given it');
select lives_ok($$insert into jobs (kind, config) values ('load_prices', '{"source": "sample"}')$$, 'the sample is accepted');
select is((select l.kind from loaders, claim_task(plain) as l), 'load_prices', 'and any loader loads it');

select is((tap.refusal($$insert into desk.work_items (kind, job_id, payload) select 'sweep', max(id), '{}' from desk.jobs$$))[1:2],
  '{23503,"Unknown kind of task \"sweep\""}', 'no work is of a kind that has no row');
select throws_ok($$insert into desk.recurring_jobs (name, every, kind) values ('x', '1 day', 'sweep')$$, '22023',
  null, 'nor comes again');
select is_empty(
  $$select conname from pg_constraint where connamespace = 'desk'::regnamespace and not convalidated$$,
  'every reference to the rows is validated');
select * from finish();
