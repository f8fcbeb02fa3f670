"""Jobs until they are over, with a runner of one's own if none is alive."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import psycopg

from runners.errors import DeskError
from runners.jobs.following import JobsProgress, JobStanding, standings
from runners.jobs.own_code import code_elsewhere, code_notes
from runners.jobs.own_runner import OwnRunner, runner_is_alive
from runners.settings import Settings

SUGGESTIONS = """
select r.job_id
from desk.work_items as w
join desk.optimization_runs as r on r.id = w.optimization_run_id
where r.job_id = any(%s) and w.kind = 'suggest' and w.state = 'waiting'
order by r.job_id
limit 1
"""
LOOK_SECONDS = 0.25
LOOK_FOR_RUNNERS_SECONDS = 2.0
STILL_SECONDS = 30.0


class JobsWait(DeskError):
    """Jobs that nobody will execute as things are."""


class Interrupted(DeskError):
    """The user went away; the jobs did not."""


def run_until_over(
    connection: psycopg.Connection[Any],
    job_ids: Sequence[int],
    *,
    settings: Settings,
    processes: int = 0,
    spare: OwnRunner | None = None,
) -> list[JobStanding]:
    """Waits until every job is over. Raises Interrupted at Ctrl-C, with how to go on and how to cancel.

    `spare` is a runner that has not begun; it does, where no other is alive.
    """
    runner: OwnRunner | None = None
    jobs: list[JobStanding] = []
    looked = moved = time.monotonic()
    try:
        jobs = standings(connection, job_ids)
        # A runner takes a moment to get ready, so it is started before anything is shown.
        if not _over(jobs):
            runner = _runner_if_there_is_none(connection, settings, processes, spare)
        with JobsProgress() as progress:
            while True:
                progress.show(jobs)
                if _over(jobs):
                    return jobs
                if runner is None:
                    time.sleep(LOOK_SECONDS)
                else:
                    runner.wait(LOOK_SECONDS)
                now = time.monotonic()
                if runner is not None and (code := runner.ended()) is not None:
                    if code:
                        raise runner.failure()
                    _refuse_to_wait(standings(connection, job_ids))
                    _refuse_without_optuna(connection, job_ids)
                    _refuse_without_code(connection, job_ids)
                    runner, looked = None, -math.inf
                before, jobs = jobs, standings(connection, job_ids)
                if runner is None and not _over(jobs) and now - looked > LOOK_FOR_RUNNERS_SECONDS:
                    looked = now
                    runner = _runner_if_there_is_none(connection, settings, processes)
                if jobs != before:
                    moved = now
                elif now - moved > STILL_SECONDS:
                    moved = now
                    progress.say(
                        f"nothing was recorded for {STILL_SECONDS:.0f} seconds: the runners may be busy "
                        f"with other jobs, or lack the code. {_codes(connection, jobs)}"
                    )
    except KeyboardInterrupt:
        if runner is not None and runner.ended() is None:
            print("finishing what runs; Ctrl-C again gives it back", file=sys.stderr)
        raise _interrupted(jobs, job_ids) from None
    finally:
        if runner is not None:
            runner.stop()


def _over(jobs: Sequence[JobStanding]) -> bool:
    return all(job.over for job in jobs)


def _runner_if_there_is_none(
    connection: psycopg.Connection[Any], settings: Settings, processes: int, spare: OwnRunner | None = None
) -> OwnRunner | None:
    if runner_is_alive(connection):
        if spare is not None:
            spare.stop()
        return None
    runner = spare or OwnRunner(settings, processes)
    runner.begin()
    return runner


def _codes(connection: psycopg.Connection[Any], jobs: Sequence[JobStanding]) -> str:
    notes = code_notes(connection, [job.job_id for job in jobs if not job.over])
    return "; ".join(f"job {job_id} is run by {note}" for job_id, note in notes.items())


def _refuse_to_wait(jobs: Sequence[JobStanding]) -> None:
    for job in jobs:
        # A held job goes on by itself when its pilot points are in.
        if job.state == "paused":
            raise JobsWait(
                f"job {job.job_id} is {job.state}",
                hint=f"go on: backdesk psql -c 'select resume_job({job.job_id})'",
            )


def _refuse_without_optuna(connection: psycopg.Connection[Any], job_ids: Sequence[int]) -> None:
    """A runner of this environment has just done all that it could."""
    waiting = connection.execute(SUGGESTIONS, (list(job_ids),)).fetchone()
    if waiting is not None and find_spec("optuna") is None:
        raise JobsWait(
            f"job {waiting[0]} waits for suggestions, and Optuna, which makes them, is not installed",
            hint="pip install 'backdesk[bayes]'",
        )


def _refuse_without_code(connection: psycopg.Connection[Any], job_ids: Sequence[int]) -> None:
    waiting = code_elsewhere(connection, job_ids)
    if waiting is not None:
        raise JobsWait(
            f"job {waiting[0]} waits for {waiting[1]}: the files of this host are another version",
            hint="make that current: backdesk strategies sync; or start a runner where the current code is",
        )


def _interrupted(jobs: Sequence[JobStanding], job_ids: Sequence[int]) -> Interrupted:
    open_ids = [job.job_id for job in jobs if not job.over] or list(job_ids)
    done = ", ".join(f"job {job.job_id}: {job.recorded} of {job.total}" for job in jobs)
    names = ", ".join(f"job {job_id}" for job_id in open_ids)
    cancel = ", ".join(f"cancel_job({job_id})" for job_id in open_ids)
    return Interrupted(
        f"interrupted; {names} stay{'s' if len(open_ids) == 1 else ''} in the queue",
        detail=done or None,
        hint=f"go on: backdesk work --drain; or cancel: backdesk psql -c 'select {cancel}'",
    )
