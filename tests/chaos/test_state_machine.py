"""Random sequences of calls against the model: every answer, every counter and every point must agree.

Each sequence is one transaction that is rolled back, in which time stands still; leases and backoffs pass by
being moved. Fast: 200 sequences of up to 50 calls; long: 5,000 of up to 100.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from testing.desks import Desk
from tests.chaos.arena import FIXTURES
from tests.chaos.model import Claim, Model, Run

pytestmark = pytest.mark.queue

RUNNERS = 3
KINDS = ("strategy", "memory", "deadline", "crash", "infrastructure")
draw = strategies.integers(0, 999)
COMPLETE_AND_CLAIM = (
    "select * from complete_and_claim(array[row(%s, %s, %s, %s::jsonb, null, null"
    + ", '{}'" * 8
    + ")::point_outcome], %s, %s)"
)


class QueueMachine(RuleBasedStateMachine):
    """`session` is set by the test."""

    session: psycopg.Connection[Any]

    def __init__(self) -> None:
        super().__init__()
        self.session.execute("begin")
        self.runners = [self.value("select tap.given_runner()") for _ in range(RUNNERS)]
        self.model = Model()
        self.cash = 1000

    def teardown(self) -> None:
        self.session.execute("rollback")

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.session.execute(query, parameters).fetchall()

    def value(self, query: str, *parameters: object) -> Any:
        ((found,),) = self.rows(query, *parameters)
        return found

    def run(self, number: int, *statuses: str) -> tuple[int, Run] | None:
        runs = [(key, run) for key, run in self.model.runs.items() if not statuses or run.status in statuses]
        return runs[number % len(runs)] if runs else None

    # Jobs

    @precondition(lambda self: len(self.model.runs) < 4)
    @rule(points=strategies.integers(1, 9))
    def queue(self, points: int) -> None:
        self.cash += 1
        job_id = self.value("select tap.given_job(%s, %s)", points, json.dumps({"cash": self.cash}))
        self.model.runs[self.value("select tap.run_of(%s)", job_id)] = Run(job_id, points)

    @rule()
    def advance(self) -> None:
        self.value("select tap.advance(%s)", self.runners[0])
        for run in self.model.runs.values():
            run.close_if_complete()

    @rule(number=draw)
    def pause_or_resume(self, number: int) -> None:
        if found := self.run(number, "open"):
            _, run = found
            self.value(f"select {'resume' if run.paused else 'pause'}_job(%s)", run.job_id)
            run.paused = not run.paused

    @rule(number=draw)
    def cancel(self, number: int) -> None:
        if number % 4 == 0 and (found := self.run(number, "open")):
            self.value("select cancel_job(%s)", found[1].job_id)
            self.model.end(found[1], "cancelled")

    @rule(number=draw)
    def retry(self, number: int) -> None:
        found = self.run(number, "open", "completed", "failed")
        if found is None:
            return
        run = found[1]
        failed = [ordinal for ordinal, outcome in run.recorded.items() if outcome == "failed"]
        if not failed:
            refused = pytest.raises(psycopg.errors.InvalidParameterValue, match="has no failed point")
            with refused, self.session.transaction():
                self.value("select retry_job(%s)", run.job_id)
            return
        answer = self.value("select retry_job(%s)", run.job_id)
        assert f"{len(failed)} failed points" in answer
        run.status = "open"
        for ordinal in failed:
            del run.recorded[ordinal]
            run.attempt.pop(ordinal, None)

    # Runners

    @rule(who=draw, limit=strategies.integers(1, 6))
    def claim(self, who: int, limit: int) -> None:
        runner = self.runners[who % RUNNERS]
        self.take(runner, limit, self.rows("select * from claim_work(%s, %s)", runner, limit))

    def take(self, runner: int, limit: int, found: Sequence[Any]) -> None:
        """What a claim answered."""
        assert len(found) <= limit
        for item, token, run_id, attempt, ordinals, parameters in found:
            run = self.model.runs[run_id]
            assert parameters == [{"fast": ordinal + 1} for ordinal in ordinals]
            assert {run.attempt.get(ordinal, 1) for ordinal in ordinals} == {attempt}
            self.model.take(Claim(item, token, run, runner, tuple(ordinals)))
        if not found:
            assert self.claimable() == 0, "there was something to claim"

    def claimable(self) -> int:
        open_runs = [key for key, run in self.model.runs.items() if run.status == "open" and not run.paused]
        return int(
            self.value(
                "select count(*) from work_items where state = 'waiting' and run_after <= now()"
                " and optimization_run_id = any (%s)",
                open_runs,
            )
        )

    def some_claim(self, number: int) -> Claim | None:
        """Mostly a live one; sometimes one that has ended."""
        live = [claim for claim in self.model.claims if claim.live]
        pool = self.model.claims if number % 5 == 0 or not live else live
        return pool[number % len(pool)] if pool else None

    @rule(number=draw, which=draw, good=strategies.integers(0, 9), limit=strategies.integers(0, 3))
    def complete(self, number: int, which: int, good: int, limit: int) -> None:
        """With a limit, and claim in the same call."""
        claim = self.some_claim(number)
        if claim is None:
            return
        ordinal = claim.ordinals[which % len(claim.ordinals)]
        metrics = self.value("select tap.metrics()") if good else {"sessions": -1}
        expected = claim.refusal(ordinal)
        outcome = (claim.item, claim.token, ordinal, json.dumps(metrics))
        found: list[Any] = []
        if limit:
            (word, *_), *found = self.rows(COMPLETE_AND_CLAIM, *outcome, claim.runner, limit)
        else:
            word = self.value("select tap.complete(%s, %s, %s, %s)", *outcome)
        if expected is not None:
            assert word == expected
        else:
            assert word == "recorded" if good else word.startswith("impossible: ")
            claim.run.recorded[ordinal] = "finished" if good else "failed"
            claim.settle(ordinal)
        if limit:
            self.take(claim.runner, limit, [row for _, *row in found])

    @rule(number=draw, which=draw, kind=strategies.sampled_from(KINDS))
    def fail(self, number: int, which: int, kind: str) -> None:
        claim = self.some_claim(number)
        if claim is None:
            return
        ordinal = claim.ordinals[which % len(claim.ordinals)]
        expected = claim.refusal(ordinal) or claim.charge(ordinal, kind)
        word = self.value("select fail_work(%s, %s, %s, %s, 'why')", claim.item, claim.token, ordinal, kind)
        assert word == expected
        if word in ("failed", "retried"):
            claim.settle(ordinal)

    @rule(who=draw, named=strategies.sets(strategies.integers(0, 9)), running=draw)
    def beat(self, who: int, named: set[int], running: int) -> None:
        runner = self.runners[who % RUNNERS]
        mine = [claim for claim in self.model.claims if claim.runner == runner]
        said = [
            claim for place, claim in enumerate(mine[-10:]) if place in named or (claim.live and running % 3)
        ]
        for claim in said:
            left = claim.left
            claim.running = left[running % len(left)] if left and running % 2 else None
        answer = dict(
            self.rows(
                "select * from heartbeat(%s, %s, 1)",
                runner,
                json.dumps(
                    [
                        {"work_item_id": claim.item, "token": str(claim.token), "ordinal": claim.running}
                        for claim in said
                    ]
                ),
            )
        )
        assert answer.keys() == {claim.item for claim in said if not claim.live}
        for claim in self.model.held(runner):
            claim.live = claim in said

    @rule(who=draw)
    def give_back(self, who: int) -> None:
        runner = self.runners[who % RUNNERS]
        assert self.value("select release_work(%s)", runner) == len(self.model.held(runner))
        for claim in self.model.held(runner):
            claim.live = False

    # Time

    @rule(who=draw)
    def fall_silent(self, who: int) -> None:
        runner = self.runners[who % RUNNERS]
        self.session.execute(
            "update work_items set lease_until = now() - interval '1 s'"
            " where state = 'leased' and runner_id = %s",
            (runner,),
        )
        assert self.value("select reap_expired()") == len(self.model.held(runner))
        self.model.lose(runner)

    @rule()
    def wait(self) -> None:
        self.session.execute("update work_items set run_after = now() where state = 'waiting'")

    # What is always true

    @invariant()
    def books_agree(self) -> None:
        for run_id, run in self.model.runs.items():
            status, finished, failed, results, once = self.rows(BOOKS, run_id)[0]
            closed = status if status in ("completed", "failed", "cancelled") else "open"
            assert (closed, finished, failed) == (run.status, run.finished, run.failed)
            assert results == len(run.recorded)
            if run.status == "open":
                assert once, "a point is nowhere, or in two places"


# Every point up to `cut` is recorded, or open in exactly one item.
BOOKS = """
select r.status, p.finished, p.failed,
  (select count(*) from backtest_results as b where b.optimization_run_id = r.id),
  (select coalesce(array_agg(o.ordinal order by o.ordinal), '{}') = array(select generate_series(1, p.cut))
   from (
     select b.ordinal from backtest_results as b where b.optimization_run_id = r.id
     union all
     select generate_series(lower(u.piece), upper(u.piece) - 1)
     from work_items as w
     cross join unnest(
       int8multirange(int8range(w.first_ordinal, w.last_ordinal, '[]')) - w.settled) as u (piece)
     where w.optimization_run_id = r.id and w.state in ('waiting', 'leased')
   ) as o (ordinal))
from optimization_runs as r join run_progress as p on p.optimization_run_id = r.id
where r.id = %s
"""


@pytest.fixture
def machine(fresh_desk: Desk) -> Iterator[type[QueueMachine]]:
    with fresh_desk.connect("admin") as session:
        session.execute("set search_path = desk, analytics, tap")
        session.execute("set client_min_messages = warning")
        session.execute("create schema tap")
        session.execute(FIXTURES.read_bytes())
        session.execute("select tap.given_desk()")
        yield type("Machine", (QueueMachine,), {"session": session})


@pytest.mark.parametrize(("sequences", "calls"), [(200, 50), pytest.param(5000, 100, marks=pytest.mark.long)])
def test_the_queue_is_as_its_model(machine: type[QueueMachine], sequences: int, calls: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=calls,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
