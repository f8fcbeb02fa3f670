"""`python -m runners.worker PROCESSES`: a runner that another process holds in readiness.

It gets ready at once, begins when a line comes on its standard input, and ends when nothing is left to do.
Where its input ends without a line it was not needed.
"""

from __future__ import annotations

import sys

from runners.cli.errors import is_reportable, report
from runners.worker.serving import serve


def main() -> None:
    try:
        code = serve(int(sys.argv[1]), drain=True, wanted=lambda: bool(sys.stdin.buffer.readline()))
    except Exception as error:
        if not is_reportable(error):
            raise
        report(error)
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
