-- Why points of bulk runs were rejected, counted from the tallies of their verdicts.

create or replace function desk.bulk_reason_kinds(p_run_id bigint, p_verdict integer, p_undefined integer)
returns setof text
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select 'Account lost' where p_verdict & 1 = 1
  union
  -- The words without the figures: of a value that is undefined, or of any beyond the threshold.
  select desk.reason_kind(desk.rejection_reason(c.metric, c.comparison, case
    when p_undefined & (1 << c.bit) <> 0 then null
    when c.comparison in ('>=', '>', '=') then c.threshold - 1 else c.threshold + 1 end, c.threshold))
  from desk.bulk_criteria as c
  where c.optimization_run_id = p_run_id and p_verdict & (1 << c.bit) <> 0
$$;
comment on function desk.bulk_reason_kinds(bigint, integer, integer) is
  'Kinds of reasons that a verdict of a bulk run stands for.';
grant execute on function desk.bulk_reason_kinds(bigint, integer, integer) to desk_director, desk_viewer;

create or replace view desk.bulk_rejections as
select v.optimization_run_id, k.reason, sum(v.points)::bigint as points
from desk.bulk_verdicts as v
cross join lateral desk.bulk_reason_kinds(v.optimization_run_id, v.verdict, v.undefined) as k (reason)
group by v.optimization_run_id, k.reason;
comment on view desk.bulk_rejections is
  'One row a bulk run and kind of reason: how many of its points that are not promoted were rejected for it.';
comment on column desk.bulk_rejections.optimization_run_id is 'The run.';
comment on column desk.bulk_rejections.reason is 'Kind of reason: the sentence without its figures.';
comment on column desk.bulk_rejections.points is 'Points rejected for it.';
