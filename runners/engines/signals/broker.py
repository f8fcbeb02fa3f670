"""Backtrader's broker in one compiled function, for what a `SignalStrategy` may order.

Each operation stands in the order of Backtrader 1.9.78.123 (brokers/bbroker.py, position.py, trade.py), so
that results are the same to the last bit. What it stands for is said line by line; where nothing is said it
is `BackBroker.next()`, `check_submitted()`, `_execute()` and `_get_value()`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from runners.engines.signals.compiling import inlined, jit
from runners.engines.signals.exact_sums import exact_sum
from strategies import signal_rules

decide = jit(signal_rules.decide)
stop_price = jit(signal_rules.stop_price)
target_price = jit(signal_rules.target_price)
followed = jit(signal_rules.followed)

MARKET, STOP, LIMIT, TRAIL = 0.0, 1.0, 2.0, 3.0
# Columns of an order: feed, kind, signed size, price, group (an entry and its children), 1 where it is
# active, and the step of its feed's newest bar when it was made.
SYMBOL, KIND, SIZE, PRICE, GROUP, ACTIVE, MADE = range(7)
COLUMNS = 7

# Columns of a point's rules.
(
    R_STOP,
    R_TARGET,
    R_TRAIL,
    R_ON_CLOSE,
    R_LONGEST,
    R_COOL_DOWN,
    R_REVERSE,
    R_SIZING,
    R_SHARE,
    R_RISK,
    R_STOP_DISTANCE,
    R_VOLATILITY,
    R_FIXED,
    R_TOLERANCE,
) = range(14)
RULES = 14
LONG_AGO = -1_000_000_000
# Columns of a fill.
F_STEP, F_SYMBOL, F_PRICE, F_CLOSED, F_OPENED, F_CLOSE_FEE, F_OPEN_FEE = range(7)

SHARE, RISK, VOLATILITY, FIXED = 0, 1, 2, 3
# What a point answers in `counts`.
TRADES, FILLS, CASH_REFUSED, OTHERWISE_REFUSED, TROUBLE, OPEN = range(6)
COUNTS = 6
NO_ROOM, NO_NUMBER = 1, 2


@inlined
def fee(size: float, price: float, factor: float, percent: float, per_share: float, minimum: float) -> float:
    shares = abs(size * factor)
    if shares == 0.0:
        return 0.0
    due = shares * percent * (price / factor) + shares * per_share
    return minimum if minimum > due else due


@inlined
def updated(size0: float, price0: float, size: float, price: float) -> tuple[float, float, float, float]:
    """Position.update: new size, new price, opened, closed."""
    new = size0 + size
    if new == 0.0:
        return new, 0.0, 0.0, size
    if size0 == 0.0:
        return new, price, size, 0.0
    if size0 > 0.0:
        if size > 0.0:
            return new, (price0 * size0 + size * price) / new, size, 0.0
        if new > 0.0:
            return new, price0, 0.0, size
        return new, price, new, -size0
    if size < 0.0:
        return new, (price0 * size0 + size * price) / new, size, 0.0
    if new < 0.0:
        return new, price0, 0.0, size
    return new, price, new, -size0


@jit
def move(orders: Any, row: int, to: Any, place: int) -> None:
    for column in range(COLUMNS):
        to[place, column] = orders[row, column]


@jit
def without(orders: Any, count: int, group: float) -> int:
    """The orders that are not of a group, in their order; how many."""
    kept = 0
    for row in range(count):
        if orders[row, GROUP] != group:
            if kept != row:
                move(orders, row, orders, kept)
            kept += 1
    return kept


@inlined
def fill_price(
    kind: float, size: float, price: float, opened: float, high: float, low: float, slip: float
) -> float:
    """What an order is filled at on a bar; NaN where it is not. Slippage is capped at high and low."""
    up, down = 1 + slip, 1 - slip
    if kind == MARKET:
        if slip == 0.0:
            return opened
        return min(opened * up, high) if size > 0.0 else max(opened * down, low)
    if kind == LIMIT:
        if size > 0.0:
            if price >= opened:
                return opened if slip == 0.0 else min(opened * up, min(high, price))
            return price if price >= low else math.nan
        if price <= opened:
            return opened if slip == 0.0 else max(opened * down, price)
        return price if price <= high else math.nan
    if size > 0.0:
        if opened >= price:
            return opened if slip == 0.0 else min(opened * up, high)
        if high >= price:
            return price if slip == 0.0 else min(price * up, high)
        return math.nan
    if opened <= price:
        return opened if slip == 0.0 else max(opened * down, low)
    if low <= price:
        return price if slip == 0.0 else max(price * down, low)
    return math.nan


@inlined
def clean(shares: float) -> float:
    """strategies.shares.clean."""
    nearest = np.rint(shares)
    gap = abs(shares - nearest)
    if gap <= max(1e-9 * max(abs(shares), abs(nearest)), 1e-9):
        return nearest
    return shares


@inlined
def whole(shares: float, factor: float) -> float:
    """strategies.shares.whole."""
    if factor == 1.0:
        return float(np.trunc(shares))
    return clean(np.trunc(shares * factor * (1.0 + 1e-9)) / factor)


@inlined
def put(
    orders: Any, count: int, feed: int, kind: float, size: float, price: float, group: float, made: int
) -> int:
    """One more order; how many there are then."""
    orders[count, SYMBOL] = feed
    orders[count, KIND] = kind
    orders[count, SIZE] = size
    orders[count, PRICE] = price
    orders[count, GROUP] = group
    orders[count, ACTIVE] = 1.0 if kind == MARKET else 0.0
    orders[count, MADE] = made
    return count + 1


@jit
def simulate(
    prices: Any,
    newest: Any,
    fee_factors: Any,
    day_factors: Any,
    account: Any,
    begin: int,
    signals: Any,
    when: Any,
    shares: Any,
    by_weights: bool,
    deviations: Any,
    rules: Any,
    equity: Any,
    exposed: Any,
    fills: Any,
    profits: Any,
    trade_fees: Any,
    counts: Any,
) -> None:
    """One point, from the first step to the last.

    `prices` are open, high, low and close [4, symbols, steps], at each step those of the newest bar, whose
    step is `newest`. `signals` hold bits where a feed has a new bar. `account` is cash, percent, per_share,
    minimum, slippage; `rules` the columns R_. Fills equity and exposed [steps], fills [n, 7], profits and
    fees of closed trades, counts.
    """
    feeds, steps = newest.shape
    opens, highs, lows, closes = prices[0], prices[1], prices[2], prices[3]
    cash, percent, per_share, minimum, slip = account[0], account[1], account[2], account[3], account[4]
    stop_loss, take_profit, trailing = rules[R_STOP], rules[R_TARGET], rules[R_TRAIL]
    on_close, reverse = rules[R_ON_CLOSE] != 0.0, rules[R_REVERSE] != 0.0
    longest, cool_down = int(rules[R_LONGEST]), int(rules[R_COOL_DOWN])
    eventful = stop_loss + take_profit + trailing > 0.0 or longest > 0 or cool_down > 0 or reverse
    sizing, share = int(rules[R_SIZING]), rules[R_SHARE]
    value = cash
    size = np.zeros(feeds)
    price = np.zeros(feeds)
    # Trades, whose average price is not a position's.
    t_size, t_price, t_fees, t_profit = np.zeros(feeds), np.zeros(feeds), np.zeros(feeds), np.zeros(feeds)
    room = 8 * feeds + 8
    pending = np.zeros((room, COLUMNS))
    submitted = np.zeros((room, COLUMNS))
    waiting = 0
    fresh = 0
    paper_size, paper_price = np.zeros(feeds), np.zeros(feeds)
    seen = np.zeros(feeds, np.bool_)
    woken = np.zeros(room)
    wake = 0
    group = 0.0
    # The rules' view of each feed; bars are counted on the feed's own.
    level_stop, level_target = np.full(feeds, math.nan), np.full(feeds, math.nan)
    bar = np.zeros(feeds, np.int64)
    decided, left = np.full(feeds, LONG_AGO), np.full(feeds, LONG_AGO)
    held_before = np.zeros(feeds, np.bool_)
    parts = np.zeros(room)
    changes = np.zeros(feeds)
    order_of = np.zeros(feeds, np.int64)
    holds = False
    for slot in range(COUNTS):
        counts[slot] = 0
    for step in range(steps):
        for feed in range(feeds):
            if newest[feed, step] == step:
                bar[feed] += 1
        if waiting or fresh:
            # Children of entries that were filled at the step before.
            for place in range(wake):
                for row in range(waiting):
                    if pending[row, GROUP] == woken[place]:
                        pending[row, ACTIVE] = 1.0
            wake = 0
            if fresh:
                # On paper, with one running cash and cloned positions, children included: what is refused
                # leaves both as they became, so that all behind it may be refused too.
                paper = cash
                seen[:] = False
                dead = -1.0
                for row in range(fresh):
                    feed = int(submitted[row, SYMBOL])
                    at = submitted[row, PRICE]
                    if submitted[row, GROUP] == dead:
                        counts[OTHERWISE_REFUSED] += 1
                        continue
                    if not seen[feed]:
                        seen[feed] = True
                        paper_size[feed] = size[feed]
                        paper_price[feed] = price[feed]
                    a, b, opened, closed = updated(
                        paper_size[feed], paper_price[feed], submitted[row, SIZE], at
                    )
                    paper_size[feed] = a
                    paper_price[feed] = b
                    factor = fee_factors[feed, step]
                    if closed != 0.0:
                        paper += (-closed) * at
                        paper -= fee(closed, at, factor, percent, per_share, minimum)
                    if opened != 0.0:
                        paper -= opened * at
                        paper -= fee(opened, at, factor, percent, per_share, minimum)
                    if paper >= 0.0:
                        move(submitted, row, pending, waiting)
                        waiting += 1
                    else:
                        counts[CASH_REFUSED] += 1
                        # What of its bracket was taken already goes, what follows is rejected.
                        dead = submitted[row, GROUP]
                        waiting = without(pending, waiting, dead)
                fresh = 0
            row = 0
            while row < waiting:
                feed = int(pending[row, SYMBOL])
                kind = pending[row, KIND]
                wanted = pending[row, SIZE]
                if pending[row, ACTIVE] == 0.0 or (
                    kind == MARKET and newest[feed, step] <= int(pending[row, MADE])
                ):
                    row += 1
                    continue
                at = fill_price(
                    kind,
                    wanted,
                    pending[row, PRICE],
                    opens[feed, step],
                    highs[feed, step],
                    lows[feed, step],
                    slip,
                )
                if at != at:
                    if kind == TRAIL:
                        close = closes[feed, step]
                        if wanted > 0.0:
                            moved = close + close * trailing
                            if moved < pending[row, PRICE]:
                                pending[row, PRICE] = moved
                        else:
                            moved = close - close * trailing
                            if moved > pending[row, PRICE]:
                                pending[row, PRICE] = moved
                    row += 1
                    continue
                entered = price[feed]
                _, _, opened, closed = updated(size[feed], entered, wanted, at)
                factor = fee_factors[feed, step]
                running = cash
                close_fee = 0.0
                open_fee = 0.0
                refused = False
                if closed != 0.0:
                    running += (-closed) * entered + (-closed) * (at - entered)
                    close_fee = fee(closed, at, factor, percent, per_share, minimum)
                    running -= close_fee
                    cash = running
                if opened != 0.0:
                    running -= opened * at
                    open_fee = fee(opened, at, factor, percent, per_share, minimum)
                    running -= open_fee
                    if running < 0.0:
                        refused = True
                        opened = 0.0
                        open_fee = 0.0
                        counts[CASH_REFUSED] += 1
                    else:
                        cash = running
                done = closed + opened
                if done != 0.0:
                    a, b, _, _ = updated(size[feed], entered, done, at)
                    size[feed] = a
                    price[feed] = b
                    count = counts[FILLS]
                    if count >= len(fills):
                        counts[TROUBLE] = NO_ROOM
                        return
                    fills[count, F_STEP] = step
                    fills[count, F_SYMBOL] = feed
                    fills[count, F_PRICE] = at
                    fills[count, F_CLOSED] = closed
                    fills[count, F_OPENED] = opened
                    fills[count, F_CLOSE_FEE] = close_fee
                    fills[count, F_OPEN_FEE] = open_fee
                    counts[FILLS] = count + 1
                    if closed != 0.0:
                        t_fees[feed] += close_fee
                        t_size[feed] += closed
                        t_profit[feed] += (-closed) * (at - t_price[feed])
                        if t_size[feed] == 0.0:
                            profits[counts[TRADES]] = t_profit[feed] - t_fees[feed]
                            trade_fees[counts[TRADES]] = t_fees[feed]
                            counts[TRADES] += 1
                    if opened != 0.0:
                        before = t_size[feed]
                        if before == 0.0:
                            t_fees[feed] = 0.0
                            t_profit[feed] = 0.0
                            t_price[feed] = 0.0
                        t_fees[feed] += open_fee
                        t_size[feed] += opened
                        t_price[feed] = (before * t_price[feed] + opened * at) / t_size[feed]
                mine = pending[row, GROUP]
                if kind == MARKET and not refused:
                    woken[wake] = mine
                    wake += 1
                    for later in range(row + 1, waiting):
                        move(pending, later, pending, later - 1)
                    waiting -= 1
                else:
                    # A child that was filled, or an entry that was refused: its whole group goes.
                    before_it = 0
                    for other in range(row):
                        if pending[other, GROUP] == mine:
                            before_it += 1
                    waiting = without(pending, waiting, mine)
                    row -= before_it
            holds = False
            for feed in range(feeds):
                if size[feed] != 0.0:
                    holds = True
        else:
            wake = 0
        worth = 0.0
        if holds:
            for feed in range(feeds):
                z = size[feed]
                if z != 0.0:
                    close = closes[feed, step]
                    part = z * close
                    if part > 0.0:
                        unrealized = z * (close - price[feed])
                        part -= unrealized
                        worth += part
                        worth += unrealized
                    else:
                        worth += part
        value = cash + worth
        equity[step] = value
        exposed[step] = holds
        if step < begin:
            continue
        if by_weights:
            if not when[step]:
                continue
            waiting = 0
            found = 0
            for feed in range(feeds):
                close = closes[feed, step]
                raw = value * shares[feed, step] / close
                if not math.isfinite(raw):
                    counts[TROUBLE] = NO_NUMBER
                    return
                target = whole(raw, day_factors[feed, step])
                change = clean(target - size[feed])
                if change == 0.0 or (target != 0.0 and abs(change) * close < rules[R_TOLERANCE] * value):
                    continue
                place = found
                while place > 0 and changes[place - 1] > change:
                    changes[place] = changes[place - 1]
                    order_of[place] = order_of[place - 1]
                    place -= 1
                changes[place] = change
                order_of[place] = feed
                found += 1
            for place in range(found):
                feed = order_of[place]
                group += 1.0
                fresh = put(
                    submitted,
                    fresh,
                    feed,
                    MARKET,
                    changes[place],
                    closes[feed, step],
                    group,
                    newest[feed, step],
                )
            continue
        for feed in range(feeds):
            # The first step shows the strategy every feed, those without a new bar too.
            if newest[feed, step] != step and step != begin:
                continue
            signal = signals[feed, step]
            if signal == 0 and not eventful:
                continue
            held = size[feed]
            made = newest[feed, step]
            close = closes[feed, step]
            if held != 0.0:
                held_before[feed] = True
                if on_close and trailing > 0.0:
                    level_stop[feed] = followed(
                        1.0 if held > 0.0 else -1.0, level_stop[feed], close, trailing
                    )
            elif held_before[feed]:
                held_before[feed] = False
                left[feed] = bar[feed]
            decision = decide(
                held,
                signal,
                close,
                level_stop[feed],
                level_target[feed],
                bar[feed] - decided[feed],
                longest,
                bar[feed] - left[feed],
                cool_down,
                reverse,
            )
            if decision == 0:
                continue
            if held != 0.0:
                kept = 0
                for row in range(waiting):
                    if int(pending[row, SYMBOL]) != feed:
                        if kept != row:
                            move(pending, row, pending, kept)
                        kept += 1
                waiting = kept
            group += 1.0
            if decision == 1:
                fresh = put(submitted, fresh, feed, MARKET, -held, close, group, made)
                continue
            sign = -1.0 if decision == 3 else 1.0
            stop = stop_price(sign, close, trailing if trailing > 0.0 else stop_loss)
            target = target_price(sign, close, take_profit)
            amount = 0.0
            if close > 0.0:
                if sizing == SHARE:
                    amount = value * share / feeds / close
                elif sizing == RISK:
                    at = close * (1.0 - rules[R_STOP_DISTANCE]) if stop != stop else stop
                    distance = abs(close - at)
                    amount = value * rules[R_RISK] / distance if distance > 0.0 else 0.0
                elif sizing == VOLATILITY:
                    deviation = deviations[feed, step]
                    amount = value * rules[R_VOLATILITY] / (deviation * close) if deviation > 0.0 else 0.0
                else:
                    amount = rules[R_FIXED]
                kept = 0
                for row in range(waiting):
                    if pending[row, SIZE] > 0.0:
                        parts[kept] = pending[row, SIZE] * pending[row, PRICE]
                        kept += 1
                for row in range(fresh):
                    if submitted[row, SIZE] > 0.0:
                        parts[kept] = submitted[row, SIZE] * submitted[row, PRICE]
                        kept += 1
                amount = min(amount, (cash * share - exact_sum(parts, kept)) / close)
                if not math.isfinite(amount):
                    counts[TROUBLE] = NO_NUMBER
                    return
                amount = max(0.0, whole(amount, day_factors[feed, step]))
            if amount == 0.0:
                if held != 0.0:
                    fresh = put(submitted, fresh, feed, MARKET, -held, close, group, made)
                continue
            decided[feed] = bar[feed]
            level_stop[feed] = math.nan
            level_target[feed] = math.nan
            if on_close:
                level_stop[feed] = stop
                level_target[feed] = target
                stop = math.nan
                target = math.nan
            fresh = put(submitted, fresh, feed, MARKET, sign * (amount + abs(held)), close, group, made)
            if stop == stop:
                child = STOP
                if trailing > 0.0:
                    child = TRAIL
                    stop = close - close * trailing if sign > 0.0 else close + close * trailing
                fresh = put(submitted, fresh, feed, child, -sign * amount, stop, group, made)
            if target == target:
                fresh = put(submitted, fresh, feed, LIMIT, -sign * amount, target, group, made)
    for feed in range(feeds):
        if size[feed] != 0.0:
            counts[OPEN] += 1
