-- What decides the results of a run besides its points: hashed to know equal ones, and told to its runners.

create or replace function desk.result_settings(p_config jsonb)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  select coalesce(jsonb_object_agg(k.path, p_config -> k.path), '{}')
  from desk.config_keys as k
  where k.affects = 'result' and k.path !~ '[.]'
    -- The strategy is known by its code's hash, the window by its first and last day.
    and k.path not in ('strategy', 'start_date', 'end_date')
    and (k.in_every_hash or p_config -> k.path <> coalesce(k.default_value, 'null'))
$$;
comment on function desk.result_settings(jsonb) is
  'What of a config affects results, where it is not at its default: it parts their hashes, and engines are told it.';

drop function if exists desk.settings_hash(jsonb, date, date, integer);
drop function if exists desk.settings_hash(jsonb, date, date, integer, jsonb);
create or replace function desk.settings_hash(p_config jsonb, p_start date, p_end date, p_warm_up integer,
  p_sessions jsonb default '{}', p_terms jsonb default null)
returns text
language sql stable
set search_path = desk, pg_temp
as $$
  select desk.sha256_text((jsonb_build_object('start', p_start, 'end', p_end, 'warm_up', p_warm_up) || p_sessions
    || case when p_terms is null then '{}' else jsonb_build_object('contracts', p_terms) end
    || desk.result_settings(p_config))::text)
$$;
comment on function desk.settings_hash(jsonb, date, date, integer, jsonb, jsonb) is
  'SHA-256 of all besides code, prices and parameters that decides a result; of sessions what session_settings() says, '
  'and the terms of contracts where there are any.';

create or replace function desk.session_settings(p_sessions_a_year double precision, p_versions bigint[],
  p_parent_id bigint default null)
returns jsonb
language sql stable
set search_path = desk, pg_temp
as $$
  -- Nothing where a year has 252 sessions and each is a UTC date, as it was for all before it was asked.
  select jsonb_strip_nulls(jsonb_build_object(
    'sessions_a_year', nullif(p_sessions_a_year, 252),
    'session_days', (
      select jsonb_agg(jsonb_build_array(coalesce(s.zone, d.zone), coalesce(s.day_begins, d.day_begins))
        order by n.position)
      from unnest(p_versions) with ordinality as n (id, position)
      join desk.price_versions as v on v.id = n.id
      cross join lateral desk.instrument_day(v.instrument_id, v.timeframe) as d
      left join desk.run_symbols as s on s.optimization_run_id = p_parent_id and s.position = n.position
      having not bool_and(v.utc_sessions or s.own_day is false))))
$$;
comment on function desk.session_settings(double precision, bigint[], bigint) is
  'What of a run''s sessions decides its results, where it is not 252 a year and UTC dates: with the clocks of its '
  'parent, or of its instruments.';

create or replace function desk.run_settings(p_run_id bigint)
returns jsonb
language sql stable security definer
set search_path = desk, pg_temp
as $$
  select desk.result_settings(r.config) || jsonb_build_object(
    'optimization_run_id', r.id, 'strategy', s.name, 'entry_point', s.entry_point, 'engine', r.engine,
    'symbols', r.symbols, 'timeframe', r.timeframe, 'start_date', r.start_date, 'end_date', r.end_date,
    'cash', r.cash, 'seed', r.seed, 'data_hash', r.data_hash, 'code_hash', v.code_hash,
    'splits', desk.run_splits(r.id), 'contracts', r.contract_terms,
    'seconds_per_point', r.config -> 'seconds_per_point', 'memory_mb', r.config -> 'memory_mb',
    'warm_up_bars', r.warm_up_bars, 'block_count', 16, 'sessions_a_year', coalesce(r.sessions_a_year, 252),
    'session_days', (
      select jsonb_agg(jsonb_build_array(y.zone, extract(epoch from y.day_begins)::integer) order by y.position)
      from desk.run_symbols as y
      where y.optimization_run_id = r.id
      having bool_and(y.own_day) and r.timeframe !~ '(d|w|mo)$'), 'benchmark', (
      select jsonb_build_object('sessions', b.sessions, 'returns', b.returns, 'sums', b.sums)
      from desk.run_benchmarks as b where b.optimization_run_id = r.id and b.sums is not null))
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  left join desk.code_versions as v on v.id = r.code_version_id
  where r.id = p_run_id and not r.imported
$$;
comment on function desk.run_settings(bigint) is
  'What a runner needs to know of a run besides its points: whatever key of its config affects results is in it, and '
  'a runner that does not know one refuses the run.';
grant execute on function desk.run_settings(bigint) to desk_runner;
