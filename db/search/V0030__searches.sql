-- Searches as rows: what each is planned by, what of a config it reads, and what it asks of runners.

create table desk.searches (
  name          text primary key,
  plan_first    text not null,
  plan_next     text,
  at_most       text,
  counted       boolean not null default true,
  draws         boolean not null default false,
  windows       boolean not null default false,
  task_kind     text references desk.task_kinds,
  keys          text[] not null default '{}',
  required_keys text[] not null default '{}',
  range_keys    text[] not null default '{}',
  defaults      jsonb not null default '{}',
  description   text not null,
  position      integer not null,
  constraint searches_name_is_a_title check (name ~ '^[A-Z][A-Za-z -]{0,62}$'),
  constraint searches_functions_are_names check (
    plan_first ~ '^[a-z][a-z0-9_]*$' and plan_next ~ '^[a-z][a-z0-9_]*$' and at_most ~ '^[a-z][a-z0-9_]*$'),
  constraint searches_required_are_keys check (required_keys <@ keys),
  constraint searches_defaults_are_keyed check (jsonb_typeof(defaults) = 'object')
);
comment on table desk.searches is
  'The searches that a config may ask for, a row each: plan_first() and plan_next(), the validator, the JSON schema, '
  'estimates and the form of a new job read these rows.';
comment on column desk.searches.name is 'Name in configs: optimization.type.';
comment on column desk.searches.plan_first is
  'Function of the desk that plans the first points of a run: name(p_run_id bigint).';
comment on column desk.searches.plan_next is
  'Function of the desk that goes on when all points are recorded: name(p_run_id bigint), which answers planned (there '
  'are new points), asked (a runner or a part of the run will bring some) or over; null where a search has one '
  'generation.';
comment on column desk.searches.at_most is
  'Function of the desk that says how many points a planned run will have at the most: name(p_run_id bigint); null '
  'where as many as are counted.';
comment on column desk.searches.counted is
  'True where the points of the first generation are known once it is planned; else as many as the config''s points '
  'are counted on.';
comment on column desk.searches.draws is 'True where points are drawn or suggested, so that a range needs no step.';
comment on column desk.searches.windows is
  'True where it puts another search into windows and stitches what came after each; its own result is no point.';
comment on column desk.searches.task_kind is 'Kind of task that a runner must do for it, if any.';
comment on column desk.searches.keys is 'Keys of optimization that it reads beyond those that every search does.';
comment on column desk.searches.required_keys is 'Those without which it is refused.';
comment on column desk.searches.range_keys is 'Keys of a range that it reads beyond start, end and step.';
comment on column desk.searches.defaults is 'Values of its keys when they are absent; of an object key by key.';
comment on column desk.searches.description is 'What it does.';
comment on column desk.searches.position is 'Order in lists.';

-- The reference is validated where the rows are written.
alter table desk.optimization_runs
  drop constraint optimization_runs_type_known,
  add constraint optimization_runs_type_known foreign key (optimization_type) references desk.searches not valid;
comment on column desk.optimization_runs.optimization_type is 'A row of searches.';

alter table desk.config_keys
  drop constraint config_keys_type_known,
  add constraint config_keys_type_known check (type in (
    'text', 'integer', 'number', 'boolean', 'date', 'object', 'symbols', 'texts', 'metric', 'parameter', 'commission',
    'criterion', 'search', 'inner_search'));
