"""LEAN's indicator shortcuts, on Backtrader's indicators.

`self.rsi("SPY", 14)` in `__init__` or `initialize` gives an object with LEAN's `is_ready` and `current.value`
that is also read as Backtrader's, `[0]` the newest value and `[-1]` the one before. Defaults are LEAN's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

import backtrader as bt

from strategies import rolling
from strategies.consolidators import Bar, Consolidator, period_seconds
from strategies.parameters import ParameterError
from strategies.portfolio import feed_of


class MovingAverageType(IntEnum):
    """LEAN's names and numbers, those that Backtrader has an average for."""

    SIMPLE = 0
    EXPONENTIAL = 1
    WILDERS = 2
    LINEAR_WEIGHTED_MOVING_AVERAGE = 3
    DOUBLE_EXPONENTIAL = 4
    TRIPLE_EXPONENTIAL = 5
    KAMA = 8
    HULL = 9

    @property
    def indicator(self) -> Any:
        return {0: bt.ind.SMA, 1: bt.ind.EMA, 2: bt.ind.SMMA, 3: bt.ind.WMA, 4: bt.ind.DEMA,
                5: bt.ind.TEMA, 8: bt.ind.KAMA, 9: bt.ind.HMA}[int(self)]  # fmt: skip


class Resolution(Enum):
    """LEAN's bar lengths, in seconds."""

    SECOND = 1
    MINUTE = 60
    HOUR = 3_600
    DAILY = 86_400


@dataclass(frozen=True)
class DataPoint:
    """LEAN's `indicator.current`."""

    value: float

    def __float__(self) -> float:
        return self.value


class LeanIndicator:
    """One line of a Backtrader indicator by LEAN's names."""

    def __init__(self, line: Any, needs: int, **parts: LeanIndicator) -> None:
        self.line = line
        self.warm_up_period = needs
        self._parts = parts

    def __getattr__(self, name: str) -> LeanIndicator:
        """`upper_band` of bands, `signal` of a MACD, ..."""
        try:
            return self.__dict__["_parts"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"this indicator has no {name!r}") from None

    def __getitem__(self, ago: int) -> float:
        return float(self.line[ago])

    def __len__(self) -> int:
        return len(self.line)

    def __bool__(self) -> bool:
        return True

    def __float__(self) -> float:
        return self[0]

    def __gt__(self, other: Any) -> bool:
        return float(self) > float(other)

    def __lt__(self, other: Any) -> bool:
        return float(self) < float(other)

    @property
    def is_ready(self) -> bool:
        return len(self.line) >= self.warm_up_period

    @property
    def current(self) -> DataPoint:
        """NaN while it is not ready."""
        return DataPoint(self[0] if self.is_ready else float("nan"))

    @property
    def previous(self) -> DataPoint:
        return DataPoint(self[-1] if len(self.line) > self.warm_up_period else float("nan"))


class LeanTrueRange(bt.Indicator):  # type: ignore[misc]
    """Wilder's true range; that of the first bar is its own range, as LEAN has it."""

    lines: Any = ("tr",)

    def nextstart(self) -> None:
        self.lines.tr[0] = self.data.high[0] - self.data.low[0]

    def next(self) -> None:
        before = self.data.close[-1]
        self.lines.tr[0] = max(self.data.high[0], before) - min(self.data.low[0], before)


class LongerBars(bt.Indicator):  # type: ignore[misc]
    """Values of a rolling indicator on longer bars: each holds until the next longer bar is complete."""

    lines: Any = ("value", "first", "second", "third", "fourth")
    params = (("seconds", 0), ("rolling", None), ("names", ()))

    def __init__(self) -> None:
        super().__init__()
        self._consolidator = Consolidator(self.data, self.p.seconds, self._complete)
        self._row = [float("nan")] * 5

    def _complete(self, bar: Bar) -> None:
        values = self.p.rolling.update(bar)
        if values is not None:
            self._row[: 1 + len(self.p.names)] = [values["value"], *(values[name] for name in self.p.names)]

    def next(self) -> None:
        self._consolidator.update()
        for line, value in zip(self.lines, self._row, strict=True):
            line[0] = value


class LongerBarsIndicator(LeanIndicator):
    """By LEAN's names, like any other; ready when its first value is there."""

    @property
    def is_ready(self) -> bool:
        return len(self.line) > 0 and self.line[0] == self.line[0]


class LeanIndicators:
    """The shortcuts, as methods of `BaseStrategy`.

    They are annotated as Any there, since strategies like to name their own indicators `self.sma`.
    """

    def _sma(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        if (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(*longer, rolling.MovingAverage(0, period))
        line = bt.ind.SMA(_source(self, symbol, resolution, selector), period=period)
        return LeanIndicator(line, period)

    def _ema(
        self, symbol: Any, period: int, *rest: Any, resolution: Any = None, selector: Any = None
    ) -> LeanIndicator:
        """`ema(symbol, period, resolution)` or `ema(symbol, period, smoothing_factor, resolution)`."""
        smoothing = {}
        if rest and isinstance(rest[0], float):
            smoothing, rest = {"_factor": rest[0]}, rest[1:]
        resolution, selector = (*rest, resolution, selector)[:2] if rest else (resolution, selector)
        if not smoothing and (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(*longer, rolling.MovingAverage(1, period))
        source = _source(self, symbol, resolution, selector)
        if smoothing:
            line = bt.ind.ExponentialSmoothing(source, period=period, alpha=smoothing["_factor"])
        else:
            line = bt.ind.EMA(source, period=period)
        return LeanIndicator(line, period)

    def _rsi(
        self, symbol: Any, period: int, moving_average_type: MovingAverageType = MovingAverageType.WILDERS,
        resolution: Any = None, selector: Any = None,
    ) -> LeanIndicator:  # fmt: skip
        if (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(*longer, rolling.StrengthIndex(period, moving_average_type))
        source = _source(self, symbol, resolution, selector)
        # safediv: a stretch of closes that never fall is 100, not a division by zero.
        line = bt.ind.RSI(source, period=period, movav=_average(moving_average_type), safediv=True)
        return LeanIndicator(line, period + 1)

    def _bb(
        self, symbol: Any, period: int, k: float,
        moving_average_type: MovingAverageType = MovingAverageType.SIMPLE,
        resolution: Any = None, selector: Any = None,
    ) -> LeanIndicator:  # fmt: skip
        if (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(
                *longer,
                rolling.Bands(period, k, moving_average_type),
                "upper_band",
                "middle_band",
                "lower_band",
                "standard_deviation",
            )
        source = _source(self, symbol, resolution, selector)
        bands = bt.ind.BollingerBands(source, period=period, devfactor=k, movav=_average(moving_average_type))
        deviation = bt.ind.StdDev(source, period=period)
        parts = {"upper_band": bands.top, "middle_band": bands.mid, "lower_band": bands.bot,
                 "standard_deviation": deviation}  # fmt: skip
        return LeanIndicator(bands.mid, period, **_wrapped(parts, period))

    def _macd(
        self, symbol: Any, fast_period: int, slow_period: int, signal_period: int,
        type: MovingAverageType = MovingAverageType.EXPONENTIAL,
        resolution: Any = None, selector: Any = None,
    ) -> LeanIndicator:  # fmt: skip
        if (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(
                *longer,
                rolling.Convergence(fast_period, slow_period, signal_period, type),
                "signal",
                "histogram",
            )
        source = _source(self, symbol, resolution, selector)
        made = bt.ind.MACDHisto(
            source, period_me1=fast_period, period_me2=slow_period, period_signal=signal_period,
            movav=_average(type),
        )  # fmt: skip
        needs = slow_period + signal_period - 1
        parts = {"signal": made.signal, "histogram": made.histo}
        return LeanIndicator(made.macd, needs, **_wrapped(parts, needs))

    def _atr(
        self, symbol: Any, period: int, type: MovingAverageType = MovingAverageType.SIMPLE,
        resolution: Any = None, selector: Any = None,
    ) -> LeanIndicator:  # fmt: skip
        if (longer := _longer(self, symbol, resolution)) is not None:
            return _on_longer_bars(*longer, rolling.TrueRange(period, type))
        ranges = LeanTrueRange(_source(self, symbol, resolution, selector))
        return LeanIndicator(_average(type)(ranges, period=period), period)

    def _std(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        line = bt.ind.StdDev(_source(self, symbol, resolution, selector), period=period)
        return LeanIndicator(line, period)

    def _max(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        source = _source(self, symbol, resolution, selector, default="high")
        return LeanIndicator(bt.ind.Highest(source, period=period), period)

    def _min(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        source = _source(self, symbol, resolution, selector, default="low")
        return LeanIndicator(bt.ind.Lowest(source, period=period), period)

    def _roc(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        line = bt.ind.ROC(_source(self, symbol, resolution, selector), period=period)
        return LeanIndicator(line, period + 1)

    def _mom(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> LeanIndicator:
        line = bt.ind.Momentum(_source(self, symbol, resolution, selector), period=period)
        return LeanIndicator(line, period + 1)

    sma: Any = _sma
    ema: Any = _ema
    rsi: Any = _rsi
    bb: Any = _bb
    macd: Any = _macd
    atr: Any = _atr
    std: Any = _std
    max: Any = _max
    min: Any = _min
    roc: Any = _roc
    mom: Any = _mom


def _wrapped(lines: dict[str, Any], needs: int) -> dict[str, LeanIndicator]:
    return {name: LeanIndicator(line, needs) for name, line in lines.items()}


def _longer(strategy: Any, symbol: Any, resolution: Any) -> tuple[Any, int] | None:
    """The feed and the length in seconds where bars longer than the feed's are asked for."""
    if resolution is None:
        return None
    data, seconds = feed_of(strategy, symbol), period_seconds(resolution)
    return None if seconds == period_seconds(data) else (data, seconds)


def _on_longer_bars(data: Any, seconds: int, of: rolling.Rolling, *names: str) -> LeanIndicator:
    make: Any = LongerBars
    made = make(data, seconds=seconds, rolling=of, names=names)
    lines = dict(zip(names, list(made.lines)[1:], strict=False))
    parts = {name: LongerBarsIndicator(line, 1) for name, line in lines.items()}
    return LongerBarsIndicator(made.lines[0], 1, **parts)


def _average(kind: MovingAverageType) -> Any:
    try:
        return MovingAverageType(kind).indicator
    except ValueError:
        known = ", ".join(MovingAverageType.__members__)
        raise ParameterError(f"moving average type {kind!r} is not known here; known are {known}") from None


def _source(strategy: Any, symbol: Any, resolution: Any, selector: Any, default: str = "") -> Any:
    """The feed, or its bars put together to longer ones; `selector` names a line such as "high"."""
    if len(strategy):
        raise ParameterError("indicators are made in __init__ or initialize, before the first bar")
    data = feed_of(strategy, symbol)
    if resolution is not None and period_seconds(resolution) != period_seconds(data):
        raise ParameterError(f"this indicator is made of the feed's own bars only, not of {resolution!r}")
    if selector is None and default:
        selector = default
    if selector is None:
        return data
    if not isinstance(selector, str):
        raise ParameterError('a selector is the name of a line here, such as "high", not a function')
    return getattr(data, selector)
