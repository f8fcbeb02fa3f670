-- What the gate reads of a session, its account and what is on its way, in one look; limits kept beside the session;
-- and rows of orders that cost less to write: a statement makes each check, reference and partial index ready anew.

create type desk.gate_facts as (
  strategy_id       bigint,
  kind              text,
  code_version_id   bigint,
  session_state     text,
  symbols           text[],
  timeframe         text,
  clock             text,
  code_hash         text,
  counted_at        timestamptz,
  newest_bar        timestamptz,
  older_bar         timestamptz,
  value             double precision,
  orders_today      integer,
  silence           double precision,
  process_token     uuid,
  process_hash      text,
  process_beat      timestamptz,
  link_state        text,
  link_beat         timestamptz,
  strategy          text,
  status            text,
  has_fault         boolean,
  restricted        text,
  price             double precision,
  priced_at         timestamptz,
  has_limit         boolean,
  has_stop          boolean,
  has_trail         boolean,
  has_instrument    boolean,
  size_step         double precision,
  price_tick        double precision,
  may_be_known      boolean,
  is_halted         boolean,
  session_limits    jsonb,
  account_limits    jsonb,
  held              double precision,
  highest           double precision,
  lowest            double precision,
  other_gross       double precision,
  other_positions   bigint,
  a_held            double precision,
  a_highest         double precision,
  a_lowest          double precision,
  a_other_gross     double precision,
  a_other_positions bigint,
  in_second         bigint,
  in_minute         bigint,
  a_in_second       bigint,
  a_in_minute       bigint,
  a_value           double precision,
  a_orders_today    bigint
);
comment on type desk.gate_facts is
  'What is known when an order is judged, as gate_facts() reads it; columns of the account begin with a_.';

alter table desk.trading_sessions
  add column code_version_id bigint references desk.code_versions on delete set null,
  add column session_limits jsonb not null default '{}',
  add column account_limits jsonb not null default '{}';
comment on column desk.trading_sessions.code_version_id is 'Version of the code that may trade in it.';
comment on column desk.trading_sessions.session_limits is
  'Limits of a paper or live session that hold now, by name; risk_limits writes them here while it is open.';
comment on column desk.trading_sessions.account_limits is 'Those of its account.';
update desk.trading_sessions as t
set code_version_id = (
      select c.id from desk.code_versions as c where c.strategy_id = t.strategy_id and c.code_hash = t.code_hash),
    session_limits = coalesce((
      select jsonb_object_agg(l.limit_name, l.threshold order by l.strategy_id nulls first)
      from desk.risk_limits as l
      where l.account_id is null and (l.strategy_id = t.strategy_id or l.strategy_id is null)), '{}'),
    account_limits = coalesce((
      select jsonb_object_agg(l.limit_name, l.threshold) from desk.risk_limits as l
      where l.account_id = t.account_id), '{}')
where t.account_id is not null;

alter table desk.broker_orders
  alter column is_open drop expression,
  alter column is_open set default true,
  drop constraint broker_orders_quantity_counts,
  drop constraint broker_orders_state_known,
  drop constraint broker_orders_refused_says_why,
  drop constraint broker_orders_filled_is_whole,
  drop constraint broker_orders_refused_is_empty,
  drop constraint broker_orders_cancelled_by_somebody,
  drop constraint broker_orders_canceller_known,
  drop constraint broker_orders_intent_known,
  drop constraint broker_orders_in_force_known,
  drop constraint broker_orders_one_group,
  drop constraint broker_orders_decision_price_positive,
  drop constraint broker_orders_trading_session_id_fkey,
  drop constraint broker_orders_parent_id_fkey,
  drop constraint broker_orders_oco_id_fkey;
alter table desk.broker_order_events drop constraint broker_order_events_order_id_fkey;
comment on column desk.broker_orders.trading_session_id is
  'The trading session; a trigger of trading_sessions keeps it from being deleted.';
comment on column desk.broker_orders.is_open is 'Whether it may still be filled, as far as is known; by trigger.';
comment on column desk.broker_order_events.order_id is 'The order, which nobody deletes.';

-- A partial index, or one of an expression, is made ready anew by each statement, too.
drop index desk.broker_orders_open, desk.broker_orders_by_session, desk.broker_orders_by_account,
  desk.broker_orders_refused, desk.broker_orders_children;
create index broker_orders_open on desk.broker_orders (account_id, is_open);
create index broker_orders_by_session on desk.broker_orders (trading_session_id, counted_at);
create index broker_orders_by_account on desk.broker_orders (account_id, counted_at);
create index broker_orders_children on desk.broker_orders (parent_id);

create table desk.refused_keys (
  trading_session_id bigint not null,
  prefix             text not null,
  order_id           bigint not null,
  primary key (trading_session_id, prefix, order_id)
);
comment on table desk.refused_keys is
  'Refused orders by what their keys begin with, a row a row of broker_orders: equal refusals are found by it.';
comment on column desk.refused_keys.trading_session_id is 'The trading session.';
comment on column desk.refused_keys.prefix is 'Key without the number at its end.';
comment on column desk.refused_keys.order_id is 'The refused order.';
insert into desk.refused_keys (trading_session_id, prefix, order_id)
select o.trading_session_id, rtrim(o.key, '0123456789'), o.id from desk.broker_orders as o where o.state = 'refused';
