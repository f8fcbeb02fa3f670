"""Runs every search of the backlog on a fresh desk and writes the table of docs/strategies.md.

`python -m benchmarks.strategy_results`; a few minutes. Nothing is computed here: the queue runs the configs
of the backlog, and SQL says what came out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from runners.configs.backlog import read_backlog
from runners.database.connection import connect
from runners.settings import Settings
from testing import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "strategies.md"
CONFIGS = PROJECT_ROOT / "configs" / "optimizations"
BEGIN, END = "<!-- results: made by python -m benchmarks.strategy_results -->", "<!-- end of results -->"

RESULTS = """
with runs as (
  select r.*, s.code, s.name as strategy, s.status as standing, b.asset_class
  from desk.optimization_runs as r
  join desk.strategies as s on s.id = r.strategy_id
  join desk.strategy_backlog as b on b.strategy_id = s.id and b.config_file = r.config_file
  where r.role = 'search'
), held as (
  select r.id, f.metric, f.value
  from runs as r
  join desk.run_benchmarks as m on m.optimization_run_id = r.id
  cross join lateral (
    select array_agg(e.value order by e.position) as equity
    from (
      select x.position, desk.product(1 + x.r) over (order by x.position) as value
      from unnest(m.returns) with ordinality as x (r, position)
    ) as e
  ) as curve
  cross join lateral desk.backtest_figures(
    desk.curve_metrics(m.sessions, curve.equity, 1, r.start_date, r.end_date, 1)) as f
)
select r.code, r.strategy, r.asset_class, r.symbols, r.start_date, r.end_date, p.finished, p.failed, p.passed,
       t.parameters, t.sharpe_ratio, t.annual_return, t.max_drawdown, t.total_trades, t.fee_pct, t.passed,
       t.rejection_reasons, t.deflated_sharpe_z,
       (select h.value from held as h where h.id = r.id and h.metric = 'sharpe_ratio'),
       (select h.value from held as h where h.id = r.id and h.metric = 'annual_return'),
       (select h.value from held as h where h.id = r.id and h.metric = 'max_drawdown')
from runs as r
join desk.run_progress as p on p.optimization_run_id = r.id
left join desk.backtest_results as t on t.id = p.best_result_id
order by r.code
"""


def main() -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="desk-results-") as home:
        os.environ["BACKDESK_HOME"] = home
        os.environ.pop("DATABASE_URL", None)
        try:
            rows = _measured()
        finally:
            _desk("down")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{_table(rows)}\n{END}{after}", encoding="utf-8")
    print(f"{len(rows)} strategies in {time.perf_counter() - began:.0f} s: {PAGE.relative_to(PROJECT_ROOT)}")


def _measured() -> list[tuple[Any, ...]]:
    for words in (["up"], ["load", "sample"], ["load", "generated"], ["strategies", "sync"]):
        _desk(*words)
    backlog = read_backlog()
    files = [str(CONFIGS / one["config"]) for one in backlog.data["strategies"] if "config" in one]
    _desk("run", *files)
    with connect("owner", settings=Settings(home=Path(os.environ["BACKDESK_HOME"]))) as owner:
        return owner.execute(RESULTS).fetchall()


def _desk(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "runners.cli", *words], check=True, cwd=PROJECT_ROOT)


def _table(rows: list[tuple[Any, ...]]) -> str:
    lines = [
        "| code | strategy | on | window | points | passed | best point | Sharpe | a year | drawdown "
        "| trades | fees | luck | buy and hold: Sharpe, a year, drawdown | verdict |",
        "| --- | --- | --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        (code, strategy, asset, symbols, start, end, finished, failed, passed, parameters, sharpe, annual,
         fall, trades, fees, is_passed, reasons, luck, held_sharpe, held_annual, held_fall) = row  # fmt: skip
        point = ", ".join(f"{name} {value}" for name, value in (parameters or {}).items())
        verdict = "passed" if is_passed else "; ".join(reasons or ["nothing finished"])
        held = f"{_number(held_sharpe)}, {_percent(held_annual)}, {_percent(held_fall)}"
        cells = (
            code, strategy, f"{' '.join(symbols)} ({asset})", f"{start} to {end}",
            f"{finished}" + (f" (+{failed} failed)" if failed else ""), str(passed), point, _number(sharpe),
            _percent(annual), _percent(fall), str(trades or 0), _percent(fees), _number(luck), held, verdict,
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value * 100:.1f}%"


if __name__ == "__main__":
    main()
