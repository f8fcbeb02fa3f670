-- Why points of bulk runs were rejected, counted from the tallies of their verdicts.

create or replace view desk.bulk_rejections as
select v.optimization_run_id, k.reason, sum(v.points)::bigint as points
from desk.bulk_verdicts as v
cross join lateral (
  select 'Account lost' as reason where v.verdict & 1 = 1
  union
  -- The words without the figures: of a value that is undefined, or of any beyond the threshold.
  select desk.reason_kind(desk.rejection_reason(c.metric, c.comparison, case
    when v.undefined & (1 << c.bit) <> 0 then null
    when c.comparison in ('>=', '>', '=') then c.threshold - 1 else c.threshold + 1 end, c.threshold))
  from desk.bulk_criteria as c
  where c.optimization_run_id = v.optimization_run_id and v.verdict & (1 << c.bit) <> 0
) as k
group by v.optimization_run_id, k.reason;
comment on view desk.bulk_rejections is
  'One row a bulk run and kind of reason: how many of its points that are not promoted were rejected for it.';
comment on column desk.bulk_rejections.optimization_run_id is 'The run.';
comment on column desk.bulk_rejections.reason is 'Kind of reason: the sentence without its figures.';
comment on column desk.bulk_rejections.points is 'Points rejected for it.';
