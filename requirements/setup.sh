# Makes .venv, or leaves it alone when it is what the lock files say. Called by `make setup`.
#
# uv does the work, installed by pip; where uv cannot reach the index, pip does it too. May be interrupted at
# any moment and started again: only the last line makes the environment count.
set -eu

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The first interpreter that will do; the user's own choice is the only candidate.
choose() {
    oldest='' bare=''
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3
    fi
    for candidate; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        found=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2], int(sys.version_info >= (3, 11)))' \
            2>/dev/null) || continue
        if [ "${found#* }" = 0 ]; then
            oldest=${oldest:-"$candidate is Python ${found% *}"}
        elif ! "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            bare=${bare:-"$candidate cannot make environments: install python${found% *}-venv (Debian: apt-get install python3-venv)"}
        else
            python=$candidate
            return
        fi
    done
    [ -z "$bare" ] || stop "$bare"
    [ -z "$oldest" ] || stop "$oldest, and the desk needs 3.11 or newer: make setup PYTHON=/path/to/python3.11"
    stop "there is no ${PYTHON:-python3} here: the desk needs Python 3.11 or newer"
}

# With the folder's own path, since an environment that was moved or copied does not work.
key=$({ pwd; cat requirements/lock.txt requirements/data.txt requirements/uv.txt requirements/setup.sh pyproject.toml; } | cksum)
if [ -x .venv/bin/python ] && [ "$(cat .venv/.complete 2>/dev/null)" = "$key" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

began=$(date +%s)
# One that another folder made, or that was interrupted half-way, is not worth mending.
if [ ! -s .venv/.complete ] || [ "$(cat .venv/.folder)" != "$(pwd)" ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    choose
    echo "making .venv with $("$python" --version)"
    said=$("$python" -m venv --clear .venv 2>&1) || stop "$python could not make .venv" "$said"
    pwd >.venv/.folder
fi
rm -f .venv/.complete
log=.venv/setup.log
: >"$log"
export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1

pip_install() {
    .venv/bin/python -m pip install --quiet --no-deps "$@" >>"$log" 2>&1
}

# uv reads neither pip's settings nor, unless told, the system's certificates: three ways, the fast one first.
install() {
    for certificates in '' --system-certs; do
        # shellcheck disable=SC2086
        if .venv/bin/uv pip sync --quiet $certificates --python .venv/bin/python --require-hashes "$@" >>"$log" 2>&1; then
            return
        fi
    done
    files=''
    for file; do files="$files -r $file"; done
    # shellcheck disable=SC2086
    pip_install --require-hashes $files
}

fail() {
    tail -n 15 "$log" >&2
    stop "the packages could not be installed; the whole story is in $log"
}

echo "installing $(grep -c '^[a-z]' requirements/lock.txt) packages"
pip_install --require-hashes -r requirements/uv.txt || true
install requirements/lock.txt requirements/data.txt || fail
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline -e . >>"$log" 2>&1 ||
    pip_install --no-build-isolation -e . || fail
# Where Python may write no bytecode, each start would compile all that it imports, which takes a second. So what
# a search imports is imported here, once, by a Python that may.
if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then
    env -u PYTHONDONTWRITEBYTECODE -u BACKDESK_STRATEGIES .venv/bin/python -c '
import numpy.random, runners.cli.app, runners.cli.run, runners.cli.work, runners.optimize_runner
import runners.engines.backtrader.engine, runners.engines.registry, runners.tasks.registry, runners.worker.loop, runners.worker.zygote
import strategies.registry
strategies.registry.entries()' >>"$log" 2>&1 || true
fi
echo "$key" >.venv/.complete
echo "set up in $(($(date +%s) - began)) s"
