"""`backdesk stop`, and what its answer says of a desk that trades."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from runners.cli.app import app
from runners.reporting import is_reportable
from testing.accounts import open_account, submit
from testing.desks import Desk

pytestmark = pytest.mark.live


def test_it_stops_one_account_or_all_and_says_what_is_open(desk: Desk) -> None:
    with desk.connect("admin") as admin:
        account = open_account(admin)
        session = account.session()
        assert submit(admin, session, "a:1", "AAA", 3)[1] == "allowed"
        said = CliRunner().invoke(app, ["stop", "drill", "--account", "PAPER1", "--flatten"]).output
        assert said.startswith("HALTED PAPER1 (halt ")
        assert said.endswith(
            "no order is allowed from now on. Still open: PAPER1: 1 open order."
            " The link of PAPER1 is alive: it cancels everything and closes what the desk's sessions hold.\n"
        )
        assert submit(admin, session, "a:2", "AAA", 3)[2] == "halted"
        admin.execute("update desk.account_links set beat_at = beat_at - interval '1 minute'")
        said = CliRunner().invoke(app, ["stop", "all of it"]).output
        assert " No link is alive for PAPER1: cancel and close there in the broker's own program" in said
        assert admin.execute(
            "select account, reason, flatten, exits, set_by from desk.halts_now order by halt_id"
        ).fetchall() == [
            ("PAPER1", "drill", True, "keep", "desk_director"),
            (None, "all of it", None, "keep", "desk_director"),
        ]


def test_a_stop_of_an_account_that_is_not_there_is_refused(desk: Desk) -> None:
    done = CliRunner().invoke(app, ["stop", "drill", "--account", "PAPER9"])
    assert isinstance(done.exception, Exception)
    assert is_reportable(done.exception)
    assert 'Unknown account "PAPER9"' in str(done.exception)
