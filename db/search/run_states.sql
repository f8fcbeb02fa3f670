-- The states of a run: prepared, started, followed by its strategy, its job and the whole that it is a part of.

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
  if not exists (select from desk.searches as s where s.name = new.optimization_type) then
    perform desk.refuse(format('Unknown search %s', to_jsonb(left(new.optimization_type, 60))), '$.optimization_type',
      desk.did_you_mean(new.optimization_type, array(select s.name from desk.searches as s)), '23503');
  end if;
  if new.job_id is null then
    new.imported := true;
    -- What is generated is not there yet in a trigger before the row.
    if (select s.is_open from desk.run_states as s where s.state = new.status) is not true then
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
create or replace trigger optimization_runs_a_prepare before insert on desk.optimization_runs
for each row execute function desk.tg_runs_prepare();

create or replace function desk.tg_runs_start()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if not old.is_open and new.status <> 'running' then
    raise exception using errcode = '23514',
      message = format('Run %s is %s and cannot become %s', old.id, old.status, new.status);
  end if;
  if new.status = 'running' then
    new.started_at := coalesce(old.started_at, now());
    new.strategy_status_before := coalesce(old.strategy_status_before,
      (select s.status from desk.strategies as s where s.id = new.strategy_id));
    new.closed_at := null;
  elsif (select not s.is_open from desk.run_states as s where s.state = new.status) then
    new.closed_at := now();
  end if;
  return new;
end
$$;
comment on function desk.tg_runs_start() is 'Stamps the times of a run and keeps it on its way.';
create or replace trigger optimization_runs_b_start before update of status on desk.optimization_runs
for each row when (old.status is distinct from new.status) execute function desk.tg_runs_start();

create or replace function desk.tg_runs_follow()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    insert into desk.run_progress (optimization_run_id, total)
      values (new.id, case when new.imported then coalesce(new.total_combinations, 0) else 0 end);
    if new.imported then
      perform desk.set_criteria(new.id, null, null);
    end if;
  end if;
  insert into desk.job_events (job_id, optimization_run_id, event, from_state, to_state, details, actor)
  values (new.job_id, new.id, 'run', case when tg_op = 'UPDATE' then old.status end, new.status,
    jsonb_strip_nulls(jsonb_build_object('summary', new.summary, 'error', new.error)), session_user);
  if new.parent_run_id is not null then
    perform desk.parent_follows_child(new);
    return null;
  elsif new.role = 'pilot' then
    perform desk.job_follows_pilot(new);
    return null;
  end if;
  if new.status = 'running' then
    perform desk.strategy_follows_start(new.strategy_id, new.id);
  elsif not new.is_open then
    perform desk.strategy_follows_close(new.strategy_id, new.id);
  end if;
  if new.job_id is not null and tg_op = 'UPDATE' then
    perform desk.job_follows_runs(new.job_id);
  end if;
  return null;
end
$$;
comment on function desk.tg_runs_follow() is 'Writes the event of a run, and lets its strategy and its job follow.';
create or replace trigger optimization_runs_c_made after insert on desk.optimization_runs
for each row execute function desk.tg_runs_follow();
create or replace trigger optimization_runs_d_moved after update of status on desk.optimization_runs
for each row when (old.status is distinct from new.status) execute function desk.tg_runs_follow();

drop function if exists desk.parent_follows_child(bigint, text);
create or replace function desk.parent_follows_child(p_child desk.optimization_runs)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if p_child.status = 'running' then
    update desk.optimization_runs set status = 'running'
    where id = p_child.parent_run_id and status in ('pending', 'failed');
  elsif not p_child.is_open then
    update desk.run_progress set due = true where optimization_run_id = p_child.parent_run_id;
  end if;
end
$$;
comment on function desk.parent_follows_child(desk.optimization_runs) is
  'A walk-forward run starts with its first part, and has something to do when a part ends.';

create or replace function desk.strategy_follows_start(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if (select s.status in ('backlog', 'rejected') from desk.strategies as s
    where s.id = p_strategy_id for no key update) then
    perform desk.move_strategy_by_run(p_strategy_id, 'testing', format('run %s started', p_run_id), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_start(bigint, bigint) is
  'A strategy in the backlog or rejected is in testing once a run of it starts.';

create or replace function desk.passes_for_long(p_run_id bigint)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  -- Of a result that does not say its sessions the window tells them, and where nothing does it is believed.
  select exists (
    select from desk.full_results as b
    join desk.optimization_runs as r on r.id = b.optimization_run_id
    cross join (select (desk.setting('least_sessions') #>> '{}')::bigint as sessions) as least
    where b.optimization_run_id = p_run_id and b.passed
      and coalesce(b.sessions, round((r.end_date - r.start_date + 1) * b.sessions_a_year / 365.25), least.sessions)
        >= least.sessions)
    or exists (
      select from desk.bulk_points as b
      where b.optimization_run_id = p_run_id and b.verdict = 0
        and b.sessions >= (desk.setting('least_sessions') #>> '{}')::bigint)
$$;
comment on function desk.passes_for_long(bigint) is
  'True where a passed result of the run has at least least_sessions sessions: a shorter one proves nothing.';

create or replace function desk.strategy_follows_close(p_strategy_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_status  text;
  v_run     desk.optimization_runs;
  v_passed  bigint;
  v_fault   text;
  v_entered record;
begin
  select r.* into v_run from desk.optimization_runs as r where r.id = p_run_id;
  -- A run that was cancelled or failed changes nothing but a strategy in testing.
  if v_run.status <> 'completed' and (
    select s.status from desk.strategies as s where s.id = p_strategy_id) <> 'testing' then
    return;
  end if;
  -- The row lock lets two runs that close together follow one after the other.
  select s.status into v_status from desk.strategies as s where s.id = p_strategy_id for no key update;
  select p.passed into v_passed from desk.run_progress as p where p.optimization_run_id = p_run_id;
  v_fault := desk.code_fault(v_run.code_version_id);

  if v_run.status = 'completed' and v_passed > 0 and v_fault is null and desk.passes_for_long(p_run_id) then
    if v_status in ('testing', 'passed')
      and (select s.windows from desk.searches as s where s.name = v_run.optimization_type) then
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
  if v_run.status = 'completed' and v_passed > 0 and v_fault is null then
    if v_entered.from_status in ('backlog', 'rejected') then
      perform desk.move_strategy_by_run(p_strategy_id, v_entered.from_status,
        format('run %s is too short to judge: %s', p_run_id, v_run.summary), p_run_id);
    end if;
  elsif v_run.status = 'completed' or exists (
    select from desk.job_events as e join desk.optimization_runs as r on r.id = e.optimization_run_id
    where r.strategy_id = p_strategy_id and e.event = 'run' and e.to_state = 'completed'
      and e.happened_at > v_entered.happened_at)
  then
    perform desk.move_strategy_by_run(p_strategy_id, 'rejected',
      concat_ws('; ', coalesce(v_run.summary, v_run.error), v_fault), p_run_id);
  elsif v_entered.from_status in ('backlog', 'rejected') then
    perform desk.move_strategy_by_run(p_strategy_id, v_entered.from_status,
      format('run %s was %s', p_run_id, v_run.status), p_run_id);
  end if;
end
$$;
comment on function desk.strategy_follows_close(bigint, bigint) is
  'Testing becomes passed with a passing result (validated, when it was a walk-forward), rejected with none once no '
  'other run is under way; a run that was cancelled, failed or too short to judge puts the strategy back.';

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
  select count(*) filter (where r.is_open) as open,
         count(*) filter (where r.status = 'running') as running,
         count(*) filter (where r.status = 'completed') as completed,
         count(*) filter (where r.status = 'cancelled') as cancelled,
         string_agg(distinct r.error, '; ') filter (where r.status = 'failed') as error,
         count(*) as total
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
  -- Of one search a symbol some may fail: what the others found is a result, and the summary says what is missing.
  update desk.jobs
  set state = case
        when v_runs.cancelled > 0 then 'cancelled'
        when v_runs.completed > 0 then 'done'
        else 'failed' end,
      summary = desk.job_summary(p_job_id),
      error = v_runs.error,
      finished_at = now()
  where id = p_job_id;
end
$$;
comment on function desk.job_follows_runs(bigint) is
  'Brings a job to the state that its searches are in: done when one completed, failed when none did, cancelled when '
  'one was; with the summary over all of them.';
