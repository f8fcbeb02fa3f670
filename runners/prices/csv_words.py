"""Words of headers: what they mean, and which source they give away."""

from __future__ import annotations

import re

# What headers call a column; compared without case, blanks, underscores, points and brackets. The first
# that a file has is taken.
NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        "datetime", "date", "timestamp", "dtyyyymmdd", "time", "day", "bartime", "tradedate", "tradingday",
        "opentime", "ts", "t", "timeutc", "gmttime", "localtime", "datum", "fecha", "data",
        "unix", "unixtime", "tsevent", "windowstart", "observationdate",
    ),
    "clock": ("time", "timeofday", "hour", "uhrzeit", "heure", "hora"),
    "open": ("open", "o", "openprice", "1open", "eröffnung", "ouverture", "apertura", "abertura"),
    "high": ("high", "h", "highprice", "max", "2high", "hoch", "haut", "plushaut", "máximo", "massimo",
             "máxima"),
    "low": ("low", "l", "lowprice", "min", "3low", "tief", "bas", "plusbas", "mínimo", "minimo", "mínima"),
    "close": (
        "close", "c", "closeprice", "closelast", "4close", "schluss", "schlusskurs", "clôture", "cierre",
        "chiusura", "fechamento", "last", "price", "letzter", "dernier", "último", "ultimo", "ltp",
    ),
    "volume": (
        "volume", "v", "vol", "totalvolume", "5volume", "sharestraded", "totaltradedquantity", "volumen",
        "volumes", "umsatz", "tickvol", "tickvolume",
    ),
    "symbol": (
        "symbol", "ticker", "sym", "name", "stock", "stockname", "company", "instrument", "asset", "security",
        "code", "pair", "tradingsymbol", "secid", "tic",
    ),
    "adjusted": ("adjclose", "adjustedclose", "adjclosed", "5adjustedclose"),
    "split": ("splitcoefficient", "stocksplits", "splits", "splitfactor", "splitratio", "8splitcoefficient"),
    "dividend": ("dividendamount", "dividends", "dividend", "divcash", "exdividend", "7dividendamount"),
}  # fmt: skip
PRICES = ("open", "high", "low", "close")
ORDERED = ("time", *PRICES, "volume")
CALLED = {"date": "time", "datetime": "time", "timestamp": "time", "stock": "symbol", "ticker": "symbol"}
OF_BINANCE = ("close time", "quote volume", "trades", "taker base volume", "taker quote volume", "ignore")

# A source is known by words that stand in its header; the first that fits is named.
SHAPES: tuple[tuple[str, frozenset[str], str | None], ...] = (
    ("MetaTrader", frozenset({"tickvol"}), None),
    ("Stooq", frozenset({"ticker", "per", "openint"}), None),
    ("Alpha Vantage", frozenset({"timestamp", "splitcoefficient"}), None),
    ("NSE", frozenset({"prevclose", "ltp"}), None),
    ("nasdaq.com", frozenset({"closelast"}), "mdy"),
    ("investing.com", frozenset({"price", "change%"}), None),
    ("Interactive Brokers", frozenset({"average", "barcount"}), None),
    ("CryptoDataDownload", frozenset({"unix", "symbol"}), None),
    ("Binance", frozenset({"opentime", "closetime"}), None),
    ("Tiingo", frozenset({"adjclose", "divcash"}), None),
    ("Quandl", frozenset({"adjclose", "exdividend"}), None),
    ("SimFin", frozenset({"simfinid"}), None),
    ("Databento", frozenset({"tsevent", "publisherid"}), None),
    ("Polygon", frozenset({"windowstart", "transactions"}), None),
    ("Yahoo", frozenset({"adjclose"}), None),
    ("Kaggle's S&P 500", frozenset({"name", "close"}), None),
)


def plain(cell: str) -> str:
    """A header's word as NAMES has it."""
    return re.sub(r"[\s_./()-]", "", cell).lower().strip("'\"<>")
