"""`make bench`: prints the tables of docs/benchmarks.md. ARGS='--quick' and '--only a,c' make it shorter."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import time

from benchmarks.contest import STRATEGIES

TABLES = {
    "a": ("backtests", "Backtests a CPU second"),
    "b": ("commands", "Whole commands"),
    "c": ("scaling", "Scaling"),
    "d": ("queue_contest", "Queue against other queues"),
    "e": ("claims", "Cost of a claim"),
    "f": ("ingest", "Ingest"),
    "g": ("memory", "Memory"),
    "h": ("price_loads", "Loads of prices"),
    "k": ("overhead", "CPU outside the backtests"),
    "l": ("session_logging", "Session logging"),
    "n": ("luck", "Noise that is called real"),
    "o": ("gate", "The gate"),
    "p": ("pages", "Pages"),
    "q": ("queue_flat", "Queue from a search's first tenth to its last"),
    "r": ("boards", "Boards"),
    "s": ("search_surfaces", "Searches on surfaces"),
    "t": ("paper", "Paper trading"),
    "u": ("bulk", "Points in bulk"),
}
"""By letter: the module, whose tables(quick) yields text, and a heading."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of everything, to see that it works")
    parser.add_argument("--only", default="", help="letters or names of the tables, such as a,bulk")
    arguments = parser.parse_args()
    os.environ["BACKDESK_STRATEGIES"] = str(STRATEGIES)
    by_name = {name: letter for letter, (name, _) in TABLES.items()}
    chosen = "".join(by_name.get(part, part) for part in arguments.only.split(",")) or "".join(TABLES)
    unknown = [letter for letter in chosen if letter not in TABLES]
    if unknown:
        parser.error(f"there is no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors")
    for letter in chosen:
        name, heading = TABLES[letter]
        print(f"\n## ({letter}) {heading}", flush=True)
        began = time.perf_counter()
        for text in importlib.import_module(f"benchmarks.{name}").tables(arguments.quick):
            print(f"\n{text}", flush=True)
        print(f"\n({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
