"""Probes find what they look for in strategies that have it, and in no strategy of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runners.cli import new
from runners.probes.all_probes import findings
from runners.probes.findings import ProbeFinding
from runners.templates import NotMade
from strategies import registry
from strategies.registry import LIBRARY, admit_file, resolve

pytestmark = pytest.mark.engine

CLASS = """
import random
import backtrader as bt
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter

class Probe(BaseStrategy):
    parameters = (Parameter("period", int, 20, 2, 100), Parameter("unused", int, 5, 1, 9))
    def __init__(self):
        super().__init__()
        self.average = bt.indicators.SMA(self.data, period=self.p.period)
{setup}
    def on_bar(self, data):
        if data is not self.data or self.has_pending_order(data):
            return
        long = self.getposition(data).size > 0
        {rule}
        if wanted and not long:
            self.buy(data, size=10)
        elif long and not wanted:
            self.close(data)
"""
HONEST = "wanted = data.close[0] > self.average[0]"


@pytest.fixture(autouse=True)
def only_the_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("runners.probes.prices.BARS", 300)
    yield
    registry._admitted.clear()


def found(folder: Path, rule: str, setup: str = "", name: str = "probed") -> dict[str, ProbeFinding]:
    path = folder / f"{name}.py"
    path.write_text(CLASS.format(rule=rule, setup=setup))
    return {finding.about: finding for finding in findings(admit_file(path), ("AAPL",))}


def test_an_honest_strategy_has_only_its_unread_parameter_against_it(tmp_path: Path) -> None:
    every = found(tmp_path, HONEST)
    assert {about: finding.verdict for about, finding in every.items()} == {
        "run": "ok", "look-ahead": "ok", "warm-up": "ok", "parameters": "fault", "determinism": "ok",
    }  # fmt: skip
    assert every["parameters"].found == "never read: unused"
    assert every["look-ahead"].found.startswith("20 cuts, ")
    assert every["warm-up"].found.startswith("first signal after 2")


@pytest.mark.parametrize(
    ("rule", "setup"),
    [
        pytest.param(
            "wanted = len(data) < data.buflen() and data.close[1] > data.close[0]", "", id="the next bar"
        ),
        pytest.param(
            "wanted = data.close[0] < self.level",
            "    def start(self):\n        self.level = sum(self.data.close.array) / self.data.buflen()\n",
            id="knows the mean of all bars",
        ),
    ],
)
def test_looking_ahead_is_a_fault(tmp_path: Path, rule: str, setup: str) -> None:
    finding = found(tmp_path, rule, setup, name="peeping")["look-ahead"]
    assert finding.verdict == "fault"
    assert "with data until 20" in finding.found


@pytest.mark.parametrize("cheats", [False, True])
def test_next_open_without_cheat_on_open_is_a_fault(tmp_path: Path, cheats: bool) -> None:
    setup = "        self.cerebro.p.cheat_on_open = True\n" if cheats else ""
    setup += "    def next_open(self):\n        self.opened = True\n"
    every = found(tmp_path, HONEST, setup, name=f"opening_{cheats}".lower())
    told = None if cheats else "next_open: Backtrader calls it with cheat-on-open, which is off"
    assert getattr(every.get("never called"), "found", None) == told


def test_randomness_is_noted_and_the_clock_is_a_fault(tmp_path: Path) -> None:
    seeded = found(tmp_path, "wanted = random.random() < 0.5", name="gambling")["determinism"]
    assert (seeded.verdict, "the seed matters" in seeded.found) == ("note", True)
    rule = "self.__class__.calls = getattr(self, 'calls', 0) + 1; wanted = self.calls % 7 < 3"
    kept = found(tmp_path, rule, name="keeping")["determinism"]
    assert (kept.verdict, kept.found) == ("fault", "a second run differs from the first")


def test_reading_past_the_last_bar_is_told_for_what_it_is(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "wanted = data.close[1] > data.close[0]", name="careless").values()
    assert (finding.verdict, finding.todo) == ("fault", "[1] and the like read bars that are not there yet")


def test_a_strategy_that_raises_is_told_at_once(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "wanted = 1 / 0", name="raising").values()
    assert (finding.verdict, finding.about) == ("fault", "run")
    assert "ZeroDivisionError" in finding.found


@pytest.mark.parametrize("name", ["donchian_breakout"])
def test_the_library_has_no_fault(name: str) -> None:
    assert [one.found for one in findings(resolve(name)) if one.verdict == "fault"] == []


@pytest.mark.long
@pytest.mark.parametrize("name", LIBRARY)
def test_nothing_of_the_library_has_a_fault(name: str) -> None:
    assert [one.found for one in findings(resolve(name)) if one.verdict == "fault"] == []


def test_a_new_strategy_has_a_class_a_config_and_a_test_that_pass(tmp_path: Path) -> None:
    source, config, test = new.written("weekly_reversal", tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in (source, config, test)] == [
        "weekly_reversal.py", "configs/weekly_reversal.yaml", "tests/test_weekly_reversal.py",
    ]  # fmt: skip
    scope: dict[str, object] = {"__file__": str(test), "__name__": "made"}
    exec(compile(test.read_text(), str(test), "exec"), scope)
    made = scope["test_it_buys_above_the_average_and_sells_below"]
    assert callable(made)
    made()
    assert "strategy: weekly_reversal" in config.read_text()
    assert resolve("weekly_reversal").strategy.__name__ == "WeeklyReversal"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Weekly", "cannot be named 'Weekly'"),
        ("class", "cannot be named"),
        ("sma_crossover", "there is a strategy"),
    ],
)
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(NotMade, match=message):
        new.written(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    with pytest.raises(NotMade, match="is there already"):
        new.written("mine", tmp_path)
    assert (tmp_path / "mine.py").read_text() == "x = 1\n"
