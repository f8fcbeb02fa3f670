"""How much each parameter of a search matters: PED-ANOVA (Watanabe, Bansal, Hutter 2023), by Optuna.

It asks how far the values of the best tenth of the points are spread otherwise than those of all. The
standard error is the deviation of the shares over points drawn again with replacement (Efron 1979).
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from runners.tasks.registry import Request, TaskFailed
from runners.tasks.suggest import Axis

RESAMPLES = 20

Points = Sequence[tuple[dict[str, Any], float]]


def run(request: Request) -> dict[str, Any]:
    """Shares and standard errors for `payload` (space, direction, seed); a point is [parameters, value]."""
    if find_spec("optuna") is None:
        raise TaskFailed(
            "optuna, which weighs parameters, is not installed", hint="pip install 'backdesk[bayes]'"
        )
    import optuna

    payload = request["payload"]
    axes = [Axis.read(given) for given in payload["space"]]
    points = [(dict(parameters), float(value)) for parameters, value in request["points"]]
    found = weighed(axes, points, payload["direction"], payload["seed"])
    return {
        "importance": [
            {"parameter": name, "importance": share, "standard_error": error}
            for name, (share, error) in found.items()
        ],
        "points": len(points),
        "method": f"PED-ANOVA, optuna {optuna.__version__}",
    }


def weighed(
    axes: Sequence[Axis], points: Points, direction: str, seed: int
) -> dict[str, tuple[float, float]]:
    """Share and standard error of each axis; shares add up to 1."""
    from optuna.trial import TrialState, create_trial

    distributions = {axis.name: axis.distribution() for axis in axes}
    trials = [
        create_trial(
            params={axis.name: axis.drawn(parameters[axis.name]) for axis in axes},
            distributions=distributions,
            value=value,
            state=TrialState.COMPLETE,
        )
        for parameters, value in points
        if all(axis.name in parameters for axis in axes)
    ]
    names = [axis.name for axis in axes]
    shares = _shares(trials, names, direction)
    draw = random.Random(seed)
    again = [_shares(draw.choices(trials, k=len(trials)), names, direction) for _ in range(RESAMPLES)]
    return {name: (shares[name], statistics.stdev(one[name] for one in again)) for name in names}


def _shares(trials: Sequence[Any], names: Sequence[str], direction: str) -> dict[str, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize" if direction == "min" else "maximize")
    study.add_trials(trials)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = evaluator.evaluate(study, params=list(names))
    total = sum(found.values())
    # Where no value is better than another, none matters more.
    return {name: found[name] / total if total > 0 else 1 / len(names) for name in names}
