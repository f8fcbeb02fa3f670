"""The reader gives plain data with places, and refuses what YAML or Jinja would let through."""

from __future__ import annotations

import json
import string
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.configs.errors import ConfigError, Position
from runners.configs.reader import MAX_NODES, child, parse_config, read_config
from runners.configs.rendered import MAX_CHARACTERS
from runners.configs.template import MAX_LOOP_STEPS


def parse(text: str) -> dict[str, Any]:
    return parse_config("x.yaml", dedent(text)).data


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config("x.yaml", dedent(text))
    return caught.value.message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10", 10),
        ("-3", -3),
        ("0.30", 0.3),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("'10'", "10"),
        ("2004-01-02", "2004-01-02"),
        ("ON", "ON"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("012", "012"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1d", "1d"),
        ("^GSPC", "^GSPC"),
    ],
)
def test_scalars_are_read_by_the_core_schema(written: str, read: object) -> None:
    value = parse(f"key: {written}\n")["key"]
    assert (value, type(value)) == (read, type(read))


def test_every_part_has_its_place() -> None:
    config = parse_config(
        "x.yaml",
        dedent(
            """\
            strategy: one
            symbols: [AAPL,
                      IBM]
            optimization:
              parameters:
                fast: {start: 1, end: 2,
                       step: 0}
            """
        ),
    )
    assert config.position("$.symbols[1]") == Position(3, 11)
    assert config.position("$.optimization.parameters.fast.step") == Position(7, 12)
    assert config.position("$.optimization.parameters.fast.steps") == Position(6, 5), "the part around it"
    assert config.position("$.optimization.constraints[0]") == Position(4, 1)
    assert config.position("$.nowhere") == Position(1, 1)


@pytest.mark.parametrize(
    ("key", "path"), [("fast", "$.fast"), ("odd key", '$["odd key"]'), ('a"b', '$["a\\"b"]'), ("2", '$["2"]')]
)
def test_odd_names_are_quoted_in_paths(key: str, path: str) -> None:
    assert child("$", key) == path
    config = parse_config("x.yaml", f"first: 1\n? {key!r}\n: {{x: 1}}\n")
    assert config.position(f"{path}.y").line == 2, "the part around a part that is not there"


TEXTS = st.text(
    alphabet=(string.ascii_letters + string.digits + " .,:-_'\"\\[]}#&*!|>%@`^~?äß€"), max_size=12
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_json_is_read_as_json(data: dict[str, Any]) -> None:
    """A config may be JSON, and each part of it has its place."""
    config = parse_config("x.json", json.dumps(data, ensure_ascii=False, indent=1))
    assert config.data == data
    for key in data:
        assert child("$", key) in config.positions


def test_a_repeated_key_is_refused_with_both_lines() -> None:
    message = refusal(
        """\
        strategy: one
        success_criteria:
          min_trades: 100
          max_drawdown: 0.3
          min_trades: 10
        """
    )
    assert message == "x.yaml:5:3: the key 'min_trades' is there twice, first on line 3"


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert f"its aliases make more than {MAX_NODES:,} parts" in refusal("\n".join(lines))


def test_an_alias_that_contains_itself_is_refused() -> None:
    assert "an alias contains itself" in refusal("key: &a [1, *a]\n")


def test_deep_nesting_is_refused() -> None:
    assert "nested deeper than 32 levels" in refusal("key: " + "[" * 40 + "]" * 40)
    assert "nested deeper than 32 levels" in refusal("key: " + "[" * 5000 + "]" * 5000)


def test_an_alias_repeats_a_part() -> None:
    assert parse("a: &range {start: 1}\nb: *range\n") == {"a": {"start": 1}, "b": {"start": 1}}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- a\n- b\n", "at its top stand keys with values"),
        ("", "at its top stand keys with values"),
        ("a: [1\n", "is not YAML"),
        ("a: 1\n b: 2\n", "x.yaml:2:3: is not YAML"),
        ("a: !!python/object:os.system x\n", "has the tag"),
        ("a: !!set {x, y}\n", "has the tag"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("? [a]\n: 1\n", "a key is not a name"),
        ("a: 1e999\n", "not a finite number"),
    ],
)
def test_what_is_no_plain_config_is_refused(text: str, part: str) -> None:
    assert part in refusal(text)


def test_templates_loop_and_calculate() -> None:
    text = """\
        {% set slow = 5 * 20 %}
        periods: [{% for n in range(3) %}{{ 10 + n }}, {% endfor %}]
        slow: {{ slow }}
        """
    assert parse(text) == {"periods": [10, 11, 12], "slow": 100}


def test_errors_behind_a_template_name_the_line_of_the_source() -> None:
    source = dedent(
        """\
        {% for name in ["a", "b"] %}
        {{ name }}:
          - 1
        {% endfor %}
        {# a comment
           of two lines #}
        twice: 1
        twice: 2
        """
    )
    assert refusal(source) == "x.yaml:8:1: the key 'twice' is there twice, first on line 7"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: 1\nb: {{ period }}\n", "x.yaml:2:1: the template uses what is not there: 'period' is undefined"),
        ("a: 1\nb: {% if %}\n", "x.yaml:2:1: the template cannot be read"),
        ("a: {{ ''.__class__.__mro__ }}\n", "x.yaml:1:1: the template"),
        ("{% include 'secret' %}\n", "a config cannot include other files"),
        ("a: {{ 'x' * 10 ** 9 }}\n", "too long"),
        ("a: {{ 9 ** 99999999 }}\n", "too large"),
        ("a: {{ 1 / 0 }}\n", "x.yaml:1:1: the template fails: division by zero"),
        (
            "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
            f"{MAX_LOOP_STEPS:,} steps",
        ),
        ("{% for a in range(9000) %}{{ 'x' * 1000 }}{% endfor %}", "longer than 256 KiB"),
    ],
)
def test_templates_stay_within_bounds(text: str, part: str) -> None:
    assert part in refusal(text)


def test_files_are_bounded_and_text(tmp_path: Path) -> None:
    large, binary = tmp_path / "large.yaml", tmp_path / "binary.yaml"
    large.write_text("# " + "x" * MAX_CHARACTERS)
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        read_config(large)
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(binary)
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "none.yaml")
