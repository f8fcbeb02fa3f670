"""Reads back what `run_backtest` wrote: `parse(path)`, or `python -m runners.backtest_parser FILE...`."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.backtests.text_report import text_report
from runners.errors import DeskError
from runners.reporting import report

FORMAT = 1
NEEDED = (
    "id", "strategy", "parameters", "symbols", "timeframe", "start_date", "end_date", "cash", "raw_metrics",
    "figures", "equity", "monthly_returns", "trade_log", "commissions", "ib_performance", "prices",
)  # fmt: skip


class UnreadableBacktest(DeskError):
    """A file that run_backtest did not write, or not so."""


@dataclass(frozen=True)
class ParsedBacktest:
    """One backtest's JSON file; `document` is all of it."""

    path: Path
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def strategy(self) -> str:
        return str(self.document["strategy"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        return dict(self.document["parameters"])

    @property
    def figures(self) -> dict[str, float | None]:
        """Metrics by name as the database computed them; empty where none was up."""
        return {one["metric"]: one["value"] for one in self.document["figures"] or ()}

    @property
    def raw_metrics(self) -> Mapping[str, Any]:
        return dict(self.document["raw_metrics"])

    @property
    def equity(self) -> list[tuple[dt.date, float]]:
        return [(dt.date.fromisoformat(row["session"]), row["value"]) for row in self.document["equity"]]

    @property
    def trades(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.document["trade_log"]]

    @property
    def report(self) -> str:
        return text_report(self.document)


def parse(path: Path | str) -> ParsedBacktest:
    """Read `{id}.json`; the path of one of its other files will do. Raises UnreadableBacktest."""
    file = _json_of(Path(path))
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableBacktest(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableBacktest(f"{file} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UnreadableBacktest(
            f"{file} is not a backtest of this version", hint="run it again: backdesk backtest"
        )
    lacking = [key for key in NEEDED if key not in document]
    if lacking:
        raise UnreadableBacktest(f"{file} lacks {', '.join(lacking)}")
    return ParsedBacktest(file, document)


def parse_folder(folder: Path | str) -> list[ParsedBacktest]:
    """Every backtest of a folder, oldest first."""
    found = [parse(file) for file in sorted(Path(folder).glob("*.json"))]
    return sorted(found, key=lambda one: str(one.document["made_at"]))


def parse_trades(path: Path | str) -> list[dict[str, str]]:
    """The lines of `{id}_trades.csv`."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise UnreadableBacktest(f"{path}: {error.strerror}") from error


def _json_of(path: Path) -> Path:
    for ending in ("_trades.csv", "_report.txt", "_report.html", "_equity.png"):
        if path.name.endswith(ending):
            return path.with_name(path.name.removesuffix(ending) + ".json")
    return path


def main() -> None:
    """Print the report of each file."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print("usage: python -m runners.backtest_parser results/backtests/ID.json ...")
        sys.exit(0 if len(sys.argv) > 1 else 2)
    try:
        for name in sys.argv[1:]:
            print(parse(name).report)
    except DeskError as error:
        report(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
