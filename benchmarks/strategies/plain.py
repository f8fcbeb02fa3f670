"""Strategies as Backtrader's users write them: nothing of the desk in them."""

import backtrader as bt


class SMACross(bt.Strategy):
    """Two averages cross; ten shares."""

    name = "bench_sma"
    params = (("fast", 10), ("slow", 30))

    def __init__(self):
        fast = bt.ind.SMA(self.data.close, period=self.p.fast)
        slow = bt.ind.SMA(self.data.close, period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self):
        if not self.position:
            if self.cross[0] > 0:
                self.buy(size=10)
        elif self.cross[0] < 0:
            self.close()


class RSIReversion(bt.Strategy):
    """Buy what is oversold; ten shares."""

    name = "bench_rsi"
    params = (("period", 14), ("low", 30), ("high", 70))

    def __init__(self):
        self.rsi = bt.ind.RSI(self.data.close, period=self.p.period, safediv=True)

    def next(self):
        if not self.position:
            if self.rsi[0] < self.p.low:
                self.buy(size=10)
        elif self.rsi[0] > self.p.high:
            self.close()


class Portfolio(bt.Strategy):
    """The crossing averages on every feed."""

    name = "bench_portfolio"
    params = (("fast", 10), ("slow", 30))

    def __init__(self):
        self.cross = {}
        for data in self.datas:
            fast = bt.ind.SMA(data.close, period=self.p.fast)
            slow = bt.ind.SMA(data.close, period=self.p.slow)
            self.cross[data] = bt.ind.CrossOver(fast, slow)

    def next(self):
        for data in self.datas:
            if not self.getposition(data).size:
                if self.cross[data][0] > 0:
                    self.buy(data, size=10)
            elif self.cross[data][0] < 0:
                self.close(data)


class Trader(bt.Strategy):
    """An order every so many bars, whatever the prices."""

    name = "bench_trader"
    params = (("every", 10),)

    def next(self):
        if len(self) % self.p.every == 0:
            if self.position:
                self.close()
            else:
                self.buy(size=10)
