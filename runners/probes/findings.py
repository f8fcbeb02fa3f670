"""What a probe found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """`about` names the probe; a fault is something that makes results worthless."""

    verdict: Verdict
    about: str
    found: str
    todo: str = ""
