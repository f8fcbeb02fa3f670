"""Raw metrics of a point, as runners.engines.raw_metrics defines them, compiled."""

from __future__ import annotations

import math
from typing import Any

from runners.engines.signals.compiling import jit
from runners.engines.signals.exact_sums import exact_sum

TAIL_DIVISOR = 20


@jit
def smallest_first(x: Any, n: int, place: int) -> None:
    """Move what would stand at `place` there if the first n numbers were sorted, no larger one before it and
    no smaller one behind (Hoare's selection, Communications of the ACM 4, 1961). numpy's takes as long to
    compile as all else."""
    low, high = 0, n - 1
    while low < high:
        pivot = x[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while x[i] < pivot:
                i += 1
            while x[j] > pivot:
                j -= 1
            if i <= j:
                x[i], x[j] = x[j], x[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            return


@jit
def curve_figures(
    values: Any,
    n: int,
    cash: float,
    blocks: Any,
    deviations: Any,
    out: Any,
    counts: Any,
    sums: Any,
    squares: Any,
    r: Any,
    t: Any,
) -> None:
    """Of the account's value at the close of each of n sessions. `blocks` are the first sessions of the
    blocks, and n; `deviations` the benchmark's, none where the run has none. r and t are room."""
    before = cash
    peak = cash
    deepest = 0.0
    last_peak = -1
    longest = 0
    lost = -1
    m = 0
    for i in range(n):
        v = values[i]
        if lost < 0:
            r[m] = v / before - 1.0
            m += 1
            before = v
            if v <= 0.0:
                lost = i
        if v >= peak:
            longest = max(longest, i - last_peak - 1)
            last_peak = i
            peak = v
        else:
            d = (peak - v) / peak
            if d > deepest:
                deepest = d
    longest = max(longest, n - last_peak - 1)
    out[0] = m
    out[9] = deepest
    out[10] = longest
    out[11] = values[n - 1] if n else cash
    out[12] = n
    out[28] = lost
    for i in range(1, 9):
        out[i] = math.nan
    out[27] = math.nan
    if m:
        mean = exact_sum(r, m) / m
        out[1] = mean
        for i in range(m):
            d = r[i] - mean
            t[i] = d * d
        out[2] = exact_sum(t, m)
        for i in range(m):
            d = r[i] - mean
            t[i] = (d * d) * d
        out[3] = exact_sum(t, m)
        for i in range(m):
            d = r[i] - mean
            q = d * d
            t[i] = q * q
        out[4] = exact_sum(t, m)
        k = 0
        for i in range(m):
            if r[i] < 0.0:
                t[k] = r[i] * r[i]
                k += 1
        out[5] = exact_sum(t, k)
        worst = max(1, m // TAIL_DIVISOR)
        # Only losers can be in the tail where there are enough of them.
        if k >= worst:
            k = 0
            for i in range(m):
                if r[i] < 0.0:
                    t[k] = r[i]
                    k += 1
        else:
            k = m
            for i in range(m):
                t[i] = r[i]
        smallest_first(t, k, worst - 1)
        out[6] = worst
        out[7] = exact_sum(t, worst)
        out[8] = t[worst - 1]
        if len(deviations) == m and m == n:
            for i in range(m):
                t[i] = r[i] * deviations[i]
            out[27] = exact_sum(t, m)
    for b in range(len(blocks) - 1):
        first = min(blocks[b], m)
        count = min(blocks[b + 1], m) - first
        counts[b] = count
        sums[b] = exact_sum(r[first:], count)
        for i in range(count):
            t[i] = r[first + i] * r[first + i]
        squares[b] = exact_sum(t, count)


@jit
def trade_figures(profits: Any, n: int, out: Any, t: Any) -> None:
    won = 0
    for i in range(n):
        if profits[i] > 0.0:
            t[won] = profits[i]
            won += 1
    out[23] = exact_sum(t, won)
    lost = 0
    for i in range(n):
        if profits[i] < 0.0:
            t[lost] = profits[i]
            lost += 1
    out[24] = -exact_sum(t, lost) if lost else 0.0
    total = exact_sum(profits, n)
    mean = total / n if n else 0.0
    for i in range(n):
        t[i] = (profits[i] - mean) * (profits[i] - mean)
    out[20] = n
    out[21] = won
    out[22] = lost
    out[25] = total
    out[26] = exact_sum(t, n)
