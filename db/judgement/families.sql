-- When a run closes: its trials are counted, its results deflated, overfitting measured, and the criteria on
-- the whole family judged. And the tallies by time, from which a day's summary is read.

insert into desk.settings (name, value, description)
values
  ('deflated_results', '1000', 'Results of a run that are deflated when it closes: the passed and the best by Sharpe '
                               'ratio.'),
  ('luck_rows', '20000', 'Results of earlier runs that are deflated anew when a run adds trials; further ones wait '
                         'for the next.'),
  ('pbo_points', '500', 'Points of a run from which the probability of overfitting is computed, at the most.'),
  ('pbo_blocks', '8', 'Blocks of the window for the probability of overfitting: 8 are 70 splits in milliseconds, 16 '
                      'are 12870 in seconds.')
on conflict (name) do update
set description = excluded.description;

create or replace function desk.refresh_luck(p_strategy_id bigint default null)
returns integer
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_of_a_run constant integer := (desk.setting('deflated_results') #>> '{}')::integer;
  v_most     constant integer := (desk.setting('luck_rows') #>> '{}')::integer;
  v_runs     bigint[];
  v_count    integer := 0;
begin
  perform from desk.strategies as s
  where p_strategy_id is null or s.id in (select desk.same_code(p_strategy_id))
  order by s.id for no key update;
  -- Runs of one window have one family, which is counted once for all of them.
  for v_runs in
    select array_agg(c.id order by c.id desc)
    from (
      select r.id, r.strategy_id, r.start_date, r.end_date, r.optimization_type = 'Walk-Forward' as is_stitched,
             sum(least(coalesce(p.finished, 0), v_of_a_run)) over (
               order by r.id desc rows between unbounded preceding and 1 preceding) as before_it
      from desk.run_statistics as s
      join desk.optimization_runs as r on r.id = s.optimization_run_id
      left join desk.run_progress as p on p.optimization_run_id = r.id
      where s.stale and (p_strategy_id is null or s.strategy_id in (select desk.same_code(p_strategy_id)))
      order by r.id desc
      limit 200
    ) as c
    where coalesce(c.before_it, 0) < v_most
    group by c.strategy_id, c.start_date, c.end_date, c.is_stitched
  loop
    perform desk.deflate_runs(v_runs);
    v_count := v_count + cardinality(v_runs);
  end loop;
  return v_count;
end
$$;
comment on function desk.refresh_luck(bigint) is
  'Deflates earlier runs of a strategy and of its code under other names, or of all, by the trials that were made '
  'since, the newest runs first, so many results at a time; answers the number of runs.';
grant execute on function desk.refresh_luck(bigint) to desk_director;

create or replace function desk.recount_tallies(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  delete from desk.run_tallies where optimization_run_id = p_run_id;
  insert into desk.run_tallies (optimization_run_id, quarter, finished, failed, passed, best_sharpe, best_passed_sharpe)
  select q.optimization_run_id, q.quarter, q.finished, q.failed, q.passed, q.best_sharpe, q.best_passed_sharpe
  from desk.tallied(array(select b.id from desk.full_results as b where b.optimization_run_id = p_run_id)) as q;
  perform desk.tally_blocks(p_run_id);
end
$$;
comment on function desk.recount_tallies(bigint) is 'Tallies of a run anew, after its results were judged again.';

drop function if exists desk.tally_result(desk.full_results);

create or replace function desk.judge_by_family(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  if not exists (
    select from desk.success_criteria as c join desk.metric_definitions as d on d.metric = c.metric
    where c.optimization_run_id = p_run_id and d.scope = 'family')
  then
    return;
  end if;
  -- Tells the judging trigger that the family's figures are known now, though the run is not closed yet.
  perform set_config('desk.judged_family', p_run_id::text, true);
  update desk.full_results set passed = passed where optimization_run_id = p_run_id and outcome = 'finished';
  perform set_config('desk.judged_family', '', true);
  perform desk.judge_bulk_by_family(p_run_id);
  update desk.run_progress set passed = desk.passed_of(p_run_id) where optimization_run_id = p_run_id;
  perform desk.find_best(p_run_id);
  perform desk.recount_tallies(p_run_id);
end
$$;
comment on function desk.judge_by_family(bigint) is
  'Judges the results of a run by its criteria on the whole family, where it has any.';

create or replace function desk.judge_family(p_run_id bigint)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_strategy_id bigint;
  v_trials      bigint;
begin
  -- Runs of one strategy that close together count each other one after the other; one without a result counts nowhere.
  select r.strategy_id into v_strategy_id from desk.optimization_runs as r where r.id = p_run_id;
  perform from desk.strategies as s
  where s.id in (select desk.same_code(v_strategy_id))
    and exists (select from desk.backtest_results as b where b.optimization_run_id = p_run_id)
  order by s.id for no key update;
  begin
    perform desk.count_trials(p_run_id);
    update desk.run_statistics set error = null where optimization_run_id = p_run_id returning trials into v_trials;
    -- An imported run closes inside the trigger of its last result, where nothing may take long.
    if pg_trigger_depth() = 0 then
      perform desk.measure_overfitting(p_run_id);
    end if;
    perform desk.promote_best(p_run_id);
    perform desk.deflate_runs(array[p_run_id]);
    if v_trials > 0 then
      update desk.run_statistics as s
      set stale = true
      from desk.optimization_runs as r, desk.optimization_runs as n
      where s.strategy_id in (select desk.same_code(v_strategy_id)) and s.optimization_run_id <> p_run_id
        and r.id = s.optimization_run_id
        and n.id = p_run_id and desk.counts_towards(r, n);
      perform desk.refresh_luck(v_strategy_id);
    end if;
  exception when others then
    -- A run closes whatever happens here; its statistics say why they are missing.
    insert into desk.run_statistics (optimization_run_id, strategy_id, trials, sharpe_trials, error)
    values (p_run_id, v_strategy_id, 0, 0, sqlerrm)
    on conflict (optimization_run_id) do update set error = excluded.error;
  end;
  perform desk.judge_by_family(p_run_id);
end
$$;
comment on function desk.judge_family(bigint) is
  'The statistics of a run that closes or is judged again: trials, deflation, overfitting; then the criteria on the '
  'family. Earlier runs of the strategy are deflated by the new trials.';

grant select on desk.run_statistics, desk.run_tallies to desk_director, desk_viewer, desk_dbt;
grant select on desk.walk_forward_folds to desk_dbt;
