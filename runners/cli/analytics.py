"""Whether dbt's views have to be built again, asked by `backdesk up`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from psycopg import sql

from backdesk.data import folder
from runners.database import connection, marts
from runners.dbt import build
from runners.settings import Settings

PROJECT = folder("dbt")
_SOURCES = ("dbt_project.yml", "models", "macros", "seeds", "snapshots")


def ensure_views(settings: Settings) -> bool:
    """Builds dbt's views where they are missing or made from other files; whether that was needed.

    The hash of the files stands in the comment of the schema `analytics`: a migration that had to drop the
    views leaves none behind, and new models give another hash.
    """
    mark = f"Built by dbt from {fingerprint(PROJECT)}"
    with connection.connect("dbt", settings=settings) as dbt:
        found = dbt.execute(
            "select obj_description('analytics'::regnamespace, 'pg_namespace'),"
            " exists (select from pg_class where relnamespace = 'analytics'::regnamespace and relkind = 'v')"
        ).fetchone()
        if found == (mark, True):
            marts.publish(settings)
            return False
        build(settings)
        dbt.execute(sql.SQL("comment on schema analytics is {}").format(mark))
    return True


def fingerprint(project: Path) -> str:
    """Hash of what dbt builds from."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        top = project / name
        files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        for path in files:
            if path.exists():
                digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
