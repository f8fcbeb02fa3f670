"""The `lean` command of a config: exact, understood by the real parser, refused where LEAN would hang."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runners.configs.reader import read_config
from runners.engines.lean.backtests import backtest_arguments
from runners.engines.lean.commands import LeanCommandError, number_text, optimization, value_text
from runners.engines.lean.execution import run_lean
from runners.engines.lean.settings import LeanSettings
from runners.engines.lean.targets import TargetError, checked_target, desk_metric
from runners.engines.lean.usable import check
from runners.engines.lean.workspace import Workspace
from runners.errors import DeskError
from tests.lean_cli import real_lean

ROOT = Path(__file__).resolve().parents[2]


def config(**search: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "type": "Grid Search",
        "target_metric": "Sharpe Ratio",
        "target_direction": "max",
        "constraints": ["Drawdown < 0.15"],
        "parameters": {"rsi_period": {"start": 10, "end": 20, "step": 2}},
    }
    return {"strategy": "RSI_MeanReversion_ETF", "optimization": base | search}


@pytest.fixture
def lean_programs() -> Path:
    found = real_lean()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def test_the_command_is_what_one_would_type() -> None:
    assert optimization(
        read_config(ROOT / "configs" / "lean" / "RSI_MeanReversion_ETF.yaml").data
    ).text() == (
        'lean optimize "RSI_MeanReversion_ETF" --strategy "Grid Search" --target "Sharpe Ratio"'
        ' --target-direction "max" --parameter rsi_period 10 20 2 --parameter entry_threshold 20 35 5'
        ' --parameter exit_threshold 50 70 10 --constraint "Drawdown < 0.15"'
    )


def test_whole_numbers_have_no_decimal_point_and_small_ones_no_exponent() -> None:
    parameters = {"a": {"start": 1.0, "end": 2, "step": 0.5}, "b": [0.00001, 0.00002], "c": 3.0}
    words = optimization(config(parameters=parameters)).text()
    assert "--parameter a 1 2 0.5 --parameter b 0.00001 0.00002 0.00001 --parameter c 3 3 1" in words
    assert [value_text(value) for value in (14, 14.0, True, 0.25, "SPY")] == [
        "14",
        "14",
        "true",
        "0.25",
        "SPY",
    ]
    assert number_text(1e21) == "1000000000000000000000"


def test_an_euler_search_has_a_minimum_step() -> None:
    plan = optimization(config(type="Euler Search", segments=10, parameters={
        "period": {"start": 10, "end": 100, "step": 10},
        "share": {"start": 0, "end": 1, "step": 0.5},
        "limit": {"start": 1, "end": 9, "step": 4, "min_step": 2},
    }))  # fmt: skip
    assert plan.text() == 'lean optimize "RSI_MeanReversion_ETF" --optimizer-config "optimizer.json"'
    document = plan.document()
    assert document["optimization-strategy"].endswith("EulerSearchOptimizationStrategy")
    assert document["optimization-strategy-settings"]["default-segment-amount"] == 10
    assert [one["min-step"] for one in document["parameters"]] == [1, 0.05, 2]
    assert document["optimization-criterion"] == {
        "target": "TotalPerformance.PortfolioStatistics.SharpeRatio", "extremum": "max",
    }  # fmt: skip
    assert document["constraints"] == [
        {"target": "TotalPerformance.PortfolioStatistics.Drawdown", "operator": "less", "target-value": 0.15}
    ]


@pytest.mark.parametrize("target", [
    "Sharpe Ratio", "sharpe ratio", "SharpeRatio", "Compounding Annual Return", "Drawdown", "Win Rate",
    "TotalPerformance.TradeStatistics.ProfitFactor", "Statistics.Sharpe Ratio",
    "['TotalPerformance'].['PortfolioStatistics'].['SharpeRatio']",
])  # fmt: skip
def test_targets_that_lean_finds_are_handed_over_as_they_are(target: str) -> None:
    assert checked_target(target) == target


@pytest.mark.parametrize(("target", "right"), [
    ("Total Orders", "Statistics.Total Orders"),
    ("Net Profit", "TotalPerformance.PortfolioStatistics.TotalNetProfit"),
    ("Total Return", "TotalPerformance.PortfolioStatistics.TotalNetProfit"),
    ("Profit-Loss Ratio", "TotalPerformance.PortfolioStatistics.ProfitLossRatio"),
    ("sharpe_ratio", "TotalPerformance.PortfolioStatistics.SharpeRatio"),
    ("Total Trades", "TotalPerformance.TradeStatistics.TotalNumberOfTrades"),
    ("Profit Factor", "TotalPerformance.TradeStatistics.ProfitFactor"),
    ("Statistics.Total Fees", "TotalPerformance.TradeStatistics.TotalFees"),
    ("PortfolioStatistics.SharpeRatio", "TotalPerformance.PortfolioStatistics.SharpeRatio"),
])  # fmt: skip
def test_targets_that_lean_would_never_find_are_refused_with_the_right_path(target: str, right: str) -> None:
    with pytest.raises(TargetError) as refused:
        optimization(config(target_metric=target))
    assert refused.value.hint == f"write {right}"
    assert refused.value.detail == "$.optimization.target_metric"
    assert checked_target(right)


def test_targets_of_the_optimizer_are_metrics_of_the_desk() -> None:
    assert desk_metric("TotalPerformance.PortfolioStatistics.SharpeRatio") == "Sharpe Ratio"
    assert desk_metric("['TotalPerformance'].['TradeStatistics'].['TotalNumberOfTrades']") == "Trades"
    assert desk_metric("TotalPerformance.PortfolioStatistics.Beta") is None


@pytest.mark.parametrize(("search", "path"), [
    ({"parameters": {"p": {"start": 20, "end": 10, "step": 2}}}, "$.optimization.parameters.p.end"),
    ({"parameters": {"p": {"start": 10, "end": 20, "step": 0}}}, "$.optimization.parameters.p.step"),
    ({"parameters": {"p": {"start": 10, "end": 20, "step": -1}}}, "$.optimization.parameters.p.step"),
    ({"parameters": {"p": {"start": float("nan"), "end": 2}}}, "$.optimization.parameters.p.start"),
    ({"parameters": {"p": [20, 10]}}, "$.optimization.parameters.p.step"),
    ({"parameters": {"p": [1, 2, 4]}}, "$.optimization.parameters.p"),
    ({"parameters": {}}, "$.optimization.parameters"),
    ({"type": "Euler Search", "parameters": {"p": {"start": 1, "end": 9, "step": 2, "min_step": 3}}},
     "$.optimization.parameters.p.min_step"),
    ({"type": "Euler Search", "parameters": {"p": {"start": 1, "end": 9, "step": 2, "min_step": 0}}},
     "$.optimization.parameters.p.min_step"),
    ({"type": "Random Search"}, "$.optimization.type"),
    ({"constraints": ["rsi_period < exit_threshold"]}, "$.optimization.constraints[0]"),
    ({"constraints": ["rsi_period < 12"]}, "$.optimization.constraints[0]"),
    ({"constraints": ["Drawdown < 0.1", "Total Orders > 3"]}, "$.optimization.constraints[1]"),
])  # fmt: skip
def test_what_would_hang_or_deceive_the_optimizer_is_refused_before_the_call(
    search: dict[str, Any], path: str
) -> None:
    with pytest.raises((LeanCommandError, TargetError)) as refused:
        optimization(config(**search))
    assert refused.value.detail == path
    assert refused.value.hint


def test_quotes_in_a_name_do_not_break_out() -> None:
    text = optimization(config() | {"strategy": 'a"$(x)`y`'}).text()
    shown = subprocess.run(
        ["sh", "-c", text.replace("lean", "printf '%s\\n'", 1)], capture_output=True, text=True
    )
    assert shown.stdout.splitlines()[1] == 'a"$(x)`y`'


def test_the_real_command_line_understands_ours(lean_programs: Path, tmp_path: Path) -> None:
    """Its own parser reads our words into what we meant."""
    plan = optimization(config(parameters={
        "rsi_period": {"start": 10, "end": 20, "step": 2}, "fixed": -3,
        "share": {"start": 0, "end": 1, "step": 0.25},
    }))  # fmt: skip
    (tmp_path / "project").mkdir()
    (tmp_path / "optimizer.json").write_text("{}")
    euler = optimization(config(type="Euler Search"))
    backtest = backtest_arguments(
        "project", tmp_path / "runs", {"rsi_period": "14", "share": "0.5"}, "lean:1"
    )
    words = [
        ["optimize", "project", *plan.arguments()[2:], "--output", "runs", "--no-update", "--image", "lean:1",
         "--data-provider-historical", "Local"],
        ["optimize", "project", *euler.arguments(str(tmp_path / "optimizer.json"))[2:]],
        backtest,
    ]  # fmt: skip
    read = (
        "import json, sys\n"
        "from lean.commands import lean\n"
        "out = []\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    command = lean.commands[words[0]]\n"
        "    context = command.make_context(words[0], words[1:])\n"
        "    out.append({name: value for name, value in context.params.items()})\n"
        "print(json.dumps(out, default=str))\n"
    )
    variables = LeanSettings(home=tmp_path).variables(tmp_path)
    done = subprocess.run(
        [lean_programs / "python", "-c", read, json.dumps(words)],
        capture_output=True, text=True, cwd=tmp_path, env=variables, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    grid, refined, single = json.loads(done.stdout.splitlines()[-1])
    assert (grid["strategy"], grid["target"], grid["target_direction"]) == (
        "Grid Search",
        "Sharpe Ratio",
        "max",
    )
    assert grid["parameter"] == [["rsi_period", 10, 20, 2], ["fixed", -3, -3, 1], ["share", 0, 1, 0.25]]
    assert grid["constraint"] == ["Drawdown < 0.15"]
    assert (grid["no_update"], grid["image"]) == (True, "lean:1")
    assert refined["strategy"] is None
    assert refined["optimizer_config"].endswith("optimizer.json")
    assert single["parameter"] == [["rsi_period", "14"], ["share", "0.5"]]


def test_the_real_command_line_without_docker_says_so_and_leaves_nothing(
    lean_programs: Path, tmp_path: Path
) -> None:
    project = tmp_path / "Plain"
    project.mkdir()
    (project / "main.py").write_text("from AlgorithmImports import *\n")
    settings = LeanSettings(home=tmp_path / "lean", command=str(lean_programs / "lean"))
    with Workspace(settings) as workspace:
        (workspace.root / "home" / "nowhere").mkdir()
        name = workspace.add_project(project, {"rsi_period": "14"})
        words = backtest_arguments(name, workspace.results("one"), {"rsi_period": "14"}, None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
            end = run_lean(words, workspace, "one", seconds=60)
        assert end.exit_code == 1
        assert end.error.startswith("Please make sure Docker is installed and running")
        assert end.may_work_another_time
        assert not workspace.results("one").exists()
    assert not list((tmp_path / "lean").glob("*"))


def test_whether_lean_is_usable_is_found_out_by_running_it(
    lean_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    use = check(LeanSettings(home=tmp_path, command=str(lean_programs / "lean")))
    assert not use.usable
    assert "1.0.230" in use.version
    assert use.problem.startswith("docker does not answer")
    missing = check(LeanSettings(home=tmp_path, command="no-such-lean"))
    assert missing.problem == "there is no command no-such-lean"


def test_refusals_are_errors_that_are_shown_without_a_traceback() -> None:
    assert issubclass(LeanCommandError, DeskError)
    assert issubclass(TargetError, DeskError)
