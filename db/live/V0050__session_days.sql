-- What a trading session was worth on each of its days: its ledger knows the newest one only.

create table desk.session_days (
  trading_session_id bigint not null references desk.trading_sessions on delete cascade,
  day                date not null,
  start_value        double precision not null,
  end_value          double precision not null,
  low_value          double precision not null,
  high_value         double precision not null,
  first_bar          timestamptz not null,
  last_bar           timestamptz not null,
  primary key (trading_session_id, day)
);
comment on table desk.session_days is 'One row a trading session and day, by trigger as its bars are priced.';
comment on column desk.session_days.trading_session_id is 'The trading session.';
comment on column desk.session_days.day is 'The day, in its zone.';
comment on column desk.session_days.start_value is
  'Value before the first bar of the day; of a session that continues another, what it took over.';
comment on column desk.session_days.end_value is 'Value at the newest bar of the day.';
comment on column desk.session_days.low_value is 'Lowest value at the end of a bar, the start included.';
comment on column desk.session_days.high_value is 'Highest value at the end of a bar, the start included.';
comment on column desk.session_days.first_bar is 'First bar of the day.';
comment on column desk.session_days.last_bar is 'Newest bar of the day.';
insert into desk.session_days (trading_session_id, day, start_value, end_value, low_value, high_value, first_bar,
  last_bar)
select l.trading_session_id, l.day, l.day_start, l.bar_value, least(l.day_start, l.bar_value),
       greatest(l.day_start, l.bar_value), l.newest_bar, l.newest_bar
from desk.session_ledgers as l
join desk.trading_sessions as t on t.id = l.trading_session_id
where l.day is not null and t.state = 'open';
