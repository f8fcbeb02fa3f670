"""`python -m runners.worker PROCESSES`: a runner that another process holds in readiness.

It gets ready at once, begins when a line comes on its standard input, and ends when nothing is left to do.
Where its input ends without a line it was not needed.
"""

from __future__ import annotations

import sys

from runners.reporting import exit_codes
from runners.worker.serving import serve


def main() -> None:
    with exit_codes():
        sys.exit(serve(int(sys.argv[1]), drain=True, wanted=lambda: bool(sys.stdin.buffer.readline())))


if __name__ == "__main__":
    main()
