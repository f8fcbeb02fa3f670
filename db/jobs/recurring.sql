-- Jobs that come again: rows, queued by the database's clock when any runner asks, once each.

create or replace function desk.next_occurrence(p_starts_at timestamptz, p_every interval, p_after timestamptz)
returns timestamptz
language sql stable
set search_path = desk, pg_temp
as $$
  select case
    when p_after < p_starts_at then p_starts_at
    -- Hours and minutes are lengths of time: six hours are six hours on the night when summer time begins, too.
    when p_every = make_interval(secs => extract(epoch from p_every)::float8)
      and extract(day from p_every) = 0 and extract(month from p_every) = 0 and extract(year from p_every) = 0
    then p_starts_at + make_interval(secs => (
      extract(epoch from p_every) * (floor(extract(epoch from p_after - p_starts_at) / extract(epoch from p_every))
        + 1))::float8)
    -- Days, months and years are told by the clocks of the desk's time zone: two at night stays two at night, and
    -- a monthly job of the 31st does not creep. They have no fixed length, so the count is estimated and its
    -- neighbours are tried; a month is at most a fiftieth longer than what `extract` takes it for.
    else (
      select min(c.at)
      from (
        select (e.began + p_every * n) at time zone e.zone as at
        from (
          select z.name as zone, p_starts_at at time zone z.name as began, floor(
            extract(epoch from (p_after at time zone z.name) - (p_starts_at at time zone z.name)) / extract(epoch
              from p_every))::bigint as about
          from (select desk.setting('time_zone') #>> '{}') as z (name)
        ) as e
        cross join lateral generate_series(greatest(0, e.about - 2 - e.about / 50 * s.varies),
          e.about + 3 + e.about / 50 * s.varies) as n
      ) as c
      where c.at > p_after) end
  from (select case when extract(month from p_every) = 0 and extract(year from p_every) = 0 then 0 else 1 end) as s (
    varies)
$$;
comment on function desk.next_occurrence(timestamptz, interval, timestamptz) is
  'The first time after a moment that is whole intervals away from the start: of hours and minutes by length, of '
  'days and more by the desk''s clocks.';

create or replace function desk.tg_recurring_jobs_validate()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if new.every is null or new.every < interval '1 minute' or new.every > interval '10 years'
    -- '1 month -29 days' is a day by comparison and four weeks late by the calendar.
    or least(extract(year from new.every), extract(month from new.every), extract(day from new.every),
      extract(hour from new.every),
      extract(minute from new.every), extract(second from new.every)) < 0
  then
    perform desk.refuse(format('Got %s as the interval', coalesce(new.every::text, 'nothing')), '$.every',
      'From a minute to ten years, such as ''1 day''.');
  end if;
  if not isfinite(new.starts_at) then
    perform desk.refuse(format('Got %s as the start', new.starts_at), '$.starts_at',
      'A moment, such as ''2030-01-01 02:00''.');
  end if;
  if new.kind = 'optimization' then
    new.strategy := desk.validate_config(new.strategy, new.config) ->> 'strategy';
  else
    perform desk.validate_task(new.kind, new.config);
  end if;
  if tg_op = 'INSERT' then
    new.next_at := greatest(new.next_at, new.starts_at);
  elsif new.enabled and (not old.enabled or new.every <> old.every or new.starts_at <> old.starts_at) then
    -- What a pause left out is not made up for.
    new.next_at := desk.next_occurrence(new.starts_at, new.every, now());
  end if;
  return new;
end
$$;
comment on function desk.tg_recurring_jobs_validate() is
  'Refuses a recurring job whose jobs would be refused today, and keeps its clock.';
create or replace trigger recurring_jobs_validate
before insert or update of every, starts_at, kind, strategy, config, enabled on desk.recurring_jobs
for each row execute function desk.tg_recurring_jobs_validate();

create or replace function desk.every(
  p_every     interval,
  p_kind      text default 'optimization',
  p_strategy  text default null,
  p_config    jsonb default '{}',
  p_name      text default null,
  p_starts_at timestamptz default null,
  p_priority  integer default 0)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_id   bigint;
  v_name text := coalesce(p_name, p_kind || coalesce(' ' || p_strategy, ''));
begin
  if exists (select from desk.recurring_jobs as r where r.name = v_name) then
    perform desk.refuse(format('There is a recurring job %s already', to_jsonb(left(v_name, 80))), '$.name',
      'Give this one another name, or: delete from recurring_jobs where name = ...', '23505');
  end if;
  if v_name !~ '^[a-z0-9][a-z0-9_ .-]{0,79}$' then
    perform desk.refuse(format('Got %s as the name of a recurring job', to_jsonb(left(v_name, 90))), '$.name',
      'Lower-case letters, digits, blanks and _ . - up to 80, such as ''nightly prices''.');
  end if;
  insert into desk.recurring_jobs (name, every, starts_at, next_at, kind, strategy, config, priority, created_by)
  values (v_name, p_every, coalesce(p_starts_at, now()), coalesce(p_starts_at, now()), p_kind, p_strategy,
    coalesce(p_config, '{}'),
    coalesce(p_priority, 0),
    -- The caller's role; inside this function current_user is the owner.
    coalesce(nullif(current_setting('role'), 'none'), session_user))
  returning id into v_id;
  notify desk_work;
  return v_id;
end
$$;
comment on function desk.every(interval, text, text, jsonb, text, timestamptz, integer) is
  'Has a job queued again and again: select every(''1 day'', ''load_prices'', p_config => ''{"source": "sample"}'', '
  'p_starts_at => ''2030-01-01 02:00 America/New_York'').';
grant execute on function desk.every(interval, text, text, jsonb, text, timestamptz, integer) to desk_director;

create or replace function desk.switch_recurring(p_name text, p_enabled boolean)
returns desk.recurring_jobs
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_row desk.recurring_jobs;
begin
  update desk.recurring_jobs set enabled = p_enabled where name = p_name returning * into v_row;
  if not found then
    perform desk.refuse(format('There is no recurring job %s', coalesce(to_jsonb(left(p_name, 80))::text, 'null')),
      '$.name',
      desk.did_you_mean(coalesce(p_name, ''), array(select r.name from desk.recurring_jobs as r)), '23503');
  end if;
  return v_row;
end
$$;
comment on function desk.switch_recurring(text, boolean) is 'Pauses a recurring job or lets it go on.';

create or replace function desk.pause_recurring(p_name text)
returns text
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  select format('%s is paused; what it has queued goes on', r.name) from desk.switch_recurring(p_name, false) as r
$$;
comment on function desk.pause_recurring(text) is 'Queues no more of a recurring job until resume_recurring().';
grant execute on function desk.pause_recurring(text) to desk_director;

create or replace function desk.resume_recurring(p_name text)
returns text
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  select format('%s is queued next at %s', r.name, date_trunc('second', r.next_at))
    from desk.switch_recurring(p_name, true) as r
$$;
comment on function desk.resume_recurring(text) is
  'Lets a paused recurring job go on at its next time; what the pause left out is not made up for.';
grant execute on function desk.resume_recurring(text) to desk_director;

create or replace function desk.queue_recurring()
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_row    desk.recurring_jobs;
  v_job_id bigint;
  v_note   text;
  v_count  integer := 0;
begin
  for v_row in
    select r.* from desk.recurring_jobs as r
    where r.enabled and r.next_at <= now()
    order by r.next_at, r.id
    limit 20
    for no key update skip locked
  loop
    v_job_id := null;
    v_note := null;
    begin
      insert into desk.jobs (kind, strategy, config, config_file, priority, notes, created_by)
      values (v_row.kind, v_row.strategy, v_row.config, v_row.config_file, v_row.priority, v_row.notes,
        v_row.created_by)
      returning id into v_job_id;
      v_count := v_count + 1;
    exception
      when unique_violation then v_note := 'skipped: ' || sqlerrm;
      when others then v_note := 'refused: ' || sqlerrm;
    end;
    if v_note is not null then
      insert into desk.job_events (event, details)
      values (split_part(v_note, ':', 1), jsonb_build_object('recurring_job', v_row.name, 'due', v_row.next_at, 'why',
        left(v_note, 2000)));
    end if;
    -- However many intervals were missed, the next one lies ahead.
    update desk.recurring_jobs
    set next_at = desk.next_occurrence(v_row.starts_at, v_row.every, now()),
        last_at = now(), last_job_id = coalesce(v_job_id, last_job_id), last_note = left(v_note, 2000)
    where id = v_row.id;
  end loop;
  return v_count;
end
$$;
comment on function desk.queue_recurring() is
  'Queues the recurring jobs that are due, once each however long nobody asked; one whose last job is still open is '
  'skipped, and that is noted.';

grant select on desk.recurring_jobs to desk_director, desk_viewer;
grant delete on desk.recurring_jobs to desk_director;
grant update (every, config, config_file, priority, notes) on desk.recurring_jobs to desk_director;
