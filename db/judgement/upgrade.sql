-- What an older version judged by other rules is judged again as soon as the functions are those of this version.

create or replace function desk.judge_lost_again()
returns integer
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run_id bigint;
  v_count  integer := 0;
begin
  for v_run_id in
    select distinct b.optimization_run_id
    from desk.full_results as b
    where b.outcome = 'finished' and not b.lost
      and (b.lost_on is not null or b.ending_value <= 0 or (b.return_count is not null and b.max_drawdown >= 1))
    order by b.optimization_run_id
  loop
    -- Ratios first: the figures of the family are made of them.
    update desk.full_results set passed = passed where optimization_run_id = v_run_id and outcome = 'finished';
    perform desk.rejudge_run(v_run_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function desk.judge_lost_again() is
  'Judges runs again that have lost accounts from before these were told from others; answers how many.';

create or replace function desk.judge_sortino_again()
returns bigint
language plpgsql volatile
set search_path = desk, pg_temp
as $$
declare
  v_run   record;
  v_count bigint := 0;
begin
  for v_run in
    select r.id, r.job_id, count(*) as results
    from desk.optimization_runs as r
    join desk.full_results as b on b.optimization_run_id = r.id
    where r.risk_free_rate <> 0 and not r.is_open and not b.metrics_given
      and b.sortino_ratio is not null
      and abs(b.sortino_ratio / nullif(b.return_mean / sqrt(b.downside_m2 / b.return_count)
        * b.volatility / sqrt(b.return_m2 / (b.return_count - 1)), 0) - 1) > 1e-9
    group by r.id, r.job_id order by r.id
  loop
    perform desk.rejudge_run(v_run.id);
    insert into desk.job_events (job_id, optimization_run_id, event, details)
    values (v_run.job_id, v_run.id, 'revision', jsonb_build_object('why', 'Sortino measures mean and losses against 0',
      'results', v_run.results));
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function desk.judge_sortino_again() is
  'Judges closed runs with a risk-free rate again whose Sortino ratios subtracted it from the mean alone.';

do $$
begin
  perform desk.judge_sortino_again();
  perform desk.judge_lost_again();
  perform desk.count_luck_anew();
end
$$;
