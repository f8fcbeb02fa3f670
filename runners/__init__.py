"""Thin Python runners and the `backdesk` command."""

__version__ = "0.1.0"
