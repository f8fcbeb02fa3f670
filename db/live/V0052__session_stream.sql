-- What each trading session on an account was told, item by item in the order of the commits, and what feeds it.

create table desk.stream_kinds (
  name        text primary key,
  is_step     boolean not null,
  description text not null
);
comment on table desk.stream_kinds is 'Kinds of items of a session''s stream, a row each.';
comment on column desk.stream_kinds.name is 'Name.';
comment on column desk.stream_kinds.is_step is 'Whether it holds bars, of which there is one a moment.';
comment on column desk.stream_kinds.description is 'What it says.';

create table desk.session_streams (
  trading_session_id bigint primary key references desk.trading_sessions,
  newest             bigint not null
);
comment on table desk.session_streams is
  'Newest number of each session''s stream, a row a session: whoever holds it numbers until the commit.';
comment on column desk.session_streams.trading_session_id is 'The trading session.';
comment on column desk.session_streams.newest is 'Number of its newest item.';

create table desk.session_stream (
  trading_session_id bigint not null references desk.trading_sessions,
  number             bigint not null,
  kind               text not null references desk.stream_kinds,
  bar_time           timestamptz,
  item               jsonb not null,
  recorded_at        timestamptz not null default clock_timestamp(),
  primary key (trading_session_id, number)
);
create unique index session_stream_one_step on desk.session_stream (trading_session_id, bar_time)
  where kind in ('history', 'step');
comment on table desk.session_stream is
  'All that a session''s strategy was told, a row an item: it sees these rows in this order and nothing else.';
comment on column desk.session_stream.trading_session_id is 'The trading session.';
comment on column desk.session_stream.number is 'Its place, from 1 without a gap, in the order of the commits.';
comment on column desk.session_stream.kind is 'Its kind; stream_kinds has them.';
comment on column desk.session_stream.bar_time is 'Begin of the bar that it is about.';
comment on column desk.session_stream.item is
  'What it says: of a step its bars and when each arrived, what was placed and filled on it, and the account after it.';
comment on column desk.session_stream.recorded_at is 'When it was recorded.';

alter table desk.session_processes
  add column seen bigint not null default 0,
  add column decided bigint not null default 0;
comment on column desk.session_processes.seen is 'Newest item of the stream that a process of the session was given.';
comment on column desk.session_processes.decided is
  'Newest item after which it came for more: all that was decided on it is in broker_orders.';

create table desk.session_feeds (
  trading_session_id bigint primary key references desk.trading_sessions,
  warm_up_bars       integer not null,
  first_session      date,
  last_session       date,
  price_version_ids  bigint[],
  speed              double precision not null default 0,
  seed               bigint not null,
  risk_limits        jsonb,
  memory_mb          double precision not null,
  seconds_per_step   double precision not null,
  code_copy          text not null,
  constraint session_feeds_warm_up_counts check (warm_up_bars between 0 and 1000000),
  constraint session_feeds_whole_window check (
    num_nonnulls(first_session, last_session, price_version_ids) in (0, 3)),
  constraint session_feeds_window_ordered check (first_session <= last_session),
  constraint session_feeds_speed_counts check (speed >= 0 and speed < 'Infinity'),
  constraint session_feeds_memory_positive check (memory_mb > 0 and memory_mb < 'Infinity'),
  constraint session_feeds_time_positive check (seconds_per_step > 0 and seconds_per_step < 'Infinity'),
  constraint session_feeds_copy_shape check (code_copy ~ '^[0-9a-f]{64}$')
);
comment on table desk.session_feeds is 'What a session that the desk runs itself is fed with and may use, a row each.';
comment on column desk.session_feeds.trading_session_id is 'The trading session.';
comment on column desk.session_feeds.warm_up_bars is 'Bars of the first symbol before its begin, which only warm up.';
comment on column desk.session_feeds.first_session is 'Of a replay: first session of its window; else null.';
comment on column desk.session_feeds.last_session is 'Of a replay: last session of its window.';
comment on column desk.session_feeds.price_version_ids is 'Of a replay: the prices, in the order of the symbols.';
comment on column desk.session_feeds.speed is 'Of a replay: seconds of its bars a second; 0 is as fast as it goes.';
comment on column desk.session_feeds.seed is 'Of whatever is random in the strategy.';
comment on column desk.session_feeds.risk_limits is
  'Thresholds of the strategy''s own risk manager; null leaves it its own.';
comment on column desk.session_feeds.memory_mb is
  'Memory that the strategy''s process may take beyond what it begins with.';
comment on column desk.session_feeds.seconds_per_step is 'Time that the strategy may take for a step.';
comment on column desk.session_feeds.code_copy is
  'SHA-256 that names the copy of all files that the session runs from, under the desk''s home.';

create table desk.session_audits (
  id                 bigint generated always as identity primary key,
  trading_session_id bigint not null references desk.trading_sessions,
  code_hash          text not null,
  through            bigint not null,
  orders             bigint not null,
  differences        jsonb not null,
  audited_by         text not null default session_user,
  audited_at         timestamptz not null default clock_timestamp(),
  constraint session_audits_hash_shape check (code_hash ~ '^[0-9a-f]{64}$'),
  constraint session_audits_differences_listed check (jsonb_typeof(differences) = 'array')
);
create index session_audits_by_session on desk.session_audits (trading_session_id, id);
comment on table desk.session_audits is
  'One row each time a session''s stream went through a strategy''s code again: were its orders the recorded ones?';
comment on column desk.session_audits.id is 'Key.';
comment on column desk.session_audits.trading_session_id is 'The trading session.';
comment on column desk.session_audits.code_hash is 'Code that it went through.';
comment on column desk.session_audits.through is 'Newest item that it went through.';
comment on column desk.session_audits.orders is 'Orders that were asked for.';
comment on column desk.session_audits.differences is
  'Orders that differ: key, what is recorded, what was asked for now; a null is none.';
comment on column desk.session_audits.audited_by is 'Login.';
comment on column desk.session_audits.audited_at is 'When.';
