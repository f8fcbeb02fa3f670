-- What is said of a run that closes: its summary, and whether its best lies on an edge.

drop function if exists desk.summary_text(bigint, bigint, bigint, double precision);
create or replace function desk.summary_text(
  p_finished bigint, p_passed bigint, p_failed bigint, p_best_sharpe double precision,
  p_best_passed_sharpe double precision, p_known bigint default 0)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('%s runs complete, %s passed, best Sharpe: %s%s%s%s', p_finished, p_passed,
    coalesce((round(p_best_sharpe::numeric, 1) + 0.0)::text, 'n/a'),
    ', best passed: ' || nullif(round(p_best_passed_sharpe::numeric, 1) + 0.0, round(p_best_sharpe::numeric, 1)),
    case when p_failed > 0 then format(', %s failed', p_failed) else '' end,
    case when p_known > 0 then format(', %s known before', p_known) else '' end)
$$;
comment on function desk.summary_text(bigint, bigint, bigint, double precision, double precision, bigint) is
  'The desk''s line: 72 runs complete, 3 passed, best Sharpe: 1.8; where the best did not pass, the best passed '
  'follows, then what failed and what was known before.';

create or replace function desk.runs_summary(p_run_ids bigint[])
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  with runs as materialized (
    select r.id, r.bulk, r.id = any (p_run_ids) as told
    from desk.optimization_runs as r
    where r.id = any (p_run_ids) or r.parent_run_id = any (p_run_ids)
  ), counted as (
    select count(*) filter (where t.outcome = 'finished' and t.kind <> 'stitched') as finished,
           count(*) filter (where t.passed and r.told) as passed,
           count(*) filter (where t.outcome = 'failed') as failed,
           max(t.sharpe_ratio) filter (where r.told) as best,
           max(t.sharpe_ratio) filter (where t.passed and r.told) as best_passed,
           count(*) filter (where t.outcome = 'finished' and t.kind <> 'stitched' and t.repeated) as known
    from desk.full_trials as t
    join runs as r on r.id = t.optimization_run_id
    union all
    -- The best are read from the indexes, the numbers from the tallies.
    select (select sum(v.points) from desk.bulk_verdicts as v where v.optimization_run_id = r.id),
           (select sum(v.points) from desk.bulk_verdicts as v
             where v.optimization_run_id = r.id and v.verdict = 0 and r.told), 0,
           (select max(p.sharpe_ratio) from desk.bulk_points as p where p.optimization_run_id = r.id and r.told),
           (select max(p.sharpe_ratio) from desk.bulk_points as p
             where p.optimization_run_id = r.id and p.verdict = 0 and r.told),
           (select coalesce(sum(upper(u.piece) - lower(u.piece)), 0)
             from desk.bulk_runs as k cross join lateral unnest(k.repeated) as u (piece)
             where k.optimization_run_id = r.id)
             - (select count(*) from desk.full_results as f where f.optimization_run_id = r.id and f.repeated)
    from runs as r where r.bulk
  )
  select desk.summary_text(coalesce(sum(c.finished), 0)::bigint, coalesce(sum(c.passed), 0)::bigint,
    coalesce(sum(c.failed), 0)::bigint, max(c.best), max(c.best_passed), coalesce(sum(c.known), 0)::bigint)
  from counted as c
$$;
comment on function desk.runs_summary(bigint[]) is
  'Summary over runs: their points, those that repeat earlier ones among them and told. Of a walk-forward run the '
  'backtests of all folds are counted, and the stitched test is judged; of a fold its own points are.';
grant execute on function desk.runs_summary(bigint[]) to desk_director, desk_viewer;

create or replace view desk.walk_forward_efficiency as
select
  f.optimization_run_id,
  avg(c.annual_return) filter (where f.state = 'done') as in_sample_annual_return,
  avg(t.annual_return) as out_of_sample_annual_return,
  avg(t.annual_return) / nullif(greatest(avg(c.annual_return) filter (where f.state = 'done'), 0), 0) as efficiency
from desk.walk_forward_folds as f
left join desk.backtest_results as c on c.id = f.chosen_result_id
left join desk.backtest_results as t on t.id = f.out_of_sample_result_id
group by f.optimization_run_id;
comment on view desk.walk_forward_efficiency is
  'One row a walk-forward run: what its choices earned where they were chosen, and where they were tested (Pardo '
  '2008).';
comment on column desk.walk_forward_efficiency.optimization_run_id is 'The walk-forward run.';
comment on column desk.walk_forward_efficiency.in_sample_annual_return is
  'Mean annual return of the choices in sample, over the folds that are done.';
comment on column desk.walk_forward_efficiency.out_of_sample_annual_return is 'Mean annual return of the tests.';
comment on column desk.walk_forward_efficiency.efficiency is
  'The second over the first; null when in sample there was no gain.';
grant select on desk.walk_forward_efficiency to desk_director, desk_viewer, desk_dbt;

create or replace function desk.folds_summary(p_run_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select case when count(*) = 0 then '' else format('; %s folds, %s profitable%s%s', count(*),
    count(*) filter (where b.total_return > 0),
    case when count(*) filter (where f.state = 'cash') > 0
      then format(', %s in cash', count(*) filter (where f.state = 'cash')) end,
    ', efficiency ' || (
      select round(e.efficiency::numeric, 2) from desk.walk_forward_efficiency as e
        where e.optimization_run_id = p_run_id)) end
  from desk.walk_forward_folds as f
  left join desk.backtest_results as b on b.id = f.out_of_sample_result_id
  where f.optimization_run_id = p_run_id
$$;
comment on function desk.folds_summary(bigint) is
  'The folds of a walk-forward run in a few words; empty for any other run.';

create or replace function desk.job_summary(p_job_id bigint)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select case when count(*) = 1 then min(r.summary)
    else
      case when bool_or(r.status = 'cancelled') then format('cancelled after %s of %s: ', sum(g.recorded), sum(g.total))
        else '' end
      || desk.runs_summary(array_agg(r.id))
      || case when bool_or(r.status = 'failed') then format('; %s of %s searches failed: %s',
        count(*) filter (where r.status = 'failed'), count(*),
           left(string_agg(coalesce(k.symbols || ': ', '') || r.error, '; ' order by r.id)
             filter (where r.status = 'failed'), 1000))
         else '' end
    end
  from desk.optimization_runs as r
  cross join lateral (
    select sum(p.finished + p.failed) as recorded, sum(p.total) as total
    from desk.optimization_runs as o
    join desk.run_progress as p on p.optimization_run_id = o.id
    where o.id = r.id or o.parent_run_id = r.id
  ) as g
  cross join lateral (
    select string_agg(i.symbol, ' ' order by y.position) as symbols
    from desk.run_symbols as y
    join desk.instruments as i on i.id = y.instrument_id
    where y.optimization_run_id = r.id
  ) as k
  where r.job_id = p_job_id and r.role = 'search'
$$;
comment on function desk.job_summary(bigint) is
  'Summary of a job whose searches are over: its search''s own or, of one search a symbol, over all of them and with '
  'what failed: 54 runs complete, 3 passed, best Sharpe: 1.8, 18 failed; 1 of 4 searches failed: IBM: ...';

create or replace function desk.best_on_edge(p_run_id bigint)
returns text[]
language sql stable
set search_path = desk, pg_temp
as $$
  -- Edges are those of all generations together: what was searched at all.
  select coalesce(array_agg(s.item ->> 'name' order by s.position), '{}')
  from desk.run_progress as p
  join desk.backtest_results as b on b.id = p.best_result_id
  join desk.search_generations as g on g.optimization_run_id = p.optimization_run_id and g.generation = 1
  cross join lateral jsonb_array_elements(g.space) with ordinality as s (item, position)
  cross join lateral (
    select min(e.value) as lowest, max(e.value) as highest
    from desk.search_generations as h
    cross join lateral jsonb_array_elements(h.space) as t (item)
    cross join lateral (
      select (v.value #>> '{}')::numeric from jsonb_array_elements(t.item -> 'values') as v (value)
        where jsonb_typeof(v.value) = 'number'
      union all
      select u.value from (values ((t.item ->> 'start')::numeric),
        (coalesce((t.item ->> 'end')::numeric, (t.item ->> 'start')::numeric + (t.item ->> 'step')::numeric * (
          (t.item ->> 'count')::numeric - 1)))) as u (value)
    ) as e (value)
    where h.optimization_run_id = p.optimization_run_id and t.item ->> 'name' = s.item ->> 'name'
  ) as r
  where p.optimization_run_id = p_run_id
    and coalesce((s.item ->> 'count')::bigint, 2) > 1
    and jsonb_typeof(b.parameters -> (s.item ->> 'name')) = 'number'
    and (b.parameters ->> (s.item ->> 'name'))::numeric in (r.lowest, r.highest)
$$;
comment on function desk.best_on_edge(bigint) is
  'Parameters whose best value lies on the edge of what was searched: a better one may lie beyond.';
