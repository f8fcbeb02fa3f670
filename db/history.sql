-- What `backdesk up` remembers of the baseline, migrations and topic files that a database has had. Run as desk_owner
-- before anything else; its tables never change, as they come before the migrations that could change them.

create table if not exists desk.schema_migrations (
  version integer primary key,
  name text not null unique,
  sha256 text not null,
  applied_at timestamptz not null default now(),
  applied_by text not null default session_user,
  duration interval not null
);

comment on table desk.schema_migrations is
  'One row for the baseline, and one per numbered migration that this database has had.';
comment on column desk.schema_migrations.version is
  'Number of the migration; without a gap from that of the baseline on.';
comment on column desk.schema_migrations.name is 'File name, in whatever room under db/.';
comment on column desk.schema_migrations.sha256 is 'Hash of the file as applied; a file is never edited afterwards.';
comment on column desk.schema_migrations.applied_at is 'Start of the transaction that applied it.';
comment on column desk.schema_migrations.applied_by is 'Login that applied it.';
comment on column desk.schema_migrations.duration is 'Time it took.';

create table if not exists desk.schema_topics (
  name text primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
);

comment on table desk.schema_topics is 'One row per topic file (functions, views, triggers, grants) in force.';
comment on column desk.schema_topics.name is 'Path under db/.';
comment on column desk.schema_topics.sha256 is 'Hash of the file as applied; any change applies all topics again.';
comment on column desk.schema_topics.applied_at is 'When the topics were last applied.';
