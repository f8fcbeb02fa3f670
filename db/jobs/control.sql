-- What the director does with jobs: cancel, pause, resume, retry, set priority. Each answers with a sentence.

create or replace function desk.open_job(p_job_id bigint)
returns desk.jobs
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_job desk.jobs;
begin
  perform desk.lock_progress(array(select r.id from desk.optimization_runs as r where r.job_id = p_job_id));
  perform from desk.optimization_runs as r where r.job_id = p_job_id order by r.id desc for no key update;
  select j.* into v_job from desk.jobs as j where j.id = p_job_id for no key update;
  if not found then
    perform desk.refuse(format('There is no job %s', coalesce(p_job_id::text, 'null')), '$.job_id',
      'See: select job_id, state from job_progress.', '23503');
  end if;
  if not v_job.is_open then
    perform desk.refuse(format('Job %s is %s already', p_job_id, v_job.state), '$.job_id',
      'Only an open job can be changed.');
  end if;
  return v_job;
end
$$;
comment on function desk.open_job(bigint) is 'Locks a job that is not over, or refuses.';

create or replace function desk.cancel_job(p_job_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job desk.jobs := desk.open_job(p_job_id);
begin
  perform desk.close_run(r.id, 'cancelled')
  from (
    select r.id from desk.optimization_runs as r
    where r.job_id = v_job.id and r.is_open order by r.id
  ) as r;
  if v_job.kind <> 'optimization' then
    update desk.work_items
    set state = 'cancelled', token = null, lease_until = null, deadline_at = null
    where job_id = v_job.id and state in ('waiting', 'leased');
    update desk.jobs set state = 'cancelled', summary = 'cancelled', finished_at = now() where id = v_job.id;
  end if;
  return format('job %s %s', p_job_id, (select j.summary from desk.jobs as j where j.id = p_job_id));
end
$$;
comment on function desk.cancel_job(bigint) is
  'Ends a job; what is recorded stays, what is running is told to stop: select cancel_job(1).';
grant execute on function desk.cancel_job(bigint) to desk_director;

create or replace function desk.pause_job(p_job_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job desk.jobs := desk.open_job(p_job_id);
begin
  -- Paused and resumed, it would run without waiting for its pilot points.
  if v_job.state = 'held' then
    perform desk.refuse(format('Job %s is held until its pilot points are in', p_job_id), '$.job_id',
      format('Wait for them, or end it: select cancel_job(%s).', p_job_id));
  end if;
  update desk.optimization_runs set paused = true where job_id = v_job.id and is_open;
  update desk.jobs set state = 'paused' where id = v_job.id;
  return format('job %s paused: what is running ends, nothing new is handed out', p_job_id);
end
$$;
comment on function desk.pause_job(bigint) is 'Hands out no more work of a job until resume_job().';
grant execute on function desk.pause_job(bigint) to desk_director;

create or replace function desk.resume_job(p_job_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job desk.jobs := desk.open_job(p_job_id);
begin
  if v_job.state <> 'paused' then
    perform desk.refuse(format('Job %s is %s, not paused', p_job_id, v_job.state), '$.job_id',
      'Only a paused job can be resumed.');
  end if;
  update desk.optimization_runs set paused = false where job_id = v_job.id and is_open;
  update desk.run_progress set due = true
  where optimization_run_id in (select r.id from desk.optimization_runs as r where r.job_id = v_job.id
    and r.is_open);
  update desk.jobs set state = case when v_job.started_at is null then 'waiting' else 'running' end where id = v_job.id;
  notify desk_work;
  return format('job %s goes on', p_job_id);
end
$$;
comment on function desk.resume_job(bigint) is 'Lets a paused job go on.';
grant execute on function desk.resume_job(bigint) to desk_director;

create or replace function desk.set_priority(p_job_id bigint, p_priority integer)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job desk.jobs := desk.open_job(p_job_id);
begin
  update desk.jobs set priority = p_priority where id = v_job.id;
  update desk.optimization_runs set priority = p_priority where job_id = v_job.id and is_open;
  return format('job %s has priority %s', p_job_id, p_priority);
end
$$;
comment on function desk.set_priority(bigint, integer) is 'Changes a job''s priority; higher runs first.';
grant execute on function desk.set_priority(bigint, integer) to desk_director;

create or replace function desk.reissue_lost(p_run_id bigint)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_lost  int8multirange;
  v_count bigint;
begin
  select int8multirange(int8range(1, p.cut, '[]')) - coalesce((
    select range_agg(int8range(b.ordinal, b.ordinal, '[]')) from desk.backtest_results as b
      where b.optimization_run_id = p_run_id), '{}')
    - coalesce((
    select range_agg(int8range(w.first_ordinal, w.last_ordinal, '[]'))
    from desk.work_items as w where w.optimization_run_id = p_run_id and w.kind = 'points'
      and w.state in ('waiting', 'leased')), '{}')
  into v_lost
  from desk.run_progress as p where p.optimization_run_id = p_run_id and p.cut > 0;
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
  select p_run_id, f.first, least(f.first + 15, upper(u.piece) - 1)
  from unnest(v_lost) as u (piece)
  cross join lateral generate_series(lower(u.piece), upper(u.piece) - 1, 16) as f (first)
  order by f.first;
  select coalesce(sum(upper(u.piece) - lower(u.piece)), 0) into v_count from unnest(v_lost) as u (piece);
  return v_count;
end
$$;
comment on function desk.reissue_lost(bigint) is
  'Issues those points of a closed run again that were withdrawn before they were recorded; answers how many.';

create or replace function desk.retry_job(p_job_id bigint)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_job   desk.jobs;
  v_run   record;
  v_again bigint;
  v_total bigint;
  v_twin  bigint;
begin
  perform desk.lock_progress(array(select r.id from desk.optimization_runs as r where r.job_id = p_job_id));
  perform from desk.optimization_runs as r where r.job_id = p_job_id order by r.id desc for no key update;
  select j.* into v_job from desk.jobs as j where j.id = p_job_id for no key update;
  if not found then
    perform desk.refuse(format('There is no job %s', coalesce(p_job_id::text, 'null')), '$.job_id',
      'See: select job_id, state from job_progress.', '23503');
  end if;
  if v_job.state = 'cancelled' then
    perform desk.refuse(format('Job %s was cancelled', p_job_id), '$.job_id',
      desk.job_advice(p_job_id) || '.');
  end if;
  select j.id into v_twin from desk.jobs as j
  where j.config_hash = v_job.config_hash and j.id <> p_job_id and j.is_open;
  if found then
    perform desk.refuse(format('Job %s is identical and not over yet', v_twin), '$.job_id',
      format('Wait for it, or end it: select cancel_job(%s).', v_twin), '23505');
  end if;
  for v_run in
    select r.id, r.is_open from desk.optimization_runs as r
    where r.job_id = p_job_id and r.role <> 'pilot'
      and (r.status = 'failed' and r.error ~ '^(Planning failed|No suggestions): ' or exists (
        select from desk.backtest_results as b where b.optimization_run_id = r.id and b.outcome = 'failed'))
      -- A part of a walk-forward run whose fold has gone on stays as it is.
      and (r.parent_run_id is null or exists (
        select from desk.walk_forward_folds as f
        where (f.in_sample_run_id = r.id and f.state = 'in_sample')
          or (f.out_of_sample_run_id = r.id and f.state = 'out_of_sample')))
    order by r.id
  loop
    with gone as (
      delete from desk.full_results as b
      where b.optimization_run_id = v_run.id and b.outcome = 'failed'
      returning b.ordinal, b.error_kind, b.error, b.attempt
    ), noted as (
      insert into desk.job_events (job_id, optimization_run_id, event, details)
      select p_job_id, v_run.id, 'retry', jsonb_build_object('ordinal', g.ordinal, 'kind', g.error_kind,
        'error', left(g.error, 500), 'attempt', g.attempt, 'asked_by', session_user)
      from gone as g
    ), issued as (
      insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
      select v_run.id, g.ordinal, g.ordinal from gone as g order by g.ordinal
      returning 1
    )
    select count(*) into v_again from issued;
    update desk.run_progress
    set failed = failed - v_again, due = true, updated_at = now()
    where optimization_run_id = v_run.id;
    if not v_run.is_open then
      v_again := v_again + desk.reissue_lost(v_run.id);
    end if;
    -- The code may have been mended meanwhile: the next claim pins it anew where nothing of the whole was recorded.
    perform desk.unpin_run(v_run.id);
    perform desk.refuse_other_code(v_run.id);
    update desk.optimization_runs set status = 'running', summary = null, error = null where id = v_run.id;
    v_total := coalesce(v_total, 0) + v_again;
  end loop;
  if v_total is null then
    perform desk.refuse(format('Job %s has no failed point', p_job_id), '$.job_id',
      coalesce(desk.job_advice(p_job_id) || '.', 'It is ' || v_job.state || ': there is nothing to try again.'));
  end if;
  notify desk_work;
  return format('job %s: %s failed points are tried again', p_job_id, v_total);
end
$$;
comment on function desk.retry_job(bigint) is
  'Tries the failed points of a job again; what they failed of stays in job_events.';
grant execute on function desk.retry_job(bigint) to desk_director;
