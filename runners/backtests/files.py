"""The files of a backtest: `{id}.json` always, trades, report, page and picture where they are asked for."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.backtests.tear_sheet import picture, tear_sheet
from runners.backtests.text_report import text_report
from runners.errors import DeskError

FOLDER = Path("results/backtests")
TRADE_COLUMNS = (
    "symbol", "side", "size", "entry_time", "entry_price", "exit_time", "exit_price", "bars", "profit",
    "fees", "return",
)  # fmt: skip


@dataclass(frozen=True)
class Exports:
    """What is written beside the JSON file."""

    csv: bool = False
    text: bool = False
    html: bool = False
    plot: bool = False


def write(document: Mapping[str, Any], exports: Exports, folder: Path = FOLDER) -> list[Path]:
    """Write the files, the JSON file last, so that a backtest that can be read is there as a whole."""
    name = document["id"]
    contents: dict[str, str | bytes] = {}
    if exports.csv:
        contents[f"{name}_trades.csv"] = trades_csv(document["trade_log"])
    if exports.text:
        contents[f"{name}_report.txt"] = text_report(document)
    if exports.html:
        contents[f"{name}_report.html"] = tear_sheet(document)
    if exports.plot:
        contents[f"{name}_equity.png"] = picture(document)
    contents[f"{name}.json"] = json.dumps(document, indent=1, allow_nan=False) + "\n"
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            path = folder / file
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            written.append(path)
    except OSError as error:
        raise DeskError(f"{folder}: {error.strerror}", hint="choose another folder with --output") from error
    return written


def trades_csv(trades: Sequence[Mapping[str, Any]]) -> str:
    """A line a trade; times are UTC."""
    text = io.StringIO()
    writer = csv.DictWriter(text, TRADE_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(trades)
    return text.getvalue()
