-- A link to a broker: where it connects, what it saw, and in what the broker and the desk differ.

alter table desk.accounts
  add column order_prefix text not null default 'bd' || substr(md5(gen_random_uuid()::text), 1, 6),
  add column gateway text not null default '127.0.0.1:4002',
  add column client_id integer,
  add constraint accounts_prefix_shape check (order_prefix ~ '^[a-z0-9]{3,20}$'),
  add constraint accounts_gateway_shape check (gateway ~ '^.+:[0-9]{1,5}$'),
  add constraint accounts_client_positive check (client_id > 0);
comment on column desk.accounts.order_prefix is
  'What the references of its orders at the broker begin with, so that no other desk''s order is taken for its own.';
comment on column desk.accounts.gateway is 'Host and port of its gateway.';
comment on column desk.accounts.client_id is
  'Client id of its link; null is 100 and its id. A gateway takes each once, which keeps a second link out.';

alter table desk.account_links add column connection bigint not null default 0;
comment on column desk.account_links.connection is 'Number of its connection to the gateway, counted up by each.';

create table desk.broker_codes (
  code            integer primary key,
  meaning         text not null,
  of_request      text,
  of_order        text,
  of_subscription text,
  of_link         text,
  source          text not null,
  constraint broker_codes_request_known check (of_request in ('failed', 'wait', 'advice')),
  constraint broker_codes_order_known check (of_order in ('rejected', 'cancelled', 'advice', 'ask')),
  constraint broker_codes_subscription_known check (of_subscription in ('ended', 'again', 'advice')),
  constraint broker_codes_link_known check (of_link in (
    'advice', 'alert', 'degraded', 'recovered', 'cut', 'restored', 'lost', 'refused'))
);
comment on table desk.broker_codes is
  'Codes that Interactive Brokers sends, a row each, and what each means for what it is said of. What is not here is '
  'unknown: an order is asked for, and somebody is told.';
comment on column desk.broker_codes.code is 'The code.';
comment on column desk.broker_codes.meaning is 'What it says.';
comment on column desk.broker_codes.of_request is 'Said of a request: failed, wait (too many) or advice.';
comment on column desk.broker_codes.of_order is
  'Said of an order: rejected or cancelled, which are final; advice: it changes nothing; ask: nobody knows before '
  'orders and fills were asked for. Null is ask, and an alert.';
comment on column desk.broker_codes.of_subscription is 'Said of a subscription: ended, again (ask anew) or advice.';
comment on column desk.broker_codes.of_link is
  'Said of nothing in particular: advice, alert, degraded and recovered (prices), cut (no broker behind the gateway) '
  'and restored, lost (no connection) or refused (a person has to change something).';
comment on column desk.broker_codes.source is 'Where it is said or was seen.';

create table desk.broker_statuses (
  status      text primary key,
  outcome     text not null,
  description text not null,
  constraint broker_statuses_outcome_known check (outcome in ('working', 'cancelled', 'filled', 'ask', 'wait'))
);
comment on table desk.broker_statuses is
  'States of an order as Interactive Brokers itself names them, and what each says.';
comment on column desk.broker_statuses.status is 'Its name.';
comment on column desk.broker_statuses.outcome is
  'working, cancelled, filled (its executions say so), ask (orders and fills are asked for) or wait (no word yet).';
comment on column desk.broker_statuses.description is 'What it means.';

create table desk.link_events (
  id          bigint generated always as identity primary key,
  account_id  bigint not null references desk.accounts,
  kind        text not null,
  is_alert    boolean not null,
  code        integer,
  order_id    bigint,
  message     text not null,
  times       bigint not null default 1,
  happened_at timestamptz not null default clock_timestamp(),
  last_at     timestamptz not null default clock_timestamp()
);
create index link_events_by_account on desk.link_events (account_id, id);
comment on table desk.link_events is
  'What happened to a link and what a person should know of it; the same again within a minute is one row.';
comment on column desk.link_events.id is 'Key.';
comment on column desk.link_events.account_id is 'The account.';
comment on column desk.link_events.kind is
  'state (the link''s new state is the message), code, order, fill, look or client.';
comment on column desk.link_events.is_alert is 'Whether a person should look.';
comment on column desk.link_events.code is 'The broker''s code.';
comment on column desk.link_events.order_id is 'The order.';
comment on column desk.link_events.message is 'A sentence.';
comment on column desk.link_events.times is 'How often.';
comment on column desk.link_events.happened_at is 'When first.';
comment on column desk.link_events.last_at is 'When last.';

create table desk.broker_looks (
  id         bigint generated always as identity primary key,
  account_id bigint not null references desk.accounts,
  connection bigint not null,
  cause      text not null,
  outcome    text not null,
  took       double precision,
  ended_at   timestamptz not null default clock_timestamp(),
  constraint broker_looks_outcome_known check (outcome in ('equal', 'differs', 'unsettled', 'unanswered'))
);
create index broker_looks_by_account on desk.broker_looks (account_id, id);
comment on table desk.broker_looks is 'Each time that a link asked the broker for everything and compared, a row.';
comment on column desk.broker_looks.id is 'Key.';
comment on column desk.broker_looks.account_id is 'The account.';
comment on column desk.broker_looks.connection is 'Connection over which it asked.';
comment on column desk.broker_looks.cause is 'Why it looked.';
comment on column desk.broker_looks.outcome is
  'equal; differs (what a person has to accept, see reconcile_differences); unsettled (it looks again); unanswered: a '
  'request had no end, so nothing was concluded.';
comment on column desk.broker_looks.took is 'Seconds that the broker''s answers took.';
comment on column desk.broker_looks.ended_at is 'When.';

create table desk.order_absences (
  order_id   bigint primary key references desk.broker_orders,
  connection bigint not null,
  since      timestamptz not null default clock_timestamp()
);
comment on table desk.order_absences is
  'Orders that a look did not find anywhere at the broker, until one does or it is settled.';
comment on column desk.order_absences.order_id is 'The order.';
comment on column desk.order_absences.connection is 'Connection of the first such look.';
comment on column desk.order_absences.since is 'When that was.';

create table desk.reconcile_differences (
  id             bigint generated always as identity primary key,
  account_id     bigint not null references desk.accounts,
  kind           text not null,
  symbol         text,
  order_id       bigint references desk.broker_orders,
  reference      text,
  ours           double precision,
  theirs         double precision,
  their_price    double precision,
  found_at       timestamptz not null default clock_timestamp(),
  confirmed_at   timestamptz,
  restriction_id bigint references desk.restricted_symbols,
  ended_at       timestamptz,
  ended_how      text,
  ended_by       text,
  reason         text,
  constraint reconcile_differences_kind_known check (
    kind in ('position', 'missing_fill', 'order_back', 'unknown_order', 'gone')),
  constraint reconcile_differences_end_says_how check (
    (ended_at is null) = (ended_how is null) and ended_how in ('mended', 'accepted', 'cancelled', 'adopted', 'settled'))
);
create index reconcile_differences_open on desk.reconcile_differences (account_id) where ended_at is null;
comment on table desk.reconcile_differences is
  'In what the desk and a broker differed, a row a difference, and how it ended.';
comment on column desk.reconcile_differences.id is 'Key.';
comment on column desk.reconcile_differences.account_id is 'The account.';
comment on column desk.reconcile_differences.kind is
  'position (units held), missing_fill (of an order), order_back (open there, over here), unknown_order (a reference '
  'of ours without an order, or of a session that has ended), gone (acknowledged once, found nowhere).';
comment on column desk.reconcile_differences.symbol is 'Symbol.';
comment on column desk.reconcile_differences.order_id is 'The order.';
comment on column desk.reconcile_differences.reference is 'Reference at the broker.';
comment on column desk.reconcile_differences.ours is 'Units by the desk.';
comment on column desk.reconcile_differences.theirs is 'Units by the broker.';
comment on column desk.reconcile_differences.their_price is 'Average price by the broker.';
comment on column desk.reconcile_differences.found_at is 'When it was first seen.';
comment on column desk.reconcile_differences.confirmed_at is
  'When it was seen again: from then on it counts. Null while a fill may be on its way.';
comment on column desk.reconcile_differences.restriction_id is 'Row of restricted_symbols that it set.';
comment on column desk.reconcile_differences.ended_at is 'When it ended; null while it is there.';
comment on column desk.reconcile_differences.ended_how is
  'mended (by fills that came), accepted (by the director), cancelled or adopted (an order), settled (its order was).';
comment on column desk.reconcile_differences.ended_by is 'Login that accepted it.';
comment on column desk.reconcile_differences.reason is 'Why it was accepted.';
