"""Config keys, task kinds and price sources are added as docs/adding.md says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

import runners.prices
import runners.tasks
from runners.engines.base import RunSettings, SettingsError
from runners.tasks import registry
from runners.worker.queue import OFFERS
from testing.desks import Desk

Rows = Callable[..., list[tuple[Any, ...]]]

KIND = """
insert into desk.task_kinds (position, name, by_job, capability, config_keys, remedy, description)
values (9, 'say_hello', true, 'hello', '{name}', 'Start one that greets.', 'Greets.');
"""
SOURCE = """
insert into desk.price_sources (position, name, capability, needs_symbols, remedy, description)
values (9, 'moon', 'moon', false,
  'Start one on the moon.',
  'Made on the moon.');
"""
KEY = """
insert into desk.config_keys (
  position, path, type, affects, default_value, minimum, maximum, example, description)
values (900, 'latency', 'number', 'result', '0', 0, 10, '0.5', 'Seconds between an order and its fill.');
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, str], None]:
    """Puts a module beside those of a package."""

    def put(package: Any, name: str, text: str) -> None:
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])

    return put


def offers(desk: Desk) -> list[Any]:
    with desk.connect("runner") as runner:
        return runner.execute(OFFERS).fetchall()


def claimed(desk: Desk, capabilities: tuple[str, ...]) -> dict[str, Any] | None:
    """What a runner that lists these is given, as the module that does it takes it."""
    with desk.connect("runner") as runner:
        found = runner.execute(
            "select desk.register_runner('host', 1, '0', %s, 1, 'linux', false, '[]')", [list(capabilities)]
        ).fetchone()
        assert found is not None
        row = runner.execute("select kind, payload from desk.claim_task(%s)", found).fetchone()
    return None if row is None else {"kind": row[0], "payload": row[1]}


def test_a_task_kind_is_a_row_and_a_module(
    desk_with: Callable[[str], Desk], module: Callable[[Any, str, str], None]
) -> None:
    desk = desk_with(KIND)
    assert "hello" not in registry.capabilities(offers(desk))
    text = "def run(request):\n    return {'summary': request['payload']['name']}\n"
    module(runners.tasks, "say_hello", text)
    assert "hello" in registry.capabilities(offers(desk))
    with desk.connect("director") as director:
        director.execute("insert into jobs (kind, config) values ('say_hello', '{\"name\": \"Ada\"}')")
        director.execute("select every('1 day', 'say_hello', p_name => 'daily')")
        with pytest.raises(psycopg.Error, match="Unknown key"):
            director.execute("insert into jobs (kind, config) values ('say_hello', '{\"nam\": \"Ada\"}')")
        stranded = director.execute("select kind, remedy from stranded_tasks()").fetchall()
    assert stranded == [("say_hello", "Start one that greets.")]
    assert claimed(desk, ("backtrader",)) is None
    request = claimed(desk, registry.capabilities(offers(desk)))
    assert request is not None
    assert registry.run(request) == {"summary": "Ada"}


def test_a_source_of_prices_is_a_row_and_a_module(
    desk_with: Callable[[str], Desk], module: Callable[[Any, str, str], None]
) -> None:
    desk = desk_with(SOURCE)
    module(
        runners.prices,
        "moon",
        "from runners.prices.sample import read_sample\n"
        "def read(symbols):\n    return [one for one in read_sample().series if one.symbol in symbols]\n",
    )
    with desk.connect("director") as director:
        director.execute(
            "insert into jobs (kind, config)"
            ' values (\'load_prices\', \'{"source": "moon", "symbols": ["IBM"]}\')'
        )
    assert claimed(desk, ("prices", "yahoo")) is None
    request = claimed(desk, registry.capabilities(offers(desk)))
    assert request is not None
    assert registry.run(request)["loaded"] == ["IBM"]


def test_a_config_key_is_a_row_and_a_field(
    desk_with: Callable[[str], Desk], story: Callable[[psycopg.Connection[Any]], None]
) -> None:
    desk = desk_with(KEY)
    with desk.connect("owner") as owner:
        schema, same, other = owner.execute(
            "select desk.config_schema() #> '{properties,latency}',"
            " desk.settings_hash('{\"latency\": 0}', null, null, 0)"
            " = desk.settings_hash('{}', null, null, 0),"
            " desk.settings_hash('{\"latency\": 1}', null, null, 0)"
            " = desk.settings_hash('{}', null, null, 0)"
        ).fetchone() or (None, None, None)
        assert schema is not None
        assert schema["maximum"] == 10
        assert (same, other) == (True, False)
        for value, refusal in ((0.5, None), (11, "out of range"), ("x", "where a number is needed")):
            config = psycopg.types.json.Jsonb({"strategy": "s", "symbols": ["IBM"], "latency": value})
            if refusal is None:
                owner.execute("select desk.check_config_keys(%s, '', '$')", [config])
            else:
                with pytest.raises(psycopg.Error, match=refusal):
                    owner.execute("select desk.check_config_keys(%s, '', '$')", [config])
    with desk.connect("admin") as session:
        story(session)
        for latency, known in ((0, True), (0.5, False)):
            settings = told(session, latency)
            assert settings.get("latency") == (None if known else latency)
            if known:
                assert RunSettings.from_json(settings).seed == 0
            else:
                with pytest.raises(SettingsError, match="unknown 'latency'"):
                    RunSettings.from_json(settings)


def told(session: psycopg.Connection[Any], latency: float) -> dict[str, Any]:
    """What the runner is told of a run whose config has the key."""
    given = "select tap.run_of(tap.given_job(2, jsonb_build_object('latency', %s::numeric)))"
    run = session.execute(given, [latency]).fetchone()
    row = session.execute("select run_settings(%s)", run).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    return found
