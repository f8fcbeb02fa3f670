"""Passwords of the embedded server's logins, in libpq's own password file."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

PORT = 5432

_FIELD = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)")


def read(path: Path) -> dict[str, str]:
    """Login to password; empty where there is no file yet."""
    if not path.exists():
        return {}
    passwords = {}
    for line in path.read_text().splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in _FIELD.findall(line)]
        if len(fields) >= 5 and not line.startswith("#"):
            passwords[fields[3]] = fields[4]
    return passwords


def ensure(path: Path, logins: Iterable[str], socket_folder: Path) -> dict[str, str]:
    """Generates the passwords that are missing and writes the file for this socket folder."""
    passwords = read(path)
    for login in logins:
        passwords.setdefault(login, secrets.token_urlsafe(24))
    host = re.sub(r"([\\:])", r"\\\1", str(socket_folder))
    content = "".join(f"{host}:{PORT}:*:{login}:{password}\n" for login, password in passwords.items())
    if not path.exists() or path.read_text() != content:
        replacement = path.with_name(path.name + ".new")
        replacement.unlink(missing_ok=True)
        descriptor = os.open(replacement, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        replacement.replace(path)
    return passwords
