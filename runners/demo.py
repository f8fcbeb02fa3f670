"""`make demo`: the whole way of a job, three times, on real prices.

The criteria stand in the configs, each with its reason, and were chosen before any result was seen. Where
nothing passes, that is the outcome.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from backdesk.data import folder
from runners.cli.leaderboard import show
from runners.cli.load import load_sample
from runners.cli.searches import announce, sum_up
from runners.cli.text_table import text_table
from runners.cli.up import bring_up
from runners.configs.errors import ConfigError
from runners.database.connection import connect
from runners.errors import DeskError
from runners.jobs.following import JobStanding
from runners.jobs.queueing import Queued, Refused, queue, read_configs
from runners.jobs.running import Interrupted, run_until_over
from runners.leaderboard import read
from runners.reporting import report
from runners.settings import Settings

FOLDER = folder("configs") / "optimizations"
CONFIGS = ("rsi_etf_example.yaml", "bollinger_etf_example.yaml", "sma_crossover_example.yaml")

CRITERIA = """
select r.config_file, d.title, c.comparison,
       case d.unit when 'fraction' then to_char(100 * c.threshold, 'FM990.##') || ' %%'
                   else trim_scale(c.threshold::numeric)::text end
from desk.optimization_runs as r
join desk.success_criteria as c on c.optimization_run_id = r.id
join desk.metric_definitions as d on d.metric = c.metric
where r.job_id = any(%s) and r.role = 'search'
order by r.id, d.title
"""


def demo(settings: Settings) -> bool:
    """Every step of the demo, each under its own heading; True where every search came to its end."""
    began = time.perf_counter()
    _heading("The desk")
    bring_up(settings)
    _heading("Real prices, from packages that are installed")
    load_sample(settings)

    _heading("Three searches")
    configs = read_configs([_relative(FOLDER / name) for name in CONFIGS])
    with connect("director", settings=settings) as director:
        queued = queue(director, configs, join=True)
        announce(queued)
        _show_criteria(director, queued)
        jobs = run_until_over(director, [job.job_id for job in queued], settings=settings)

    _heading("Summaries")
    sum_up(jobs)
    _say_if_none_passed(jobs)
    _heading("Leaderboard")
    _show_leaderboard(settings)
    _heading(f"Done in {time.perf_counter() - began:.0f} seconds. Try next")
    for line in _next_commands():
        print(f"  {line}")
    return all(job.state == "done" for job in jobs)


def _show_criteria(director: psycopg.Connection[Any], queued: Sequence[Queued]) -> None:
    rows = director.execute(CRITERIA, ([job.job_id for job in queued],)).fetchall()
    limits: dict[str, list[str]] = {}
    for file, title, comparison, threshold in rows:
        limits.setdefault(file, []).append(f"{title} {comparison} {threshold}")
    print()
    print("What a result must meet to pass, chosen beforehand; the reasons stand in the files:")
    print(text_table(("config", "criteria"), [(file, ", ".join(texts)) for file, texts in limits.items()]))
    print(flush=True)


def _say_if_none_passed(jobs: Sequence[JobStanding]) -> None:
    if any(job.passed for job in jobs) or any(job.state != "done" for job in jobs):
        return
    print("None passed. That is an answer too: on these prices none of these ideas met its criteria.")
    print("Why, by reason: select * from rejection_summary")


def _show_leaderboard(settings: Settings) -> None:
    with connect("viewer", settings=settings) as viewer:
        show(read(viewer, limit=10))


def _next_commands() -> list[str]:
    command = "backdesk" if shutil.which("backdesk") else ".venv/bin/backdesk"
    return [
        f"{command} psql -c 'select * from strategy_leaderboard limit 10'",
        f"{command} run {_relative(FOLDER / 'template.yaml')}",
        f"{command} app",
    ]


def _heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def main() -> None:
    try:
        if not demo(Settings.from_environment()):
            sys.exit(1)
    except Refused as refused:
        for error in refused.errors:
            report(error)
        sys.exit(1)
    except (Interrupted, KeyboardInterrupt) as interrupted:
        if isinstance(interrupted, Interrupted):
            report(interrupted)
        print("`make demo` goes on where it was", file=sys.stderr)
        sys.exit(130)
    except (ConfigError, DeskError, psycopg.Error) as error:
        report(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
