"""Every metric: the page's ten bars, thirty fixed series against numpy, and two other libraries."""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb
from scipy import stats

from runners.engines.raw_metrics import daily_returns, drawdown, return_moments
from runners.words import metric_text
from testing.desks import Desk
from tests import fixed_series

pytestmark = pytest.mark.judgement

Owner = psycopg.Connection[Any]
SERIES = fixed_series.series()
YEAR = 252.0

TEN = np.array([0, 2, -1, 3, 0, -2, 1, -1, 2, 0]) / 100
TEN_BENCHMARK = np.array([0, 1, -1, 2, 1, -2, 0, -1, 0, 1]) / 100
TEN_TRADES = {
    "total_orders": 7, "total_trades": 3, "winning_trades": 2, "losing_trades": 1, "gross_profit": 45,
    "gross_loss": 9, "trade_profit_sum": 36, "trade_profit_m2": 674, "total_fees": 4, "traded_value": 4000,
    "sessions": 10, "exposed_sessions": 6, "refused_for_cash": 2, "refused_otherwise": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def owner(desk: Desk) -> Iterator[Owner]:
    with desk.connect("owner") as connection:
        yield connection


def raw(returns: Any, cash: float = 1000.0) -> dict[str, Any]:
    """Raw metrics as a runner sends them; returns as the runner itself sees them."""
    equity = [float(value) for value in cash * np.cumprod(1 + returns)]
    metrics: dict[str, Any] = {"starting_cash": cash, "ending_value": equity[-1], "sessions": len(equity)}
    return metrics | return_moments(daily_returns(cash, equity)) | drawdown(cash, equity)


def ratios(owner: Owner, metrics: dict[str, Any], risk_free_rate: float = 0.0) -> dict[str, Any]:
    row = owner.execute(
        "select to_jsonb(r) from desk.compute_ratios("
        "jsonb_populate_record(null::desk.full_results, %s), %s) as r",
        (Jsonb(metrics), risk_free_rate),
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    return found


def against(mine: Any, theirs: Any) -> dict[str, float]:
    return {
        "benchmark_return": float(np.prod(1 + theirs) - 1),
        "benchmark_mean": float(theirs.mean()),
        "benchmark_m2": float(((theirs - theirs.mean()) ** 2).sum()),
        "benchmark_comoment": float(((mine - mine.mean()) * (theirs - theirs.mean())).sum()),
    }


def page_examples(root: Path) -> dict[str, str]:
    """The column 'ten bars' of docs/metrics.md by metric."""
    text = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| ([^|]+) \|[^|]+\| (?:ratio|fraction|money|count|sessions) \| ([-0-9.]+) \|", text, re.MULTILINE
    )
    return {name.strip().strip("`"): number for name, number in rows}


def test_the_pages_ten_bars(owner: Owner, project_root: Path) -> None:
    found = ratios(owner, raw(TEN) | TEN_TRADES | against(TEN, TEN_BENCHMARK))
    sharpe = 0.4 / np.sqrt(22.4 / 9)
    row = owner.execute(
        "select desk.sharpe_error(%(sr)s, %(g3)s, %(g4)s, 10), b.best, z.deflated,"
        " desk.normal_cdf(z.deflated), desk.luck_p(z.plain, 2, 0.5), sqrt(252) * desk.haircut_sharpe(%(sr)s,"
        " %(g3)s, %(g4)s, 10, 2), c.pbo, c.loss_probability, c.degradation_slope"
        " from desk.cscv(2, 2, '{5,5,5,5}', '{0.04,0,0.03,-0.02}', '{0.0014,0.001,0.0007,0.0006}') as c"
        " cross join desk.expected_best(10, desk.expected_maximum(2, 0.5), 2, 0.5, null) as b (best)"
        " cross join lateral (select desk.deflated_sharpe_z(%(sr)s, %(g3)s, %(g4)s, 10, b.best) as deflated,"
        " desk.deflated_sharpe_z(%(sr)s, %(g3)s, %(g4)s, 10, 0) as plain) as z",
        {"sr": float(sharpe), "g3": found["skewness"], "g4": found["kurtosis"]},
    ).fetchone()
    assert row is not None
    names = (
        "standard error", "expected maximum", "deflated_sharpe_z", "deflated_sharpe", "luck_p",
        "haircut_sharpe", "pbo",
    )  # fmt: skip
    found |= dict(zip(names, row[:7], strict=True))
    assert (row[7], round(row[8], 3)) == (0.5, -1.592)
    examples = page_examples(project_root)
    known = {name for (name,) in owner.execute("select metric from desk.metric_definitions").fetchall()}
    assert known | {"standard error", "expected maximum"} == set(examples)
    shown = {name: f"{found[name]:.{len(text.partition('.')[2])}f}" for name, text in examples.items()}
    assert shown == examples


def reference(returns: Any, equity: Any) -> dict[str, float | None]:
    """The same metrics from returns and equity themselves."""
    count, tail = len(returns), max(1, len(returns) // 20)
    peaks = np.maximum.accumulate(np.concatenate([[1000.0], equity]))[1:]
    deviation = returns.std(ddof=1) if count > 1 else None
    varies = count > 1 and ((returns - returns.mean()) ** 2).sum() > 1e-24
    losses = (returns[returns < 0] ** 2).sum()
    fall = float(((peaks - equity) / peaks).max())
    annual = float((equity[-1] / 1000.0) ** (YEAR / count) - 1)
    worst = np.sort(returns)[:tail]
    sharpe = returns.mean() / deviation if varies and deviation else None
    found: dict[str, Any] = {
        "total_return": equity[-1] / 1000.0 - 1,
        "annual_return": annual,
        "volatility": None if deviation is None else deviation * np.sqrt(YEAR) if varies else 0.0,
        "sharpe_ratio": None if sharpe is None else sharpe * np.sqrt(YEAR),
        "sortino_ratio": returns.mean() / np.sqrt(losses / count) * np.sqrt(YEAR)
        if count > 1 and losses > 1e-24
        else None,
        "calmar_ratio": annual / fall if fall else None,
        "max_drawdown": fall,
        "skewness": stats.skew(returns) if varies else None,
        "kurtosis": stats.kurtosis(returns, fisher=False) if varies else None,
        "value_at_risk": -worst[-1],
        "expected_shortfall": -worst.mean(),
    }
    if sharpe is not None:
        variance = 1 - found["skewness"] * sharpe + (found["kurtosis"] - 1) / 4 * sharpe**2
        found["probabilistic_sharpe"] = stats.norm.cdf(sharpe / np.sqrt(variance / (count - 1)))
        if sharpe > 0:
            found["min_track_record"] = 1 + variance * (stats.norm.ppf(0.95) / sharpe) ** 2
    return found


@pytest.mark.parametrize("name", SERIES)
def test_thirty_series_equal_numpy(owner: Owner, name: str) -> None:
    given = SERIES[name]
    # What the runner sees: returns from an equity curve, with the rounding of its prices.
    equity = 1000.0 * np.cumprod(1 + given)
    returns = np.array(daily_returns(1000.0, list(equity)))
    found = ratios(owner, raw(given))
    for metric, wanted in reference(returns, equity).items():
        if wanted is None:
            assert found[metric] is None, metric
        else:
            assert found[metric] == pytest.approx(wanted, rel=1e-12, abs=1e-14), metric


@pytest.mark.parametrize("name", [name for name in SERIES if len(SERIES[name]) > 2])
def test_benchmark_metrics_equal_numpy(owner: Owner, name: str) -> None:
    mine = np.array(daily_returns(1000.0, list(1000.0 * np.cumprod(1 + SERIES[name]))))
    theirs = 0.0004 + 0.011 * np.sin(np.arange(len(mine)) * 1.7)
    found = ratios(owner, raw(SERIES[name]) | against(mine, theirs), 0.02)
    active, daily = mine - theirs, 0.02 / YEAR
    beta = np.cov(mine, theirs)[0, 1] / theirs.var(ddof=1)
    assert found["beta"] == pytest.approx(beta, rel=1e-12, abs=1e-15)
    assert found["alpha"] == pytest.approx(
        YEAR * (mine.mean() - daily - beta * (theirs.mean() - daily)), rel=1e-11, abs=1e-14
    )
    assert found["information_ratio"] == pytest.approx(
        active.mean() / active.std(ddof=1) * np.sqrt(YEAR), rel=1e-11
    )


def test_sentences_of_sql_write_a_number_as_pages_do(owner: Owner) -> None:
    values = [0.0, 0.5, 2.675, -0.001, 0.30000000000000004, 1e-7, 999.995, 1234.5, -1234567.891, 1e15, 1e300,
              float("nan"), float("inf"), float("-inf")]  # fmt: skip
    written = owner.execute(
        "select v, u, d, desk.show_number(v, u, d) from unnest(%s::float8[]) as v,"
        " unnest(array(select distinct unit from desk.metric_definitions)) as u, generate_series(0, 4) as d",
        [values],
    ).fetchall()
    assert len(written) == len(values) * 5 * 5, "five units"
    differing = [row for row in written if row[3] != metric_text(*row[:3])]
    assert differing == []


def test_undefined_is_null_and_never_an_error(owner: Owner) -> None:
    empty = ratios(owner, {"starting_cash": 1000, "ending_value": 1000, "return_count": 0, "total_trades": 0})
    known = [name for (name,) in owner.execute("select metric from desk.metric_definitions").fetchall()]
    defined = {name for name in known if empty[name] is not None}
    assert defined == {"total_return", "ending_value", "total_trades"}
    same = ratios(owner, raw(TEN) | against(TEN, TEN))
    assert (same["beta"], same["information_ratio"]) == (pytest.approx(1.0, rel=1e-15), None)


def test_sums_against_a_benchmark_from_a_curve(owner: Owner) -> None:
    """complete_work() adds them from the curve; none where a session is unknown."""
    row = owner.execute(
        "insert into desk.strategies (name, entry_point) values ('compared', 'compared') returning id"
    ).fetchone()
    run = owner.execute(
        "insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, status)"
        " values (%s, 'Grid Search', 'Sharpe Ratio', 'running') returning id",
        row,
    ).fetchone()
    assert run is not None
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=number) for number in range(10)]
    owner.execute(
        "insert into desk.run_benchmarks values (%s, 'made', %s, %s, repeat('0', 64))",
        (run[0], days, TEN_BENCHMARK.tolist()),
    )
    equity = (1000.0 * np.cumprod(1 + TEN)).tolist()
    statement = "select desk.benchmark_sums(%s, %s::date[], %s::float8[], 1000)"
    found = owner.execute(statement, (run[0], days, equity)).fetchone()
    assert found is not None
    assert found[0] == {
        name: pytest.approx(value, rel=1e-12) for name, value in against(TEN, TEN_BENCHMARK).items()
    }
    # The same to the bit when the benchmark's own sums are at hand, as make_benchmark() leaves them.
    owner.execute(
        "update desk.run_benchmarks set sums = %s where optimization_run_id = %s",
        (Jsonb({name: value for name, value in found[0].items() if name != "benchmark_comoment"}), run[0]),
    )
    assert owner.execute(statement, (run[0], days, equity)).fetchone() == found
    ruined = [*equity[:5], 0.0, *equity[6:]]
    (of_six,) = owner.execute(statement, (run[0], days, ruined)).fetchone() or (None,)
    assert of_six == {
        name: pytest.approx(value, rel=1e-12)
        for name, value in against(np.append(TEN[:5], -1.0), TEN_BENCHMARK[:6]).items()
    }
    late = [*days[:9], days[9] + dt.timedelta(days=1)]
    assert owner.execute(statement, (run[0], late, equity)).fetchone() == (None,)
    assert owner.execute(statement, (run[0], None, None)).fetchone() == (None,)


def sweep(owner: Owner, sizes: list[float], profits: list[float]) -> list[tuple[Any, ...]]:
    """The cost sweep of three trades of $2 fees each, ending at $1,000 and their profits."""
    with owner.transaction(force_rollback=True):
        row = owner.execute(
            "insert into desk.strategies (name, entry_point) values ('dear', 'dear') returning id"
        ).fetchone()
        run = owner.execute(
            "insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, status)"
            " values (%s, 'Grid Search', 'Sharpe Ratio', 'running') returning id",
            row,
        ).fetchone()
        result = owner.execute(
            "insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, starting_cash,"
            " ending_value, return_count, total_fees) values (%s, %s, '{}', 1000, %s, 252, 6) returning id",
            ((run or [0])[0], (row or [0])[0], 1000 + sum(profits)),
        ).fetchone()
        days = [dt.datetime(2020, 1, number + 1, tzinfo=dt.UTC) for number in range(len(sizes))]
        owner.execute(
            "insert into desk.trades values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                (result or [0])[0], ["A"] * len(sizes), days, days, sizes, [10.0] * len(sizes),
                [11.0] * len(sizes), profits, [2.0] * len(sizes),
            ),
        )  # fmt: skip
        return owner.execute(
            "select multiple, exact, total_fees, ending_value, winning_trades from desk.cost_sweep(%s)",
            result,
        ).fetchall()


def test_the_cost_sweep_of_equal_sizes_is_exact(owner: Owner) -> None:
    assert sweep(owner, [5.0, -5.0, 5.0], [10.0, 3.0, -5.0]) == [
        (0.0, True, 0.0, 1014.0, 2),
        (0.5, True, 3.0, 1011.0, 2),
        (1.0, True, 6.0, 1008.0, 2),
        (2.0, True, 12.0, 1002.0, 2),
        (4.0, True, 24.0, 990.0, 1),
    ]


def test_the_cost_sweep_of_sizes_that_follow_equity_compounds(owner: Owner) -> None:
    rows = {row[0]: row for row in sweep(owner, [5.0, 6.0, 7.0], [100.0, 110.0, -50.0])}
    assert rows[1.0][1:4] == (True, 6.0, 1160.0)
    free = 1000 * (1 + 102 / 1000) * (1 + 112 / 1100) * (1 - 48 / 1210)
    assert rows[0.0][1] is False
    assert rows[0.0][3] == pytest.approx(free, rel=1e-12)


def test_periods_of_a_curve(owner: Owner) -> None:
    days = [dt.date(2019, 12, 30) + dt.timedelta(days=number) for number in range(120)]
    equity = [1000.0 * (1.001 ** (number + 1)) for number in range(120)]
    rows = {
        row[0]: row[1:]
        for row in owner.execute(
            "select period, sessions, complete, total_return from desk.curve_periods(%s, %s, 1000)",
            (days, equity),
        ).fetchall()
    }
    assert set(rows) == {"2019", "2020", "Pandemic"}
    assert rows["2019"] == (2, False, pytest.approx(1.001**2 - 1))
    assert rows["Pandemic"] == (34, True, pytest.approx(1.001**34 - 1))


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """empyrical and quantstats, in a folder of their own; skipped where they cannot be had."""
    folder = tmp_path_factory.mktemp("others")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder),
         "empyrical-reloaded==0.7.1", "quantstats==0.0.86"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"cannot install them: {done.stderr[-200:]}")
    sys.path.insert(0, str(folder))
    # What they draw and download with is not wanted here.
    for name in ("yfinance", "seaborn", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            for part in ("", ".pyplot", ".dates", ".ticker", ".font_manager"):
                sys.modules[name + part] = MagicMock()
    empyrical = importlib.import_module("empyrical")
    package = types.ModuleType("quantstats")
    package.__path__ = [str(folder / "quantstats")]
    sys.modules["quantstats"] = package
    return empyrical, importlib.import_module("quantstats.stats")


@pytest.mark.long
@pytest.mark.parametrize("name", SERIES)
@pytest.mark.filterwarnings("ignore")
def test_other_libraries_agree_or_differ_as_the_page_says(owner: Owner, others: Any, name: str) -> None:
    import pandas as pd

    empyrical, quantstats = others
    mine = np.array(daily_returns(1000.0, list(1000.0 * np.cumprod(1 + SERIES[name]))))
    found = ratios(owner, raw(SERIES[name]))
    given = pd.Series(mine, index=pd.bdate_range("2015-01-01", periods=len(mine)))
    pairs = {
        "total_return": (empyrical.cum_returns_final(given), quantstats.comp(given)),
        "annual_return": (empyrical.annual_return(given),),
        "volatility": (empyrical.annual_volatility(given), quantstats.volatility(given)),
        "sharpe_ratio": (empyrical.sharpe_ratio(given), quantstats.sharpe(given)),
        "sortino_ratio": (empyrical.sortino_ratio(given), quantstats.sortino(given)),
    }
    for metric, values in pairs.items():
        for value in values:
            if found[metric] is not None and np.isfinite(value) and found["sharpe_ratio"] is not None:
                assert value == pytest.approx(found[metric], rel=1e-6, abs=1e-12), metric
    # Falls have their sign turned.
    assert -empyrical.max_drawdown(given) == pytest.approx(found["max_drawdown"], rel=1e-9, abs=1e-12)
    if found["sharpe_ratio"] is not None and len(mine) > 19:
        # The bias correction of pandas is all that is between the two skewnesses.
        correction = np.sqrt(len(mine) * (len(mine) - 1)) / (len(mine) - 2)
        assert quantstats.skew(given) == pytest.approx(found["skewness"] * correction, rel=1e-6, abs=1e-9)
