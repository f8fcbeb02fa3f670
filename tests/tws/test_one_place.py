"""Orders leave from one place: what counts the writes of a reference counts them all."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _found(pattern: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("runners", "strategies", "backdesk", "streamlit_app")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line)
    ]


def test_one_line_writes_an_order_and_one_calls_it() -> None:
    places = {
        r"\bplaceOrder\b": "wire.py",
        r"\bwire\.place\b": "sender.py",
        r"rows\.take_orders\(": "sender.py",
    }
    for pattern, file in places.items():
        assert [line.partition(":")[0] for line in _found(pattern)] == [f"runners/live/ib/{file}"]


def test_one_module_imports_the_library() -> None:
    assert _found(r"^\s*(from|import) ib_") == []
    assert {line.partition(":")[0] for line in _found(r'"ib_async"')} == {"runners/live/ib/library.py"}
