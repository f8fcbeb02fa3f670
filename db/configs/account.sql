-- Keys of the account that depend on one another, and on the engine.

create or replace function desk.check_engine_keys(p_engine text, p_config jsonb)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_key desk.config_keys;
begin
  select k.* into v_key
  from desk.config_keys as k
  where p_config ? k.path and not p_engine = any (k.engines)
  order by k.position
  limit 1;
  if found then
    perform desk.refuse(format('The engine %s knows no %s', p_engine, v_key.path), '$.' || v_key.path,
      format('Remove the key; engines that heed it: %s.', array_to_string(v_key.engines, ', ')));
  end if;
end
$$;
comment on function desk.check_engine_keys(text, jsonb) is 'Refuses a key that the strategy''s engine does not heed.';

create or replace function desk.check_margin(p_margin jsonb)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if (p_margin ->> 'maintenance')::numeric > (p_margin ->> 'initial')::numeric then
    perform desk.refuse(format('A maintenance margin of %s is above the initial one of %s', p_margin ->> 'maintenance',
      p_margin ->> 'initial'), '$.margin.maintenance',
      'A position that may be opened would be closed at once; such as initial: 0.5, maintenance: 0.3.');
  end if;
end
$$;
comment on function desk.check_margin(jsonb) is 'Refuses a maintenance margin above the initial one.';

create or replace function desk.check_cash_flows(p_flows jsonb)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
begin
  if p_flows ? 'amount' <> p_flows ? 'every' then
    perform desk.refuse(format('Key %s is missing', case when p_flows ? 'amount' then 'every' else 'amount' end),
      '$.cash_flows', 'Say how much and how often, such as: cash_flows: {amount: 1000, every: month}.');
  end if;
  if not (p_flows ? 'amount' or coalesce((p_flows ->> 'by_strategy')::boolean, false)) then
    perform desk.refuse('Nothing flows', '$.cash_flows',
      'Write amount and every, or by_strategy: true where the strategy calls broker.add_cash, or remove the key.');
  end if;
end
$$;
comment on function desk.check_cash_flows(jsonb) is 'Refuses cash flows that say half of what they need, or nothing.';

create or replace function desk.check_contracts(p_engine text, p_symbols text[], p_config jsonb)
returns void
language plpgsql stable
set search_path = desk, pg_temp
as $$
declare
  v_contract   text;
  v_currencies text[];
begin
  select i.symbol into v_contract from desk.instruments as i where i.symbol = any (p_symbols) and i.margin is not null;
  if found and p_engine <> 'backtrader' then
    perform desk.refuse(format('The engine %s knows no contracts, and %s has a margin', p_engine, v_contract),
      '$.symbols', 'Name what is paid in full, or run a strategy of the engine backtrader.');
  elsif found and p_config ? 'margin' then
    perform desk.refuse(format('The margin of shorts is of what is paid in full, and %s has one of its own',
      v_contract), '$.margin', 'Remove the key.');
  end if;
  select array_agg(format('%s is in %s', c.symbol, c.currency) order by c.place) into v_currencies
  from (
    select i.currency, min(s.place) as place, (array_agg(i.symbol order by s.place))[1] as symbol
    from unnest(p_symbols) with ordinality as s (symbol, place)
    join desk.instruments as i on i.symbol = s.symbol
    group by i.currency
  ) as c;
  if cardinality(v_currencies) > 1 and not p_config ? 'for_each' then
    perform desk.refuse(array_to_string(v_currencies, ', '), '$.symbols',
      'An account has one currency: name symbols of one, or write for_each: symbols.');
  end if;
end
$$;
comment on function desk.check_contracts(text, text[], jsonb) is
  'Refuses contracts on margin where nothing heeds them, and symbols of several currencies in one account.';
