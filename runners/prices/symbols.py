"""Names of what trades, as files have them."""

from __future__ import annotations

import re
from pathlib import Path

from runners.prices.series import PriceError

_SYMBOL = re.compile(r"^[A-Z0-9^$#@][A-Z0-9._^=&/:+$#@!*~-]*( [A-Z0-9._^=&/:+$#@!*~-]+)*$")


def is_symbol(name: str) -> bool:
    """Whether the desk can know it by that name; SQL's `load_instrument` has the last word."""
    return len(name) <= 32 and bool(_SYMBOL.match(name))


def symbol_of(path: Path) -> str:
    """The file's name less its last ending: BRK.A of BRK.A.csv. Raises PriceError where that is none."""
    name = path.stem.upper()
    # Words are a title, as in `ABC Historical Data.csv`, and seldom a symbol.
    if not is_symbol(name) or " " in name:
        raise PriceError(f"{path} does not say its symbol", hint="give --symbol")
    return name
