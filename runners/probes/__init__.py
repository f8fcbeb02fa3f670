"""Probes of a strategy's code: does it look ahead, is it repeatable, does it read what it declares."""
