-- What looks wrong with a run that closes, in a few words each.

create or replace function desk.flag_of_some(p_flag text, p_some bigint, p_all bigint)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select p_flag || case when p_some < p_all then format(' (%s of %s)', p_some, p_all) else '' end
$$;
comment on function desk.flag_of_some(text, bigint, bigint) is
  'A flag that results of a run have, with their number where not all have it.';

create or replace function desk.ended_early(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  -- Of a walk-forward the tests count, each in its own window. LEAN counts sessions by its own hours of the exchange.
  with tested as (
    select b.optimization_run_id as run_id, b.sessions, 1::bigint as points
    from desk.optimization_runs as r
    join desk.full_results as b on b.optimization_run_id = r.id and b.outcome = 'finished'
    where r.id = p_run_id and r.optimization_type <> 'Walk-Forward'
    union all
    select p_run_id, p.sessions, count(*) from desk.bulk_points as p where p.optimization_run_id = p_run_id
    group by p.sessions
    union all
    select b.optimization_run_id, b.sessions, 1
    from desk.walk_forward_folds as f
    join desk.full_results as b on b.id = f.out_of_sample_result_id
    where f.optimization_run_id = p_run_id
  ),
  windows as (
    select r.id as run_id, case when n.benchmark = 'buy and hold' then cardinality(n.sessions)
      else cardinality(desk.run_sessions(r.id, r.start_date, r.end_date)) end as sessions
    from desk.optimization_runs as r
    left join desk.run_benchmarks as n on n.optimization_run_id = r.id
    where r.id in (select t.run_id from tested as t) and not r.imported and r.engine is distinct from 'lean'
  ),
  early as (
    select t.sessions, t.points, w.sessions as planned,
           row_number() over (order by t.sessions::float8 / w.sessions) as place
    from tested as t
    join windows as w on w.run_id = t.run_id and t.sessions < w.sessions
  )
  select format('ended early: %s of %s sessions%s', to_char(e.sessions, 'FM999,999,999'),
    to_char(e.planned, 'FM999,999,999'),
    case when c.results > 1 then format(' (%s of %s)', c.ended, c.results) end)
  from early as e
  cross join (select (select sum(points) from tested) as results, (select sum(points) from early) as ended) as c
  where e.place = 1
$$;
comment on function desk.ended_early(bigint) is
  'The flag of a run with results that have fewer sessions than their window: ended early: 301 of 1,007 sessions, the '
  'shortest of them, with their number; null where every session was seen.';

create or replace function desk.unknown_ends(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select format('open at the end unknown: %s of %s tests', count(*) filter (where b.open_positions is null), count(*))
  from desk.walk_forward_folds as f
  join desk.full_results as b on b.id = f.out_of_sample_result_id
  where f.optimization_run_id = p_run_id
  having count(*) > count(b.open_positions)
$$;
comment on function desk.unknown_ends(bigint) is
  'The flag of a walk-forward run with tests of which the engine did not tell what was open at their end, so that it '
  'is no trade of the stitched result; null where all told.';

create or replace function desk.refusal_flag(p_most bigint, p_refused bigint, p_results bigint, p_why text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('%s%s order%s refused %s%s', case when p_results > 1 then 'up to ' end,
    to_char(p_most, 'FM999,999,999'), case when p_most > 1 then 's' end, p_why,
    case when p_results > 1 then format(' (%s of %s)', p_refused, p_results) end)
  where p_most > 0
$$;
comment on function desk.refusal_flag(bigint, bigint, bigint, text) is
  'The flag of a run whose orders were refused: 70 orders refused for lack of cash; of several results the most, and '
  'how many had any.';

create or replace function desk.session_flags(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select array(
    select 'sessions by UTC date'
    from desk.run_symbols as s
    join desk.optimization_runs as r on r.id = s.optimization_run_id
    join desk.price_versions as v on v.id = s.price_version_id and not v.utc_sessions
    cross join lateral desk.instrument_day(v.instrument_id, v.timeframe) as d
    where s.optimization_run_id = p_run_id and not s.own_day
      and exists (
        select from desk.bars as b
        where b.instrument_id = v.instrument_id and b.timeframe = v.timeframe and b.version <= v.version
          and b.bar_time >= r.start_date::timestamp at time zone 'UTC'
          and b.bar_time < (r.end_date + 1)::timestamp at time zone 'UTC'
          and ((b.bar_time at time zone d.zone) - d.day_begins)::date <> (b.bar_time at time zone 'UTC')::date)
    limit 1)
$$;
comment on function desk.session_flags(bigint) is
  'sessions by UTC date: of a run from before sessions were those of the exchange, where these differ.';

create or replace function desk.passing_flags(p_run_id bigint)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return (
  select coalesce(array_agg(f.flag order by f.flag), '{}')
  from (
    select 'no criterion asks for profit' as flag
    from desk.optimization_runs as r
    join desk.run_progress as p on p.optimization_run_id = r.id
    where r.id = p_run_id and r.role = 'search' and p.passed > 0 and not exists (
      select from desk.success_criteria as c
      join desk.metric_definitions as d on d.metric = c.metric
      where c.optimization_run_id = p_run_id and c.comparison in ('>=', '>', '=') and c.threshold >= d.break_even)
    union all
    select u.flag || case when max(g.passed) > 1 then format(' (%s of %s passed)', count(*), max(g.passed)) else '' end
    from desk.ranked_results as b
    join desk.run_progress as g on g.optimization_run_id = b.optimization_run_id
    cross join lateral unnest(b.flags) as u (flag)
    where b.optimization_run_id = p_run_id and b.passed
    group by u.flag
  ) as f);
end
$$;
comment on function desk.passing_flags(bigint) is
  'What is to be said of a run although results of it passed: no criterion asks for profit, and how many of them made '
  'a loss, have a deflated Sharpe ratio below one half, or are too short to judge.';

create or replace function desk.run_flags(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select array_remove(array[
    case when x.results > 0 and x.most_sessions < 2 then 'no data' end,
    case when x.results > 0 and x.most_trades = 0 then 'no trades' end,
    case when x.lost > 0 then desk.flag_of_some('account lost', x.lost, x.results) end,
    desk.refusal_flag(x.most_refused_for_cash, x.refused_for_cash, x.results, 'for lack of cash'),
    desk.refusal_flag(x.most_refused_otherwise, x.refused_otherwise, x.results, 'by the broker'),
    case when x.results > 0 and x.most_sessions >= 2 then desk.ended_early(p_run_id) end,
    desk.unknown_ends(p_run_id),
    case when x.given then 'ratios as given: no moments to compute them from' end,
    case when x.results > 1 and x.most_trades > 0 and x.identical then 'all points identical' end,
    case when x.results > 1 and x.endings_differ and cardinality(e.parameters) > 0
      then 'best on the edge: ' || array_to_string(e.parameters, ', ') end], null) || desk.session_flags(p_run_id)
  from desk.best_on_edge(p_run_id) as e (parameters)
  cross join desk.run_extremes(p_run_id) as x
$$;
comment on function desk.run_flags(bigint) is
  'What looks wrong with a run: no data, no trades, accounts lost, orders refused, ended early, ends unknown, all '
  'points identical (a parameter that nobody reads), best on the edge.';

create or replace function desk.engine_flags(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  with results as (
    select b.engine_metrics
    from desk.optimization_runs as r
    join desk.full_results as b on b.optimization_run_id = r.id and b.outcome = 'finished'
    -- The stitched test of a walk-forward is made of its folds' results, which say what there is to say.
    where (r.id = p_run_id and r.optimization_type <> 'Walk-Forward') or r.parent_run_id = p_run_id
  )
  select coalesce(array_agg(f.flag order by f.flag), '{}')
  from (
    select desk.flag_of_some(substr(k.name, 6), count(*), t.total) as flag
    from results as b
    cross join lateral jsonb_object_keys(b.engine_metrics) as k (name)
    cross join (select count(*) as total from results) as t
    where starts_with(k.name, 'flag ')
    group by k.name, t.total
  ) as f
$$;
comment on function desk.engine_flags(bigint) is
  'What an engine found to be wrong with results of a run, or of its folds: its own metrics whose name begins with '
  '"flag ", each with the number of results.';

create or replace function desk.flags_of(p_run_id bigint)
returns text[]
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  return array(
    select distinct f.flag
    from unnest(desk.run_flags(p_run_id) || desk.passing_flags(p_run_id) || desk.engine_flags(p_run_id)
      || (select desk.import_flags(r.id) from desk.optimization_runs as r where r.id = p_run_id and r.imported))
      as f (flag)
    order by f.flag);
end
$$;
comment on function desk.flags_of(bigint) is 'All flags of a run, as it is now.';
