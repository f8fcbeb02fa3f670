-- Who runs a session's strategy and who carries an account's orders now: a token each, and beats.

insert into desk.settings (name, value, description)
values
  ('beat_seconds', '30',
   'A strategy process or a link that has not been heard of for so long is taken for dead: nothing is entered.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.begin_strategy(p_session_id bigint, p_code_hash text, p_host text, p_pid integer)
returns uuid
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_token uuid := gen_random_uuid();
begin
  if not exists (
    select from desk.trading_sessions as t where t.id = p_session_id and t.account_id is not null and t.state = 'open')
  then
    perform desk.refuse(format('There is no open session %s', coalesce(p_session_id::text, 'null')), '$.session',
      'See live_sessions.', '23503');
  end if;
  insert into desk.session_processes (trading_session_id, token, code_hash, host, pid)
  values (p_session_id, v_token, p_code_hash, p_host, p_pid)
  on conflict (trading_session_id) do update
  set token = excluded.token, code_hash = excluded.code_hash, host = excluded.host, pid = excluded.pid,
      began_at = excluded.began_at, beat_at = excluded.beat_at;
  return v_token;
end
$$;
comment on function desk.begin_strategy(bigint, text, text, integer) is
  'A process says that it runs a session''s strategy, and with which code. What another one had is over: it '
  'answers the token that orders, cancels and beats carry.';
grant execute on function desk.begin_strategy(bigint, text, text, integer) to desk_trader;

create or replace function desk.beat_strategy(p_session_id bigint, p_token uuid)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
begin
  update desk.session_processes as p set beat_at = clock_timestamp()
  where p.trading_session_id = p_session_id and p.token = p_token;
  return case when found then desk.level_of_session(p_session_id) else 'superseded' end;
end
$$;
comment on function desk.beat_strategy(bigint, uuid) is
  'A strategy process lives. Answers the session''s level, or superseded: another process runs it now.';
grant execute on function desk.beat_strategy(bigint, uuid) to desk_trader;

create or replace function desk.begin_link(p_account text, p_host text, p_pid integer)
returns uuid
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_token uuid := gen_random_uuid();
begin
  insert into desk.account_links (account_id, token, state, host, pid)
  values ((desk.account_named(p_account)).id, v_token, 'connecting', p_host, p_pid)
  on conflict (account_id) do update
  set token = excluded.token, state = excluded.state, host = excluded.host, pid = excluded.pid,
      began_at = excluded.began_at, beat_at = excluded.beat_at;
  return v_token;
end
$$;
comment on function desk.begin_link(text, text, integer) is
  'A process says that it carries an account''s orders. What another one had is over: it answers the token without '
  'which nothing can be taken or recorded.';
grant execute on function desk.begin_link(text, text, integer) to desk_link;

drop function if exists desk.beat_link(text, uuid, text);
create or replace function desk.beat_link(
  p_account text, p_token uuid, p_state text default 'ready', p_clock timestamptz default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account desk.accounts := desk.account_named(p_account);
begin
  update desk.account_links as l set beat_at = clock_timestamp(), state = p_state
  where l.account_id = v_account.id and l.token = p_token;
  if not found then
    return 'superseded';
  end if;
  if p_state = 'ready' then
    perform desk.lift_level('link', v_account.id, 'the link is ready again');
  end if;
  perform desk.watch_clock(v_account, p_clock);
  perform desk.watch_live();
  return desk.level_of(v_account.id, null);
end
$$;
comment on function desk.beat_link(text, uuid, text, timestamptz) is
  'A link lives, in this state; the gate lets entries through while it is ready. With the time of its host it is told '
  'when that is wrong. Answers the account''s level, or superseded: another link has the account now.';
grant execute on function desk.beat_link(text, uuid, text, timestamptz) to desk_link;

create or replace function desk.check_link(p_account_id bigint, p_token uuid)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if not exists (select from desk.account_links as l where l.account_id = p_account_id and l.token = p_token) then
    perform desk.refuse('Another link has the account now', '$.token',
      'End this process: what it holds is stale, and the other one asks the broker itself.', '55000');
  end if;
end
$$;
comment on function desk.check_link(bigint, uuid) is 'Refuses a link whose token is not the account''s any more.';

grant select (trading_session_id, code_hash, host, pid, began_at, beat_at) on desk.session_processes
to desk_director, desk_viewer;
grant select (account_id, state, host, pid, began_at, beat_at) on desk.account_links to desk_director, desk_viewer;
