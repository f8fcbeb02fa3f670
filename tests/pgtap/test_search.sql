-- The search space: what an ordinal decodes to, and what constraints leave.

select plan(59);
select tap.given_desk();
create function pg_temp.points(p_search jsonb) returns jsonb language plpgsql as $$
declare v_run_id bigint; v_points jsonb;
begin
  insert into desk.jobs (strategy, config) values ('sma_crossover', jsonb_build_object('symbols', 'AAPL', 'optimization', p_search));
  select max(id) into v_run_id from desk.optimization_runs;
  select jsonb_agg(p.parameters order by p.ordinal) into v_points
  from desk.optimization_runs as r
  cross join lateral desk.point_parameters(r.id, array(select generate_series(1, r.total_combinations))) as p
  where r.id = v_run_id;
  perform desk.cancel_job(max(id)) from desk.jobs;
  return v_points;
end $$;

-- Mixed radix against a cross join
select is(
  pg_temp.points('{"parameters": {"slow": [40, 30], "fast": {"start": 5, "end": 20, "step": 5}, "stop": [0.2, 0.1, 0.3], "trailing": [true, false], "side": ["long", "short"]}}'),
  (select jsonb_agg(jsonb_build_object('fast', fast, 'slow', slow, 'stop', stop, 'trailing', trail, 'side', side)
     order by fast, s_at, p_at, t_at, d_at)
   from unnest('{5,10,15,20}'::integer[]) as fast
   cross join unnest('{40,30}'::integer[]) with ordinality as s (slow, s_at)
   cross join unnest('{0.2,0.1,0.3}'::numeric[]) with ordinality as p (stop, p_at)
   cross join unnest('{true,false}'::boolean[]) with ordinality as t (trail, t_at)
   cross join unnest('{long,short}'::text[]) with ordinality as d (side, d_at)),
  'ordinals count through the product in the strategy''s order, the last parameter fastest');
select is(pg_temp.points('{"parameters": {"fast": 7}}'), '[{"fast": 7}]', 'a constant is one point');
select is(pg_temp.points('{}'), '[{}]', 'without parameters there is one point, all defaults');
select is(pg_temp.points('{"parameters": {"stop": {"start": 0.1, "end": 0.3, "step": 0.1}}}'), '[{"stop": 0.1}, {"stop": 0.2}, {"stop": 0.3}]',
  '0.1 to 0.3 by 0.1 is three exact values');
select is(pg_temp.points('{"parameters": {"stop": {"start": 0.1, "end": 0.35, "step": 0.1}}}'), '[{"stop": 0.1}, {"stop": 0.2}, {"stop": 0.3}]',
  'an end that no step lands on is not exceeded');
select is(pg_temp.points('{"parameters": {"fast": {"start": 5.0, "end": 6.00, "step": 1.0}}}')::text, '[{"fast": 5}, {"fast": 6}]',
  'whole numbers stay whole whatever their spelling');
select is(pg_temp.points('{"parameters": {"fast": {"start": 5, "end": 5, "step": 3}}}'), '[{"fast": 5}]', 'a range may have one value');
select is(
  tap.rows($$select * from point_parameters((select max(id) from optimization_runs), '{}')$$), '[]', 'no ordinals decode to nothing');

-- Linked axes
select is(
  pg_temp.points('{"constraints": ["fast < slow"], "parameters": {"fast": {"start": 5, "end": 50, "step": 5}, "slow": {"start": 10, "end": 60, "step": 10}, "stop": [0.1, 0.2]}}'),
  (select jsonb_agg(jsonb_build_object('fast', fast, 'slow', slow, 'stop', stop) order by fast, slow, stop)
   from generate_series(5, 50, 5) as fast, generate_series(10, 60, 10) as slow, unnest('{0.1,0.2}'::numeric[]) as stop
   where fast < slow),
  'fast < slow leaves exactly its tuples, in order');
select is(
  (select array_agg(a.points order by a.axis) from search_axes as a where a.optimization_run_id = (select max(id) from optimization_runs)),
  (select array[count(*), 2] from generate_series(5, 50, 5) as fast, generate_series(10, 60, 10) as slow where fast < slow),
  'linked parameters are one axis, the rest their own');
select is(
  pg_temp.points('{"constraints": ["stop * 100 < fast"], "parameters": {"fast": [10, 20, 30], "slow": [40, 50], "stop": [0.05, 0.15, 0.25]}}'),
  (select jsonb_agg(jsonb_build_object('fast', fast, 'slow', slow, 'stop', stop) order by fast, stop, slow)
   from unnest('{10,20,30}'::integer[]) as fast, unnest('{40,50}'::integer[]) as slow, unnest('{0.05,0.15,0.25}'::numeric[]) as stop
   where stop * 100 < fast),
  'parameters that do not stand side by side can be linked');
select is(
  pg_temp.points('{"constraints": ["fast < slow", "slow < stop * 200"], "parameters": {"fast": [10, 20, 30], "slow": [15, 25, 35], "stop": [0.1, 0.15, 0.25]}}'),
  (select jsonb_agg(jsonb_build_object('fast', fast, 'slow', slow, 'stop', stop) order by fast, slow, stop)
   from unnest('{10,20,30}'::integer[]) as fast, unnest('{15,25,35}'::integer[]) as slow, unnest('{0.1,0.15,0.25}'::numeric[]) as stop
   where fast < slow and slow < stop * 200),
  'two constraints that share a parameter link three');
select is(
  pg_temp.points('{"constraints": ["fast < 15"], "parameters": {"fast": [10, 20], "slow": [40, 50]}}'),
  '[{"fast": 10, "slow": 40}, {"fast": 10, "slow": 50}]', 'a constraint may bind one parameter');
select is(
  pg_temp.points('{"constraints": ["fast < slow"], "parameters": {"fast": [20, 29, 30, 40]}}'),
  '[{"fast": 20}, {"fast": 29}]', 'a parameter left at its default is a constant to a constraint');
select is(
  pg_temp.points('{"constraints": ["slow > 20"], "parameters": {"fast": [20]}}'), '[{"fast": 20}]', 'a constraint that the defaults meet changes nothing');

-- Grammar and precedence, with fast 1 to 6 and slow at its default of 30
create function pg_temp.left_of(p_constraint text) returns text language sql as $$
  select string_agg(e.point ->> 'fast', ' ' order by e.at)
  from jsonb_array_elements(pg_temp.points(jsonb_build_object('constraints', jsonb_build_array(p_constraint),
    'parameters', '{"fast": {"start": 1, "end": 6, "step": 1}}'::jsonb))) with ordinality as e (point, at)$$;
select is(pg_temp.left_of(t.text), t.fasts, t.text)
from (values
  ('fast * 2 + 1 < 8', '1 2 3'),
  ('1 + fast * 2 < 8', '1 2 3'),
  ('(1 + fast) * 2 < 8', '1 2'),
  ('10 - fast - 3 >= 5', '1 2'),
  ('10 - (fast - 3) >= 11', '1 2'),
  ('slow / fast / 2 >= 5', '1 2 3'),
  ('slow / (fast - 3) > 10', '4 5'),
  ('-fast <= -5', '5 6'),
  ('fast - -1 = 3', '2'),
  ('fast == 3', '3'),
  ('fast != 3', '1 2 4 5 6'),
  ('fast = 1 or fast = 2 and fast = 3', '1'),
  ('(fast = 1 or fast = 2) and fast = 2', '2'),
  ('fast > 1 AND fast < 4 OR fast = 6', '2 3 6'),
  ('fast * 0.1 = 0.3', '3'),
  ('  fast<slow/10  ', '1 2')
) as t (text, fasts);

-- Switches and texts: each of trailing, side and two of fast.
create function pg_temp.switched(p_constraint text, p_type text default 'Grid Search') returns text language sql as $$
  select string_agg(concat(e.point ->> 'fast', left(e.point ->> 'trailing', 1), left(e.point ->> 'side', 1)), ' ' order by
    (e.point ->> 'fast')::integer, e.point ->> 'trailing' desc, e.point ->> 'side')
  from jsonb_array_elements(pg_temp.points(jsonb_build_object('constraints', jsonb_build_array(p_constraint), 'type', p_type,
    'parameters', '{"fast": [1, 2], "trailing": [true, false], "side": ["long", "short"]}'::jsonb)
    || case p_type when 'Random Search' then '{"points": 8}'::jsonb else '{}' end)) as e (point)$$;
select is(pg_temp.switched(t.text), t.points, t.text)
from (values
  ('trailing = true', '1tl 1ts 2tl 2ts'),
  ('trailing', '1tl 1ts 2tl 2ts'),
  ('not trailing', '1fl 1fs 2fl 2fs'),
  ('trailing != TRUE', '1fl 1fs 2fl 2fs'),
  ('trailing = false or fast > 1', '1fl 1fs 2tl 2ts 2fl 2fs'),
  ('not trailing or fast > 1', '1fl 1fs 2tl 2ts 2fl 2fs'),
  ('not (trailing and fast > 1)', '1tl 1ts 1fl 1fs 2fl 2fs'),
  ('not fast > 1 and trailing', '1tl 1ts'),
  ('not not trailing', '1tl 1ts 2tl 2ts'),
  ('side = ''long''', '1tl 1fl 2tl 2fl'),
  ('side = "long" or fast = 2', '1tl 1fl 2tl 2ts 2fl 2fs'),
  ('side != ''long'' and trailing', '1ts 2ts'),
  ('trailing = (fast < 2)', '1tl 1ts 2fl 2fs'),
  ('not (fast / 0 > 1)', null)) as t (text, points)
where t.points is not null;
select is(pg_temp.switched('side = ''long'' or trailing', 'Random Search'), pg_temp.switched('side = ''long'' or trailing'),
  'a drawn search heeds them too');
select is(pg_temp.left_of('not trailing and side = ''long'''), '1 2 3 4 5 6', 'a default counts as a value');
select is((tap.refused_job(jsonb_build_object('symbols', 'AAPL', 'optimization', jsonb_build_object('parameters', '{"fast": [1, 2]}'::jsonb,
  'constraints', jsonb_build_array(c.text)))::text))[2], format('Cannot read the constraint %s: %s', to_jsonb(c.text), c.why), c.text)
from (values
  ('side = 3', '= stands between a text and a number'),
  ('side < ''long''', '< needs numbers on both sides'),
  ('trailing = 1', '= stands between a truth and a number'),
  ('not fast', 'not stands before a number'),
  ('fast or trailing', 'or needs a comparison on both sides'),
  ('-trailing', 'a minus stands before a truth'),
  ('not', 'it ends too early')) as c (text, why);
select is((tap.refused_job('{"symbols": "AAPL", "optimization": {"parameters": {"fast": [1, 2]}, "constraints": ["side = long"]}}'))[2:4],
  array['long in the constraint "side = long" is neither a parameter nor a metric', '$.optimization.constraints[0]', 'A text stands in quotes: ''long''.'],
  'a text without quotes is told so');

-- One job whatever the spelling
select is(
  validate_config('sma_crossover', '{"symbols": "AAPL", "cash": 5.0, "optimization": {"parameters": {"fast": {"start": 5.0, "end": 7, "step": 1.00}}}}'),
  validate_config('STR-003', '{"symbols": ["aapl"], "cash": 5, "optimization": {"parameters": {"fast": {"step": 1, "start": 5, "end": 7.0}}}}'),
  '5.0 and 5 are one value, and order does not count');
select is(
  validate_config('sma_crossover', '{"symbols": "AAPL", "optimization": {"target_metric": "Drawdown"}}') #> '{optimization}'
    @> '{"target_metric": "max_drawdown", "target_direction": "min"}', true, 'a target has its own direction');
select is(
  validate_config('sma_crossover', '{"symbols": "AAPL", "optimization": {"target_metric": "sharpe", "target_direction": "min"}}') #> '{optimization}'
    @> '{"target_metric": "sharpe_ratio", "target_direction": "min"}', true, 'unless the config has another');
select is(
  validate_config('sma_crossover', '{"symbols": "AAPL", "commission": {"per_share": 0.005, "minimum": 1}}') -> 'commission',
  '{"percent": 0, "per_share": 0.005, "minimum": 1}', 'a commission has three parts');
select is(
  canonical_parameters('{"a": "14", "b": 14.0, "c": 1e2, "d": "0.50", "e": "long", "f": true, "g": "1e3", "h": ""}')::text,
  '{"a": 14, "b": 14, "c": 100, "d": 0.5, "e": "long", "f": true, "g": "1e3", "h": ""}', 'parameters have one spelling');

select * from finish();
