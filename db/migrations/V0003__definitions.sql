-- What the desk knows about metrics, config keys and its own settings. Rows come from db/topics, so that they are one with the code.

create table desk.settings (
  name        text primary key,
  value       jsonb not null,
  description text not null
);
comment on table desk.settings is 'The desk''s own settings; the director may change value.';
comment on column desk.settings.name is 'Name of the setting.';
comment on column desk.settings.value is 'Its value.';
comment on column desk.settings.description is 'What it does, with its unit.';

create table desk.metric_definitions (
  metric         text primary key,
  title          text not null,
  aliases        text[] not null default '{}',
  unit           text not null,
  direction      text not null,
  min_key        text unique,
  max_key        text unique,
  min_phrase     text,
  max_phrase     text,
  short_name     text not null,
  decimals       integer not null default 2,
  description    text not null,
  constraint metric_definitions_unit_known check (unit in ('ratio', 'fraction', 'money', 'count', 'sessions')),
  constraint metric_definitions_direction_known check (direction in ('max', 'min')),
  constraint metric_definitions_phrases check (
    (min_key is null or min_phrase is not null) and (max_key is null or max_phrase is not null)),
  constraint metric_definitions_decimals_sane check (decimals between 0 and 6)
);
comment on table desk.metric_definitions is 'Every metric once: targets, constraints, criteria and messages read only this.';
comment on column desk.metric_definitions.metric is 'Column of backtest_results.';
comment on column desk.metric_definitions.title is 'Name for people.';
comment on column desk.metric_definitions.aliases is 'Other names that configs may use, LEAN''s among them; compared without case.';
comment on column desk.metric_definitions.unit is 'ratio, fraction (0.30 is shown as 30.0%), money, count or sessions.';
comment on column desk.metric_definitions.direction is 'Better is max or min.';
comment on column desk.metric_definitions.min_key is 'Criterion key that sets a least value, such as min_trades.';
comment on column desk.metric_definitions.max_key is 'Criterion key that sets a greatest value, such as max_fee_pct.';
comment on column desk.metric_definitions.min_phrase is 'Begins the reason when the value is too low.';
comment on column desk.metric_definitions.max_phrase is 'Begins the reason when the value is too high.';
comment on column desk.metric_definitions.short_name is 'Name in "... undefined: needs ...".';
comment on column desk.metric_definitions.decimals is 'Digits after the point in messages; more are added until two unequal numbers look unequal.';
comment on column desk.metric_definitions.description is 'Definition in a sentence, with its unit.';

create table desk.config_keys (
  path          text primary key,
  type          text not null,
  required      boolean not null default false,
  default_value jsonb,
  minimum       numeric,
  maximum       numeric,
  allowed       text[],
  example       text not null default '',
  description   text not null,
  position      integer not null,
  constraint config_keys_type_known check (type in (
    'text', 'integer', 'number', 'boolean', 'date', 'object', 'symbols', 'texts', 'metric', 'parameter', 'commission', 'criterion'))
);
comment on table desk.config_keys is 'Every key that a config may have. The validator, the JSON schema for editors and the docs read only this.';
comment on column desk.config_keys.path is 'Dotted path; * stands for any name.';
comment on column desk.config_keys.type is 'What the value must be.';
comment on column desk.config_keys.required is 'True where a config without it is refused.';
comment on column desk.config_keys.default_value is 'Value when the key is absent.';
comment on column desk.config_keys.minimum is 'Least number allowed.';
comment on column desk.config_keys.maximum is 'Greatest number allowed.';
comment on column desk.config_keys.allowed is 'Texts allowed; null allows any.';
comment on column desk.config_keys.example is 'An example value.';
comment on column desk.config_keys.description is 'What it does, with its unit.';
comment on column desk.config_keys.position is 'Order in documents.';
