-- The states of a job as rows: which there are, and in which of them it is open.

create table desk.job_states (
  state       text primary key,
  is_open     boolean not null,
  description text not null,
  position    integer not null,
  unique (state, is_open)
);
comment on table desk.job_states is 'The states that a job may have. Whether it is open follows from its state.';
comment on column desk.job_states.state is 'The state.';
comment on column desk.job_states.is_open is 'True where it is not over: an open job can be changed and has no twin.';
comment on column desk.job_states.description is 'What it means.';
comment on column desk.job_states.position is 'Order in lists.';
-- The seeds say what they mean; a job that moves before they are there needs the rows.
insert into desk.job_states (position, state, is_open, description)
select s.position, s.state, s.position <= 4, s.state
from unnest('{held,waiting,running,paused,done,failed,cancelled}'::text[]) with ordinality as s (state, position);

drop index desk.jobs_identical_open, desk.jobs_open;
alter table desk.jobs
  drop constraint jobs_state_known,
  drop constraint jobs_finished_when_over,
  add column is_open boolean not null generated always as (finished_at is null) stored,
  add constraint jobs_state_known foreign key (state, is_open) references desk.job_states (state, is_open);
create unique index jobs_identical_open on desk.jobs (config_hash) where is_open;
create index jobs_open on desk.jobs (priority desc, id) where is_open;
comment on column desk.jobs.state is 'A row of job_states.';
comment on column desk.jobs.is_open is 'True while it is not over, which its state says as well.';
