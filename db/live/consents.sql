-- Two logins for what lets trading go on, where the setting says so.

insert into desk.settings (name, value, description)
values
  ('two_logins', 'false',
   'Whether resume_trading() and approve_strategy() need two logins, the second within an hour of the first.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.is_seconded(p_what text, p_subject text, p_reason text)
returns boolean
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if desk.setting('two_logins') <> 'true' then
    return true;
  end if;
  update desk.consents as c set used_by = session_user, used_at = clock_timestamp()
  where c.id = (
    select o.id from desk.consents as o
    where o.what = p_what and o.subject = p_subject and o.used_at is null and o.said_by <> session_user
      and o.said_at > clock_timestamp() - interval '1 hour'
    order by o.id limit 1 for update);
  if found then
    return true;
  end if;
  insert into desk.consents (what, subject, reason) values (p_what, p_subject, p_reason);
  return false;
end
$$;
comment on function desk.is_seconded(text, text, text) is
  'Whether something may be done: at once, or where two logins are wanted when another one has said the same within an '
  'hour; else writes down that this one has.';

create or replace function desk.tg_consents_stay()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'DELETE' or old.used_at is not null
    or (new.what, new.subject, new.reason, new.said_by, new.said_at) is distinct from (
      old.what, old.subject, old.reason, old.said_by, old.said_at)
  then
    perform desk.refuse('What was consented to is neither changed nor deleted', '$', 'It is the audit trail.', '42501');
  end if;
  return new;
end
$$;
comment on function desk.tg_consents_stay() is 'Lets a consent be used once, and nothing else.';
create or replace trigger consents_stay before update or delete on desk.consents
for each row execute function desk.tg_consents_stay();

create or replace function desk.tg_halts_stay()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if tg_op = 'DELETE' or old.lifted_at is not null
    or (new.account_id, new.trading_session_id, new.level, new.rule, new.reason, new.set_by, new.set_at)
      is distinct from (old.account_id, old.trading_session_id, old.level, old.rule, old.reason, old.set_by, old.set_at)
  then
    perform desk.refuse(format('Halt %s is neither changed nor deleted', old.id), '$', 'It is the audit trail; what '
      'holds is lifted by resume_trading().', '42501');
  end if;
  return new;
end
$$;
comment on function desk.tg_halts_stay() is 'Lets a halt be lifted once, and nothing else, whoever asks.';
create or replace trigger halts_stay before update or delete on desk.halts
for each row execute function desk.tg_halts_stay();

grant select on desk.consents to desk_director, desk_viewer;
