"""Sums as math.fsum gives them, compiled.

A correctly rounded sum does not depend on the order of its numbers. So they are added in double-double, in
several chains side by side, and a bound on its error proves that the sum rounds as the true one does; where
it cannot, Shewchuk's partial sums (Discrete & Computational Geometry 18, 1997) give it, as in CPython.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from runners.engines.signals.compiling import inlined, jit


@jit
def shewchuk(x: Any, n: int) -> float:
    parts = np.zeros(64)
    m = 0
    for i in range(n):
        v = x[i]
        w = 0
        for j in range(m):
            y = parts[j]
            if abs(v) < abs(y):
                v, y = y, v
            hi = v + y
            lo = y - (hi - v)
            if lo != 0.0:
                parts[w] = lo
                w += 1
            v = hi
        parts[w] = v
        m = w + 1
    if m == 0:
        return 0.0
    m -= 1
    hi = parts[m]
    lo = 0.0
    while m > 0:
        v = hi
        m -= 1
        y = parts[m]
        hi = v + y
        lo = y - (hi - v)
        if lo != 0.0:
            break
    # Half-way cases are rounded by what is left behind.
    if m > 0 and ((lo < 0.0 and parts[m - 1] < 0.0) or (lo > 0.0 and parts[m - 1] > 0.0)):
        y = lo * 2.0
        v = hi + y
        if y == v - hi:
            hi = v
    return hi


@inlined
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Their sum and its rounding error, exactly (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@jit
def exact_sum(x: Any, n: int) -> float:
    """math.fsum of the first n numbers, all finite."""
    h0 = h1 = h2 = h3 = 0.0
    l0 = l1 = l2 = l3 = 0.0
    z0 = z1 = z2 = z3 = 0.0
    m = n - n % 4
    for i in range(0, m, 4):
        h0, e = two_sum(h0, x[i])
        l0 += e
        z0 += abs(x[i])
        h1, e = two_sum(h1, x[i + 1])
        l1 += e
        z1 += abs(x[i + 1])
        h2, e = two_sum(h2, x[i + 2])
        l2 += e
        z2 += abs(x[i + 2])
        h3, e = two_sum(h3, x[i + 3])
        l3 += e
        z3 += abs(x[i + 3])
    for i in range(m, n):
        h0, e = two_sum(h0, x[i])
        l0 += e
        z0 += abs(x[i])
    hi, e = two_sum(h0, h1)
    lo = l0 + l1 + e
    hi, e = two_sum(hi, h2)
    lo = lo + l2 + e
    hi, e = two_sum(hi, h3)
    lo = lo + l3 + e
    # 2 n^2 2^-106 of the sum of sizes is above the error of so many double-double additions.
    bound = (z0 + z1 + z2 + z3) * (2.0 * (n + 2) * (n + 2)) * 1.232595164407831e-32
    sum_ = hi + (lo + bound)
    if sum_ == hi + (lo - bound):
        return sum_
    return shewchuk(x, n)
