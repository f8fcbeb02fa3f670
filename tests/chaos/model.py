"""The queue as a small Python model: what each call must answer, whatever came before."""

from __future__ import annotations

from dataclasses import dataclass, field

PROCESSES = 2
LIMITS = {"memory": 2, "deadline": 2, "crash": 3, "infrastructure": 6}


@dataclass
class Run:
    """One job of one run; `recorded` and `attempt` are by ordinal."""

    job_id: int
    total: int
    status: str = "open"
    paused: bool = False
    recorded: dict[int, str] = field(default_factory=dict)
    attempt: dict[int, int] = field(default_factory=dict)

    @property
    def finished(self) -> int:
        return sum(outcome == "finished" for outcome in self.recorded.values())

    @property
    def failed(self) -> int:
        return len(self.recorded) - self.finished

    def close_if_complete(self) -> None:
        if self.status == "open" and not self.paused and len(self.recorded) == self.total:
            self.status = "completed" if self.finished else "failed"


@dataclass
class Claim:
    """One lease; it stays known after it has ended, so that late twins can be tried."""

    item: int
    token: str
    run: Run
    runner: int
    ordinals: tuple[int, ...]
    live: bool = True
    running: int | None = None
    settled: set[int] = field(default_factory=set)

    @property
    def left(self) -> list[int]:
        return [ordinal for ordinal in self.ordinals if ordinal not in self.settled]

    def refusal(self, ordinal: int) -> str | None:
        """Why a report of this point is refused, if it is."""
        if not self.live or self.run.status != "open":
            return "stale"
        return "duplicate" if ordinal in self.settled else None

    def settle(self, ordinal: int) -> None:
        self.settled.add(ordinal)
        self.live = bool(self.left)

    def charge(self, ordinal: int, kind: str) -> str:
        """A point of it did not finish: tried again, or failed for good."""
        attempt = self.run.attempt.get(ordinal, 1)
        if kind == "strategy" or attempt >= LIMITS[kind]:
            self.run.recorded[ordinal] = "failed"
            return "failed"
        self.run.attempt[ordinal] = attempt + 1
        return "retried"


@dataclass
class Model:
    """Runs by id, and claims in the order in which they were made."""

    runs: dict[int, Run] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)

    def held(self, runner: int) -> list[Claim]:
        return [claim for claim in self.claims if claim.runner == runner and claim.live]

    def take(self, claim: Claim) -> None:
        """A claim as the desk answered it: of open work only, and of no point that somebody has."""
        run = claim.run
        assert run.status == "open", "work of a closed run was handed out"
        assert not run.paused, "work of a paused run was handed out"
        taken = {o for other in self.claims if other.live and other.run is run for o in other.left}
        assert not taken & set(claim.ordinals), "a point was handed out twice"
        assert not run.recorded.keys() & set(claim.ordinals), "a recorded point was handed out"
        self.claims.append(claim)

    def lose(self, runner: int) -> None:
        """The runner is silent past its lease."""
        for place, claim in enumerate(self.held(runner)):
            left = claim.left
            if claim.running in left:
                claim.charge(claim.running, "infrastructure")
            elif claim.running is not None or place < PROCESSES:
                claim.charge(left[0], "infrastructure")
            claim.live = False

    def end(self, run: Run, status: str) -> None:
        run.status = status
        for claim in self.claims:
            if claim.run is run:
                claim.live = False
