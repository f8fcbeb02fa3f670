-- A session's stream gone through once more: were its orders the recorded ones? And how a session goes on as another.

create or replace function desk.order_text(
  p_quantity double precision, p_symbol text, p_type text, p_limit double precision, p_stop double precision,
  p_trail_amount double precision, p_trail_part double precision)
returns text
language sql immutable
set search_path = desk, pg_temp
as $$
  select format('%s %s %s%s%s%s%s', p_quantity, p_symbol, p_type, ' limit ' || p_limit, ' stop ' || p_stop,
    ' trail ' || p_trail_amount, ' trail part ' || p_trail_part)
$$;
comment on function desk.order_text(double precision, text, text, double precision, double precision, double precision,
  double precision) is 'Terms of an order for people; equal texts are equal terms.';

create or replace function desk.audit_answers(p_session_id bigint)
returns table (key text, reason text)
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select o.key, case when o.state = 'refused' then o.reason end from desk.broker_orders as o
  where o.trading_session_id = p_session_id and o.intent <> 'flatten'
  order by o.id
$$;
comment on function desk.audit_answers(bigint) is
  'What the gate answered to each key of a session; a reason where it refused: select * from audit_answers(1).';
grant execute on function desk.audit_answers(bigint) to desk_director, desk_viewer;

create or replace function desk.record_audit(
  p_session_id bigint, p_code_hash text, p_through bigint, p_asked jsonb, p_fault text default null)
returns jsonb
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_until       timestamptz;
  v_differences jsonb;
begin
  select s.bar_time into v_until from desk.session_stream as s
  where s.trading_session_id = p_session_id and s.number <= p_through and s.kind = 'step'
  order by s.number desc limit 1;
  with asked as (
    select a.key, desk.order_text(a.quantity, a.symbol, a.type, a.limit_price, a.stop_price, a.trail_amount,
      a.trail_part) as terms
    from jsonb_to_recordset(p_asked) as a (
      key text, symbol text, quantity double precision, type text, limit_price double precision,
      stop_price double precision, trail_amount double precision, trail_part double precision)
  ),
  recorded as (
    select o.key, o.state, o.last_number, rtrim(o.key, '0123456789') as head, desk.key_number(o.key) as number,
           desk.order_text(o.quantity, o.symbol, o.type, o.limit_price, o.stop_price, o.trail_amount,
             o.trail_part) as terms
    from desk.broker_orders as o
    where o.trading_session_id = p_session_id and o.intent <> 'flatten' and o.decision_bar <= v_until
  ),
  differences as (
    select coalesce(r.key, a.key) as key, r.terms as recorded, a.terms as asked
    from recorded as r
    full join asked as a on a.key = r.key
    -- Equal refusals within a second are one row.
    where r.terms is distinct from a.terms and not (r.key is null and exists (
      select from recorded as f
      where f.state = 'refused' and f.head = rtrim(a.key, '0123456789') and f.terms = a.terms
        and desk.key_number(a.key) between f.number and f.last_number))
    union all
    select null, null, p_fault where p_fault is not null
  )
  select coalesce(jsonb_agg(to_jsonb(d) order by d.key), '[]') into v_differences from differences as d;
  insert into desk.session_audits (trading_session_id, code_hash, through, orders, differences)
  values (p_session_id, p_code_hash, p_through, jsonb_array_length(p_asked), v_differences);
  return v_differences;
end
$$;
comment on function desk.record_audit(bigint, text, bigint, jsonb, text) is
  'Compares what a session''s stream, gone through up to an item, has asked for with what is recorded, and keeps the '
  'outcome: a list of key, recorded and asked, empty where nothing differs. backdesk live audit calls it.';
grant execute on function desk.record_audit(bigint, text, bigint, jsonb, text) to desk_director;

create or replace function desk.renew_session(
  p_session_id bigint, p_code_hash text, p_code_copy text, p_reason text default null)
returns bigint
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
declare
  v_old   desk.trading_sessions;
  v_feed  desk.session_feeds;
  v_audit desk.session_audits;
  v_id    bigint;
begin
  select t.* into v_old from desk.trading_sessions as t where t.id = p_session_id and t.state = 'open';
  select f.* into v_feed from desk.session_feeds as f where f.trading_session_id = p_session_id;
  if v_old.id is null or v_feed.trading_session_id is null or v_old.clock <> 'wall' then
    perform desk.refuse(format('Session %s is no open one that goes on', coalesce(p_session_id::text, 'null')),
      '$.session', 'See live_sessions; a replay is started again instead.', '23503');
  end if;
  if p_code_hash <> v_old.code_hash then
    select a.* into v_audit from desk.session_audits as a
    where a.trading_session_id = p_session_id and a.code_hash = p_code_hash order by a.id desc limit 1;
    if v_audit.id is null or v_audit.through < (
      select p.decided from desk.session_processes as p where p.trading_session_id = p_session_id)
    then
      perform desk.refuse(format('The stream of session %s has not gone through code %s%s', p_session_id,
        left(p_code_hash, 12), coalesce(' since item ' || v_audit.through, '')), '$.code_hash',
        format('backdesk live audit %s --newest', p_session_id), '55000');
    elsif v_audit.differences <> '[]' and coalesce(btrim(p_reason), '') = '' then
      perform desk.refuse(format('Code %s would have asked for other orders, %s of them', left(p_code_hash, 12),
        jsonb_array_length(v_audit.differences)), '$.reason', 'Say why it may go on all the same.', '23514');
    end if;
  end if;
  v_id := desk.start_trading_session((select s.name from desk.strategies as s where s.id = v_old.strategy_id),
    (select a.name from desk.accounts as a where a.id = v_old.account_id), v_old.capital, v_old.symbols,
    v_old.timeframe, v_old.parameters, v_old.commission, v_old.slippage,
    p_on_dead_strategy => v_old.on_dead_strategy, p_zone => v_old.zone, p_continues => p_session_id);
  update desk.trading_sessions
  set code_hash = p_code_hash,
      backtest_result_id = case when p_code_hash = v_old.code_hash then v_old.backtest_result_id end
  where id = v_id;
  insert into desk.session_feeds (trading_session_id, warm_up_bars, speed, seed, risk_limits, memory_mb,
    seconds_per_step, code_copy)
  values (v_id, v_feed.warm_up_bars, 0, v_feed.seed, v_feed.risk_limits, v_feed.memory_mb, v_feed.seconds_per_step,
    p_code_copy);
  return v_id;
end
$$;
comment on function desk.renew_session(bigint, text, text, text) is
  'Starts a session that takes over another''s cash and positions, and ends that one: with its code, or with newer '
  'code through which its stream has gone. backdesk live renew calls it.';
grant execute on function desk.renew_session(bigint, text, text, text) to desk_director;
