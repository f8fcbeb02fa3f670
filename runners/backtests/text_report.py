"""A backtest as a page of plain text, from its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runners.backtests.figures import Figure
from runners.words import amount, parameters_text, per_cent

RAW = (
    ("ending_value", "Ending value"), ("total_trades", "Closed trades"), ("winning_trades", "Won"),
    ("losing_trades", "Lost"), ("gross_profit", "Gross profit"), ("gross_loss", "Gross loss"),
    ("total_fees", "Fees"), ("traded_value", "Traded value"),
    ("refused_for_cash", "Orders refused for lack of cash"), ("sessions", "Sessions"),
    ("exposed_sessions", "Sessions with a position"), ("max_drawdown", "Drawdown, a fraction"),
)  # fmt: skip
NO_DESK = "Ratios are the database's: none is up, so these are the raw numbers (backdesk up)."


def text_report(document: Mapping[str, Any]) -> str:
    """Headings, figures, years, months and performance by symbol."""
    parts = [_heading(document), _figures(document)]
    years = document["monthly_returns"]["years"]
    if years:
        parts.append(
            _aligned([("year", "return"), *((year, per_cent(value)) for year, value in years.items())])
        )
    parts.append(_performance(document["ib_performance"]))
    parts.append(f"id {document['id']}, made {document['made_at']}, backdesk {document['version']}")
    return "\n\n".join(parts) + "\n"


def figures_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and shown value of every figure; raw numbers where no database was asked."""
    raw = document["raw_metrics"]
    lost = [("Account lost on", raw["lost_on"])] if "lost_on" in raw else []
    if document["figures"] is not None:
        return lost + [(one["title"], Figure(**one).shown) for one in document["figures"]]
    return lost + [(title, amount(raw[name])) for name, title in RAW if name in raw]


def flags_of(document: Mapping[str, Any]) -> list[str]:
    """What the engine found to be wrong, as runs have it in their flags."""
    found = document["raw_metrics"].get("engine_metrics", {})
    return [name.removeprefix("flag ") for name in found if name.startswith("flag ")]


def _heading(document: Mapping[str, Any]) -> str:
    return (
        f"{document['strategy']} on {', '.join(document['symbols'])}, bars of {document['timeframe']}, "
        f"{document['start_date']} to {document['end_date']}\n"
        f"parameters  {parameters_text(document['parameters'])}\n"
        f"account     {amount(document['cash'])}, commission {document['commission']:g}, "
        f"slippage {document['slippage']:g}, seed {document['seed']}\n"
        f"prices      {document['prices']['description']}"
        + "".join(f"\nlook        {flag}" for flag in flags_of(document))
    )


def _figures(document: Mapping[str, Any]) -> str:
    table = _aligned([("metric", "value"), *figures_of(document)])
    return table if document["figures"] is not None else f"{NO_DESK}\n\n{table}"


def _performance(performance: Mapping[str, Any]) -> str:
    headings = ("symbol", "bought", "sold", "held", "realized", "unrealized", "commissions", "total")
    keys = ("bought", "sold", "quantity", "realized", "unrealized", "commissions", "total")
    rows: list[Sequence[str]] = [headings]
    rows += [(row["symbol"], *(amount(row[key]) for key in keys)) for row in performance["symbols"]]
    account = performance["account"]
    rows.append(("all", "", "", "", *(amount(account[key]) for key in keys[3:])))
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """The first column flush left, the others right; the first row over a rule."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if place else cell.ljust(width)
                  for place, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
