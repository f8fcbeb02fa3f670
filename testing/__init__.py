"""What tests, pictures and measurements share: a desk, its app and runner, a browser, many rows."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
