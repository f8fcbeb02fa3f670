# Resolves the dependencies into files of names, versions and hashes, without the address of any index.
set -eu
export UV_PYTHON_DOWNLOADS=never
compile() {
    .venv/bin/uv pip compile "$@" --universal --python-version 3.11 --generate-hashes --quiet \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --overrides requirements/overrides.in
}
compile pyproject.toml requirements/build.in --all-extras -o requirements/lock.txt
# What the container image holds: nothing of the tests and tools, and the same versions.
compile pyproject.toml requirements/build.in --extra embedded --extra dbt --extra app --extra bayes \
    -c requirements/lock.txt -o requirements/image.txt
compile requirements/data.in --no-deps -o requirements/data.txt
compile requirements/uv.in -o requirements/uv.txt
