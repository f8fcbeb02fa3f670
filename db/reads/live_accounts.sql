-- Accounts, for people: what each is worth, may do and has on its way, and whether its link lives.

create or replace view desk.live_accounts as
select a.id as account_id, a.name as account, a.kind, a.broker, a.currency, desk.level_of_account(a.id) as level,
       k.state as link, k.beat_at as link_heard_of,
       desk.link_is_alive(a.name) as link_alive,
       l.value, l.value - l.day_start as day_profit, l.value / nullif(l.day_start, 0) - 1 as day_return,
       l.value / nullif(l.peak, 0) - 1 as fall,
       (select r.threshold from desk.risk_limits as r
        where r.account_id = a.id and r.limit_name = 'max_daily_loss') as max_daily_loss,
       (select count(*) from desk.trading_sessions as t where t.account_id = a.id and t.state = 'open')
         as open_sessions,
       (select count(*) from desk.broker_orders as o where o.account_id = a.id and o.is_open) as open_orders
from desk.accounts as a
left join desk.account_ledgers as l on l.account_id = a.id
left join desk.account_links as k on k.account_id = a.id;
comment on view desk.live_accounts is
  'Accounts: what each is worth, has earned today and may lose, what it may do, and whether its link lives.';
comment on column desk.live_accounts.account_id is 'The account.';
comment on column desk.live_accounts.account is 'Its name.';
comment on column desk.live_accounts.kind is 'paper or live.';
comment on column desk.live_accounts.broker is 'Who fills its orders.';
comment on column desk.live_accounts.currency is 'Currency of its money.';
comment on column desk.live_accounts.level is 'active, reducing or halted.';
comment on column desk.live_accounts.link is 'State of its link; null where it never had one.';
comment on column desk.live_accounts.link_heard_of is 'When its link was last heard of.';
comment on column desk.live_accounts.link_alive is 'Whether it was heard of within beat_seconds.';
comment on column desk.live_accounts.value is 'What its open sessions are worth together.';
comment on column desk.live_accounts.day_profit is 'Earned since the begin of their day.';
comment on column desk.live_accounts.day_return is 'The same as a fraction.';
comment on column desk.live_accounts.fall is 'From the highest value, a fraction.';
comment on column desk.live_accounts.max_daily_loss is
  'Loss of a day at which nothing is entered any more, a fraction.';
comment on column desk.live_accounts.open_sessions is 'Trading sessions that are open.';
comment on column desk.live_accounts.open_orders is 'Orders that may still be filled.';
grant select on desk.live_accounts to desk_director, desk_viewer;
