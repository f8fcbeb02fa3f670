"""A batch file is several complete configs, each part of which knows its line."""

from __future__ import annotations

from textwrap import dedent

import pytest

from runners.configs.batches import batch_of, read_batch
from runners.configs.errors import ConfigError
from runners.configs.reader import parse_config
from testing import PROJECT_ROOT

BATCH = """\
name: Two
defaults:
  symbols: [AAPL, IBM]
  commission: {per_share: 0.005}
  optimization:
    target_metric: Sharpe Ratio
    parameters:
      fast: {start: 10, end: 30, step: 10}
      slow: 50
configs:
{% for symbol in ["AAPL", "IBM"] %}
  - strategy: sma_crossover
    symbols: {{ symbol }}
{% endfor %}
  - strategy: sma_crossover
    commission: {percent: 0.001}
    optimization:
      type: Euler Search
      parameters:
        fast: {start: 5, end: 9}
"""


def test_a_config_lies_on_the_defaults() -> None:
    batch = batch_of(parse_config("two.yaml", BATCH))
    assert (batch.name, len(batch.configs)) == ("Two", 3)
    assert [config.data["symbols"] for config in batch.configs] == ["AAPL", "IBM", ["AAPL", "IBM"]]
    last = batch.configs[2].data
    assert last["optimization"] == {
        "type": "Euler Search",
        "target_metric": "Sharpe Ratio",
        "parameters": {"fast": {"start": 5, "end": 9}, "slow": 50},
    }, "a range and a commission are replaced whole, the search and its parameters are joined"
    assert last["commission"] == {"percent": 0.001}


def test_each_part_is_found_where_it_was_written() -> None:
    batch = batch_of(parse_config("two.yaml", BATCH))
    second, last = batch.configs[1], batch.configs[2]
    assert second.position("$.symbols").line == 13
    assert second.position("$.optimization.parameters.fast.step").line == 8
    assert last.position("$.optimization.parameters.fast.end").line == 20
    assert last.position("$.optimization.parameters.slow").line == 9
    assert last.position("$.optimization.type").line == 18
    assert last.position("$").line == 15


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name: x\nconfig: [1]\n", 2, "a batch has no key 'config'"),
        ("name: x\n", 1, "a batch needs a list of configs"),
        ("configs: []\n", 1, "a batch needs a list of configs"),
        ("configs:\n  - strategy: a\n  - b\n", 3, "config 2 is not keys with values"),
        ("name: 3\nconfigs: [{}]\n", 1, "name is 3, not a text"),
        ("defaults: 3\nconfigs: [{}]\n", 1, "defaults are not keys with values"),
        ("configs:\n  - strategy: a\n    strategy: b\n", 3, "the key 'strategy' is there twice"),
        ("{% for i in range(9) %}\n{% include 'x' %}\n{% endfor %}\n", 2, "cannot include other files"),
    ],
)
def test_what_is_no_batch_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        batch_of(parse_config("x.yaml", dedent(text)))
    assert caught.value.message.startswith(f"x.yaml:{line}:")
    assert message in caught.value.message
    assert caught.value.hint


def test_the_example_holds_every_kind_of_search() -> None:
    batch = read_batch(PROJECT_ROOT / "configs" / "batches" / "mean_reversion_batch.yaml")
    searches = [
        (config.data["optimization"]["type"], config.data["optimization"].get("search"))
        for config in batch.configs
    ]
    assert ("Grid Search", None) in searches
    assert ("Euler Search", None) in searches
    assert ("Walk-Forward", "Euler Search") in searches
