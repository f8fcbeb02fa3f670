"""Help as people read it: paragraphs that fill the terminal, and flags without a type."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import typer

HELP_OPTIONS = ("-h", "--help")


def make_readable(command: Any) -> None:
    """Of a command and of all below it."""
    command.help = flowing(command.help)
    # What `--help` is made of is kept by the command once it was asked for.
    help_option = command.get_help_option(typer.Context(command, help_option_names=list(HELP_OPTIONS)))
    hide_types([*command.params, help_option])
    for below in getattr(command, "commands", {}).values():
        make_readable(below)


def hide_types(parameters: Iterable[Any]) -> None:
    """Of flags, where a type says nothing."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""


def flowing(text: str | None) -> str | None:
    """A docstring whose paragraphs are one line each, for the terminal to break; what is indented stays."""
    if text is None:
        return None
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        paragraph
        if any(line.startswith(" ") for line in paragraph.splitlines())
        else " ".join(paragraph.split())
        for paragraph in paragraphs
    )
