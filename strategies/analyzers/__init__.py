"""Backtrader analyzers: what one backtest did, in plain values that JSON takes.

Add them to any Cerebro (`cerebro.addanalyzer(TradeLog, _name="trades")`), read `get_analysis()`. They count
and add up; ratios are SQL's.
"""

from strategies.analyzers.commissions import Commissions
from strategies.analyzers.equity_curve import EquityCurve
from strategies.analyzers.ib_performance import IBPerformance
from strategies.analyzers.monthly_returns import MonthlyReturns
from strategies.analyzers.trade_log import TradeLog

ANALYZERS = {
    "equity": EquityCurve,
    "commissions": Commissions,
    "monthly_returns": MonthlyReturns,
    "trade_log": TradeLog,
    "ib_performance": IBPerformance,
}

__all__ = ["ANALYZERS", "Commissions", "EquityCurve", "IBPerformance", "MonthlyReturns", "TradeLog"]
