-- What a session and an account are worth, the prices by which, and how DBLogger's rows refer to the orders here.

create table desk.session_ledgers (
  trading_session_id   bigint primary key references desk.trading_sessions on delete cascade,
  account_id   bigint not null references desk.accounts,
  cash         double precision not null,
  value        double precision not null,
  day          date,
  day_start    double precision not null,
  peak         double precision not null,
  orders_today integer not null default 0,
  newest_bar   timestamptz,
  older_bar    timestamptz,
  priced_at    timestamptz,
  constraint session_ledgers_bars_ordered check (older_bar < newest_bar)
);
create index session_ledgers_by_account on desk.session_ledgers (account_id);
comment on table desk.session_ledgers is
  'A session''s own account, a row each: the gate sizes and limits by it, whatever else trades in the account.';
comment on column desk.session_ledgers.trading_session_id is 'The trading session.';
comment on column desk.session_ledgers.account_id is 'Its account.';
comment on column desk.session_ledgers.cash is 'Cash.';
comment on column desk.session_ledgers.value is 'Cash and positions at the newest prices.';
comment on column desk.session_ledgers.day is 'Day of the newest bar, in the session''s zone.';
comment on column desk.session_ledgers.day_start is 'Value before the first bar of the day.';
comment on column desk.session_ledgers.peak is 'Highest value at the end of a bar.';
comment on column desk.session_ledgers.orders_today is 'Orders allowed on that day.';
comment on column desk.session_ledgers.newest_bar is 'Newest bar that was priced.';
comment on column desk.session_ledgers.older_bar is 'The one before it.';
comment on column desk.session_ledgers.priced_at is 'When prices last came.';

create table desk.account_ledgers (
  account_id bigint primary key references desk.accounts,
  value      double precision not null default 0,
  day        date,
  day_start  double precision not null default 0,
  peak       double precision not null default 0
);
comment on table desk.account_ledgers is 'What the open sessions of an account are worth together, a row an account.';
comment on column desk.account_ledgers.account_id is 'The account.';
comment on column desk.account_ledgers.value is 'Sum of the sessions'' values.';
comment on column desk.account_ledgers.day is 'Newest day of a session.';
comment on column desk.account_ledgers.day_start is 'Value before that day; money given to sessions since is added.';
comment on column desk.account_ledgers.peak is 'Highest value; money given to sessions since is added.';

create table desk.session_prices (
  trading_session_id bigint not null references desk.trading_sessions on delete cascade,
  symbol     text not null,
  account_id bigint not null references desk.accounts,
  price      double precision not null,
  bar_time   timestamptz not null,
  arrived_at timestamptz not null default clock_timestamp(),
  primary key (trading_session_id, symbol),
  constraint session_prices_price_positive check (price > 0 and price < 'Infinity')
);
create index session_prices_by_account on desk.session_prices (account_id, symbol);
comment on table desk.session_prices is 'Newest price of each symbol, as a session''s stream has it.';
comment on column desk.session_prices.trading_session_id is 'The trading session.';
comment on column desk.session_prices.symbol is 'Symbol.';
comment on column desk.session_prices.account_id is 'Its account.';
comment on column desk.session_prices.price is 'Close of its newest bar.';
comment on column desk.session_prices.bar_time is 'That bar.';
comment on column desk.session_prices.arrived_at is 'When it came.';

create table desk.account_values (
  id          bigint generated always as identity primary key,
  account_id  bigint not null references desk.accounts,
  name        text not null,
  value       double precision,
  as_stated   text not null,
  currency    text,
  stated_at   timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  constraint account_values_name_given check (btrim(name) <> '')
);
create index account_values_newest on desk.account_values (account_id, name, id);
comment on table desk.account_values is 'What the broker says of an account, a row a value each time that it changed.';
comment on column desk.account_values.id is 'Key.';
comment on column desk.account_values.account_id is 'The account.';
comment on column desk.account_values.name is 'The broker''s name of the value, such as NetLiquidation.';
comment on column desk.account_values.value is 'The value, where it is a number.';
comment on column desk.account_values.as_stated is 'The broker''s own text.';
comment on column desk.account_values.currency is 'Its currency.';
comment on column desk.account_values.stated_at is 'When the broker said so.';
comment on column desk.account_values.recorded_at is 'When it was recorded.';

alter table desk.orders add column broker_order_id bigint references desk.broker_orders;
create index orders_of_broker on desk.orders (broker_order_id) where broker_order_id is not null;
comment on column desk.orders.broker_order_id is 'Of a paper or live session: the order as it was allowed.';
alter table desk.fills add column execution_id bigint references desk.executions;
create index fills_of_broker on desk.fills (execution_id) where execution_id is not null;
comment on column desk.fills.execution_id is 'Of a paper or live session: the fill as the broker stated it.';

create type desk.order_breach as (
  rule      text,
  reason    text,
  observed  double precision,
  threshold double precision
);
comment on type desk.order_breach is 'Why an order is refused: the check, a sentence, what would be and what may be.';
