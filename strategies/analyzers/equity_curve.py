"""The account at the close of each session."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.bar_time import moment


class EquityCurve(bt.Analyzer):  # type: ignore[misc]
    """Rows of session, value, cash, exposure (gross market value over value) and drawdown (a fraction).

    A session is a UTC date; its last bar counts.
    """

    def start(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.peak = float(self.strategy.broker.getvalue())

    # Backtrader's Analyzer sends prenext and nextstart here as well, so this sees every bar.
    def next(self) -> None:
        broker = self.strategy.broker
        session = moment(self.strategy.lines.datetime[0]).date().isoformat()
        value = float(broker.getvalue())
        held = sum(abs(broker.getposition(data).size) * data.close[0] for data in self.datas if len(data))
        row = {
            "session": session,
            "value": value,
            "cash": float(broker.getcash()),
            "exposure": float(held) / value if value > 0 else None,
        }
        if self.rows and self.rows[-1]["session"] == session:
            self.rows[-1] = row
        else:
            self.rows.append(row)

    def stop(self) -> None:
        peak = self.peak
        for row in self.rows:
            peak = max(peak, row["value"])
            row["drawdown"] = (peak - row["value"]) / peak

    def get_analysis(self) -> list[dict[str, Any]]:
        return self.rows
