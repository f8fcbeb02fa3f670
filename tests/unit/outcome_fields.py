"""Takes apart what a child says of a finished point."""

from __future__ import annotations

from runners.worker.result_image import FIELD

ORDINAL, METRICS, SESSIONS, EQUITY, SYMBOLS, ENTRIES, EXITS, SIZES = range(8)


def fields_of(image: bytes) -> list[bytes]:
    """The values of a result_image(), in the order of the type."""
    fields, at = [], 0
    while at < len(image):
        _, length = FIELD.unpack_from(image, at)
        at += FIELD.size
        fields.append(image[at : at + length])
        at += length
    return fields
