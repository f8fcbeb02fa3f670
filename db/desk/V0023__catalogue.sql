-- The catalogue: what a key of a config affects, and kinds of tasks and sources of prices as rows.

-- The seeds write them again, with what they affect.
delete from desk.config_keys;
alter table desk.config_keys
  add column affects text not null,
  add column in_every_hash boolean not null default false,
  add constraint config_keys_affects_known check (affects in ('result', 'judgement', 'execution', 'nothing')),
  add constraint config_keys_hashed_result check (affects = 'result' or not in_every_hash);
comment on column desk.config_keys.affects is
  'result (no result is used again under another value), judgement (which results pass and which is the best), '
  'execution (what runs, how and where) or nothing.';
comment on column desk.config_keys.in_every_hash is
  'True where the key stands in the settings_hash of every run; any other key that affects a result stands there '
  'where it is not at its default.';
