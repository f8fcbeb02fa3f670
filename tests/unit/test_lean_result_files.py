"""Result files of every generation, and whatever else may lie under their names."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.engines.lean.discovery import discover
from runners.engines.lean.documents import LeanFileError, number, parse_json, when
from runners.engines.lean.equity_points import EquityPoint, daily_curve
from runners.engines.lean.exchange_days import is_exchange_holiday
from runners.engines.lean.optimizer_log import parameter_set, read_optimizer_log
from runners.engines.lean.result_file import parse_result
from runners.engines.lean.result_metrics import measure, why_refused
from runners.engines.raw_metrics import ImpossibleResultError
from tests import lean_files
from tests.lean_mutations import broken

pytestmark = pytest.mark.lean

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "lean" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of LEAN's own files is not here")


@pytest.mark.parametrize(("written", "value"), [
    ("0.0427", 0.0427), ("4.272%", 0.04272), ("-1.881%", -0.01881), ("$357.22", 357.22),
    ("-$357.22", -357.22), ("$-1,728.37", -1728.37), ("$3400000.00", 3_400_000), ("31%", 0.31),
    ("1535787524789540", 1535787524789540.0), ("-1.88 %", -0.0188), (301, 301.0), ("", None), ("SPY", None),
    (True, None), (None, None), ("1e999", None), (float("inf"), None), ([], None),
])  # fmt: skip
def test_numbers_are_read_however_they_are_written(written: object, value: float | None) -> None:
    assert number(written) == (pytest.approx(value) if value is not None else None)


@pytest.mark.parametrize(("written", "expected"), [
    ("2023-01-03T15:43:00Z", dt.datetime(2023, 1, 3, 15, 43, tzinfo=dt.UTC)),
    ("2023-08-09 17:14:06", dt.datetime(2023, 8, 9, 17, 14, 6, tzinfo=dt.UTC)),
    ("2025-11-02T22:09:43.3334291Z", dt.datetime(2025, 11, 2, 22, 9, 43, 333429, tzinfo=dt.UTC)),
    (1672760580.0, dt.datetime(2023, 1, 3, 15, 43, tzinfo=dt.UTC)),
    (1e18, None), ("yesterday", None), (None, None),
])  # fmt: skip
def test_times_are_read_however_they_are_written(written: object, expected: dt.datetime | None) -> None:
    assert when(written) == expected


@pytest.mark.parametrize(("raw", "reason"), [
    (b"", "is empty"),
    (b'{"a": [1, 2', "half-written"),
    (b'{"a": "x', "half-written"),
    (b"{'a': 1}", "is not JSON"),
    (b"\xff\xfe{", "is not UTF-8"),
    (b"[" * 100_000, "nested too deeply"),
])  # fmt: skip
def test_what_is_no_json_is_refused_in_a_sentence(raw: bytes, reason: str) -> None:
    with pytest.raises(LeanFileError, match=reason):
        parse_json(raw)


def test_an_integer_of_a_million_digits_costs_nothing() -> None:
    assert parse_json(b'{"a": ' + b"9" * 1_000_000 + b"}")["a"] == float("inf")


def test_midnights_close_the_day_before_and_days_without_a_session_do_not_count() -> None:
    def at(day: int, hour: int = 0) -> float:
        return dt.datetime(2023, 1, day, hour, tzinfo=lean_files.NEW_YORK).timestamp()

    # From Sunday 1 January: a point every midnight, as long daily runs have them; Monday is a holiday.
    points = [EquityPoint(at(day), 100.0 + (day >= 4) + (day >= 7)) for day in range(1, 11)]
    curve = daily_curve(points)
    assert curve is not None
    assert curve.start == 100.0
    assert [day.day for day in curve.sessions] == [3, 4, 5, 6, 9]
    assert curve.equity == (101.0, 101.0, 101.0, 102.0, 102.0)


def test_an_account_that_moves_on_a_weekend_has_no_closed_days() -> None:
    start = dt.datetime(2023, 1, 1, tzinfo=lean_files.NEW_YORK).timestamp()
    curve = daily_curve([EquityPoint(start + 86_400 * day, 100.0 + day) for day in range(9)])
    assert curve is not None
    assert len(curve.sessions) == 8


@pytest.mark.parametrize("day", [
    "1998-01-01", "2001-09-11", "2012-10-29", "2021-04-02", "2022-06-20", "2023-01-02", "2023-11-23",
    "2024-03-29", "2015-07-03", "2004-12-24", "2024-01-15",
])  # fmt: skip
def test_exchange_holidays(day: str) -> None:
    assert is_exchange_holiday(dt.date.fromisoformat(day))


@pytest.mark.parametrize(
    "day", ["2021-12-31", "2023-06-16", "2020-06-19", "2023-11-24", "2010-12-31", "1997-01-20"]
)
def test_days_on_which_the_exchange_was_open(day: str) -> None:
    assert not is_exchange_holiday(dt.date.fromisoformat(day))


def test_parameters_of_the_optimizers_log() -> None:
    assert parameter_set("fast_sma:5,slow_sma:40") == {"fast_sma": "5", "slow_sma": "40"}
    assert parameter_set("at:16:00,list:a,b") == {"at": "16:00", "list": "a,b"}
    assert parameter_set("") == {}


def test_an_optimization_that_was_cut_off_says_so(tmp_path: Path) -> None:
    lean_files.write_optimization(tmp_path, [{"fast": "5"}, {"fast": "6"}])
    log = tmp_path / "log.txt"
    log.write_text("\n".join(log.read_text().splitlines()[:-1]) + "\n2025 ERROR:: something broke\n")
    (tmp_path / "00000001-0000-4000-8000-000000000000").rename(tmp_path / "gone-0000-4000")
    (tmp_path / "gone-0000-4000" / "00000001-0000-4000-8000-000000000000.json").unlink()
    (tmp_path / "gone-0000-4000" / "log.txt").unlink()
    found = discover(tmp_path)
    assert found.searches[0].remarks == ("the optimization was cut off before its end: something broke",)
    [refusal] = found.refusals
    assert refusal.reason == "left no result: there is no result file"
    parsed = read_optimizer_log(log)
    assert parsed is not None
    assert not parsed.ended


def test_a_combination_that_was_computed_twice_counts_once(tmp_path: Path) -> None:
    files = lean_files.write_optimization(tmp_path, [{"fast": "5"}, {"fast": "6"}])
    files[1].write_text(json.dumps(lean_files.result(parameters={"fast": "5"})))
    found = discover(tmp_path)
    assert len(found.searches[0].results) == 1
    assert found.refusals[0].reason.startswith("has the parameters of ")


def test_order_events_know_fees_and_partial_fills(tmp_path: Path) -> None:
    file = lean_files.write_result(tmp_path, "1234567890", lean_files.result())
    event = {
        "orderId": 1,
        "symbolValue": "SPY",
        "time": 1709586000.0,
        "fillPrice": 500.0,
        "orderFeeAmount": 1.0,
    }
    events = [
        {**event, "fillQuantity": 40.0},
        {**event, "fillQuantity": 60.0},
        {**event, "fillQuantity": 0.0},
    ]
    file.with_name("1234567890-order-events.json").write_text(json.dumps(events))
    [search] = discover(tmp_path).searches
    metrics = measure(search.results[0]).metrics
    assert (metrics["total_orders"], metrics["traded_value"]) == (1, 50_000.0)


@needs_samples
@pytest.mark.parametrize("name", ["sma-crossover", "rsi-minutely", "buy-and-hold-spy"])
def test_our_numbers_agree_with_the_files_own(name: str) -> None:
    [search] = discover(SAMPLES / "D_2025-11_camel" / name).searches
    result = search.results[0]
    metrics = measure(result).metrics
    end, start = metrics["ending_value"], metrics["starting_cash"]
    assert isinstance(end, float)
    assert isinstance(start, float)
    assert end / start - 1 == pytest.approx(result.portfolio["totalnetprofit"], abs=5.1e-5)
    assert metrics["total_trades"] == result.trade["totalnumberoftrades"]
    assert metrics["total_orders"] == result.statistic("Total Orders")
    # LEAN's drawdown is taken over samples within the day, ours over closes.
    drawdown = metrics["max_drawdown"]
    assert isinstance(drawdown, float)
    assert drawdown <= result.portfolio["drawdown"] + 5e-4
    # Its profits are before fees, ours after.
    profit = metrics["trade_profit_sum"]
    assert profit == pytest.approx(result.trade["totalprofitloss"] - result.trade["totalfees"], abs=0.05)


# Hostile files. Each mutation must end in a result or in a sentence.


NAMES = (
    "1234567890.json", "log.txt", "optimizer-config.json", "config", "1234567890-order-events.json",
    "data-monitor-report-1.json", "1234567890-summary.json",
)  # fmt: skip


def survive(raw: bytes) -> None:
    try:
        result = parse_result(Path("result.json"), raw)
    except LeanFileError:
        return
    why = why_refused(result)
    if why is not None:
        assert why.startswith("the backtest ")
        return
    try:
        measured = measure(result)
    except ImpossibleResultError:
        return
    for value in measured.metrics.values():
        assert not isinstance(value, float) or value == value
    stored = json.dumps([result.parameters, result.statistics, measured.metrics], default=str)
    assert "\\u0000" not in stored
    assert "\\ud800" not in stored


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_result_is_read_or_refused(data: st.DataObject) -> None:
    survive(broken(data))


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_ten_thousand_damaged_results_are_read_or_refused(data: st.DataObject) -> None:
    survive(broken(data))


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_under_every_name_are_refused_or_passed_over(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for name in NAMES:
        content = chance.choice((b"", b"{", b"null", b'{"statistics": {}}', chance.randbytes(200)))
        (tmp_path / name).write_bytes(content)
    found = discover(tmp_path)
    assert not found.searches
