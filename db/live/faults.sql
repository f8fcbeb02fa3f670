-- What a strategy's process says of its strategy: it hangs, it failed, it asked for something else than before.

insert into desk.level_rules (name, level, lasts, description)
values
  ('strategy hangs', 'halted', 'person', 'A strategy took longer for a step than it may.'),
  ('strategy failed', 'halted', 'person', 'A strategy raised an error, or its process ended.'),
  ('strategy diverged', 'halted', 'person',
   'Gone through its stream again, a strategy asked for something else, or its account is not the broker''s.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.report_fault(p_session_id bigint, p_token uuid, p_rule text, p_reason text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_session desk.trading_sessions;
begin
  select t.* into v_session from desk.trading_sessions as t where t.id = p_session_id;
  if p_rule = 'ledger' then
    perform desk.check_link(v_session.account_id, p_token);
  else
    perform desk.check_strategy(p_session_id, p_token);
  end if;
  if p_rule <> 'ledger' and not exists (
    select from desk.level_rules as r where r.name = p_rule and r.name like 'strategy %')
  then
    perform desk.refuse(format('No fault of a strategy is called %s', to_jsonb(left(p_rule, 40))), '$.rule',
      (select string_agg(r.name, ', ' order by r.name) from desk.level_rules as r where r.name like 'strategy %'));
  end if;
  perform desk.set_level(p_rule, v_session.account_id, p_session_id, left(p_reason, 4000), null, null,
    v_session.on_dead_strategy = 'flatten');
  return desk.level_of_session(p_session_id);
end
$$;
comment on function desk.report_fault(bigint, uuid, text, text) is
  'Stops a session whose strategy hangs, failed or diverged (for its process), or whose fills come out otherwise than '
  'they were recorded (ledger, for its link), until somebody resumes it; answers its level.';
grant execute on function desk.report_fault(bigint, uuid, text, text) to desk_trader, desk_link;
