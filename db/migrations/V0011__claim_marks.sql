-- Where a claim begins to look, so that its cost does not grow with what has been claimed before.

alter table desk.run_progress
  add column claim_from bigint not null default 0,
  add column swept_at timestamptz not null default now();
comment on column desk.run_progress.claim_from is 'No item of a first attempt waits below this id: claims begin here.';
comment on column desk.run_progress.swept_at is 'When it was last looked for waiting items below claim_from.';

drop index desk.work_items_claim;
create index work_items_claim on desk.work_items (optimization_run_id, id)
  where state = 'waiting' and kind = 'points' and attempt = 1;
create index work_items_retries on desk.work_items (optimization_run_id, run_after)
  where state = 'waiting' and kind = 'points' and attempt > 1;
