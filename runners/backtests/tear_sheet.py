"""A backtest as one HTML page that needs no network: charts, figures, trades."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runners.backtests.text_report import NO_DESK, figures_of
from runners.errors import DeskError
from runners.words import amount, count, metric_text, parameters_text, per_cent

TRADES_SHOWN = 1_000

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2127; max-width: 980px; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
p { color: #555c66; margin: .3rem 0 } code { font-size: .9em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid #e6e8eb;
  white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.figures { columns: 3; column-gap: 2rem } .figures div { display: flex; justify-content: space-between;
  border-bottom: 1px solid #e6e8eb; break-inside: avoid; padding: .15rem 0 }
.scroll { max-height: 26rem; overflow: auto } .wide { overflow-x: auto } .chart { width: 100% }
p, code { overflow-wrap: anywhere }
@media (max-width: 700px) { .figures { columns: 1 } body { margin: 1rem auto } }
"""


class NoDrawer(DeskError):
    """The libraries that draw are not installed."""


def tear_sheet(document: Mapping[str, Any]) -> str:
    """The page; every value in it is escaped, since names of files and symbols are other people's."""
    try:
        import vl_convert

        from runners.backtests.charts import charts
    except ImportError as error:
        raise NoDrawer(
            "the HTML page needs altair and vl-convert", hint="pip install 'backdesk[report]'"
        ) from error
    drawn = charts(document)
    title = f"{document['strategy']} on {', '.join(document['symbols'])}"
    calls, boxes = [], []
    for place, (name, chart) in enumerate(drawn.items()):
        # "</" would end the script that the text stands in.
        spec = json.dumps(chart.to_dict()).replace("</", "<\\/")
        calls.append(f'vegaEmbed("#chart{place}", {spec}, {{actions: false, renderer: "svg"}});')
        boxes.append(f'<h2>{html.escape(name)}</h2><div class="chart" id="chart{place}"></div>')
    if not document["rolling_sharpe"] and document["figures"] is None:
        boxes.append(f"<p>{html.escape(NO_DESK)}</p>")
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
            f'<script type="module">{library}\n{chr(10).join(calls)}</script></head><body>',
            f"<h1>{html.escape(title)}</h1>",
            *_heading(document),
            _figures(document),
            *_standing(document),
            *boxes,
            *_falls(document["drawdowns"]),
            "<h2>Performance by symbol</h2>",
            f'<div class="wide">{_performance(document["ib_performance"])}</div>',
            "<h2>Closed trades</h2>",
            _trades(document["trade_log"]),
            f"<p>{html.escape(document['id'])}, made {html.escape(document['made_at'])} by backdesk "
            f"{html.escape(document['version'])}.</p></body></html>",
        ]
    )


def picture(document: Mapping[str, Any]) -> bytes:
    """Equity over drawdown as a PNG."""
    try:
        import vl_convert

        from runners.backtests.charts import overview
    except ImportError as error:
        raise NoDrawer(
            "a picture needs altair and vl-convert", hint="pip install 'backdesk[report]'"
        ) from error
    return bytes(vl_convert.vegalite_to_png(json.dumps(overview(document).to_dict()), scale=1.5))


def _heading(document: Mapping[str, Any]) -> Iterable[str]:
    for line in (
        f"{document['start_date']} to {document['end_date']}, bars of {document['timeframe']}; "
        f"starting with {amount(document['cash'])}, commission {document['commission']:g}, "
        f"slippage {document['slippage']:g}",
        f"Parameters: {parameters_text(document['parameters'])}",
        f"Prices: {document['prices']['description']}",
    ):
        yield f"<p>{html.escape(line)}</p>"


def _figures(document: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<div><span>{html.escape(title)}</span><b>{html.escape(value)}</b></div>"
        for title, value in figures_of(document)
    )
    note = "" if document["figures"] is not None else f"<p>{html.escape(NO_DESK)}</p>"
    return f'<h2>Figures</h2>{note}<div class="figures">{rows}</div>'


def _standing(document: Mapping[str, Any]) -> Iterable[str]:
    """What only a row of the desk has: what is left after luck, and the criteria."""
    standing = document.get("standing")
    if standing is None:
        yield (
            "<p>With --record it is a row of the desk, and this page has its benchmark, its criteria and its "
            "deflated Sharpe ratio.</p>"
        )
        return
    benchmark = f"; benchmark: {standing['benchmark']}" if standing["benchmark"] else ""
    yield "<h2>Criteria</h2>"
    yield (
        f"<p>Deflated Sharpe ratio {per_cent(standing['deflated_sharpe'])}, "
        f"{'passed' if standing['passed'] else 'rejected'}{html.escape(benchmark)}.</p>"
    )
    rows = [
        (
            one["title"],
            metric_text(one["value"], one["unit"], one["decimals"]),
            f"{one['comparison']} {metric_text(one['threshold'], one['unit'], one['decimals'])}",
            {True: "met", False: "not met", None: "open"}[one["met"]],
        )
        for one in standing["criteria"] or []
    ]
    if rows:
        yield f'<div class="wide">{_table(("criterion", "value", "asked for", ""), rows)}</div>'


def _falls(found: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if found:
        headings = ("depth", "peak", "trough", "recovered", "sessions", "to the trough")
        rows = [
            (
                per_cent(fall["depth"]), fall["peak"] or "the start", fall["trough"],
                fall["recovery"] or "not yet", count(fall["sessions"]), count(fall["sessions_to_trough"]),
            )
            for fall in found
        ]  # fmt: skip
        yield f'<h2>Worst drawdowns</h2><div class="wide">{_table(headings, rows)}</div>'


def _performance(performance: Mapping[str, Any]) -> str:
    keys = ("bought", "sold", "quantity", "market_value", "realized", "unrealized", "commissions", "total")
    rows: list[Sequence[str]] = [
        (row["symbol"], *(amount(row[key]) for key in keys)) for row in performance["symbols"]
    ]
    account = performance["account"]
    rows.append(("all", "", "", "", "", *(amount(account[key]) for key in keys[4:])))
    return _table(("symbol", *(key.replace("_", " ") for key in keys)), rows)


def _trades(trades: Sequence[Mapping[str, Any]]) -> str:
    if not trades:
        return "<p>None.</p>"
    headings = (
        "symbol",
        "side",
        "size",
        "entry",
        "price",
        "exit",
        "price",
        "bars",
        "fees",
        "profit",
        "return",
    )
    rows = [
        (
            row["symbol"], row["side"], amount(row["size"]), row["entry_time"].replace("T00:00:00", ""),
            amount(row["entry_price"]), row["exit_time"].replace("T00:00:00", ""), amount(row["exit_price"]),
            str(row["bars"]), amount(row["fees"]), amount(row["profit"]), per_cent(row["return"]),
        )
        for row in trades[:TRADES_SHOWN]
    ]  # fmt: skip
    more = len(trades) - len(rows)
    note = f"<p>and {count(more)} more in the CSV file</p>" if more else ""
    return f'<div class="scroll">{_table(headings, rows)}</div>{note}'


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
