"""Configs become jobs all or none, and what the database refuses is told with file and line."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from runners.configs.reader import Config, parse_config, read_config
from runners.configs.schema import SCHEMA_FILE, schema_text
from runners.jobs.queueing import Refused, config_file, queue, read_configs
from runners.prices.load import load
from runners.prices.sample import read_sample
from testing import PROJECT_ROOT
from testing.desks import Desk

FOLDER = PROJECT_ROOT / "configs" / "optimizations"


@pytest.fixture(scope="module", autouse=True)
def prices(desk: Desk) -> None:
    desk.publish_strategies()
    with desk.connect("director") as director:
        for series in read_sample().series:
            load(director, series)


def config(text: str, name: str = "x.yaml") -> Config:
    return parse_config(name, dedent(text))


GOOD = """\
    strategy: sma_crossover
    symbols: [AAPL, IBM]
    optimization:
      constraints: [fast < slow]
      parameters:
        fast: {start: 10, end: 30, step: 10}
        slow: {start: 20, end: 40, step: 10}
    """


@pytest.mark.parametrize(
    ("name", "combinations"),
    [
        ("rsi_etf_example.yaml", 72),
        ("bollinger_etf_example.yaml", 60),
        ("sma_crossover_example.yaml", 51),
        ("euler_example.yaml", 23),
        ("random_example.yaml", 60),
        ("bayesian_example.yaml", 64),
        ("walk_forward_example.yaml", 156),
        ("template.yaml", 6),
    ],
)
def test_the_examples_are_accepted(desk: Desk, name: str, combinations: int) -> None:
    with desk.connect("director") as director:
        (queued,) = queue(director, read_configs([FOLDER / name]), dry_run=True)
        assert (queued.searches, queued.combinations) == (1, combinations)
        assert director.execute(
            "select count(*) from desk.jobs where config_file = %s", (name,)
        ).fetchone() == (0,)


def test_the_committed_schema_is_what_the_database_says(desk: Desk) -> None:
    with desk.connect("director") as director:
        assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(director), (
            "run: backdesk schema --write"
        )


def test_every_example_names_the_schema_and_meets_it(desk: Desk) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with desk.connect("director") as director:
        row = director.execute("select desk.config_schema()").fetchone()
    assert row is not None
    jsonschema.Draft202012Validator.check_schema(row[0])
    validator = jsonschema.Draft202012Validator(row[0])
    for path in FOLDER.glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../schema.json\n")
        assert list(validator.iter_errors(read_config(path).data)) == []


def test_the_template_explains_every_key(desk: Desk) -> None:
    """Each key stands in template.yaml, as a key or in a comment."""
    text = (FOLDER / "template.yaml").read_text(encoding="utf-8")
    with desk.connect("owner") as owner:
        keys = owner.execute(
            "select path from desk.config_keys where path !~ '[*]' order by position"
        ).fetchall()
    missing = [path for (path,) in keys if not re.search(rf"\b{path.rpartition('.')[2]}:", text)]
    assert missing == []


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (("step: 10}", "step: 0}"), "x.yaml:6:36:", "A step of 0 never reaches the end"),
        (("fast: {", "fest: {"), "x.yaml:6:9:", 'has no parameter "fest"'),
        (("AAPL, IBM", "AAPL,\n              IMB"), "x.yaml:3:", 'Unknown symbol "IMB"'),
        (("symbols", "symbol"), "x.yaml:2:5:", 'Unknown key "symbol"'),
        (("sma_crossover", "sma_crosover"), "x.yaml:1:", 'Unknown strategy "sma_crosover"'),
    ],
)
def test_a_refusal_names_file_and_line(desk: Desk, change: tuple[str, str], place: str, message: str) -> None:
    text = GOOD.replace(*change, 1)
    with desk.connect("director") as director, pytest.raises(Refused) as caught:
        queue(director, [parse_config("x.yaml", text)])
    assert caught.value.message.startswith(place)
    assert message in caught.value.message
    assert caught.value.hint


def test_one_bad_config_keeps_all_out(desk: Desk) -> None:
    bad = [config(GOOD.replace("AAPL", symbol), f"{symbol}.yaml") for symbol in ("NONE", "NADA")]
    with desk.connect("director") as director:
        with pytest.raises(Refused) as caught:
            queue(director, [config(GOOD), *bad])
        assert [error.path for error in caught.value.errors] == ["NONE.yaml", "NADA.yaml"]
        assert director.execute("select count(*) from desk.jobs").fetchone() == (0,)


def test_unreadable_files_are_all_named(tmp_path: Path) -> None:
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    files[1].write_text("[")
    with pytest.raises(Refused) as caught:
        read_configs(files)
    assert len(caught.value.errors) == 2


def test_a_job_keeps_file_priority_and_note_and_an_open_twin_is_refused_or_joined(desk: Desk) -> None:
    with desk.connect("director") as director:
        (first,) = queue(director, [config(GOOD)], priority=7, note="for the minutes")
        row = director.execute(
            "select strategy, config_file, priority, notes, created_by from desk.jobs where id = %s",
            (first.job_id,),
        ).fetchone()
        assert row == ("sma_crossover", "x.yaml", 7, "for the minutes", "desk_director")
        assert first.combinations == 6
        with pytest.raises(Refused, match=rf"^x\.yaml: Job {first.job_id} is identical"):
            queue(director, [config(GOOD)])
        (joined,) = queue(director, [config(GOOD)], join=True)
        assert (joined.job_id, joined.joined) == (first.job_id, True)
        director.execute("select desk.cancel_job(%s)", (first.job_id,))
        (again,) = queue(director, [config(GOOD)], join=True)
        assert (again.job_id != first.job_id, again.joined) == (True, False)


def test_files_are_named_shortly() -> None:
    assert config_file(str(FOLDER / "template.yaml")) == "template.yaml"
    assert config_file(str(PROJECT_ROOT / "configs" / "mine.yaml")) == "configs/mine.yaml"
    assert config_file("/elsewhere/mine.yaml") == "mine.yaml"
