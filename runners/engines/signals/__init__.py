"""Signal strategies in a compiled kernel."""
