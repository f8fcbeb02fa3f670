"""Rows as aligned plain text, never wrapped or shortened: what is printed can be read, piped and pasted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def text_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> str:
    """Headings, a rule and the rows; the columns named in `right` are set flush right."""
    body = [list(row) for row in rows]
    flush_right = set(right)
    widths = [max(map(len, cells)) for cells in zip(headings, *body, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if heading in flush_right else cell.ljust(width)
            for heading, cell, width in zip(headings, cells, widths, strict=True)
        ).rstrip()

    return "\n".join([line(headings), "  ".join("-" * width for width in widths), *map(line, body)])
