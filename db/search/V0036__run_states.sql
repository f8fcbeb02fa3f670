-- The states of a run as rows: which there are, and in which of them it is open.

create table desk.run_states (
  state       text primary key,
  is_open     boolean not null,
  description text not null,
  position    integer not null,
  unique (state, is_open)
);
comment on table desk.run_states is 'The states that a run may have. Whether it is open follows from its state.';
comment on column desk.run_states.state is 'The state: optimization_runs.status.';
comment on column desk.run_states.is_open is 'True where it is not over: work of an open run may be handed out.';
comment on column desk.run_states.description is 'What it means.';
comment on column desk.run_states.position is 'Order in lists.';
-- The seeds say what they mean; a run that moves before they are there needs the rows.
insert into desk.run_states (position, state, is_open, description)
select s.position, s.state, s.position <= 2, s.state
from unnest('{pending,running,completed,failed,cancelled}'::text[]) with ordinality as s (state, position);

drop index desk.optimization_runs_open;
alter table desk.optimization_runs
  drop constraint optimization_runs_status_known,
  drop constraint optimization_runs_closed_when_over,
  add column is_open boolean not null generated always as (closed_at is null) stored,
  add constraint optimization_runs_status_known foreign key (status, is_open)
    references desk.run_states (state, is_open);
create index optimization_runs_open on desk.optimization_runs (priority desc, id) where is_open;
comment on column desk.optimization_runs.status is 'A row of run_states.';
comment on column desk.optimization_runs.is_open is 'True while it is not over, which its status says as well.';
