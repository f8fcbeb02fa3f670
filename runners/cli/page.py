"""`backdesk app`: the desk in a browser, with buttons where only the director can reach them."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from runners.errors import DeskError
from runners.settings import Settings

# The two packages lie side by side, in a checkout and where a wheel was installed.
ENTRY = Path(__file__).resolve().parents[2] / "streamlit_app" / "app.py"
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class AppFailed(DeskError):
    """The page cannot be served."""


def register(app: typer.Typer) -> None:
    app.command("app", short_help="Show the desk in a browser.")(serve)


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = "localhost",
    buttons: Annotated[
        bool | None,
        typer.Option(
            "--with-buttons/--without-buttons",
            help="Whoever reaches the page may queue, pause and cancel jobs, without a login. "
            "By default only where it listens on localhost.",
            show_default=False,
        ),
    ] = None,
    known_as: Annotated[
        list[str] | None,
        typer.Option(
            help="Name under which browsers reach it, such as that of a proxy; may be repeated. "
            "On localhost other names are refused.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the desk's page until Ctrl-C. It reads as the viewer; its buttons act as the director.

    Examples:

      backdesk app

      backdesk app --port 8600 --without-buttons

      backdesk app --known-as desk.example.org
    """
    if find_spec("streamlit") is None:
        raise AppFailed("Streamlit is not installed", hint="pip install 'backdesk[app]'")
    _refuse_taken(host, port)
    print(f"http://{_in_url(host)}:{port}  (Ctrl-C ends it)")
    local = _is_local(host)
    offered = local if buttons is None else buttons
    if not local:
        may = "read the desk and press its buttons" if offered else "read the desk"
        print(
            f"Listening on {host}: whoever reaches this machine can {may}, without a login. "
            "Put a proxy with one in front, or use an SSH tunnel to localhost."
        )
    sys.stdout.flush()
    settings = Settings.from_environment()
    # The page's own working folder must not decide where the desk is, nor which settings Streamlit reads.
    variables = {
        **os.environ,
        "BACKDESK_HOME": str(settings.home),
        "BACKDESK_BUTTONS": "on" if offered else "off",
    }
    # Else another site could let its own name mean this machine, and speak to the page as its user.
    names = [*LOCAL_NAMES, host, *(known_as or [])] if local or known_as else []
    flags = _flags(host, port, names)
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", "run", str(ENTRY), *flags], variables)


def _flags(host: str, port: int, names: list[str]) -> list[str]:
    # What does not depend on who starts it stands in streamlit_app/.streamlit/config.toml.
    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "logger.hideWelcomeMessage": "true",
    }
    given = [*flags.items(), *(("server.allowedHosts", name) for name in names)]
    return [word for name, value in given for word in (f"--{name}", value)]


def _refuse_taken(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise AppFailed(
            f"the page cannot listen on {host}:{port}: {error.strerror}",
            hint="choose another with --port or --host",
        ) from error


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
