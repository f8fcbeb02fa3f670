"""`backdesk reproduce`: a recorded point comes out again to the bit, and a difference is told and shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from runners import reproduction
from runners.prices.load import load
from runners.prices.sample import read_sample
from testing.desks import Desk

pytestmark = pytest.mark.engine

CONFIG = {
    "symbols": ["AAPL", "IBM"],
    "start_date": "2009-01-02",
    "end_date": "2010-12-31",
    "keep_series": "all",
    "success_criteria": {"min_trades": 1},
    "optimization": {"parameters": {"fast": [5, 10], "slow": [30]}},
}


@pytest.fixture(scope="module")
def results(built_desk: Desk) -> list[int]:
    """Two recorded points of a real search, made by a runner in processes of its own."""
    built_desk.publish_strategies()
    with built_desk.connect("director") as director:
        for series in read_sample().series:
            if series.symbol in CONFIG["symbols"]:
                load(director, series)
        director.execute("insert into jobs (strategy, config) values ('sma_crossover', %s)", (Jsonb(CONFIG),))
    subprocess.run(
        [sys.executable, "-m", "runners.cli", "work", "--drain", "--processes", "1"],
        env={**os.environ, **built_desk.environment},
        check=True,
        capture_output=True,
    )
    with built_desk.connect("viewer") as viewer:
        rows = viewer.execute("select id from backtest_results where ranked order by ordinal").fetchall()
    assert len(rows) == 2
    return [row[0] for row in rows]


def command(desk: Desk, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runners.cli", "reproduce", *map(str, arguments)],
        env={**os.environ, **desk.environment},
        capture_output=True,
        text=True,
    )


def reproduced(desk: Desk, result_id: int) -> Any:
    with desk.connect("viewer") as viewer:
        row = viewer.execute(
            "select reproduced from result_leaderboard where backtest_result_id = %s", (result_id,)
        ).fetchone()
    return row and row[0]


def test_equal_to_the_bit_and_shown(built_desk: Desk, results: list[int]) -> None:
    assert reproduced(built_desk, results[0]) is None
    done = command(built_desk, *results)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"result {result}: equal to the bit" for result in results]
    assert reproduced(built_desk, results[0]) == "equal"
    with built_desk.connect("viewer") as viewer:
        kept = viewer.execute("select verdict, compared from reproductions order by id").fetchall()
    assert kept == [("equal", ["metrics", "sessions", "equity", "trades"])] * 2


def test_a_runner_compares_with_the_benchmark_as_sql_does(built_desk: Desk, results: list[int]) -> None:
    with built_desk.connect("owner") as owner:
        rows = owner.execute(
            "select jsonb_build_object('benchmark_return', b.benchmark_return,"
            " 'benchmark_mean', b.benchmark_mean, 'benchmark_m2', b.benchmark_m2,"
            " 'benchmark_comoment', b.benchmark_comoment),"
            " desk.benchmark_sums(b.optimization_run_id, e.sessions, e.equity, b.starting_cash)"
            " from backtest_results as b join equity_curves as e on e.backtest_result_id = b.id"
            " where b.id = any(%s)",
            (results,),
        ).fetchall()
    assert len(rows) == 2
    for sent, from_the_curve in rows:
        assert sent == {name: pytest.approx(value, rel=1e-9) for name, value in from_the_curve.items()}


def test_a_difference_in_the_last_bit_is_told(built_desk: Desk, results: list[int]) -> None:
    with built_desk.connect("owner") as owner:
        owner.execute("alter table full_results disable trigger user")
        owner.execute(
            "update full_results set return_m2 = return_m2 * (1 + 2.3e-16) where id = %s", (results[1],)
        )
        owner.execute("alter table full_results enable trigger user")
    done = command(built_desk, results[1])
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"result {results[1]}: 1 number differs"
    assert done.stdout.splitlines()[1].startswith("  return_m2: recorded ")
    assert reproduced(built_desk, results[1]) == "different"
    with built_desk.connect("director") as director:
        event = director.execute(
            "select to_state, details from job_events where event = 'reproduction' order by id desc limit 1"
        ).fetchone()
    assert event is not None
    assert (event[0], list(event[1]["differences"])) == ("different", ["return_m2"])


def test_other_code_is_not_run(built_desk: Desk, results: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "strategies.registry.published_strategies",
        lambda: [{"name": "sma_crossover", "code_hash": "0" * 64}],
    )
    with (
        built_desk.connect("runner") as runner,
        pytest.raises(reproduction.NotReproducible, match="is not what made the result"),
    ):
        reproduction.reproduce(runner, results[0])


def test_what_cannot_be_run_again_is_refused(built_desk: Desk) -> None:
    done = command(built_desk, 999_999)
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no result 999999\n")


PROBE = """
import hashlib, json, sys
from runners.engines.base import Point, AdjustedPrices, RunSettings
from runners.engines.registry import load_engines
settings, prices, parameters = json.load(sys.stdin)
settings = RunSettings.from_json(settings)
series = [AdjustedPrices.from_rows(*columns) for columns in prices]
outcomes = load_engines()[settings.engine].run(settings, series, [Point(1, parameters)], lambda _: None)
outcome = next(iter(outcomes))
metrics = {name: value for name, value in outcome.metrics.items() if name != "duration"}
print(json.dumps([metrics, outcome.equity, [t.profit for t in outcome.trades]], sort_keys=True))
"""


def _dispatch() -> str:
    """What numpy may choose between on this processor."""
    code = (
        "from numpy._core._multiarray_umath import __cpu_features__ as has, __cpu_dispatch__ as dispatch\n"
        "print(*[name for name in dispatch if has[name]])"
    )
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("times", [6, pytest.param(20, marks=pytest.mark.long)])
def test_the_same_job_many_times_is_byte_equal(built_desk: Desk, results: list[int], times: int) -> None:
    """In other processes, half of them with numpy's processor dispatch switched off."""
    with built_desk.connect("runner") as runner:
        row = runner.execute(
            "select optimization_run_id, parameters from desk.reproducible(%s)", (results[0],)
        ).fetchone()
        assert row is not None
        settings = (runner.execute("select desk.run_settings(%s)", (row[0],)).fetchone() or [None])[0]
        prices = runner.execute(
            "select symbol, epochs, open, high, low, close, volume from desk.run_prices(%s)", (row[0],)
        ).fetchall()
    given = json.dumps([settings, prices, row[1]])
    plain = {name: value for name, value in os.environ.items() if name != "NPY_DISABLE_CPU_FEATURES"}
    slow = plain | {"NPY_DISABLE_CPU_FEATURES": _dispatch(), "PYTHONHASHSEED": "7"}
    outputs = set()
    for number in range(0, times, 2):
        pair = [
            subprocess.Popen(
                [sys.executable, "-c", PROBE],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for environment in (plain | {"PYTHONHASHSEED": str(number)}, slow)
        ]
        for process in pair:
            out, _ = process.communicate(given, timeout=60)
            assert process.returncode == 0
            outputs.add(out)
    print(f"\n{times} processes")
    assert len(outputs) == 1
    with built_desk.connect("viewer") as viewer:
        recorded = viewer.execute(
            "select return_m4 from backtest_results where id = %s", (results[0],)
        ).fetchone()
    assert recorded == (json.loads(outputs.pop())[0]["return_m4"],)


def test_a_best_result_that_was_copied_without_its_curve_gets_it(
    built_desk: Desk, results: list[int]
) -> None:
    """A runner makes it again when the search closes: the curve and the trades that the copied result had."""
    kept = (
        "select e.sessions, e.equity, t.symbols, t.entry_times, t.exit_times, t.sizes, t.profits, t.fees"
        " from equity_curves as e join trades as t on t.backtest_result_id = e.backtest_result_id"
        " where e.backtest_result_id = %s"
    )
    with built_desk.connect("owner") as owner:
        before = owner.execute(kept, (results[0],)).fetchone()
        for table in ("equity_curves", "trades"):
            owner.execute(f"delete from {table} where backtest_result_id = %s".encode(), (results[0],))
        parameters = owner.execute(
            "select parameters from backtest_results where id = %s", (results[0],)
        ).fetchone()
    assert before is not None
    assert parameters is not None
    config = CONFIG | {"keep_series": "best", "optimization": {"parameters": parameters[0]}}
    with built_desk.connect("director") as director:
        director.execute("insert into jobs (strategy, config) values ('sma_crossover', %s)", (Jsonb(config),))
    subprocess.run(
        [sys.executable, "-m", "runners.cli", "work", "--drain", "--processes", "1"],
        env={**os.environ, **built_desk.environment},
        check=True,
        capture_output=True,
    )
    with built_desk.connect("viewer") as viewer:
        copy = viewer.execute(
            "select id from backtest_results where source_result_id = %s", (results[0],)
        ).fetchone()
        assert copy is not None
        assert viewer.execute(kept, copy).fetchone() == before
        verdict = viewer.execute(
            "select verdict from reproductions where backtest_result_id = %s", copy
        ).fetchone()
    assert verdict == ("equal",)
