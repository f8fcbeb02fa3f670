"""Jinja2 in configs, within bounds: no files, no attributes of Python, no endless loops, no endless text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import SandboxedEnvironment

from runners.configs.errors import ConfigError, Position
from runners.configs.rendered import MAX_CHARACTERS, Rendered

MAX_LOOP_STEPS = 100_000

# Private-use characters, which no config needs, around the number of the line that a text came from.
_MARK = re.compile("\ue000([0-9]+)\ue001")


def render(path: str, source: str) -> Rendered:
    """Renders a config. Undefined variables, loops and texts beyond the bounds raise ConfigError."""
    text = _rendered(path, source, _environment())
    marked = _rendered(path, source, _environment(_LineMarks))
    lines, last = [], 1
    for line in marked.split("\n"):
        found = _MARK.search(line)
        last = int(found[1]) if found else last
        lines.append(last)
    if _MARK.sub("", marked) != text:
        # The template looks at its own text, so the marks changed it: count the lines of the outcome.
        lines = list(range(1, text.count("\n") + 2))
    return Rendered(text, tuple(lines))


class _LineMarks(Extension):
    """Marks the beginning of every line of plain text with its number in the source."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type != "data":
                yield token
                continue
            lines = token.value.split("\n")
            # The first piece belongs to a line that an earlier token began, unless the source begins with it.
            begun = 0 if token.lineno == 1 else 1
            marked = [
                line if number < begun else f"\ue000{token.lineno + number}\ue001{line}"
                for number, line in enumerate(lines)
            ]
            yield Token(token.lineno, "data", "\n".join(marked))


class _BoundedEnvironment(SandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Products and powers that would fill the memory are refused before they are made."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            if abs(left) > 1 and abs(right) > 1024:
                raise SecurityError(f"{left} ** {right} is too large")
        elif operator == "*":
            for text, count in ((left, right), (right, left)):
                sized = isinstance(text, str | list | tuple) and isinstance(count, int)
                if sized and len(text) * count > MAX_CHARACTERS:
                    raise SecurityError(f"a text repeated {count} times is too long")
        return super().call_binop(context, operator, left, right)


def _environment(*extensions: type[Extension]) -> SandboxedEnvironment:
    environment = _BoundedEnvironment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: None),
        keep_trailing_newline=True,
        extensions=extensions,
    )
    steps = 0

    def bounded_range(*arguments: int) -> range:
        nonlocal steps
        numbers = range(*arguments)
        steps += len(numbers)
        if steps > MAX_LOOP_STEPS:
            raise SecurityError(f"loops of more than {MAX_LOOP_STEPS:,} steps")
        return numbers

    environment.globals = {"range": bounded_range, "dict": dict, "namespace": jinja2.utils.Namespace}
    return environment


def _rendered(path: str, source: str, environment: SandboxedEnvironment) -> str:
    pieces, length = [], 0
    try:
        for piece in environment.from_string(source).generate():
            length += len(piece)
            if length > 2 * MAX_CHARACTERS:
                raise SecurityError(f"the outcome is longer than {MAX_CHARACTERS // 1024} KiB")
            pieces.append(piece)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(
            path, Position(error.lineno, 1), f"the template cannot be read: {error.message}",
            hint="{{ ... }} and {% ... %} are Jinja2; to write them as text: {% raw %} ... {% endraw %}",
        ) from error  # fmt: skip
    except jinja2.UndefinedError as error:
        raise ConfigError(
            path, _template_position(error), f"the template uses what is not there: {error.message}",
            hint="set it above: {% set name = value %}",
        ) from error  # fmt: skip
    except jinja2.TemplateNotFound as error:
        raise ConfigError(
            path, _template_position(error), "a config cannot include other files",
            hint="write it out; YAML's anchors (&name, *name) repeat a part of the same file",
        ) from error  # fmt: skip
    except SecurityError as error:
        raise ConfigError(
            path, _template_position(error), f"the template is refused: {error.message}",
            hint="a template may loop and calculate, no more",
        ) from error  # fmt: skip
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise ConfigError(path, _template_position(error), f"the template fails: {error}") from error
    return "".join(pieces)


def _template_position(error: BaseException) -> Position | None:
    """Where in the template it happened: Jinja rewrites the traceback to the template's own lines."""
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<template>":
            line = step.tb_lineno
        step = step.tb_next
    return Position(line, 1) if line else None
