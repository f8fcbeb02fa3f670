"""Strategies on `BaseStrategy`."""
