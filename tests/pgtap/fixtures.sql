-- What the stories begin with, made in the schema `tap` beside pgTAP. Each function does what a person or a
-- runner would do, through the desk's own functions.

create function tap.refusal(p_statement text)
returns text[]
language plpgsql
as $$
declare
  v_code    text;
  v_message text;
  v_detail  text;
  v_hint    text;
begin
  execute p_statement;
  return array['accepted'];
exception when others then
  get stacked diagnostics
    v_code = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
  return array[v_code, v_message, v_detail, v_hint];
end
$$;
comment on function tap.refusal(text) is 'SQLSTATE, message, detail and hint of what a statement raises.';

create function tap.refused_job(p_config text, p_strategy text default 'sma_crossover')
returns text[]
language sql
as $$
  select tap.refusal(format('insert into desk.jobs (strategy, config) values (%L, %L)', p_strategy, p_config))
$$;
comment on function tap.refused_job(text, text) is 'How an inserted job is refused.';

create function tap.strategies(p_version text default 'a')
returns jsonb
language sql
as $$
  select jsonb_build_array(
    jsonb_build_object('name', 'rsi_mean_reversion', 'code', 'STR-001', 'title', 'RSI', 'hypothesis', 'h',
      'engine', 'backtrader', 'entry_point', 'rsi_mean_reversion', 'code_hash', repeat(p_version, 64), 'parameters',
      '[{"name": "rsi_period", "type": "integer", "default": 14, "minimum": 2, "maximum": 200},
        {"name": "entry_threshold", "type": "number", "default": 30, "minimum": 0, "maximum": 100},
        {"name": "exit_threshold", "type": "number", "default": 55, "minimum": 0, "maximum": 100}]'::jsonb),
    jsonb_build_object('name', 'sma_crossover', 'code', 'STR-003', 'title', 'SMA', 'hypothesis', 'h',
      'engine', 'backtrader', 'entry_point', 'sma_crossover', 'code_hash', repeat(p_version, 64), 'parameters',
      '[{"name": "fast", "type": "integer", "default": 10, "minimum": 1, "maximum": 2000},
        {"name": "slow", "type": "integer", "default": 30, "minimum": 2, "maximum": 2000},
        {"name": "stop", "type": "number", "default": 0.1, "minimum": 0, "maximum": 1},
        {"name": "trailing", "type": "boolean", "default": false},
        {"name": "side", "type": "text", "default": "long"}]'::jsonb))
$$;
comment on function tap.strategies(text) is 'Two strategies as a runner publishes them, with the code version named by a hexadecimal digit.';

create function tap.as_it_was(p_statement text)
returns void
language plpgsql
as $$
declare
  v_table text;
  v_tables constant text[] := '{full_results,run_progress,optimization_runs,instruments}';
begin
  foreach v_table in array v_tables loop
    execute format('alter table desk.%I disable trigger user', v_table);
  end loop;
  execute p_statement;
  foreach v_table in array v_tables loop
    execute format('alter table desk.%I enable trigger user', v_table);
  end loop;
end $$;
comment on function tap.as_it_was(text) is 'Carries out a statement with no trigger of the desk, as the tables'' owner may: rows as an older version left them.';

create function tap.given_desk()
returns void
language plpgsql
as $$
declare
  v_series record;
begin
  perform desk.publish_strategies(tap.strategies());
  for v_series in
    select * from (values ('AAPL', date '2010-01-04'), ('IBM', '2010-01-04'), ('GOOG', '2011-01-03')) as s (symbol, first_day)
  loop
    perform desk.load_instrument(v_series.symbol);
    perform desk.load_bars(v_series.symbol, '1d', 'made', d.days, p.prices, p.prices, p.prices, p.prices, p.prices)
    from (
      select array_agg(d order by d) as days
      from generate_series(v_series.first_day::timestamp, '2011-12-30', '1 day') as g (day)
      cross join lateral (select g.day at time zone 'UTC') as u (d)
      where extract(isodow from g.day) < 6
    ) as d
    cross join lateral (select array_fill(10::double precision, array[cardinality(d.days)])) as p (prices);
  end loop;
end
$$;
comment on function tap.given_desk() is 'Two strategies; AAPL and IBM with daily prices of 2010 and 2011, GOOG of 2011.';

create function tap.given_runner(p_version text default 'a', p_engines text[] default '{backtrader}')
returns bigint
language sql
as $$
  select desk.register_runner('host', 1, '0.1', p_engines, 2, 'linux', false, tap.strategies(p_version))
$$;
comment on function tap.given_runner(text, text[]) is 'A registered runner with a code version and engines.';

create function tap.given_job(p_points integer, p_more jsonb default '{}', p_priority integer default 0, p_strategy text default 'sma_crossover')
returns bigint
language plpgsql
as $$
declare
  v_name   text := case p_strategy when 'sma_crossover' then 'fast' else 'rsi_period' end;
  v_job_id bigint;
begin
  insert into desk.jobs (strategy, config, priority)
  values (
    p_strategy,
    jsonb_build_object('symbols', 'AAPL', 'success_criteria', '{"min_trades": 10}'::jsonb, 'optimization', jsonb_build_object(
      'parameters', jsonb_build_object(v_name, jsonb_build_object('start', 2, 'end', p_points + 1, 'step', 1)))) || p_more,
    p_priority)
  returning id into v_job_id;
  return v_job_id;
end
$$;
comment on function tap.given_job(integer, jsonb, integer, text) is 'A job of one run with so many points, passing with ten trades; p_more adds keys to its config.';

create function tap.run_of(p_job_id bigint)
returns bigint
language sql
as $$
  select min(id) from desk.optimization_runs where job_id = p_job_id
$$;
comment on function tap.run_of(bigint) is 'First run of a job.';

create function tap.metrics(p_more jsonb default '{}')
returns jsonb
language sql
as $$
  select '{"starting_cash": 100000, "ending_value": 110000, "sessions": 520, "return_count": 252, "return_mean": 0.0004,
    "return_m2": 0.0251, "return_m3": 0, "return_m4": 0.0000075, "downside_m2": 0.01, "tail_count": 12, "tail_sum": -0.24,
    "tail_return": -0.015, "max_drawdown": 0.1, "max_drawdown_sessions": 20, "total_orders": 40, "total_trades": 20,
    "winning_trades": 12, "losing_trades": 8, "gross_profit": 15000, "gross_loss": 5000, "trade_profit_sum": 10000,
    "trade_profit_m2": 1000000, "total_fees": 400, "traded_value": 400000, "exposed_sessions": 126, "bars": 252,
    "duration": 0.5}'::jsonb || p_more
$$;
comment on function tap.metrics(jsonb) is 'Raw metrics of a plausible point: 20 trades, 10% return, Sharpe 0.635; p_more replaces keys.';

create function tap.complete(
  p_item bigint, p_token uuid, p_ordinal bigint, p_metrics jsonb default tap.metrics(), p_sessions date[] default null,
  p_equity double precision[] default null, p_sizes double precision[] default '{}')
returns text
language sql
as $$
  -- One trade a size.
  select (desk.complete_work(array[row(p_item, p_token, p_ordinal, p_metrics, p_sessions, p_equity,
    array_fill('AAPL'::text, array[n]), array_fill(timestamptz '2010-01-04 00:00Z', array[n]),
    array_fill(timestamptz '2010-01-05 00:00Z', array[n]), p_sizes, array_fill(10::float8, array[n]), array_fill(12::float8, array[n]),
    array_fill(19::float8, array[n]), array_fill(1::float8, array[n]))::desk.point_outcome]))[1]
  from (select cardinality(p_sizes)) as c (n)
$$;
comment on function tap.complete(bigint, uuid, bigint, jsonb, date[], double precision[], double precision[]) is
  'Completes a point by itself; without a curve unless one is given, and with a trade for each of the sizes.';

create function tap.advance(p_runner_id bigint)
returns integer
language plpgsql
as $$
declare
  v_all integer := 0;
  v_one integer;
begin
  loop
    v_one := desk.advance_runs(p_runner_id);
    exit when v_one = 0;
    v_all := v_all + v_one;
  end loop;
  return v_all;
end
$$;
comment on function tap.advance(bigint) is 'Looks after the runs until none is due; how often one was.';

create function tap.drain(p_runner_id bigint, p_metrics jsonb default tap.metrics(), p_failures text default null)
returns integer
language plpgsql
as $$
declare
  v_item    record;
  v_ordinal bigint;
  v_count   integer := 0;
  v_before  integer;
begin
  loop
    v_before := v_count;
    perform tap.advance(p_runner_id);
    for v_item in select * from desk.claim_work(p_runner_id, 20) loop
      foreach v_ordinal in array v_item.ordinals loop
        if p_failures is null then
          perform tap.complete(v_item.work_item_id, v_item.token, v_ordinal, p_metrics);
        else
          perform desk.fail_work(v_item.work_item_id, v_item.token, v_ordinal, 'strategy', p_failures);
        end if;
        v_count := v_count + 1;
      end loop;
    end loop;
    exit when v_count = v_before;
  end loop;
  return v_count;
end
$$;
comment on function tap.drain(bigint, jsonb, text) is 'A runner works until nothing is left, every point ending alike; the number of points.';

create function tap.rows(p_query text)
returns jsonb
language plpgsql
as $$
declare
  v_rows jsonb;
begin
  execute format(
    'select coalesce(jsonb_agg((select jsonb_agg(c.value order by c.ordinality)
       from json_each(row_to_json(q)) with ordinality as c)), ''[]'') from (%s) as q', p_query)
  into v_rows;
  return v_rows;
end
$$;
comment on function tap.rows(text) is 'Rows of a query in its order, each an array of its columns.';

create function tap.given_session(p_capital double precision default 100000, p_account text default 'PAPER1')
returns bigint
language plpgsql
as $$
declare
  v_account_id bigint;
  v_id         bigint;
  v_link       uuid;
begin
  if not exists (select from desk.accounts where name = p_account) then
    v_account_id := desk.open_account(p_account);
    -- As wide as they may be: what a test is about, it makes narrow.
    insert into desk.risk_limits (account_id, limit_name, threshold)
    values (v_account_id, 'max_daily_loss', 1), (v_account_id, 'max_leverage', 100),
      (v_account_id, 'max_orders_per_minute', 1000000);
    update desk.strategies set status = 'testing' where name = 'sma_crossover' and status = 'backlog';
    update desk.strategies set status = 'validated' where name = 'sma_crossover' and status = 'testing';
    update desk.strategies set status = 'paper' where name = 'sma_crossover' and status = 'validated';
    v_link := desk.begin_link(p_account, 'host', 1);
    perform desk.beat_link(p_account, v_link, 'ready');
  end if;
  v_id := desk.start_trading_session('sma_crossover', p_account, p_capital, '{AAPL,IBM,GOOG}', '1d', p_clock => 'stream');
  perform desk.begin_strategy(v_id, repeat('a', 64), 'host', 2);
  perform tap.priced(v_id, '2010-01-04', 100);
  return v_id;
end
$$;
comment on function tap.given_session(double precision, text) is
  'A session of sma_crossover on a paper account with a live link: AAPL, IBM and GOOG at 100, limits as wide as they go.';

create function tap.link(p_account text default 'PAPER1')
returns uuid
language sql
as $$
  select l.token from desk.account_links as l join desk.accounts as a on a.id = l.account_id where a.name = p_account
$$;
comment on function tap.link(text) is 'Token of an account''s link.';

create function tap.priced(p_session_id bigint, p_bar timestamptz, p_price double precision, p_symbols text[] default '{AAPL,IBM,GOOG}')
returns text
language sql
as $$
  select desk.record_prices(p_session_id, l.token, p_bar, p_symbols, array_fill(p_price, array[cardinality(p_symbols)]))
  from desk.trading_sessions as t join desk.account_links as l on l.account_id = t.account_id where t.id = p_session_id
$$;
comment on function tap.priced(bigint, timestamptz, double precision, text[]) is 'A bar on which all symbols close at a price.';

create function tap.order_row(p_session_id bigint, p_key text, p_symbol text, p_quantity double precision, p_more jsonb default '{}')
returns desk.broker_orders
language sql
as $$
  select jsonb_populate_record(null::desk.broker_orders, jsonb_build_object('trading_session_id', p_session_id, 'key', p_key,
    'symbol', p_symbol, 'type', 'market', 'time_in_force', 'gtc', 'intent', 'trade', 'quantity', p_quantity) || p_more)
$$;
comment on function tap.order_row(bigint, text, text, double precision, jsonb) is 'An order as submit_order() hands it on.';

create function tap.asked(p_session_id bigint, p_key text, p_symbol text, p_quantity double precision, p_more jsonb default '{}')
returns text
language sql
as $$
  -- As submit_order() does, which wants a statement of its own: the rule of a refusal, or allowed.
  select coalesce(o.rule, o.state) from desk.place_orders(
    array[tap.order_row(p_session_id, p_key, p_symbol, p_quantity, p_more)], null) as o
$$;
comment on function tap.asked(bigint, text, text, double precision, jsonb) is 'Asks for an order: the rule of its refusal, or allowed.';

create function tap.filled(p_session_id bigint, p_key text, p_quantity double precision default null, p_price double precision default 100,
  p_execution text default null, p_revision integer default 1)
returns text
language plpgsql
as $$
declare
  v_order   desk.broker_orders;
  v_account text;
begin
  select o.* into v_order from desk.broker_orders as o where o.trading_session_id = p_session_id and o.key = p_key;
  select a.name into v_account from desk.accounts as a where a.id = v_order.account_id;
  perform desk.take_orders(v_account, tap.link(v_account), 1000);
  return desk.record_execution(v_account, tap.link(v_account), coalesce(p_execution, 'e:' || p_session_id || p_key), p_revision,
    v_order.id, v_order.symbol, coalesce(p_quantity, v_order.quantity), p_price,
    (select l.newest_bar from desk.session_ledgers as l where l.trading_session_id = p_session_id), 0);
end
$$;
comment on function tap.filled(bigint, text, double precision, double precision, text, integer) is
  'The link takes what is allowed, and an order is filled; whole and at 100 unless more is said.';

create function tap.limited(p_whose text, p_name text, p_threshold double precision)
returns void
language sql
as $$
  insert into desk.risk_limits (account_id, limit_name, threshold)
  values (case p_whose when 'account' then (select id from desk.accounts where name = 'PAPER1') end, p_name, p_threshold)
  on conflict (strategy_id, account_id, limit_name) do update set threshold = excluded.threshold
$$;
comment on function tap.limited(text, text, double precision) is 'A limit of all sessions, or of the account PAPER1.';
