"""Every statement that the SQL sources advise is known here, with the test that carries it out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PGTAP = ROOT / "tests" / "pgtap"
# A statement inside a text: what precedes it on its line has an odd number of quotes.
STATEMENT = re.compile(r"(?:: |')((?:select|insert into) [a-z_]+)\b(?=[( ])")
FOLLOWED = {
    "select cancel_job": ("test_advice.sql", "with a statement that ends it"),
    "select resume_job": ("test_advice.sql", "and does"),
    "select retry_job": ("test_advice.sql", "and are"),
    "insert into jobs": ("test_advice.sql", "and then waits"),
    "insert into risk_limits": ("test_advice.sql", "an account gets its limits"),
    "select move_strategy": ("test_advice.sql", "is brought back"),
    "select load_instrument": ("test_advice.sql", "an unknown symbol is made"),
    "select emergency_stop": ("test_advice.sql", "a stop with a reason stops"),
    "select resume_trading": ("test_advice.sql", "and a reason lets trading resume"),
    "select reduce_trading": ("test_steering.sql", "select alike(reduce_trading('odd fills'"),
    "select cancel_live_order": ("test_steering.sql", "is(cancel_live_order(pg_temp.n('b:1')"),
    "select accept_position": ("test_links.sql", "alike(accept_position('PAPER1', 'GOOG'"),
    "select accept_fault": ("test_verdicts.sql", "select accept_fault("),
    "select approve_strategy": ("test_live_reads.sql", "select approve_strategy("),
}
"""The test file, and what says there that it was carried out."""


def advised() -> set[str]:
    """Statements in texts of functions and views; comments and `execute` are not said to anybody."""
    found = set()
    for path in (ROOT / "db").rglob("*.sql"):
        text = re.sub(r"^comment on .*?;\n", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
        for line in text.splitlines():
            if re.search(r"\bexecute\b|^\s*--", line):
                continue
            for match in STATEMENT.finditer(line):
                if line[: match.start(1)].count("'") % 2:
                    found.add(match[1])
    return found


def test_each_has_a_test_that_carries_it_out() -> None:
    assert advised() == set(FOLLOWED)


@pytest.mark.parametrize("statement", FOLLOWED)
def test_and_that_test_does(statement: str) -> None:
    file, said = FOLLOWED[statement]
    assert said in (PGTAP / file).read_text(encoding="utf-8")
