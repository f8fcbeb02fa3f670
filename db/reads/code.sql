-- Which code runs a run, for people.

create or replace function desk.code_note(p_run_id bigint)
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select format('version %s of %s', left(v.code_hash, 12), s.name) || case
    when r.is_open and exists (
      select from desk.alive_runners() as n join desk.runner_code as c on c.runner_id = n.id
      where r.engine = any (n.engines) and c.code_version_id = v.id and (o.pinned or n.files_error is null))
      or not r.is_open or not exists (select from desk.alive_runners()) then ''
    when o.pinned then ', which no live runner has any more'
    else coalesce((
      select format(case
          when n.files_error is not null then '; runner %s begins no run: %2$s'
          when h.code_hash is null and desk.broken_file_of(s.name) is not null then '. %4$s'
          when exists (
            select from desk.host_code as h
            where h.strategy_id = s.id and h.host = n.host and h.code_version_id = v.id)
            then '; runner %s has older code, and reads its files again as soon as no run is pinned to that'
          when h.code_hash is null then '; runner %s does not have it'
          else '; runner %s has %3$s instead. If that is right: backdesk strategies sync, where it runs'
        end, n.id, n.files_error, left(h.code_hash, 12), desk.broken_file_of(s.name))
      from desk.alive_runners() as n
      left join (desk.runner_code as c join desk.code_versions as h on h.id = c.code_version_id)
        on c.runner_id = n.id and h.strategy_id = s.id
      where r.engine = any (n.engines)
      order by n.id desc
      limit 1), ', which no live runner has') end
    || case when o.pinned and s.current_version_id <> v.id
      then format('; the file is newer: %s', left(k.code_hash, 12)) else '' end
    || case (select c.checked from desk.version_checks as c where c.code_version_id = v.id)
      when 'fault' then '; ' || desk.code_fault(v.id)
      when 'accepted' then '; a fault of it was accepted'
      else '' end
  from desk.optimization_runs as r
  join desk.run_versions as o on o.optimization_run_id = r.id
  join desk.code_versions as v on v.id = o.code_version_id
  join desk.strategies as s on s.id = r.strategy_id
  left join desk.code_versions as k on k.id = s.current_version_id
  where r.id = p_run_id and not r.imported
$$;
comment on function desk.code_note(bigint) is
  'Which code runs a run, or has run it, in words: what it waits for where no live runner has that, and whether there '
  'is newer.';
grant execute on function desk.code_note(bigint) to desk_director, desk_viewer;
