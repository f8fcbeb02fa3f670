"""`python -m runners.cli` is `backdesk`."""

from runners.cli import main

main()
