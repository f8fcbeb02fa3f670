-- Benchmarks: what doing nothing would have brought, as daily returns of a run, and the sums that compare a result
-- with it.

drop function if exists desk.daily_closes(bigint, text, integer, integer, date, date);
create or replace function desk.daily_closes(p_instrument_id bigint, p_timeframe text, p_version integer,
  p_factors_version integer, p_start date, p_end date, p_zone text, p_day_begins interval)
returns table (session date, close double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  select distinct on (s.session) s.session, b.close
  from desk.adjusted_bars(p_instrument_id, p_timeframe, p_version, p_factors_version, p_start, p_end, p_zone,
    p_day_begins) as b
  cross join lateral (select ((b.bar_time at time zone p_zone) - p_day_begins)::date as session) as s
  order by s.session, b.bar_time desc
$$;
comment on function desk.daily_closes(bigint, text, integer, integer, date, date, text, interval) is
  'Adjusted close of each session, cut by the clock of a zone.';

create or replace function desk.benchmark_returns(p_run_id bigint, out benchmark text, out sessions date[],
  out returns double precision[])
language sql stable
set search_path = desk, pg_temp
as $$
  -- Equal money into each symbol at the close of the first session on which all have a price; held, with the
  -- last price on a session without one, and without fees.
  with run as (
    select r.*, nullif(upper(r.config ->> 'benchmark'), '') as named from desk.optimization_runs as r
      where r.id = p_run_id
  ),
  series as (
    select v.instrument_id, v.timeframe, v.version, v.factors_version, s.zone, s.day_begins
    from run as r
    join desk.run_symbols as s on s.optimization_run_id = r.id
    join desk.price_versions as v on v.id = s.price_version_id
    where r.named is null
    union all
    (
      select v.instrument_id, v.timeframe, v.version, v.factors_version, d.zone, d.day_begins
      from run as r
      join desk.instruments as i on i.symbol = r.named
      join desk.price_versions as v on v.instrument_id = i.id
      cross join lateral desk.instrument_day(i.id, v.timeframe) as d
      order by v.timeframe <> r.timeframe, v.timeframe <> '1d', v.version desc
      limit 1
    )
  ),
  closes as (
    select s.instrument_id, c.session, c.close
    from run as r
    cross join series as s
    cross join lateral desk.daily_closes(s.instrument_id, s.timeframe, s.version, s.factors_version, r.start_date,
      r.end_date, s.zone, s.day_begins) as c
  ),
  firsts as (
    select max(f.session) as bought
    from (select min(c.session) as session from closes as c group by c.instrument_id) as f
  ),
  days as (
    select distinct c.session from closes as c
  ),
  held as (
    select d.session, i.instrument_id, c.close, count(c.close) over (partition by i.instrument_id
      order by d.session) as known
    from days as d
    cross join (select distinct c.instrument_id from closes as c) as i
    left join closes as c on c.session = d.session and c.instrument_id = i.instrument_id
  ),
  carried as (
    select h.session, h.instrument_id, max(h.close) over (partition by h.instrument_id, h.known) as close from held as h
  ),
  growth as (
    select c.session, avg(case when c.session >= f.bought then c.close / b.close else 1 end) as value
    from carried as c
    cross join firsts as f
    join carried as b on b.instrument_id = c.instrument_id and b.session = f.bought
    group by c.session
  ),
  daily as (
    select g.session, g.value / lag(g.value, 1, 1) over (order by g.session) - 1 as return from growth as g
  )
  select (select coalesce(r.named, 'buy and hold') from run as r), array_agg(d.session order by d.session),
    array_agg(d.return order by d.session)
  from daily as d
$$;
comment on function desk.benchmark_returns(bigint) is
  'Daily returns of what a run is compared with: buy and hold of its symbols, or of the symbol that its config names.';

create or replace function desk.make_benchmark(p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.run_benchmarks (optimization_run_id, benchmark, sessions, returns, content_hash, sums)
  select p_run_id, b.benchmark, b.sessions, b.returns, desk.sha256_text(b.sessions::text || b.returns::text), (
    select jsonb_build_object(
      'benchmark_return', exp(sum(ln(1 + n.return))) - 1, 'benchmark_mean', regr_avgx(n.return, n.return),
      'benchmark_m2', regr_sxx(n.return, n.return))
    from unnest(b.returns) as n (return))
  from desk.benchmark_returns(p_run_id) as b
  where b.sessions is not null
  on conflict (optimization_run_id) do nothing
$$;
comment on function desk.make_benchmark(bigint) is 'Records what a run is compared with.';

create or replace function desk.tg_runs_benchmark()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_named  constant text := upper(new.config ->> 'benchmark');
  v_family text := (select d.title from desk.metric_definitions as d where d.metric = new.target_metric
    and d.scope = 'family');
begin
  if tg_op = 'INSERT' then
    if v_family is not null then
      perform desk.refuse(format('%s is known when a search is over and cannot guide it', v_family),
        '$.optimization.target_metric',
        'Use it as a criterion, and another metric, such as Sharpe Ratio, as the target.');
    end if;
    if v_named is not null and not exists (
      select from desk.instruments as i join desk.price_versions as v on v.instrument_id = i.id
      cross join lateral desk.instrument_day(i.id, v.timeframe) as d
      where i.symbol = v_named and ((v.first_bar at time zone d.zone) - d.day_begins)::date <= new.start_date + 7
        and ((v.last_bar at time zone d.zone) - d.day_begins)::date >= new.end_date - 7)
    then
      perform desk.refuse(format('%s has no prices from %s to %s to compare with', to_jsonb(left(v_named, 40)),
        new.start_date, new.end_date),
        '$.benchmark', desk.did_you_mean(v_named, array(select i.symbol from desk.instruments as i))
          || ' See the view price_coverage.', '23503');
    end if;
    return new;
  end if;
  begin
    perform desk.make_benchmark(new.id);
  exception when others then
    -- Nothing to compare with is no reason not to test.
    insert into desk.job_events (job_id, optimization_run_id, event, details)
    values (new.job_id, new.id, 'benchmark', jsonb_build_object('error', sqlerrm));
  end;
  return null;
end
$$;
comment on function desk.tg_runs_benchmark() is
  'Refuses a benchmark without prices and a target that is not known in time; makes the benchmark when a run starts.';
create or replace trigger optimization_runs_a_targets before insert on desk.optimization_runs
for each row when (not new.imported) execute function desk.tg_runs_benchmark();
create or replace trigger optimization_runs_e_benchmark after update of status on desk.optimization_runs
for each row when (new.status = 'running' and old.status is distinct from new.status and not new.imported)
execute function desk.tg_runs_benchmark();

create or replace function desk.benchmark_sums(p_run_id bigint, p_sessions date[], p_equity double precision[],
  p_cash double precision)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_benchmark desk.run_benchmarks;
begin
  select b.* into v_benchmark from desk.run_benchmarks as b where b.optimization_run_id = p_run_id;
  -- Most curves have the benchmark's sessions. Arrays unnested side by side then do the same sums in a fifth of the
  -- time.
  if v_benchmark.sums is not null and p_sessions = v_benchmark.sessions
    and cardinality(p_equity) = cardinality(p_sessions)
    and 0 < all (p_equity)
  then
    return v_benchmark.sums || (
      select jsonb_build_object('benchmark_comoment', regr_sxy(p.value / p.before - 1, p.theirs))
      from (
        select unnest(p_equity) as value, unnest(array_prepend(p_cash, p_equity[: cardinality(p_equity) - 1]))
          as before,
               unnest(v_benchmark.returns) as theirs
      ) as p);
  end if;
  -- The same returns as curve_metrics(): none after a value at or below zero.
  return (
    select jsonb_build_object(
      'benchmark_return', exp(sum(ln(1 + p.theirs))) - 1, 'benchmark_mean', regr_avgx(p.mine, p.theirs),
      'benchmark_m2', regr_sxx(p.mine, p.theirs), 'benchmark_comoment', regr_sxy(p.mine, p.theirs))
    from (
      select u.value / u.before - 1 as mine, n.return as theirs
      from unnest(p_sessions, p_equity, array_prepend(p_cash, p_equity[: cardinality(p_equity) - 1]))
        with ordinality as u (session, value, before, position)
      left join unnest(v_benchmark.sessions, v_benchmark.returns) as n (session, return) on n.session = u.session
      where u.position <= coalesce((select min(e.position) from unnest(p_equity) with ordinality as e (value, position)
        where e.value <= 0),
        cardinality(p_equity))
    ) as p
    having count(p.theirs) > 0 and count(p.theirs) = count(*));
end
$$;
comment on function desk.benchmark_sums(bigint, date[], double precision[], double precision) is
  'The four sums that compare a curve with the benchmark of its run: growth, mean, second moment, co-moment; null '
  'where the sessions do not match.';

grant select on desk.run_benchmarks to desk_director, desk_viewer, desk_dbt;
