-- Calendars of exchanges, a row each, and their sessions: which days, from when to when.

create table desk.calendars (
  name            text primary key,
  position        integer not null,
  zone            text not null,
  day_begins      interval not null,
  sessions_a_year integer not null,
  of_zone         boolean not null,
  weekdays        integer[],
  aliases         text[] not null default '{}',
  filled_from     date,
  filled_to       date,
  constraint calendars_day_begins_near_midnight check (
    day_begins > interval '-1 day' and day_begins < interval '1 day'),
  constraint calendars_year_counts check (sessions_a_year between 1 and 366),
  constraint calendars_weekdays_known check (weekdays <@ '{1,2,3,4,5,6,7}'),
  constraint calendars_filled_both check ((filled_from is null) = (filled_to is null) and filled_from <= filled_to)
);
comment on table desk.calendars is
  'One row a calendar that instruments may have, by the names of exchange_calendars. Seeded by prices/calendars.sql.';
comment on column desk.calendars.name is
  'Name: an ISO market code such as XNYS, 24/7, 24/5, or another of that library.';
comment on column desk.calendars.position is
  'Order in which zones are tried where only the offsets of times are known.';
comment on column desk.calendars.zone is 'Time zone of the exchange.';
comment on column desk.calendars.day_begins is
  'When the day of a session begins, from midnight of its date on the exchange''s clock: -07:00 is 17:00 on the '
  'evening before.';
comment on column desk.calendars.sessions_a_year is 'Sessions a year, the mean of 2000 to 2024 rounded.';
comment on column desk.calendars.of_zone is 'True for the calendar that is taken where only its zone is named.';
comment on column desk.calendars.weekdays is
  'Days of the week (1 is Monday) that are all sessions, around the clock; null where the exchange has holidays.';
comment on column desk.calendars.aliases is 'Other names of it.';
comment on column desk.calendars.filled_from is 'First day for which calendar_sessions was filled.';
comment on column desk.calendars.filled_to is 'Last day for which it was; the library may know fewer.';

create table desk.calendar_sessions (
  calendar text not null references desk.calendars,
  session  date not null,
  open     timestamptz not null,
  close    timestamptz not null,
  half_day boolean not null,
  primary key (calendar, session),
  constraint calendar_sessions_hours check (open < close)
);
comment on table desk.calendar_sessions is
  'One row a session of a calendar, filled by backdesk up and load: the past that bars need, and a year ahead.';
comment on column desk.calendar_sessions.calendar is 'The calendar.';
comment on column desk.calendar_sessions.session is 'Its date, that of its day at the exchange.';
comment on column desk.calendar_sessions.open is 'When trading opens; of futures and currencies on the evening before.';
comment on column desk.calendar_sessions.close is 'When it closes.';
comment on column desk.calendar_sessions.half_day is 'True where it closes earlier than usual.';
