-- Results side by side: what each was, and every metric that one of them has.

create or replace function desk.compare_results(variadic p_results bigint[])
returns table (title text, shown text[], metric text, figures double precision[], best bigint[])
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
declare
  v_missing bigint;
  -- What is asked first; the rest by its name.
  v_first constant text[] := '{deflated_sharpe,sharpe_ratio,annual_return,max_drawdown,total_trades,win_rate,'
    'profit_factor,fee_pct}';
begin
  select n.id into v_missing from unnest(p_results) as n (id)
  where not exists (select from desk.backtest_results as b where b.id = n.id) limit 1;
  if v_missing is not null or cardinality(p_results) = 0 then
    perform desk.refuse(format('There is no result %s', coalesce(v_missing::text, 'to compare')), '$.results',
      'See result_leaderboard: select title, shown from compare_results(1, 2);', '23503');
  end if;
  return query
  with chosen as (
    select n.place, b.id, to_jsonb(b) as result, s.name, r.symbols, r.start_date, r.end_date, b.passed, b.outcome,
           b.optimization_run_id
    from unnest(p_results) with ordinality as n (id, place)
    join desk.backtest_results as b on b.id = n.id
    join desk.strategies as s on s.id = b.strategy_id
    join desk.optimization_runs as r on r.id = b.optimization_run_id
  ),
  described as (
    select w.position, w.title, array_agg(w.word order by c.place) as shown
    from chosen as c
    cross join lateral (values
      (1, 'Strategy', c.name),
      (2, 'Parameters', (select string_agg(p.key || '=' || (p.value #>> '{}'), ', ' order by p.key)
        from jsonb_each(c.result -> 'parameters') as p)),
      (3, 'Symbols', array_to_string(c.symbols, ' ')),
      (4, 'Window', c.start_date || ' to ' || c.end_date),
      (5, 'Verdict', case when c.outcome = 'failed' then 'failed' when c.passed then 'passed' else 'rejected' end),
      (6, 'Run', c.optimization_run_id::text)) as w (position, title, word)
    group by w.position, w.title
  ),
  measured as (
    select d.metric, d.title, d.direction,
           array_agg(v.value order by c.place) as figures, array_agg(c.id order by c.place) as ids,
           array_agg(desk.show_number(v.value, d.unit, d.decimals) order by c.place) as shown,
           min(v.value) as least, max(v.value) as most
    from chosen as c
    cross join desk.metric_definitions as d
    cross join lateral (select (c.result ->> d.metric)::double precision) as v (value)
    group by d.metric, d.title, d.direction
    having count(v.value) > 0
  )
  select a.title, a.shown, a.metric, a.figures, a.best
  from (
    select w.position, w.title, w.shown, null as metric, null::double precision[] as figures, '{}'::bigint[] as best
    from described as w
    union all
    select 100 + coalesce(array_position(v_first, m.metric), 100), m.title, m.shown, m.metric, m.figures,
           case when m.least < m.most then array(
             select f.id from unnest(m.ids, m.figures) as f (id, figure)
             where f.figure = case m.direction when 'min' then m.least else m.most end) else '{}' end
    from measured as m
  ) as a
  order by a.position, a.title;
end
$$;
comment on function desk.compare_results(bigint[]) is
  'Results side by side, a row a property or metric, in the order in which they are named, with those that are best '
  'in it: select title, shown from compare_results(26, 182).';
grant execute on function desk.compare_results(bigint[]) to desk_director, desk_viewer;
