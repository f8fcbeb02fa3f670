-- Fees a share count the shares of the day from now on: results whose fees counted those as of the end of the prices
-- are equal to none that is made now. Equal ones among themselves stay equal.

with counted_otherwise as (
  select r.id
  from desk.optimization_runs as r
  where (r.config #>> '{commission,per_share}')::double precision > 0
    and exists (
      select
      from desk.run_symbols as s
      join desk.price_versions as v on v.id = s.price_version_id
      join desk.adjustment_factors as f on f.instrument_id = v.instrument_id and f.version = v.factors_version
      where s.optimization_run_id = r.id and f.kind = 'split' and f.effective_date > r.start_date)
), runs as (
  update desk.optimization_runs as r
  set settings_hash = encode(sha256(convert_to(r.settings_hash || ' shares as of the last bar', 'UTF8')), 'hex')
  from counted_otherwise as c
  where r.id = c.id
)
update desk.backtest_results as b
set provenance_hash = encode(sha256(convert_to(b.provenance_hash || ' shares as of the last bar', 'UTF8')), 'hex')
from counted_otherwise as c
where b.optimization_run_id = c.id;
