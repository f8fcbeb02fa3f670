"""What a file of text is made of: its encoding, its delimiter, its lines, and its cells through pandas.

pandas reads cells as the texts they are, so that every message can name the line and quote what stands there.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from runners.prices.series import PriceError

Rows = list[list[str]]

DELIMITERS = (";", "\t", "|", ",")
"""In the order in which they are preferred where a file would be as regular by one as by the other."""
HEAD = 60
"""Lines that are looked at to find delimiter and header."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SAYS_DELIMITER = re.compile(rb'^"?sep=(.)"?\s*$', re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """A file as UTF-8 with plain line ends."""

    path: Path
    data: bytes
    delimiter: str
    skipped: int
    """Lines at the top that are no part of the table, such as `sep=;`."""
    remarks: tuple[str, ...]

    def head(self) -> list[tuple[int, list[str]]]:
        """The first rows that are not empty, each with its line."""
        lines = self.data.split(b"\n", self.skipped + HEAD)[self.skipped : self.skipped + HEAD]
        reader = csv.reader((line.decode() for line in lines), delimiter=self.delimiter)
        try:
            found = [(self.skipped + reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise PriceError(
                f"{self.path} is not a CSV file: {error}", hint="save it as UTF-8 text"
            ) from error
        return [(line, [cell.strip() for cell in row]) for line, row in found if any(map(str.strip, row))]


@dataclass(frozen=True)
class Cells:
    """Rows of texts below the header, column by column, and the line of each row."""

    columns: list[list[str]]
    lines: list[int]


def read_text(path: Path, encoding: str | None = None) -> Text:
    """The file's text, by the evidence in its bytes where no encoding is named. Raises PriceError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PriceError(f"{path}: {error.strerror}") from error
    found, data, remarks = _decoded(path, data, encoding)
    if found:
        data = found.encode()
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    odd = _NO_TEXT.search(data)
    if odd:
        kind = " (Excel's own, or a zip file)" if data[:2] == b"PK" else ""
        raise PriceError(
            f"{path}:{data.count(10, 0, odd.start()) + 1}: is not a CSV file{kind}: it has {odd[0]!r} in it",
            hint="save it as CSV; a text of another encoding needs --encoding",
        )
    first, _, _ = data.partition(b"\n")
    said = _SAYS_DELIMITER.match(first)
    delimiter = said[1].decode() if said else _delimiter(data)
    return Text(path, data, delimiter, 1 if said else 0, remarks)


def _decoded(path: Path, data: bytes, encoding: str | None) -> tuple[str, bytes, tuple[str, ...]]:
    """Text to encode anew, or none where the bytes are UTF-8 already; then the bytes, and what to say."""
    for mark, name in _BOMS:
        if not encoding and data.startswith(mark):
            encoding, data = name, data[len(mark) :]
            break
    sample = data[:4096]
    if not encoding and sample.count(0) * 3 > len(sample) > 1:
        # Text of Latin letters in two bytes each: every other one is zero.
        encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    try:
        text = data.decode(encoding or "utf-8")
    except LookupError:
        raise PriceError(
            f"there is no encoding {encoding!r}", hint="such as utf-8, cp1252 or utf-16"
        ) from None
    except UnicodeDecodeError as error:
        if encoding or _NO_TEXT.search(data):
            raise PriceError(
                f"{path} is not a CSV file in {encoding or 'UTF-8'}: {error.reason} at byte {error.start}",
                hint="name its own: --encoding cp1252; or save it as UTF-8 text",
            ) from error
        try:
            return data.decode("cp1252"), data, ("read as Windows-1252, since it is no UTF-8",)
        except UnicodeDecodeError:
            raise PriceError(
                f"{path} is neither UTF-8 nor Windows-1252: {error.reason} at byte {error.start}",
                hint="--encoding NAME, such as cp1250 or shift_jis",
            ) from error
    if encoding in (None, "utf-8"):
        return "", data, ()
    return text.removeprefix("\ufeff"), data, (f"read as {encoding.upper()}",) if encoding else ()


def _delimiter(data: bytes) -> str:
    lines = [line.decode() for line in data.split(b"\n", HEAD)[:HEAD] if line.strip()]
    best, found = (0, 0), ","
    for delimiter in DELIMITERS:
        try:
            counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1)
        except csv.Error:
            continue
        if counts:
            width, times = max(counts.items(), key=lambda item: (item[1], item[0]))
            # The more lines agree the better; a header of one word a line is no table.
            if (times, width) > best:
                best, found = (times, width), delimiter
    return found


def read_cells(text: Text, first: int) -> Cells:
    """All rows from line `first` on that are not empty, each as wide as the widest. Raises PriceError."""
    import pandas

    lines = text.data.split(b"\n")
    body = lines[first - 1 :]
    while body and not body[-1].strip():
        body.pop()
    if not body:
        return Cells([], [])
    mark = text.delimiter.encode()
    width = 1 + max(line.count(mark) for line in body)
    try:
        frame = pandas.read_csv(
            io.BytesIO(b"\n".join(body)), sep=text.delimiter, header=None, names=range(width), dtype=object,
            na_filter=False, skip_blank_lines=False, index_col=False, encoding="utf-8",
        )  # fmt: skip
    except (pandas.errors.ParserError, ValueError) as error:
        raise PriceError(
            f"{text.path} is not a CSV file: {error}", hint="look for a quotation mark that is not closed"
        ) from error
    numbers = list(range(first, first + len(body)))
    if len(frame) != len(body):
        # A cell with a line end in it: rows are no lines any more.
        reader = csv.reader((line.decode() + "\n" for line in body), delimiter=text.delimiter)
        numbers, before = [], first
        for _ in reader:
            numbers.append(before)
            before = first + reader.line_num
    columns = [["" if cell is None or cell != cell else cell for cell in frame[name]] for name in frame]
    if any(not line.strip(mark + b' \t"') for line in body):
        kept = [row for row, cells in enumerate(zip(*columns, strict=True)) if any(map(str.strip, cells))]
        columns = [[column[row] for row in kept] for column in columns]
        numbers = [numbers[row] for row in kept]
    return Cells(columns, numbers)
