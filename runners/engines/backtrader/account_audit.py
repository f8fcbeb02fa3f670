"""Looks at the account after a run: what a strategy changed in it by any way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runners.engines.backtrader.account import AccountError, ConfiguredBroker, check_fees
from runners.engines.backtrader.commission import is_plain
from runners.engines.backtrader.recorder import Recorder
from runners.engines.base import RunSettings


def audit(cerebro: Any, broker: ConfiguredBroker, settings: RunSettings, recorder: Recorder) -> None:
    """Raise AccountError where a strategy changed the account by another way than the broker's methods."""
    if cerebro.broker is not broker:
        raise AccountError("the strategy put another broker in place of the run's; leave that out")
    if broker.changed_slippage():
        raise AccountError(
            f"the strategy changed the broker's slippage; write slippage in the config, which has "
            f"{settings.slippage:.15g}"
        )
    for symbol, scheme in broker.comminfo.items():
        check_fees(scheme, settings, symbol)
    if not broker.p.shortcash or not all(
        is_plain(scheme) or scheme.p.margin == _margin(settings, symbol)
        for symbol, scheme in broker.comminfo.items()
    ):
        return
    due = settings.cash - recorder.spent + sum(broker.flows.values()) - sum(broker._cash_addition)
    due += _in_positions(broker, settings)
    if abs(broker.cash - due) > 1e-6 + 1e-9 * (settings.cash + recorder.traded_value):
        raise AccountError(
            f"the account has {broker.cash:,.2f} of cash where its fills leave {due:,.2f}: the strategy "
            f"wrote into it; the config has cash: {settings.cash:.15g}"
        )
    held = math.fsum(position.size for position in broker.positions.values())
    if not math.isclose(held, recorder.held, rel_tol=1e-9, abs_tol=1e-6):
        raise AccountError(
            f"the account holds {held:g} shares where its fills leave {recorder.held:g}: the strategy wrote "
            "into its positions; send orders"
        )


def _margin(settings: RunSettings, symbol: str | None) -> float | None:
    contract = settings.contracts.get(symbol or "")
    return None if contract is None else contract.margin


def _in_positions(broker: ConfiguredBroker, settings: RunSettings) -> float:
    """What open contracts have won, and is in the account already, less the margin that they hold."""
    money = []
    for data, position in broker.positions.items():
        margin = _margin(settings, data._name)
        if position.size and margin is not None:
            multiplier = settings.contracts[data._name].multiplier
            money += [position.size * position.adjbase * multiplier, -abs(position.size) * margin]
    return math.fsum(money)


def remarks(cerebro: Any, broker: ConfiguredBroker) -> dict[str, float | str]:
    """What the strategy changed that no key decides, as engine metrics that SQL makes flags of."""
    noted = list(broker.noted)
    cheats = {
        "cheat-on-close": broker.p.coc or "cheat-on-close" in noted,
        "cheat-on-open": broker.p.coo or cerebro.p.cheat_on_open or "cheat-on-open" in noted,
        "timers that cheat": bool(cerebro._timerscheat),
    }
    said = {
        "fills at prices already seen": [name for name, does in cheats.items() if does],
        "broker's rules by the strategy": [what for what in noted if what not in cheats],
    }
    found: dict[str, float | str] = {
        f"flag {what}: {', '.join(names)}": 1.0 for what, names in said.items() if names
    }
    if broker.margin is not None and broker.margin.calls:
        found |= {"margin_calls": float(broker.margin.calls), "flag shorts bought back on a margin call": 1.0}
    return found


def share_remarks(settings: RunSettings, split: Mapping[str, Sequence[float]]) -> dict[str, float | str]:
    """Where shares were counted before a later split: fees a share, and sizes that follow no account.

    `split` are the sizes opened before one, by symbol.
    """
    fixed = [symbol for symbol, sizes in split.items() if len(sizes) > 1 and len(set(sizes)) == 1]
    said = {
        "fees a share count the shares of the day, before later splits": settings.commission.per_share
        and list(split),
        "one size for all orders is in shares as of the prices' end, before later splits": fixed,
    }
    return {f"flag {what}: {', '.join(symbols)}": 1.0 for what, symbols in said.items() if symbols}
