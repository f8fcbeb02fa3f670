"""Bars become whole steps, whatever their order of arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runners.live.bar_clock import BarClock, Irregularity
from runners.live.steps import Bar

MINUTE = 60
A = Bar(1.0, 2.0, 0.5, 1.5, 10.0)
B = Bar(3.0, 4.0, 2.5, 3.5, 20.0)


def test_a_step_is_due_with_its_last_bar() -> None:
    clock = BarClock(["X", "Y"], MINUTE, grace=5)
    clock.add("Y", 0, B)
    assert list(clock.due(61)) == []
    clock.add("X", 0, A)
    assert [(epoch, list(bars.items())) for epoch, bars in clock.due(61)] == [(0, [("X", A), ("Y", B)])]
    assert clock.irregular == []


def test_a_bar_that_does_not_come_is_missed_after_the_grace() -> None:
    clock = BarClock(["X", "Y"], MINUTE, grace=5)
    clock.add("X", 0, A)
    assert list(clock.due(64.9)) == []
    assert list(clock.due(65)) == [(0, {"X": A})]
    assert clock.irregular == [Irregularity("missing", "Y", 0)]
    clock.add("Y", 0, B)
    assert list(clock.due(70)) == []
    assert clock.irregular[1:] == [Irregularity("late", "Y", 0, B)]


def test_an_earlier_step_holds_back_a_later_one() -> None:
    clock = BarClock(["X", "Y"], MINUTE, grace=5)
    clock.add("X", 0, A)
    clock.add("X", MINUTE, A)
    clock.add("Y", MINUTE, B)
    assert list(clock.due(62)) == []
    assert [epoch for epoch, _ in clock.due(65)] == [0, MINUTE]


def test_the_newest_word_counts_until_the_step_is_out() -> None:
    clock = BarClock(["X"], MINUTE, grace=5)
    clock.add("X", 0, A)
    clock.add("X", 0, A)
    assert clock.irregular == []
    clock.add("X", 0, B)
    assert clock.irregular == [Irregularity("corrected", "X", 0, A)]
    assert list(clock.due(60)) == [(0, {"X": B})]


@given(st.permutations([(symbol, step) for symbol in "XYZ" for step in range(6)]), st.integers(0, 18))
def test_any_order_of_arrival_gives_the_same_steps(order: list[tuple[str, int]], looked: int) -> None:
    clock = BarClock(["X", "Y", "Z"], MINUTE, grace=5)
    steps = []
    for number, (symbol, step) in enumerate(order):
        clock.add(symbol, step * MINUTE, Bar(step, step, step, step, ord(symbol)))
        if number == looked:
            # Nobody looks before the bars have ended, so that a grace is never over too soon.
            steps += list(clock.due(0))
    steps += list(clock.due(float("inf")))
    assert [epoch for epoch, _ in steps] == [step * MINUTE for step in range(6)]
    assert all(list(bars) == ["X", "Y", "Z"] for _, bars in steps)
    assert clock.irregular == []
