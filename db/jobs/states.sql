-- What the states of jobs and runs mean. Constraints reference the rows; is_open of a job or a run is what all ask.

insert into desk.job_states as s (position, state, is_open, description)
values
  (1, 'held', true, 'Waits for a few pilot points that tell its fees.'),
  (2, 'waiting', true, 'Nothing of it has been handed out.'),
  (3, 'running', true, 'Work of it is handed out.'),
  (4, 'paused', true, 'No more work of it is handed out until resume_job().'),
  (5, 'done', false, 'It is over, and has results.'),
  (6, 'failed', false, 'It is over, and nothing of it completed.'),
  (7, 'cancelled', false, 'Somebody ended it.')
on conflict (state) do update
set position = excluded.position, is_open = excluded.is_open, description = excluded.description;

insert into desk.run_states as s (position, state, is_open, description)
values
  (1, 'pending', true, 'Planned; no point of it has been handed out.'),
  (2, 'running', true, 'Points of it are handed out.'),
  (3, 'completed', false, 'Every point is recorded.'),
  (4, 'failed', false, 'It could not be planned, or no point of it finished.'),
  (5, 'cancelled', false, 'Somebody ended its job.')
on conflict (state) do update
set position = excluded.position, is_open = excluded.is_open, description = excluded.description;

grant select on desk.job_states, desk.run_states to desk_director, desk_viewer;
