"""One backtest from the command line: asked for, executed, shown, written down."""
