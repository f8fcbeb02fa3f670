-- What the number of a key is measured in, and which engines know a key.

alter table desk.config_keys
  add column unit text,
  add column engines text[],
  add constraint config_keys_unit_known check (unit in ('fraction', 'ratio', 'money', 'count', 'switch')),
  add constraint config_keys_engines_named check (cardinality(engines) > 0);
comment on column desk.config_keys.unit is
  'What its number is: fraction (0.02 is 2%), ratio, money (account currency), count, or switch (0 or 1); null where '
  'the description says it, or it is no number.';
comment on column desk.config_keys.engines is
  'Engines that heed it; a config of a strategy of any other engine is refused with it. Null is every engine.';
