"""LEAN's names of statistics, longest first where one begins another, as its logs and files have them."""

from __future__ import annotations

STATISTIC_NAMES = tuple(
    sorted(
        (
            "Total Orders", "Total Trades", "Average Win", "Average Loss",
            "Compounding Annual Return", "Drawdown", "Expectancy", "Start Equity", "End Equity",
            "Net Profit", "Sharpe Ratio", "Sortino Ratio", "Probabilistic Sharpe Ratio",
            "Loss Rate", "Win Rate", "Profit-Loss Ratio", "Alpha", "Beta",
            "Annual Standard Deviation", "Annual Variance", "Information Ratio", "Tracking Error",
            "Treynor Ratio", "Total Fees", "Estimated Strategy Capacity", "Lowest Capacity Asset",
            "Portfolio Turnover", "Drawdown Recovery", "OrderListHash",
        ),
        key=len,
        reverse=True,
    )
)  # fmt: skip

PORTFOLIO_FIELDS = (
    "AverageWinRate", "AverageLossRate", "ProfitLossRatio", "WinRate", "LossRate", "Expectancy",
    "StartEquity", "EndEquity", "CompoundingAnnualReturn", "Drawdown", "TotalNetProfit",
    "SharpeRatio", "ProbabilisticSharpeRatio", "SortinoRatio", "Alpha", "Beta",
    "AnnualStandardDeviation", "AnnualVariance", "InformationRatio", "TrackingError",
    "TreynorRatio", "PortfolioTurnover", "ValueAtRisk99", "ValueAtRisk95", "DrawdownRecovery",
)  # fmt: skip
"""Fields of totalPerformance.portfolioStatistics: what an optimizer's target may name."""

TRADE_FIELDS = (
    "TotalNumberOfTrades", "NumberOfWinningTrades", "NumberOfLosingTrades", "TotalProfitLoss",
    "TotalProfit", "TotalLoss", "LargestProfit", "LargestLoss", "AverageProfitLoss",
    "AverageProfit", "AverageLoss", "MaxConsecutiveWinningTrades", "MaxConsecutiveLosingTrades",
    "ProfitLossRatio", "WinLossRatio", "WinRate", "LossRate", "AverageMAE", "AverageMFE",
    "LargestMAE", "LargestMFE", "MaximumClosedTradeDrawdown", "MaximumIntraTradeDrawdown",
    "ProfitLossStandardDeviation", "ProfitLossDownsideDeviation", "ProfitFactor", "SharpeRatio",
    "SortinoRatio", "ProfitToMaxDrawdownRatio", "MaximumEndTradeDrawdown",
    "AverageEndTradeDrawdown", "TotalFees",
)  # fmt: skip
"""Fields of totalPerformance.tradeStatistics that are numbers."""
