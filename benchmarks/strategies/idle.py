"""A strategy that does nothing: what is left is the queue."""

import backtrader as bt


class Idle(bt.Strategy):
    """Nothing at all."""

    name = "bench_idle"
    params = (("one", 0), ("other", 0))
