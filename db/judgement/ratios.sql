-- Every ratio once, as an expression over raw metrics. Whoever judges or reads asks these functions: the trigger of
-- full results, blocks of points, the view over both.
--
-- The one exception to the rule that a function pins its search path: with a SET clause, or strict, it would not be
-- inlined, and a million rows would pay a million calls. So every name in them is a built-in or has its schema, and a
-- test sees that EXPLAIN shows no call. An argument is called p_ and the column it stands for, from which
-- ratio_call() makes the call; one that is the same for all points of a run is used only once where that can be,
-- since a subquery given to an argument that is used twice forbids inlining too.

create or replace function desk.ratio_lost(
  p_lost_on date, p_ending_value double precision, p_return_count double precision, p_max_drawdown double precision)
returns boolean
language sql immutable
as $$
  -- A fall of the whole peak leaves nothing, whatever came back afterwards.
  select p_lost_on is not null or coalesce(p_ending_value <= 0, false)
    or coalesce(p_return_count is not null and p_max_drawdown >= 1, false)
$$;
comment on function desk.ratio_lost(date, double precision, double precision, double precision) is
  'True where the account reached zero.';

create or replace function desk.ratio_total_return(p_ending_value double precision, p_starting_cash double precision)
returns double precision
language sql immutable
as $$ select p_ending_value / p_starting_cash - 1 $$;
comment on function desk.ratio_total_return(double precision, double precision) is
  'Ending value over starting capital, less 1.';

create or replace function desk.ratio_annual_return(
  p_ending_value double precision, p_starting_cash double precision, p_return_count double precision,
  p_sessions_a_year double precision, p_lost boolean)
returns double precision
language sql immutable
as $$
  select case
    when p_return_count > 0 and not p_lost
      then (p_ending_value / p_starting_cash) ^ (p_sessions_a_year / p_return_count) - 1
    when p_return_count > 0 then -1::double precision end
$$;
comment on function desk.ratio_annual_return(double precision, double precision, double precision, double precision,
  boolean) is 'Compound return a year; of a lost account -1.';

create or replace function desk.ratio_volatility(
  p_return_count double precision, p_return_m2 double precision, p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  -- Deviations at the level of rounding are no deviations: a constant curve has no Sharpe ratio.
  select case when p_return_count >= 2
    then case when p_return_m2 > 1e-24 then sqrt(p_return_m2 / (p_return_count - 1)) else 0 end
      * sqrt(p_sessions_a_year) end
$$;
comment on function desk.ratio_volatility(double precision, double precision, double precision) is
  'Annualized sample deviation of daily returns.';

create or replace function desk.ratio_session_sharpe(
  p_return_count double precision, p_return_mean double precision, p_return_m2 double precision, p_lost boolean,
  p_risk_free_rate double precision, p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  -- What a lost account earned for its risk is not defined; neither is any ratio that comes of this.
  select case when not p_lost and p_return_count >= 2 and p_return_m2 > 1e-24
    then (p_return_mean - p_risk_free_rate / p_sessions_a_year) / sqrt(p_return_m2 / (p_return_count - 1)) end
$$;
comment on function desk.ratio_session_sharpe(double precision, double precision, double precision, boolean,
  double precision, double precision) is 'Sharpe ratio of a session, not annualized.';

create or replace function desk.ratio_sharpe_ratio(
  p_return_count double precision, p_return_mean double precision, p_return_m2 double precision, p_lost boolean,
  p_risk_free_rate double precision, p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  select case when not p_lost and p_return_count >= 2 and p_return_m2 > 1e-24
    then (p_return_mean - p_risk_free_rate / p_sessions_a_year) / sqrt(p_return_m2 / (p_return_count - 1))
      * sqrt(p_sessions_a_year) end
$$;
comment on function desk.ratio_sharpe_ratio(double precision, double precision, double precision, boolean,
  double precision, double precision) is 'Annualized Sharpe ratio.';

create or replace function desk.ratio_sortino_ratio(
  p_return_count double precision, p_return_mean double precision, p_downside_m2 double precision, p_lost boolean,
  p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  select case when not p_lost and p_return_count >= 2 and p_downside_m2 > 1e-24
    then p_return_mean / sqrt(p_downside_m2 / p_return_count) * sqrt(p_sessions_a_year) end
$$;
comment on function desk.ratio_sortino_ratio(double precision, double precision, double precision, boolean,
  double precision) is 'Annualized mean over the downside deviation, both against 0.';

create or replace function desk.ratio_calmar_ratio(
  p_ending_value double precision, p_starting_cash double precision, p_return_count double precision,
  p_sessions_a_year double precision, p_max_drawdown double precision, p_lost boolean)
returns double precision
language sql immutable
as $$
  select case when not p_lost and p_return_count > 0
    then ((p_ending_value / p_starting_cash) ^ (p_sessions_a_year / p_return_count) - 1) / nullif(p_max_drawdown, 0) end
$$;
comment on function desk.ratio_calmar_ratio(double precision, double precision, double precision, double precision,
  double precision, boolean) is 'Annual return over the largest drawdown.';

create or replace function desk.ratio_skewness(
  p_return_count double precision, p_return_m2 double precision, p_return_m3 double precision)
returns double precision
language sql immutable
as $$
  select case when p_return_count >= 2 and p_return_m2 > 1e-24
    then p_return_m3 / p_return_count / (p_return_m2 / p_return_count * sqrt(p_return_m2 / p_return_count)) end
$$;
comment on function desk.ratio_skewness(double precision, double precision, double precision) is
  'Third standardized moment of daily returns.';

create or replace function desk.ratio_kurtosis(
  p_return_count double precision, p_return_m2 double precision, p_return_m4 double precision)
returns double precision
language sql immutable
as $$
  select case when p_return_count >= 2 and p_return_m2 > 1e-24
    then p_return_m4 / p_return_count / ((p_return_m2 / p_return_count) * (p_return_m2 / p_return_count)) end
$$;
comment on function desk.ratio_kurtosis(double precision, double precision, double precision) is
  'Fourth standardized moment of daily returns.';

create or replace function desk.ratio_value_at_risk(p_tail_return double precision)
returns double precision
language sql immutable
as $$ select -p_tail_return $$;
comment on function desk.ratio_value_at_risk(double precision) is 'Daily loss exceeded in the worst twentieth.';

create or replace function desk.ratio_expected_shortfall(p_tail_sum double precision, p_tail_count double precision)
returns double precision
language sql immutable
as $$ select -p_tail_sum / nullif(p_tail_count, 0) $$;
comment on function desk.ratio_expected_shortfall(double precision, double precision) is
  'Mean daily loss in the worst twentieth.';

create or replace function desk.ratio_win_rate(p_winning_trades double precision, p_total_trades double precision)
returns double precision
language sql immutable
as $$ select p_winning_trades / nullif(p_total_trades, 0) $$;
comment on function desk.ratio_win_rate(double precision, double precision) is 'Winning trades over closed trades.';

create or replace function desk.ratio_average_win(p_gross_profit double precision, p_winning_trades double precision)
returns double precision
language sql immutable
as $$ select p_gross_profit / nullif(p_winning_trades, 0) $$;
comment on function desk.ratio_average_win(double precision, double precision) is
  'Mean net profit of winning trades.';

create or replace function desk.ratio_average_loss(p_gross_loss double precision, p_losing_trades double precision)
returns double precision
language sql immutable
as $$ select p_gross_loss / nullif(p_losing_trades, 0) $$;
comment on function desk.ratio_average_loss(double precision, double precision) is
  'Mean net loss of losing trades, positive.';

create or replace function desk.ratio_profit_factor(p_gross_profit double precision, p_gross_loss double precision)
returns double precision
language sql immutable
as $$ select p_gross_profit / nullif(p_gross_loss, 0) $$;
comment on function desk.ratio_profit_factor(double precision, double precision) is 'Gross profit over gross loss.';

create or replace function desk.ratio_expectancy(p_trade_profit_sum double precision, p_total_trades double precision)
returns double precision
language sql immutable
as $$ select p_trade_profit_sum / nullif(p_total_trades, 0) $$;
comment on function desk.ratio_expectancy(double precision, double precision) is
  'Mean net profit of a closed trade.';

create or replace function desk.ratio_sqn(
  p_total_trades double precision, p_trade_profit_sum double precision, p_trade_profit_m2 double precision)
returns double precision
language sql immutable
as $$
  select case when p_total_trades >= 2 and p_trade_profit_m2 > 0
    then sqrt(p_total_trades) * (p_trade_profit_sum / p_total_trades)
      / sqrt(p_trade_profit_m2 / (p_total_trades - 1)) end
$$;
comment on function desk.ratio_sqn(double precision, double precision, double precision) is
  'Root of trades times mean over deviation of net profits.';

create or replace function desk.ratio_fee_pct(p_total_fees double precision, p_starting_cash double precision)
returns double precision
language sql immutable
as $$ select p_total_fees / p_starting_cash $$;
comment on function desk.ratio_fee_pct(double precision, double precision) is
  'Fees as a fraction of the starting capital.';

create or replace function desk.ratio_fee_share_of_profit(
  p_total_fees double precision, p_ending_value double precision, p_starting_cash double precision,
  p_earned double precision)
returns double precision
language sql immutable
as $$
  -- Fees are money of the whole account, so what it earned is too where cash was paid in.
  select p_total_fees
    / nullif(greatest(coalesce(p_earned, p_ending_value - p_starting_cash) + p_total_fees, 0::double precision), 0)
$$;
comment on function desk.ratio_fee_share_of_profit(double precision, double precision, double precision,
  double precision) is 'Fees as a fraction of profit before fees; null when there was none.';

create or replace function desk.ratio_break_even_fee(
  p_total_fees double precision, p_ending_value double precision, p_starting_cash double precision,
  p_earned double precision, p_traded_value double precision)
returns double precision
language sql immutable
as $$
  select (coalesce(p_earned, p_ending_value - p_starting_cash) + p_total_fees) / nullif(p_traded_value, 0)
$$;
comment on function desk.ratio_break_even_fee(double precision, double precision, double precision, double precision,
  double precision) is 'Profit before fees over traded value.';

create or replace function desk.ratio_turnover(
  p_traded_value double precision, p_starting_cash double precision, p_sessions_a_year double precision,
  p_return_count double precision)
returns double precision
language sql immutable
as $$ select p_traded_value / p_starting_cash * p_sessions_a_year / nullif(p_return_count, 0) $$;
comment on function desk.ratio_turnover(double precision, double precision, double precision, double precision) is
  'Traded value a year over the starting capital.';

create or replace function desk.ratio_exposure(
  p_exposed_time double precision, p_exposed_sessions double precision, p_sessions double precision)
returns double precision
language sql immutable
as $$ select coalesce(p_exposed_time, p_exposed_sessions) / nullif(p_sessions, 0) $$;
comment on function desk.ratio_exposure(double precision, double precision, double precision) is
  'Share of the time that ended with a position.';

create or replace function desk.ratio_excess_return(
  p_ending_value double precision, p_starting_cash double precision, p_return_count double precision,
  p_sessions_a_year double precision, p_lost boolean, p_benchmark_return double precision)
returns double precision
language sql immutable
as $$
  select case
      when p_return_count > 0 and not p_lost
        then (p_ending_value / p_starting_cash) ^ (p_sessions_a_year / p_return_count) - 1
      when p_return_count > 0 then -1::double precision end
    - ((1 + p_benchmark_return) ^ (p_sessions_a_year / nullif(p_return_count, 0)) - 1)
$$;
comment on function desk.ratio_excess_return(double precision, double precision, double precision, double precision,
  boolean, double precision) is 'Annual return less that of the benchmark.';

create or replace function desk.ratio_beta(p_benchmark_m2 double precision, p_benchmark_comoment double precision)
returns double precision
language sql immutable
as $$ select case when p_benchmark_m2 > 1e-24 then p_benchmark_comoment / p_benchmark_m2 end $$;
comment on function desk.ratio_beta(double precision, double precision) is
  'Co-moment with the benchmark over the benchmark''s own.';

create or replace function desk.ratio_alpha(
  p_return_mean double precision, p_lost boolean, p_risk_free_rate double precision,
  p_sessions_a_year double precision, p_benchmark_mean double precision, p_benchmark_m2 double precision,
  p_benchmark_comoment double precision)
returns double precision
language sql immutable
as $$
  select p_sessions_a_year * (case when not p_lost then p_return_mean - p_risk_free_rate / p_sessions_a_year end
    - case when p_benchmark_m2 > 1e-24 then p_benchmark_comoment / p_benchmark_m2 end
      * (p_benchmark_mean - p_risk_free_rate / p_sessions_a_year))
$$;
comment on function desk.ratio_alpha(double precision, boolean, double precision, double precision, double precision,
  double precision, double precision) is
  'Annualized mean daily return that beta times the benchmark''s does not explain.';

create or replace function desk.ratio_information_ratio(
  p_return_count double precision, p_return_mean double precision, p_return_m2 double precision, p_lost boolean,
  p_sessions_a_year double precision, p_benchmark_mean double precision, p_benchmark_m2 double precision,
  p_benchmark_comoment double precision)
returns double precision
language sql immutable
as $$
  -- Of the difference of two series, from the sums of both; what is left of equal ones is rounding.
  select case
    when not p_lost and p_return_count >= 2
      and p_return_m2 + p_benchmark_m2 - 2 * p_benchmark_comoment > 1e-12 * (p_return_m2 + p_benchmark_m2)
    then (p_return_mean - p_benchmark_mean)
      / sqrt((p_return_m2 + p_benchmark_m2 - 2 * p_benchmark_comoment) / (p_return_count - 1))
      * sqrt(p_sessions_a_year) end
$$;
comment on function desk.ratio_information_ratio(double precision, double precision, double precision, boolean,
  double precision, double precision, double precision, double precision) is
  'Annualized mean over sample deviation of the daily return above the benchmark''s.';

create or replace function desk.ratio_probabilistic_sharpe(
  p_return_count double precision, p_return_mean double precision, p_return_m2 double precision,
  p_return_m3 double precision, p_return_m4 double precision, p_lost boolean, p_risk_free_rate double precision,
  p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  select desk.probabilistic_sharpe(
    desk.ratio_session_sharpe(p_return_count, p_return_mean, p_return_m2, p_lost, p_risk_free_rate, p_sessions_a_year),
    0, desk.ratio_skewness(p_return_count, p_return_m2, p_return_m3),
    desk.ratio_kurtosis(p_return_count, p_return_m2, p_return_m4), nullif(p_return_count, 0))
$$;
comment on function desk.ratio_probabilistic_sharpe(double precision, double precision, double precision,
  double precision, double precision, boolean, double precision, double precision) is
  'Probability that the true Sharpe ratio is above 0.';

create or replace function desk.ratio_min_track_record(
  p_return_count double precision, p_return_mean double precision, p_return_m2 double precision,
  p_return_m3 double precision, p_return_m4 double precision, p_lost boolean, p_risk_free_rate double precision,
  p_sessions_a_year double precision)
returns double precision
language sql immutable
as $$
  select desk.min_track_record(
    desk.ratio_session_sharpe(p_return_count, p_return_mean, p_return_m2, p_lost, p_risk_free_rate, p_sessions_a_year),
    0, desk.ratio_skewness(p_return_count, p_return_m2, p_return_m3),
    desk.ratio_kurtosis(p_return_count, p_return_m2, p_return_m4))
$$;
comment on function desk.ratio_min_track_record(double precision, double precision, double precision,
  double precision, double precision, boolean, double precision, double precision) is
  'Sessions needed to hold the Sharpe ratio above 0 with 95% confidence.';

create or replace function desk.ratio_names()
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select array_agg(a.attname::text order by a.attnum)
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_proc as p on p.pronamespace = 'desk'::regnamespace and p.proname = 'ratio_' || a.attname
  where a.attrelid = 'desk.full_results'::regclass and a.attname <> 'lost'
$$;
comment on function desk.ratio_names() is 'Ratios that have a function of their own, by the columns of full_results.';

create or replace function desk.ratio_call(p_ratio text, p_relation text, p_others jsonb)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select format('desk.%I(%s)', p.proname, string_agg(
    coalesce(p_others ->> substr(a.name, 3), format('%I.%I', p_relation, substr(a.name, 3))), ', ' order by a.place))
  from pg_catalog.pg_proc as p
  cross join lateral unnest(p.proargnames) with ordinality as a (name, place)
  where p.pronamespace = 'desk'::regnamespace and p.proname = 'ratio_' || p_ratio
  group by p.oid, p.proname
$$;
comment on function desk.ratio_call(text, text, jsonb) is
  'The expression of a ratio over a relation with the columns of raw metrics; others by name, as text of SQL.';

-- Whoever reads the view calls them with rights of their own.
grant execute on function desk.probabilistic_sharpe(double precision, double precision, double precision,
  double precision, double precision), desk.min_track_record(double precision, double precision, double precision,
  double precision, double precision) to desk_director, desk_viewer, desk_importer, desk_dbt;
do $$
begin
  execute (
    select string_agg(format('grant execute on function %s to desk_director, desk_viewer, desk_importer, desk_dbt',
      p.oid::regprocedure), '; ')
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'desk'::regnamespace and p.proname like 'ratio\_%' and p.prolang = (
      select l.oid from pg_catalog.pg_language as l where l.lanname = 'sql') and p.proconfig is null);
end
$$;
