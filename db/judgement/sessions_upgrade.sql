-- What an older version judged by 252 sessions a year is judged again by its own.

create or replace function desk.place_instruments_from_before()
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_found record;
begin
  for v_found in
    select i.id, i.calendar, case when i.calendar <> 'XNYS' then i.calendar else (
        select desk.calendar_of_bars(array(
            select distinct b.bar_time from desk.bars as b
            where b.instrument_id = i.id and b.timeframe = v.timeframe), v.timeframe)
        from desk.price_versions as v
        where v.instrument_id = i.id
        order by v.timeframe <> '1d', v.id
        limit 1) end as found
    from desk.instruments as i
    where i.calendar_by is null
    order by i.id
  loop
    if v_found.found is null then
      update desk.instruments as i set calendar_by = 'default' where i.id = v_found.id;
    else
      perform desk.place_instrument(v_found.id, v_found.found, null,
        case when v_found.calendar = 'XNYS' then 'bars' else 'told' end);
    end if;
    update desk.price_versions as v
    set utc_sessions = desk.cut_by_utc(v.instrument_id, v.timeframe, v.version)
    where v.instrument_id = v_found.id and v.timeframe !~ '(d|w|mo)$';
  end loop;
end
$$;
comment on function desk.place_instruments_from_before() is
  'Gives instruments from before they had a calendar the one that their bars tell.';

create or replace function desk.judge_years_again()
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_runs bigint[];
  v_run  record;
  v_now  record;
  v_done integer := 0;
begin
  perform desk.place_instruments_from_before();
  with found as (
    update desk.optimization_runs as r
    set sessions_a_year = desk.sessions_a_year(r.symbols, r.timeframe, (
          select e.sessions
          from desk.full_results as b
          join desk.equity_curves as e on e.backtest_result_id = b.id
          where b.optimization_run_id = r.id and r.imported
          order by b.id limit 1)),
        -- Sessions that were cut cannot be put together again.
        flags = array(
          select distinct u.flag
          from unnest(r.flags || case when r.closed_at is not null then desk.session_flags(r.id) end) as u (flag)
          order by u.flag)
    where r.sessions_a_year is null
    returning r.id, r.sessions_a_year
  )
  select array_agg(f.id order by f.id) into v_runs from found as f where f.sessions_a_year <> 252;
  for v_run in
    select r.id, r.job_id, r.status, r.summary, r.sessions_a_year, p.passed, p.best_result_id, p.best_value
    from desk.optimization_runs as r
    join desk.run_progress as p on p.optimization_run_id = r.id
    where r.id = any (v_runs) and exists (
      select from desk.full_results as b where b.optimization_run_id = r.id and b.outcome = 'finished')
    -- Folds first: what their run says of itself is made of them.
    order by r.parent_run_id is null, r.role = 'in_sample' desc, r.id
  loop
    -- Ratios first: the figures of the family are made of them.
    update desk.full_results set passed = passed
    where optimization_run_id = v_run.id and outcome = 'finished';
    update desk.walk_forward_folds as f
    set efficiency = case when c.annual_return > 0 then o.annual_return / c.annual_return end
    from desk.full_results as o, desk.full_results as c
    where f.out_of_sample_run_id = v_run.id and o.id = f.out_of_sample_result_id and c.id = f.chosen_result_id;
    perform desk.rejudge_run(v_run.id);
    select r.summary, p.passed, p.best_result_id, p.best_value into v_now
    from desk.optimization_runs as r
    join desk.run_progress as p on p.optimization_run_id = r.id
    where r.id = v_run.id;
    insert into desk.job_events (job_id, optimization_run_id, event, from_state, to_state, details)
    values (v_run.job_id, v_run.id, 'judged again', v_run.status, v_run.status, jsonb_build_object(
      'sessions_a_year', jsonb_build_array(252, v_run.sessions_a_year),
      'passed', jsonb_build_array(v_run.passed, v_now.passed),
      'best_result', jsonb_build_array(v_run.best_result_id, v_now.best_result_id),
      'best_value', jsonb_build_array(v_run.best_value, v_now.best_value),
      'summary', jsonb_build_array(v_run.summary, v_now.summary)));
    v_done := v_done + 1;
  end loop;
  return v_done;
end
$$;
comment on function desk.judge_years_again() is
  'Tells runs from before it was asked how many sessions a year they have, and judges those again that have not 252; '
  'an event of each says what moved, from and to. Answers how many.';

do $$
begin
  if exists (select from desk.optimization_runs as r where r.sessions_a_year is null)
    or exists (select from desk.instruments as i where i.calendar_by is null)
  then
    perform desk.judge_years_again();
  end if;
end
$$;
