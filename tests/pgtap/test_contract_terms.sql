-- What trading an instrument needs: said, refused, pinned by runs, in their hash and in fees.
select plan(22);
select tap.given_desk();

select load_instrument('ES=F', p_multiplier => 50, p_margin => 13200, p_tick => 0.25);
select is((select row(multiplier, margin, tick, lot, currency)::text from instruments where symbol = 'ES=F'),
  '(50,13200,0.25,,USD)', 'an instrument says what trading it needs');
select load_instrument('ES=F', p_lot => 1, p_tick => 0);
select is(desk.contract_terms('{AAPL,ES=F}'), '{"ES=F": {"lot": 1, "margin": 13200, "multiplier": 50}}',
  'what is not told stays, 0 takes a tick away, and shares have no terms');
select is(desk.contract_terms('{AAPL}'), null, 'nor has a portfolio of them');
select is((tap.refusal(format('select load_instrument(''ES=F'', %s)', call)))[2:4], said, call)
from (values
  ('p_multiplier => 0', array['Got 0 as multiplier of ES=F', '$.multiplier', 'Money that one unit gains when its price rises by 1, such as 50.']),
  ('p_tick => -1', array['Got -1 as tick of ES=F', '$.tick', 'A number above 0; 0 takes it away.']),
  ('p_margin => ''NaN''', array['Got NaN as margin of ES=F', '$.margin', 'A number above 0; 0 takes it away.']),
  ('p_margin => 0', array['ES=F has a multiplier of 50 and no margin', '$.margin', 'Give the margin a contract too; what is paid in full has a multiplier of 1.']),
  ('p_currency => ''dollars''', array['Got "dollars" as currency', '$.currency', 'A code such as USD, EUR or USDT.'])
) as v (call, said);

-- A run pins the terms, and they are in its hash.
select load_instrument('AAPL', p_multiplier => 10, p_margin => 40);
create temporary table futures as select tap.run_of(tap.given_job(1, '{"symbols": ["AAPL"], "commission": {"per_contract": 2}}')) as run;
select load_instrument('AAPL', p_multiplier => 20);
select is((select contract_terms from optimization_runs where id = (select run from futures)), '{"AAPL": {"margin": 40, "multiplier": 10}}',
  'a run keeps the terms of when it was made');
select is(desk.run_settings(run) -> 'contracts', '{"AAPL": {"margin": 40, "multiplier": 10}}', 'and hands them to its runner') from futures;
select is(desk.run_settings(run) -> 'commission', '{"percent": 0, "per_share": 0, "minimum": 0, "per_contract": 2}', 'with the fee of a contract') from futures;
select is(r.settings_hash, desk.settings_hash(r.config, r.start_date, r.end_date, 0, '{}', r.contract_terms), 'they are in its hash')
from optimization_runs as r where r.id = (select run from futures);
select isnt(desk.settings_hash('{}', null, null, 0, '{}', '{"AAPL": {"margin": 40}}'), desk.settings_hash('{}', null, null, 0), 'which others change');

select is(desk.fill_fee(fee::jsonb, -3, 100, terms::jsonb), due, format('%s of %s', fee, terms))
from (values
  ('{"percent": 0.001, "per_share": 0, "minimum": 0, "per_contract": 2.25}', '{"margin": 9, "multiplier": 50}', 6.75::float8),
  ('{"percent": 0.001, "per_share": 0, "minimum": 0}', '{"margin": 9, "multiplier": 50}', 15),
  ('{"percent": 0.001, "per_share": 0, "minimum": 0, "per_contract": 2.25}', '{"lot": 100}', 0.3),
  ('{"percent": 0.001, "per_share": 0.5, "minimum": 2}', null, 2)) as v (fee, terms, due);

-- Nobody's silence: what does not heed them refuses.
select is((tap.refusal($$select desk.check_contracts('backtrader', '{AAPL}', '{"margin": {}}')$$))[2:4],
  array['The margin of shorts is of what is paid in full, and AAPL has one of its own', '$.margin', 'Remove the key.'], 'the margin of shorts is another');
select is((tap.refusal($$select desk.check_contracts('lean', '{IBM,AAPL}', '{}')$$))[2:3],
  array['The engine lean knows no contracts, and AAPL has a margin', '$.symbols'], 'LEAN has terms of its own');
select load_instrument('IBM', p_currency => 'EUR');
select is((tap.refusal($$select validate_config('sma_crossover', '{"symbols": ["AAPL", "IBM"]}')$$))[2:4],
  array['AAPL is in USD, IBM is in EUR', '$.symbols', 'An account has one currency: name symbols of one, or write for_each: symbols.'], 'one account, one currency');
select lives_ok($$select validate_config('sma_crossover', '{"symbols": ["AAPL", "IBM"], "for_each": "symbols"}')$$, 'accounts of their own may differ');
select is((tap.refusal($$select validate_config('sma_crossover', '{"symbols": "AAPL", "commission": {"per_contract": -1}}')$$))[3], '$.commission.per_contract', 'a fee is none below 0');

select * from finish();
