-- Words of people on jobs, runs and results, and what was tried this week.

create or replace function desk.note(p_what text, p_id bigint, p_text text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if p_what = 'result' then
    perform desk.promote(array[p_id]);
  end if;
  case p_what
    when 'strategy' then update desk.strategies set notes = p_text, updated_at = now() where id = p_id;
    when 'job' then update desk.jobs set notes = p_text where id = p_id;
    when 'run' then update desk.optimization_runs set notes = p_text where id = p_id;
    when 'result' then update desk.full_results set notes = p_text where id = p_id;
    else perform desk.refuse(format('Cannot note on a %s', p_what), '$.what', 'It is strategy, job, run or result.');
  end case;
  if not found then
    perform desk.refuse(format('There is no %s %s', p_what, coalesce(p_id::text, 'null')), '$.id',
      'Look its id up first.', '23503');
  end if;
  return format('noted on %s %s', p_what, p_id);
end
$$;
comment on function desk.note(text, bigint, text) is
  'Writes a note on a strategy, job, run or result: select note(''result'', 1, ''looks lucky'').';
grant execute on function desk.note(text, bigint, text) to desk_director;

create or replace function desk.tag(p_what text, p_id bigint, variadic p_tags text[] default '{}')
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  if p_what = 'result' then
    perform desk.promote(array[p_id]);
  end if;
  case p_what
    when 'strategy' then update desk.strategies set tags = p_tags, updated_at = now() where id = p_id;
    when 'job' then update desk.jobs set tags = p_tags where id = p_id;
    when 'run' then update desk.optimization_runs set tags = p_tags where id = p_id;
    when 'result' then update desk.full_results set tags = p_tags where id = p_id;
    else perform desk.refuse(format('Cannot tag a %s', p_what), '$.what', 'It is strategy, job, run or result.');
  end case;
  if not found then
    perform desk.refuse(format('There is no %s %s', p_what, coalesce(p_id::text, 'null')), '$.id',
      'Look its id up first.', '23503');
  end if;
  return format('tagged %s %s', p_what, p_id);
end
$$;
comment on function desk.tag(text, bigint, text[]) is
  'Sets the tags of a strategy, job, run or result: select tag(''run'', 1, ''keep'', ''etf''); without tags it '
  'clears them.';
grant execute on function desk.tag(text, bigint, text[]) to desk_director;
