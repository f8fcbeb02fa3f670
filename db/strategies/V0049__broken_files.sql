-- Files of strategies that a host has and cannot load.

create table desk.broken_files (
  host  text not null,
  file  text not null,
  fault text not null,
  since timestamptz not null default now(),
  primary key (host, file)
);
comment on table desk.broken_files is
  'One row a file of a host''s strategies that could not be loaded when that host last published them.';
comment on column desk.broken_files.host is 'Host name.';
comment on column desk.broken_files.file is 'Path there.';
comment on column desk.broken_files.fault is 'Why, with the line where that is known.';
comment on column desk.broken_files.since is 'When it was first found so, or so for this reason.';
