-- What `backdesk up` remembers of the migrations and topic files that a database has had. Run as desk_owner
-- before anything else; it never changes, as it comes before the migrations that could change it.

create table if not exists desk.schema_migrations (
  version integer primary key,
  name text not null unique,
  sha256 text not null,
  applied_at timestamptz not null default now(),
  applied_by text not null default session_user,
  duration interval not null
);

comment on table desk.schema_migrations is 'One row per numbered migration that this database has had.';
comment on column desk.schema_migrations.version is 'Number of the migration: 1, 2, 3 without a gap.';
comment on column desk.schema_migrations.name is 'File name under db/migrations.';
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
comment on column desk.schema_topics.name is 'File name under db/topics.';
comment on column desk.schema_topics.sha256 is 'Hash of the file as applied; any change applies all topics again.';
comment on column desk.schema_topics.applied_at is 'When the topics were last applied.';
