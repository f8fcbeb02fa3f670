"""A strategy's file that is edited while a runner lives: what is asked for then is run by what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runners.prices import load, sample
from testing import served
from testing.desks import Desk
from testing.waiting import until

FILE = """
import time
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter

class Edited(BaseStrategy):
    parameters = (Parameter("every", int, 5, 2, 99), Parameter("seconds", float, 0.0))
    def next(self):
        if len(self) % self.p.every == 0:
            (self.sell if self.position else self.buy)(size=SIZE)
    def stop(self):
        time.sleep(self.p.seconds)
SIZE = 10
"""
SEARCH = {"parameters": {"every": [3, 4, 5]}}


class Edited:
    """The strategy's file, and searches of it."""

    def __init__(self, desk: Desk, file: Path) -> None:
        self.desk, self.file = desk, file
        self.environment = {**desk.environment, "BACKDESK_STRATEGIES": str(file.parent)}
        self.text = FILE

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new)
        self.file.write_text(self.text)

    def queue(self, **config: Any) -> int:
        with self.desk.connect("director") as director:
            (row,) = director.execute(
                "insert into jobs (strategy, config, force) values ('edited', %s, true) returning id",
                [
                    json.dumps(
                        {"symbols": ["GOOG"], "end_date": "2010-12-31", "optimization": SEARCH} | config
                    )
                ],
            ).fetchall()
        return int(row[0])

    def rows(self, query: str, job_id: int) -> list[tuple[Any, ...]]:
        with self.desk.connect("admin") as admin:
            admin.execute("set search_path = desk")
            return admin.execute(query, [job_id]).fetchall()

    def state(self, job_id: int) -> str:
        return str(self.rows("select state from jobs where id = %s", job_id)[0][0])

    def note(self, job_id: int) -> str:
        return str(self.rows("select code_note(id) from optimization_runs where job_id = %s", job_id)[0][0])

    def done(self, job_id: int) -> tuple[float, int, int]:
        """Once it is: its largest fees, how many points were known, and of how many versions they are."""
        until(lambda: self.state(job_id) == "done")
        ((fees, known, versions),) = self.rows(
            "select max(b.total_fees), count(b.source_result_id), count(distinct b.code_version_id)"
            " from backtest_results as b join optimization_runs as r on r.id = b.optimization_run_id"
            " where r.job_id = %s",
            job_id,
        )
        return float(fees), int(known), int(versions)


@pytest.fixture(scope="module")
def edited(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    """With the prices of GOOG, and a runner that lives for as long as the module takes."""
    series = next(one for one in sample.read_sample().series if one.symbol == "GOOG")
    with desk.connect("director") as director:
        load.load(director, series)
    file = tmp_path_factory.mktemp("edited") / "edited.py"
    file.write_text(FILE)
    edited = Edited(desk, file)
    with served.runner(edited.environment):
        until(lambda: edited.rows("select from strategies where id > %s and name = 'edited'", 0) != [])
        yield edited


def test_an_edit_is_run_and_taking_it_back_finds_what_was_known(edited: Edited) -> None:
    before, known, _ = edited.done(edited.queue())
    assert known == 0
    # Of the same length and perhaps in the same second, which a cache of compiled files would not see.
    edited.edit("SIZE = 10", "SIZE = 20")
    after, known, _ = edited.done(edited.queue())
    assert known == 0
    assert after == pytest.approx(2 * before)
    edited.edit("SIZE = 20", "SIZE = 10")
    assert edited.done(edited.queue())[:2] == (before, 3)


def test_what_has_begun_is_finished_by_the_code_it_began_with(edited: Edited) -> None:
    slow = edited.queue(optimization={"parameters": {"every": [3, 4, 5, 6, 7, 8], "seconds": 0.4}})
    until(lambda: edited.state(slow) == "running")
    edited.edit("SIZE = 10", "SIZE = 30")
    until(lambda: "the file is newer" in edited.note(slow))
    newer = edited.queue(cash=1_000_000)
    assert "has older code, and reads its files again as soon as no run is pinned to that" in edited.note(
        newer
    )
    assert edited.done(slow)[2] == 1
    edited.done(newer)
    pinned = "select code_version_id from optimization_runs where job_id = %s"
    assert edited.rows(pinned, slow) != edited.rows(pinned, newer)


def test_no_run_of_a_file_is_begun_while_it_cannot_be_read(edited: Edited) -> None:
    edited.edit("def next(self):", "def next(self:")
    job_id = edited.queue(cash=2_000_000)
    until(lambda: "edited.py, line 8, cannot be loaded: SyntaxError" in edited.note(job_id))
    assert edited.state(job_id) == "waiting"
    edited.edit("def next(self:", "def next(self):")
    edited.done(job_id)


def test_a_parameter_is_known_to_who_queues_as_soon_as_it_is_in_the_file(
    edited: Edited, tmp_path: Path
) -> None:
    edited.edit('Parameter("seconds"', 'Parameter("lots", int, 1, 1, 9), Parameter("seconds"')
    config = tmp_path / "edited.yaml"
    config.write_text("strategy: edited\nsymbols: [GOOG]\noptimization: {parameters: {lots: [1, 2]}}\n")
    queued = subprocess.run(
        [sys.executable, "-m", "runners.cli", "queue", str(config), "--force"],
        env={**os.environ, **edited.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert queued.returncode == 0, queued.stderr
    ((job_id, version),) = edited.rows(
        "select max(j.id), max(left(v.code_hash, 12)) from jobs as j, strategies as s"
        " join code_versions as v on v.id = s.current_version_id where s.name = 'edited' and j.id > %s",
        0,
    )
    assert f"job {job_id} is run by version {version} of edited" in queued.stdout
    edited.done(job_id)


def test_code_that_looks_ahead_is_found_out_by_its_first_search(edited: Edited) -> None:
    with edited.desk.connect("admin") as admin:
        admin.execute("update desk.settings set value = 'true' where name = 'check_new_code'")
        # What earlier code let pass is that code's.
        admin.execute("update desk.strategies set status = 'rejected' where name = 'edited'")
    edited.edit(
        "if len(self) % self.p.every == 0:",
        "if len(self) < self.data.buflen() and self.data.close[1] > self.data.close[0]:",
    )
    job_id = edited.queue(cash=3_000_000, success_criteria={"min_trades": 1})
    edited.done(job_id)
    check = (
        "select c.outcome, c.evidence ->> 'timeframe', c.evidence -> 'symbols', s.status"
        " from code_checks as c join strategies as s on s.id = c.strategy_id"
        " join optimization_runs as r on r.code_version_id = c.code_version_id where r.job_id = %s"
    )
    until(lambda: [row[0] for row in edited.rows(check, job_id)] == ["fault"], seconds=60)
    assert edited.rows(check, job_id) == [("fault", "1d", ["GOOG"], "rejected")]
    assert "has a fault: look-ahead: with data until" in edited.note(job_id)
