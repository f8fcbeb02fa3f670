"""The config files of a command: each one by itself, or a batch; and what people see of their refusals."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from runners.configs.batches import Batch, read_batch
from runners.configs.errors import ConfigError
from runners.configs.reader import Config
from runners.database.connection import connect
from runners.jobs.estimating import estimate_text, estimates
from runners.jobs.own_code import announce
from runners.jobs.queueing import Refused, read_configs
from runners.reporting import report


@contextmanager
def refusals(several: bool = False) -> Iterator[None]:
    """Prints every refusal with its place, and ends the command with 1."""
    try:
        yield
    except Refused as refused:
        for error in refused.errors:
            report(error)
        if several:
            print("nothing was queued", file=sys.stderr)
        raise typer.Exit(1) from None


def given(files: Sequence[Path] | None, batch_file: Path | None) -> tuple[list[Config], Batch | None]:
    """The configs to queue, and the batch that they are if they are one."""
    if bool(files) == bool(batch_file):
        raise typer.BadParameter("name config files, or one --batch FILE")
    if batch_file is None:
        return read_configs(files or ()), None
    try:
        batch = read_batch(batch_file)
    except ConfigError as error:
        raise Refused([error]) from error
    return list(batch.configs), batch


def print_estimates(configs: Sequence[Config]) -> None:
    """What each would be, and what the fee guard would say."""
    with connect("director") as director:
        announce(director, configs)
        found = estimates(director, configs)
    names = [config.data.get("name") or config.path for config in configs]
    print("\n\n".join(estimate_text(str(name), one) for name, one in zip(names, found, strict=True)))
    if len(found) > 1:
        total = sum(one.combinations for one in found)
        print(f"\nall {len(found)}: {total:,} points, at most {sum(one.at_most for one in found):,}")
