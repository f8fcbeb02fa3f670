-- The director's insert: what cannot run is refused with one sentence, the JSON path and the remedy.

select plan(65);
select tap.given_desk();
set local role desk_director;

select is(tap.refused_job(t.config), array[t.code, t.message, t.path, t.hint], t.promise)
from (values
  ('a misspelt key is refused', '{"symbls": ["AAPL"]}',
   '22023', 'Unknown key "symbls"', '$.symbls', 'Did you mean symbols?'),
  ('a misspelt key in a nested object is refused', '{"symbols": "AAPL", "commission": {"percnt": 0.1}}',
   '22023', 'Unknown key "percnt"', '$.commission.percnt', 'Did you mean percent?'),
  ('a missing key is named with an example', '{}',
   '22023', 'Key symbols is missing', '$', 'Symbols, traded together as one portfolio. Such as: symbols: [AAPL, IBM]'),
  ('a key without a value is refused', '{"symbols": "AAPL", "cash": null}',
   '22023', 'A key without a value', '$.cash', 'Give it a value, such as 100000, or remove the key.'),
  ('a quoted number is refused', '{"symbols": "AAPL", "cash": "100000"}',
   '22023', 'Got "100000" where a number is needed', '$.cash', 'Write the number without quotes and units; 30% is 0.30.'),
  ('a number out of range is refused', '{"symbols": "AAPL", "cash": 0}',
   '22023', '0 is out of range', '$.cash', 'It must lie between 1 and 1000000000000.'),
  ('a broken seed is refused', '{"symbols": "AAPL", "seed": 1.5}',
   '22023', 'Got 1.5 where a whole number is needed', '$.seed', 'Such as 42.'),
  ('a text for true or false is refused', '{"symbols": "AAPL", "stock": "yes"}',
   '22023', 'Got "yes" where true or false is needed', '$.stock', 'Write true or false.'),
  ('a commission in per cents is refused', '{"symbols": "AAPL", "commission": 5}',
   '22023', '5 is out of range', '$.commission', 'It must lie between 0 and 0.5. Write fractions: 0.02 for 2%.'),
  ('so is slippage', '{"symbols": "AAPL", "slippage": 5}',
   '22023', '5 is out of range', '$.slippage', 'It must lie between 0 and 0.5. Write fractions: 0.02 for 2%.'),
  ('and a margin', '{"symbols": "AAPL", "margin": {"initial": 50, "maintenance": 30}}',
   '22023', '50 is out of range', '$.margin.initial', 'It must lie between 0.01 and 10. Write fractions: 0.02 for 2%.'),
  ('half a margin is refused', '{"symbols": "AAPL", "margin": {"initial": 0.5}}',
   '22023', 'Key maintenance is missing', '$.margin',
   'Least value at the close of a bar; below it all shorts are bought back at the next open. Such as: maintenance: 0.3'),
  ('a margin that would close what may be opened is refused', '{"symbols": "AAPL", "margin": {"initial": 0.3, "maintenance": 0.5}}',
   '22023', 'A maintenance margin of 0.5 is above the initial one of 0.3', '$.margin.maintenance',
   'A position that may be opened would be closed at once; such as initial: 0.5, maintenance: 0.3.'),
  ('half a cash flow is refused', '{"symbols": "AAPL", "cash_flows": {"amount": 1000}}',
   '22023', 'Key every is missing', '$.cash_flows', 'Say how much and how often, such as: cash_flows: {amount: 1000, every: month}.'),
  ('so is none', '{"symbols": "AAPL", "cash_flows": {"by_strategy": false}}',
   '22023', 'Nothing flows', '$.cash_flows',
   'Write amount and every, or by_strategy: true where the strategy calls broker.add_cash, or remove the key.'),
  ('an unknown policy is refused', '{"symbols": "AAPL", "keep_series": "none"}',
   '22023', 'Unknown value "none"', '$.keep_series', 'Known: all, best, passed.'),
  ('a list where keys belong is refused', '{"symbols": "AAPL", "optimization": []}',
   '22023', 'Got [] where keys with values are needed', '$.optimization', 'See configs/optimizations/template.yaml.'),
  ('a config that is no object is refused', '[1]',
   '22023', 'Got [1] where a config is needed', '$', 'A config is an object; see configs/optimizations/template.yaml.'),
  ('two names of a strategy are refused', '{"symbols": "AAPL", "strategy": "rsi_mean_reversion"}',
   '22023', 'The job says strategy sma_crossover and its config says rsi_mean_reversion', '$.strategy', 'Name it once.'),

  ('an unknown symbol is refused', '{"symbols": ["IBM", "APL"]}',
   '23503', 'Unknown symbol "APL"', '$.symbols[1]', 'Did you mean AAPL? Prices come with: backdesk load.'),
  ('an empty list of symbols is refused', '{"symbols": []}',
   '22023', 'No symbol is named', '$.symbols', 'Write a list of symbols, such as [AAPL, IBM].'),
  ('a number for symbols is refused', '{"symbols": 5}',
   '22023', 'Got 5 as symbols', '$.symbols',
   'Write a list of symbols, such as [AAPL, IBM], with quotes around numbers and words such as TRUE.'),
  ('a symbol named twice is refused, whatever its case', '{"symbols": ["AAPL", "aapl"]}',
   '22023', 'Symbol AAPL is named twice', '$.symbols[1]', 'Name each symbol once.'),
  ('a timeframe without prices is refused', '{"symbols": "AAPL", "timeframe": "1h"}',
   '23503', 'AAPL has no prices of timeframe 1h', '$.symbols[0]', 'It has: 1d.'),
  ('a timeframe in words is refused', '{"symbols": "AAPL", "timeframe": "daily"}',
   '22023', 'Got "daily" as timeframe', '$.timeframe', 'Write a number and m, h, d, w or mo: 1d.'),
  ('a day that the calendar has not is refused', '{"symbols": "AAPL", "start_date": "2010-02-30"}',
   '22023', '"2010-02-30" is not a day of the calendar', '$.start_date', 'Write YYYY-MM-DD, such as 2004-01-01.'),
  ('another way to write a date is refused', '{"symbols": "AAPL", "start_date": "1.2.2010"}',
   '22023', 'Got "1.2.2010" where a date is needed', '$.start_date', 'Write YYYY-MM-DD, such as 2004-01-01.'),
  ('an end before the start is refused', '{"symbols": "AAPL", "start_date": "2011-01-03", "end_date": "2010-01-04"}',
   '22023', 'The window ends on 2010-01-04, before it starts on 2011-01-03', '$.end_date', 'Use an end_date after 2011-01-03.'),
  ('prices missing at the start are refused', '{"symbols": "AAPL", "start_date": "1999-01-04"}',
   '23503', 'AAPL has no prices on 1999-01-04', '$.start_date', 'All symbols have prices from 2010-01-04 to 2011-12-30.'),
  ('prices missing at the end are refused', '{"symbols": "AAPL", "end_date": "2014-01-04"}',
   '23503', 'AAPL has no prices on 2014-01-04', '$.end_date', 'All symbols have prices from 2010-01-04 to 2011-12-30.'),
  ('the symbol whose prices begin too late is named', '{"symbols": ["AAPL", "GOOG"], "start_date": "2010-06-01"}',
   '23503', 'GOOG has no prices on 2010-06-01', '$.start_date', 'All symbols have prices from 2011-01-03 to 2011-12-30.'),
  ('for each symbol, each needs prices', '{"symbols": ["AAPL", "GOOG"], "for_each": "symbols", "start_date": "2010-06-01"}',
   '23503', 'GOOG has no prices on 2010-06-01', '$.start_date', 'All symbols have prices from 2011-01-03 to 2011-12-30.'),
  ('a window without a bar is refused', '{"symbols": "AAPL", "start_date": "2010-01-09", "end_date": "2010-01-10"}',
   '23503', 'AAPL has no prices from 2010-01-09 to 2010-01-10', '$.start_date',
   'All symbols have prices from 2010-01-04 to 2011-12-30; widen the window.'),

  ('an unknown search is refused', '{"symbols": "AAPL", "optimization": {"type": "Gird Search"}}',
   '22023', 'Unknown value "Gird Search"', '$.optimization.type', 'Did you mean Grid Search?'),
  ('an unknown target is refused', '{"symbols": "AAPL", "optimization": {"target_metric": "Sharp Ratio"}}',
   '23503', 'Unknown metric "Sharp Ratio"', '$.optimization.target_metric', 'Did you mean Sharpe Ratio?'),
  ('an unknown direction is refused', '{"symbols": "AAPL", "optimization": {"target_direction": "up"}}',
   '22023', 'Unknown value "up"', '$.optimization.target_direction', 'Known: max, min.'),
  ('an unknown criterion is refused', '{"symbols": "AAPL", "success_criteria": {"min_trads": 5}}',
   '22023', 'Unknown criterion "min_trads"', '$.success_criteria.min_trads', 'Did you mean min_trades?'),
  ('a criterion in per cents is refused', '{"symbols": "AAPL", "success_criteria": {"max_fee_pct": 30}}',
   '22023', 'max_fee_pct of 30 would be 3000%', '$.success_criteria.max_fee_pct', 'Write fractions: 0.30 for 30%.'),
  ('a quoted criterion is refused', '{"symbols": "AAPL", "success_criteria": {"min_trades": "100"}}',
   '22023', 'Got "100" where a number is needed', '$.success_criteria.min_trades',
   'Write the number without quotes and units; 30% is 0.30.')
) as t (promise, config, code, message, path, hint);

-- Parameters and constraints stand in the search of an otherwise good config.
select is(
  tap.refused_job(format('{"symbols": "AAPL", "optimization": %s}', t.search)),
  array['22023', t.message, '$.optimization.' || t.path, t.hint], t.promise)
from (values
  ('a parameter that the strategy has not is refused', '{"parameters": {"fst": 5}}',
   'Strategy sma_crossover has no parameter "fst"', 'parameters.fst', 'Did you mean fast?'),
  ('a reversed range is refused', '{"parameters": {"fast": {"start": 20, "end": 10, "step": 1}}}',
   'The range of fast is reversed: 20 to 10', 'parameters.fast.end', 'Write start: 10, end: 20.'),
  ('an empty list is refused', '{"parameters": {"fast": []}}',
   'The list of values for fast is empty', 'parameters.fast', 'Name at least one value.'),
  ('step 0 is refused', '{"parameters": {"fast": {"start": 10, "end": 20, "step": 0}}}',
   'A step of 0 never reaches the end', 'parameters.fast.step', 'The step must be greater than 0.'),
  ('a range without step is refused', '{"parameters": {"fast": {"start": 10, "end": 20}}}',
   'Key step is missing', 'parameters.fast', 'A Grid Search needs a step between values, such as: step: 2'),
  ('a misspelt step is refused', '{"parameters": {"fast": {"start": 10, "end": 20, "stepp": 1}}}',
   'Unknown key "stepp"', 'parameters.fast.stepp', 'Did you mean step?'),
  ('a broken step of whole numbers is refused', '{"parameters": {"fast": {"start": 10, "end": 20, "step": 0.5}}}',
   'A step of 0.5 gives fractions, and fast takes whole numbers', 'parameters.fast.step', 'Use a whole step.'),
  ('a range that begins below the bound is refused', '{"parameters": {"fast": {"start": 0, "end": 20, "step": 1}}}',
   '0 is out of bounds for fast', 'parameters.fast.start', 'It takes 1 to 2000.'),
  ('a range that ends above the bound is refused', '{"parameters": {"fast": {"start": 1, "end": 5000, "step": 1}}}',
   '5000 is out of bounds for fast', 'parameters.fast.end', 'It takes 1 to 2000.'),
  ('a value listed twice is refused, whatever its spelling', '{"parameters": {"fast": [1, 2, 1.0]}}',
   'A value for fast is listed twice', 'parameters.fast', 'Name each value once.'),
  ('a fraction among whole numbers is refused', '{"parameters": {"fast": [1, 2.5]}}',
   'Got 2.5 for fast, which takes whole numbers', 'parameters.fast[1]',
   'Use a whole number; of a range both start and step must be whole.'),
  ('a range of true and false is refused', '{"parameters": {"trailing": {"start": 0, "end": 1, "step": 1}}}',
   'trailing takes boolean values, not a range', 'parameters.trailing', 'Write a list of values.'),
  ('a number for a text is refused', '{"parameters": {"side": [1]}}',
   'Got 1 for side, which takes texts', 'parameters.side[0]', 'Write a text or a list of texts.'),
  ('more points than the desk takes are refused',
   '{"parameters": {"fast": {"start": 1, "end": 2000, "step": 1}, "slow": {"start": 2, "end": 2000, "step": 1}, "stop": {"start": 0, "end": 1, "step": 0.01}}}',
   'The search has 403798000 combinations', 'parameters', 'At most 100000000 are accepted; use larger steps.'),

  ('a constraint on an unknown name is refused', '{"constraints": ["fast < 20", "fast < slw"]}',
   'slw in the constraint "fast < slw" is neither a parameter nor a metric', 'constraints[1]', 'Did you mean slow?'),
  ('a constraint is never executed', '{"constraints": ["fast; drop table jobs"]}',
   'Cannot read ";" in the constraint "fast; drop table jobs"', 'constraints[0]',
   'A constraint has names, numbers, texts in quotes, true, false, + - * /, < <= > >= = !=, not, and, or, and parentheses: fast < slow.'),
  ('constraints that leave nothing are refused', '{"constraints": ["fast > slow"], "parameters": {"fast": [1, 2], "slow": [3, 4]}}',
   'The constraints leave no combination of fast, slow', 'constraints', 'Widen the ranges, or turn a comparison round.'),
  ('a constraint that the defaults do not meet is refused, if nothing it names is searched',
   '{"constraints": ["slow > 40"], "parameters": {"fast": [1, 2]}}',
   'The constraints leave no combination', 'constraints', 'Search slow, or turn a comparison round.'),
  ('the same of a single backtest', '{"constraints": ["slow > 40"]}',
   'The constraints leave no combination', 'constraints', 'Search slow, or turn a comparison round.'),
  ('a constraint that links too many points is refused',
   '{"constraints": ["fast < slow"], "parameters": {"fast": {"start": 1, "end": 2000, "step": 1}, "slow": {"start": 2, "end": 2000, "step": 1}}}',
   '3998000 combinations of fast, slow would have to be listed', 'constraints',
   'At most 1000000 can be linked by constraints or refined; use larger steps.')
) as t (promise, search, message, path, hint);

select is(
  tap.refused_job('{"symbols": "AAPL"}', 'sma_crossver'),
  array['23503', 'Unknown strategy "sma_crossver"', '$.strategy', 'Did you mean sma_crossover?'],
  'an unknown strategy is refused');
select is(
  tap.refused_job('{"symbols": "AAPL"}', null),
  array['22023', 'Key strategy is missing', '$', 'Name or code of the strategy. Such as: strategy: rsi_mean_reversion'],
  'a job without a strategy is refused');

insert into desk.jobs (strategy, config) values ('sma_crossover', '{"symbols": "AAPL", "optimization": {"parameters": {"fast": [5]}}}');
select is(
  tap.refused_job(t.config, t.strategy),
  array['23505', format('Job %s is identical and not over yet', j.id), '$',
    format('Watch it: select * from job_progress where job_id = %s; or end it: select cancel_job(%s).', j.id, j.id)],
  t.promise)
from (select max(id) as id from desk.jobs) as j, (values
  ('an identical open job is refused and named', 'sma_crossover', '{"symbols": "AAPL", "optimization": {"parameters": {"fast": [5]}}}'),
  ('other spellings, names and defaults make no other job', 'STR-003',
   '{"name": "again", "symbols": ["aapl"], "cash": 100000.0, "optimization": {"type": "Grid Search", "target_metric": "sharpe", "parameters": {"fast": [5.0]}}}')
) as t (promise, strategy, config);
select is(cancel_job(max(id)), format('job %s cancelled after 0 of 1: 0 runs complete, 0 passed, best Sharpe: n/a', max(id)), 'the open job is cancelled')
from desk.jobs;
select is(
  tap.refused_job('{"symbols": "AAPL", "optimization": {"parameters": {"fast": [5]}}}'), array['accepted'],
  'once a job is over, its like is accepted');

select * from finish();
