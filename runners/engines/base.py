"""What an engine is: the small interface between the worker and whatever executes a backtest."""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, Protocol

from runners.errors import DeskError
from strategies.contracts import SHARE, Contract

FailureKind = Literal["strategy", "memory", "infrastructure"]
MetricValue = (
    int | float | str | list[int] | list[float] | dict[str, float | str] | list[dict[str, float | str]]
)


class SettingsError(DeskError):
    """Settings of a run do not have the shape that this runner knows."""


@dataclass(frozen=True)
class Commission:
    """What a fill costs: `percent` is a fraction of the traded value (0.001 is 0.1 %), the others are money.
    Contracts on margin pay `per_contract`, unless it is None, in place of `percent` and `per_share`."""

    percent: float = 0.0
    per_share: float = 0.0
    minimum: float = 0.0
    per_contract: float | None = None

    def fee(self, size: float, price: float, contract: Contract = SHARE) -> float:
        """Money of a fill; 0 of nothing."""
        shares = abs(size)
        if not shares:
            return 0.0
        # The order of these factors is Backtrader's own, so that plain percent fees agree to the bit.
        if contract.margin is not None and self.per_contract is not None:
            fee = shares * self.per_contract
        else:
            fee = shares * self.percent * price * contract.multiplier + shares * self.per_share
        return max(fee, self.minimum)


@dataclass(frozen=True)
class Margin:
    """Least value of an account with shorts, as fractions of the gross value of its positions: after an order
    that opens or adds, and at the close of a bar."""

    initial: float
    maintenance: float


@dataclass(frozen=True)
class CashFlows:
    """What is paid in (negative: taken out) at the first close of each new `every`; `by_strategy` lets the
    strategy do so too."""

    amount: float = 0.0
    every: str = ""
    by_strategy: bool = False


Splits = tuple[tuple[dt.date, float], ...]
"""Ex-dates, ascending, each with the shares before it that one adjusted share is: 1/28 before 7:1 and 4:1."""


def splits_from_json(document: Mapping[str, Sequence[tuple[str, float]]] | None) -> dict[str, Splits]:
    """Read what `split_steps` answers, by symbol."""
    return {
        symbol: tuple((dt.date.fromisoformat(day), float(factor)) for day, factor in steps)
        for symbol, steps in (document or {}).items()
    }


def contracts_from_json(document: Mapping[str, Mapping[str, float]] | None) -> dict[str, Contract]:
    """Read what `contract_terms` answers, by symbol."""
    return {
        symbol: Contract(**{name: float(value) for name, value in terms.items()})
        for symbol, terms in (document or {}).items()
    }


@dataclass(eq=False)
class Benchmark:
    """What a run is compared with: `days` are proleptic ordinals of its sessions, ascending (typecode i),
    `deviations` the return of each less the mean of all (typecode d), `sums` their raw metrics by name."""

    days: array[int]
    deviations: array[float]
    sums: Mapping[str, float]
    _seen: Sequence[dt.date] | None = None
    _covers: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Benchmark:
        """Read the key `benchmark` of what `run_settings` returns."""
        sums = {name: float(value) for name, value in document["sums"].items()}
        mean = sums["benchmark_mean"]
        days = array("i", [dt.date.fromisoformat(session).toordinal() for session in document["sessions"]])
        return cls(days, array("d", [value - mean for value in document["returns"]]), sums)

    def covers(self, sessions: Sequence[dt.date]) -> bool:
        """True where these are its sessions; points of one item have one list of them, compared once."""
        if sessions is not self._seen:
            self._seen = sessions
            self._covers = array("i", [session.toordinal() for session in sessions]) == self.days
        return self._covers


@dataclass(frozen=True)
class RunSettings:
    """One run as SQL settled it; `slippage` is a fraction of the price, `memory_mb` counts private memory."""

    optimization_run_id: int
    strategy: str
    entry_point: str
    engine: str
    symbols: tuple[str, ...]
    timeframe: str
    start_date: dt.date
    end_date: dt.date
    cash: float
    commission: Commission
    slippage: float
    seed: int
    data_hash: str
    code_hash: str
    stock: bool
    seconds_per_point: float
    memory_mb: float
    block_count: int
    warm_up_bars: int = 0
    """Bars before `start_date` that are seen and not traded; their sessions are not counted."""
    risk_limits: Mapping[str, float] | None = None
    """Thresholds of the strategy's risk manager, by name; None leaves it its own."""
    sessions_a_year: float = 252.0
    session_days: tuple[tuple[str, int], ...] = ()
    """Of each symbol the zone whose clock cuts its bars into sessions, and when, in seconds from midnight, a
    session's day begins; empty where all are UTC dates."""
    benchmark: Benchmark | None = None
    """None where the run has none."""
    margin: Margin | None = None
    """None where shorts need no margin, as in Backtrader."""
    cash_flows: CashFlows | None = None
    """None where nothing is paid in or taken out."""
    splits: Mapping[str, Splits] = field(default_factory=dict)
    """By symbol, the splits after the window's first day, those after its last too."""
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    """By symbol, the terms of what is no plain share."""
    resample: tuple[str, ...] = ()
    """Longer timeframes whose bars, made of the run's own, are further feeds."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RunSettings:
        """Read what `run_settings` returns; SettingsError names a key that is missing, unknown or malformed.

        An unknown key is refused because ignoring a setting gives wrong numbers without a word.
        """
        known = {one.name for one in fields(cls)}
        required = {
            one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING
        }
        for problem, keys in (
            ("lack", required - set(document)),
            ("have the unknown", set(document) - known),
        ):
            if keys:
                raise SettingsError(
                    f"settings of run {document.get('optimization_run_id')} {problem} {sorted(keys)[0]!r}: "
                    "the runner and the database are of different versions"
                )
        values = dict(document)
        key = ""
        try:
            for key in ("start_date", "end_date"):
                values[key] = dt.date.fromisoformat(values[key])
            for key in ("cash", "slippage", "seconds_per_point", "memory_mb"):
                values[key] = float(values[key])
            for key in ("optimization_run_id", "seed", "block_count", "warm_up_bars"):
                values[key] = int(values.get(key, 0))
            key = "benchmark"
            values[key] = Benchmark.from_json(values[key]) if values.get(key) else None
            key = "margin"
            if values.get(key):
                values[key] = Margin(**{name: float(value) for name, value in values[key].items()})
            key = "cash_flows"
            if values.get(key):
                values[key] = CashFlows(**values[key])
            key = "splits"
            values[key] = splits_from_json(values.get(key))
            key = "contracts"
            values[key] = contracts_from_json(values.get(key))
            key = "resample"
            values[key] = tuple(str(timeframe) for timeframe in values.get(key) or ())
            key = "sessions_a_year"
            values[key] = float(values.get(key, 252.0))
            key = "session_days"
            values[key] = tuple((str(zone), int(begins)) for zone, begins in values.get(key) or ())
            key = "symbols"
            values[key] = tuple(str(symbol) for symbol in values[key])
            key = "commission"
            values[key] = Commission(**{name: float(value) for name, value in values[key].items()})
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise SettingsError(f"setting {key!r} of the run is {document[key]!r}: {error}") from error
        return cls(**values)


@dataclass(frozen=True)
class AdjustedPrices:
    """Adjusted bars of one symbol, oldest first; all arrays have one length.

    `epochs` are UTC seconds (typecode q); a daily bar stands at 00:00 UTC of its session. Prices and volume
    are doubles.
    """

    symbol: str
    epochs: array[int]
    open: array[float]
    high: array[float]
    low: array[float]
    close: array[float]
    volume: array[float]

    @classmethod
    def from_rows(cls, symbol: str, epochs: Sequence[int], *columns: Sequence[float]) -> AdjustedPrices:
        """From the columns open, high, low, close, volume as the database returns them."""
        if len(columns) != 5 or any(len(column) != len(epochs) for column in columns):
            raise SettingsError(f"prices of {symbol}: expected five columns of {len(epochs)} values")
        return cls(symbol, array("q", epochs), *(array("d", column) for column in columns))

    def __len__(self) -> int:
        return len(self.epochs)


@dataclass(frozen=True)
class Point:
    """One backtest to run: its place in the search, and its parameters as JSON has them."""

    ordinal: int
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class PointRange:
    """Points `ordinal` to `last` of a run in bulk, whose parameters its plan decodes from their ordinals."""

    ordinal: int
    last: int

    def halves(self) -> tuple[PointRange, ...]:
        """Itself in two; nothing of a single point."""
        middle = (self.ordinal + self.last) // 2
        if self.ordinal == self.last:
            return ()
        return PointRange(self.ordinal, middle), PointRange(middle + 1, self.last)


@dataclass(frozen=True)
class ClosedTrade:
    """A position from flat to flat; `size` is negative for a short one, `profit` is net of `fees`."""

    symbol: str
    entry_time: dt.datetime
    exit_time: dt.datetime
    size: float
    entry_price: float
    exit_price: float
    profit: float
    fees: float


@dataclass(frozen=True)
class OpenPosition:
    """What a run ended with: of `opened` units, entered at `entry_price` on average, `size` are held; both
    are negative when short. `profit` is that at `last_close`, of the parts closed before too, before `fees`.
    """

    symbol: str
    entry_time: dt.datetime
    size: float
    opened: float
    entry_price: float
    last_time: dt.datetime
    last_close: float
    profit: float
    fees: float

    def as_json(self) -> dict[str, float | str]:
        """As the raw metric `open_positions` has it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {name: values[name].isoformat() for name in ("entry_time", "last_time")}


@dataclass(frozen=True)
class PointResult:
    """What a finished point hands back; `equity` is the account's value at the close of each session."""

    ordinal: int
    metrics: dict[str, MetricValue]
    sessions: list[dt.date]
    equity: list[float]
    trades: list[ClosedTrade]


@dataclass(frozen=True)
class PointFailure:
    """A point whose strategy raised, that ran out of memory, or whose engine was not to be reached; only the
    last may work out another time."""

    ordinal: int
    kind: FailureKind
    error: str


class Engine(Protocol):
    """Executes points of one run; holds no state between calls."""

    @property
    def key(self) -> str:
        """The name by which strategies ask for this engine."""
        ...

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult | PointFailure]:
        """Yield one outcome a point; call `on_start(ordinal)` right before a point begins."""
        ...
