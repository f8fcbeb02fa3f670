"""`backdesk import`: results that LEAN left on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from runners.configs.reader import read_config
from runners.database.connection import connect
from runners.engines.lean.importer import Imported, ImportOptions, import_results

_REFUSALS_SHOWN = 10

Strategy = Annotated[
    str | None,
    typer.Option(help="Name or code of the strategy, of any engine; else LEAN's of the config or folder."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Config file whose criteria the results are judged by.")
]
CreateStrategy = Annotated[
    bool, typer.Option("--create-strategy", help="Make the strategy that --strategy names, if there is none.")
]


def register(app: typer.Typer) -> None:
    app.command("import", short_help="Import results that LEAN left on disk.")(import_folder)


def import_folder(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder of LEAN's, one above it, or one result file.", show_default=False),
    ],
    strategy: Strategy = None,
    config: ConfigFile = None,
    create_strategy: CreateStrategy = False,
) -> None:
    """Import every LEAN result under a folder: a run a search, judged like the desk's own.

    An optimization becomes one run with a result a combination; so do single backtests of one project over
    one window. What was imported before is left alone. Without --config the desk's default criteria hold.

    Examples:

      backdesk import MyProject/optimizations/2025-11-02_17-09-40

      backdesk import MyProject/backtests --config configs/lean/RSI_MeanReversion_ETF.yaml
    """
    run_import(folder, strategy=strategy, config=config, create_strategy=create_strategy)


def run_import(
    folder: Path,
    *,
    strategy: str | None = None,
    config: Path | None = None,
    create_strategy: bool = False,
    one_search: bool = False,
) -> None:
    """Imports and shows what became of it; exit code 1 when nothing at all could be imported."""
    options = ImportOptions(
        strategy=strategy,
        create_strategy=create_strategy,
        config=read_config(config) if config else None,
        one_search=one_search,
    )
    with connect("importer") as importer:
        imported = import_results(importer, folder, options)
    show(imported)
    if not any(one.results or one.known for one in imported):
        raise typer.Exit(1)


def show(imported: Sequence[Imported]) -> None:
    """A few lines a search; its summary, in the desk's words, is the last."""
    for one in imported:
        if one.known:
            runs = ", ".join(f"run {run}" for run in one.known_runs)
            print(
                f"{one.folder.name}: {_count(one.known, 'result')} imported before ({runs}), left as they are"
            )
        for refusal in one.refusals[:_REFUSALS_SHOWN]:
            print(f"refused: {_short(refusal.file, one.folder)}: {refusal.reason}")
        if len(one.refusals) > _REFUSALS_SHOWN:
            print(f"refused: {len(one.refusals) - _REFUSALS_SHOWN} more (select * from refused_imports)")
        for remark in one.remarks:
            print(f"note: {remark}")
        for flag in one.flags:
            print(f"look: {flag}")
        if one.run_id is not None:
            print(f"{one.strategy}, run {one.run_id}: {_count(one.results, 'result')} imported")
            print(one.summary)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _short(file: Path, folder: Path) -> Path:
    return file.relative_to(folder) if file != folder and file.is_relative_to(folder) else Path(file.name)
