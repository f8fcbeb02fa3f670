-- What a strategy did, bar by bar, as its DBLogger saw it, and the limits of its risk manager.

create table desk.trading_sessions (
  id                  bigint generated always as identity primary key,
  kind                text not null default 'backtest',
  strategy_id         bigint not null references desk.strategies,
  optimization_run_id bigint references desk.optimization_runs on delete cascade,
  ordinal             bigint,
  work_item_id        bigint,
  token               uuid,
  attempt             integer,
  runner_id           bigint references desk.runners,
  state               text not null default 'open',
  symbols             text[] not null default '{}',
  cash                double precision,
  error               text,
  created_at          timestamptz not null default clock_timestamp(),
  written_at          timestamptz not null default clock_timestamp(),
  constraint trading_sessions_kind_known check (kind in ('backtest', 'paper', 'live')),
  constraint trading_sessions_state_known check (state in ('open', 'finished', 'failed')),
  constraint trading_sessions_failed_says_why check (state <> 'failed' or error is not null),
  constraint trading_sessions_backtest_has_point check (
    kind <> 'backtest' or (optimization_run_id is not null and ordinal is not null)),
  constraint trading_sessions_one_attempt unique (optimization_run_id, ordinal, token)
);
create index trading_sessions_by_strategy on desk.trading_sessions (strategy_id, created_at);
comment on table desk.trading_sessions is
  'One row a session of trading: an attempt at a backtest, or a time on paper or live.';
comment on column desk.trading_sessions.id is 'Key.';
comment on column desk.trading_sessions.kind is 'backtest, paper or live.';
comment on column desk.trading_sessions.strategy_id is 'The strategy.';
comment on column desk.trading_sessions.optimization_run_id is 'Of a backtest: its run.';
comment on column desk.trading_sessions.ordinal is 'Of a backtest: its point.';
comment on column desk.trading_sessions.work_item_id is 'Of a backtest: the work item it was part of.';
comment on column desk.trading_sessions.token is 'Of a backtest: the claim; another attempt has another one.';
comment on column desk.trading_sessions.attempt is 'Of a backtest: which attempt.';
comment on column desk.trading_sessions.runner_id is 'Runner that wrote it.';
comment on column desk.trading_sessions.state is
  'open, finished or failed; open with a recorded result of its point: its process was killed.';
comment on column desk.trading_sessions.symbols is 'Symbols.';
comment on column desk.trading_sessions.cash is 'Cash at the start.';
comment on column desk.trading_sessions.error is 'Of a failed one: what the strategy raised.';
comment on column desk.trading_sessions.created_at is 'When its first row arrived.';
comment on column desk.trading_sessions.written_at is 'When its last row arrived.';

create table desk.orders (
  session_id    bigint not null references desk.trading_sessions on delete cascade,
  order_ref     bigint not null,
  symbol        text not null,
  side          text not null,
  type          text not null,
  size          double precision not null,
  price         double precision,
  limit_price   double precision,
  tag           text,
  status        text not null,
  filled        double precision not null default 0,
  average_price double precision,
  fees          double precision not null default 0,
  sent_at       timestamptz not null,
  changed_at    timestamptz not null,
  last_seq      bigint not null,
  primary key (session_id, order_ref),
  constraint orders_side_known check (side in ('buy', 'sell')),
  constraint orders_status_known check (status in
    ('created', 'submitted', 'accepted', 'partial', 'completed', 'canceled', 'expired', 'margin', 'rejected'))
);
comment on table desk.orders is 'One row an order, as it stands.';
comment on column desk.orders.session_id is 'The session.';
comment on column desk.orders.order_ref is 'Number of the order in its process.';
comment on column desk.orders.symbol is 'Symbol.';
comment on column desk.orders.side is 'buy or sell.';
comment on column desk.orders.type is 'market, limit, stop, stoplimit, close, ...';
comment on column desk.orders.size is 'Shares asked for, negative to sell.';
comment on column desk.orders.price is 'Price asked for, or the close when it was sent.';
comment on column desk.orders.limit_price is 'Limit of a stop limit.';
comment on column desk.orders.tag is 'What the strategy calls it.';
comment on column desk.orders.status is 'Its last state.';
comment on column desk.orders.filled is 'Shares filled, negative when sold.';
comment on column desk.orders.average_price is 'Average price of the fills.';
comment on column desk.orders.fees is 'Fees.';
comment on column desk.orders.sent_at is 'Bar on which the broker first knew it.';
comment on column desk.orders.changed_at is 'Bar of its last state.';
comment on column desk.orders.last_seq is 'Row of its last state in order_events.';

create table desk.order_events (
  session_id    bigint not null references desk.trading_sessions on delete cascade,
  seq           bigint not null,
  bar_time      timestamptz not null,
  order_ref     bigint not null,
  status        text not null,
  filled        double precision not null,
  average_price double precision,
  fees          double precision not null,
  primary key (session_id, seq)
);
comment on table desk.order_events is 'One row a state of an order.';
comment on column desk.order_events.session_id is 'The session.';
comment on column desk.order_events.seq is 'Number of the row in its session, over all tables.';
comment on column desk.order_events.bar_time is 'Bar.';
comment on column desk.order_events.order_ref is 'The order.';
comment on column desk.order_events.status is
  'submitted, accepted, partial, completed, canceled, expired, margin or rejected.';
comment on column desk.order_events.filled is 'Shares filled by then.';
comment on column desk.order_events.average_price is 'Average price of these.';
comment on column desk.order_events.fees is 'Fees by then.';

create table desk.fills (
  session_id bigint not null references desk.trading_sessions on delete cascade,
  seq        bigint not null,
  bar_time   timestamptz not null,
  order_ref  bigint not null,
  symbol     text not null,
  size       double precision not null,
  price      double precision not null,
  fee        double precision not null,
  primary key (session_id, seq)
);
comment on table desk.fills is 'One row a fill.';
comment on column desk.fills.session_id is 'The session.';
comment on column desk.fills.seq is 'Number of the row in its session.';
comment on column desk.fills.bar_time is 'Bar.';
comment on column desk.fills.order_ref is 'The order.';
comment on column desk.fills.symbol is 'Symbol.';
comment on column desk.fills.size is 'Shares, negative when sold.';
comment on column desk.fills.price is 'Price.';
comment on column desk.fills.fee is 'Fee.';

create table desk.position_history (
  session_id    bigint not null references desk.trading_sessions on delete cascade,
  seq           bigint not null,
  bar_time      timestamptz not null,
  symbol        text not null,
  change        text not null,
  size_before   double precision not null,
  size          double precision not null,
  price         double precision not null,
  average_price double precision,
  profit        double precision,
  primary key (session_id, seq),
  constraint position_history_change_known check (change in ('entry', 'exit', 'add', 'reduce'))
);
comment on table desk.position_history is
  'One row a change of a position; a fill that turns one round is an exit and an entry.';
comment on column desk.position_history.session_id is 'The session.';
comment on column desk.position_history.seq is 'Number of the row in its session.';
comment on column desk.position_history.bar_time is 'Bar.';
comment on column desk.position_history.symbol is 'Symbol.';
comment on column desk.position_history.change is 'entry, add, reduce or exit.';
comment on column desk.position_history.size_before is 'Shares before, negative when short.';
comment on column desk.position_history.size is 'Shares after.';
comment on column desk.position_history.price is 'Price of the fill.';
comment on column desk.position_history.average_price is 'Average price of what is held after it.';
comment on column desk.position_history.profit is 'Of an exit or a reduction: profit before fees.';

create table desk.session_trades (
  session_id  bigint not null references desk.trading_sessions on delete cascade,
  seq         bigint not null,
  symbol      text not null,
  entry_time  timestamptz not null,
  exit_time   timestamptz not null,
  size        double precision not null,
  entry_price double precision not null,
  exit_price  double precision,
  profit      double precision not null,
  net_profit  double precision not null,
  fees        double precision not null,
  primary key (session_id, seq)
);
comment on table desk.session_trades is 'One row a closed trade of a session.';
comment on column desk.session_trades.session_id is 'The session.';
comment on column desk.session_trades.seq is 'Number of the row in its session.';
comment on column desk.session_trades.symbol is 'Symbol.';
comment on column desk.session_trades.entry_time is 'Bar of the first entry.';
comment on column desk.session_trades.exit_time is 'Bar of the last exit.';
comment on column desk.session_trades.size is 'Shares that were opened, negative when short.';
comment on column desk.session_trades.entry_price is 'Average price of entry.';
comment on column desk.session_trades.exit_price is 'Average price of exit.';
comment on column desk.session_trades.profit is 'Profit before fees.';
comment on column desk.session_trades.net_profit is 'Profit after fees.';
comment on column desk.session_trades.fees is 'Fees.';

create table desk.risk_events (
  session_id bigint not null references desk.trading_sessions on delete cascade,
  seq        bigint not null,
  bar_time   timestamptz not null,
  limit_name text not null,
  severity   text not null,
  message    text not null,
  observed   double precision,
  threshold  double precision,
  symbol     text,
  size       double precision,
  price      double precision,
  primary key (session_id, seq),
  constraint risk_events_severity_known check (severity in ('info', 'warning', 'critical'))
);
create index risk_events_critical on desk.risk_events (session_id) where severity = 'critical';
comment on table desk.risk_events is
  'One row a word of the risk manager: an order refused, a limit reached, a new day.';
comment on column desk.risk_events.session_id is 'The session.';
comment on column desk.risk_events.seq is 'Number of the row in its session.';
comment on column desk.risk_events.bar_time is 'Bar.';
comment on column desk.risk_events.limit_name is 'The limit, or day, flatten, resume, exit.';
comment on column desk.risk_events.severity is 'info, warning or critical.';
comment on column desk.risk_events.message is 'A sentence.';
comment on column desk.risk_events.observed is 'What would be, or is.';
comment on column desk.risk_events.threshold is 'What may be.';
comment on column desk.risk_events.symbol is 'Symbol of the order.';
comment on column desk.risk_events.size is 'Shares of the order.';
comment on column desk.risk_events.price is 'Price at which it was judged.';

create table desk.portfolio_snapshots (
  session_id bigint not null references desk.trading_sessions on delete cascade,
  seq        bigint not null,
  bar_time   timestamptz not null,
  cash       double precision not null,
  value      double precision not null,
  exposure   double precision,
  positions  jsonb not null,
  primary key (session_id, seq)
);
comment on table desk.portfolio_snapshots is
  'One row a look at the account: once a session unless the strategy asks for more.';
comment on column desk.portfolio_snapshots.session_id is 'The session.';
comment on column desk.portfolio_snapshots.seq is 'Number of the row in its session.';
comment on column desk.portfolio_snapshots.bar_time is 'Bar, after the strategy has acted on it.';
comment on column desk.portfolio_snapshots.cash is 'Cash.';
comment on column desk.portfolio_snapshots.value is 'Cash and positions.';
comment on column desk.portfolio_snapshots.exposure is 'Gross value of positions over the value.';
comment on column desk.portfolio_snapshots.positions is 'Shares by symbol, negative when short.';

create table desk.daily_summaries (
  session_id   bigint not null references desk.trading_sessions on delete cascade,
  session_date date not null,
  begin_value  double precision not null,
  end_value    double precision not null,
  low_value    double precision not null,
  high_value   double precision not null,
  orders       integer not null,
  fills        integer not null,
  trades       integer not null,
  profit       double precision not null,
  fees         double precision not null,
  risk_events  integer not null,
  primary key (session_id, session_date)
);
comment on table desk.daily_summaries is 'One row a day of a session.';
comment on column desk.daily_summaries.session_id is 'The session.';
comment on column desk.daily_summaries.session_date is 'Day of the exchange.';
comment on column desk.daily_summaries.begin_value is 'Value before its first bar.';
comment on column desk.daily_summaries.end_value is 'Value after its last.';
comment on column desk.daily_summaries.low_value is 'Lowest value at the end of a bar.';
comment on column desk.daily_summaries.high_value is 'Highest value at the end of a bar.';
comment on column desk.daily_summaries.orders is 'Orders first seen.';
comment on column desk.daily_summaries.fills is 'Fills.';
comment on column desk.daily_summaries.trades is 'Trades closed.';
comment on column desk.daily_summaries.profit is 'Profit of these after fees.';
comment on column desk.daily_summaries.fees is 'Fees of the fills.';
comment on column desk.daily_summaries.risk_events is 'Risk events above info.';

create table desk.risk_limits (
  id          bigint generated always as identity primary key,
  strategy_id bigint references desk.strategies,
  limit_name  text not null,
  threshold   double precision not null,
  created_by  text not null default current_user,
  created_at  timestamptz not null default clock_timestamp(),
  constraint risk_limits_once unique nulls not distinct (strategy_id, limit_name),
  constraint risk_limits_threshold_positive check (threshold >= 0 and threshold < 'Infinity'),
  constraint risk_limits_name_known check (limit_name in (
    'max_position_shares', 'max_position_value', 'max_position_pct', 'max_concentration', 'max_leverage',
      'max_positions',
    'max_orders_per_day', 'max_daily_loss', 'max_drawdown', 'flatten_on_daily_loss', 'flatten_on_drawdown'))
);
comment on table desk.risk_limits is
  'Limits that the risk manager of a strategy keeps; a job takes them along when it is inserted.';
comment on column desk.risk_limits.id is 'Key.';
comment on column desk.risk_limits.strategy_id is 'For one strategy; null for all.';
comment on column desk.risk_limits.limit_name is 'Name of the limit, as RiskLimits has it.';
comment on column desk.risk_limits.threshold is 'Shares, money, a fraction or a number; 0 or 1 for flatten_on_...';
comment on column desk.risk_limits.created_by is 'Who set it.';
comment on column desk.risk_limits.created_at is 'When.';
