"""The `backtrader` engine: unmodified Backtrader strategies on arrays of prices."""
