"""What the leaderboard reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runners import leaderboard
from runners.leaderboard import Entry
from streamlit_app.database import reading, rows

LIMIT = 500


@dataclass(frozen=True)
class Filters:
    """What of the board is shown; the same as in the page's address."""

    strategy: str | None = None
    status: str | None = None
    passed: bool = False
    minimum_trades: int = 0
    every_result: bool = False

    @property
    def sql(self) -> str:
        """The select that a person would type for it."""
        wanted = [
            f"strategy = '{self.strategy}'" if self.strategy else "",
            f"status = '{self.status}'" if self.status else "",
            "passed" if self.passed else "",
            f"trades >= {self.minimum_trades}" if self.minimum_trades else "",
        ]
        conditions = " and ".join(filter(None, wanted))
        board = "result_leaderboard" if self.every_result else "strategy_leaderboard"
        where = f"\nwhere {conditions}" if conditions else ""
        return f"select *\nfrom {board}{where}\norder by rank\nlimit {LIMIT}"


def entries(filters: Filters) -> list[Entry]:
    """The board's first rows."""
    with reading() as viewer:
        return leaderboard.read(
            viewer,
            limit=LIMIT,
            strategy=filters.strategy,
            status=filters.status,
            passed=filters.passed,
            minimum_trades=filters.minimum_trades,
            results=filters.every_result,
        )


def standings() -> dict[str, str]:
    """Status of each strategy that is on the board, by name."""
    found = rows("select strategy, status from strategy_leaderboard order by strategy")
    return {row["strategy"]: row["status"] for row in found}


def funnel() -> list[dict[str, Any]]:
    """How many came how far."""
    return rows("select step, stage, strategies, results from desk.funnel order by step")


def metrics(results: Sequence[int]) -> list[dict[str, Any]]:
    """Every metric that one of the results has, a row a result and metric."""
    return rows(
        "select backtest_result_id, title, unit, decimals, value from desk.result_metrics"
        " where backtest_result_id = any (%(results)s) and value is not null order by title",
        {"results": list(results)},
    )


def correlations(results: Sequence[int]) -> list[dict[str, Any]]:
    """Correlation of daily returns, a row a pair."""
    return rows(
        "select result_id, other_id, sessions, correlation from desk.result_correlations(%(results)s)",
        {"results": list(results)},
    )
