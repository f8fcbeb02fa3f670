-- What the Monitor page reads: a trading session as it stood on a day.

create or replace function desk.session_day(p_session_id bigint, p_day date)
returns date
language sql stable
set search_path = desk, pg_temp
as $$
  select max(d.session_date) from desk.daily_summaries as d where d.session_id = p_session_id
    and d.session_date <= coalesce(p_day, 'infinity')
$$;
comment on function desk.session_day(bigint, date) is 'The last day of a session that is not after a day.';

create or replace function desk.session_day_end(p_session_id bigint, p_day date)
returns timestamptz
language sql stable
set search_path = desk, pg_temp
as $$
  -- Where several clocks cut the sessions, a day ends when the first of them begins the next one.
  select coalesce(min((p_day + 1 + s.day_begins) at time zone s.zone), (p_day + 1)::timestamp at time zone 'UTC')
  from desk.trading_sessions as t
  join desk.run_symbols as s on s.optimization_run_id = t.optimization_run_id
  where t.id = p_session_id
$$;
comment on function desk.session_day_end(bigint, date) is 'The moment at which a day of a session ends.';

create or replace function desk.session_positions(p_session_id bigint, p_day date default null)
returns table (
  symbol text, size double precision, average_price double precision, price double precision, value double precision,
  share double precision, open_profit double precision, since timestamptz)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with day as (
    select y.day, desk.session_day_end(p_session_id, y.day) as ends
    from (select desk.session_day(p_session_id, p_day) as day) as y
  ),
  account as (
    select d.end_value from desk.daily_summaries as d, day as y where d.session_id = p_session_id
      and d.session_date = y.day
  ),
  history as (
    select p.* from desk.position_history as p, day as y
    where p.session_id = p_session_id and p.bar_time < y.ends
  ),
  held as (
    select distinct on (h.symbol) h.* from history as h order by h.symbol, h.seq desc
  )
  select h.symbol, h.size, h.average_price, c.price, h.size * c.price, h.size * c.price / nullif(a.end_value, 0),
         h.size * (c.price - h.average_price),
         (select max(e.bar_time) from history as e where e.symbol = h.symbol and e.change = 'entry')
  from held as h
  cross join day as y
  left join account as a on true
  left join desk.trading_sessions as t on t.id = p_session_id
  left join lateral (
    select b.close
    from desk.run_symbols as s
    join desk.price_versions as v on v.id = s.price_version_id
    join desk.instruments as i on i.id = v.instrument_id
    cross join lateral desk.adjusted_bars(v.instrument_id, v.timeframe, v.version, v.factors_version, y.day - 10,
      y.day, s.zone, s.day_begins) as b
    where s.optimization_run_id = t.optimization_run_id and i.symbol = h.symbol
    order by b.bar_time desc limit 1
  ) as k on true
  cross join lateral (select coalesce(k.close, h.price) as price) as c
  where h.size <> 0
  order by abs(h.size * c.price) desc, h.symbol
$$;
comment on function desk.session_positions(bigint, date) is
  'What a session held at the end of a day, its last one when none is named: at the close of that day, or at the '
  'last fill where the desk has no close.';
grant execute on function desk.session_positions(bigint, date) to desk_director, desk_viewer;

-- Its columns have become more, which no replacement may do.
drop function if exists desk.session_standing(bigint, date);
create function desk.session_standing(p_session_id bigint, p_day date default null)
returns table (
  session_id bigint, kind text, state text, error text, strategy text, job_id bigint, optimization_run_id bigint,
  backtest_result_id bigint,
  parameters jsonb, symbols text[], timeframe text, day date, first_day date, last_day date,
  cash_at_start double precision,
  cash double precision, value double precision, exposure double precision, day_begin double precision,
  day_profit double precision, day_return double precision,
  peak double precision, drawdown double precision, orders bigint, orders_day integer, trades bigint,
  net_profit double precision,
  fees double precision, warnings bigint, criticals bigint, watched boolean, risk_limits jsonb, positions jsonb,
  usage jsonb,
  created_at timestamptz, written_at timestamptz)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- Materialized, or the day would be looked up again for every row that is compared with it.
  with day as materialized (
    select y.day, desk.session_day_end(p_session_id, y.day) as ends
    from (select desk.session_day(p_session_id, p_day) as day) as y
  )
  select t.id, t.kind, t.state, t.error, s.name, r.job_id, r.id, b.id, b.parameters, t.symbols, r.timeframe,
         y.day, d.first_day, d.last_day, t.cash, a.cash, n.end_value, h.exposure, n.begin_value,
         n.end_value - n.begin_value,
         (n.end_value - n.begin_value) / nullif(n.begin_value, 0), d.peak, 1 - n.end_value / nullif(d.peak, 0),
         d.orders, n.orders, d.trades,
         d.profit, d.fees,
         e.warnings, e.criticals, t.watched, t.risk_limits,
         h.positions, u.usage, t.created_at, t.written_at
  from desk.trading_sessions as t
  join desk.strategies as s on s.id = t.strategy_id
  left join desk.optimization_runs as r on r.id = t.optimization_run_id
  left join desk.backtest_results as b on b.optimization_run_id = t.optimization_run_id and b.ordinal = t.ordinal
  cross join day as y
  left join desk.daily_summaries as n on n.session_id = t.id and n.session_date = y.day
  left join lateral (
    select p.cash from desk.portfolio_snapshots as p
    where p.session_id = t.id and p.bar_time < y.ends
    order by p.seq desc limit 1
  ) as a on true
  cross join lateral (
    select coalesce(sum(abs(p.share)), 0) as exposure, coalesce(jsonb_agg(to_jsonb(p)), '[]') as positions,
           max(abs(p.size)) as shares, max(abs(p.value)) as largest, max(abs(p.share)) as share, count(*) as held
    from desk.session_positions(t.id, p_day) as p
  ) as h
  cross join lateral (
    select min(x.session_date) as first_day, max(x.session_date) as last_day,
           greatest(t.cash, max(x.high_value) filter (where x.session_date <= y.day)) as peak,
           coalesce(sum(x.orders) filter (where x.session_date <= y.day), 0) as orders,
           coalesce(sum(x.trades) filter (where x.session_date <= y.day), 0) as trades,
           coalesce(sum(x.profit) filter (where x.session_date <= y.day), 0) as profit,
           coalesce(sum(x.fees) filter (where x.session_date <= y.day), 0) as fees
    from desk.daily_summaries as x where x.session_id = t.id
  ) as d
  cross join lateral (
    select count(*) filter (where x.severity = 'warning'
      and x.bar_time < y.ends) as warnings,
           count(*) filter (where x.severity = 'critical'
             and x.bar_time < y.ends) as criticals
    from desk.risk_events as x where x.session_id = t.id
  ) as e
  cross join lateral (
    select jsonb_agg(jsonb_build_object('limit_name', l.name, 'title', l.title, 'unit', l.unit, 'used', l.used,
      'allowed', l.allowed, 'share', l.used / nullif(l.allowed, 0)) order by l.position) as usage
    from (
      select k.name, k.title, k.unit, k.position, (t.risk_limits ->> k.name)::double precision as allowed,
             coalesce(v.used, 0) as used
      from (values
        ('max_daily_loss', greatest(0, (n.begin_value - n.end_value) / nullif(n.begin_value, 0))),
        ('max_drawdown', 1 - n.end_value / nullif(d.peak, 0)),
        ('max_leverage', h.exposure),
        ('max_concentration', h.share),
        ('max_position_pct', h.share),
        ('max_position_value', h.largest),
        ('max_position_shares', h.shares),
        ('max_positions', h.held),
        ('max_orders_per_day', n.orders)) as v (name, used)
      join desk.risk_limit_definitions as k on k.name = v.name
    ) as l
  ) as u
  where t.id = p_session_id
$$;
comment on function desk.session_standing(bigint, date) is
  'One row: a trading session as it stood at the end of a day, its last one when none is named. watched says whether '
  'a risk manager was at work (null: not recorded), risk_limits what it kept; fees are those of fills; positions is '
  'what session_positions() answers, usage what session_usage() does.';
grant execute on function desk.session_standing(bigint, date) to desk_director, desk_viewer;

drop function if exists desk.session_usage(bigint, date);
create function desk.session_usage(p_session_id bigint, p_day date default null)
returns table (
  limit_name text, title text, unit text, used double precision, allowed double precision, share double precision)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select u.limit_name, u.title, u.unit, u.used, u.allowed, u.share
  from desk.session_standing(p_session_id, p_day) as x
  cross join lateral jsonb_to_recordset(x.usage) as u (
    limit_name text, title text, unit text, used double precision, allowed double precision, share double precision)
$$;
comment on function desk.session_usage(bigint, date) is
  'Each risk limit of a session with what is used of it at the end of a day, and the share of what was allowed; '
  'allowed is null where its risk manager kept no such limit, or where none watched.';
grant execute on function desk.session_usage(bigint, date) to desk_director, desk_viewer;
