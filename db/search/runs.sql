-- The life of a run: work is cut, the next points are planned, a complete run is closed.

create or replace function desk.withdraw_work(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_items bigint[];
begin
  -- One branch an index; locked in id order, as whoever locks several items does.
  v_items := array(
    select w.id from desk.work_items as w
    where w.optimization_run_id = p_run_id and w.kind = 'points' and w.state = 'waiting' and w.attempt = 1
    union all
    select w.id from desk.work_items as w
    where w.optimization_run_id = p_run_id and w.kind = 'points' and w.state = 'waiting' and w.attempt > 1
    union all
    select w.id from desk.work_items as w where w.optimization_run_id = p_run_id and w.kind <> 'points'
      and w.state = 'waiting'
    union all
    select w.id from desk.work_items as w where w.optimization_run_id = p_run_id and w.state = 'leased');
  perform from desk.work_items as w where w.id = any (v_items) order by w.id for update;
  update desk.work_items
  set state = 'cancelled', token = null, lease_until = null, deadline_at = null
  where id = any (v_items) and state in ('waiting', 'leased');
end
$$;
comment on function desk.withdraw_work(bigint) is
  'Nobody is to work on a run any more: what waits is not handed out, what is held is lost.';

create or replace function desk.close_run(p_run_id bigint, p_status text, p_error text default null)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_progress desk.run_progress;
  v_status   text := p_status;
  v_error    text := p_error;
begin
  select p.* into v_progress from desk.run_progress as p where p.optimization_run_id = p_run_id for update;
  perform desk.withdraw_work(p_run_id);
  -- A search in which nothing ran says nothing about the strategy.
  if p_status = 'completed' and v_progress.finished = 0 and v_progress.failed > 0 then
    v_status := 'failed';
    select format('All %s points failed. %s', v_progress.failed, left(b.error, 500)) into v_error
    from desk.full_results as b
    where b.optimization_run_id = p_run_id
    group by b.error order by count(*) desc, b.error limit 1;
  end if;
  -- The one result of a walk-forward is kept with its curve, also where it is not the best of anything.
  if (select r.config ->> 'keep_series' from desk.optimization_runs as r
    where r.id = p_run_id and r.optimization_type <> 'Walk-Forward') = 'best'
  then
    delete from desk.equity_curves as e using desk.full_results as b
    where b.id = e.backtest_result_id and b.optimization_run_id = p_run_id
      and not b.passed and b.id is distinct from v_progress.best_result_id;
    delete from desk.trades as t using desk.full_results as b
    where b.id = t.backtest_result_id and b.optimization_run_id = p_run_id
      and not b.passed and b.id is distinct from v_progress.best_result_id;
  end if;
  -- Before a strategy is locked: it reads every point.
  perform desk.write_sensitivity(p_run_id);
  perform desk.judge_family(p_run_id);
  update desk.optimization_runs
  set status = v_status,
      summary = case when v_status = 'cancelled'
        then (
          select format('cancelled after %s of %s: ', sum(p.finished + p.failed), sum(p.total))
          from desk.optimization_runs as r join desk.run_progress as p on p.optimization_run_id = r.id
          where r.id = p_run_id or r.parent_run_id = p_run_id) else '' end
        || desk.runs_summary(array[p_run_id]) || desk.folds_summary(p_run_id),
      error = v_error,
      flags = desk.flags_of(p_run_id),
      best_on_edge = desk.best_on_edge(p_run_id)
  where id = p_run_id;
  update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
end
$$;
comment on function desk.close_run(bigint, text, text) is
  'Closes a run: its work is withdrawn, its summary and flags are written, strategy and job follow.';

create or replace function desk.cut_work(p_run_id bigint)
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_progress  desk.run_progress;
  v_waiting   integer;
  v_want      integer := (desk.setting('waiting_items') #>> '{}')::integer;
  v_processes integer;
  v_item      double precision := (desk.setting('item_seconds') #>> '{}')::float8;
  v_most      double precision := (desk.setting('max_item_points') #>> '{}')::float8;
  v_least     double precision;
  v_fill      double precision;
  v_seconds   double precision;
  v_made      integer;
  v_cut       bigint;
begin
  select p.* into v_progress from desk.run_progress as p where p.optimization_run_id = p_run_id;
  select count(*) into v_waiting
  from (
    select from desk.work_items as w
    where w.optimization_run_id = p_run_id and w.id >= v_progress.claim_from and w.attempt = 1 and w.kind = 'points'
      and w.state = 'waiting'
    order by w.id
    limit v_want
  ) as w;
  if v_progress.cut >= v_progress.total or v_waiting > v_want / 2 then
    return 0;
  end if;
  select greatest(2, coalesce(sum(r.processes), 0)) into v_processes from desk.alive_runners() as r;
  if (select r.bulk from desk.optimization_runs as r where r.id = p_run_id) then
    v_most := (desk.setting('max_bulk_item_points') #>> '{}')::float8;
  end if;
  -- The points of an item share what they compute, so items are large; but each takes only its share of what is
  -- left, so that they get smaller and the last ones end together (guided self-scheduling, Polychronopoulos and
  -- Kuck 1987). Until the run's own points say how long they take, its strategy's last run does, and only so much
  -- is cut that the rest can be cut by what is known then.
  if v_progress.finished > 0 then
    v_seconds := v_progress.results_seconds / v_progress.finished;
  else
    select p.results_seconds / p.finished into v_seconds
    from desk.optimization_runs as this
    join desk.optimization_runs as r on r.strategy_id = this.strategy_id
    join desk.run_progress as p on p.optimization_run_id = r.id and p.finished > 0
    where this.id = p_run_id
    order by r.id desc
    limit 1;
    v_want := least(v_want, v_waiting + greatest(16, 4 * v_processes));
    v_most := least(v_most, case when v_seconds is null then 2 else 32 end
      * case when v_most > 1000 then 500 else 1 end);
  end if;
  v_fill := v_item / greatest(v_seconds, 0.00001);
  v_most := greatest(least(v_most, v_fill), 1);
  -- Less is not worth a process, unless another one would have nothing to do.
  v_least := least(v_most, case when v_seconds is null then (v_progress.total - v_progress.cut) / 16
    else least(v_fill / 20, ceil((v_progress.total - v_progress.cut)::float8 / v_processes)) end);
  with recursive pieces (first, points) as (
    select v_progress.cut + 1, 0::bigint
    union all
    select p.first + p.points, greatest(1, v_least, least(v_most, remaining.points / (2 * v_processes)))::bigint
    from pieces as p
    cross join lateral (select v_progress.total - p.first - p.points + 1 as points) as remaining
    where remaining.points > 0
  ), made as (
    insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
    select p_run_id, p.first, least(p.first + p.points - 1, v_progress.total)
    from (select p.first, p.points from pieces as p where p.points > 0 limit v_want - v_waiting) as p
    order by p.first
    returning last_ordinal
  )
  select count(*), coalesce(max(m.last_ordinal), v_progress.cut) into v_made, v_cut from made as m;
  update desk.run_progress set cut = v_cut, updated_at = now() where optimization_run_id = p_run_id;
  return v_made;
end
$$;
comment on function desk.cut_work(bigint) is 'Tops up a run''s waiting work items; answers how many were made.';

drop function if exists desk.advance_run(bigint);
create or replace function desk.advance_run(p_run_id bigint, out planned boolean)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  planned := false;
  perform desk.cut_work(p_run_id);
  update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
  if not exists (select from desk.run_progress as p where p.optimization_run_id = p_run_id
    and p.finished + p.failed >= p.total) then
    return;
  end if;
  planned := true;
  case desk.plan_next(p_run_id)
    when 'over' then perform desk.close_run(p_run_id, 'completed');
    when 'planned' then perform desk.cut_work(p_run_id);
    when 'asked' then null;
  end case;
end
$$;
comment on function desk.advance_run(bigint) is
  'Tops up a run''s work; when every point is recorded, plans the next generation or closes the run, and says so.';

create or replace function desk.fail_planning(p_run_id bigint, p_error text)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_error constant text := 'Planning failed: ' || p_error;
  v_again text;
begin
  perform desk.close_run(p_run_id, 'failed', v_error);
exception
  when transaction_rollback or insufficient_resources or object_not_in_prerequisite_state or operator_intervention
    or system_error then
    raise;
  when others then
    -- What could not be planned may be what cannot be summed up, either. Whatever happens, no run may stop the runners.
    v_again := sqlerrm;
    begin
      perform desk.withdraw_work(p_run_id);
      update desk.optimization_runs set status = 'failed', error = format('%s; closing failed: %s', v_error, v_again)
        where id = p_run_id;
    exception when others then
      insert into desk.job_events (job_id, optimization_run_id, event, details)
      select r.job_id, r.id, 'failure', jsonb_build_object('kind', 'planning', 'error',
        format('%s; %s; %s', v_error, v_again, sqlerrm))
      from desk.optimization_runs as r where r.id = p_run_id;
    end;
    update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
end
$$;
comment on function desk.fail_planning(bigint, text) is
  'Fails a run that could not be planned or closed; with fewer words where even that cannot be done properly.';

create or replace function desk.advance_runs(p_runner_id bigint)
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run_id  bigint;
  v_planned boolean;
  v_count   integer := 0;
begin
  for v_run_id in
    select p.optimization_run_id
    from desk.run_progress as p
    join desk.optimization_runs as r on r.id = p.optimization_run_id
    where p.due and r.is_open and not r.imported and not r.paused and r.run_after <= now()
    order by r.priority desc, r.id
    limit 50
  loop
    perform from desk.run_progress as p where p.optimization_run_id = v_run_id and p.due for no key update skip locked;
    continue when not found;
    -- Asked again under the lock.
    continue when not exists (
      select from desk.optimization_runs as r where r.id = v_run_id and r.is_open
        and not r.paused);
    begin
      v_planned := desk.advance_run(v_run_id);
    exception
      when transaction_rollback or insufficient_resources or object_not_in_prerequisite_state or operator_intervention
        or system_error then
        raise;
      when others then
        v_planned := true;
        perform desk.fail_planning(v_run_id, sqlerrm);
    end;
    v_count := v_count + 1;
    -- Closing a run locks its strategy and its job: two sessions that went on to further runs could wait for each
    -- other.
    exit when v_planned;
  end loop;
  return v_count;
end
$$;
comment on function desk.advance_runs(bigint) is
  'Looks after the runs that are due: tops up work, plans or closes at most one that is complete, so it is to be '
  'called until it answers 0. A run whose planning fails is failed with the reason; its results stay.';
grant execute on function desk.advance_runs(bigint) to desk_runner;

create or replace function desk.tg_runs_sessions()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  new.sessions_a_year := desk.sessions_a_year(new.symbols, new.timeframe);
  return new;
end
$$;
comment on function desk.tg_runs_sessions() is 'How many sessions a year an imported run has that does not say it.';
create or replace trigger optimization_runs_b_sessions before insert on desk.optimization_runs
for each row when (new.sessions_a_year is null) execute function desk.tg_runs_sessions();

grant select on desk.optimization_runs, desk.run_progress, desk.search_generations, desk.search_axes, desk.run_symbols,
  desk.success_criteria, desk.job_events to desk_director, desk_viewer;
grant update (notes, tags) on desk.optimization_runs to desk_director;
grant insert, delete, update (comparison, threshold) on desk.success_criteria to desk_director;
grant select on desk.optimization_runs to desk_importer;
grant insert (strategy_id, config_file, optimization_type, target_metric, total_combinations, status, symbols,
  timeframe,
  start_date, end_date, cash, engine, notes, tags, sessions_a_year)
  on desk.optimization_runs to desk_importer, desk_director;
