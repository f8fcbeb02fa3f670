-- Results side by side, as the page shows them.

select plan(8);
select tap.given_desk();
create temporary table r as select tap.given_runner() as id;
create temporary table j as select tap.given_job(2) as id;
select tap.advance(id) from r;
select tap.complete(w.work_item_id, w.token, o.ordinal, tap.metrics(case o.ordinal when 2 then '{"ending_value": 120000, "total_trades": 5,
  "winning_trades": 5, "losing_trades": 0, "max_drawdown": 0.1}' else '{}' end::jsonb))
from r cross join lateral claim_work(r.id, 20) as w cross join lateral unnest(w.ordinals) as o (ordinal);
select tap.advance(id) from r;
create temporary table b as select (array_agg(id order by ordinal))[1] as one, (array_agg(id order by ordinal))[2] as two
from backtest_results where optimization_run_id = tap.run_of((select id from j));
grant select on b to public;
create temporary table c as select c.* from b, compare_results(b.two, b.one) as c;

select is((select array_agg(title) from (select title from c limit 6) as f), '{Strategy,Parameters,Symbols,Window,Verdict,Run}', 'first what each is');
select is((select shown from c where title = 'Parameters'), '{fast=3,fast=2}', 'in the order in which they are named');
select is((select shown from c where title = 'Verdict'), '{rejected,passed}');
select is((select row(shown, round(figures[1]::numeric, 9), best = array[(select two from b)])::text from c where metric = 'total_return'), '("{20.0%,10.0%}",0.200000000,t)',
  'a metric with its figures, as they are shown, and whose is the best');
select is((select best from c where metric = 'max_drawdown'), '{}', 'where all are alike none is');
select is((select best = array[(select one from b)] from c where metric = 'total_trades'), (select direction = 'max' from metric_definitions where metric = 'total_trades'));
select throws_ok($$select * from compare_results(1000000)$$, '23503', 'There is no result 1000000');
set local role desk_viewer;
select isnt_empty($$select title, shown from compare_results((select one from b))$$, 'the viewer may');
reset role;
select * from finish();
