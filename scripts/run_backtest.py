"""`python scripts/run_backtest.py ...`, from any folder, is `python -m runners.run_backtest ...`."""

from runners.run_backtest import main

if __name__ == "__main__":
    main()
