-- Every key a config may have. validate_config(), config_schema() and the docs read these rows. Which searches read a
-- key of optimization, theirs say (search/searches.sql).

delete from desk.config_keys;
insert into desk.config_keys (
  position, path, type, affects, required, default_value, minimum, maximum, allowed, example, description)
values
  (1, 'name', 'text', 'nothing', false, null, null, null, null, '"RSI on ETFs"', 'A name for people; changes nothing.'),
  (2, 'description', 'text', 'nothing', false, null, null, null, null, '"Relaxed thresholds"',
    'What is tried and why; changes nothing.'),
  (3, 'notes', 'text', 'nothing', false, null, null, null, null, '"second try"', 'Free notes; change nothing.'),
  (10, 'strategy', 'text', 'result', true, null, null, null, null, 'rsi_mean_reversion',
    'Name or code of the strategy.'),
  (20, 'symbols', 'symbols', 'result', true, null, null, null, null, '[AAPL, IBM]',
    'Symbols, traded together as one portfolio.'),
  (21, 'for_each', 'text', 'execution', false, null, null, null, '{symbols}', 'symbols',
    'symbols makes one search of each symbol instead of one portfolio of all.'),
  (22, 'timeframe', 'text', 'result', false, '"1d"', null, null, null, '1d',
    'Length of a bar: 1m, 1h, 1d, 1w, 1mo, ... Daily bars suit small capital.'),
  (23, 'start_date', 'date', 'result', false, null, null, null, null, '2004-01-01',
    'First day of the window; the first day that all symbols have prices when absent.'),
  (24, 'end_date', 'date', 'result', false, null, null, null, null, '2012-12-31',
    'Last day of the window; the last day that all symbols have prices when absent.'),
  (30, 'cash', 'number', 'result', false, '100000', 1, 1000000000000, null, '100000',
    'Starting capital, in account currency.'),
  (31, 'commission', 'commission', 'result', false, '0.001', 0, 0.5, null, '0.001',
    'Fee of a fill: a fraction of its value, or an object with percent, per_share, per_contract and minimum.'),
  (32, 'commission.percent', 'number', 'result', false, '0', 0, 0.5, null, '0.001', 'Fraction of the traded value.'),
  (33, 'commission.per_share', 'number', 'result', false, '0', 0, 1000, null, '0.005', 'Money for each unit.'),
  (204, 'commission.per_contract', 'number', 'result', false, null, 0, 10000, null, '2.25',
    'Money for each contract of an instrument on margin, in place of percent and per_share.'),
  (34, 'commission.minimum', 'number', 'result', false, '0', 0, 10000, null, '1.00', 'Least fee of a fill, in money.'),
  (35, 'slippage', 'number', 'result', false, '0', 0, 0.5, null, '0.0005',
    'Fraction by which every fill is worse than the price.'),
  (36, 'risk_free_rate', 'number', 'judgement', false, '0', -0.5, 1, null, '0.02',
    'Annual rate that ratios subtract, a fraction.'),
  (37, 'benchmark', 'text', 'judgement', false, null, null, null, null, 'SPY',
    'Symbol that results are compared with; buy and hold of the same symbols when absent.'),
  (40, 'optimization', 'object', 'execution', false, '{}', null, null, null, '',
    'The search. Without it the config is one backtest.'),
  (41, 'optimization.type', 'search', 'execution', false, '"Grid Search"', null, null, null, 'Grid Search',
    'How the points are chosen.'),
  (42, 'optimization.target_metric', 'metric', 'judgement', false, '"Sharpe Ratio"', null, null, null, 'Sharpe Ratio',
    'Metric by which the best point is chosen.'),
  (43, 'optimization.target_direction', 'text', 'judgement', false, null, null, null, '{max,min}', 'max',
    'max or min; the metric''s own direction when absent.'),
  (44, 'optimization.constraints', 'texts', 'execution', false, '[]', null, null, null,
    '["fast < slow", "Drawdown < 0.15"]',
   'Between parameters they cut the grid before it runs; on a metric they decide which points may be the best.'),
  (45, 'optimization.parameters', 'object', 'execution', false, '{}', null, null, null, '',
    'What is searched: a range, a list or a constant for each parameter.'),
  (46, 'optimization.parameters.*', 'parameter', 'execution', false, null, null, null, null,
    '{start: 10, end: 20, step: 2}',
    'Values of one parameter.'),
  (47, 'optimization.parameters.*.start', 'number', 'execution', true, null, null, null, null, '10',
    'First value of a range.'),
  (48, 'optimization.parameters.*.end', 'number', 'execution', true, null, null, null, null, '20',
    'Last value of a range, included when a step lands on it.'),
  (49, 'optimization.parameters.*.step', 'number', 'execution', false, null, null, null, null, '2',
   'Distance between values; searches that draw their points may leave it out.'),
  (50, 'optimization.parameters.*.min_step', 'number', 'execution', false, null, null, null, null, '0.1',
   'The finest step; step / 10 when absent, 1 for whole numbers.'),
  (51, 'optimization.parameters.*.log', 'boolean', 'execution', false, null, null, null, null, 'true',
   'Draw on a logarithmic scale.'),
  (52, 'optimization.segments', 'integer', 'execution', false, null, 2, 1000, null, '4',
   'Into how many parts a step is divided for the next generation; 4 when absent.'),
  (53, 'optimization.points', 'integer', 'execution', false, null, 1, 1000000, null, '200',
   'How many points are tried.'),
  (54, 'optimization.batch_points', 'integer', 'execution', false, null, 1, 1000, null, '16',
   'Points suggested at a time; 16 when absent.'),
  (55, 'optimization.patience', 'integer', 'execution', false, null, 1, 1000000, null, '64',
   'Stop when so many points brought no better one.'),
  (56, 'optimization.search', 'inner_search', 'execution', false, null, null, null, null, 'Euler Search',
   'The search inside each in-sample window; Grid Search when absent.'),
  (57, 'optimization.walk_forward', 'object', 'execution', false, null, null, null, null,
    '{in_sample: 504, out_of_sample: 126}',
    'How the windows are laid.'),
  (58, 'optimization.walk_forward.mode', 'text', 'execution', false, null, null, null, '{rolling,anchored}', 'rolling',
   'rolling moves the in-sample window, anchored lets it grow; rolling when absent.'),
  (59, 'optimization.walk_forward.unit', 'text', 'execution', false, null, null, null, '{bars,days,months,years}',
    'months',
   'Unit of in_sample and out_of_sample; bars when absent.'),
  (60, 'optimization.walk_forward.in_sample', 'integer', 'execution', true, null, 1, 100000, null, '24',
    'Length of the in-sample window.'),
  (61, 'optimization.walk_forward.out_of_sample', 'integer', 'execution', true, null, 1, 100000, null, '6',
    'Length of the out-of-sample window, and the step.'),
  (62, 'optimization.walk_forward.embargo', 'integer', 'execution', false, null, 0, 10000, null, '5',
    'Sessions cut from the end of each in-sample window.'),
  (63, 'optimization.walk_forward.warm_up', 'integer', 'execution', false, null, 0, 10000, null, '100',
    'Bars before each window that are seen and not traded.'),
  (66, 'in_sample_criteria', 'object', 'judgement', false, null, null, null, null, '',
   'Walk-forward: criteria of the in-sample points; those of success_criteria without the number of trades when '
   'absent.'),
  (67, 'in_sample_criteria.*', 'criterion', 'judgement', false, null, null, null, null, 'min_sharpe: 0.5',
    'A threshold in sample.'),
  (64, 'success_criteria', 'object', 'judgement', false, null, null, null, null, '',
    'Thresholds that a result must meet to pass; the desk''s defaults when absent.'),
  (65, 'success_criteria.*', 'criterion', 'judgement', false, null, null, null, null, 'min_trades: 100',
    'A threshold: a number in the metric''s unit; fractions, not per cents.'),
  (70, 'seed', 'integer', 'result', false, '0', 0, 9007199254740991, null, '42', 'Seed of whatever is random.'),
  (71, 'keep_series', 'text', 'execution', false, '"best"', null, null, '{passed,best,all}', 'best',
    'Which equity curves and trades are kept: of passed results, of those and the best, or of all.'),
  (72, 'seconds_per_point', 'number', 'execution', false, '300', 0.1, 86400, null, '300',
    'A backtest that takes longer is ended.'),
  (73, 'memory_mb', 'number', 'execution', false, '2048', 64, 1048576, null, '2048',
    'A backtest that takes more private memory is ended.'),
  (74, 'stock', 'boolean', 'result', false, 'false', null, null, null, 'false', 'True runs the engine unaccelerated.'),
  (75, 'margin', 'object', 'result', false, null, null, null, null, '',
    'Margin that an account with shorts must have, as fractions of its positions'' gross value; none when absent.'),
  (76, 'margin.initial', 'number', 'result', true, null, 0.01, 10, null, '0.5',
    'Least value of the account after an order that opens or adds to a position, else the order is refused.'),
  (77, 'margin.maintenance', 'number', 'result', true, null, 0.01, 10, null, '0.3',
    'Least value at the close of a bar; below it all shorts are bought back at the next open.'),
  (200, 'cash_flows', 'object', 'result', false, null, null, null, null, '',
    'Deposits and withdrawals, which are measured out of the returns; none when absent.'),
  (201, 'cash_flows.amount', 'number', 'result', false, null, -1000000000000, 1000000000000, null, '1000',
    'What is paid in at the first close of each new period; negative takes out.'),
  (202, 'cash_flows.every', 'text', 'result', false, null, null, null, '{week,month,quarter,year}', 'month',
    'The period, by the sessions'' dates.'),
  (203, 'cash_flows.by_strategy', 'boolean', 'result', false, null, null, null, null, 'true',
    'True lets the strategy pay in and take out, by broker.add_cash.'),
  (205, 'resample', 'texts', 'result', false, null, null, null, null, '["1w"]',
    'Longer timeframes whose bars, made of the run''s own, are further feeds; those of the strategy when absent.'),
  (80, 'risk_limits', 'object', 'result', false, null, null, null, null, '',
   'Limits of the strategy''s risk manager, over those of the table risk_limits.');

-- Of a strategy's risk limits, what risk_limit_definitions knows of each.
insert into desk.config_keys (
  position, path, type, affects, required, default_value, minimum, maximum, allowed, example, unit,
  description)
select 80 + d.position, 'risk_limits.' || d.name, 'number', 'result', false, null, 0, d.highest, null, d.example,
  d.unit, d.description || coalesce(format(' %s when absent.', d.default_value), '')
from desk.risk_limit_definitions as d
where 'strategy' = any (d.kept_by);

-- The first version hashed these for every run, also at their defaults. This list is never added to: a later key is
-- hashed where it is not at its default, so that the runs from before it keep the hash that they have.
update desk.config_keys
set in_every_hash = true
where path in ('symbols', 'timeframe', 'cash', 'commission', 'slippage', 'seed', 'stock');

update desk.config_keys as k
set unit = u.unit
from (values
  ('fraction', '{commission,commission.percent,slippage,risk_free_rate,margin.initial,margin.maintenance}'::text[]),
  ('money', '{cash,commission.per_share,commission.per_contract,commission.minimum,
    cash_flows.amount}')) as u (unit, paths)
where k.path = any (u.paths);

-- LEAN's algorithms set margin models and pay in by themselves.
update desk.config_keys
set engines = '{backtrader}'
where path in ('margin', 'cash_flows', 'resample');
