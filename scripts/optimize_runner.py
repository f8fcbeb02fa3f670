"""`python scripts/optimize_runner.py ...`, from any folder, is `python -m runners.optimize_runner ...`."""

from runners.optimize_runner import main

if __name__ == "__main__":
    main()
