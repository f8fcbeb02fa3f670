-- Orders that SQL allowed or refused, what was answered, and the ledger of each session.

create table desk.order_types (
  name        text primary key,
  has_limit   boolean not null,
  has_stop    boolean not null,
  has_trail   boolean not null,
  description text not null
);
comment on table desk.order_types is 'Types of orders, a row each: which prices one has to have, and may not have.';
comment on column desk.order_types.name is 'Name.';
comment on column desk.order_types.has_limit is 'Whether it has a limit price.';
comment on column desk.order_types.has_stop is 'Whether it has a stop price.';
comment on column desk.order_types.has_trail is 'Whether it has a trailing amount or part.';
comment on column desk.order_types.description is 'When it is filled.';

create table desk.order_transitions (
  from_state text not null,
  to_state   text not null,
  reason     text not null,
  primary key (from_state, to_state)
);
comment on table desk.order_transitions is 'Moves of an order''s state that there are.';
comment on column desk.order_transitions.from_state is 'From.';
comment on column desk.order_transitions.to_state is 'To.';
comment on column desk.order_transitions.reason is 'When.';

create table desk.broker_orders (
  id              bigint generated always as identity primary key,
  account_id      bigint not null,
  trading_session_id      bigint not null references desk.trading_sessions,
  key             text not null,
  symbol          text not null,
  quantity        double precision not null,
  type            text not null,
  limit_price     double precision,
  stop_price      double precision,
  trail_amount    double precision,
  trail_part      double precision,
  time_in_force   text not null default 'gtc',
  valid_until     timestamptz,
  parent_id       bigint references desk.broker_orders,
  oco_id          bigint references desk.broker_orders,
  intent          text not null default 'trade',
  tag             text,
  state           text not null,
  is_open         boolean not null generated always as (
    state in ('allowed', 'sending', 'working', 'unresolved')) stored,
  rule            text,
  reason          text,
  observed        double precision,
  threshold       double precision,
  times_refused   bigint,
  last_number     bigint,
  reduces         boolean not null default false,
  decision_bar    timestamptz not null default '-infinity',
  decision_price  double precision,
  filled          double precision not null default 0,
  filled_value    double precision not null default 0,
  broker_order_id bigint,
  permanent_id    bigint,
  cancel_asked_at timestamptz,
  cancel_taken_at timestamptz,
  cancelled_by    text,
  counted_at      timestamptz not null,
  decided_in      timestamptz not null,
  decided_at      timestamptz not null default clock_timestamp(),
  changed_at      timestamptz not null default clock_timestamp(),
  constraint broker_orders_once unique (trading_session_id, key),
  constraint broker_orders_key_numbered check (
    key ~ '(^|[^0-9])[0-9]{1,18}$' and length(key) <= 100),
  constraint broker_orders_quantity_counts check (
    quantity <> 0 and quantity > '-Infinity' and quantity < 'Infinity' or state = 'refused'),
  constraint broker_orders_state_known check (state in (
    'refused', 'allowed', 'sending', 'working', 'filled', 'cancelled', 'rejected', 'unresolved', 'never_sent')),
  constraint broker_orders_refused_says_why check (
    (state = 'refused') = (times_refused is not null) and (state <> 'refused' or num_nulls(rule, reason) = 0)),
  constraint broker_orders_filled_is_whole check (state <> 'filled' or filled >= abs(quantity) * (1 - 1e-9)),
  constraint broker_orders_refused_is_empty check (state not in ('refused', 'allowed') or filled = 0),
  constraint broker_orders_cancelled_by_somebody check ((state = 'cancelled') <= (cancelled_by is not null)),
  constraint broker_orders_canceller_known check (cancelled_by in ('strategy', 'desk', 'broker', 'expiry')),
  constraint broker_orders_intent_known check (intent in ('trade', 'reduce', 'flatten')),
  constraint broker_orders_in_force_known check (
    state = 'refused'
    or time_in_force in ('day', 'gtc', 'gtd') and (time_in_force = 'gtd') = (valid_until is not null)),
  constraint broker_orders_one_group check (parent_id is null or oco_id is null),
  constraint broker_orders_decision_price_positive check (decision_price > 0 and decision_price < 'Infinity')
);
create index broker_orders_open on desk.broker_orders (account_id) where is_open;
create index broker_orders_by_session on desk.broker_orders (trading_session_id, counted_at) where state <> 'refused';
create index broker_orders_by_account on desk.broker_orders (account_id, counted_at) where state <> 'refused';
create index broker_orders_refused on desk.broker_orders (trading_session_id, rtrim(key, '0123456789'))
  where state = 'refused';
create index broker_orders_children on desk.broker_orders (parent_id) where parent_id is not null;
comment on table desk.broker_orders is
  'Orders that were asked for, a row each, allowed or refused; equal refusals within a second are one row.';
comment on column desk.broker_orders.id is 'Key, and reference under which it is sent.';
comment on column desk.broker_orders.account_id is 'The account.';
comment on column desk.broker_orders.trading_session_id is 'The trading session.';
comment on column desk.broker_orders.key is
  'The caller''s word for it: its decision bar and its number on that bar. The same key is the same order.';
comment on column desk.broker_orders.symbol is 'Symbol.';
comment on column desk.broker_orders.quantity is 'Units, negative to sell.';
comment on column desk.broker_orders.type is 'A row of order_types.';
comment on column desk.broker_orders.limit_price is 'Limit.';
comment on column desk.broker_orders.stop_price is 'Price at which it becomes active.';
comment on column desk.broker_orders.trail_amount is 'Distance of a trailing stop, in money.';
comment on column desk.broker_orders.trail_part is 'Distance of a trailing stop, as a fraction of the price.';
comment on column desk.broker_orders.time_in_force is 'day, gtc (until it is cancelled) or gtd (until valid_until).';
comment on column desk.broker_orders.valid_until is 'End of a gtd order.';
comment on column desk.broker_orders.parent_id is 'Of a bracket''s exit: the order that opens what it closes.';
comment on column desk.broker_orders.oco_id is 'First order of its group, of which one cancels the others.';
comment on column desk.broker_orders.intent is
  'trade, reduce (refused unless it only reduces) or flatten (the desk''s own).';
comment on column desk.broker_orders.tag is 'What the strategy calls it.';
comment on column desk.broker_orders.state is
  'refused, allowed, sending, working, filled, cancelled, rejected, unresolved or never_sent.';
comment on column desk.broker_orders.is_open is 'Whether it may still be filled, as far as is known.';
comment on column desk.broker_orders.rule is 'Of a refused one: the check. Those of a limit begin with whose it is.';
comment on column desk.broker_orders.reason is 'Why it is in its state: a sentence.';
comment on column desk.broker_orders.observed is 'Of a refused one: what would have been.';
comment on column desk.broker_orders.threshold is 'Of a refused one: what may be.';
comment on column desk.broker_orders.times_refused is 'Of a refused one: how often in its second.';
comment on column desk.broker_orders.last_number is
  'Of a refused one: number at the end of the last key that is in it.';
comment on column desk.broker_orders.reduces is 'Whether it could only reduce when it was allowed.';
comment on column desk.broker_orders.decision_bar is 'Bar on which it was decided; -infinity where none was known.';
comment on column desk.broker_orders.decision_price is 'Newest price when it was decided.';
comment on column desk.broker_orders.filled is 'Units filled, without sign.';
comment on column desk.broker_orders.filled_value is 'Money of its fills, without sign.';
comment on column desk.broker_orders.broker_order_id is 'The broker''s handle of one connection; never a key.';
comment on column desk.broker_orders.permanent_id is 'The broker''s lasting number.';
comment on column desk.broker_orders.cancel_asked_at is 'When its cancel was asked for.';
comment on column desk.broker_orders.cancel_taken_at is 'When the link took the cancel to send it.';
comment on column desk.broker_orders.cancelled_by is 'Of a cancelled one: strategy, desk, broker or expiry.';
comment on column desk.broker_orders.counted_at is 'Time by which order rates count: of the day, or of the stream.';
comment on column desk.broker_orders.decided_in is
  'Begin of the statement that asked; it must be the one that commits.';
comment on column desk.broker_orders.decided_at is 'When it was allowed or refused.';
comment on column desk.broker_orders.changed_at is 'When it last changed.';

create table desk.broker_order_events (
  id          bigint generated always as identity primary key,
  order_id    bigint not null references desk.broker_orders,
  from_state  text,
  to_state    text not null,
  reason      text,
  filled      double precision not null,
  actor       text not null default session_user,
  happened_at timestamptz not null default clock_timestamp()
);
create index broker_order_events_by_order on desk.broker_order_events (order_id, id);
comment on table desk.broker_order_events is
  'One row a change of an order that was allowed: its states, fills and cancels.';
comment on column desk.broker_order_events.id is 'Key.';
comment on column desk.broker_order_events.order_id is 'The order.';
comment on column desk.broker_order_events.from_state is 'State before; null when it was allowed.';
comment on column desk.broker_order_events.to_state is 'State after.';
comment on column desk.broker_order_events.reason is 'Why.';
comment on column desk.broker_order_events.filled is 'Units filled by then.';
comment on column desk.broker_order_events.actor is 'Login.';
comment on column desk.broker_order_events.happened_at is 'When.';

create table desk.executions (
  id             bigint generated always as identity primary key,
  account_id     bigint not null references desk.accounts,
  execution_key  text not null,
  revision       integer not null,
  order_id       bigint references desk.broker_orders,
  trading_session_id     bigint references desk.trading_sessions,
  symbol         text not null,
  quantity       double precision not null,
  price          double precision not null,
  commission     double precision,
  cash_after     double precision,
  as_stated      jsonb not null default '{}',
  executed_at    timestamptz not null,
  recorded_at    timestamptz not null default clock_timestamp(),
  constraint executions_once unique (account_id, execution_key, revision),
  constraint executions_quantity_counts check (quantity > '-Infinity' and quantity < 'Infinity'),
  constraint executions_price_counts check (price > '-Infinity' and price < 'Infinity'),
  constraint executions_commission_counts check (commission > '-Infinity' and commission < 'Infinity')
);
create index executions_by_order on desk.executions (order_id) where order_id is not null;
create index executions_by_account on desk.executions (account_id, executed_at);
create index executions_by_session on desk.executions (trading_session_id, executed_at);
comment on table desk.executions is
  'Fills as the broker stated them, a row a revision: the highest of a key counts, the others were corrected by it.';
comment on column desk.executions.id is 'Key.';
comment on column desk.executions.account_id is 'The account.';
comment on column desk.executions.execution_key is 'The broker''s key, without the revision.';
comment on column desk.executions.revision is 'Number of the correction; a higher one replaces.';
comment on column desk.executions.order_id is 'The order; null of a fill that is not the desk''s.';
comment on column desk.executions.trading_session_id is 'The trading session; null of a fill that belongs to none.';
comment on column desk.executions.symbol is 'Symbol.';
comment on column desk.executions.quantity is 'Units, negative when sold; 0 of one that was taken back.';
comment on column desk.executions.price is 'Price.';
comment on column desk.executions.commission is 'Commission; null until the broker says.';
comment on column desk.executions.cash_after is
  'The session''s cash after it, as the broker has it; null where it does not say.';
comment on column desk.executions.as_stated is 'What the broker stated in decimals, as its own text.';
comment on column desk.executions.executed_at is 'When it was filled.';
comment on column desk.executions.recorded_at is 'When it was recorded.';

create table desk.positions (
  id            bigint generated always as identity primary key,
  account_id    bigint not null references desk.accounts,
  trading_session_id    bigint references desk.trading_sessions,
  symbol        text not null,
  quantity      double precision not null,
  average_price double precision not null,
  changed_at    timestamptz not null default clock_timestamp(),
  constraint positions_once unique nulls not distinct (account_id, trading_session_id, symbol)
);
comment on table desk.positions is
  'Positions by executions, a row a session and symbol; without a session, by fills of none.';
comment on column desk.positions.id is 'Key.';
comment on column desk.positions.account_id is 'The account.';
comment on column desk.positions.trading_session_id is 'The trading session; null of what belongs to none.';
comment on column desk.positions.symbol is 'Symbol.';
comment on column desk.positions.quantity is 'Units, negative when short.';
comment on column desk.positions.average_price is 'Average price of what is held.';
comment on column desk.positions.changed_at is 'When it last changed.';

create table desk.cash_movements (
  id           bigint generated always as identity primary key,
  account_id   bigint not null references desk.accounts,
  trading_session_id   bigint references desk.trading_sessions,
  kind         text not null,
  amount       double precision not null,
  cash_after   double precision,
  execution_id bigint references desk.executions,
  happened_at  timestamptz not null default clock_timestamp(),
  constraint cash_movements_kind_known check (kind in ('capital', 'execution', 'correction', 'commission', 'returned'))
);
create index cash_movements_by_session on desk.cash_movements (trading_session_id, id);
comment on table desk.cash_movements is 'One row a change of a session''s cash.';
comment on column desk.cash_movements.id is 'Key.';
comment on column desk.cash_movements.account_id is 'The account.';
comment on column desk.cash_movements.trading_session_id is 'The trading session; null of a fill that belongs to none.';
comment on column desk.cash_movements.kind is
  'capital (at its start), execution, correction, commission (one that came later) or returned (at its end).';
comment on column desk.cash_movements.amount is 'Money, negative when paid.';
comment on column desk.cash_movements.cash_after is 'Cash of the session after it.';
comment on column desk.cash_movements.execution_id is 'The execution.';
comment on column desk.cash_movements.happened_at is 'When it was recorded.';
