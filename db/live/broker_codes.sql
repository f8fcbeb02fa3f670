-- What Interactive Brokers' codes and states mean. Final for an order is only what its own pages, or what was seen,
-- leave no doubt of; everything else is asked for.

insert into desk.broker_statuses (status, outcome, description)
values
  ('ApiPending', 'wait', 'Not yet sent on by the gateway.'),
  ('PendingSubmit', 'wait', 'Sent on, and no word of the destination yet.'),
  ('PreSubmitted', 'working', 'Accepted, and not yet at its destination.'),
  ('Submitted', 'working', 'Accepted at its destination.'),
  ('PendingCancel', 'working', 'Its cancel is on the way; it may still be filled.'),
  ('ApiCancelled', 'cancelled', 'Cancelled before it was acknowledged.'),
  ('Cancelled', 'cancelled', 'Cancelled.'),
  ('Filled', 'filled', 'Filled: its executions say how.'),
  ('Inactive', 'ask', 'Refused, or held by the gateway for a person.')
on conflict (status) do update
set outcome = excluded.outcome, description = excluded.description;

insert into desk.broker_codes (code, meaning, of_request, of_order, of_subscription, of_link, source)
select c.code, c.meaning, c.of_request, c.of_order, c.of_subscription, c.of_link, c.source
from (values
  (100, 'too many messages a second', 'wait', 'ask', 'again', 'alert', 'IB error codes'),
  (101, 'too many subscriptions', null, null, 'ended', null, 'IB error codes'),
  (102, 'request number in use', 'failed', null, 'ended', null, 'IB error codes'),
  (103, 'order number in use; the other order of that number may be meant', null, 'ask', null, null, 'LEAN IB #242'),
  (104, 'a filled order cannot be changed', null, 'ask', null, null, 'IB error codes'),
  (105, 'the order that is changed is another one', null, 'ask', null, null, 'IB error codes'),
  (106, 'the order cannot be transmitted', null, 'ask', null, null, 'IB error codes'),
  (107, 'incomplete order; the gateway may keep it untransmitted', null, 'ask', null, null, 'IB error codes'),
  (109, 'price outside the precaution settings; the gateway may keep it', null, 'ask', null, null, 'IB error codes'),
  (110, 'price off its tick; of a working order it changes nothing', null, 'ask', null, null, 'seen: the order lived'),
  (111, 'time in force and type do not go together', null, 'rejected', null, null, 'IB error codes'),
  (113, 'orders at the close are for the day', null, 'rejected', null, null, 'IB error codes'),
  (116, 'the exchange is dead', null, 'rejected', null, null, 'IB error codes'),
  (133, 'a new order failed', null, 'ask', null, null, 'IB error codes'),
  (134, 'a change failed', null, 'ask', null, null, 'IB error codes'),
  (135, 'no order of that number', null, 'ask', null, null, 'IB error codes'),
  (136, 'the order cannot be cancelled', null, 'ask', null, null, 'IB error codes'),
  (140, 'the size is no number', null, 'rejected', null, null, 'IB error codes'),
  (141, 'the price is no number', null, 'rejected', null, null, 'IB error codes'),
  (145, 'a field is wrong', 'failed', 'ask', 'ended', null, 'IB error codes'),
  (146, 'the trigger method is wrong', null, 'rejected', null, null, 'IB error codes'),
  (154, 'the security is halted', null, 'rejected', null, null, 'IB error codes'),
  (161, 'cannot be cancelled in its state; it was filled later', null, 'ask', null, null, 'seen: it was filled'),
  (162, 'no history, or too many requests for it', 'failed', null, 'ended', null, 'IB error codes'),
  (163, 'price breaks a precaution', null, 'ask', null, null, 'IB error codes'),
  (164, 'no price to check a precaution by', null, 'ask', null, null, 'IB error codes'),
  (165, 'a remark on history', 'advice', 'advice', 'advice', null, 'IB error codes'),
  (166, 'history of an expired contract', 'failed', null, 'ended', null, 'IB error codes'),
  (200, 'no such contract', 'failed', 'rejected', 'ended', null, 'LEAN IB #245'),
  (201, 'rejected', null, 'rejected', null, null, 'IB error codes'),
  (202, 'cancelled', null, 'cancelled', null, null, 'IB error codes'),
  (203, 'not allowed for this account', 'failed', 'rejected', 'ended', null, 'IB error codes'),
  (300, 'no request of that number', 'failed', null, 'ended', null, 'IB error codes'),
  (320, 'the gateway could not read a message', 'failed', 'ask', 'ended', null, 'IB error codes'),
  (321, 'the gateway did not take a message; read-only gateways say so of orders', 'failed', 'ask', 'ended', null,
   'seen: no such order'),
  (322, 'the gateway failed at a message', 'failed', 'ask', 'ended', null, 'IB error codes'),
  (326, 'another program is connected with this client id', null, null, null, 'refused', 'IB error codes'),
  (328, 'a trailing stop belongs to a limit or stop-limit order', null, 'rejected', null, null, 'IB error codes'),
  (329, 'a change of type failed', null, 'ask', null, null, 'IB error codes'),
  (334, 'wrong date of a good-till-date order', null, 'rejected', null, null, 'IB error codes'),
  (354, 'no subscription to this data', 'failed', null, 'ended', null, 'rust-ibapi #768'),
  (355, 'the size is against the market''s rule', null, 'rejected', null, null, 'IB error codes'),
  (361, 'wrong trigger price', null, 'rejected', null, null, 'IB error codes'),
  (366, 'no request for history of that number', 'failed', null, 'ended', null, 'IB error codes'),
  (383, 'size above a precaution; the gateway may keep it', null, 'ask', null, null, 'IB error codes'),
  (387, 'the exchange does not take this type', null, 'rejected', null, null, 'IB error codes'),
  (388, 'smaller than the least size', null, 'rejected', null, null, 'IB error codes'),
  (391, 'wrong time zone of a date', null, 'rejected', null, null, 'IB error codes'),
  (399, 'a remark, such as that it waits for the open', null, 'advice', null, null, 'seen: the order lived'),
  (404, 'held until shares to short are found', null, 'advice', null, null, 'IB error codes'),
  (420, 'real-time data is not to be had', 'failed', null, 'ended', null, 'IB error codes'),
  (421, 'wrong route', null, 'rejected', null, null, 'IB error codes'),
  (426, 'not enough shares', null, 'rejected', null, null, 'IB error codes'),
  (434, 'a size of zero', null, 'rejected', null, null, 'IB error codes'),
  (435, 'no account named', 'failed', 'rejected', null, null, 'IB error codes'),
  (460, 'no permission to trade this', null, 'rejected', null, null, 'LEAN IB #248'),
  (481, 'the size was reduced', null, 'ask', null, null, 'IB error codes'),
  (492, 'a remark', null, 'advice', 'advice', null, 'ib_async'),
  (501, 'connected already', null, null, null, 'advice', 'IB error codes'),
  (502, 'no gateway there', null, null, null, 'lost', 'IB error codes'),
  (503, 'the gateway is too old', 'failed', null, null, 'refused', 'IB error codes'),
  (504, 'not connected', 'failed', 'ask', 'ended', 'lost', 'IB error codes'),
  (507, 'a broken message', null, null, null, 'lost', 'IB error codes'),
  (509, 'the socket broke', null, null, null, 'lost', 'IB error codes'),
  (512, 'an order could not be sent', null, 'ask', null, null, 'IB error codes'),
  (1100, 'the gateway has lost the broker', null, 'ask', null, 'cut', 'IB system codes'),
  (1101, 'the broker is back, subscriptions are gone', null, null, 'again', 'restored', 'IB system codes'),
  (1102, 'the broker is back, subscriptions go on', null, null, 'advice', 'restored', 'IB system codes'),
  (1300, 'the gateway''s port changed', null, null, null, 'lost', 'IB system codes'),
  (2100, 'account data goes to somebody else', null, null, 'again', 'alert', 'IB warning codes'),
  (2102, 'an order is still being worked on', null, 'advice', null, null, 'IB warning codes'),
  (2103, 'prices are cut off', null, null, 'advice', 'degraded', 'nautilus_trader #3968'),
  (2104, 'prices come', null, null, 'again', 'recovered', 'nautilus_trader #3968'),
  (2105, 'history is cut off', null, null, 'advice', 'degraded', 'IB warning codes'),
  (2106, 'history comes', null, null, 'again', 'recovered', 'IB warning codes'),
  (2107, 'history sleeps until it is asked for', null, null, 'advice', 'advice', 'IB warning codes'),
  (2108, 'prices sleep until they are asked for', null, null, 'advice', 'advice', 'IB warning codes'),
  (2109, 'outside hours is ignored', null, 'advice', null, null, 'IB warning codes'),
  (2110, 'the gateway has lost the broker and tries again', null, 'ask', null, 'cut', 'IB warning codes'),
  (2119, 'prices are being connected', null, null, 'advice', 'advice', 'IB warning codes'),
  (2137, 'the order crosses another of one''s own', null, 'advice', null, null, 'IB warning codes'),
  (2157, 'contracts are cut off', null, null, null, 'advice', 'IB warning codes'),
  (2158, 'contracts come', null, null, null, 'advice', 'IB warning codes'),
  (2174, 'a time without a zone', 'advice', 'advice', 'advice', 'advice', 'IB warning codes'),
  (10089, 'delayed data only', null, null, 'advice', null, 'rust-ibapi #804'),
  (10090, 'a part of the data is not subscribed', null, null, 'advice', null, 'rust-ibapi #768'),
  (10091, 'a part of the data is not subscribed', null, null, 'advice', null, 'rust-ibapi #768'),
  (10147, 'no order of that number to cancel', null, 'ask', null, null, 'LEAN IB #245: said of lost orders, too'),
  (10148, 'too late to cancel', null, 'ask', null, null, 'LEAN IB #248: it names the state'),
  (10167, 'delayed data instead', null, null, 'advice', null, 'rust-ibapi #768'),
  (10168, 'no data, not even delayed', 'failed', null, 'ended', null, 'rust-ibapi #768'),
  (10182, 'updates failed', null, null, 'again', null, 'IB error codes'),
  (10189, 'tick data is not to be had', 'failed', null, 'ended', null, 'IB error codes'),
  (10197, 'somebody else''s login has the data', null, null, 'ended', 'alert', 'LEAN IB #140'),
  (10225, 'a subscription was ended by a bust', null, null, 'again', null, 'ib_async'),
  (10243, 'no fractional sizes by program', null, 'rejected', null, null, 'IB error codes'),
  (10268, 'EtradeOnly is not taken', null, 'rejected', null, null, 'IB error codes'),
  (10314, 'wrong end of a history', 'failed', null, 'ended', null, 'IB error codes'),
  (10318, 'no fractional sizes of this', null, 'rejected', null, null, 'IB error codes'),
  (10349, 'the time in force was set to day', null, 'ask', null, null, 'IB error codes')
) as c (code, meaning, of_request, of_order, of_subscription, of_link, source)
on conflict (code) do update
set meaning = excluded.meaning, of_request = excluded.of_request, of_order = excluded.of_order,
  of_subscription = excluded.of_subscription, of_link = excluded.of_link, source = excluded.source;

create or replace function desk.note_link(
  p_account_id bigint, p_kind text, p_is_alert boolean, p_message text, p_code integer default null,
  p_order_id bigint default null)
returns void
language plpgsql volatile
set search_path = desk, pg_temp
as $$
begin
  update desk.link_events as e set times = e.times + 1, last_at = clock_timestamp()
  where e.id = (
    select n.id from desk.link_events as n
    where n.account_id = p_account_id and n.kind = p_kind and n.code is not distinct from p_code
      and n.order_id is not distinct from p_order_id and n.message = left(p_message, 500)
      and n.last_at > clock_timestamp() - interval '1 minute'
    order by n.id desc limit 1) and p_kind <> 'state';
  if not found then
    insert into desk.link_events (account_id, kind, is_alert, code, order_id, message)
    values (p_account_id, p_kind, p_is_alert, p_code, p_order_id, left(p_message, 500));
  end if;
end
$$;
comment on function desk.note_link(bigint, text, boolean, text, integer, bigint) is
  'Writes down what happened to a link; the same within a minute is counted.';

create or replace function desk.record_broker_status(
  p_account text, p_token uuid, p_order_id bigint, p_status text, p_broker_order_id bigint default null,
  p_permanent_id bigint default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_outcome    text;
begin
  select s.outcome into v_outcome from desk.broker_statuses as s where s.status = p_status;
  if not found then
    perform desk.note_link(v_account_id, 'order', true, format('Unknown state %s of an order', left(p_status, 60)),
      p_order_id => p_order_id);
  end if;
  if v_outcome in ('working', 'cancelled') then
    -- What has ended here stays so; should it be open there, a look finds it, and it is cancelled.
    if not exists (select from desk.broker_orders as o where o.id = p_order_id and o.state = 'never_sent') then
      perform desk.record_order_state(p_account, p_token, p_order_id, v_outcome, format('the broker says %s', p_status),
        null, p_broker_order_id, nullif(p_permanent_id, 0));
    end if;
    delete from desk.order_absences as a where a.order_id = p_order_id;
    return case when v_outcome = 'working' and exists (
      select from desk.broker_orders as o
      where o.id = p_order_id and o.state in ('cancelled', 'rejected', 'never_sent'))
      then 'ask' else 'none' end;
  end if;
  perform desk.check_link(v_account_id, p_token);
  -- Filled is told by its executions; where some are missing, they are asked for.
  return case
    when v_outcome = 'wait' then 'wait'
    when v_outcome = 'filled' and exists (
      select from desk.broker_orders as o where o.id = p_order_id and o.state = 'filled') then 'none'
    when v_outcome = 'filled' then 'fills'
    else 'ask' end;
end
$$;
comment on function desk.record_broker_status(text, uuid, bigint, text, bigint, bigint) is
  'What the broker itself calls an order''s state. Answers what the link does now: none, wait (no word yet), fills '
  '(ask if its executions do not come) or ask.';
grant execute on function desk.record_broker_status(text, uuid, bigint, text, bigint, bigint) to desk_link;

create or replace function desk.record_broker_code(
  p_account text, p_token uuid, p_code integer, p_text text, p_subject text, p_order_id bigint default null)
returns text
language plpgsql volatile security definer
set search_path = desk, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_account_id bigint := (desk.account_named(p_account)).id;
  v_code       desk.broker_codes;
  v_outcome    text;
  v_said       text := format('%s: %s', p_code, left(p_text, 300));
begin
  perform desk.check_link(v_account_id, p_token);
  select c.* into v_code from desk.broker_codes as c where c.code = p_code;
  v_outcome := case p_subject
    when 'order' then v_code.of_order when 'request' then v_code.of_request
    when 'subscription' then v_code.of_subscription when 'link' then v_code.of_link end;
  if p_subject not in ('order', 'request', 'subscription', 'link') then
    perform desk.refuse(format('A code is not said of a %s', to_jsonb(left(p_subject, 60))), '$.subject',
      'order, request, subscription or link.');
  elsif v_outcome is null then
    -- Nobody has said what it means: never final, and a person is told.
    perform desk.note_link(v_account_id, 'code', true, format('Unknown code of %s: %s', p_subject, v_said), p_code,
      p_order_id);
    v_outcome := case p_subject when 'order' then 'ask' when 'request' then 'failed' when 'subscription' then 'ended'
      else 'alert' end;
  elsif p_subject = 'order' or v_outcome in ('alert', 'refused', 'cut', 'degraded', 'lost', 'ended') then
    perform desk.note_link(v_account_id, 'code', v_outcome in ('alert', 'refused', 'ended', 'rejected'), v_said, p_code,
      p_order_id);
  end if;
  if p_subject = 'order' then
    if v_outcome in ('rejected', 'cancelled')
      and exists (select from desk.broker_orders as o where o.id = p_order_id and o.is_open)
    then
      perform desk.record_order_state(p_account, p_token, p_order_id, v_outcome, v_said);
    elsif v_outcome = 'ask' then
      update desk.broker_orders as o set state = 'unresolved', reason = v_said, changed_at = clock_timestamp()
      where o.id = p_order_id and o.account_id = v_account_id and o.state in ('sending', 'working');
    end if;
    return case v_outcome when 'ask' then 'ask' else 'none' end;
  end if;
  return v_outcome;
end
$$;
comment on function desk.record_broker_code(text, uuid, integer, text, text, bigint) is
  'What a code of the broker means for what it was said of (order, request, subscription or link), by broker_codes. '
  'Only a row that says so ends an order; what is unknown makes it unresolved and tells a person. Answers what the '
  'link does now: of an order none or ask, of others the row''s word.';
grant execute on function desk.record_broker_code(text, uuid, integer, text, text, bigint) to desk_link;

grant select on desk.broker_codes, desk.broker_statuses, desk.link_events to desk_director, desk_viewer;
