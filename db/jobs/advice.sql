-- What to do about a job: one sentence, whose statement leads out when it is carried out as it stands.

create or replace function desk.again(p_job_id bigint, p_force boolean default false)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('insert into jobs (kind, strategy, config, config_file%s) '
      'select kind, strategy, config, config_file%s from jobs where id = %s',
    case when p_force then ', force' else '' end, case when p_force then ', true' else '' end, p_job_id)
$$;
comment on function desk.again(bigint, boolean) is
  'The statement that inserts a job again; with force past the fee guard.';

create or replace function desk.fee_advice(p_commission jsonb)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  -- More capital changes the share only of what does not grow with it.
  select case when (p_commission ->> 'minimum')::double precision > 0
    then 'Trade less often, on longer bars, or with more capital, of which a least fee is a smaller share'
    else 'Trade less often, on longer bars, or at lower fees; more capital would change nothing' end
$$;
comment on function desk.fee_advice(jsonb) is 'What lowers the share of fees, by a config''s commission.';

create or replace function desk.can_retry(p_job_id bigint)
returns boolean
language sql stable security definer
set search_path = desk, pg_temp
as $$
  -- What a pilot failed of is known before the search: the job is over, and its points alone would change nothing.
  select exists (
    select from desk.optimization_runs as r
    where r.job_id = p_job_id and r.role <> 'pilot'
      and (r.status = 'failed' and r.error ~ '^(Planning failed|No suggestions): ' or exists (
        select from desk.backtest_results as b where b.optimization_run_id = r.id and b.outcome = 'failed'))
      -- A part of a walk-forward run whose fold has gone on stays as it is.
      and (r.parent_run_id is null or exists (
        select from desk.walk_forward_folds as f
        where (f.in_sample_run_id = r.id and f.state = 'in_sample')
          or (f.out_of_sample_run_id = r.id and f.state = 'out_of_sample'))))
    and exists (select from desk.jobs as j where j.id = p_job_id and j.state <> 'cancelled')
$$;
comment on function desk.can_retry(bigint) is 'True of a job that has points which retry_job() would try again.';
grant execute on function desk.can_retry(bigint) to desk_director, desk_viewer;

create or replace function desk.job_advice(p_job_id bigint)
returns text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select case
    when j.state = 'paused' then format('To go on: select resume_job(%s)', j.id)
    when j.state = 'held' then format('Nothing to do: it waits for %s pilot points, which tell its fees; without them: '
      'select cancel_job(%s), then %s', (
        select sum(p.total - p.finished - p.failed) from desk.optimization_runs as r
        join desk.run_progress as p on p.optimization_run_id = r.id where r.job_id = j.id and r.role = 'pilot'),
      j.id, desk.again(j.id, true))
    when j.state = 'cancelled' then format('To run it after all: %s', desk.again(j.id))
    when j.state = 'failed' and e.verdict = 'too dear' then format('%s. As it is, past the fee guard: %s',
      desk.fee_advice(j.canonical_config -> 'commission'), desk.again(j.id, true))
    when desk.can_retry(j.id) then format('Once that is mended: select retry_job(%s)', j.id)
    when j.state = 'failed' then format('Once that is mended: %s', desk.again(j.id)) end
  from desk.jobs as j
  left join desk.estimates as e on e.job_id = j.id
  where j.id = p_job_id
$$;
comment on function desk.job_advice(bigint) is
  'What to do about a job that is held, paused, cancelled or failed, or of which points failed, with the statement '
  'that does it; null where there is nothing.';
grant execute on function desk.job_advice(bigint) to desk_director, desk_viewer, desk_dbt;
