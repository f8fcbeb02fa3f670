-- Trading on accounts, for people: sessions, orders and why they were refused, halts, the way of an order.

create or replace view desk.live_sessions as
select t.id as trading_session_id, a.name as account, s.name as strategy, t.kind, t.state, t.symbols, t.timeframe,
       t.clock,
       desk.level_of_session(t.id) as level, l.value, l.cash, l.value - t.capital as profit,
       l.value / nullif(l.day_start, 0) - 1 as day_return, l.value / nullif(l.peak, 0) - 1 as fall, l.orders_today,
       (select count(*) from desk.broker_orders as o where o.trading_session_id = t.id and o.is_open) as open_orders,
       (select coalesce(jsonb_object_agg(p.symbol, p.quantity), '{}') from desk.positions as p
        where p.trading_session_id = t.id and p.quantity <> 0) as positions,
       l.newest_bar, p.beat_at as strategy_heard_of, k.beat_at as link_heard_of, k.state as link
from desk.trading_sessions as t
join desk.accounts as a on a.id = t.account_id
join desk.strategies as s on s.id = t.strategy_id
join desk.session_ledgers as l on l.trading_session_id = t.id
left join desk.session_processes as p on p.trading_session_id = t.id
left join desk.account_links as k on k.account_id = t.account_id;
comment on view desk.live_sessions is
  'Trading sessions on accounts: what each is worth, holds and may do, and who is alive.';
comment on column desk.live_sessions.trading_session_id is 'The trading session.';
comment on column desk.live_sessions.account is 'Its account.';
comment on column desk.live_sessions.strategy is 'Its strategy.';
comment on column desk.live_sessions.kind is 'paper or live.';
comment on column desk.live_sessions.state is 'open, finished or failed.';
comment on column desk.live_sessions.symbols is 'Symbols.';
comment on column desk.live_sessions.timeframe is 'Timeframe of its bars.';
comment on column desk.live_sessions.clock is 'wall or stream.';
comment on column desk.live_sessions.level is 'active, reducing or halted.';
comment on column desk.live_sessions.value is 'Cash and positions.';
comment on column desk.live_sessions.cash is 'Cash.';
comment on column desk.live_sessions.profit is 'Value less what it was given.';
comment on column desk.live_sessions.day_return is 'Since the begin of its day.';
comment on column desk.live_sessions.fall is 'From its highest value.';
comment on column desk.live_sessions.orders_today is 'Orders allowed on its day.';
comment on column desk.live_sessions.open_orders is 'Orders that may still be filled.';
comment on column desk.live_sessions.positions is 'Units by symbol, negative when short.';
comment on column desk.live_sessions.newest_bar is 'Newest bar.';
comment on column desk.live_sessions.strategy_heard_of is 'When its strategy was last heard of.';
comment on column desk.live_sessions.link_heard_of is 'When its link was last heard of.';
comment on column desk.live_sessions.link is 'State of its link.';

create or replace view desk.live_orders as
select o.id as order_id, o.decided_at, a.name as account, o.trading_session_id, s.name as strategy, o.key, o.symbol,
       o.quantity, o.type, coalesce(o.limit_price, o.stop_price) as price, o.decision_price, o.state, o.filled,
       o.filled_value / nullif(o.filled, 0) as average_price, o.rule, o.reason, o.times_refused, o.tag,
       o.is_open
from desk.broker_orders as o
join desk.accounts as a on a.id = o.account_id
join desk.trading_sessions as t on t.id = o.trading_session_id
join desk.strategies as s on s.id = t.strategy_id;
comment on view desk.live_orders is 'Orders that were asked for on accounts, allowed or refused and why, a row each.';
comment on column desk.live_orders.order_id is 'The order.';
comment on column desk.live_orders.decided_at is 'When it was allowed or refused.';
comment on column desk.live_orders.account is 'Account.';
comment on column desk.live_orders.trading_session_id is 'Trading session.';
comment on column desk.live_orders.strategy is 'Strategy.';
comment on column desk.live_orders.key is 'The strategy''s word for it.';
comment on column desk.live_orders.symbol is 'Symbol.';
comment on column desk.live_orders.quantity is 'Units, negative to sell.';
comment on column desk.live_orders.type is 'Type.';
comment on column desk.live_orders.price is 'Limit, else stop.';
comment on column desk.live_orders.decision_price is 'Newest price when it was decided.';
comment on column desk.live_orders.state is 'Its state.';
comment on column desk.live_orders.filled is 'Units filled.';
comment on column desk.live_orders.average_price is 'Average price of its fills.';
comment on column desk.live_orders.rule is 'Of a refused one: the check.';
comment on column desk.live_orders.reason is 'Why it is in its state.';
comment on column desk.live_orders.times_refused is 'Of a refused one: how often in its second.';
comment on column desk.live_orders.tag is 'What the strategy calls it.';
comment on column desk.live_orders.is_open is 'Whether it may still be filled, as far as is known.';

create or replace view desk.halts_now as
select h.id as halt_id, h.level, a.name as account, h.trading_session_id, h.rule, h.reason, h.observed, h.threshold,
       h.flatten, h.exits, h.lasts, h.set_by, h.set_at
from desk.halts as h
left join desk.accounts as a on a.id = h.account_id
where h.lifted_at is null;
comment on view desk.halts_now is 'What reduces or halts trading now, a row a halt; resume_trading() lifts it.';
comment on column desk.halts_now.halt_id is 'The halt.';
comment on column desk.halts_now.level is 'reducing or halted.';
comment on column desk.halts_now.account is 'Account; null is all.';
comment on column desk.halts_now.trading_session_id is 'Trading session; null is all of the account.';
comment on column desk.halts_now.rule is 'What set it.';
comment on column desk.halts_now.reason is 'Why.';
comment on column desk.halts_now.observed is 'What the rule saw.';
comment on column desk.halts_now.threshold is 'What would have been allowed.';
comment on column desk.halts_now.flatten is 'Whether positions are to be closed.';
comment on column desk.halts_now.exits is 'Whether resting exits are kept or cancelled.';
comment on column desk.halts_now.lasts is 'day: lifted by the next one; person: by resume_trading().';
comment on column desk.halts_now.set_by is 'Login that set it.';
comment on column desk.halts_now.set_at is 'When.';

drop view if exists desk.order_trail;
create view desk.order_trail as
select r.job_id, t.backtest_result_id, v.id as approval_id, o.trading_session_id, s.name as strategy, t.code_hash,
       o.decision_bar, o.decision_price, o.id as order_id, o.key, o.symbol, o.quantity, o.type, o.state, o.rule,
       o.reason, o.decided_at,
       e.id as execution_id, e.execution_key, e.quantity as filled, e.price, e.commission, e.executed_at,
       w.order_ref as strategy_order, w.status as strategy_status, f.price as strategy_price, f.fee as strategy_fee,
       e.price / nullif(o.decision_price, 0) - 1 as slip
from desk.broker_orders as o
join desk.trading_sessions as t on t.id = o.trading_session_id
join desk.strategies as s on s.id = t.strategy_id
left join desk.backtest_results as b on b.id = t.backtest_result_id
left join desk.optimization_runs as r on r.id = b.optimization_run_id
-- Approvals stay: the newest before the order is the one by which it was judged.
left join lateral (
  select a.id, a.code_hash from desk.approvals as a
  where a.strategy_id = t.strategy_id and a.account_id = o.account_id and a.approved_at <= o.decided_at
  order by a.id desc limit 1) as v on v.code_hash = t.code_hash
left join desk.newest_executions as e on e.order_id = o.id
left join desk.orders as w on w.broker_order_id = o.id
left join desk.fills as f on f.execution_id = e.id;
comment on view desk.order_trail is
  'The way of an order: job, result, approval, trading session, the bar on which it was decided, allowed or refused, '
  'filled, and what the strategy saw of it; a row a fill.';
comment on column desk.order_trail.job_id is 'Job whose search found the result; null of an imported one.';
comment on column desk.order_trail.backtest_result_id is 'Result whose parameters and code trade; null without one.';
comment on column desk.order_trail.approval_id is
  'Approval of this code for the account, the newest before the order; null where none was needed.';
comment on column desk.order_trail.trading_session_id is 'Trading session.';
comment on column desk.order_trail.strategy is 'Its strategy.';
comment on column desk.order_trail.code_hash is 'Code that it runs.';
comment on column desk.order_trail.decision_bar is 'Bar on which it was decided; -infinity where none was known.';
comment on column desk.order_trail.decision_price is 'Newest price when it was decided.';
comment on column desk.order_trail.order_id is 'The order.';
comment on column desk.order_trail.key is 'The strategy''s word for it.';
comment on column desk.order_trail.symbol is 'Symbol.';
comment on column desk.order_trail.quantity is 'Units asked for.';
comment on column desk.order_trail.type is 'Type.';
comment on column desk.order_trail.state is 'State.';
comment on column desk.order_trail.rule is 'Of a refused one: the check.';
comment on column desk.order_trail.reason is 'Why it is in its state.';
comment on column desk.order_trail.decided_at is 'When it was allowed or refused.';
comment on column desk.order_trail.execution_id is 'The fill, in its newest revision.';
comment on column desk.order_trail.execution_key is 'The broker''s key of the fill.';
comment on column desk.order_trail.filled is 'Units of the fill.';
comment on column desk.order_trail.price is 'Its price.';
comment on column desk.order_trail.commission is 'Its commission.';
comment on column desk.order_trail.executed_at is 'When it was filled.';
comment on column desk.order_trail.strategy_order is 'Number of the order in the strategy''s process.';
comment on column desk.order_trail.strategy_status is 'State that the strategy last saw.';
comment on column desk.order_trail.strategy_price is 'Price that the strategy saw.';
comment on column desk.order_trail.strategy_fee is 'Fee that the strategy saw.';
comment on column desk.order_trail.slip is 'Price of the fill over the price at the decision, less one.';

grant select on desk.live_sessions, desk.live_orders, desk.halts_now, desk.order_trail to desk_director, desk_viewer;
