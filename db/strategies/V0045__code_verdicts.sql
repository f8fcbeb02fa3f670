-- What is known to be wrong with a version of a strategy's code, or right; and the task that finds it out.

create table desk.verdict_kinds (
  name        text primary key,
  description text not null,
  position    integer not null
);
comment on table desk.verdict_kinds is 'One row a kind of examination that code may have had.';
comment on column desk.verdict_kinds.name is 'Its name.';
comment on column desk.verdict_kinds.description is 'What it examines.';
comment on column desk.verdict_kinds.position is 'Order in lists.';

create table desk.code_verdicts (
  id              bigint generated always as identity primary key,
  code_version_id bigint not null references desk.code_versions on delete cascade,
  kind            text not null references desk.verdict_kinds,
  outcome         text not null,
  evidence        jsonb not null default '{}',
  said_by         text not null default session_user,
  said_at         timestamptz not null default clock_timestamp(),
  constraint code_verdicts_outcome_known check (outcome in ('clean', 'note', 'fault', 'undecided', 'accepted')),
  constraint code_verdicts_acceptance_says_why check (
    outcome <> 'accepted' or btrim(coalesce(evidence ->> 'reason', '')) <> '')
);
create index code_verdicts_by_version on desk.code_verdicts (code_version_id, kind, id);
comment on table desk.code_verdicts is
  'One row an examination of a version of a strategy''s code, or a director''s word on its faults. Never changed.';
comment on column desk.code_verdicts.id is 'Key, in order.';
comment on column desk.code_verdicts.code_version_id is 'The version.';
comment on column desk.code_verdicts.kind is 'What was examined: a row of verdict_kinds.';
comment on column desk.code_verdicts.outcome is
  'clean, note (worth a look), fault, undecided (it could not be examined), or accepted: the director knows the '
  'faults said before and lets it go on.';
comment on column desk.code_verdicts.evidence is 'What it rests on: prices, findings; or the reason.';
comment on column desk.code_verdicts.said_by is 'Login.';
comment on column desk.code_verdicts.said_at is 'When.';

alter table desk.work_items add column code_version_id bigint references desk.code_versions on delete cascade;
comment on column desk.work_items.code_version_id is
  'The code that a task examines; only a runner that has it is given the task.';
create index work_items_by_code on desk.work_items (code_version_id) where code_version_id is not null;
alter table desk.work_items
  drop constraint work_items_points_or_task,
  add constraint work_items_points_or_task check (
    case when kind = 'points' then optimization_run_id is not null and first_ordinal is not null
      and last_ordinal is not null and payload is null and code_version_id is null
    else num_nonnulls(job_id, optimization_run_id, code_version_id) = 1 and first_ordinal is null
      and last_ordinal is null and payload is not null end);

-- A fault may be found after the strategy has gone on.
insert into desk.strategy_transitions (from_status, to_status, explicit) values ('validated', 'rejected', false);
