-- What no session on paper can trade is refused by name; what can, starts and moves its strategy.

select plan(17);
select tap.given_desk();
create function pg_temp.started(p_more jsonb default '{}') returns bigint language sql as $$
  select start_paper_session(coalesce(p_more ->> 'strategy', 'sma_crossover'), coalesce(p_more ->> 'account', 'PAPER'), 10000,
    coalesce((select array_agg(s) from jsonb_array_elements_text(p_more -> 'symbols') as s), '{AAPL}'), coalesce(p_more ->> 'timeframe', '1d'),
    coalesce(p_more ->> 'hash', repeat('a', 64)), repeat('c', 64), p_replay => coalesce((p_more ->> 'replay')::boolean, true)) $$;
create function pg_temp.refused(p_more jsonb) returns text language plpgsql as $$
begin
  perform pg_temp.started(p_more);
  return null;
exception when others then
  return sqlerrm;
end $$;

select is(paper_account('PAPER'), 'PAPER');
select is(paper_account('PAPER'), 'PAPER', 'opened once');
select open_account('IB1', 'paper', 'ib');
select is((tap.refusal($$select paper_account('IB1')$$))[2], 'IB1 is a paper account at ib');
select is(pg_temp.refused('{}'), 'sma_crossover is backlog');
update strategies set status = 'testing' where name = 'sma_crossover';
update strategies set status = 'validated' where name = 'sma_crossover';
select is(pg_temp.refused('{}'), 'The account PAPER has no limit max_daily_loss, max_leverage, max_orders_per_minute');
insert into risk_limits (account_id, limit_name, threshold) select id, n, 1 from accounts, unnest('{max_daily_loss,max_leverage,max_orders_per_minute}'::text[]) as n where name = 'PAPER';

insert into strategies (name, engine, entry_point) values ('a_project', 'lean', 'a_project');
select is(pg_temp.refused('{"strategy": "a_project"}'), 'a_project is a LEAN project');
select is(pg_temp.refused('{"timeframe": "1d,1h"}'), 'Got "1d,1h": a session has one timeframe');
select is(pg_temp.refused('{"timeframe": "1m"}'), 'There are no prices of AAPL in bars of 1m');
update instruments set currency = 'EUR' where symbol = 'IBM';
select is(pg_temp.refused('{"symbols": ["AAPL", "IBM"]}'), 'IBM is traded in EUR, and the account PAPER is in USD');
update instruments set margin = 5000 where symbol = 'GOOG';
select is(pg_temp.refused('{"symbols": ["GOOG"]}'), 'GOOG has a margin of its contract, which no account here heeds yet');
select is(pg_temp.refused('{"symbols": ["NONE"]}'), 'Unknown symbol "NONE"');
select is(pg_temp.refused(jsonb_build_object('hash', repeat('b', 64))), 'The code of sma_crossover is aaaaaaaaaaaa now, not bbbbbbbbbbbb');

create temporary table s as select pg_temp.started() as id;
select is((select status from strategies where name = 'sma_crossover'), 'paper', 'it moves');
select is((select reason from strategy_events where to_status = 'paper'), format('session %s began on PAPER', id), 'by an event') from s;
select is((select row(first_session, last_session, cardinality(price_version_ids), seed)::text from session_feeds), '(2010-01-04,2011-12-30,1,0)', 'its prices are pinned');
select is(session_terms(id) ->> 'begins', '1262563200') from s;
create temporary table l as select begin_link('PAPER', 'host', 1) as token;
select is((select array_agg(t ->> 'trading_session_id') from l cross join lateral sessions_to_carry('PAPER', l.token) as t), array[id::text], 'the link is told') from s;
select * from finish();
