-- Results are used again where the hash of their settings is equal: it holds what affects a result, and keeps its value.
select plan(15);

-- Written down from the version before the hash was built out of config_keys.
select is(desk.settings_hash(c.config::jsonb, c.first_day::date, c.last_day::date, c.warm_up), c.hash, c.what)
from (values
  ('20a5742fbb0d3fd1ada357d69f57e839c55f3dfe72727d23a418073ba4877976', 'defaults', '2010-01-04', '2012-12-31', 0,
    '{"symbols": ["AAPL"], "timeframe": "1d", "cash": 100000, "commission": {"percent": 0.001, "per_share": 0,
      "minimum": 0}, "slippage": 0, "seed": 0, "stock": false}'),
  ('80eb6c01c61e1222642e7f231055020dd5912432d5bc946f16132a52919a4102', 'all of it', '2004-01-02', '2012-12-31', 252,
    '{"symbols": ["IBM", "AAPL"], "timeframe": "1h", "cash": 25000.5, "commission": {"percent": 0, "per_share": 0.005,
      "minimum": 1}, "slippage": 0.0005, "seed": 42, "stock": true, "benchmark": "SPY", "risk_free_rate": 0.02,
      "keep_series": "all", "memory_mb": 512, "strategy": "x", "start_date": "2004-01-01", "end_date": "2005-01-01",
      "success_criteria": {"min_trades": 1}, "optimization": {"type": "Grid Search"}}'),
  ('0bd8e5ff8cca55159f11fd59c8fdf0a4cb9b884cdae567836a50f064664a7dc5', 'limits', '2010-01-04', '2012-12-31', 5,
    '{"symbols": ["AAPL"], "timeframe": "1d", "cash": 100000, "commission": {"percent": 0.001, "per_share": 0,
      "minimum": 0}, "slippage": 0, "seed": 0, "stock": false,
      "risk_limits": {"max_drawdown": 0.2, "max_positions": 5}}'),
  ('f96dac7ff8c33a23c2027132e724168485cd6b9ef36747fcf409a19297edfc93', 'a config with little in it', null, null, null,
    '{"symbols": ["AAPL"], "risk_limits": {}}'),
  ('f0d5c47a13797da51e6d2d404ffbdec6a6b7f25d5a01ea579900b4ee404113e1', 'nothing', '2010-01-04', '2012-12-31', 0, '{}'))
  as c (hash, what, first_day, last_day, warm_up, config);

select throws_like(
  $$insert into desk.config_keys (position, path, type, description) values (999, 'latency', 'number', 'Seconds.')$$,
  '%"affects"%not-null%', 'a key that does not say what it affects is refused');
select is_empty(
  $$select k.path from desk.config_keys as k join desk.config_keys as t on t.path = split_part(k.path, '.', 1)
    where k.affects = 'result' and t.affects <> 'result'$$,
  'what affects a result below a key makes the whole key affect it, since the hash takes keys whole');

insert into desk.config_keys (position, path, type, affects, default_value, description)
values (998, 'latency', 'number', 'result', '0', 'Seconds.'), (999, 'colour', 'text', 'nothing', null, 'Of the page.');
create function pg_temp.hash(p_more jsonb)
returns text
language sql
as $$
  select desk.settings_hash('{"symbols": ["AAPL"]}'::jsonb || p_more, '2010-01-04', '2012-12-31', 0)
$$;
select isnt(pg_temp.hash('{"latency": 1}'), pg_temp.hash('{}'), 'a new key that affects results parts them');
select isnt(pg_temp.hash('{"latency": 1}'), pg_temp.hash('{"latency": 2}'), 'by its value');
select is(pg_temp.hash('{"latency": 0}'), pg_temp.hash('{}'), 'at its default results from before it are used again');
select is(pg_temp.hash('{"colour": "red"}'), pg_temp.hash('{}'), 'a key that affects nothing parts nothing');
select is(
  (select array_agg(k.path order by k.path) from desk.config_keys as k where k.in_every_hash),
  '{cash,commission,seed,slippage,stock,symbols,timeframe}', 'no key was added to those that stand in every hash');
select isnt(
  pg_temp.hash('{"margin": {"initial": 0.5, "maintenance": 0.3}}'), pg_temp.hash('{}'), 'a margin is another result');
select is_empty(
  $$select k.path from desk.config_keys as k where k.type in ('number', 'commission') and k.unit is distinct from 'fraction'
    and (k.description ~* '\mfraction' or k.path ~ '^margin[.]')$$,
  'what its description calls a fraction has the unit, by which a number out of range is told how to write it');
select throws_ok(
  $$select desk.check_engine_keys('lean', '{"symbols": ["AAPL"], "margin": {}}')$$, '22023', 'The engine lean knows no margin',
  'an engine that does not heed a key refuses it by name');
select * from finish();
