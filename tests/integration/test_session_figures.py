"""Annual figures and sessions of markets that are not New York's, against numpy and the zones' own clocks."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from runners.backtests.execution import execute
from runners.backtests.request import BacktestRequest, strategy_named
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult, RunSettings
from runners.engines.lean.importer import ImportOptions, import_results
from runners.prices.csv_files import read_csv
from runners.prices.load import load
from runners.prices.series import Bar, PriceSeries
from testing.desks import Desk
from tests import lean_files

SYDNEY, YORK = ZoneInfo("Australia/Sydney"), ZoneInfo("America/New_York")
START = dt.date(2021, 9, 6)
PARAMETERS = {"fast": 2, "slow": 4}


def _series(symbol: str, times: list[dt.datetime], timeframe: str, **more: Any) -> PriceSeries:
    chance, price, bars = random.Random(symbol), 100.0, []
    for time in times:
        price *= 1 + chance.gauss(0.0005, 0.01)
        bars.append(Bar(time, price, price, price, price, 5.0))
    return PriceSeries(symbol=symbol, source="made", bars=tuple(bars), timeframe=timeframe, **more)


def _hours(zone: ZoneInfo, hours: range, days: int = 90) -> list[dt.datetime]:
    dates = [START + dt.timedelta(days=number) for number in range(days)]
    return [
        dt.datetime.combine(date, dt.time(hour), zone)
        for date in dates
        if date.weekday() < 5
        for hour in hours
    ]


def _currencies() -> list[dt.datetime]:
    """From Sunday 17:00 in New York to Friday 17:00, hour by hour, across a change of its clock."""
    first = dt.datetime.combine(START - dt.timedelta(days=1), dt.time(17), YORK).astimezone(dt.UTC)
    times = [first + dt.timedelta(hours=number) for number in range(24 * 70)]
    return [time for time in times if (time.astimezone(YORK) + dt.timedelta(hours=7)).weekday() < 5]


def _days(step: int, count: int) -> list[dt.datetime]:
    midnight = dt.datetime.combine(START, dt.time(), dt.UTC)
    return [midnight + dt.timedelta(days=step * number) for number in range(count)]


def _months(count: int) -> list[dt.datetime]:
    return [dt.datetime(2010 + n // 12, n % 12 + 1, 1, tzinfo=dt.UTC) for n in range(count)]


def _evening(time: dt.datetime) -> dt.date:
    local = time.astimezone(YORK).replace(tzinfo=None)
    return (local + dt.timedelta(hours=7)).date()


CASES: dict[str, tuple[PriceSeries, float, Callable[[dt.datetime], dt.date]]] = {
    "weeks": (_series("WEEKS", _days(7, 120), "1w"), 52, lambda time: time.date()),
    "months": (_series("MONTHS", _months(90), "1mo"), 12, lambda time: time.date()),
    "seven days": (_series("COIN", _days(1, 200), "1d"), 365, lambda time: time.date()),
    "Sydney": (
        _series("SYDNEY", _hours(SYDNEY, range(10, 16)), "1h", zone="Australia/Sydney"), 253,
        lambda time: time.astimezone(SYDNEY).date(),
    ),
    "after hours": (
        _series("PREPOST", _hours(YORK, range(4, 20)), "1h"), 252, lambda time: time.astimezone(YORK).date(),
    ),
    "currencies": (_series("EURUSD", _currencies(), "1h"), 261, _evening),
}  # fmt: skip


@pytest.fixture(scope="module")
def markets(desk: Desk) -> Desk:
    desk.publish_strategies()
    with desk.connect("director") as director:
        for series, _, _ in CASES.values():
            load(director, series)
    return desk


def _run(desk: Desk, symbol: str, timeframe: str, **more: object) -> tuple[int, PointResult]:
    """A backtest as a runner makes it, recorded as SQL records it; its result's number."""
    config = {"symbols": [symbol], "timeframe": timeframe, "commission": 0, "risk_free_rate": 0.02, **more}
    with desk.connect("director") as director:
        director.execute(
            "insert into jobs (strategy, config) values ('sma_crossover', %s)",
            [Jsonb({**config, "optimization": {"parameters": PARAMETERS}})],
        )
    with desk.connect("owner") as owner:
        (run_id,) = owner.execute("select max(id) from optimization_runs").fetchone() or (0,)
        document: Any = owner.execute("select run_settings(%s)", [run_id]).fetchone()
        settings = RunSettings.from_json({**document[0], "code_hash": ""})
        found = owner.execute("select * from run_prices(%s)", [run_id]).fetchall()
        prices = [AdjustedPrices.from_rows(name, *columns) for name, *columns in found]
        (outcome,) = BacktraderEngine().run(settings, prices, [Point(1, PARAMETERS)], lambda _: None)
        assert isinstance(outcome, PointResult)
        owner.execute("select make_benchmark(%s)", [run_id])
        (sums,) = owner.execute(
            "select benchmark_sums(%s, %s::date[], %s::float8[], %s)",
            (run_id, outcome.sessions, outcome.equity, settings.cash),
        ).fetchone() or ({},)
        row = owner.execute(
            "select backtest_result_id from insert_results(%s, '{1}', %s, %s, '{null}', '{null}')",
            ([run_id], [Jsonb(PARAMETERS)], [Jsonb({**outcome.metrics, **sums})]),
        ).fetchone()
    assert row is not None
    return int(row[0]), outcome


@pytest.mark.parametrize("case", CASES)
def test_figures_of_a_market(markets: Desk, case: str) -> None:
    series, year, session_of = CASES[case]
    result_id, outcome = _run(markets, series.symbol, series.timeframe)
    closes = {session_of(bar.time): bar.close for bar in series.bars}
    assert outcome.sessions == list(closes)
    equity = np.array(outcome.equity)
    returns = np.diff(equity, prepend=100_000.0) / np.concatenate(([100_000.0], equity[:-1]))
    assert np.std(returns) > 0
    held = np.array(list(closes.values()))
    market = np.diff(held, prepend=held[0]) / np.concatenate(([held[0]], held[:-1]))
    excess, deviation = returns.mean() - 0.02 / year, returns.std(ddof=1)
    beta = np.cov(returns, market)[0, 1] / market.var(ddof=1)
    growth, bought = equity[-1] / 100_000.0, held[-1] / held[0]
    expected = {
        "sessions_a_year": year,
        "annual_return": growth ** (year / len(returns)) - 1,
        "volatility": deviation * year**0.5,
        "sharpe_ratio": excess / deviation * year**0.5,
        "sortino_ratio": returns.mean() / np.sqrt((np.minimum(returns, 0) ** 2).mean()) * year**0.5,
        "alpha": year * (excess - beta * (market.mean() - 0.02 / year)),
        "excess_return": growth ** (year / len(returns)) - bought ** (year / len(returns)),
        "information_ratio": (returns - market).mean() / (returns - market).std(ddof=1) * year**0.5,
    }
    with markets.connect("viewer") as viewer:
        found = viewer.execute(
            "select jsonb_build_object('sessions_a_year', sessions_a_year) || to_jsonb(b)"
            " from backtest_results as b where id = %s", [result_id],
        ).fetchone()  # fmt: skip
    assert found is not None
    assert {name: found[0][name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_offsets_in_a_file_tell_whose_days_they_are(fresh_desk: Desk, tmp_path: Path) -> None:
    """Sydney's clock is 11 hours before UTC in its summer and 10 in its winter."""
    times = _hours(SYDNEY, range(10, 16), 60)
    rows = [f"{time.isoformat()},{price},{price},{price},{price},5" for price, time in enumerate(times, 100)]
    file = tmp_path / "SYDNEY.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    (series,) = read_csv(file, timeframe="1h")
    with fresh_desk.connect("director") as director:
        loaded = load(director, series)
    assert (loaded.calendar, loaded.zone, loaded.calendar_by) == ("XASX", "Australia/Sydney", "zone")


def test_folds_are_cut_by_sessions(markets: Desk) -> None:
    series, _, session_of = CASES["Sydney"]
    sessions = sorted({session_of(bar.time) for bar in series.bars})
    plan = {"in_sample": 20, "out_of_sample": 10, "unit": "bars"}
    with markets.connect("director") as director:
        director.execute(
            "insert into jobs (strategy, config) values ('sma_crossover', %s)",
            [Jsonb({"symbols": ["SYDNEY"], "timeframe": "1h", "commission": 0, "optimization": {
                "type": "Walk-Forward", "walk_forward": plan, "parameters": PARAMETERS}})],
        )  # fmt: skip
        folds = director.execute(
            "select f.in_sample_start, f.out_of_sample_start, r.sessions_a_year from walk_forward_folds as f"
            " join optimization_runs as r on r.id = f.in_sample_run_id order by f.fold"
        ).fetchall()
    assert folds == [
        (sessions[number], sessions[number + 20], 253.0) for number in range(0, len(sessions) - 29, 10)
    ]
    with markets.connect("owner") as owner:
        times = owner.execute(
            "select min(e), max(e) from walk_forward_folds as f, run_prices(f.in_sample_run_id) as p,"
            " unnest(p.epochs) as e where f.fold = 1"
        ).fetchone()
    inside = [bar.time for bar in series.bars if sessions[0] <= session_of(bar.time) < sessions[20]]
    assert times == (inside[0].timestamp(), inside[-1].timestamp())


def test_a_single_backtest_has_the_desk_s_sessions(markets: Desk) -> None:
    request = BacktestRequest(strategy_named("sma_crossover"), ("SYDNEY",), PARAMETERS, "1h")
    done = execute(request, "desk", markets.settings)
    assert done.figures is not None
    assert done.figures.sessions_a_year == 253
    assert done.result.metrics["sessions"] == 65 == len(done.document()["equity"])


def test_lean_s_own_days_a_year_are_kept(markets: Desk, tmp_path: Path) -> None:
    document = lean_files.result()
    document["algorithmConfiguration"]["tradingDaysPerYear"] = 365
    (tmp_path / "1422993005.json").write_text(json.dumps(document))
    with markets.connect("importer") as importer:
        [one] = import_results(importer, tmp_path, ImportOptions(strategy="Coins", create_strategy=True))
    with markets.connect("viewer") as viewer:
        found = viewer.execute(
            "select b.sessions_a_year, b.annual_return from backtest_results as b"
            " where b.optimization_run_id = %s", [one.run_id],
        ).fetchone()  # fmt: skip
    values = (lean_files.CASH, *lean_files.EQUITY)
    growth = values[-1] / values[0]
    assert found == (365, pytest.approx(growth ** (365 / len(lean_files.EQUITY)) - 1))
