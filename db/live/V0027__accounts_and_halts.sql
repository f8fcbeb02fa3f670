-- Accounts, what a paper or live session is, its limits as they were, halts, and who is alive.

create table desk.accounts (
  id              bigint generated always as identity primary key,
  name            text not null unique,
  kind            text not null,
  broker          text not null,
  currency        text not null default 'USD',
  cancels_at_once boolean not null default false,
  flatten_on_stop boolean not null default false,
  restart_at      time,
  restart_zone    text not null default 'America/New_York',
  restart_minutes double precision not null default 5,
  opened_by       text not null default session_user,
  opened_at       timestamptz not null default clock_timestamp(),
  constraint accounts_kind_known check (kind in ('paper', 'live')),
  constraint accounts_live_waits_for_a_stop_that_reaches_the_broker check (kind <> 'live'),
  constraint accounts_name_shape check (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
  constraint accounts_broker_given check (btrim(broker) <> ''),
  constraint accounts_currency_shape check (currency ~ '^[A-Z]{3}$'),
  constraint accounts_restart_lasts check (restart_minutes >= 0 and restart_minutes <= 1440)
);
comment on table desk.accounts is
  'Accounts at a broker, a row each. The gate decides one order of an account after the other, under its row''s lock.';
comment on column desk.accounts.id is 'Key.';
comment on column desk.accounts.name is 'Name, as the broker has it.';
comment on column desk.accounts.kind is 'paper or live; live is refused until a stop reaches the broker.';
comment on column desk.accounts.broker is 'Who fills its orders.';
comment on column desk.accounts.currency is 'Currency of its money.';
comment on column desk.accounts.cancels_at_once is
  'True where an order whose cancel was asked for can no longer be filled, as at the desk''s own paper broker.';
comment on column desk.accounts.flatten_on_stop is
  'Whether emergency_stop() closes its positions unless told otherwise.';
comment on column desk.accounts.restart_at is 'When the broker''s gateway restarts each day; null where it does not.';
comment on column desk.accounts.restart_zone is 'Zone of restart_at.';
comment on column desk.accounts.restart_minutes is 'For how long no order is allowed from a minute before it on.';
comment on column desk.accounts.opened_by is 'Login that opened it.';
comment on column desk.accounts.opened_at is 'When.';

alter table desk.instruments
  add column size_step double precision,
  add column price_tick double precision,
  add constraint instruments_steps_positive check (
    (size_step > 0 and size_step < 'Infinity') is not false
    and (price_tick > 0 and price_tick < 'Infinity') is not false);
comment on column desk.instruments.size_step is 'Orders are multiples of so many units; null is any size.';
comment on column desk.instruments.price_tick is 'Prices of orders are multiples of it; null is any price.';

alter table desk.risk_limit_definitions
  drop constraint risk_limit_definitions_unit_known,
  add constraint risk_limit_definitions_unit_known check (
    unit in ('fraction', 'ratio', 'money', 'count', 'switch', 'seconds', 'minutes')),
  add column kept_by text[] not null default '{strategy,session,account}',
  add constraint risk_limit_definitions_keeper_known check (
    kept_by <@ '{strategy,session,account}' and kept_by <> '{}');
comment on column desk.risk_limit_definitions.unit is
  'fraction (0.02 is 2%), ratio, money (account currency), count, switch (0 or 1), seconds or minutes.';
comment on column desk.risk_limit_definitions.kept_by is
  'Who keeps it: strategy (its RiskManager), session (the gate, for one trading session), account (the gate, for all).';

alter table desk.risk_limits
  add column account_id bigint references desk.accounts,
  drop constraint risk_limits_once,
  add constraint risk_limits_once unique nulls not distinct (strategy_id, account_id, limit_name),
  add constraint risk_limits_of_one check (strategy_id is null or account_id is null);
comment on table desk.risk_limits is
  'Limits, a row each: of a strategy or of all, which its RiskManager and the gate keep; of an account, which the gate '
  'keeps. A job takes those of its strategy along; the gate reads what holds now.';
comment on column desk.risk_limits.account_id is 'For one account, over all its sessions; null for a strategy or all.';

create table desk.limit_changes (
  id          bigint generated always as identity primary key,
  strategy_id bigint references desk.strategies,
  account_id  bigint references desk.accounts,
  limit_name  text not null,
  threshold   double precision,
  changed_by  text not null default session_user,
  changed_at  timestamptz not null default clock_timestamp()
);
create index limit_changes_by_name on desk.limit_changes (limit_name, changed_at);
comment on table desk.limit_changes is 'One row a change of risk_limits, by trigger: what held when.';
comment on column desk.limit_changes.id is 'Key.';
comment on column desk.limit_changes.strategy_id is 'Of a strategy; null for all or an account.';
comment on column desk.limit_changes.account_id is 'Of an account.';
comment on column desk.limit_changes.limit_name is 'The limit.';
comment on column desk.limit_changes.threshold is 'What holds from then on; null where there is no limit any more.';
comment on column desk.limit_changes.changed_by is 'Login that changed it.';
comment on column desk.limit_changes.changed_at is 'When.';
insert into desk.limit_changes (strategy_id, limit_name, threshold, changed_by, changed_at)
select l.strategy_id, l.limit_name, l.threshold, l.created_by, l.created_at from desk.risk_limits as l;

create table desk.restricted_symbols (
  id         bigint generated always as identity primary key,
  symbol     text not null,
  account_id bigint references desk.accounts,
  reason     text not null,
  set_by     text not null default session_user,
  set_at     timestamptz not null default clock_timestamp(),
  lifted_by  text,
  lifted_at  timestamptz,
  lifted_why text,
  constraint restricted_symbols_says_why check (btrim(reason) <> ''),
  constraint restricted_symbols_lifted_says_why check (
    (lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_why is null))
);
create index restricted_symbols_now on desk.restricted_symbols (symbol) where lifted_at is null;
comment on table desk.restricted_symbols is
  'Symbols in which nothing may be entered, a row each time one was restricted.';
comment on column desk.restricted_symbols.id is 'Key.';
comment on column desk.restricted_symbols.symbol is 'The symbol.';
comment on column desk.restricted_symbols.account_id is 'In one account; null in all.';
comment on column desk.restricted_symbols.reason is 'Why.';
comment on column desk.restricted_symbols.set_by is 'Login that restricted it.';
comment on column desk.restricted_symbols.set_at is 'When.';
comment on column desk.restricted_symbols.lifted_by is 'Login that released it.';
comment on column desk.restricted_symbols.lifted_at is 'When it was released; null while it is restricted.';
comment on column desk.restricted_symbols.lifted_why is 'Why it was released.';

create table desk.approvals (
  id          bigint generated always as identity primary key,
  strategy_id bigint not null references desk.strategies,
  account_id  bigint not null references desk.accounts,
  code_hash   text not null,
  reason      text not null,
  approved_by text not null default session_user,
  approved_at timestamptz not null default clock_timestamp(),
  constraint approvals_hash_shape check (code_hash ~ '^[0-9a-f]{64}$'),
  constraint approvals_says_why check (btrim(reason) <> '')
);
create index approvals_by_strategy on desk.approvals (strategy_id, account_id, id);
comment on table desk.approvals is 'One row an approval of a strategy''s code for an account; the newest counts.';
comment on column desk.approvals.id is 'Key.';
comment on column desk.approvals.strategy_id is 'The strategy.';
comment on column desk.approvals.account_id is 'The account.';
comment on column desk.approvals.code_hash is 'Code that may trade.';
comment on column desk.approvals.reason is 'Why.';
comment on column desk.approvals.approved_by is 'Login that approved it.';
comment on column desk.approvals.approved_at is 'When.';

alter table desk.trading_sessions
  add column account_id bigint references desk.accounts,
  add column backtest_result_id bigint references desk.backtest_results on delete set null,
  add column parameters jsonb,
  add column timeframe text,
  add column capital double precision,
  add column commission jsonb,
  add column slippage double precision,
  add column code_hash text,
  add column clock text,
  add column zone text,
  add column on_dead_strategy text,
  add column continues bigint references desk.trading_sessions,
  add column gate_limits jsonb,
  add column started_by text,
  add column ended_at timestamptz,
  add constraint trading_sessions_clock_known check (clock in ('wall', 'stream')),
  add constraint trading_sessions_stream_is_paper check (clock is distinct from 'stream' or kind = 'paper'),
  add constraint trading_sessions_policy_known check (on_dead_strategy in ('hold', 'flatten')),
  add constraint trading_sessions_capital_positive check (capital > 0 and capital < 'Infinity'),
  add constraint trading_sessions_code_hash_shape check (code_hash ~ '^[0-9a-f]{64}$'),
  -- Sessions that DBLogger wrote before there were accounts stay.
  add constraint trading_sessions_of_an_account check (
    account_id is null or (kind <> 'backtest' and num_nulls(parameters, timeframe, capital, commission, slippage,
      code_hash, clock, zone, on_dead_strategy, gate_limits, started_by) = 0));
create index trading_sessions_by_account on desk.trading_sessions (account_id) where account_id is not null;
comment on column desk.trading_sessions.account_id is 'Of a paper or live session: its account.';
comment on column desk.trading_sessions.backtest_result_id is 'Result whose parameters and code it took.';
comment on column desk.trading_sessions.parameters is 'Parameters of the strategy.';
comment on column desk.trading_sessions.timeframe is 'Timeframe of its bars.';
comment on column desk.trading_sessions.capital is 'Money that it was given; its ledger begins with it.';
comment on column desk.trading_sessions.commission is 'Commission, as a config has it.';
comment on column desk.trading_sessions.slippage is 'Slippage, as a config has it.';
comment on column desk.trading_sessions.code_hash is 'Code that may trade in it.';
comment on column desk.trading_sessions.clock is
  'wall (orders are counted in time of the day) or stream (in time of its bars; for replays).';
comment on column desk.trading_sessions.zone is 'Zone in which its days are counted.';
comment on column desk.trading_sessions.on_dead_strategy is 'When its strategy dies: hold what it has, or flatten.';
comment on column desk.trading_sessions.continues is 'Session whose positions it took over.';
comment on column desk.trading_sessions.gate_limits is 'Limits at its start: {"session": {...}, "account": {...}}.';
comment on column desk.trading_sessions.started_by is 'Login that started it.';
comment on column desk.trading_sessions.ended_at is 'When it ended.';

create table desk.level_rules (
  name        text primary key,
  level       text not null,
  lasts       text not null,
  description text not null,
  constraint level_rules_level_known check (level in ('reducing', 'halted')),
  constraint level_rules_end_known check (lasts in ('day', 'person')),
  constraint level_rules_own_losses_reduce check (
    name not in ('session max_daily_loss', 'session max_drawdown') or level = 'reducing')
);
comment on table desk.level_rules is 'What sets a level by itself, a row a rule.';
comment on column desk.level_rules.name is 'The rule; those of a limit begin with whose it is.';
comment on column desk.level_rules.level is 'Level that it sets: reducing or halted.';
comment on column desk.level_rules.lasts is 'Lifted by the next day, or by a person.';
comment on column desk.level_rules.description is 'When it does.';

-- No reference to another table: its check would wait for whoever locks that row, and a stop waits for nobody.
create table desk.halts (
  id         bigint generated always as identity primary key,
  account_id bigint,
  trading_session_id bigint,
  level      text not null,
  rule       text not null,
  reason     text not null,
  observed   double precision,
  threshold  double precision,
  flatten    boolean,
  exits      text not null default 'keep',
  lasts      text not null default 'person',
  set_day    date,
  set_by     text not null default session_user,
  set_at     timestamptz not null default clock_timestamp(),
  lifted_by  text,
  lifted_at  timestamptz,
  lifted_why text,
  constraint halts_level_known check (level in ('reducing', 'halted')),
  constraint halts_exits_known check (exits in ('keep', 'cancel')),
  constraint halts_end_known check (lasts in ('day', 'person')),
  constraint halts_says_why check (btrim(reason) <> ''),
  constraint halts_session_has_account check (trading_session_id is null or account_id is not null),
  constraint halts_lifted_says_why check (
    (lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_why is null))
);
create index halts_unlifted on desk.halts (id) where lifted_at is null;
comment on table desk.halts is
  'One row each time trading was reduced or halted; inserted, later lifted, and never locked by the gate.';
comment on column desk.halts.id is 'Key.';
comment on column desk.halts.account_id is 'Account; null is all.';
comment on column desk.halts.trading_session_id is 'Trading session; null is all of the account.';
comment on column desk.halts.level is
  'reducing (only what reduces) or halted (only cancels and the desk''s own flattening).';
comment on column desk.halts.rule is 'emergency_stop, or the row of level_rules.';
comment on column desk.halts.reason is 'A sentence.';
comment on column desk.halts.observed is 'What the rule saw.';
comment on column desk.halts.threshold is 'What would have been allowed.';
comment on column desk.halts.flatten is 'Whether positions are to be closed; null as their account says.';
comment on column desk.halts.exits is 'Whether exits that rest at the broker are kept or cancelled, too.';
comment on column desk.halts.lasts is 'Lifted by the next day of its session, or by a person.';
comment on column desk.halts.set_day is 'Day of the session on which it was set.';
comment on column desk.halts.set_by is 'Login.';
comment on column desk.halts.set_at is 'When.';
comment on column desk.halts.lifted_by is 'Login that lifted it.';
comment on column desk.halts.lifted_at is 'When; null while it holds.';
comment on column desk.halts.lifted_why is 'Why.';

create table desk.session_processes (
  trading_session_id bigint primary key references desk.trading_sessions on delete cascade,
  token      uuid not null,
  code_hash  text not null,
  host       text not null,
  pid        integer not null,
  began_at   timestamptz not null default clock_timestamp(),
  beat_at    timestamptz not null default clock_timestamp()
);
comment on table desk.session_processes is 'The process that runs a session''s strategy now; one row a session.';
comment on column desk.session_processes.trading_session_id is 'The trading session.';
comment on column desk.session_processes.token is 'Fence: another process that begins gets another one.';
comment on column desk.session_processes.code_hash is 'Code that it runs.';
comment on column desk.session_processes.host is 'Its host.';
comment on column desk.session_processes.pid is 'Its process number there.';
comment on column desk.session_processes.began_at is 'When it began.';
comment on column desk.session_processes.beat_at is 'When it was last heard of.';

create table desk.account_links (
  account_id bigint primary key references desk.accounts,
  token      uuid not null,
  state      text not null default 'ready',
  host       text not null,
  pid        integer not null,
  began_at   timestamptz not null default clock_timestamp(),
  beat_at    timestamptz not null default clock_timestamp(),
  constraint account_links_state_known check (
    state in ('connecting', 'reconciling', 'ready', 'degraded', 'lost', 'restarting'))
);
comment on table desk.account_links is
  'The process that carries an account''s orders to its broker; one row an account.';
comment on column desk.account_links.account_id is 'The account.';
comment on column desk.account_links.token is 'Fence: another link that begins gets another one.';
comment on column desk.account_links.state is 'connecting, reconciling, ready, degraded, lost or restarting.';
comment on column desk.account_links.host is 'Its host.';
comment on column desk.account_links.pid is 'Its process number there.';
comment on column desk.account_links.began_at is 'When it began.';
comment on column desk.account_links.beat_at is 'When it was last heard of.';
