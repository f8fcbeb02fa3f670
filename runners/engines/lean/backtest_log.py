"""A backtest's own `log.txt`: all that is left of it where the result file is missing."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from runners.engines.lean.documents import LeanFileError, text
from runners.engines.lean.result_file import LeanResult
from runners.engines.lean.statistic_names import STATISTIC_NAMES

_MARK = "STATISTICS:: "
_MAX_BYTES = 256 << 20
_ERROR = re.compile(r"ERROR:: (.*)")
_ALGORITHM_ERROR = re.compile(
    r"Algorithm\.Initialize\(\) Error|Runtime Error|RuntimeError|AlgorithmManager\.Run\(\).*exception", re.I
)


def has_statistics(path: Path) -> bool:
    """True of a log whose backtest came to its end."""
    try:
        with path.open("rb") as file:
            return _MARK.encode() in file.read(_MAX_BYTES)
    except OSError:
        return False


def parse_backtest_log(path: Path, parameters: dict[str, str] | None = None) -> LeanResult:
    """The statistics that LEAN wrote into a log; raises LeanFileError where there are none."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES)
    except OSError as error:
        raise LeanFileError(f"cannot be read: {error.strerror}") from error
    content = raw.decode("utf-8", "replace")
    statistics = {}
    for line in content.splitlines():
        _, mark, rest = line.partition(_MARK)
        if not mark:
            continue
        name = next((known for known in STATISTIC_NAMES if rest.startswith(known)), None)
        if name is None:
            # An algorithm's own statistic: its value is the last word.
            name = rest.rpartition(" ")[0] or rest
        statistics[text(name, 80)] = text(rest[len(name) :].strip(), 200)
    if not statistics:
        raise LeanFileError(f"has no statistics: the backtest did not end{_why(content)}")
    return LeanResult(
        path=path,
        source="log",
        file_hash=hashlib.sha256(raw).hexdigest(),
        parameters=parameters,
        status="Completed",
        error="",
        statistics=statistics,
        order_count=None,
    )


def _why(content: str) -> str:
    errors = [found[1] for found in _ERROR.finditer(content)]
    telling = [error for error in errors if _ALGORITHM_ERROR.search(error)] or errors[-1:]
    return f" ({text(telling[0], 300)})" if telling else ""
