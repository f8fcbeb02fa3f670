"""A small process between a runner and `lean`, which outlives both and leaves no container behind.

LEAN's command line starts a docker container and cleans it up only when it is interrupted politely; killed,
it leaves the container running and writing. So `lean` never runs directly below a child of a runner: this
process runs it, in a session of its own, and watches its standard input, whose other end only the child has.
However the child ends (cancelled, out of time, killed with its runner), that end closes, and the container is
stopped.

Started by path, with nothing but the standard library: its one argument is JSON with `command`, `folder`,
`results` (where LEAN writes the container's name before it starts it), `output` and `docker`.
"""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

POLITE_SECONDS = 10.0
DOCKER_SECONDS = 60.0
LOOK_SECONDS = 0.1
STOPPED = 130
CONTAINER = re.compile(r"lean_cli_[0-9a-f]{32}")


def container_names(results: str) -> list[str]:
    """Names of the containers whose output lies below a folder."""
    names = []
    for folder, _, files in os.walk(results):
        if "config" in files:
            try:
                with open(os.path.join(folder, "config"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                    found = CONTAINER.search(file.read(10_000))
            except (OSError, UnicodeDecodeError):
                continue
            if found:
                names.append(found[0])
    return names


def remove_containers(results: str, docker: str) -> bool:
    """Stops and removes them; false where docker did not answer."""
    answered = True
    for name in container_names(results):
        try:
            subprocess.run(
                [docker, "rm", "-f", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=DOCKER_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            answered = False
    return answered


def end(process: "subprocess.Popen[bytes]") -> None:
    """Politely first: interrupted, `lean` stops its container itself."""
    for number, seconds in ((signal.SIGINT, POLITE_SECONDS), (signal.SIGKILL, DOCKER_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def main() -> int:
    order = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with open(order["output"], "wb") as output:  # noqa: PTH123
        try:
            process = subprocess.Popen(
                order["command"],
                cwd=order["folder"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                restore_signals=True,
                preexec_fn=_default_signals,
            )
        except OSError as error:
            output.write(f"Error: {order['command'][0]} cannot be started: {error.strerror}\n".encode())
            return 127
    while process.poll() is None:
        if select.select([0], [], [], LOOK_SECONDS)[0] and not os.read(0, 1):
            end(process)
            remove_containers(order["results"], order["docker"])
            return STOPPED
    if process.returncode != 0:
        # Killed or crashed, it has left its container; after an error of its own there is none.
        remove_containers(order["results"], order["docker"])
        if process.returncode < 0:
            # A request that was on its way when it was killed.
            time.sleep(1)
            remove_containers(order["results"], order["docker"])
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
