"""Are families of noise called real as often as said? The table of docs/metrics.md, with a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator

from testing.noise_families import study

GRID = [(1, 0.0)] + [(n, r) for n in (2, 3, 5, 8, 20, 100, 1000) for r in (0.0, 0.5, 0.9, 0.98)]


def tables(quick: bool) -> Iterator[str]:
    families = 2_000 if quick else 20_000
    lines = [
        f"{families:,} families a line (more where N is below 10) of 1,008 sessions; a share of 5% has a "
        f"standard error of {(0.05 * 0.95 / families) ** 0.5:.2%} at the most.",
        "",
        "| N | r | best, simulated | expected | deflated > 95%: r known, from returns, from blocks | "
        "luck_p < 5%: the same | error of r from blocks |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for trials, correlation in GRID:
        # Small families cost little, and more of them part rounding from chance.
        cell = study(trials, correlation, max(families, 10 * families // trials))
        lines.append(
            f"| {trials:,} | {correlation:g} | {cell.largest:.3f} | {cell.expected:.3f} "
            f"| {_shares(cell.deflated)} | {_shares(cell.lucky)} | {cell.block_error:.3f} |"
        )
    yield "\n".join(lines)


def _shares(found: dict[str, float]) -> str:
    return ", ".join(f"{share:.1%}" for share in found.values())
