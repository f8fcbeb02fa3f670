-- What was imported from elsewhere, what was refused and why, so that nothing is imported twice.

create table desk.imports (
  id                  bigint generated always as identity primary key,
  strategy_id         bigint not null references desk.strategies,
  optimization_run_id bigint references desk.optimization_runs,
  folder              text not null,
  imported            integer not null default 0,
  known               integer not null default 0,
  refused             integer not null default 0,
  remarks             text[] not null default '{}',
  created_by          text not null default session_user,
  created_at          timestamptz not null default now(),
  constraint imports_counts check (imported >= 0 and known >= 0 and refused >= 0),
  constraint imports_run_when_imported check ((imported > 0) = (optimization_run_id is not null))
);
create index imports_by_run on desk.imports (optimization_run_id);
create index imports_by_strategy on desk.imports (strategy_id);
comment on table desk.imports is 'One row an import of one search: where it came from and what became of it.';
comment on column desk.imports.id is 'Key.';
comment on column desk.imports.strategy_id is 'The strategy.';
comment on column desk.imports.optimization_run_id is
  'The run that it became; null where nothing of it could be imported.';
comment on column desk.imports.folder is 'Folder or file as the user named it.';
comment on column desk.imports.imported is 'Results imported.';
comment on column desk.imports.known is 'Results that an earlier import had brought.';
comment on column desk.imports.refused is 'Files refused; see refused_imports.';
comment on column desk.imports.remarks is 'What the user was told about it.';
comment on column desk.imports.created_by is 'Login that imported.';
comment on column desk.imports.created_at is 'When.';

create table desk.imported_results (
  strategy_id        bigint not null references desk.strategies,
  content_hash       text not null,
  import_id          bigint not null references desk.imports,
  backtest_result_id bigint not null references desk.backtest_results on delete cascade,
  file               text not null,
  source             text not null,
  flags              text[] not null default '{}',
  primary key (strategy_id, content_hash),
  unique (backtest_result_id),
  constraint imported_results_hash_shape check (content_hash ~ '^[0-9a-f]{64}$'),
  constraint imported_results_source_known check (source in ('json', 'summary', 'log'))
);
create index imported_results_by_import on desk.imported_results (import_id);
comment on table desk.imported_results is
  'One row an imported result: the content that it was made from, so that the same content is never imported twice.';
comment on column desk.imported_results.strategy_id is 'The strategy.';
comment on column desk.imported_results.content_hash is 'SHA-256 of the file that it was read from.';
comment on column desk.imported_results.import_id is 'The import.';
comment on column desk.imported_results.backtest_result_id is 'The result.';
comment on column desk.imported_results.file is 'The file, relative to the folder of the import.';
comment on column desk.imported_results.source is
  'json (a whole result), summary (its thinned copy) or log (the lines of a log).';
comment on column desk.imported_results.flags is 'What looks wrong with it.';

create table desk.refused_imports (
  id        bigint generated always as identity primary key,
  import_id bigint not null references desk.imports on delete cascade,
  file      text not null,
  reason    text not null
);
create index refused_imports_by_import on desk.refused_imports (import_id);
comment on table desk.refused_imports is 'One row a file that was not imported, and why.';
comment on column desk.refused_imports.id is 'Key.';
comment on column desk.refused_imports.import_id is 'The import.';
comment on column desk.refused_imports.file is 'The file, relative to the folder of the import.';
comment on column desk.refused_imports.reason is
  'Why: unfinished, failed, half-written, a combination that is there already, ...';
