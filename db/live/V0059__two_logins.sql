-- Where two logins are asked for: what one has said, for which another one has to say the same.

create table desk.consents (
  id      bigint generated always as identity primary key,
  what    text not null,
  subject text not null,
  reason  text not null,
  said_by text not null default session_user,
  said_at timestamptz not null default clock_timestamp(),
  used_by text,
  used_at timestamptz,
  constraint consents_known check (what in ('resume', 'approve')),
  constraint consents_of_two_logins check (used_by <> said_by),
  constraint consents_used_by_somebody check ((used_by is null) = (used_at is null))
);
create index consents_open on desk.consents (what, subject, said_at) where used_at is null;
comment on table desk.consents is
  'What one login asked for where the setting two_logins wants another to ask for the same, a row each.';
comment on column desk.consents.id is 'Key.';
comment on column desk.consents.what is 'resume or approve.';
comment on column desk.consents.subject is 'What exactly: account and session, or strategy, account and code.';
comment on column desk.consents.reason is 'Reason of the first.';
comment on column desk.consents.said_by is 'The first login.';
comment on column desk.consents.said_at is 'When.';
comment on column desk.consents.used_by is 'The second login; null while it is waited for.';
comment on column desk.consents.used_at is 'When that said the same.';
