"""What a probe found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ProbeFinding:
    """`about` names the probe; a fault is something that makes results worthless."""

    verdict: Literal["ok", "note", "fault"]
    about: str
    found: str
    todo: str = ""
