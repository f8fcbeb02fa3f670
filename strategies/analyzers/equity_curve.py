"""The account at the close of each session."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt

from strategies import run_context
from strategies.bar_time import moment
from strategies.contracts import contract_of
from strategies.session_days import newest_session


class EquityCurve(bt.Analyzer):  # type: ignore[misc]
    """Rows of session, value, cash, exposure (gross market value over value) and drawdown (a fraction).

    A session is the exchange's day where the run says which, else a UTC date; its last bar counts.
    """

    def start(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.peak = float(self.strategy.broker.getvalue())

    # Backtrader's Analyzer sends prenext and nextstart here as well, so this sees every bar.
    def next(self) -> None:
        broker = self.strategy.broker
        session = self._session().isoformat()
        value = float(broker.getvalue())
        held = sum(
            abs(broker.getposition(data).size) * data.close[0] * contract_of(data).multiplier
            for data in self.datas
            if len(data)
        )
        row = {
            "session": session,
            "value": value,
            "cash": float(broker.getcash()),
            "exposure": float(held) / value if value > 0 else None,
        }
        if self.rows and self.rows[-1]["session"] >= session:
            row["session"] = self.rows[-1]["session"]
            self.rows[-1] = row
        else:
            self.rows.append(row)

    def _session(self) -> dt.date:
        days = run_context.current().session_days
        return newest_session(days, self.datas) if days else moment(self.strategy.lines.datetime[0]).date()

    def stop(self) -> None:
        peak = self.peak
        for row in self.rows:
            peak = max(peak, row["value"])
            row["drawdown"] = (peak - row["value"]) / peak

    def get_analysis(self) -> list[dict[str, Any]]:
        return self.rows
