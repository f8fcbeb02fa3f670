"""Which numbers of a LEAN result its optimizer can find, and what the desk calls them.

The command line puts `TotalPerformance.PortfolioStatistics.` before a target without a dot, and the optimizer
then looks for that path. Where it finds nothing it says nothing: no backtest can win. So every target is
checked here first.
"""

from __future__ import annotations

import re

from runners.engines.lean.statistic_names import PORTFOLIO_FIELDS, STATISTIC_NAMES, TRADE_FIELDS
from runners.errors import DeskError

PORTFOLIO = "TotalPerformance.PortfolioStatistics"
TRADE = "TotalPerformance.TradeStatistics"

# Per cents as texts are numbers to the optimizer; money texts, such as $516.08, it misreads without a word.
_UNREADABLE = frozenset(
    {"total fees", "estimated strategy capacity", "lowest capacity asset", "orderlisthash"}
)

_PATHS = {
    # names that LEAN would put into a path where nothing is: the path that is right
    "totalorders": "Statistics.Total Orders",
    "orders": "Statistics.Total Orders",
    "totaltrades": f"{TRADE}.TotalNumberOfTrades",
    "trades": f"{TRADE}.TotalNumberOfTrades",
    "numberoftrades": f"{TRADE}.TotalNumberOfTrades",
    "netprofit": f"{PORTFOLIO}.TotalNetProfit",
    "totalreturn": f"{PORTFOLIO}.TotalNetProfit",
    "return": f"{PORTFOLIO}.TotalNetProfit",
    "annualreturn": f"{PORTFOLIO}.CompoundingAnnualReturn",
    "cagr": f"{PORTFOLIO}.CompoundingAnnualReturn",
    "sharpe": f"{PORTFOLIO}.SharpeRatio",
    "sortino": f"{PORTFOLIO}.SortinoRatio",
    "maxdrawdown": f"{PORTFOLIO}.Drawdown",
    "maximumdrawdown": f"{PORTFOLIO}.Drawdown",
    "volatility": f"{PORTFOLIO}.AnnualStandardDeviation",
    "annualvolatility": f"{PORTFOLIO}.AnnualStandardDeviation",
    "profitfactor": f"{TRADE}.ProfitFactor",
    "averagewin": f"{TRADE}.AverageProfit",
    "averageloss": f"{TRADE}.AverageLoss",
    "totalfees": f"{TRADE}.TotalFees",
    "turnover": f"{PORTFOLIO}.PortfolioTurnover",
}

_DESK_TITLES = {
    "sharperatio": "Sharpe Ratio",
    "sortinoratio": "Sortino Ratio",
    "compoundingannualreturn": "Annual Return",
    "drawdown": "Drawdown",
    "totalnetprofit": "Total Return",
    "netprofit": "Total Return",
    "winrate": "Win Rate",
    "annualstandarddeviation": "Volatility",
    "profitfactor": "Profit Factor",
    "totalnumberoftrades": "Trades",
    "totalorders": "Orders",
    "averageprofit": "Average Win",
    "averageloss": "Average Loss",
}


class TargetError(DeskError):
    """A target or constraint that LEAN would never find."""


def plain(name: str) -> str:
    """A name without case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", name).casefold()


def checked_target(name: str) -> str:
    """The target as it is handed to LEAN, unchanged; TargetError, with the right path, where LEAN would look
    in vain."""
    if "." in name:
        return _checked_path(name)
    field = _field(name)
    if field.casefold() in {known.casefold() for known in PORTFOLIO_FIELDS}:
        return name
    raise TargetError(
        f"LEAN would look for {PORTFOLIO}.{field}, which no result has, and end without a best",
        hint=_hint(name),
    )


def lean_name(name: str) -> str | None:
    """What LEAN calls a metric of the desk, by the desk's column, title or alias; None where it has none."""
    try:
        return checked_target(name)
    except TargetError:
        return _PATHS.get(plain(name)) or next(
            (known for known in STATISTIC_NAMES if plain(known) == plain(name) and _is_target(known)), None
        )


def _is_target(name: str) -> bool:
    return plain(name) in {plain(field) for field in PORTFOLIO_FIELDS}


def full_path(target: str) -> str:
    """The path that a target stands for; in a config file LEAN takes nothing but paths."""
    return target if "." in target else f"{PORTFOLIO}.{_field(target)}"


def _field(name: str) -> str:
    """As the command line does it: blanks out, each word's first letter large."""
    return "".join(word[:1].upper() + word[1:] for word in name.split())


def _checked_path(path: str) -> str:
    # The engine writes its own paths with brackets: ['TotalPerformance'].['PortfolioStatistics'].
    parts = [part.strip("[]'\" ") for part in path.split(".")]
    known = {
        "totalperformance.portfoliostatistics": {field.casefold() for field in PORTFOLIO_FIELDS},
        "totalperformance.tradestatistics": {field.casefold() for field in TRADE_FIELDS},
        "statistics": {name.casefold() for name in STATISTIC_NAMES} - _UNREADABLE,
    }
    section, field = ".".join(parts[:-1]).casefold(), parts[-1].casefold()
    if field in known.get(section, ()):
        return path
    if section == "statistics" and field in _UNREADABLE:
        raise TargetError(f"LEAN misreads {path}, which is no plain number", hint=_hint(parts[-1]))
    raise TargetError(f"no LEAN result has {path}", hint=_hint(parts[-1]))


def _hint(name: str) -> str:
    right = _PATHS.get(plain(name)) or next(
        (f"{section}.{field}" for section, fields in ((PORTFOLIO, PORTFOLIO_FIELDS), (TRADE, TRADE_FIELDS))
         for field in fields if plain(field) == plain(name)),
        None,
    )  # fmt: skip
    if right is not None:
        return f"write {right}"
    return (
        f"write one of {', '.join(PORTFOLIO_FIELDS[:6])}, ... or a path such as {TRADE}.ProfitFactor; "
        "the desk's own search (without `lean optimize`) knows every metric of metric_definitions"
    )


def desk_metric(target: str) -> str | None:
    """The desk's name of what a LEAN target names; None where the desk has no such metric."""
    return _DESK_TITLES.get(plain(target.rpartition(".")[2].strip("[]'\" ")))
