-- Every metric once. Targets, constraints, criteria and reasons read these rows.

insert into desk.metric_definitions (
  metric, title, aliases, unit, direction, min_key, max_key, min_phrase, max_phrase, short_name, decimals, description)
values
  ('sharpe_ratio', 'Sharpe Ratio', '{Sharpe}', 'ratio', 'max', 'min_sharpe', 'max_sharpe', 'Sharpe too low',
    'Sharpe too high to be true', 'Sharpe', 2,
   'Annualized mean over sample deviation of daily returns, less the risk-free rate.'),
  ('sortino_ratio', 'Sortino Ratio', '{Sortino}', 'ratio', 'max', 'min_sortino', null, 'Sortino too low', null,
    'Sortino', 2,
   'Annualized mean over downside deviation of daily returns, both against 0.'),
  ('calmar_ratio', 'Calmar Ratio', '{Calmar}', 'ratio', 'max', 'min_calmar', null, 'Calmar too low', null, 'Calmar', 2,
   'Annual return over the largest drawdown.'),
  ('total_return', 'Total Return', '{"Total Net Profit", "Net Profit", Return}', 'fraction', 'max', 'min_total_return',
    null, 'Return too low', null, 'Return', 1,
   'Ending value over starting capital, less 1.'),
  ('annual_return', 'Annual Return', '{"Compounding Annual Return", CAGR}', 'fraction', 'max', 'min_annual_return',
    null, 'Annual return too low', null, 'Annual return', 1,
   'Compound return a year, of the run''s sessions a year.'),
  ('volatility', 'Volatility', '{"Annual Standard Deviation", "Annual Volatility"}', 'fraction', 'min', null,
    'max_volatility', null, 'Volatility too high', 'Volatility', 1,
   'Annualized sample deviation of daily returns.'),
  ('max_drawdown', 'Drawdown', '{"Max Drawdown", "Maximum Drawdown", "MaxDrawdown"}', 'fraction', 'min', null,
    'max_drawdown', null, 'Drawdown too deep', 'Drawdown', 1,
   'Largest fall from a running peak, a positive fraction.'),
  ('max_drawdown_sessions', 'Drawdown Length', '{"Drawdown Recovery"}', 'sessions', 'min', null,
    'max_drawdown_sessions', null, 'Drawdown too long', 'Drawdown length', 0,
   'Longest stretch of sessions below a peak.'),
  ('total_trades', 'Trades', '{"Total Trades", "Number of Trades"}', 'count', 'max', 'min_trades', 'max_trades',
    'Insufficient trades', 'Too many trades', 'Trades', 0,
   'Closed trades.'),
  ('total_orders', 'Orders', '{"Total Orders"}', 'count', 'min', null, 'max_orders', null, 'Too many orders', 'Orders',
    0,
   'Orders with a fill.'),
  ('refused_for_cash', 'Orders Refused for Lack of Cash', '{}', 'count', 'min', null, 'max_refused_for_cash', null,
    'Too many orders refused for lack of cash', 'Orders refused for lack of cash', 0,
   'Orders that the broker refused for lack of cash or margin.'),
  ('refused_otherwise', 'Orders Refused Otherwise', '{}', 'count', 'min', null, 'max_refused_otherwise', null,
    'Too many orders refused', 'Orders refused otherwise', 0,
   'Orders that the broker refused for another reason, such as parts of a bracket whose first order is gone.'),
  ('win_rate', 'Win Rate', '{}', 'fraction', 'max', 'min_win_rate', null, 'Win rate too low', null, 'Win rate', 1,
   'Winning trades over closed trades.'),
  ('average_win', 'Average Win', '{}', 'money', 'max', null, null, null, null, 'Average win', 2,
   'Mean net profit of winning trades.'),
  ('average_loss', 'Average Loss', '{}', 'money', 'min', null, null, null, null, 'Average loss', 2,
   'Mean net loss of losing trades, positive.'),
  ('profit_factor', 'Profit Factor', '{}', 'ratio', 'max', 'min_profit_factor', null, 'Profit factor too low', null,
    'Profit factor', 2,
   'Gross profit over gross loss.'),
  ('expectancy', 'Expectancy', '{}', 'money', 'max', 'min_expectancy', null, 'Expectancy too low', null, 'Expectancy',
    2,
   'Mean net profit of a closed trade.'),
  ('sqn', 'SQN', '{"System Quality Number"}', 'ratio', 'max', 'min_sqn', null, 'SQN too low', null, 'SQN', 2,
   'Root of trades times mean over deviation of net profits.'),
  ('total_fees', 'Fees', '{"Total Fees"}', 'money', 'min', null, 'max_fees', null, 'Fees too high', 'Fees', 2,
   'All fees paid.'),
  ('fee_pct', 'Fee Share of Capital', '{"Fee Drag", "Fee Percent"}', 'fraction', 'min', null, 'max_fee_pct', null,
    'Fees too high', 'Fees', 1,
   'Fees as a fraction of the starting capital.'),
  ('fee_share_of_profit', 'Fee Share of Profit', '{}', 'fraction', 'min', null, 'max_fee_share_of_profit', null,
    'Fees eat the profit', 'Fee share of profit', 1,
   'Fees as a fraction of profit before fees.'),
  ('turnover', 'Turnover', '{"Portfolio Turnover"}', 'ratio', 'min', null, 'max_turnover', null, 'Turnover too high',
    'Turnover', 2,
   'Traded value a year over the starting capital.'),
  ('exposure', 'Exposure', '{}', 'fraction', 'max', 'min_exposure', 'max_exposure', 'Exposure too low',
    'Exposure too high', 'Exposure', 1,
   'Share of sessions that ended with a position.'),
  ('skewness', 'Skewness', '{}', 'ratio', 'max', 'min_skewness', null, 'Skewness too low', null, 'Skewness', 2,
   'Third standardized moment of daily returns.'),
  ('kurtosis', 'Kurtosis', '{}', 'ratio', 'min', null, 'max_kurtosis', null, 'Kurtosis too high', 'Kurtosis', 2,
   'Fourth standardized moment of daily returns; 3 for a normal distribution.'),
  ('value_at_risk', 'Value at Risk', '{VaR}', 'fraction', 'min', null, 'max_value_at_risk', null,
    'Value at risk too high', 'Value at risk', 1,
   'Daily loss exceeded in the worst twentieth of sessions.'),
  ('expected_shortfall', 'Expected Shortfall', '{CVaR}', 'fraction', 'min', null, 'max_expected_shortfall', null,
    'Expected shortfall too high', 'Expected shortfall', 1,
   'Mean daily loss in that twentieth.'),
  ('ending_value', 'Ending Value', '{"End Equity"}', 'money', 'max', 'min_ending_value', null, 'Ending value too low',
    null, 'Ending value', 2,
   'Portfolio value at the end.'),
  ('excess_return', 'Excess Return', '{"Excess Annual Return"}', 'fraction', 'max', 'min_excess_return', null,
    'Excess return too low', null, 'Excess return', 1,
   'Annual return less that of the benchmark, buy and hold of the same symbols unless the run names one.'),
  ('alpha', 'Alpha', '{}', 'fraction', 'max', 'min_alpha', null, 'Alpha too low', null, 'Alpha', 1,
   'Mean daily return that beta times the benchmark''s does not explain, a year.'),
  ('beta', 'Beta', '{}', 'ratio', 'min', 'min_beta', 'max_beta', 'Beta too low', 'Beta too high', 'Beta', 2,
   'Co-moment of the daily returns with the benchmark''s over the benchmark''s own.'),
  ('information_ratio', 'Information Ratio', '{}', 'ratio', 'max', 'min_information_ratio', null,
    'Information ratio too low', null, 'Information ratio', 2,
   'Annualized mean over sample deviation of the daily return above the benchmark''s.'),
  ('break_even_fee', 'Break-even Fee', '{"Break Even Fee"}', 'fraction', 'max', 'min_break_even_fee', null,
    'Break-even fee too low', null, 'Break-even fee', 2,
   'Profit before fees over traded value: the fee of a fill at which nothing is left, at fixed sizes.'),
  ('probabilistic_sharpe', 'Probabilistic Sharpe', '{"Probabilistic Sharpe Ratio", PSR}', 'fraction', 'max',
    'min_probabilistic_sharpe', null, 'Probabilistic Sharpe too low', null, 'Probabilistic Sharpe', 1,
   'Probability that the true Sharpe ratio is above 0.'),
  ('min_track_record', 'Minimum Track Record', '{"Minimum Track Record Length", MinTRL}', 'sessions', 'min', null,
    'max_min_track_record', null, 'Needs a longer track record', 'Minimum track record', 0,
   'Sessions needed to hold the Sharpe ratio above 0 with 95% confidence.')
on conflict (metric) do update
set title = excluded.title, aliases = excluded.aliases, unit = excluded.unit, direction = excluded.direction,
    min_key = excluded.min_key, max_key = excluded.max_key, min_phrase = excluded.min_phrase,
    max_phrase = excluded.max_phrase, short_name = excluded.short_name, decimals = excluded.decimals,
    description = excluded.description;

-- Known when a run closes, because they depend on all trials of the strategy.
insert into desk.metric_definitions (
  metric, title, aliases, unit, direction, min_key, max_key, min_phrase, max_phrase, short_name, decimals, scope,
  description)
values
  ('deflated_sharpe', 'Deflated Sharpe', '{"Deflated Sharpe Ratio", DSR}', 'fraction', 'max', 'min_deflated_sharpe',
    null, 'Deflated Sharpe too low', null, 'Deflated Sharpe', 1, 'family',
   'Probability that the true Sharpe ratio is above what the best of as many noise trials is expected to have.'),
  ('deflated_sharpe_z', 'Deflated Sharpe z', '{}', 'ratio', 'max', 'min_deflated_sharpe_z', null,
    'Deflated Sharpe z too low', null, 'Deflated Sharpe z', 2, 'family',
   'The same as a distance in standard errors, by which the boards rank.'),
  ('luck_p', 'Luck', '{"Luck p"}', 'fraction', 'min', null, 'max_luck_p', null, 'Luck too likely', 'Luck', 1, 'family',
   'Chance that the best of as many trials without skill, as alike as these, is as good.'),
  ('haircut_sharpe', 'Haircut Sharpe', '{"Haircut Sharpe Ratio"}', 'ratio', 'max', 'min_haircut_sharpe', null,
    'Haircut Sharpe too low', null, 'Haircut Sharpe', 2, 'family',
   'Annualized Sharpe ratio that alone would be as unlikely as this one is among all trials.'),
  ('pbo', 'PBO', '{"Probability of Backtest Overfitting"}', 'fraction', 'min', null, 'max_pbo', null,
    'Overfitting too likely', 'PBO', 1, 'family',
   'Share of half-and-half splits of the window in which the point that is best in one half lands at or below the '
   'median of the other.')
on conflict (metric) do update
set title = excluded.title, aliases = excluded.aliases, unit = excluded.unit, direction = excluded.direction,
    min_key = excluded.min_key, max_key = excluded.max_key, min_phrase = excluded.min_phrase,
    max_phrase = excluded.max_phrase, short_name = excluded.short_name, decimals = excluded.decimals,
    scope = excluded.scope, description = excluded.description;

create or replace function desk.metric_named(p_name text)
returns text
language sql stable strict
set search_path = desk, pg_temp
as $$
  select d.metric
  from desk.metric_definitions as d
  where lower(btrim(p_name)) in (select lower(n) from unnest(d.aliases || d.metric || d.title) as names (n))
$$;
comment on function desk.metric_named(text) is 'Metric that a name or alias stands for; null when there is none.';
grant execute on function desk.metric_named(text) to desk_director, desk_viewer, desk_importer;

create or replace function desk.show_number(p_value double precision, p_unit text, p_decimals integer)
returns text
language sql immutable strict
set search_path = desk, pg_temp
as $$
  select case
    when p_value in ('Infinity', '-Infinity', 'NaN') then p_value::text
    else (
      select regexp_replace(split_part(n.digits, '.', 1), '(\d)(?=(\d{3})+$)', '\1,', 'g')
        || coalesce('.' || nullif(split_part(n.digits, '.', 2), ''), '')
        || case when p_unit = 'fraction' then '%' else '' end
      -- Through text, which has every digit of a double; the cast to numeric keeps fifteen.
      from (
        select round(p_value::text::numeric * case when p_unit = 'fraction' then 100 else 1 end, p_decimals)::text
      ) as n (digits))
  end
$$;
comment on function desk.show_number(double precision, text, integer) is
  'A metric''s value for people, in its unit; money without a currency. Pages write it alike (runners/words.py).';

create or replace function desk.rejection_reason(
  p_metric text, p_comparison text, p_value double precision, p_threshold double precision)
returns text
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_metric    desk.metric_definitions;
  v_decimals  integer;
  v_phrase    text;
  v_broken    text;
  v_value     text;
  v_threshold text;
begin
  select d.* into v_metric from desk.metric_definitions as d where d.metric = p_metric;
  v_decimals := v_metric.decimals;
  if p_value is null then
    return format('%s undefined: needs %s %s', v_metric.short_name, p_comparison,
      desk.show_number(p_threshold, v_metric.unit, v_decimals));
  end if;
  if p_comparison in ('>=', '>') then
    v_phrase := coalesce(v_metric.min_phrase, v_metric.title || ' too low');
  elsif p_comparison in ('<=', '<') then
    v_phrase := coalesce(v_metric.max_phrase, v_metric.title || ' too high');
  else
    v_phrase := v_metric.title || ' not as wanted';
  end if;
  v_broken := case p_comparison
    when '>=' then '<' when '<=' then '>' when '>' then '<=' when '<' then '>=' when '=' then '!=' else '=' end;
  loop
    v_value := desk.show_number(p_value, v_metric.unit, v_decimals);
    v_threshold := desk.show_number(p_threshold, v_metric.unit, v_decimals);
    exit when v_value <> v_threshold or p_value = p_threshold;
    v_decimals := v_decimals + 1;
  end loop;
  return format('%s: %s %s %s', v_phrase, v_value, v_broken, v_threshold);
end
$$;
comment on function desk.rejection_reason(text, text, double precision, double precision) is
  'Why a value does not meet a criterion, in the desk''s wording: Insufficient trades: 8 < 100.';
