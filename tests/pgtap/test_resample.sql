-- Longer bars beside a config's own, and parameters that have no type.
select plan(18);
select desk.publish_strategies(jsonb_build_array(tap.strategies() -> 0, (tap.strategies() -> 1) || jsonb_build_object('code_details',
  '{"resample": ["1w"], "untyped": {"mode": "None"}}'::jsonb)));
do $$ begin perform desk.load_instrument('AAPL'); perform desk.load_bars('AAPL', '1d', 'made', d.days, p.p, p.p, p.p, p.p, p.p)
  from (select array_agg(g order by g) as days from generate_series('2010-01-04 00:00Z'::timestamptz, '2010-12-31', '1 day') as g where extract(isodow from g) < 6) as d
  cross join lateral (select array_fill(10::float8, array[cardinality(d.days)]) as p) as p; end $$;

select is(validate_config('rsi_mean_reversion', '{"symbols": "AAPL", "resample": ["1w", "1mo"]}') -> 'resample', '["1w", "1mo"]', 'a config may name longer bars');
select is(validate_config('rsi_mean_reversion', '{"symbols": "AAPL"}') ? 'resample', false, 'which none has by itself');
select is(validate_config('sma_crossover', '{"symbols": "AAPL"}') -> 'resample', '["1w"]', 'but what its strategy asks for');
select is(validate_config('sma_crossover', '{"symbols": "AAPL", "resample": ["1mo"]}') -> 'resample', '["1mo"]', 'which the config may say otherwise');
select isnt(desk.settings_hash('{"resample": ["1w"]}', null, null, 0), desk.settings_hash('{}', null, null, 0), 'they decide results');
create temporary table asked as select tap.run_of(tap.given_job(1, '{"resample": ["1mo"]}')) as run;
select is((select desk.run_settings(run) -> 'resample' from asked), '["1mo"]', 'and are handed to the runner');

select is((tap.refusal(format('select desk.check_resample(%L, %L)', longer, base)))[2:3], array[said, path], format('%s of %s', longer, base))
from (values
  ('["1d"]', '1d', 'Bars of 1d cannot be made of bars of 1d', '$.resample[0]'),
  ('["1w", "1h"]', '1d', 'Bars of 1h cannot be made of bars of 1d', '$.resample[1]'),
  ('["2w"]', '1d', 'Bars of 1d have no fixed place in bars of 2w', '$.resample[0]'),
  ('["7m"]', '1m', 'Bars of 1m have no fixed place in bars of 7m', '$.resample[0]'),
  ('["5mo"]', '1d', 'Bars of 1d have no fixed place in bars of 5mo', '$.resample[0]'),
  ('["1w", "1w"]', '1d', '1w is named twice', '$.resample[0]'),
  ('["weekly"]', '1d', 'Got "weekly" as timeframe', '$.resample[0]')) as v (longer, base, said, path);
select lives_ok(format('select desk.check_resample(%L, %L)', longer, base), format('%s of %s is fine', longer, base))
from (values ('["15m", "1h", "1d", "1w", "1mo"]', '5m'), ('["3mo", "12mo"]', '1w'), ('["12mo"]', '1mo')) as v (longer, base);

select is((tap.refusal(format('select validate_config(''sma_crossover'', %L)', '{"symbols": "AAPL", "optimization": {"parameters": {"mode": [1, 2]}}}')))[2:4],
  array['Strategy sma_crossover has no parameter "mode"', '$.optimization.parameters.mode',
    'The class has it with a default of None, which has no type: give it a number, a text, true or false as default.'], 'a parameter without a type is told');
select is((tap.refusal(format('select validate_config(''sma_crossover'', %L)', '{"symbols": "AAPL", "optimization": {"parameters": {"fst": [1, 2]}}}')))[4],
  'Did you mean fast?', 'one that is misspelt as before');
select * from finish();
