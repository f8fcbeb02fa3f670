-- A session is the exchange's day: whose, each instrument says, and a run pins it.

alter table desk.instruments
  add column zone text not null default 'America/New_York',
  add column calendar_by text,
  add constraint instruments_calendar_by_known check (calendar_by in ('default', 'zone', 'bars', 'told')),
  -- Validated by prices/calendars.sql, when there are calendars.
  add constraint instruments_calendar_known foreign key (calendar) references desk.calendars not valid;
comment on column desk.instruments.calendar is
  'Calendar by which its sessions are counted: a row of calendars.';
comment on column desk.instruments.zone is
  'Time zone whose clock cuts bars shorter than a day into sessions: its exchange''s, or the one that was told.';
comment on column desk.instruments.calendar_by is
  'What the calendar was taken from: told, the zone of the times, the days of the bars, or nothing (default); null in '
  'instruments from before it was asked.';

alter table desk.price_versions
  add column utc_sessions boolean not null default true,
  drop constraint price_versions_timeframe_shape,
  add constraint price_versions_timeframe_shape check (timeframe ~ '^[1-9][0-9]*(m|h|d|w|mo)$');
comment on column desk.price_versions.timeframe is 'Length of a bar: 1m, 1h, 1d, 1w, 1mo, ...';
comment on column desk.price_versions.utc_sessions is
  'True where every bar''s session is its UTC date too, as it is of bars of a day and longer.';

alter table desk.run_symbols
  add column zone text not null default 'UTC',
  add column day_begins interval not null default '0',
  add column own_day boolean not null default false;
comment on column desk.run_symbols.zone is
  'Zone whose clock cuts its bars into sessions; UTC for bars of a day and longer.';
comment on column desk.run_symbols.day_begins is
  'When a session''s day begins on that clock, from midnight of its date.';
comment on column desk.run_symbols.own_day is
  'True where both are its instrument''s; false in runs from before it was asked, whose sessions are UTC dates.';
