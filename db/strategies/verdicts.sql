-- Verdicts on code: asked for when a version is used, recorded with their evidence, and what follows from a fault.

insert into desk.verdict_kinds (name, position, description)
values
  ('probes', 1, 'backdesk check on the prices of a run: look-ahead, warm-up, parameters, determinism.'),
  ('kernel', 2, 'Whether the compiled kernel gives what Backtrader gives bar by bar, to the bit.')
on conflict (name) do update set position = excluded.position, description = excluded.description;

insert into desk.settings (name, value, description)
values
  ('check_new_code', 'true', 'Whether runners probe a strategy''s code at its first use on prices of a timeframe.'),
  ('kernel_points', '20000', 'From how many points on a search of signals has its code compared for the kernel.')
on conflict (name) do update set description = excluded.description;

create or replace view desk.code_checks as
select v.id as code_version_id, v.strategy_id, s.name as strategy, v.code_hash, c.kind,
       case
         when c.fault > coalesce(c.accepted, 0) then 'fault'
         when c.accepted is not null then 'accepted'
         else c.mildest end as outcome,
       l.evidence, l.said_by, l.said_at
from desk.code_versions as v
join desk.strategies as s on s.id = v.strategy_id
cross join lateral (
  select d.kind, max(d.id) filter (where d.outcome = 'fault') as fault,
         max(d.id) filter (where d.outcome = 'accepted') as accepted,
         case when bool_or(d.outcome = 'note') then 'note' when bool_or(d.outcome = 'clean') then 'clean'
           else 'undecided' end as mildest, max(d.id) as newest
  from desk.code_verdicts as d where d.code_version_id = v.id
  group by d.kind
) as c
join desk.code_verdicts as l on l.id = case
  when c.fault > coalesce(c.accepted, 0) then c.fault else coalesce(c.accepted, c.newest) end;
comment on view desk.code_checks is
  'One row a version of code and kind of examination that it has had: what holds now. A fault holds until the director '
  'accepts it, whatever is found later on other prices.';
comment on column desk.code_checks.code_version_id is 'The version.';
comment on column desk.code_checks.strategy_id is 'Its strategy.';
comment on column desk.code_checks.strategy is 'Name of the strategy.';
comment on column desk.code_checks.code_hash is 'SHA-256 of its files.';
comment on column desk.code_checks.kind is 'What was examined.';
comment on column desk.code_checks.outcome is 'fault, accepted, note, clean or undecided.';
comment on column desk.code_checks.evidence is 'What that rests on.';
comment on column desk.code_checks.said_by is 'Who said it.';
comment on column desk.code_checks.said_at is 'When.';

create or replace view desk.version_checks as
select d.code_version_id,
       -- Who accepts a fault accepts all that stand, of whatever kind.
       case
         when max(d.id) filter (where d.outcome = 'fault') > coalesce(max(d.id) filter (
           where d.outcome = 'accepted'), 0) then 'fault'
         when bool_or(d.outcome = 'accepted') then 'accepted'
         when bool_or(d.outcome = 'note') then 'note'
         when bool_or(d.outcome = 'clean') then 'clean'
         else 'undecided' end as checked
from desk.code_verdicts as d
group by d.code_version_id;
comment on view desk.version_checks is 'One row an examined version of code: the worst that holds of it.';
comment on column desk.version_checks.code_version_id is 'The version.';
comment on column desk.version_checks.checked is 'fault, accepted, note, clean or undecided.';

create or replace function desk.code_fault(p_version_id bigint)
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select format('version %s has a fault: %s', left(c.code_hash, 12), coalesce((
      select string_agg(f.item ->> 'about' || ': ' || (f.item ->> 'found'), '; ' order by f.place)
      from jsonb_array_elements(c.evidence -> 'findings') with ordinality as f (item, place)
      where f.item ->> 'verdict' = 'fault'), c.evidence ->> 'summary', c.kind))
  from desk.code_checks as c
  where c.code_version_id = p_version_id and c.outcome = 'fault'
  order by c.kind limit 1
$$;
comment on function desk.code_fault(bigint) is
  'Which fault of a version of code stands, in words; null where none does.';
grant execute on function desk.code_fault(bigint) to desk_director, desk_viewer;

create or replace function desk.refuse_fault(p_version_id bigint)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_fault constant text := desk.code_fault(p_version_id);
  v_name  text;
begin
  if v_fault is not null then
    select s.name into v_name from desk.code_versions as v join desk.strategies as s on s.id = v.strategy_id
    where v.id = p_version_id;
    perform desk.refuse(format('The code of %s does not go on: %s', v_name, v_fault), '$.strategy',
      format('Mend it; or, if that is as it should be: select accept_fault(%L, ''why'').', v_name));
  end if;
end
$$;
comment on function desk.refuse_fault(bigint) is 'Refuses to let code go on that has a fault which nobody accepted.';

create or replace function desk.ask_probe(p_version_id bigint, p_run_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  insert into desk.work_items (kind, code_version_id, payload)
  select 'probe_code', p_version_id, jsonb_build_object('optimization_run_id', r.id, 'strategy', s.name,
    'code_hash', v.code_hash, 'timeframe', r.timeframe, 'seconds', 900)
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  join desk.code_versions as v on v.id = p_version_id and v.strategy_id = s.id
  where r.id = p_run_id and r.engine = 'backtrader' and not r.imported
    and desk.setting('check_new_code') = 'true'
    and not exists (
      select from desk.work_items as w
      where w.code_version_id = v.id and w.kind = 'probe_code' and w.state in ('waiting', 'leased')
        and w.payload ->> 'timeframe' = r.timeframe)
    and not exists (
      select from desk.code_verdicts as d
      where d.code_version_id = v.id and d.kind = 'probes' and d.outcome not in ('accepted', 'undecided')
        and d.evidence ->> 'timeframe' = r.timeframe)
$$;
comment on function desk.ask_probe(bigint, bigint) is
  'Has a version of code probed on the prices of a run, where it was not yet on prices of that timeframe.';

create or replace function desk.verdict_kind(p_task_kind text)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select case p_task_kind when 'probe_code' then 'probes' when 'compare_kernel' then 'kernel' end
$$;
comment on function desk.verdict_kind(text) is 'Which kind of verdict a task on code gives.';

create or replace function desk.ask_comparison(p_version_id bigint, p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  insert into desk.work_items (kind, code_version_id, payload)
  select 'compare_kernel', p_version_id, jsonb_build_object('optimization_run_id', r.id, 'strategy', s.name,
    'code_hash', v.code_hash, 'timeframe', r.timeframe, 'seconds', 900, 'settings', desk.run_settings(r.id))
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  join desk.code_versions as v on v.id = p_version_id and v.strategy_id = s.id
  where r.id = p_run_id and r.engine = 'backtrader' and not r.imported
    and v.details -> 'files' ? 'strategies.signal_strategy'
    and (desk.setting('kernel_points') #>> '{}')::bigint <= (
      select p.total from desk.run_progress as p where p.optimization_run_id = r.id)
    -- Where nobody has the kernel, nobody could compare, nor would use it.
    and exists (select from desk.runners as n where n.stopped_at is null and 'kernel' = any (n.engines))
    and not exists (
      select from desk.work_items as w
      where w.code_version_id = v.id and w.kind = 'compare_kernel' and w.state in ('waiting', 'leased'))
    and not exists (
      select from desk.code_verdicts as d
      where d.code_version_id = v.id and d.kind = 'kernel' and d.outcome <> 'undecided'
        and d.evidence ->> 'timeframe' = r.timeframe);
end
$$;
comment on function desk.ask_comparison(bigint, bigint) is
  'Has a signal strategy''s code compared in the kernel with Backtrader on the prices of a run, where it was not yet.';

create or replace function desk.kernel_admits(p_version_id bigint, p_timeframe text)
returns boolean
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(bool_and(d.outcome = 'clean'), false)
  from desk.code_verdicts as d
  where d.code_version_id = p_version_id and d.kind = 'kernel' and d.outcome <> 'undecided'
    and d.evidence ->> 'timeframe' = p_timeframe
$$;
comment on function desk.kernel_admits(bigint, text) is
  'True of code that was compared on bars of that length and gave the same bits each time: it may run in the kernel.';

create or replace function desk.probe_current(p_strategy_id bigint)
returns void
language sql volatile
set search_path = desk, pg_temp
as $$
  select desk.ask_probe(s.current_version_id, u.run_id), desk.ask_comparison(s.current_version_id, u.run_id)
  from desk.strategies as s
  cross join lateral (
    select max(r.id) as run_id from desk.optimization_runs as r
    where r.strategy_id = s.id and not r.imported and r.role = 'search' and r.started_at is not null
    group by r.timeframe) as u
  where s.id = p_strategy_id;
  insert into desk.code_verdicts (code_version_id, kind, outcome, evidence)
  select s.current_version_id, 'probes', 'undecided', jsonb_build_object('summary',
    'not used yet: it is probed on the prices that it is first used with')
  from desk.strategies as s
  where s.id = p_strategy_id and s.engine = 'backtrader' and desk.setting('check_new_code') = 'true'
    and not exists (
      select from desk.code_verdicts as d where d.code_version_id = s.current_version_id and d.kind = 'probes')
    and not exists (select from desk.work_items as w where w.code_version_id = s.current_version_id)
$$;
comment on function desk.probe_current(bigint) is
  'Has a strategy''s current code probed on the prices that earlier code was used with: the newest search of each '
  'timeframe. Where there is none, that is said, and it is probed when it is first used.';

create or replace function desk.record_verdict(
  p_version_id bigint, p_kind text, p_outcome text, p_evidence jsonb)
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_id       bigint;
  v_strategy desk.strategies;
  v_fault    text;
begin
  insert into desk.code_verdicts (code_version_id, kind, outcome, evidence)
  values (p_version_id, p_kind, p_outcome, coalesce(p_evidence, '{}'))
  returning id into v_id;
  v_fault := desk.code_fault(p_version_id);
  if v_fault is not null then
    select s.* into v_strategy from desk.strategies as s
    where s.id = (select v.strategy_id from desk.code_versions as v where v.id = p_version_id)
    for no key update;
    -- Only where it is this code that brought it there; what trades is ended by its own gate.
    if v_strategy.status in ('passed', 'validated') and exists (
      select from desk.strategy_events as e
      join desk.optimization_runs as r on r.id = e.optimization_run_id
      where e.id = (select max(l.id) from desk.strategy_events as l where l.strategy_id = v_strategy.id)
        and r.code_version_id = p_version_id)
    then
      update desk.strategies set status = 'rejected', reason = v_fault, updated_at = now()
      where id = v_strategy.id;
    end if;
  end if;
  return v_id;
end
$$;
comment on function desk.record_verdict(bigint, text, text, jsonb) is
  'Keeps a verdict on code. A fault takes a strategy back that this code had let pass.';

create or replace function desk.accept_fault(p_strategy text, p_reason text, p_code_hash text default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_strategy desk.strategies;
  v_version  desk.code_versions;
  v_count    integer;
begin
  select s.* into v_strategy from desk.strategies as s where s.name = p_strategy or s.code = p_strategy;
  if not found then
    perform desk.refuse(format('Unknown strategy %s', to_jsonb(left(p_strategy, 60))), '$.strategy',
      desk.did_you_mean(coalesce(p_strategy, ''), array(select s.name from desk.strategies as s)), '23503');
  elsif coalesce(btrim(p_reason), '') = '' then
    perform desk.refuse('A fault is accepted for a reason', '$.reason', 'Say in a sentence why it is none.');
  end if;
  select v.* into v_version from desk.code_versions as v
  where v.strategy_id = v_strategy.id
    and (v.code_hash like p_code_hash || '%' or p_code_hash is null and v.id = v_strategy.current_version_id)
  order by v.id desc limit 1;
  insert into desk.code_verdicts (code_version_id, kind, outcome, evidence)
  select v_version.id, c.kind, 'accepted', jsonb_build_object('reason', p_reason)
  from desk.code_checks as c where c.code_version_id = v_version.id and c.outcome = 'fault';
  get diagnostics v_count = row_count;
  if v_count = 0 then
    perform desk.refuse(format('%s has no fault to accept', v_strategy.name), '$.strategy',
      'See: select strategy, code_hash, outcome, evidence from code_checks.');
  end if;
  return format('%s: the faults of version %s are accepted; its next search may pass', v_strategy.name,
    left(v_version.code_hash, 12));
end
$$;
comment on function desk.accept_fault(text, text, text) is
  'Lets code go on though a fault was found, with a reason and the login: select accept_fault(''sma_crossover'', '
  '''it is meant to read the open''). It is the current code unless the begin of a hash is named.';
grant execute on function desk.accept_fault(text, text, text) to desk_director;

grant select on desk.verdict_kinds, desk.code_verdicts, desk.code_checks, desk.version_checks to desk_director,
  desk_viewer;
