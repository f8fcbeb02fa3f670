"""Runs one backtest in this process, through the same engine as every runner."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from runners import __version__
from runners.backtests.figures import Figures, ask
from runners.backtests.price_source import Prices, find_prices
from runners.backtests.request import BacktestRequest
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Commission, Point, PointFailure, PointResult, RunSettings
from runners.errors import DeskError
from runners.settings import Settings
from strategies import run_context
from strategies.analyzers import ANALYZERS
from strategies.run_context import RunContext


class BacktestFailed(DeskError):
    """The strategy raised."""


@dataclass(frozen=True)
class Backtest:
    """A finished backtest; `figures` is None where no desk was there to compute them."""

    id: str
    made_at: dt.datetime
    request: BacktestRequest
    settings: RunSettings
    prices: Prices
    result: PointResult
    analyses: dict[str, Any]
    figures: Figures | None

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter with its value, defaults included."""
        defaults = {parameter.name: parameter.default for parameter in self.request.entry.parameters}
        return defaults | dict(self.request.parameters)

    def document(self) -> dict[str, Any]:
        """Everything, as the JSON file has it."""
        settings, entry = self.settings, self.request.entry
        return {
            "format": 1,
            "id": self.id,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "version": __version__,
            "strategy": entry.name,
            "code_hash": settings.code_hash,
            "parameters": self.parameters,
            "symbols": list(settings.symbols),
            "timeframe": settings.timeframe,
            "start_date": settings.start_date.isoformat(),
            "end_date": settings.end_date.isoformat(),
            "cash": settings.cash,
            "commission": settings.commission.percent,
            "slippage": settings.slippage,
            "seed": settings.seed,
            "prices": {"source": self.prices.source, "description": self.prices.description},
            "raw_metrics": self.result.metrics,
            "figures": None
            if self.figures is None
            else [
                {"metric": one.metric, "title": one.title, "unit": one.unit, "decimals": one.decimals,
                 "value": one.value}
                for one in self.figures.metrics
            ],
            "rolling_sharpe": []
            if self.figures is None
            else [[day.isoformat(), value] for day, value in self.figures.rolling_sharpe],
            **self.analyses,
        }  # fmt: skip


def execute(request: BacktestRequest, source: str, settings: Settings) -> Backtest:
    """Run it; BacktestFailed with the strategy's own error where it raises."""
    prices = find_prices(request, source, settings)
    run = _run_settings(request, prices)
    engine = BacktraderEngine(ANALYZERS)
    intraday = request.timeframe[-1] in "mh"
    with run_context.in_run(RunContext(session_days=prices.days if intraday else ())):
        (outcome,) = engine.run(run, prices.series, [Point(1, request.parameters)], lambda _: None)
    if isinstance(outcome, PointFailure):
        raise BacktestFailed(f"{request.entry.name} failed", detail=outcome.error)
    return Backtest(
        id=str(uuid.uuid4()),
        made_at=dt.datetime.now(dt.UTC),
        request=request,
        settings=run,
        prices=prices,
        result=outcome,
        analyses=engine.analyses,
        figures=ask(outcome.metrics, outcome.sessions, outcome.equity, run, settings),
    )


def _run_settings(request: BacktestRequest, prices: Prices) -> RunSettings:
    return RunSettings(
        optimization_run_id=0,
        strategy=request.entry.name,
        entry_point=request.entry.name,
        engine="backtrader",
        symbols=request.symbols,
        timeframe=request.timeframe,
        start_date=request.start or prices.first,
        end_date=request.end or prices.last,
        cash=request.cash,
        commission=Commission(percent=request.commission),
        slippage=request.slippage,
        seed=request.seed,
        data_hash="",
        code_hash=str(request.entry.published()["code_hash"]),
        stock=False,
        seconds_per_point=0.0,
        memory_mb=0.0,
        block_count=0,
        splits=prices.splits,
        contracts=prices.contracts,
        resample=request.entry.resample if request.resample is None else request.resample,
        session_days=tuple((day.zone, day.begins) for day in prices.days),
    )
