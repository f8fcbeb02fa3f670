"""Finds every result under a folder and puts those of one search together.

`lean optimize` leaves a folder with a log of its own and a folder for each backtest; `lean backtest` leaves
one folder a backtest. Nothing there is an index, so everything is looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runners.engines.lean.backtest_log import has_statistics, parse_backtest_log
from runners.engines.lean.documents import MAX_BYTES, LeanFileError, find, number, read_json
from runners.engines.lean.optimizer_log import OptimizerLog, read_optimizer_log
from runners.engines.lean.result_file import LeanResult, fills_of_events, parse_result
from runners.engines.lean.result_metrics import why_refused

MAX_FILES = 1_000_000
_BACKTEST_ID = re.compile(
    r"^(?:\d{6,20}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$", re.I
)
_OTHERS = re.compile(
    r"-order-events\.json$|^data-monitor-report-|^optimizer-config\.json$|^config\.json$|^lean\.json$|"
    r"^alpha-results\.json$|^modules-[\d.]+\.json$",
    re.I,
)
_SHAPE = re.compile(rb'"(?:statistics|totalperformance|rollingwindow|runtimestatistics)"', re.I)
# Parts of a path that say when or where, and not which project.
_NO_PROJECT = re.compile(
    r"^(?:backtests?|optimizations?|results?|backtest-results|output|out|runs|\d[\d_.-]*|[0-9a-f-]{36}|"
    r"(?:backtest|combination|point|run|trial)[ _-]?\d+|)$",
    re.I,
)
_SKIPPED_FOLDERS = frozenset({"code", "storage", ".git", "node_modules", "__pycache__"})


@dataclass(frozen=True)
class Refusal:
    """A file that is not imported, and why."""

    file: Path
    reason: str


@dataclass(frozen=True)
class Search:
    """Results that belong together; `log` and `config` are the optimizer's, where one made them."""

    folder: Path
    results: tuple[LeanResult, ...]
    log: OptimizerLog | None = None
    config: Any = None
    remarks: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Found:
    searches: tuple[Search, ...]
    refusals: tuple[Refusal, ...]


def discover(place: Path, *, one_search: bool = False) -> Found:
    """Everything under a folder, or one file. `one_search` takes what no optimizer claims as one search."""
    results: dict[Path, list[LeanResult]] = {}
    refusals: list[Refusal] = []
    optimizations = {} if place.is_file() else dict(_optimizations(place))
    for file in [place] if place.is_file() else _files(place):
        home = _home(file, optimizations) or place
        try:
            result = _read(file, optimizations.get(home, (None, None))[0], named=file == place)
        except LeanFileError as error:
            refusals.append(Refusal(file, error.message))
            continue
        if result is None:
            continue
        why = why_refused(result)
        if why is None:
            results.setdefault(home, []).append(result)
        else:
            refusals.append(Refusal(file, why))
    searches = []
    for home, (log, config) in optimizations.items():
        kept = _one_a_combination(results.pop(home, []), refusals)
        refusals += _never_arrived(home, log, kept, refusals)
        searches.append(Search(home, kept, log, config, _remarks(log)))
    for loose in results.values():
        groups = _projects(loose) if one_search else _sweeps(loose)
        for group in groups:
            kept = _one_a_combination(group, refusals)
            folder = Path(os.path.commonpath([result.path.parent for result in kept]))
            searches.append(Search(folder, kept))
    return Found(tuple(search for search in searches if search.results), tuple(refusals))


def _files(place: Path) -> Iterator[Path]:
    """Files that may hold a result: JSON files by name or content, logs where there is no JSON."""
    seen = 0
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        seen += len(names)
        if seen > MAX_FILES:
            raise LeanFileError(
                f"{place} has more than {MAX_FILES:,} files", hint="name the folder of one project"
            )
        here = Path(folder)
        found = [
            here / name for name in sorted(names) if name.endswith(".json") and _may_be_result(here / name)
        ]
        full = {file.stem for file in found}
        # A summary repeats the result beside it.
        found = [file for file in found if not (file.stem.endswith("-summary") and file.stem[:-8] in full)]
        yield from found
        if not found and "log.txt" in names and has_statistics(here / "log.txt"):
            yield here / "log.txt"


def _may_be_result(file: Path) -> bool:
    if _OTHERS.search(file.name):
        return False
    if _BACKTEST_ID.match(file.stem.removesuffix("-summary")):
        return True
    try:
        with file.open("rb") as opened:
            return _SHAPE.search(opened.read(MAX_BYTES)) is not None
    except OSError:
        return False


def _optimizations(place: Path) -> Iterator[tuple[Path, tuple[OptimizerLog | None, Any]]]:
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        here = Path(folder)
        log = read_optimizer_log(here / "log.txt") if "log.txt" in names else None
        config = None
        if "optimizer-config.json" in names:
            try:
                config = read_json(here / "optimizer-config.json")
            except LeanFileError:
                config = {}
        if log is not None or config is not None:
            yield here, (log, config)


def _home(file: Path, optimizations: dict[Path, Any]) -> Path | None:
    return next((parent for parent in file.parents if parent in optimizations), None)


def _read(file: Path, log: OptimizerLog | None, *, named: bool) -> LeanResult | None:
    """The result in a file; None where the file turns out to be something else's."""
    launched = log.parameters.get(_backtest_of(file)) if log is not None else None
    if file.name == "log.txt":
        return parse_backtest_log(file, launched)
    summary = file.stem.endswith("-summary")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise LeanFileError(f"is larger than {MAX_BYTES >> 30} GiB")
        result = parse_result(file, file.read_bytes(), source="summary" if summary else "json")
    except OSError as error:
        raise LeanFileError(f"cannot be read: {error.strerror}") from error
    if result.parameters is None or (not result.parameters and launched):
        result = replace(result, parameters=launched)
    events = file.with_name(f"{file.stem.removesuffix('-summary')}-order-events.json")
    if events.is_file():
        result = _with_events(result, events)
    return replace(result, failed_request_share=_failed_share(file.parent))


def _backtest_of(file: Path) -> str:
    return file.parent.name if file.name == "log.txt" else file.stem.removesuffix("-summary")


def _with_events(result: LeanResult, events: Path) -> LeanResult:
    try:
        fills = fills_of_events(read_json(events))
    except LeanFileError:
        return result
    return replace(result, fills=fills) if fills else result


def _failed_share(folder: Path) -> float | None:
    """Share of failed requests in the newest data-monitor report of a folder."""
    for report in sorted(folder.glob("data-monitor-report-*.json"), reverse=True):
        try:
            document = read_json(report)
        except LeanFileError:
            continue
        failed = number(find(document, "failed-data-requests-count"))
        total = number(find(document, "total-data-requests-count"))
        if failed is not None and total:
            return min(failed / total, 1.0)
    return None


def _one_a_combination(results: Sequence[LeanResult], refusals: list[Refusal]) -> tuple[LeanResult, ...]:
    """One result a parameter set, the first; an Euler search computes some points again."""
    kept: dict[object, LeanResult] = {}
    for result in results:
        key = tuple(sorted(result.parameters.items())) if result.parameters else result.file_hash
        if key in kept:
            same = kept[key].path.name
            refusals.append(Refusal(result.path, f"has the parameters of {same}, which is imported"))
        else:
            kept[key] = result
    return tuple(kept.values())


def _sweeps(results: Sequence[LeanResult]) -> list[list[LeanResult]]:
    """Single backtests that are one sweep: the same window and parameter names, each combination once."""
    sweeps: dict[object, list[LeanResult]] = {}
    for result in results:
        names = tuple(sorted(result.parameters or ()))
        project = _project_folder(result.path)
        key: object = (project, result.start_date, result.end_date, names) if names else result.path
        while key in sweeps and any(other.parameters == result.parameters for other in sweeps[key]):
            key = (key, "again")
        sweeps.setdefault(key, []).append(result)
    return list(sweeps.values())


def _projects(results: Sequence[LeanResult]) -> list[list[LeanResult]]:
    """Results of one project each, since nothing of one project is a trial of another."""
    projects: dict[Path, list[LeanResult]] = {}
    for result in results:
        projects.setdefault(_project_folder(result.path), []).append(result)
    return list(projects.values())


def _project_folder(file: Path) -> Path:
    """The nearest folder with the name of a project, and not of a backtest, a day or a kind of output."""
    return next((parent for parent in file.parents if not _NO_PROJECT.match(parent.name)), file.parent)


def project_name(folder: Path) -> str:
    """The name of the project that a folder belongs to; empty where no part of its path is one."""
    return next((part for part in reversed(folder.resolve().parts) if not _NO_PROJECT.match(part)), "")


def _never_arrived(
    home: Path, log: OptimizerLog | None, kept: Sequence[LeanResult], refusals: Sequence[Refusal]
) -> Iterator[Refusal]:
    """Backtests that the optimizer launched and that left nothing to import."""
    if log is None:
        return
    known = {_backtest_of(result.path) for result in kept} | {_backtest_of(one.file) for one in refusals}
    for backtest in log.parameters:
        if backtest not in known:
            why = "LEAN says that it failed" if backtest in log.failed else "there is no result file"
            yield Refusal(home / backtest, f"left no result: {why}")


def _remarks(log: OptimizerLog | None) -> tuple[str, ...]:
    if log is None or log.ended:
        return ()
    why = f": {log.errors[-1]}" if log.errors else ""
    return (f"the optimization was cut off before its end{why}",)
