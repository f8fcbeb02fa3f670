"""`backdesk doctor`: looks at the installation and says what it found and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import typer

from runners.cli.doctor import desk, machine, rights
from runners.cli.doctor.finding import Finding, Severity, broken
from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

EXIT_CODES = {Severity.ok: 0, Severity.note: 0, Severity.warning: 1, Severity.broken: 2}
MARKS = {Severity.ok: "ok", Severity.note: "note", Severity.warning: "warning", Severity.broken: "broken"}


def register(app: typer.Typer) -> None:
    app.command("doctor", short_help="Check the installation and say what to do.")(doctor)


def doctor() -> None:
    """Check the installation: machine, packages, server, schema, prices, strategies, runners.

    Exit code 0 when all is well (notes are about what most can do without), 1 with a warning, 2 when
    something is broken.
    """
    worst = Severity.ok
    for finding in findings(Settings.from_environment()):
        print(f"{MARKS[finding.severity]:<8} {finding.about}: {finding.found}", flush=True)
        if finding.todo:
            print(f"{'':<8} -> {finding.todo}", flush=True)
        worst = max(worst, finding.severity)
    raise typer.Exit(EXIT_CODES[worst])


def findings(settings: Settings) -> Iterator[Finding]:
    """Every check's finding; a check that fails itself is a finding too."""
    for check in machine.CHECKS:
        try:
            yield check(settings)
        except (DeskError, OSError) as error:
            yield broken(check.__name__, str(error), getattr(error, "hint", None) or "see the message")
    reached = desk.server(settings)
    yield reached
    if reached.severity is Severity.broken:
        return
    with connect("admin", settings=settings) as admin:
        for look in (*desk.CHECKS, *rights.CHECKS):
            try:
                found = look(settings, admin)
                yield found
            except (DeskError, OSError, psycopg.Error) as error:
                yield broken(look.__name__, str(error).splitlines()[0], "backdesk up")
                continue
            if look is desk.migrations and found.severity is Severity.broken:
                return
