"""The page of trading on accounts: as it stands, with buttons that are calls of SQL, without dbt's views."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from streamlit_app import director
from testing import desks
from testing.accounts import Account, open_account, submit
from testing.desks import Desk


def page() -> AppTest:
    def script() -> None:
        from streamlit_app.live.page import live

        live()

    return AppTest.from_function(script, default_timeout=30)


@pytest.fixture
def account(fresh_desk: Desk) -> Iterator[Account]:
    """A session with an order on its way and a loss of a hundredth."""
    with fresh_desk.connect("admin") as admin, desks.environment({director.BUTTONS: "on"}):
        opened = open_account(admin, limits={"max_daily_loss": 0.04})
        session = opened.session(10_000)
        submit(admin, session, "a:1", "AAA", 10)
        admin.execute("select desk.take_orders('PAPER1', %s, 10)", (opened.link,))
        admin.execute(
            "select desk.record_execution('PAPER1', %s, 'e1', 1, o.id, 'AAA', 10, 110, now())"
            " from desk.broker_orders as o",
            (opened.link,),
        )
        opened.value(
            "select desk.record_prices(%s::bigint, %s, l.newest_bar, '{AAA,BBB,CCC}', '{100,100,100}')"
            " from desk.session_ledgers as l", session, opened.link,
        )  # fmt: skip
        submit(admin, session, "a:2", "BBB", 3)
        yield opened


def test_without_an_account_it_says_how_one_is_opened(desk: Desk) -> None:
    shown = page().run()
    assert not shown.exception
    assert shown.info[0].value == "No account has been opened yet."


def test_an_account_is_shown_with_its_level_link_and_loss_before_dbt_has_run(account: Account) -> None:
    shown = page().run()
    assert not shown.exception
    assert any("**PAPER1** :green-badge[:material/check: active]" in one.value for one in shown.markdown)
    numbers = {metric.label: metric.value for metric in shown.metric}
    assert numbers == {
        "Value": "9,900.00", "Profit of the day": "-100.00", "Sessions": "1", "On their way": "1",
    }  # fmt: skip
    sessions, orders = (one.value for one in shown.dataframe)
    assert list(sessions["holds"]) == ["10 AAA"]
    assert list(orders["symbol"]) == ["BBB"]
    account.admin.execute("update desk.account_links set beat_at = now() - interval '1 hour'")
    assert "Its link was last heard of" in page().run().error[0].value


def test_its_buttons_stop_resume_reduce_and_cancel_with_a_reason(account: Account) -> None:
    shown = page().run()
    shown = press(shown, "Stop everything", "Stop now", "")
    assert "A stop needs a reason" in shown.error[0].value
    shown = press(shown, "Stop everything", "Stop now", "the feed is wrong")
    assert shown.success[0].value.startswith("HALTED")
    assert "everything is halted** by emergency_stop: the feed is wrong" in shown.error[0].value
    shown = press(shown, "Resume everything", "Resume now", "it was mended")
    assert shown.success[0].value.startswith("Lifted: ")
    assert not shown.error
    shown = press(shown, "Reduce PAPER1", "Reduce now", "a storm")
    assert "PAPER1 is reducing** by reduce_trading: a storm" in shown.warning[0].value
    order = account.value("select id from desk.broker_orders where key = 'a:2'")
    shown = press(shown, f"Cancel order {order}", "Cancel now", "a mistake")
    assert shown.success[0].value == f"Order {order} is cancelled: it had not been sent."
    assert account.value("select reason from desk.broker_orders where key = 'a:2'") == "a mistake"


def test_where_nobody_may_act_its_buttons_are_grey(account: Account) -> None:
    with desks.environment({director.BUTTONS: "off"}):
        shown = page().run()
    assert not shown.exception
    assert all(button.disabled for button in shown.button)


def press(shown: AppTest, label: str, button: str, why: str) -> AppTest:
    """The button of a form, with its reason."""
    shown.text_input(key=f"why {label}").set_value(why)
    place = [one.label for one in shown.button].index(button)
    shown = shown.button[place].click().run()
    assert not shown.exception
    return shown
