"""`python scripts/results_importer.py ...`, from any folder, is `python -m runners.results_importer ...`."""

from runners.results_importer import main

if __name__ == "__main__":
    main()
