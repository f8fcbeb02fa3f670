-- Words of people on jobs, runs and results, and what was tried this week.

create or replace function desk.note(p_what text, p_id bigint, p_text text)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  case p_what
    when 'strategy' then update desk.strategies set notes = p_text, updated_at = now() where id = p_id;
    when 'job' then update desk.jobs set notes = p_text where id = p_id;
    when 'run' then update desk.optimization_runs set notes = p_text where id = p_id;
    when 'result' then update desk.backtest_results set notes = p_text where id = p_id;
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
  case p_what
    when 'strategy' then update desk.strategies set tags = p_tags, updated_at = now() where id = p_id;
    when 'job' then update desk.jobs set tags = p_tags where id = p_id;
    when 'run' then update desk.optimization_runs set tags = p_tags where id = p_id;
    when 'result' then update desk.backtest_results set tags = p_tags where id = p_id;
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

create or replace view desk.tried_this_week as
select s.name as strategy,
       case when b.outcome = 'failed' then 'failed' when b.passed then 'passed' else 'rejected' end as verdict,
       count(*) as variations, max(b.sharpe_ratio) as best_sharpe
from desk.backtest_results as b
join desk.strategies as s on s.id = b.strategy_id
join desk.optimization_runs as r on r.id = b.optimization_run_id
join desk.settings as z on z.name = 'time_zone'
where b.source_result_id is null
  and r.optimization_type <> 'Walk-Forward'
  and b.created_at >= date_trunc('week', now() at time zone (z.value #>> '{}')) at time zone (z.value #>> '{}')
group by s.name, 2;
comment on view desk.tried_this_week is
  'One row a strategy and verdict: variations tried since Monday, copies of known results and stitched walk-forward '
  'tests not counted.';
comment on column desk.tried_this_week.strategy is 'The strategy.';
comment on column desk.tried_this_week.verdict is 'passed, rejected or failed.';
comment on column desk.tried_this_week.variations is 'How many.';
comment on column desk.tried_this_week.best_sharpe is 'Best Sharpe ratio among them.';

grant select on desk.tried_this_week to desk_director, desk_viewer;
