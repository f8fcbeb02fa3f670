"""Engines: points in, raw metrics and series out."""
