-- Strategies: published by runners, moved along allowed edges only, each move an event.

select plan(23);
set local role desk_runner;
select is(publish_strategies(tap.strategies()), 2, 'publishing answers how many strategies there are');
select is(publish_strategies(tap.strategies()), 2, 'and may be repeated');
reset role;
select is(
  tap.rows('select name, code, engine, entry_point, status from strategies order by name'),
  '[["rsi_mean_reversion", "STR-001", "backtrader", "rsi_mean_reversion", "backlog"],
    ["sma_crossover", "STR-003", "backtrader", "sma_crossover", "backlog"]]', 'a new strategy is in the backlog');
select is(
  tap.rows($$select p.name, p.type, p.default_value, p.minimum, p.maximum from strategy_parameters as p join strategies as s on s.id = p.strategy_id
    where s.name = 'sma_crossover' order by p.position$$),
  '[["fast", "integer", 10, 1, 2000], ["slow", "integer", 30, 2, 2000], ["stop", "number", 0.1, 0, 1],
    ["trailing", "boolean", false, null, null], ["side", "text", "long", null, null]]', 'its parameters are known in order');
select is((select count(*) from strategy_events), 2::bigint, 'publishing again is no event');
select publish_strategies(tap.strategies('b'));
select is((select count(*) from code_versions), 4::bigint, 'other code is another version');
select publish_strategies(tap.strategies() #- '{1,parameters,4}');
select is((select count(*) from strategy_parameters), 7::bigint, 'a parameter that is gone is forgotten');

-- A file that a host cannot load keeps nobody from the rest, and is named.
set local role desk_runner;
select is(publish_strategies(tap.strategies() || '[{"file": "/own/odd_one.py", "fault": "/own/odd_one.py, line 2, cannot be loaded: 1 % of it"},
  {"file": "/own/two.py", "fault": "defines 2"}]', 'one', false), 2, 'what loads is published');
select is(publish_strategies(tap.strategies() || '[{"file": "/own/two.py", "fault": "defines 3"}]', 'two', false), 2, 'another host has other files');
set local role desk_viewer;
select is(tap.rows('select host, file, fault from broken_files order by host, file'),
  '[["one", "/own/odd_one.py", "/own/odd_one.py, line 2, cannot be loaded: 1 % of it"], ["one", "/own/two.py", "defines 2"],
    ["two", "/own/two.py", "defines 3"]]', 'the others are named with their fault');
set local role desk_director;
select is(tap.refusal($$insert into desk.jobs (strategy, config) values ('odd_one', '{"symbols": "AAPL"}')$$),
  array['23503', 'Unknown strategy "odd_one"', '$.strategy', 'On one /own/odd_one.py, line 2, cannot be loaded: 1 % of it'],
  'a job of it is refused with the fault');
set local role desk_runner;
select publish_strategies(tap.strategies() || '[{"file": "/own/two.py", "fault": "defines 2"}]', 'one', false);
set local role desk_viewer;
select is(tap.rows('select host, file from broken_files order by host'), '[["one", "/own/two.py"], ["two", "/own/two.py"]]',
  'one that was mended is gone from the list');

set local role desk_director;
select is(move_strategy('STR-003', 'retired', 'fees'), 'sma_crossover: backlog -> retired', 'the director retires a strategy by its code');
select is(
  tap.rows($$select e.from_status, e.to_status, e.reason, s.reason from strategy_events as e join strategies as s on s.id = e.strategy_id
    where s.name = 'sma_crossover' order by e.id$$),
  '[[null, "backlog", "made", "fees"], ["backlog", "retired", "fees", "fees"]]', 'the move is an event with its reason');
select is(tap.refusal(t.statement), array[t.code, t.message, t.path, t.hint], t.promise)
from (values
  ('an edge that is not allowed is refused, those that are are named', $$select move_strategy('sma_crossover', 'live', 'sure')$$,
   '22023', 'Strategy sma_crossover cannot move from retired to live', '$.status', 'From retired it can move to: backlog.'),
  ('so is a status that there is not', $$select move_strategy('rsi_mean_reversion', 'famous', 'sure')$$,
   '22023', 'Unknown status famous', '$.status', 'Known: backlog, live, paper, passed, rejected, retired, testing, validated.'),
  ('and one that it has', $$select move_strategy('sma_crossover', 'retired', 'again')$$,
   '22023', 'Strategy sma_crossover is retired already', '$.status', 'Nothing to do.'),
  ('a move needs a reason', $$select move_strategy('sma_crossover', 'backlog', ' ')$$,
   '22023', 'A move needs a reason', '$.reason', 'Say in a sentence why the strategy moves.'),
  ('an unknown strategy is refused', $$select move_strategy('sma_crossing', 'backlog', 'why')$$,
   '23503', 'Unknown strategy sma_crossing', '$.strategy', 'Did you mean sma_crossover?'),
  ('a retired strategy takes no job', $$insert into desk.jobs (strategy, config) values ('sma_crossover', '{"symbols": "AAPL"}')$$,
   '22023', 'Strategy sma_crossover is retired', '$.strategy', 'Bring it back first: select move_strategy(''sma_crossover'', ''backlog'', ''why'').')
) as t (promise, statement, code, message, path, hint);
select is((tap.refusal($$update desk.strategies set status = 'live'$$))[1], '42501', 'no status is written by hand');
select is((tap.refusal($$insert into desk.strategy_events (strategy_id, to_status) values (1, 'live')$$))[1], '42501', 'nor an event');
select lives_ok($$update desk.strategies set notes = 'look again', priority = 5, tags = '{slow}' where name = 'sma_crossover'$$, 'notes, priority and tags are the director''s');

select * from finish();
