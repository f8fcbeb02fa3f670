"""The metaclass of `BaseStrategy`: parameters declared once, and state that needs no `super().__init__()`."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import ParameterError, from_params, merged


class DeclaredParameters(type(bt.Strategy)):  # type: ignore[misc]
    """Derives Backtrader's `params` from `parameters`, so that a strategy declares each of them once.

    A class with Backtrader's own `params` works too: they are read off its defaults, without bounds.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        own = tuple(namespace.get("parameters", ()))
        stock = dict(namespace.get("params", ()))
        both = sorted({parameter.name for parameter in own} & set(stock))
        if both:
            raise ParameterError(
                f"{name} declares {both[0]!r} in `parameters` and in `params`; keep the first"
            )
        inherited = [parameter for base in reversed(bases) for parameter in getattr(base, "parameters", ())]
        namespace["parameters"] = merged(inherited, own + from_params(stock))
        namespace["params"] = (*stock.items(), *((parameter.name, parameter.default) for parameter in own))
        return super().__new__(mcs, name, bases, namespace)

    def dopreinit(cls, _obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Before `__init__`, so that a class which forgets `super().__init__()` trades as any other."""
        _obj, args, kwargs = super().dopreinit(_obj, *args, **kwargs)
        _obj.prepare()
        return _obj, args, kwargs

    def doinit(cls, _obj: Any, *args: Any, **kwargs: Any) -> Any:
        _obj, args, kwargs = super().doinit(_obj, *args, **kwargs)
        # LEAN's classes have this method and no __init__.
        _obj.initialize()
        _obj.equip()
        return _obj, args, kwargs
