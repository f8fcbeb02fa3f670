-- The life of a run: prepared, started, advanced, closed; the job and the strategy follow by trigger.

create or replace function desk.summary_text(
  p_finished bigint, p_passed bigint, p_failed bigint, p_best_sharpe double precision)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('%s runs complete, %s passed, best Sharpe: %s%s', p_finished, p_passed,
    coalesce((round(p_best_sharpe::numeric, 1) + 0.0)::text, 'n/a'),
    case when p_failed > 0 then format(', %s failed', p_failed) else '' end)
$$;
comment on function desk.summary_text(bigint, bigint, bigint, double precision) is 'The desk''s line: 72 runs complete, 3 passed, best Sharpe: 1.8';
revoke execute on function desk.summary_text(bigint, bigint, bigint, double precision) from public;

create or replace function desk.runs_summary(p_run_ids bigint[])
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select desk.summary_text(
    count(*) filter (where b.outcome = 'finished' and r.optimization_type <> 'Walk-Forward'),
    count(*) filter (where b.passed and r.parent_run_id is null),
    count(*) filter (where b.outcome = 'failed'),
    coalesce(max(b.sharpe_ratio) filter (where b.passed and r.parent_run_id is null),
      max(b.sharpe_ratio) filter (where r.parent_run_id is null)))
  from desk.optimization_runs as r
  join desk.backtest_results as b on b.optimization_run_id = r.id
  where r.id = any (p_run_ids) or r.parent_run_id = any (p_run_ids)
$$;
comment on function desk.runs_summary(bigint[]) is
  'Summary over runs: the best Sharpe is over the passed, else over all, else n/a. Of a walk-forward run the backtests of all folds are counted, and the stitched test is judged.';
revoke execute on function desk.runs_summary(bigint[]) from public;
grant execute on function desk.runs_summary(bigint[]) to desk_director, desk_viewer;

create or replace function desk.folds_summary(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select case when count(*) = 0 then '' else format('; %s folds, %s profitable%s%s', count(*), count(*) filter (where b.total_return > 0),
    case when count(*) filter (where f.state = 'cash') > 0 then format(', %s in cash', count(*) filter (where f.state = 'cash')) end,
    ', efficiency ' || round((avg(b.annual_return) / nullif(avg(c.annual_return), 0))::numeric, 2)) end
  from desk.walk_forward_folds as f
  left join desk.backtest_results as b on b.id = f.out_of_sample_result_id
  left join desk.backtest_results as c on c.id = f.chosen_result_id
  where f.optimization_run_id = p_run_id
$$;
comment on function desk.folds_summary(bigint) is 'The folds of a walk-forward run in a few words; empty for any other run.';
revoke execute on function desk.folds_summary(bigint) from public;

create or replace function desk.best_on_edge(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  -- Edges are those of all generations together: what was searched at all.
  select coalesce(array_agg(s.item ->> 'name' order by s.position), '{}')
  from desk.run_progress as p
  join desk.backtest_results as b on b.id = p.best_result_id
  join desk.search_generations as g on g.optimization_run_id = p.optimization_run_id and g.generation = 1
  cross join lateral jsonb_array_elements(g.space) with ordinality as s (item, position)
  cross join lateral (
    select min(e.value) as lowest, max(e.value) as highest
    from desk.search_generations as h
    cross join lateral jsonb_array_elements(h.space) as t (item)
    cross join lateral (
      select (v.value #>> '{}')::numeric from jsonb_array_elements(t.item -> 'values') as v (value) where jsonb_typeof(v.value) = 'number'
      union all
      select u.value from (values ((t.item ->> 'start')::numeric),
        (coalesce((t.item ->> 'end')::numeric, (t.item ->> 'start')::numeric + (t.item ->> 'step')::numeric * ((t.item ->> 'count')::numeric - 1)))) as u (value)
    ) as e (value)
    where h.optimization_run_id = p.optimization_run_id and t.item ->> 'name' = s.item ->> 'name'
  ) as r
  where p.optimization_run_id = p_run_id
    and coalesce((s.item ->> 'count')::bigint, 2) > 1
    and jsonb_typeof(b.parameters -> (s.item ->> 'name')) = 'number'
    and (b.parameters ->> (s.item ->> 'name'))::numeric in (r.lowest, r.highest)
$$;
comment on function desk.best_on_edge(bigint) is 'Parameters whose best value lies on the edge of what was searched: a better one may lie beyond.';
revoke execute on function desk.best_on_edge(bigint) from public;

create or replace function desk.run_flags(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  select array_remove(array[
    case when count(*) > 0 and max(b.sessions) < 2 then 'no data' end,
    case when count(*) > 0 and max(b.total_trades) = 0 then 'no trades' end,
    case when count(*) > 1 and max(b.total_trades) > 0
      and count(distinct (b.ending_value, b.total_trades, b.total_orders, b.return_m2)) = 1
      then 'all points identical' end,
    case when count(*) > 1 and count(distinct b.ending_value) > 1 and cardinality(e.parameters) > 0
      then 'best on the edge: ' || array_to_string(e.parameters, ', ') end], null)
  from desk.best_on_edge(p_run_id) as e (parameters)
  left join desk.backtest_results as b on b.optimization_run_id = p_run_id and b.outcome = 'finished'
  group by e.parameters
$$;
comment on function desk.run_flags(bigint) is 'What looks wrong with a run: no data, no trades, all points identical (a parameter that nobody reads), best on the edge.';
revoke execute on function desk.run_flags(bigint) from public;

create or replace function desk.tg_runs_prepare()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_metric text := desk.metric_named(new.target_metric);
begin
  if v_metric is null then
    perform desk.refuse(format('Unknown metric %s', to_jsonb(new.target_metric)), '$.target_metric',
      desk.did_you_mean(new.target_metric, array(select d.title from desk.metric_definitions as d)), '23503');
  end if;
  new.target_metric := v_metric;
  if new.job_id is null then
    new.imported := true;
    if new.status not in ('pending', 'running') then
      perform desk.refuse(format('A run cannot be imported as %s', new.status), '$.status',
        'Insert it as running; it closes by itself when as many results as total_combinations are in.');
    end if;
    new.target_direction := (select d.direction from desk.metric_definitions as d where d.metric = v_metric);
    new.engine := coalesce(new.engine, (select s.engine from desk.strategies as s where s.id = new.strategy_id));
  end if;
  if new.status = 'running' then
    new.started_at := coalesce(new.started_at, now());
    new.strategy_status_before := (select s.status from desk.strategies as s where s.id = new.strategy_id);
  end if;
  return new;
end
$$;
comment on function desk.tg_runs_prepare() is 'Resolves names in a new run and marks one without a job as imported.';
revoke execute on function desk.tg_runs_prepare() from public;
create or replace trigger optimization_runs_a_prepare before insert on desk.optimization_runs
for each row execute function desk.tg_runs_prepare();

create or replace function desk.tg_runs_start()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if old.status in ('completed', 'failed', 'cancelled') and new.status <> 'running' then
    raise exception using errcode = '23514',
      message = format('Run %s is %s and cannot become %s', old.id, old.status, new.status);
  end if;
  if new.status = 'running' then
    new.started_at := coalesce(old.started_at, now());
    new.strategy_status_before := coalesce(old.strategy_status_before,
      (select s.status from desk.strategies as s where s.id = new.strategy_id));
    new.closed_at := null;
  elsif new.status in ('completed', 'failed', 'cancelled') then
    new.closed_at := now();
  end if;
  return new;
end
$$;
comment on function desk.tg_runs_start() is 'Stamps the times of a run and keeps it on its way.';
revoke execute on function desk.tg_runs_start() from public;
create or replace trigger optimization_runs_b_start before update of status on desk.optimization_runs
for each row when (old.status is distinct from new.status) execute function desk.tg_runs_start();

create or replace function desk.tg_runs_follow()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into desk.run_progress (optimization_run_id, total) values (new.id, case when new.imported then coalesce(new.total_combinations, 0) else 0 end);
    if new.imported then
      perform desk.set_criteria(new.id, null, null);
    end if;
  end if;
  insert into desk.job_events (job_id, optimization_run_id, event, from_state, to_state, details, actor)
  values (new.job_id, new.id, 'run', case when tg_op = 'UPDATE' then old.status end, new.status,
    jsonb_strip_nulls(jsonb_build_object('summary', new.summary, 'error', new.error)), session_user);
  if new.parent_run_id is not null then
    perform desk.parent_follows_child(new.parent_run_id, new.status);
    return null;
  elsif new.role = 'pilot' then
    perform desk.job_follows_pilot(new);
    return null;
  end if;
  if new.status = 'running' then
    perform desk.strategy_follows_start(new.strategy_id, new.id);
  elsif new.status in ('completed', 'failed', 'cancelled') then
    perform desk.strategy_follows_close(new.strategy_id, new.id);
  end if;
  if new.job_id is not null and tg_op = 'UPDATE' then
    perform desk.job_follows_runs(new.job_id);
  end if;
  return null;
end
$$;
comment on function desk.tg_runs_follow() is 'Writes the event of a run, and lets its strategy and its job follow.';
revoke execute on function desk.tg_runs_follow() from public;
create or replace trigger optimization_runs_c_made after insert on desk.optimization_runs
for each row execute function desk.tg_runs_follow();
create or replace trigger optimization_runs_d_moved after update of status on desk.optimization_runs
for each row when (old.status is distinct from new.status) execute function desk.tg_runs_follow();

create or replace function desk.parent_follows_child(p_parent_id bigint, p_child_status text)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if p_child_status = 'running' then
    update desk.optimization_runs set status = 'running' where id = p_parent_id and status in ('pending', 'failed');
  elsif p_child_status in ('completed', 'failed', 'cancelled') then
    update desk.run_progress set due = true where optimization_run_id = p_parent_id;
  end if;
end
$$;
comment on function desk.parent_follows_child(bigint, text) is 'A walk-forward run starts with its first part, and has something to do when a part ends.';
revoke execute on function desk.parent_follows_child(bigint, text) from public;

create or replace function desk.strategy_follows_start(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if (select s.status in ('backlog', 'rejected') from desk.strategies as s where s.id = p_strategy_id for no key update) then
    perform desk.move_strategy_by_run(p_strategy_id, 'testing', format('run %s started', p_run_id), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_start(bigint, bigint) is 'A strategy in the backlog or rejected is in testing once a run of it starts.';
revoke execute on function desk.strategy_follows_start(bigint, bigint) from public;

create or replace function desk.strategy_follows_close(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_status  text;
  v_run     desk.optimization_runs;
  v_passed  bigint;
  v_entered record;
begin
  -- The row lock lets two runs that close together follow one after the other.
  select s.status into v_status from desk.strategies as s where s.id = p_strategy_id for no key update;
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  select p.passed into v_passed from desk.run_progress as p where p.optimization_run_id = p_run_id;

  if v_run.status = 'completed' and v_passed > 0 then
    if v_run.optimization_type = 'Walk-Forward' and v_status in ('testing', 'passed') then
      perform desk.move_strategy_by_run(p_strategy_id, 'validated', v_run.summary, p_run_id);
    elsif v_status in ('testing', 'rejected') then
      perform desk.move_strategy_by_run(p_strategy_id, 'passed', v_run.summary, p_run_id);
    end if;
    return;
  end if;
  if v_status <> 'testing' or exists (
    select from desk.optimization_runs as r
    where r.strategy_id = p_strategy_id and r.status = 'running' and r.role = 'search' and r.id <> p_run_id)
  then
    return;
  end if;
  select e.id, e.from_status, e.happened_at into v_entered
  from desk.strategy_events as e
  where e.strategy_id = p_strategy_id and e.to_status = 'testing'
  order by e.id desc limit 1;
  if v_run.status = 'completed' or exists (
    select from desk.job_events as e join desk.optimization_runs as r on r.id = e.optimization_run_id
    where r.strategy_id = p_strategy_id and e.event = 'run' and e.to_state = 'completed' and e.happened_at > v_entered.happened_at)
  then
    perform desk.move_strategy_by_run(p_strategy_id, 'rejected', coalesce(v_run.summary, v_run.error), p_run_id);
  elsif v_entered.from_status in ('backlog', 'rejected') then
    perform desk.move_strategy_by_run(p_strategy_id, v_entered.from_status,
      format('run %s was %s', p_run_id, v_run.status), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_close(bigint, bigint) is
  'Testing becomes passed with a passing result (validated, when it was a walk-forward), rejected with none once no other run is under way; a run that was cancelled or failed puts the strategy back.';
revoke execute on function desk.strategy_follows_close(bigint, bigint) from public;

create or replace function desk.job_follows_runs(p_job_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_job  desk.jobs;
  v_runs record;
begin
  select j.* into v_job from desk.jobs as j where j.id = p_job_id for no key update;
  select count(*) filter (where r.status in ('pending', 'running')) as open,
         count(*) filter (where r.status = 'running') as running,
         count(*) filter (where r.status = 'completed') as completed,
         count(*) filter (where r.status = 'cancelled') as cancelled,
         string_agg(distinct r.error, '; ') filter (where r.status = 'failed') as error,
         count(*) as total, min(r.summary) as summary, array_agg(r.id) as ids
  into v_runs
  from desk.optimization_runs as r where r.job_id = p_job_id and r.role = 'search';
  if v_runs.open > 0 then
    if (v_runs.running > 0 or v_runs.open < v_runs.total) and v_job.state not in ('running', 'paused') then
      update desk.jobs
      set state = 'running', started_at = coalesce(started_at, now()), finished_at = null, summary = null, error = null
      where id = p_job_id;
    end if;
    return;
  end if;
  update desk.jobs
  set state = case
        when v_runs.error is not null then 'failed'
        when v_runs.completed > 0 then 'done'
        else 'cancelled' end,
      summary = case when v_runs.total = 1 then v_runs.summary else desk.runs_summary(v_runs.ids) end,
      error = v_runs.error,
      finished_at = now()
  where id = p_job_id;
end
$$;
comment on function desk.job_follows_runs(bigint) is 'Brings a job to the state that its runs are in, with the summary over all of them.';
revoke execute on function desk.job_follows_runs(bigint) from public;

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
    select w.id from desk.work_items as w where w.optimization_run_id = p_run_id and w.kind <> 'points' and w.state = 'waiting'
    union all
    select w.id from desk.work_items as w where w.optimization_run_id = p_run_id and w.state = 'leased');
  perform from desk.work_items as w where w.id = any (v_items) order by w.id for update;
  update desk.work_items
  set state = 'cancelled', token = null, lease_until = null, deadline_at = null
  where id = any (v_items) and state in ('waiting', 'leased');
end
$$;
comment on function desk.withdraw_work(bigint) is 'Nobody is to work on a run any more: what waits is not handed out, what is held is lost.';
revoke execute on function desk.withdraw_work(bigint) from public;

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
    from desk.backtest_results as b
    where b.optimization_run_id = p_run_id
    group by b.error order by count(*) desc, b.error limit 1;
  end if;
  if (select r.config ->> 'keep_series' from desk.optimization_runs as r where r.id = p_run_id) = 'best' then
    delete from desk.equity_curves as e using desk.backtest_results as b
    where b.id = e.backtest_result_id and b.optimization_run_id = p_run_id
      and not b.passed and b.id is distinct from v_progress.best_result_id;
    delete from desk.trades as t using desk.backtest_results as b
    where b.id = t.backtest_result_id and b.optimization_run_id = p_run_id
      and not b.passed and b.id is distinct from v_progress.best_result_id;
  end if;
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
      flags = desk.run_flags(p_run_id),
      best_on_edge = desk.best_on_edge(p_run_id)
  where id = p_run_id;
  update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
end
$$;
comment on function desk.close_run(bigint, text, text) is 'Closes a run: its work is withdrawn, its summary and flags are written, strategy and job follow.';
revoke execute on function desk.close_run(bigint, text, text) from public;

create or replace function desk.cut_work(p_run_id bigint)
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_progress desk.run_progress;
  v_waiting  integer;
  v_want     integer := (desk.setting('waiting_items') #>> '{}')::integer;
  v_points   bigint;
  v_made     integer;
begin
  select p.* into v_progress from desk.run_progress as p where p.optimization_run_id = p_run_id;
  select count(*) into v_waiting
  from desk.work_items as w
  where w.optimization_run_id = p_run_id and w.id >= v_progress.claim_from and w.attempt = 1 and w.kind = 'points' and w.state = 'waiting';
  if v_progress.cut >= v_progress.total or v_waiting > v_want / 2 then
    return 0;
  end if;
  -- As many points an item as fill item_seconds, few enough that the last items still feed every process.
  v_points := case when v_progress.finished = 0 then 2
    else (desk.setting('item_seconds') #>> '{}')::float8 / greatest(v_progress.results_seconds / v_progress.finished, 0.0001) end;
  v_points := least(v_points, (desk.setting('max_item_points') #>> '{}')::bigint, (v_progress.total - v_progress.cut) / 16);
  v_points := greatest(v_points, 1);
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
  select p_run_id, f.first, least(f.first + v_points - 1, v_progress.total)
  from generate_series(v_progress.cut + 1, v_progress.total, v_points) as f (first)
  order by f.first
  limit v_want - v_waiting;
  get diagnostics v_made = row_count;
  update desk.run_progress
  set cut = least(v_progress.total, v_progress.cut + v_made * v_points), updated_at = now()
  where optimization_run_id = p_run_id;
  return v_made;
end
$$;
comment on function desk.cut_work(bigint) is 'Tops up a run''s waiting work items; answers how many were made.';
revoke execute on function desk.cut_work(bigint) from public;

drop function if exists desk.advance_run(bigint);
create or replace function desk.advance_run(p_run_id bigint, out planned boolean)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  planned := false;
  perform desk.cut_work(p_run_id);
  update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
  if not exists (select from desk.run_progress as p where p.optimization_run_id = p_run_id and p.finished + p.failed >= p.total) then
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
revoke execute on function desk.advance_run(bigint) from public;

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
  when transaction_rollback or insufficient_resources or object_not_in_prerequisite_state or operator_intervention or system_error then
    raise;
  when others then
    -- What could not be planned may be what cannot be summed up, either. Whatever happens, no run may stop the runners.
    v_again := sqlerrm;
    begin
      perform desk.withdraw_work(p_run_id);
      update desk.optimization_runs set status = 'failed', error = format('%s; closing failed: %s', v_error, v_again) where id = p_run_id;
    exception when others then
      insert into desk.job_events (job_id, optimization_run_id, event, details)
      select r.job_id, r.id, 'failure', jsonb_build_object('kind', 'planning', 'error', format('%s; %s; %s', v_error, v_again, sqlerrm))
      from desk.optimization_runs as r where r.id = p_run_id;
    end;
    update desk.run_progress set due = false, updated_at = now() where optimization_run_id = p_run_id;
end
$$;
comment on function desk.fail_planning(bigint, text) is 'Fails a run that could not be planned or closed; with fewer words where even that cannot be done properly.';
revoke execute on function desk.fail_planning(bigint, text) from public;

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
    where p.due and r.status in ('pending', 'running') and not r.imported and not r.paused and r.run_after <= now()
    order by r.priority desc, r.id
    limit 50
  loop
    perform from desk.run_progress as p where p.optimization_run_id = v_run_id and p.due for no key update skip locked;
    continue when not found;
    -- Asked again under the lock.
    continue when not exists (
      select from desk.optimization_runs as r where r.id = v_run_id and r.status in ('pending', 'running') and not r.paused);
    begin
      v_planned := desk.advance_run(v_run_id);
    exception
      when transaction_rollback or insufficient_resources or object_not_in_prerequisite_state or operator_intervention or system_error then
        raise;
      when others then
        v_planned := true;
        perform desk.fail_planning(v_run_id, sqlerrm);
    end;
    v_count := v_count + 1;
    -- Closing a run locks its strategy and its job: two sessions that went on to further runs could wait for each other.
    exit when v_planned;
  end loop;
  return v_count;
end
$$;
comment on function desk.advance_runs(bigint) is
  'Looks after the runs that are due: tops up work, plans or closes at most one that is complete, so it is to be called until it answers 0. A run whose planning fails is failed with the reason; its results stay.';
revoke execute on function desk.advance_runs(bigint) from public;
grant execute on function desk.advance_runs(bigint) to desk_runner;

create or replace function desk.rejudge_run(p_run_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_run    desk.optimization_runs;
  v_passed bigint;
begin
  perform from desk.run_progress as p where p.optimization_run_id = p_run_id for update;
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id for no key update;
  if not found then
    perform desk.refuse(format('There is no run %s', p_run_id), '$.optimization_run_id', 'See: select id, summary from optimization_runs.', '23503');
  end if;
  if v_run.status in ('completed', 'failed', 'cancelled') then
    perform desk.judge_family(p_run_id);
  end if;
  update desk.backtest_results set passed = passed where optimization_run_id = p_run_id and outcome = 'finished';
  perform desk.recount_tallies(p_run_id);
  update desk.run_progress
  set passed = (select count(*) from desk.backtest_results as b where b.optimization_run_id = p_run_id and b.passed),
      updated_at = now()
  where optimization_run_id = p_run_id
  returning passed into v_passed;
  perform desk.find_best(p_run_id);
  update desk.optimization_runs
  set revised_at = now(),
      summary = case when status = 'completed' then desk.runs_summary(array[p_run_id]) || desk.folds_summary(p_run_id) else summary end
  where id = p_run_id;
  if v_run.status = 'completed' then
    perform desk.strategy_follows_revision(v_run.strategy_id, p_run_id);
    update desk.jobs
    set summary = (select desk.runs_summary(array_agg(r.id)) from desk.optimization_runs as r where r.job_id = jobs.id and r.role = 'search')
    where id = v_run.job_id and state = 'done';
  end if;
  return coalesce((select r.summary from desk.optimization_runs as r where r.id = p_run_id),
    format('run %s is %s, %s passed so far', p_run_id, v_run.status, v_passed));
end
$$;
comment on function desk.rejudge_run(bigint) is 'Judges the results of a run again, after its success_criteria changed; answers the new summary.';
revoke execute on function desk.rejudge_run(bigint) from public;
grant execute on function desk.rejudge_run(bigint) to desk_director;

create or replace function desk.strategy_follows_revision(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_status  text;
  v_passing boolean;
begin
  select s.status into v_status from desk.strategies as s where s.id = p_strategy_id for no key update;
  v_passing := exists (
    select from desk.optimization_runs as r join desk.run_progress as p on p.optimization_run_id = r.id
    where r.strategy_id = p_strategy_id and r.status = 'completed' and p.passed > 0);
  if v_status = 'rejected' and v_passing then
    perform desk.move_strategy_by_run(p_strategy_id, 'passed', format('run %s was judged again', p_run_id), p_run_id);
  elsif v_status = 'passed' and not v_passing then
    perform desk.move_strategy_by_run(p_strategy_id, 'rejected', format('run %s was judged again', p_run_id), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_revision(bigint, bigint) is 'After re-judging, passed and rejected change places where the results do.';
revoke execute on function desk.strategy_follows_revision(bigint, bigint) from public;

grant select on desk.optimization_runs, desk.run_progress, desk.search_generations, desk.search_axes, desk.run_symbols,
  desk.success_criteria, desk.job_events to desk_director, desk_viewer;
grant update (notes, tags) on desk.optimization_runs to desk_director;
grant insert, delete, update (comparison, threshold) on desk.success_criteria to desk_director;
grant select on desk.optimization_runs to desk_importer;
grant insert (strategy_id, config_file, optimization_type, target_metric, total_combinations, status, symbols, timeframe,
  start_date, end_date, cash, engine, notes, tags) on desk.optimization_runs to desk_importer;
