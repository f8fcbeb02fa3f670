"""LEAN is offered by a runner that can start it; `lean` on PATH does not say that it can."""

from __future__ import annotations

import shutil

from runners.engines.base import Engine
from runners.engines.lean.settings import LeanSettings


def offer() -> Engine | None:
    if not shutil.which(LeanSettings.from_environment().command):
        return None
    from runners.engines.lean.usable import check

    if not check().usable:
        return None
    from runners.engines.lean.engine import LeanEngine

    return LeanEngine()
