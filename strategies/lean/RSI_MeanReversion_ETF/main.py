"""RSI mean reversion for LEAN: the strategy `rsi_mean_reversion`, every value of it read by `get_parameter`.

The desk hands over window, cash, symbols and costs beside the parameters of the point; without the desk the
defaults below hold, so that `lean backtest RSI_MeanReversion_ETF` runs as it stands.
"""

from AlgorithmImports import *


class DeskFees(FeeModel):
    """Costs as a desk's config has them: a fraction of the value, money a share, the least a fill costs."""

    def __init__(self, percent: float, per_share: float, minimum: float) -> None:
        super().__init__()
        self.percent = percent
        self.per_share = per_share
        self.minimum = minimum

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        quantity = parameters.order.absolute_quantity
        fee = quantity * (parameters.security.price * self.percent + self.per_share)
        return OrderFee(CashAmount(max(fee, self.minimum), parameters.security.quote_currency.symbol))


class RSIMeanReversionETF(QCAlgorithm):
    """Long while oversold, flat otherwise; the account is shared evenly between the symbols."""

    def initialize(self) -> None:
        self.set_start_date(self._date("start_date", "2014-01-02"))
        self.set_end_date(self._date("end_date", "2022-12-28"))
        self.set_cash(float(self.get_parameter("cash", 100000.0)))
        # LEAN parses `10.0` to no integer and gives the default back without a word: numbers come as numbers.
        self.period = int(float(self.get_parameter("rsi_period", 14.0)))
        self.entry = float(self.get_parameter("entry_threshold", 30.0))
        self.exit = float(self.get_parameter("exit_threshold", 55.0))
        size = float(self.get_parameter("position_size", 0.95))
        resolution = (
            Resolution.HOUR if self.get_parameter("resolution", "daily") == "hour" else Resolution.DAILY
        )
        fees = DeskFees(
            *(
                float(self.get_parameter(f"commission_{name}", 0.0))
                for name in ("percent", "per_share", "minimum")
            )
        )
        slippage = ConstantSlippageModel(float(self.get_parameter("slippage", 0.0)))
        self.rsi_by_symbol = {}
        tickers = self.get_parameter("symbols", "SPY").split(",")
        for ticker in tickers:
            equity = self.add_equity(ticker.strip(), resolution)
            equity.set_fee_model(fees)
            equity.set_slippage_model(slippage)
            self.rsi_by_symbol[equity.symbol] = self.rsi(
                equity.symbol, self.period, MovingAverageType.WILDERS
            )
        self.share = size / len(tickers)
        self.set_benchmark(lambda time: 1)

    def on_data(self, slice: Slice) -> None:
        for symbol, rsi in self.rsi_by_symbol.items():
            if (
                not rsi.is_ready
                or not slice.contains_key(symbol)
                or self.transactions.get_open_orders(symbol)
            ):
                continue
            if self.portfolio[symbol].invested:
                if rsi.current.value > self.exit:
                    self.liquidate(symbol)
            elif rsi.current.value < self.entry:
                self.set_holdings(symbol, self.share)

    def _date(self, name: str, default: str) -> datetime:
        return datetime.strptime(self.get_parameter(name, default), "%Y-%m-%d")
