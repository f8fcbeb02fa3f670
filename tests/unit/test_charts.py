"""What page and tear sheet draw alike."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

from runners.backtests import charts as tear_sheet
from runners.charts import curves, palette
from runners.charts.periods import MONTHS

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
