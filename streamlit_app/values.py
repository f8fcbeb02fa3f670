"""How values are written for people: metrics by their unit, durations by the two largest parts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

NOTHING = "–"  # noqa: RUF001


def metric_text(value: float | None, unit: str, decimals: int) -> str:
    """A value of `metric_definitions` in its unit; fractions as per cents."""
    if value is None:
        return NOTHING
    return f"{value:.{decimals}%}" if unit == "fraction" else f"{value:,.{decimals}f}"


def per_cent(fraction: float | None, decimals: int = 1) -> str:
    return metric_text(fraction, "fraction", decimals)


def number(value: float | None, decimals: int = 2) -> str:
    return metric_text(value, "ratio", decimals)


def moment(at: datetime | None) -> str:
    """A time with its zone."""
    return NOTHING if at is None else at.strftime("%Y-%m-%d %H:%M:%S %Z")


def window_text(first: date | None, last: date | None) -> str:
    """A run's window; empty where nobody stated it."""
    return f"{first} to {last}" if first and last else ""


def duration_text(duration: timedelta | None) -> str:
    """Days, hours, minutes and seconds, the two largest that count."""
    if duration is None:
        return "-"
    seconds = int(duration.total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
