"""Points of a run, one after another, in compiled code: the one call that a child makes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from runners.engines.signals.broker import (
    CASH_REFUSED,
    F_CLOSE_FEE,
    F_CLOSED,
    F_OPEN_FEE,
    F_OPENED,
    F_PRICE,
    FILLS,
    OPEN,
    OTHERWISE_REFUSED,
    TRADES,
    TROUBLE,
    simulate,
)
from runners.engines.signals.compiling import entry
from runners.engines.signals.exact_sums import exact_sum
from runners.engines.signals.figures import curve_figures, trade_figures

NOT_FINITE = 3
SIGNATURE = (
    # Of the run: prices [4, symbols, steps], newest, fee and day factors [symbols, steps], account,
    "void(f8[:,:,::1], i8[:,::1], f8[:,::1], f8[:,::1], f8[::1],"
    # sessions' first and last steps, blocks, the benchmark's deviations.
    " i8[::1], i8[::1], i8[::1], f8[::1],"
    # Banks: signals [n, symbols, steps], when [n, steps], shares [n, symbols, steps], by weights, deviations;
    " u1[:,:,::1], b1[:,::1], f8[:,:,::1], b1, f8[:,:,::1],"
    # of each point its place in the banks, first step and rules;
    " i8[::1], i8[::1], i8[::1], f8[:,::1],"
    # what comes out: figures, counts, sums and squares by block, trouble;
    " f8[:,::1], i8[:,::1], f8[:,::1], f8[:,::1], i8[::1],"
    # and of the last point equity, exposure, fills, profits and fees of trades, counts.
    " f8[::1], b1[::1], f8[:,::1], f8[::1], f8[::1], i8[::1])"
)


@entry(SIGNATURE)
def run_points(
    prices: Any,
    newest: Any,
    fee_factors: Any,
    day_factors: Any,
    account: Any,
    begins: Any,
    ends: Any,
    blocks: Any,
    benchmark: Any,
    signals: Any,
    when: Any,
    shares: Any,
    by_weights: bool,
    deviations: Any,
    banks: Any,
    deviation_banks: Any,
    first_steps: Any,
    rules: Any,
    figures: Any,
    block_counts: Any,
    block_sums: Any,
    block_squares: Any,
    trouble: Any,
    equity: Any,
    exposed: Any,
    fills: Any,
    profits: Any,
    trade_fees: Any,
    counts: Any,
) -> None:
    steps = newest.shape[1]
    sessions = len(ends)
    plain = sessions == steps
    room = max(sessions, len(profits), len(fills)) + 1
    values = equity if plain else np.zeros(sessions)
    r = np.zeros(sessions + 1)
    t = np.zeros(room)
    for point in range(len(banks)):
        bank = banks[point]
        simulate(
            prices,
            newest,
            fee_factors,
            day_factors,
            account,
            first_steps[point],
            signals[0 if by_weights else bank],
            when[bank if by_weights else 0],
            shares[bank if by_weights else 0],
            by_weights,
            deviations[deviation_banks[point]],
            rules[point],
            equity,
            exposed,
            fills,
            profits,
            trade_fees,
            counts,
        )
        trouble[point] = counts[TROUBLE]
        if counts[TROUBLE]:
            continue
        out = figures[point]
        if not plain:
            for i in range(sessions):
                values[i] = equity[ends[i]]
        for i in range(sessions):
            if not math.isfinite(values[i]):
                trouble[point] = NOT_FINITE
        if trouble[point]:
            continue
        curve_figures(
            values,
            sessions,
            account[0],
            blocks,
            benchmark,
            out,
            block_counts[point],
            block_sums[point],
            block_squares[point],
            r,
            t,
        )
        trade_figures(profits, counts[TRADES], out, t)
        out[13] = 0.0
        for i in range(sessions):
            inside = 0
            for step in range(begins[i], ends[i] + 1):
                inside += exposed[step]
            r[i] = inside / (ends[i] + 1 - begins[i])
            out[13] += exposed[ends[i]]
        out[14] = exact_sum(r, sessions)
        count = counts[FILLS]
        for i in range(count):
            t[i] = fills[i, F_CLOSE_FEE] + fills[i, F_OPEN_FEE]
        out[15] = count
        out[16] = exact_sum(t, count)
        for i in range(count):
            t[i] = abs((fills[i, F_CLOSED] + fills[i, F_OPENED]) * fills[i, F_PRICE])
        out[17] = exact_sum(t, count)
        out[18] = counts[CASH_REFUSED]
        out[19] = counts[OTHERWISE_REFUSED]
        out[29] = counts[OPEN]
