"""What page and tear sheet draw alike."""

from __future__ import annotations

import datetime as dt
import tomllib
from operator import mul
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
import vl_convert

from runners.backtests import charts as tear_sheet
from runners.charts import curves, palette
from runners.charts.periods import MONTHS
from streamlit_app import curves as page_curves
from streamlit_app.monitor import figures as monitor_figures
from streamlit_app.run import figures as run_figures
from streamlit_app.strategy import trade_figures

DAYS = [dt.date(2010, 1, 4) + dt.timedelta(days=day) for day in range(40)]
DOCUMENT: dict[str, Any] = {
    "start_date": "2010-01-04",
    "end_date": "2010-02-12",
    "equity": [{"session": str(day), "value": 1000.0, "drawdown": 0.1} for day in DAYS],
    "monthly_returns": {"months": {"2010-01": -0.02, "2010-02": None}, "years": {"2010": -0.02}},
    "trade_log": [],
    "rolling_sharpe": [[str(day), None if day == DAYS[0] else 1.0] for day in DAYS],
}


def encodings(spec: Any) -> list[dict[str, Any]]:
    """Every encoding of a chart and of its layers."""
    own = [spec["encoding"]] if "encoding" in spec else []
    return own + [one for layer in spec.get("layer", []) for one in encodings(layer)]


@pytest.mark.parametrize("title", ["Equity", "Drawdown", "Rolling Sharpe ratio, 126 sessions"])
def test_a_session_is_the_same_day_in_every_time_zone(title: str) -> None:
    """A browser takes the text of a date for midnight in UTC, and would show the day before west of it."""
    (encoding, *_) = encodings(tear_sheet.charts(DOCUMENT)[title].to_dict())
    assert (encoding["x"]["field"], encoding["x"]["scale"]) == ("session", {"type": "utc"})
    assert encoding["tooltip"][0] == {"field": "session", "type": "nominal"}


def test_dates_and_their_text_are_drawn_alike() -> None:
    rows = [{"session": day, "drawdown": 0.1} for day in DAYS]
    as_text = [row | {"session": str(row["session"])} for row in rows]
    assert curves.drawdown(rows).to_dict() == curves.drawdown(as_text).to_dict()


def test_what_has_no_value_is_left_out_and_what_has_no_rows_not_drawn() -> None:
    drawn = tear_sheet.charts(DOCUMENT)
    assert "Trades" not in drawn
    values = drawn["Monthly returns"].to_dict()["data"]["values"]
    assert values == [{"year": "2010", "name": MONTHS[0], "total_return": -0.02}]


def test_the_page_has_the_colors_of_the_charts(project_root: Path) -> None:
    theme = tomllib.loads((project_root / "streamlit_app/.streamlit/config.toml").read_text())["theme"]
    assert theme["chartCategoricalColors"] == palette.SERIES
    assert theme["chartDivergingColors"][:: len(theme["chartDivergingColors"]) - 1] == [
        palette.LOSS_TO_GAIN[0], palette.LOSS_TO_GAIN[-1],
    ]  # fmt: skip


def ticks(chart: Any, axis: str) -> list[str]:
    """The labels at an axis, as they are drawn."""
    drawn = ElementTree.fromstring(vl_convert.vegalite_to_svg(chart.properties(width=700).to_dict()))
    groups = [
        group
        for group in drawn.iter("{http://www.w3.org/2000/svg}g")
        if axis in (group.get("aria-label") or "").split("-")[0]
    ]
    return [
        "".join(text.itertext())
        for group in groups
        for labels in group.iter("{http://www.w3.org/2000/svg}g")
        if "role-axis-label" in (labels.get("class") or "")
        for text in labels.iter("{http://www.w3.org/2000/svg}text")
        if text.get("opacity") != "0"
    ]


def returns(*values: float, days: int = 700) -> list[dict[str, Any]]:
    step = days / (len(values) - 1)
    start = dt.date(2010, 1, 4)
    return [
        {"session": start + dt.timedelta(days=round(place * step)), "name": "a", "value": value}
        for place, value in enumerate(values)
    ]


BAR_TIMES = {"a day": 1, "three days": 3, "a quarter": 80, "years": 3000}
DRAWN: dict[str, Any] = {
    "a return of hardly anything": curves.lines(returns(0, 0.002, -0.003), {"a": palette.BLUE}),
    "twenty-fold": curves.lines(returns(0, 0.5, 20.0), {"a": palette.BLUE}, log=True),
    "a few cents of money": curves.lines(returns(100.0, 100.4, 99.9), {"a": palette.BLUE}, money=True),
    "a shallow fall": curves.drawdown([one | {"drawdown": one["value"]} for one in returns(0, 0.004, 0.001)]),
    "a flat Sharpe ratio": curves.rolling_sharpe(
        [one | {"sharpe_ratio": one["value"]} for one in returns(0.51, 0.53, 0.52)]
    ),
    **{
        f"sessions of {words}": curves.lines(returns(0, 0.1, 0.2, days=days), {"a": palette.BLUE})
        for words, days in BAR_TIMES.items()
    },
    **{
        f"bars of {words}": trade_figures.on_prices(
            [
                {"bar_time": dt.datetime(2010, 1, 4, 9) + dt.timedelta(hours=hour * days), "open": 9.999,
                 "close": 10.001, "low": 9.999, "high": 10.002, "bars": 1}
                for hour in range(24)
            ],
            [],
            "USD",
        )
        for words, days in BAR_TIMES.items()
    },
    "days of a session": monitor_figures.day_profits(
        [{"session_date": f"2030-01-0{day}", "day_return": day / 1e4, "day_profit": 1} for day in (2, 3)],
        None,
    ),
    "two points": run_figures.best_so_far(
        [{"evaluation": n, "target_value": 0.5, "best_so_far": 0.5, "passed": True, "backtest_result_id": n}
         for n in (1, 2)],
        [],
        {"strategy": "a", "target_title": "Sharpe Ratio", "target_unit": "ratio"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DRAWN)
def test_no_two_ticks_have_the_same_label(what: str) -> None:
    for axis in "XY":
        labels = [label for label in ticks(DRAWN[what], axis) if label]
        assert len(labels) >= 1, axis
        assert len(set(labels)) == len(labels), labels


def test_on_a_logarithmic_axis_the_labels_are_returns() -> None:
    labels = ticks(DRAWN["twenty-fold"], "Y")
    assert "0%" in labels
    assert "900%" in labels


@pytest.mark.parametrize("ground", ["#FFFFFF", "#0E1117"])
def test_a_curve_stands_out_on_either_ground(ground: str) -> None:
    """Three to one at least, as WCAG 2.1 asks of what is drawn."""

    def light(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(sum(map(mul, (0.2126, 0.7152, 0.0722), linear)))

    for color in (palette.BLUE, palette.GREY):
        low, high = sorted((light(color), light(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3.3, color


def test_a_part_of_a_curve_begins_at_its_own_start() -> None:
    frame = pd.DataFrame(
        {
            "session": DAYS[:4],
            "total_return": [0.0, 1.0, 3.0, 1.0],
            "benchmark_return": [0.0, 0.0, 1.0, 3.0],
            "drawdown": [0.0, 0.0, 0.0, 0.5],
        }
    )
    part = page_curves.within(frame, DAYS[1], DAYS[3])
    assert list(part["total_return"]) == [0.0, 1.0, 0.0]
    assert list(part["benchmark_return"]) == [0.0, 1.0, 3.0]
    assert list(part["drawdown"]) == [0.0, 0.0, 0.5]
    assert list(page_curves.over_benchmark(part)["total_return"]) == [0.0, 0.0, -0.75]
