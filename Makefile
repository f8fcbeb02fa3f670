# Every path is relative, so that a clone works in any folder, also one with a blank in its name.
PYTHON ?=
ARGS ?=

.PHONY: help setup demo demo-live test test-long lint bench screenshots up down lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with everything in it; PYTHON=... chooses the interpreter
	@PYTHON='$(PYTHON)' sh requirements/setup.sh

demo: setup ## Three searches on real prices, to the leaderboard
	@.venv/bin/python -m runners.demo

demo-live: setup ## A day on paper: a limit that is hit, a strategy that is killed, flat before the close
	@.venv/bin/python -m runners.demo_live

test: setup ## All tests but the long ones; ARGS='-k name' chooses, '-n 0' runs them in one process
	@.venv/bin/python -m pytest -m 'not long' -n 2 --dist loadfile $(ARGS)

test-long: setup ## Chaos and fuzz tests; ARGS='-m "long and lean"' is a part by topic (pyproject.toml)
	@.venv/bin/python -m pytest -m long --hypothesis-profile='new draws' $(ARGS)

lint: setup ## Style and types
	@.venv/bin/ruff check .
	@.venv/bin/mypy

bench: setup ## Measure
	@.venv/bin/python -m benchmarks $(ARGS)

screenshots: setup ## Pictures of every page into docs/gallery (needs Chromium)
	@.venv/bin/python -m gallery

up: setup ## Start the desk (backdesk up)
	@.venv/bin/backdesk up

down: ## Stop the desk (backdesk down)
	@if [ -x .venv/bin/backdesk ]; then .venv/bin/backdesk down; else echo 'nothing is installed'; fi

lock: setup ## Resolve the dependencies anew into requirements/
	@sh requirements/lock.sh

clean: down ## Remove what set-up and tests made; the desk's data in .backdesk stays
	@rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt/target dbt/logs
