-- Tasks: work that is not points. A runner claims one when it has the capability of its kind.

create or replace function desk.validate_task(p_kind text, p_config jsonb)
returns jsonb
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_kind   desk.task_kinds;
  v_source desk.price_sources;
  v_key    text;
begin
  select k.* into v_kind from desk.task_kinds as k where k.name = p_kind and k.by_job;
  if not found then
    perform desk.refuse(format('Unknown kind %s', coalesce(to_jsonb(left(p_kind, 60))::text, 'null')), '$.kind',
      desk.did_you_mean(coalesce(p_kind, ''), array['optimization'] || array(
        select k.name from desk.task_kinds as k where k.by_job order by k.position)));
  end if;
  if v_kind.config_keys is null then
    return desk.validate_config(null, p_config);
  end if;
  select k.name into v_key from jsonb_object_keys(p_config) as k (name)
  where k.name <> all (v_kind.config_keys) limit 1;
  if v_key is not null then
    perform desk.refuse(format('Unknown key %s in a job of kind %s', to_jsonb(left(v_key, 60)), p_kind),
      desk.json_path('$', v_key),
      desk.did_you_mean(v_key, v_kind.config_keys));
  end if;
  if 'source' = any (v_kind.config_keys) then
    select s.* into v_source from desk.price_sources as s where s.name = p_config ->> 'source';
    if not found then
      perform desk.refuse(format('Got %s as the source of prices', coalesce(p_config ->> 'source', 'nothing')),
        '$.source', format('A runner can load from %s.', (
          select string_agg(s.name, ' or ' order by s.position) from desk.price_sources as s)));
    elsif v_source.needs_symbols and coalesce(p_config -> 'symbols', 'null') in ('null', '[]', '""') then
      perform desk.refuse('No symbol is named', '$.symbols',
        format('%s has no list of all; write a list of symbols, such as ["SPY"].', v_source.name));
    end if;
  end if;
  return desk.canonical_json(p_config);
end
$$;
comment on function desk.validate_task(text, jsonb) is 'The config of a task, or a refusal.';

create or replace function desk.claim_task(p_runner_id bigint)
returns table (work_item_id bigint, token uuid, kind text, attempt integer, optimization_run_id bigint, payload jsonb)
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  with picked as materialized (
    select w.id
    from desk.runners as n
    join desk.work_items as w on w.needs = any (n.engines)
    left join desk.optimization_runs as r on r.id = w.optimization_run_id
    left join desk.jobs as j on j.id = coalesce(w.job_id, r.job_id)
    where n.id = p_runner_id and n.stopped_at is null
      and w.kind <> 'points' and w.state = 'waiting' and w.run_after <= now()
      and (w.code_version_id is null or exists (
        select from desk.runner_code as c where c.runner_id = n.id and c.code_version_id = w.code_version_id))
      and coalesce(j.state, 'waiting') in ('waiting', 'running')
    order by coalesce(j.priority, 0) desc, w.id
    limit 1
    for update of w skip locked
  )
  update desk.work_items as w
  set state = 'leased', token = gen_random_uuid(), runner_id = p_runner_id, leased_at = now(), running_ordinal = null,
      lease_until = now() + make_interval(secs => (desk.setting('lease_seconds') #>> '{}')::float8),
      deadline_at = now() + make_interval(secs => coalesce((w.payload ->> 'seconds')::float8, 3600))
  from picked
  where w.id = picked.id and w.state = 'waiting'
  returning w.id, w.token, w.kind, w.attempt, w.optimization_run_id, w.payload
$$;
comment on function desk.claim_task(bigint) is
  'Leases one task to a runner that has its capability, by priority, then by age; none of a job that is paused or '
  'held.';
grant execute on function desk.claim_task(bigint) to desk_runner;

create or replace function desk.start_task_job(p_item_id bigint)
returns void
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  update desk.jobs as j
  set state = 'running', started_at = coalesce(j.started_at, now())
  from desk.work_items as w
  where w.id = p_item_id and w.state = 'leased' and j.id = w.job_id and j.state = 'waiting'
$$;
comment on function desk.start_task_job(bigint) is 'The job of a claimed task is running.';
grant execute on function desk.start_task_job(bigint) to desk_runner;

create or replace function desk.end_task(p_item_id bigint, p_token uuid, out item desk.work_items)
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  -- The counters of its run, or its job, come before the item in the order of locks.
  perform desk.lock_progress_of(array[p_item_id]);
  perform from desk.jobs as j where j.id = (select w.job_id from desk.work_items as w
    where w.id = p_item_id) for no key update;
  update desk.work_items as w
  set state = 'done', token = null, lease_until = null, deadline_at = null
  where w.id = p_item_id and w.state = 'leased' and w.token = p_token and w.kind <> 'points'
  returning w.* into item;
end
$$;
comment on function desk.end_task(bigint, uuid) is 'Takes a task from its holder; null when the caller is not it.';

create or replace function desk.complete_task(p_work_item_id bigint, p_token uuid, p_result jsonb)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item desk.work_items := (desk.end_task(p_work_item_id, p_token));
begin
  if v_item.id is null then
    return 'stale';
  end if;
  if v_item.kind = 'suggest' then
    perform desk.accept_suggestions(v_item.optimization_run_id, p_result -> 'points');
  elsif desk.verdict_kind(v_item.kind) is not null then
    perform desk.record_verdict(v_item.code_version_id, desk.verdict_kind(v_item.kind), p_result ->> 'outcome',
      p_result -> 'evidence' || jsonb_build_object('optimization_run_id', v_item.payload -> 'optimization_run_id',
        'timeframe', v_item.payload -> 'timeframe'));
  elsif v_item.kind = 'weigh_parameters' then
    perform desk.record_importance((v_item.payload ->> 'optimization_run_id')::bigint, p_result);
  elsif v_item.kind = 'keep_curve' then
    perform desk.keep_curve((v_item.payload ->> 'backtest_result_id')::bigint, p_result);
  else
    update desk.jobs
    set state = 'done', summary = coalesce(p_result ->> 'summary', 'done'), finished_at = now()
    where id = v_item.job_id and is_open;
  end if;
  return 'recorded';
end
$$;
comment on function desk.complete_task(bigint, uuid, jsonb) is
  'A task is done: recorded, or stale when the caller no longer holds it.';
grant execute on function desk.complete_task(bigint, uuid, jsonb) to desk_runner;

create or replace function desk.retry_or_fail_task(p_item desk.work_items, p_error text, p_again boolean)
returns text
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_attempts constant integer := (desk.setting('max_attempts') #>> '{}')::integer;
begin
  if p_again and p_item.attempt < v_attempts then
    insert into desk.work_items (kind, job_id, optimization_run_id, code_version_id, payload, attempt, run_after,
      last_error)
    values (p_item.kind, p_item.job_id, p_item.optimization_run_id, p_item.code_version_id, p_item.payload,
      p_item.attempt + 1,
      now() + make_interval(secs => (desk.setting('retry_seconds') #>> '{}')::float8 * 2 ^ (p_item.attempt - 1)),
      left(p_error, 4000));
    return 'retried';
  end if;
  insert into desk.job_events (job_id, optimization_run_id, work_item_id, runner_id, event, details)
  values (p_item.job_id, p_item.optimization_run_id, p_item.id, p_item.runner_id, 'failure',
    jsonb_build_object('kind', p_item.kind, 'attempt', p_item.attempt, 'error', left(p_error, 2000)));
  if p_item.kind = 'suggest' then
    perform desk.close_run(p_item.optimization_run_id, 'failed', 'No suggestions: ' || left(p_error, 2000));
  elsif desk.verdict_kind(p_item.kind) is not null then
    perform desk.record_verdict(p_item.code_version_id, desk.verdict_kind(p_item.kind), 'undecided', jsonb_build_object(
      'summary', left(p_error, 2000), 'timeframe', p_item.payload -> 'timeframe'));
  else
    update desk.jobs
    set state = 'failed', error = left(p_error, 4000), finished_at = now()
    where id = p_item.job_id and is_open;
  end if;
  return 'failed';
end
$$;
comment on function desk.retry_or_fail_task(desk.work_items, text, boolean) is
  'Issues a task again after a backoff, or fails its job or run.';

create or replace function desk.fail_task(p_work_item_id bigint, p_token uuid, p_error text, p_again boolean)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_item desk.work_items := (desk.end_task(p_work_item_id, p_token));
begin
  if v_item.id is null then
    return 'stale';
  end if;
  return desk.retry_or_fail_task(v_item, coalesce(nullif(p_error, ''), 'no message'), p_again);
end
$$;
comment on function desk.fail_task(bigint, uuid, text, boolean) is
  'A task did not work out: retried when it may work another time, failed when not, stale when the caller no longer '
  'holds it.';
grant execute on function desk.fail_task(bigint, uuid, text, boolean) to desk_runner;
