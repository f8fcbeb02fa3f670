-- The backlog file into strategies, and figures of a backtest that is no row.

select plan(18);
select publish_strategies(tap.strategies());
create function pg_temp.item(p_more jsonb default '{}') returns jsonb language sql as $$
  select '{"name": "sma_crossover", "code": "STR-003", "title": "SMA crossover", "hypothesis": "Trends last.", "source": "Brock 1992",
    "asset_class": "equity", "timeframe": "1d", "symbols": ["IBM"], "parameters": {"fast": [10, 20], "slow": 50}, "priority": 7,
    "criteria": {"min_trades": 50}, "config": "sma.yaml"}'::jsonb || p_more
$$;
set local role desk_director;
select is(tap.rows($$select * from sync_backlog(jsonb_build_array(
    pg_temp.item('{"name": "rejected_one", "code": "STR-090", "entry_point": "rsi_mean_reversion", "parameters": {"rsi_period": 14},
      "history": "8 trades", "rejected": "too restrictive"}'), pg_temp.item('{"follows": "rejected_one"}')))$$),
  '[["rejected_one", "made"], ["sma_crossover", "changed"]]', 'a new strategy is made, a published one gets its backlog');
select is(tap.rows($$select strategy, status, priority, source, asset_class, config_file, follows, history, reason, implemented from backlog
    where source is not null order by strategy$$),
  '[["rejected_one", "rejected", 7, "Brock 1992", "equity", "sma.yaml", null, "8 trades", "too restrictive", false],
    ["sma_crossover", "backlog", 7, "Brock 1992", "equity", "sma.yaml", "rejected_one", null, null, true]]',
  'the backlog shows what is to be tested and what was tried');
select is(tap.rows($$select e.from_status, e.to_status from strategy_events as e join strategies as s on s.id = e.strategy_id
    where s.name = 'rejected_one' order by e.id$$),
  '[[null, "backlog"], ["backlog", "testing"], ["testing", "rejected"]]', 'what was rejected before went the way of every rejected strategy');
select is(tap.rows($$select * from sync_backlog(jsonb_build_array(
    pg_temp.item('{"name": "rejected_one", "code": "STR-090", "entry_point": "rsi_mean_reversion", "parameters": {"rsi_period": 14},
      "history": "8 trades", "rejected": "too restrictive"}'), pg_temp.item('{"follows": "rejected_one"}')))$$),
  '[["rejected_one", "unchanged"], ["sma_crossover", "unchanged"]]', 'the same file again changes nothing');
select is(tap.rows($$select * from sync_backlog(jsonb_build_array(pg_temp.item('{"priority": 8}')))$$),
  '[["sma_crossover", "changed"]]', 'a change is one');
select is((select count(*) from backlog where strategy = 'rejected_one'), 1::bigint, 'what is not in the file stays');
select is(tap.refusal(format('select * from sync_backlog(%L)', t.items)), array['22023', t.message, t.path, t.hint], t.promise)
from (values
  ('an unknown key is refused', jsonb_build_array(pg_temp.item('{"priorty": 1}')),
   'Unknown key "priorty"', '$.strategies[0].priorty', 'Did you mean priority?'),
  ('so is an unknown parameter of a known strategy', jsonb_build_array(pg_temp.item('{"parameters": {"quick": 1}}')),
   'Strategy sma_crossover has no parameter "quick"', '$.strategies[0].parameters.quick', 'Known: fast, side, slow, stop, trailing.'),
  ('and one out of bounds', jsonb_build_array(pg_temp.item('{"parameters": {"fast": [0]}}')),
   '0 is out of bounds for fast', '$.strategies[0].parameters.fast[0]', 'It takes 1 to 2000.'),
  ('and an unknown criterion', jsonb_build_array(pg_temp.item('{"criteria": {"min_trade": 1}}')),
   'Unknown criterion "min_trade"', '$.strategies[0].criteria.min_trade', 'Did you mean min_trades?'),
  ('a source is needed', jsonb_build_array(pg_temp.item() - 'source'), 'Key source is missing', '$.strategies[0]',
   'Every strategy of the backlog needs: name, hypothesis, source, asset_class, timeframe, parameters, priority, criteria.'),
  ('a number is needed as priority', jsonb_build_array(pg_temp.item('{"priority": "high"}')), 'Got "high" for priority',
   '$.strategies[0].priority', 'A number is needed.'),
  ('a strategy stands in the file once', jsonb_build_array(pg_temp.item(), pg_temp.item()), 'A strategy stands in the backlog twice',
   '$.strategies', 'Name each strategy once.'),
  ('a file without a list is refused', '{}'::jsonb, 'Got {} where a list of strategies is needed', '$.strategies',
   'See configs/strategy_backlog.yaml.')
) as t (promise, items, message, path, hint);
select is((tap.refusal(format('select * from sync_backlog(%L)', jsonb_build_array(pg_temp.item('{"follows": "nobody"}')))))[1:2],
  array['23503', 'sma_crossover follows nobody, which is unknown'], 'what it follows must be known');

-- 10 % and -10 %: mean 0, deviation sqrt(0.02 / 1).
select is((select array_agg(f.value order by f.metric) from backtest_figures(
    '{"starting_cash": 100, "ending_value": 99, "return_count": 2, "return_mean": 0.01, "return_m2": 0.02, "total_trades": 4,
      "winning_trades": 1, "block_counts": [2]}') as f where f.metric in ('sharpe_ratio', 'total_return', 'win_rate')),
  array[0.01 / sqrt(0.02::float8) * sqrt(252::float8), 0.99::float8 - 1, 0.25], 'a backtest without a row has the figures of one that has');
select is((select array_agg(s.session || ' ' || coalesce(round(s.sharpe_ratio::numeric, 6)::text, 'null') order by s.session)
  from rolling_sharpe('{2020-01-01,2020-01-02,2020-01-03,2020-01-06}', '{110,99,99,99}', 100, 2) as s),
  array['2020-01-02 0.000000', '2020-01-03 ' || round((-0.05 / sqrt(0.005::float8) * sqrt(252::float8))::numeric, 6), '2020-01-06 null'],
  'the rolling Sharpe ratio begins with the first full window and is undefined where nothing moved');
select is((tap.refusal($$select * from price_series('{NOPE}', '1d')$$))[2], 'Unknown symbol "NOPE"', 'prices of a symbol that is unknown are refused');
