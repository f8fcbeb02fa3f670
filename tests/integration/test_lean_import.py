"""Imports: every generation, judged by the desk, once, and with a reason for whatever is refused."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.configs.errors import ConfigError
from runners.configs.reader import Config, parse_config
from runners.engines.lean.importer import Imported, ImportOptions, ImportRefused, import_results
from testing.desks import Desk
from tests import lean_files
from tests.lean_mutations import broken

pytestmark = pytest.mark.lean

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "lean" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of LEAN's own files is not here")


def run_import(desk: Desk, place: Path, **options: Any) -> list[Imported]:
    with desk.connect("importer") as importer:
        return import_results(importer, place, ImportOptions(**options))


def rows(desk: Desk, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with desk.connect("director") as director:
        return director.execute(statement, parameters).fetchall()


def test_an_optimization_becomes_one_run_with_a_result_a_combination(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "Crossing" / "optimizations" / "2025-11-02_17-09-40"
    lean_files.write_optimization(folder, [{"fast": "5", "slow": str(slow)} for slow in (10, 20, 30)])
    [one] = run_import(fresh_desk, folder)
    assert one.strategy == "Crossing"
    assert one.summary.startswith("3 runs complete, 0 passed, best Sharpe: ")
    run = rows(
        fresh_desk,
        "select status, imported, engine, total_combinations, optimization_type, cash, flags, symbols"
        " from optimization_runs where id = %s", one.run_id,
    )  # fmt: skip
    assert run == [("completed", True, "lean", 3, "Grid Search", 100_000.0, [], ["SPY"])]
    points = rows(
        fresh_desk,
        "select parameters, total_trades, total_orders, sessions, total_fees, metrics_given,"
        " rejection_reasons"
        " from backtest_results order by ordinal",
    )
    assert [point[0] for point in points] == [{"fast": 5, "slow": slow} for slow in (10, 20, 30)]
    assert {point[1:6] for point in points} == {(2, 4, 6, 4.0, False)}
    assert points[0][6] == ["Insufficient trades: 2 < 100"]
    [(sessions, equity)] = rows(fresh_desk, "select sessions, equity from equity_curves order by 1 limit 1")
    assert (tuple(sessions), tuple(equity)) == (lean_files.SESSIONS, lean_files.EQUITY)
    assert rows(fresh_desk, "select count(*) from result_trades") == [(6,)]


@pytest.mark.parametrize("pascal", [True, False])
@pytest.mark.parametrize("points", ["xy", "candle", "pair"])
def test_every_generation_gives_the_same_numbers(
    desk: Desk, tmp_path: Path, pascal: bool, points: Any
) -> None:
    document = lean_files.result(pascal=pascal, points=points)
    lean_files.write_result(tmp_path, "1234567890", document)
    [one] = run_import(desk, tmp_path, strategy=f"Gen_{pascal}_{points}", create_strategy=True)
    found = rows(
        desk,
        "select ending_value, total_trades, winning_trades, total_fees, traded_value,"
        " round(max_drawdown::numeric, 8),"
        " round(sharpe_ratio::numeric, 6), engine_metrics ->> 'capacity', engine_metrics ->> 'daily_turnover'"
        " from backtest_results where optimization_run_id = %s", one.run_id,
    )  # fmt: skip
    [(end, trades, won, fees, traded, drawdown, sharpe, capacity, turnover)] = found
    assert (end, trades, won, fees, traded) == (100_296.0, 2, 2, 4.0, 202_300.0)
    # From 100,198 to 100,097 is 0.1008 %; 100,099 to 99,999 is 0.0999 %.
    assert float(drawdown) == pytest.approx(101 / 100_198, abs=1e-8)
    values = (lean_files.CASH, *lean_files.EQUITY)
    returns = [after / before - 1 for before, after in pairwise(values)]
    assert float(sharpe) == pytest.approx(mean(returns) / stdev(returns) * math.sqrt(252), abs=1e-6)
    assert (float(capacity), float(turnover)) == (3_400_000, 0.34)


def test_importing_again_changes_nothing(fresh_desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "Twice"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}])
    [first] = run_import(fresh_desk, folder)
    tables = ("optimization_runs", "backtest_results", "imports")
    counts = "select " + ", ".join(f"(select count(*) from {table})" for table in tables)
    before = rows(fresh_desk, counts)
    [again] = run_import(fresh_desk, folder)
    assert (again.results, again.known, again.known_runs) == (0, 2, (first.run_id,))
    assert rows(fresh_desk, counts) == before == [(1, 2, 1)]


def test_what_came_later_is_imported_alone(fresh_desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "Grown"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}])
    run_import(fresh_desk, folder)
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}, {"fast": "7"}])
    [grown] = run_import(fresh_desk, folder)
    assert (grown.results, grown.known) == (1, 2)
    assert rows(fresh_desk, "select count(*) from backtest_results") == [(3,)]


def test_failed_unfinished_and_half_written_results_are_refused_with_the_reason_stored(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "Broken"
    files = lean_files.write_optimization(folder, [{"fast": str(fast)} for fast in range(5)])
    files[0].write_text(files[0].read_text()[:2000])
    failed = lean_files.result(parameters={"fast": "1"}, status="RuntimeError", error="boom\n  at on_data")
    files[1].write_text(json.dumps(failed))
    files[2].write_text(json.dumps(lean_files.result(parameters={"fast": "2"}, status="Running")))
    files[3].write_text("")
    [one] = run_import(fresh_desk, folder)
    assert one.results == 1
    stored = dict(rows(fresh_desk, "select left(file, 8), reason from refused_imports"))
    assert stored["00000000"].startswith("is half-written: it ends in the middle")
    assert stored["00000001"] == "the backtest failed: boom"
    assert stored["00000002"] == "the backtest did not end: its status is Running"
    assert stored["00000003"] == "is empty"


def test_a_folder_with_nothing_but_failures_is_remembered_and_makes_no_run(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "Nothing"
    for _ in range(2):
        failed = lean_files.result(status="RuntimeError", error="boom")
        lean_files.write_result(folder, "1234567890", failed)
        [one] = run_import(fresh_desk, folder)
        assert (one.results, one.run_id) == (0, None)
    assert rows(fresh_desk, "select imported, refused, optimization_run_id from imports") == [(0, 1, None)]
    assert rows(fresh_desk, "select count(*) from optimization_runs") == [(0,)]


def test_the_config_brings_criteria_target_and_direction(fresh_desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "Judged"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}])
    config = parse_config(
        "judge.yaml",
        "strategy: Judged\nsymbols: SPY\noptimization:\n  target_metric: Drawdown\n  target_direction: min\n"
        "  constraints: ['Drawdown < 0.15']\nsuccess_criteria: {min_trades: 2, max_fee_pct: 0.3}\n",
    )
    [one] = run_import(fresh_desk, folder, config=config, create_strategy=True)
    assert one.summary.startswith("2 runs complete, 2 passed")
    assert rows(fresh_desk, "select target_metric, target_direction, config_file from optimization_runs") == [
        ("max_drawdown", "min", "judge.yaml")
    ]
    # Ten sessions are too few for its strategy to have passed.
    assert rows(
        fresh_desk,
        "select s.status, r.flags @> '{too short to judge (2 of 2 passed)}' from strategies as s"
        " join optimization_runs as r on r.strategy_id = s.id where s.name = 'Judged'",
    ) == [("backlog", True)]


def test_a_wrong_criterion_is_refused_with_its_line_and_nothing_is_imported(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "Wrong"
    lean_files.write_optimization(folder, [{"fast": "5"}])
    config = parse_config("judge.yaml", "strategy: Wrong\nsymbols: SPY\nsuccess_criteria:\n  min_trade: 2\n")
    with pytest.raises(ConfigError, match=r"judge\.yaml:4.*min_trade") as refused:
        run_import(fresh_desk, folder, config=config, create_strategy=True)
    assert "min_trades" in (refused.value.hint or "")
    assert rows(fresh_desk, "select count(*) from imports") == [(0,)]


def test_results_from_logs_alone_keep_leans_ratios_and_say_so(fresh_desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "Logs"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}], with_json=False)
    [one] = run_import(fresh_desk, folder)
    assert one.flags == ("from logs alone: ratios are LEAN's",)
    found = rows(
        fresh_desk,
        "select parameters, metrics_given, sharpe_ratio, total_orders, total_trades, total_fees,"
        " rejection_reasons[1]"
        " from backtest_results order by ordinal",
    )
    assert found[1] == ({"fast": 6}, True, 2.5, 4, None, 4.0, "Trades undefined: needs >= 100")


def test_identical_points_of_parameters_that_nobody_reads_are_flagged(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "Deaf"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}], scale=0.0)
    [one] = run_import(fresh_desk, folder)
    assert one.flags == ("all points identical",)


def test_a_run_without_data_is_flagged(fresh_desk: Desk, tmp_path: Path) -> None:
    document = lean_files.result(equity=[lean_files.CASH] * 6)
    document["orders"] = {}
    document["totalPerformance"]["closedTrades"] = []
    document["totalPerformance"]["tradeStatistics"]["totalNumberOfTrades"] = 0
    lean_files.write_result(tmp_path, "1234567890", document)
    (tmp_path / "data-monitor-report-20250101000000000.json").write_text(
        '{"failed-data-requests-count": 999, "total-data-requests-count": 1000}'
    )
    [one] = run_import(fresh_desk, tmp_path, strategy="Empty", create_strategy=True)
    assert one.flags == ("no data", "no orders", "no trades")


def test_ratios_that_are_zero_though_it_traded_are_flagged_and_recomputed(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    document = lean_files.result()
    portfolio = document["totalPerformance"]["portfolioStatistics"]
    portfolio.update(dict.fromkeys(portfolio, "0"))
    document["statistics"] = dict.fromkeys(document["statistics"], "0") | {"Total Orders": "4"}
    lean_files.write_result(tmp_path, "1234567890", document)
    [one] = run_import(fresh_desk, tmp_path, strategy="Short", create_strategy=True)
    assert one.flags == ("ratios zero though it traded",)
    assert rows(fresh_desk, "select ending_value from backtest_results") == [(100_296.0,)]
    # What an import says of its files is known from them alone: judging again has to keep it.
    with fresh_desk.connect("director") as director:
        director.execute("select desk.rejudge_run(%s)", [one.run_id])
    assert rows(fresh_desk, "select flags from optimization_runs") == [(list(one.flags),)]


def test_a_curve_that_was_cut_short_is_not_believed(fresh_desk: Desk, tmp_path: Path) -> None:
    document = lean_files.result()
    document["totalPerformance"]["portfolioStatistics"]["endEquity"] = "150000"
    lean_files.write_result(tmp_path, "1234567890", document)
    [one] = run_import(fresh_desk, tmp_path, strategy="Cut", create_strategy=True)
    assert "equity curve and statistics disagree" in one.flags
    assert rows(fresh_desk, "select metrics_given, sharpe_ratio from backtest_results") == [(True, 2.5)]


def test_single_backtests_of_one_project_and_window_are_one_sweep(fresh_desk: Desk, tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / "Swept" / "backtests" / f"2024-03-06_14-36-0{number}"
        lean_files.write_result(
            folder, f"123456789{number}", lean_files.result(parameters={"fast": str(number)})
        )
    [one] = run_import(fresh_desk, tmp_path)
    assert (one.strategy, one.results) == ("Swept", 3)


def test_a_folder_with_the_name_of_anothers_strategy_becomes_a_strategy_of_its_own(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    fresh_desk.publish_strategies()
    standing = "select status, reason from strategies where name = 'bollinger_reversion'"
    before = rows(fresh_desk, standing)
    folder = tmp_path / "bollinger-reversion"
    lean_files.write_result(folder, "1234567890", lean_files.result(parameters={"fast": "5"}))
    [one] = run_import(fresh_desk, folder)
    assert one.strategy == "bollinger_reversion_lean"
    assert one.remarks == (
        "bollinger_reversion is a strategy of backtrader, so that these results are of"
        " bollinger_reversion_lean; to have them join it: --strategy bollinger_reversion",
    )
    assert rows(fresh_desk, standing) == before
    assert run_import(fresh_desk, folder)[0].known_runs == (one.run_id,)
    # One of LEAN's own is joined by its name, and one that is named by whoever imports.
    lean_files.write_result(tmp_path / "RSI_MeanReversion_ETF", "1", lean_files.result())
    assert run_import(fresh_desk, tmp_path / "RSI_MeanReversion_ETF")[0].remarks == ()
    [named] = run_import(fresh_desk, folder, strategy="bollinger_reversion")
    assert (named.strategy, named.results, named.remarks) == ("bollinger_reversion", 1, ())
    config = Config("own.yaml", {"strategy": "sma_crossover", "symbols": ["SPY"]}, {})
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="is of the engine backtrader"):
        run_import(fresh_desk, folder, config=config)


def test_a_result_is_the_same_however_its_file_was_written(fresh_desk: Desk, tmp_path: Path) -> None:
    document = lean_files.result(parameters={"fast": "5"})
    file = lean_files.write_result(tmp_path / "Same", "1234567890", document)
    [first] = run_import(fresh_desk, file)
    # Imports of earlier versions remembered the bytes of the file.
    with fresh_desk.connect("admin") as admin:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        ((kept,),) = admin.execute("select content_hash from desk.imported_results").fetchall()
        admin.execute("update desk.imported_results set content_hash = %s", [content])
        assert run_import(fresh_desk, file)[0].known_runs == (first.run_id,)
        admin.execute("update desk.imported_results set content_hash = %s", [kept])
    for other in (
        json.dumps(document | {"note": "mine"}, indent=2, sort_keys=True),
        json.dumps(lean_files.result(parameters={"fast": "5"}, pascal=True, points="xy")),
    ):
        file.write_text(other)
        assert run_import(fresh_desk, file)[0].known_runs == (first.run_id,)
    for changed in (
        lean_files.result(parameters={"fast": "6"}),
        lean_files.result(parameters={"fast": "5"}, equity=[value + 1 for value in lean_files.EQUITY]),
    ):
        file.write_text(json.dumps(changed))
        assert run_import(fresh_desk, file)[0].results == 1


@pytest.mark.parametrize("one_search", [True, False])
def test_projects_that_lie_in_one_folder_are_runs_of_their_own(
    fresh_desk: Desk, tmp_path: Path, one_search: bool
) -> None:
    for number, project in enumerate(("Alpha", "Beta", "Gamma")):
        for point in range(2):
            lean_files.write_result(
                tmp_path / project / f"2024-03-06_14-36-0{point}",
                f"12345678{number}{point}",
                lean_files.result(parameters={"fast": str(point)}),
            )
    found = run_import(fresh_desk, tmp_path, one_search=one_search)
    assert sorted((one.strategy, one.results) for one in found) == [("Alpha", 2), ("Beta", 2), ("Gamma", 2)]
    assert len({one.run_id for one in found}) == 3


def test_parameters_that_contradict_the_results_own_window_are_flagged(
    fresh_desk: Desk, tmp_path: Path
) -> None:
    said = {"start_date": "2010-01-01", "end_date": "2024-03-12", "cash": "5000"}
    lean_files.write_result(tmp_path / "Deaf", "1234567890", lean_files.result(parameters=said))
    [one] = run_import(fresh_desk, tmp_path / "Deaf")
    assert {
        "the backtest's start_date is 2024-03-04, its parameters say 2010-01-01",
        "the backtest starts with 100,000.00, its parameters say 5,000.00",
    } <= set(one.flags)
    assert not any("end_date" in flag for flag in one.flags)


def test_numbers_that_no_account_can_have_refuse_their_result_only(fresh_desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "Odd"
    files = lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}, {"fast": "7"}])
    odd = lean_files.result(parameters={"fast": "6"})
    odd["totalPerformance"]["closedTrades"] = None
    odd["totalPerformance"]["tradeStatistics"]["numberOfWinningTrades"] = 99
    files[1].write_text(json.dumps(odd))
    [one] = run_import(fresh_desk, folder)
    assert one.results == 2
    assert one.summary.startswith("2 runs complete")
    [(reason,)] = rows(fresh_desk, "select reason from refused_imports")
    assert reason.startswith("has impossible numbers")


def test_secrets_of_leans_own_configuration_are_not_stored(fresh_desk: Desk, tmp_path: Path) -> None:
    document = lean_files.result(parameters={"fast": "5", "intrinio-password": "hunter2", "api-token": "x"})
    lean_files.write_result(tmp_path, "1234567890", document)
    run_import(fresh_desk, tmp_path, strategy="Quiet", create_strategy=True)
    assert rows(fresh_desk, "select parameters from backtest_results") == [({"fast": 5},)]


def test_a_misspelt_strategy_is_refused_with_what_was_meant(fresh_desk: Desk, tmp_path: Path) -> None:
    fresh_desk.publish_strategies()
    lean_files.write_result(tmp_path, "1234567890", lean_files.result())
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="rsi_mean_revertion") as refused:
        run_import(fresh_desk, tmp_path, strategy="rsi_mean_revertion")
    assert refused.value.diag.message_hint == "Did you mean rsi_mean_reversion?"


def test_a_folder_without_results_says_what_to_name(fresh_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ImportRefused, match="has no LEAN results"):
        run_import(fresh_desk, tmp_path)


def test_the_command_ends_with_the_desks_summary(desk: Desk, tmp_path: Path, project_root: Path) -> None:
    folder = tmp_path / "Command"
    lean_files.write_optimization(folder, [{"fast": "5"}, {"fast": "6"}])
    command = [sys.executable, "-m", "runners.results_importer", "--optimization-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project_root, timeout=60)
    assert done.returncode == 0, done.stderr
    head, tail = done.stdout.splitlines()[-2:]
    assert head.startswith("Command, run ")
    assert tail.startswith("2 runs complete, 0 passed, best Sharpe: 5.")
    empty = subprocess.run(
        [*command[:-1], str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        cwd=project_root,
        timeout=60,
    )
    assert (empty.returncode, "Traceback" in empty.stderr) == (1, False)
    assert "there is no" in empty.stderr


def test_an_importer_cannot_touch_a_run_that_the_desk_executes(fresh_desk: Desk) -> None:
    import psycopg

    with fresh_desk.connect("importer") as importer:
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="no imported run"):
            importer.execute("select desk.describe_import(1, '{}')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            importer.execute("delete from desk.imports")


def import_damaged(desk: Desk, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "1234567890.json").write_bytes(raw)
        [one] = run_import(desk, Path(folder), strategy="Damaged", create_strategy=True)
    assert one.known or one.results + len(one.refusals) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_file_is_imported_or_refused_by_the_database_too(desk: Desk, data: st.DataObject) -> None:
    import_damaged(desk, broken(data))


@pytest.mark.long
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_two_thousand_damaged_files_are_imported_or_refused(desk: Desk, data: st.DataObject) -> None:
    import_damaged(desk, broken(data))


@needs_samples
def test_the_real_files_of_all_generations_are_imported_or_refused(fresh_desk: Desk) -> None:
    found = {one.folder.name: one for one in run_import(fresh_desk, SAMPLES)}
    log_only = found["2025-11-02_17-09-40"]
    assert log_only.results == 20
    assert set(log_only.flags) == {"all points identical", "from logs alone: ratios are LEAN's"}
    assert rows(
        fresh_desk,
        "select count(distinct parameters), min(total_fees), min(sharpe_ratio) from backtest_results"
        " where optimization_run_id = %s", log_only.run_id,
    ) == [(20, 516.08, 0.609)]  # fmt: skip
    assert {"no data", "no trades"} <= set(found["C_2024-03_pascal_zero_trades"].flags)
    for name, trades, orders, fees, end in (
        ("sma-crossover", 150, 301, 357.22, 98118.51),
        ("rsi-minutely", 26, 52, 63.82, 101831.37),
        ("buy-and-hold-spy", 0, 1, 1.30, 104272.205),
    ):
        assert rows(
            fresh_desk,
            "select total_trades, total_orders, total_fees, ending_value from backtest_results"
            " where optimization_run_id = %s", found[name].run_id,
        ) == [(trades, orders, fees, end)]  # fmt: skip
    [(file, reason)] = rows(fresh_desk, "select file, reason from refused_imports")
    assert file.endswith("1824475596.json")
    assert "property is read-only" in reason
