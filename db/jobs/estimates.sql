-- What a job will cost before it runs: points, time, trades, fees. Fees kill small accounts.

drop function if exists desk.expected_fees(bigint);
create function desk.expected_fees(p_run_id bigint)
returns table (
  based_on bigint, seconds_a_bar double precision, seconds_a_point double precision,
  bars_a_session double precision, trades_median double precision, trades_worst double precision,
  fee_pct_median double precision, fee_pct_worst double precision)
language sql stable
set search_path = desk, pg_temp
as $$
  -- Earlier results of the strategy on bars of the same length, scaled: orders by time, their size by capital. What a
  -- walk-forward pays is paid in its tests.
  with run as (
    select r.strategy_id, r.timeframe, r.cash, c.minimum,
           greatest(cardinality(desk.run_sessions(r.id, r.start_date, r.end_date)), 1)
             / coalesce(r.sessions_a_year, 252) * coalesce((
             select sum(f.out_of_sample_end - f.out_of_sample_start)::float8 / (r.end_date - r.start_date + 1)
             from desk.walk_forward_folds as f where f.optimization_run_id = r.id), 1) as years,
           coalesce((
             -- Of one of money that is traded. Raw prices of the window, since fees count the shares of the day.
             select avg(desk.fill_fee(r.config -> 'commission' || '{"minimum": 0}', 1 / l.close / t.multiplier, l.close,
               r.contract_terms -> n.symbol))
             from desk.run_symbols as s
             join desk.price_versions as v on v.id = s.price_version_id
             join desk.instruments as n on n.id = s.instrument_id
             cross join lateral (
               select coalesce((r.contract_terms #>> array[n.symbol, 'multiplier'])::float8, 1) as multiplier
             ) as t
             cross join lateral desk.series_bars(v.instrument_id, v.timeframe, v.version) as l
             where s.optimization_run_id = r.id and (c.per_share > 0 or c.per_contract is not null)
               and l.bar_time >= (r.start_date + s.day_begins) at time zone s.zone
               and l.bar_time < (r.end_date + 1 + s.day_begins) at time zone s.zone
           ), c.percent) as fee_rate
    from desk.optimization_runs as r
    cross join lateral jsonb_to_record(r.config -> 'commission')
      as c (percent float8, per_share float8, per_contract float8, minimum float8)
    where r.id = p_run_id
  ),
  earlier as (
    select b.total_orders, b.total_trades, b.duration, b.bars,
           b.bars / nullif(cardinality(r.symbols) * b.sessions, 0)::float8 as bars_a_session,
           b.traded_value / nullif(b.total_orders, 0) / b.starting_cash as order_share,
           b.return_count / b.sessions_a_year as years
    from run as n
    join desk.optimization_runs as r on r.strategy_id = n.strategy_id and r.timeframe = n.timeframe
    join desk.full_results as b on b.optimization_run_id = r.id
    where b.outcome = 'finished' and b.source_result_id is null and b.return_count > 0 and b.starting_cash > 0
      and b.total_orders is not null and b.total_trades is not null
    order by b.id desc
    limit 500
  ),
  scaled as (
    select e.years, e.bars_a_session, e.total_trades / e.years * n.years as trades,
           e.total_orders / e.years * n.years
             * greatest(n.minimum * (e.total_orders > 0)::integer,
                 coalesce(e.order_share, 0) * n.cash * n.fee_rate) / n.cash
                   as fee_pct
    from earlier as e cross join run as n
  )
  select count(s.years), max(t.seconds_a_bar), max(t.seconds_a_point), avg(s.bars_a_session),
         percentile_cont(0.5) within group (order by s.trades), max(s.trades),
         percentile_cont(0.5) within group (order by s.fee_pct), max(s.fee_pct)
  from (
    -- A point costs something before its first bar: by the slope where windows of several lengths are known, else as
    -- much as 400 bars, which is what a short window was seen to cost.
    select case when f.told then f.slope else f.plain / (1 + 400 / f.bars) end as seconds_a_bar,
           case when f.told then f.start else 400 * f.plain / (1 + 400 / f.bars) end as seconds_a_point
    from (
      select regr_slope(e.duration, e.bars) as slope, regr_intercept(e.duration, e.bars) as start,
             sum(e.duration) / nullif(sum(e.bars), 0) as plain, nullif(avg(e.bars), 0)::float8 as bars,
             coalesce(max(e.bars) > 2 * min(e.bars) and regr_slope(e.duration, e.bars) > 0
               and regr_intercept(e.duration, e.bars) > 0, false) as told
      from earlier as e
    ) as f
  ) as t
  left join scaled as s on true
$$;
comment on function desk.expected_fees(bigint) is
  'Time, trades and fees to expect of a run, from earlier results of its strategy: orders scaled by the length of '
  'the window (of a walk-forward, of its tests), their size by the capital; seconds of a point and of each of its '
  'bars.';

create or replace function desk.estimate_job(p_job_id bigint)
returns desk.estimates
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_job      desk.jobs;
  v_base     desk.optimization_runs;
  v_fees     record;
  v_estimate desk.estimates;
begin
  select j.* into v_job from desk.jobs as j where j.id = p_job_id;
  select r.* into v_base from desk.optimization_runs as r where r.job_id = p_job_id and r.role = 'search' order by r.id
    limit 1;
  select f.* into v_fees from desk.expected_fees(v_base.id) as f;
  v_estimate.job_id := p_job_id;
  v_estimate.forced := v_job.force;
  v_estimate.based_on := v_fees.based_on;
  v_estimate.trades_median := v_fees.trades_median;
  v_estimate.trades_worst := v_fees.trades_worst;
  v_estimate.fee_pct_median := v_fees.fee_pct_median;
  v_estimate.fee_pct_worst := v_fees.fee_pct_worst;
  -- A config that names no limit of its own is held to the desk's.
  select coalesce(min(c.threshold), (desk.setting('default_criteria') ->> 'max_fee_pct')::float8)
    into v_estimate.max_fee_pct
  from desk.success_criteria as c where c.optimization_run_id = v_base.id and c.metric = 'fee_pct'
    and c.comparison in ('<', '<=');
  select sum(desk.points_counted(r.id)), sum(desk.points_at_most(r.id)),
         sum(desk.points_counted(r.id) * (v_fees.seconds_a_point + v_fees.seconds_a_bar * cardinality(r.symbols)
           * (r.warm_up_bars + v_fees.bars_a_session * cardinality(
             desk.run_sessions(r.id, r.start_date, r.end_date)))))
  into v_estimate.combinations, v_estimate.at_most, v_estimate.seconds
  from desk.optimization_runs as r
  where r.job_id = p_job_id and r.role in ('search', 'in_sample');
  v_estimate.estimated_at := now();
  v_estimate.verdict := case
    when (select coalesce(sum((c.value #>> '{}')::numeric), 0) from jsonb_each(v_base.config -> 'commission') as c) = 0
      then 'no fees'
    when v_job.force then 'forced'
    when v_fees.based_on = 0 then 'held'
    when v_fees.fee_pct_median > v_estimate.max_fee_pct then 'too dear'
    else 'fine' end;
  return v_estimate;
end
$$;
comment on function desk.estimate_job(bigint) is
  'Points, time, trades and fees of a planned job, and the verdict of the fee guard.';

create or replace function desk.too_dear(p_estimate desk.estimates)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select format('Fees would take %s of the capital (worst %s) at %s trades, more than %s',
    desk.show_number(p_estimate.fee_pct_median, 'fraction', 1),
    desk.show_number(p_estimate.fee_pct_worst, 'fraction', 1),
    round(p_estimate.trades_median::numeric), desk.show_number(p_estimate.max_fee_pct, 'fraction', 1))
$$;
comment on function desk.too_dear(desk.estimates) is 'The fee guard''s sentence.';

create or replace function desk.plan_pilot(p_job_id bigint, p_points integer)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_base    desk.optimization_runs;
  v_total   bigint;
  v_space   jsonb;
  v_points  jsonb[];
  v_run_id  bigint;
begin
  -- A few points spread evenly over the first search of the job.
  select r.* into v_base
  from desk.optimization_runs as r
  join desk.searches as s on s.name = r.optimization_type
  where r.job_id = p_job_id and not s.windows
  order by r.id limit 1;
  select p.total into v_total from desk.run_progress as p where p.optimization_run_id = v_base.id;
  if v_total > 0 then
    select g.space into v_space from desk.search_generations as g where g.optimization_run_id = v_base.id
      and g.generation = 1;
    v_points := array(
      select k.parameters
      from desk.point_parameters(v_base.id, array(
        select distinct 1 + (v_total - 1) * i / greatest(p_points - 1, 1) from generate_series(0, p_points - 1) as i))
          as k
      order by k.ordinal);
  else
    v_space := desk.run_space(v_base.id);
    v_points := desk.drawn_points(v_base.id, v_space, p_points);
  end if;
  insert into desk.optimization_runs (
    strategy_id, job_id, role, config_file, config, optimization_type, target_metric, target_direction,
    total_combinations,
    priority, run_after, symbols, timeframe, start_date, end_date, cash, risk_free_rate, engine, seed, data_hash,
    warm_up_bars,
    settings_hash, sessions_a_year, contract_terms, created_by)
  values (v_base.strategy_id, p_job_id, 'pilot', v_base.config_file,
    v_base.config || jsonb_build_object('keep_series', case v_base.config ->> 'keep_series' when 'all' then 'all'
    else 'passed' end), 'Grid Search',
    v_base.target_metric, v_base.target_direction, 1, v_base.priority, v_base.run_after, v_base.symbols,
    v_base.timeframe,
    v_base.start_date, v_base.end_date, v_base.cash, v_base.risk_free_rate, v_base.engine, v_base.seed,
    v_base.data_hash,
    v_base.warm_up_bars, v_base.settings_hash, v_base.sessions_a_year, v_base.contract_terms, v_base.created_by)
  returning id into v_run_id;
  insert into desk.run_symbols (optimization_run_id, position, instrument_id, price_version_id, zone, day_begins,
    own_day)
  select v_run_id, s.position, s.instrument_id, s.price_version_id, s.zone, s.day_begins, s.own_day
  from desk.run_symbols as s
  where s.optimization_run_id = v_base.id;
  -- By the criteria of the search, so that what passes there comes with its curve.
  insert into desk.success_criteria (optimization_run_id, metric, comparison, threshold, source)
  select v_run_id, c.metric, c.comparison, c.threshold, c.source from desk.success_criteria as c
    where c.optimization_run_id = v_base.id;
  perform desk.add_points(v_run_id, v_space, v_points);
  return v_run_id;
end
$$;
comment on function desk.plan_pilot(bigint, integer) is
  'A run of a few points of a job, so that its fees can be estimated; the search itself reuses them.';

create or replace function desk.guard_fees(p_job_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_estimate desk.estimates := desk.estimate_job(p_job_id);
  v_pilot    constant integer := (desk.setting('pilot_points') #>> '{}')::integer;
begin
  if v_estimate.verdict = 'too dear' then
    perform desk.refuse(desk.too_dear(v_estimate), '$.commission',
      (select desk.fee_advice(j.canonical_config -> 'commission') from desk.jobs as j where j.id = p_job_id)
        || '; or insert the job with force true.');
  elsif v_estimate.verdict = 'held' and (v_pilot < 2 or v_estimate.combinations <= 2 * v_pilot) then
    v_estimate.verdict := 'fine';
  elsif v_estimate.verdict = 'held' then
    v_estimate.pilot_run_id := desk.plan_pilot(p_job_id, v_pilot);
    update desk.optimization_runs set paused = true where job_id = p_job_id and role <> 'pilot';
    update desk.jobs
    set state = 'held', summary = format('held: nothing is known of its fees; %s pilot points tell them first', v_pilot)
    where id = p_job_id;
    raise notice 'Job % is held: nothing is known of its fees; % pilot points tell them first', p_job_id, v_pilot;
  elsif v_estimate.verdict = 'forced' then
    insert into desk.job_events (job_id, event, details)
    values (p_job_id, 'job', jsonb_strip_nulls(jsonb_build_object('forced', true, 'fee_pct_median',
      v_estimate.fee_pct_median)));
  end if;
  insert into desk.estimates select (v_estimate).*;
end
$$;
comment on function desk.guard_fees(bigint) is
  'Refuses a job whose fees are estimated above max_fee_pct; holds one of which nothing is known while a few pilot '
  'points run.';

create or replace function desk.job_follows_pilot(p_pilot desk.optimization_runs)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_job      desk.jobs;
  v_estimate desk.estimates;
  v_error    text;
begin
  select j.* into v_job from desk.jobs as j where j.id = p_pilot.job_id for no key update;
  if v_job.state <> 'held' or p_pilot.status not in ('completed', 'failed') then
    return;
  end if;
  v_estimate := desk.estimate_job(v_job.id);
  v_error := case
    when p_pilot.status = 'failed' then 'The pilot points failed: ' || p_pilot.error
    when v_estimate.verdict = 'too dear' then desk.too_dear(v_estimate) end;
  update desk.estimates
  set based_on = v_estimate.based_on, seconds = v_estimate.seconds, trades_median = v_estimate.trades_median,
      trades_worst = v_estimate.trades_worst, fee_pct_median = v_estimate.fee_pct_median,
      fee_pct_worst = v_estimate.fee_pct_worst,
      verdict = case when v_estimate.verdict = 'held' then 'fine' else v_estimate.verdict end, estimated_at = now()
  where job_id = v_job.id;
  if v_error is not null then
    perform desk.close_run(r.id, 'failed', v_error)
    from (
      select o.id from desk.optimization_runs as o
      where o.job_id = v_job.id and o.is_open and o.id <> p_pilot.id order by o.id
    ) as r;
    return;
  end if;
  update desk.jobs set state = 'waiting', summary = null where id = v_job.id;
  update desk.optimization_runs set paused = false where job_id = v_job.id and is_open;
  update desk.run_progress set due = true
  where optimization_run_id in (select r.id from desk.optimization_runs as r where r.job_id = v_job.id
    and r.is_open);
  notify desk_work;
end
$$;
comment on function desk.job_follows_pilot(desk.optimization_runs) is
  'When the pilot points are in: the held job goes on, or is refused because its fees are too high or its points fail.';

create or replace function desk.estimate(p_config jsonb, p_strategy text default null)
returns table (
  combinations bigint, at_most bigint, seconds double precision, processes bigint, wall_time interval, based_on bigint,
  trades_median double precision, trades_worst double precision, fee_pct_median double precision,
  fee_pct_worst double precision,
  max_fee_pct double precision, verdict text, message text)
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job_id   bigint;
  v_estimate desk.estimates;
  v_advice   text;
begin
  -- The very insert, taken back: what it would refuse is refused here too, and the counts are those of its plan.
  begin
    perform set_config('desk.estimating', 'on', true);
    insert into desk.jobs (strategy, config) values (p_strategy, p_config) returning id into v_job_id;
    v_estimate := desk.estimate_job(v_job_id);
    v_advice := (select desk.fee_advice(j.canonical_config -> 'commission') from desk.jobs as j where j.id = v_job_id);
    raise exception using errcode = 'BD000', message = 'estimated';
  exception when sqlstate 'BD000' then
    null;
  end;
  combinations := v_estimate.combinations;
  at_most := v_estimate.at_most;
  seconds := v_estimate.seconds;
  select coalesce(sum(r.processes), 0) into processes from desk.alive_runners() as r;
  wall_time := date_trunc('second', make_interval(secs => seconds / nullif(processes, 0)) + interval '0.999 s');
  based_on := v_estimate.based_on;
  trades_median := v_estimate.trades_median;
  trades_worst := v_estimate.trades_worst;
  fee_pct_median := v_estimate.fee_pct_median;
  fee_pct_worst := v_estimate.fee_pct_worst;
  max_fee_pct := v_estimate.max_fee_pct;
  verdict := v_estimate.verdict;
  message := case v_estimate.verdict
    when 'too dear' then desk.too_dear(v_estimate) || '. ' || v_advice || '.'
    when 'held' then 'Nothing is known of this strategy on such bars: a few pilot points run first.'
    when 'no fees' then 'No commission: nothing to guard.'
    else format('Fees of %s of the capital are to be expected (worst %s).',
      desk.show_number(fee_pct_median, 'fraction', 1), desk.show_number(fee_pct_worst, 'fraction', 1)) end;
  return next;
end
$$;
comment on function desk.estimate(jsonb, text) is
  'What a job would be, without queueing it: select * from estimate(''{...}''). Combinations, time, trades and fees, '
  'and what the fee guard would say.';
grant execute on function desk.estimate(jsonb, text) to desk_director;

grant select on desk.estimates to desk_director, desk_viewer;
