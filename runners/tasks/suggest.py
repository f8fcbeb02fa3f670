"""Suggests the next points of a Bayesian search: tree-structured Parzen estimators, by Optuna.

Optuna sees every axis as whole numbers or as an interval, so that what it suggests is exactly a value that
SQL has laid out. Nothing is kept between batches: the history is the desk's results, and the seed depends on
their number, so that the same history always gives the same points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from runners.tasks.registry import Request, TaskFailed

SPARE = 2
"""Points suggested for each that is wanted, since SQL leaves out those that break a constraint."""
TRIES = 4
START_UP_POINTS = 10


@dataclass(frozen=True)
class Axis:
    """One parameter: listed values, a grid from `start` by `step`, or an interval."""

    name: str
    values: tuple[Any, ...] | None
    start: Decimal
    step: Decimal | None
    end: Decimal
    integer: bool
    log: bool = False

    @classmethod
    def read(cls, given: dict[str, Any]) -> Axis:
        """From the JSON that SQL makes of a parameter."""
        if "values" in given:
            return cls(given["name"], tuple(given["values"]), Decimal(0), None, Decimal(0), False)
        start = Decimal(str(given["start"]))
        if "step" in given:
            step = Decimal(str(given["step"]))
            return cls(given["name"], None, start, step, Decimal(int(given["count"]) - 1), True)
        end = Decimal(str(given["end"]))
        integer, log = given.get("type") == "integer", bool(given.get("log"))
        return cls(given["name"], None, start, None, end, integer, log)

    @property
    def ordered(self) -> bool:
        """False for words and switches, of which none lies between two others."""
        return self.values is None or all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in self.values
        )

    def distribution(self) -> Any:
        """What Optuna draws from: positions where there are any, else the interval itself."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values is not None:
            last = len(self.values) - 1
            return IntDistribution(0, last) if self.ordered else CategoricalDistribution(range(last + 1))
        if self.step is not None:
            return IntDistribution(0, int(self.end))
        if self.integer:
            return IntDistribution(int(self.start), int(self.end), log=self.log)
        return FloatDistribution(float(self.start), float(self.end), log=self.log)

    def value(self, drawn: Any) -> Any:
        """The parameter's value for what Optuna drew."""
        if self.values is not None:
            return self.values[drawn]
        if self.step is None:
            return drawn
        exact = self.start + self.step * drawn
        return int(exact) if exact == exact.to_integral_value() else float(exact)

    def drawn(self, value: Any) -> Any:
        """What Optuna would have drawn for a value; ValueError for one that is not on the axis."""
        if self.values is not None:
            return self.values.index(value)
        if self.step is None:
            return int(value) if self.integer else float(value)
        position = (Decimal(str(value)) - self.start) / self.step
        if position != position.to_integral_value() or not 0 <= position <= self.end:
            raise ValueError(f"{value} is not on the axis of {self.name}")
        return int(position)


def run(request: Request) -> dict[str, Any]:
    """Points for `payload` (seed, direction, count, space), given `history`: [parameters, value or null]."""
    if find_spec("optuna") is None:
        raise TaskFailed(
            "optuna, which suggests the points of a Bayesian search, is not installed",
            hint="pip install 'backdesk[bayes]'",
        )
    payload = request["payload"]
    axes = [Axis.read(given) for given in payload["space"]]
    history = [(dict(parameters), value) for parameters, value in request.get("history") or ()]
    return {"points": suggested(axes, history, payload["direction"], payload["seed"], payload["count"])}


def suggested(
    axes: Sequence[Axis],
    history: Sequence[tuple[dict[str, Any], float | None]],
    direction: str,
    seed: int,
    count: int,
) -> list[dict[str, Any]]:
    """New points, best guess first; fewer where the space is nearly used up."""
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {axis.name: axis.distribution() for axis in axes}
    # Points of one batch are asked for before any of them has run: each counts as bad until then, so that the
    # next one is drawn elsewhere.
    sampler = optuna.samplers.TPESampler(
        seed=(seed * 1_000_003 + len(history)) % 2**32,
        n_startup_trials=START_UP_POINTS,
        constant_liar=True,
    )
    study = optuna.create_study(direction="minimize" if direction == "min" else "maximize", sampler=sampler)
    known = []
    for parameters, value in history:
        try:
            drawn = {axis.name: axis.drawn(parameters[axis.name]) for axis in axes}
        except (KeyError, ValueError):
            continue
        known.append(drawn)
        # Without a value it counts as worse than any with one.
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(params=drawn, distributions=distributions, value=value, state=state))
    seen = {tuple(sorted(drawn.items())) for drawn in known}
    points: list[dict[str, Any]] = []
    for _ in range(TRIES * SPARE * count):
        drawn = study.ask(distributions).params
        key = tuple(sorted(drawn.items()))
        if key not in seen:
            seen.add(key)
            points.append({axis.name: axis.value(drawn[axis.name]) for axis in axes})
        if len(points) == SPARE * count:
            break
    return points
