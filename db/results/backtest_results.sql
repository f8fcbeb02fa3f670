-- Results under one name: full ones, and the narrow rows of bulk runs as if they were full.

create or replace function desk.bulk_id(p_run_id bigint, p_ordinal bigint)
returns bigint
language sql immutable
set search_path = desk, pg_temp
as $$
  select 4503599627370496 + (p_run_id << 27) + p_ordinal
$$;
comment on function desk.bulk_id(bigint, bigint) is
  'Id of a point of a bulk run: 2^52 + run * 2^27 + ordinal; also the id of its full result, if it becomes one.';

create or replace function desk.bulk_parameters(p_id bigint)
returns jsonb
language sql stable security definer cost 20000
set search_path = desk, pg_temp
as $$
  select p.parameters
  from desk.point_parameters((p_id - 4503599627370496) >> 27, array[p_id & 134217727]) as p
$$;
comment on function desk.bulk_parameters(bigint) is 'Parameters of a point of a bulk run, decoded from its id.';
grant execute on function desk.bulk_parameters(bigint) to desk_director, desk_viewer, desk_importer, desk_dbt;

create or replace function desk.bulk_parameters_hash(p_id bigint)
returns text
language sql stable security definer cost 20000
set search_path = desk, pg_temp
as $$
  select desk.sha256_text(desk.bulk_parameters(p_id)::text)
$$;
comment on function desk.bulk_parameters_hash(bigint) is 'SHA-256 of the parameters of a point of a bulk run.';
grant execute on function desk.bulk_parameters_hash(bigint) to desk_director, desk_viewer, desk_importer, desk_dbt;

-- Made from the columns of full_results, so that a metric that is added there is shown. Each arm is a plain select of
-- one table with scalar expressions: order and limit go down to the indexes of both. What is made when it is read is
-- dear, and says so, so that no plan makes it of more rows than it has to.
do $do$
declare
  v_run   constant text := '(select r.%I from desk.optimization_runs as r where r.id = b.optimization_run_id)';
  v_bulk  constant text := '(select k.%I from desk.bulk_runs as k where k.optimization_run_id = b.optimization_run_id)';
  v_bench constant text := 'case when b.benchmark_comoment is not null then ' || v_bulk || ' end';
  v_block constant text := '(select k.%I from desk.bulk_blocks as k where k.first_id <= b.id'
    ' order by k.first_id desc limit 1)';
  v_given constant jsonb := jsonb_build_object(
    'lost', '(b.verdict & 1) = 1', 'earned', 'null::double precision',
    'starting_cash', format(v_bulk, 'starting_cash'), 'sessions_a_year', format(v_bulk, 'sessions_a_year'),
    'risk_free_rate', format(v_bulk, 'risk_free_rate'), 'benchmark_return', format(v_bench, 'benchmark_return'),
    'benchmark_mean', format(v_bench, 'benchmark_mean'), 'benchmark_m2', format(v_bench, 'benchmark_m2'));
  v_words constant jsonb := v_given - '{risk_free_rate}'::text[] || jsonb_build_object(
    'id', 'b.id', 'optimization_run_id', 'b.optimization_run_id', 'ordinal', 'b.id & 134217727',
    'strategy_id', format(v_run, 'strategy_id'), 'parameters', 'desk.bulk_parameters(b.id)',
    'outcome', quote_literal('finished'), 'passed', 'b.verdict = 0',
    'rejection_reasons', 'case when b.verdict = 0 then ''{}'' else desk.bulk_reasons(b.id) end',
    'exposed_time', 'coalesce(b.exposed_time, b.exposed_sessions)', 'sharpe_ratio', 'b.sharpe_ratio',
    'block_counts', '(select s.block_counts from desk.bulk_samples as s where s.id = b.id)',
    'block_sums', '(select s.block_sums from desk.bulk_samples as s where s.id = b.id)',
    'block_squares', '(select s.block_squares from desk.bulk_samples as s where s.id = b.id)',
    'engine', format(v_run, 'engine'), 'code_version_id', format(v_run, 'code_version_id'),
    'data_hash', format(v_run, 'data_hash'), 'seed', format(v_run, 'seed'),
    'parameters_hash', 'desk.bulk_parameters_hash(b.id)',
    'platform', format(v_block, 'platform'), 'runner_id', format(v_block, 'runner_id'),
    'attempt', format(v_block, 'attempt'), 'created_at', format(v_block, 'created_at'),
    'duration', '(select k.seconds / (k.last_id - k.first_id + 1) from desk.bulk_blocks as k where k.first_id <= b.id'
      ' order by k.first_id desc limit 1)',
    'repeated', format('%s @> (b.id & 134217727)', format(v_bulk, 'repeated')));
begin
  execute (
    select format($view$
create or replace view desk.backtest_results as
select %s from desk.full_results as f
union all
select %s from desk.bulk_points as b $view$,
      string_agg(format('f.%I', a.attname), ', ' order by a.attnum),
      string_agg(format('(%s)::%s as %I',
        coalesce(v_words ->> a.attname,
          case when a.attname::text = any (desk.ratio_names()) then desk.ratio_call(a.attname, 'b', v_given) end,
          'b.' || quote_ident(p.attname), pg_get_expr(d.adbin, d.adrelid), 'null'),
        format_type(a.atttypid, a.atttypmod), a.attname), ', ' order by a.attnum))
    from pg_catalog.pg_attribute as a
    left join pg_catalog.pg_attribute as p on p.attrelid = 'desk.bulk_points'::regclass and p.attname = a.attname
    left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = 'desk.full_results'::regclass and a.attnum > 0 and not a.attisdropped);
  -- What an insert leaves out is what it is in the table.
  execute (
    select string_agg(format('alter view desk.backtest_results alter column %I set default %s', a.attname,
      pg_get_expr(d.adbin, d.adrelid)), '; ')
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = 'desk.full_results'::regclass);
  perform desk.describe_as('desk.backtest_results', 'desk.full_results');
end
$do$;
comment on view desk.backtest_results is
  'One row a point of a run: what the engine measured, what the desk makes of it, and whether it passed. Full results, '
  'and points of bulk runs, of which parameters and reasons are made when they are read.';

create or replace function desk.tg_results_insert()
returns trigger
language plpgsql volatile security definer
set search_path = desk, pg_temp
as $$
begin
  new.id := nextval(pg_get_serial_sequence('desk.full_results', 'id'));
  insert into desk.full_results overriding system value values (new.*) returning * into new;
  return new;
end
$$;
comment on function desk.tg_results_insert() is 'What is inserted into backtest_results is a full result.';
create or replace trigger backtest_results_insert instead of insert on desk.backtest_results
for each row execute function desk.tg_results_insert();

create or replace function desk.tg_results_refuse()
returns trigger
language plpgsql stable security definer
set search_path = desk, pg_temp
as $$
begin
  perform desk.refuse(format('backtest_results is a view, which takes no %s', lower(tg_op)), '$.backtest_results',
    'Results are never changed by hand; select note(''result'', id, ''...'') writes a note.', '55000');
  return null;
end
$$;
comment on function desk.tg_results_refuse() is
  'Refuses to change results through the view; whoever has no right to is told that first.';
create or replace trigger backtest_results_refuse instead of update or delete on desk.backtest_results
for each row execute function desk.tg_results_refuse();

grant select on desk.backtest_results to desk_director, desk_viewer, desk_importer, desk_dbt;
grant insert (optimization_run_id, strategy_id, parameters, engine, total_return, annual_return, volatility,
  sharpe_ratio, sortino_ratio, calmar_ratio, skewness, kurtosis, value_at_risk, expected_shortfall, win_rate,
  average_win, average_loss, profit_factor, expectancy, sqn, fee_pct, fee_share_of_profit, turnover, exposure)
  on desk.backtest_results to desk_importer, desk_director;

-- The importer may say what an engine measured, but not how the desk's benchmark did beside it.
do $$
begin
  execute format('grant insert (%s) on desk.backtest_results to desk_importer, desk_director', (
    select string_agg(quote_ident(m.name), ', ') from unnest(desk.raw_metric_names()) as m (name)
    where m.name not like 'benchmark\_%'));
end
$$;
