"""`python -m runners.cli` is `backdesk`."""

from runners.cli.app import main

main()
