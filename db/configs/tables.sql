-- What a config may say: one row a key.

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
    'text', 'integer', 'number', 'boolean', 'date', 'object', 'symbols', 'texts', 'metric', 'parameter',
      'commission', 'criterion'))
);
comment on table desk.config_keys is
  'Every key that a config may have. The validator, the JSON schema for editors and the docs read only this.';
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
