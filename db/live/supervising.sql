-- What should run, and what a supervisor says of it.

create or replace view desk.desired_processes as
select p.name, p.kind, p.account, p.trading_session_id, h.name is null as wanted, h.reason as held_because
from (
  select distinct 'link-' || a.name as name, 'link' as kind, a.name as account, null::bigint as trading_session_id
  from desk.trading_sessions as t
  join desk.accounts as a on a.id = t.account_id
  join desk.session_feeds as f on f.trading_session_id = t.id
  where t.state = 'open' and t.clock = 'wall'
  union all
  select 'session-' || t.id as name, 'session' as kind, a.name as account, t.id as trading_session_id
  from desk.trading_sessions as t
  join desk.accounts as a on a.id = t.account_id
  join desk.session_feeds as f on f.trading_session_id = t.id
  where t.state = 'open' and t.clock = 'wall'
) as p
left join desk.process_holds as h on h.name = p.name;
comment on view desk.desired_processes is
  'Processes of trading, a row each: the link of each account with an open session, and each session''s strategy. '
  'backdesk live up keeps those running that are wanted.';
comment on column desk.desired_processes.name is 'Name: link-ACCOUNT or session-NUMBER.';
comment on column desk.desired_processes.kind is 'link or session.';
comment on column desk.desired_processes.account is 'The account.';
comment on column desk.desired_processes.trading_session_id is 'The trading session; null of a link.';
comment on column desk.desired_processes.wanted is 'Whether it is to run; hold_process() says no.';
comment on column desk.desired_processes.held_because is 'Why it is not to run.';

create or replace function desk.hold_process(p_name text, p_reason text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if not exists (select from desk.desired_processes as d where d.name = p_name) then
    perform desk.refuse(format('No process is called %s', to_jsonb(left(p_name, 60))), '$.name',
      desk.did_you_mean(coalesce(p_name, ''), array(select d.name from desk.desired_processes as d)), '23503');
  end if;
  insert into desk.process_holds (name, reason) values (p_name, p_reason)
  on conflict (name) do update set reason = excluded.reason, set_by = session_user, set_at = clock_timestamp();
  return format('%s is not to run: %s', p_name, p_reason);
end
$$;
comment on function desk.hold_process(text, text) is
  'Has a process of trading not run, until release_process(): '
  'select hold_process(''session-1'', ''its feed is wrong'').';
grant execute on function desk.hold_process(text, text) to desk_director;

create or replace function desk.release_process(p_name text)
returns boolean
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  with released as (delete from desk.process_holds as h where h.name = p_name returning 1)
  select exists (select from released)
$$;
comment on function desk.release_process(text) is 'Lets a process run again; false where it was not held.';
grant execute on function desk.release_process(text) to desk_director;

create or replace function desk.report_process(
  p_name text, p_event text, p_host text, p_pid integer, p_exit_code integer default null)
returns void
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account_id bigint;
begin
  insert into desk.process_events (name, event, host, pid, exit_code)
  values (p_name, p_event, p_host, p_pid, p_exit_code);
  if p_event = 'gave up' then
    select a.id into v_account_id from desk.desired_processes as d join desk.accounts as a on a.name = d.account
    where d.name = p_name;
    perform desk.raise_alarm('process', 'critical', 'process ' || p_name, format('%s ended too often on %s and is not '
      'started again: see its log, then backdesk live restart %s', p_name, p_host, p_name), v_account_id);
  elsif p_event in ('started', 'found') then
    update desk.live_alarms as l set settled_at = clock_timestamp()
    where l.matter = 'process ' || p_name and l.settled_at is null;
  end if;
end
$$;
comment on function desk.report_process(text, text, text, integer, integer) is
  'What a supervisor says of a process: started, found, ended, gave up or stopped. Who gave up is an alarm.';
grant execute on function desk.report_process(text, text, text, integer, integer) to desk_director;

grant select on desk.desired_processes, desk.process_holds, desk.process_events to desk_director, desk_viewer;
