"""A recorded point run again with all that it pinned: prices, costs, parameters, code. SQL compares."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.engines.base import AdjustedPrices, Point, PointResult, RunSettings
from runners.errors import DeskError
from strategies.run_context import RunContext, in_run
from strategies.session_days import session_days

POINT = """
select optimization_run_id, ordinal, parameters, code_hash, platform
from desk.reproducible(%s::bigint)
"""
SETTINGS = "select desk.run_settings(%s::bigint)"
PRICES = "select symbol, epochs, open, high, low, close, volume from desk.run_prices(%s::bigint)"
RECORD = """
select desk.record_reproduction(
  %s::bigint, %s::text, %s, %s::date[], %s::float8[], %s::float8[], %s::float8[]
)
"""


class NotReproducible(DeskError):
    """This installation cannot run the point as it was run."""


@dataclass(frozen=True)
class Reproduction:
    """What the database found: `differences` has what was recorded and what came out, by name."""

    backtest_result_id: int
    differences: Mapping[str, Any]
    same_platform: bool

    @property
    def equal(self) -> bool:
        return not self.differences


def reproduce(runner: psycopg.Connection[Any], result_id: int) -> Reproduction:
    """Runs a result again, without reuse, and has the database compare it to the bit and keep the verdict.

    Raises NotReproducible where the strategy's code or engine is not the recorded one.
    """
    found = runner.execute(POINT, (result_id,)).fetchone()
    if found is None:
        raise NotReproducible(f"result {result_id} does not say which code made it")
    run_id, ordinal, parameters, code_hash, recorded_on = found
    row = runner.execute(SETTINGS, (run_id,)).fetchone()
    assert row is not None
    settings = RunSettings.from_json(row[0])
    check_code(settings, code_hash)
    prices = [AdjustedPrices.from_rows(*series) for series in runner.execute(PRICES, (run_id,))]
    result = run_point(settings, prices, Point(ordinal, parameters))
    here = platform_name()
    compared = runner.execute(
        RECORD,
        (
            result_id,
            here,
            Jsonb(result.metrics),
            result.sessions,
            result.equity,
            [trade.profit for trade in result.trades],
            [trade.fees for trade in result.trades],
        ),
    ).fetchone()
    assert compared is not None
    return Reproduction(result_id, compared[0], same_platform=here == recorded_on)


def platform_name() -> str:
    """How a runner on this machine names its platform."""
    return f"{platform.system()} {platform.machine()} Python {platform.python_version()}"


def check_code(settings: RunSettings, code_hash: str) -> None:
    """Raises NotReproducible where the strategy's code here is not what made a result."""
    from strategies.registry import StrategyError, published_strategies

    try:
        here = {entry["name"]: entry["code_hash"] for entry in published_strategies()}
    except StrategyError as error:
        raise NotReproducible(str(error)) from error
    if settings.strategy not in here:
        raise NotReproducible(
            f"this installation has no strategy {settings.strategy}",
            hint="a strategy of your own is found in its project, or by BACKDESK_STRATEGIES",
        )
    if here[settings.strategy] != code_hash:
        raise NotReproducible(
            f"the code of {settings.strategy} is not what made the result",
            detail=f"recorded {code_hash[:12]}, here {str(here[settings.strategy])[:12]}",
            hint="check out the version of the strategy, and of the libraries, that made it",
        )


def run_point(settings: RunSettings, prices: list[AdjustedPrices], point: Point) -> PointResult:
    """One point of a run; NotReproducible where it fails, or where the engine is not here."""
    from runners.engines.registry import load_engines

    engine = load_engines().get(settings.engine)
    if engine is None:
        raise NotReproducible(f"this installation cannot run the engine {settings.engine}")
    context = RunContext(
        settings.risk_limits,
        session_days=session_days(settings.session_days),
        sessions_a_year=settings.sessions_a_year,
    )
    with in_run(context):
        outcome = next(iter(engine.run(settings, prices, [point], lambda _: None)))
    if not isinstance(outcome, PointResult):
        raise NotReproducible("the point fails now", detail=outcome.error)
    return outcome
