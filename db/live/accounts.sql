-- Accounts, what may not be entered in them, and which code may trade there.

create or replace function desk.account_named(p_name text)
returns desk.accounts
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_account desk.accounts;
begin
  select a.* into v_account from desk.accounts as a where a.name = p_name;
  if not found then
    perform desk.refuse(format('Unknown account %s', to_jsonb(left(p_name, 60))), '$.account',
      desk.did_you_mean(coalesce(p_name, ''), array(select a.name from desk.accounts as a)), '23503');
  end if;
  return v_account;
end
$$;
comment on function desk.account_named(text) is 'An account by its name; refuses an unknown one.';

create or replace function desk.open_account(
  p_name text, p_kind text default 'paper', p_broker text default 'desk', p_currency text default 'USD',
  p_flatten_on_stop boolean default false)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_id bigint;
begin
  if p_kind = 'live' then
    perform desk.refuse(format('The account %s is live, and no stop of the desk reaches a broker yet', p_name),
      '$.kind',
      'Open it as paper. Live accounts come with a stop that is proven at the broker.');
  end if;
  insert into desk.accounts (name, kind, broker, currency, cancels_at_once, flatten_on_stop)
  values (p_name, p_kind, p_broker, p_currency, p_broker = 'desk', p_flatten_on_stop)
  returning id into v_id;
  insert into desk.account_ledgers (account_id) values (v_id);
  return v_id;
end
$$;
comment on function desk.open_account(text, text, text, text, boolean) is
  'Makes an account known to the desk: select open_account(''PAPER1''). The broker desk is the desk''s own '
  'paper broker.';
grant execute on function desk.open_account(text, text, text, text, boolean) to desk_director;

create or replace function desk.restrict_symbol(p_symbol text, p_reason text, p_account text default null)
returns bigint
language sql volatile security definer
set search_path = desk, pg_temp
as $$
  insert into desk.restricted_symbols (symbol, reason, account_id)
  values (p_symbol, p_reason, case when p_account is not null then (desk.account_named(p_account)).id end)
  returning id
$$;
comment on function desk.restrict_symbol(text, text, text) is
  'Lets nothing be entered in a symbol, in one account or in all: select restrict_symbol(''GME'', ''halted'').';
grant execute on function desk.restrict_symbol(text, text, text) to desk_director;

create or replace function desk.release_symbol(p_symbol text, p_reason text, p_account text default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_account_id bigint := case when p_account is not null then (desk.account_named(p_account)).id end;
  v_count      bigint;
begin
  if coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A release needs a reason', '$.reason', 'Say in a sentence why it may be entered again.');
  end if;
  update desk.restricted_symbols as r
  set lifted_at = clock_timestamp(), lifted_by = session_user, lifted_why = p_reason
  where r.lifted_at is null and r.symbol = p_symbol and r.account_id is not distinct from v_account_id;
  get diagnostics v_count = row_count;
  if v_count = 0 then
    perform desk.refuse(format('%s is not restricted there', to_jsonb(left(p_symbol, 60))), '$.symbol',
      'See restricted_symbols, rows without lifted_at.', '23503');
  end if;
  return v_count;
end
$$;
comment on function desk.release_symbol(text, text, text) is
  'Lifts the restrictions of a symbol, of one account or those of all; answers how many.';
grant execute on function desk.release_symbol(text, text, text) to desk_director;

create or replace function desk.approve_strategy(
  p_name text, p_account text, p_reason text, p_code_hash text default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_strategy desk.strategies;
  v_account  desk.accounts := desk.account_named(p_account);
  v_hash     text;
  v_id       bigint;
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_name or s.code = p_name;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(p_name, 60))), '$.strategy',
      desk.did_you_mean(coalesce(p_name, ''), array(select s.name from desk.strategies as s)), '23503');
  elsif coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('An approval needs a reason', '$.reason', 'Say in a sentence why it may trade.');
  end if;
  select c.code_hash into v_hash from desk.code_versions as c
  where c.strategy_id = v_strategy.id and (c.code_hash = p_code_hash
    or p_code_hash is null and c.id = v_strategy.current_version_id);
  if not found then
    perform desk.refuse(format('%s has no such code version', v_strategy.name), '$.code_hash',
      'See code_versions; without a hash the current one is approved.', '23503');
  end if;
  perform desk.refuse_fault((
    select c.id from desk.code_versions as c where c.strategy_id = v_strategy.id and c.code_hash = v_hash));
  if not desk.is_seconded('approve', format('%s on %s with %s', v_strategy.name, p_account, v_hash), p_reason) then
    raise notice 'Asked for by %. Nothing is approved before another login says the same, within an hour.',
      session_user;
    return null;
  end if;
  insert into desk.approvals (strategy_id, account_id, code_hash, reason)
  values (v_strategy.id, v_account.id, v_hash, p_reason)
  returning id into v_id;
  return v_id;
end
$$;
comment on function desk.approve_strategy(text, text, text, text) is
  'Lets a strategy''s code trade on an account: select approve_strategy(''sma_crossover'', ''U1'', ''three weeks of '
  'paper''). It is the current code unless a hash is named; the login is recorded. Null where another '
  'login has to say the same first (two_logins).';
grant execute on function desk.approve_strategy(text, text, text, text) to desk_director;

grant select on desk.accounts, desk.restricted_symbols, desk.approvals to desk_director, desk_viewer;
grant update (lot, tick) on desk.instruments to desk_director;
grant update (flatten_on_stop, restart_at, restart_zone, restart_minutes) on desk.accounts to desk_director;
