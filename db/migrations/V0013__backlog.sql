-- The backlog: what is to be tested, where the idea comes from, and when it will have passed.

create table desk.strategy_backlog (
  strategy_id bigint primary key references desk.strategies on delete cascade,
  source      text not null,
  asset_class text not null,
  timeframe   text not null,
  symbols     text[] not null default '{}',
  parameters  jsonb not null default '{}',
  criteria    jsonb not null default '{}',
  config_file text,
  follows_id  bigint references desk.strategies on delete set null,
  history     text,
  synced_at   timestamptz not null default now(),
  constraint strategy_backlog_source_given check (btrim(source) <> ''),
  constraint strategy_backlog_timeframe_shape check (timeframe ~ '^[1-9][0-9]*(m|h|d|w)$')
);
comment on table desk.strategy_backlog is 'One row a strategy of the backlog file, beside its row in strategies; kept by sync_backlog().';
comment on column desk.strategy_backlog.strategy_id is 'The strategy.';
comment on column desk.strategy_backlog.source is 'Who had the idea: author, work, year.';
comment on column desk.strategy_backlog.asset_class is 'What it is meant to trade: equity, etf, index, ...';
comment on column desk.strategy_backlog.timeframe is 'Length of a bar that it is meant for.';
comment on column desk.strategy_backlog.symbols is 'Symbols of its first test.';
comment on column desk.strategy_backlog.parameters is 'Parameters to search, each a range, a list or a constant, as in a config.';
comment on column desk.strategy_backlog.criteria is 'Success criteria of its first test, as in a config.';
comment on column desk.strategy_backlog.config_file is 'The config of its first test.';
comment on column desk.strategy_backlog.follows_id is 'The strategy whose successor it is.';
comment on column desk.strategy_backlog.history is 'What was tried before, with its figures.';
comment on column desk.strategy_backlog.synced_at is 'When the file last said something new about it.';
