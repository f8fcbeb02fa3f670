"""Statistics against luck: SQL equals numpy and scipy, and noise stays noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from scipy import stats

from testing import noise_families
from testing.desks import Desk
from tests import families
from tests.unit import reference

pytestmark = pytest.mark.judgement

Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def owner(desk: Desk) -> Iterator[Owner]:
    with desk.connect("owner") as connection:
        # Noise loses as often as it gains, and is to be judged by luck alone.
        connection.execute(
            "update desk.settings set value = value - 'min_total_return' where name = 'default_criteria'"
        )
        yield connection


def value(owner: Owner, expression: str, *parameters: object) -> Any:
    row = owner.execute(f"select {expression}".encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def values(owner: Owner, function: str, points: Any) -> Any:
    rows = owner.execute(
        f"select desk.{function}(x) from unnest(%s::float8[]) with ordinality u (x, i) order by i".encode(),
        (list(map(float, points)),),
    ).fetchall()
    return np.array([row[0] for row in rows])


def test_the_normal_distribution_equals_scipys(owner: Owner) -> None:
    x = np.linspace(-8, 8, 641)
    found, wanted = values(owner, "normal_cdf", x), stats.norm.cdf(x)
    assert np.abs(found - wanted).max() <= 1e-15
    np.testing.assert_allclose(found, wanted, rtol=2e-14)
    x = np.linspace(-37, -8, 59)
    np.testing.assert_allclose(values(owner, "normal_cdf", x), stats.norm.cdf(x), rtol=1e-12)


def test_the_inverse_equals_scipys(owner: Owner) -> None:
    p = np.concatenate([10.0 ** np.linspace(-300, -1, 80), 1 - 10.0 ** np.linspace(-9, -1, 40)])
    np.testing.assert_allclose(values(owner, "normal_quantile", p), stats.norm.ppf(p), rtol=1e-14)
    assert value(owner, "desk.normal_quantile(0.5)") == 0
    assert value(owner, "desk.normal_quantile(0)") == -math.inf
    assert value(owner, "desk.normal_quantile(1.5)") is None


@pytest.mark.parametrize("seed", range(5))
def test_sharpe_statistics_equal_scipys(owner: Owner, seed: int) -> None:
    random = np.random.default_rng(seed)
    returns = random.standard_t(4, 700) * 0.01 + 0.002
    sharpe = returns.mean() / returns.std(ddof=1)
    moments = float(stats.skew(returns)), float(stats.kurtosis(returns, fisher=False))
    for expression, wanted in (
        (
            ("desk.probabilistic_sharpe(%s, 0.02, %s, %s, 700)"),
            reference.probabilistic_sharpe(sharpe, 0.02, *moments, 700),
        ),
        (
            "desk.min_track_record(%s, 0.001, %s, %s, 0.99)",
            reference.min_track_record(sharpe, 0.001, *moments, 0.99),
        ),
        (
            "desk.normal_cdf(desk.deflated_sharpe_z(%s, %s, %s, 700, 0.06))",
            reference.probabilistic_sharpe(sharpe, 0.06, *moments, 700),
        ),
    ):
        assert value(owner, expression, float(sharpe), *moments) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("trials", [1, 2, 3, 5, 8, 20, 100, 1000, 250_000])
def test_the_expected_maximum_is_that_of_order_statistics(owner: Owner, trials: int) -> None:
    for correlation in (0.0, 0.003, 0.3, 0.9, 0.98):
        wanted = reference.expected_maximum(trials, correlation) if trials > 1 else 0.0
        assert value(
            owner, "desk.expected_maximum(%s::float8, %s::float8)", trials, correlation
        ) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        # Of the whole distribution, in which r below 0.0065 counts as 0.
        of_all = "desk.expected_maximum(desk.noise_distribution(array[%s::float8], array[%s::float8]))"
        assert value(owner, of_all, trials, correlation) == pytest.approx(wanted, rel=2e-3, abs=1e-6)
    # By hand: sqrt(1 / pi), and 3 / (2 sqrt(pi)).
    assert value(owner, "desk.expected_maximum(2)") == pytest.approx(math.pi**-0.5, rel=1e-12)
    assert value(owner, "desk.expected_maximum(3)") == pytest.approx(1.5 * math.pi**-0.5, rel=1e-12)


@pytest.mark.parametrize("trials", [1, 2, 8, 100, 1000, 250_000])
def test_the_chance_of_the_best_of_noise_is_its_integral(owner: Owner, trials: int) -> None:
    for correlation in (0.0, 0.01, 0.3, 0.9, 0.98):
        row = owner.execute(
            "select array_agg(desk.luck_p(z, n) order by z)"
            " from desk.noise_distribution(array[%s::float8], array[%s::float8]) as n,"
            " unnest(%s::float8[]) as z",
            (trials, correlation, points := [-1.7, 0.3, 1.6449, 2.9, 4.05, 6.0]),
        ).fetchone()
        wanted = [reference.luck_p(z, trials, correlation) for z in points]
        assert row is not None
        assert row[0] == pytest.approx(wanted, rel=3e-3)
        assert noise_families.luck_p(np.array(points), trials, np.full(6, correlation))[2:4] == pytest.approx(
            wanted[2:4], rel=2e-2
        )
    alone = value(owner, "desk.luck_p(2.5, '{}'::float8[])")
    assert alone == value(owner, "desk.normal_cdf(-2.5)") == value(owner, "desk.luck_p(2.5, 1)")


def test_windows_are_independent_groups(owner: Owner) -> None:
    """Two groups of alike trials: the chance of neither is the product; forty are no slower than eight."""
    one, two = reference.luck_p(2.5, 50, 0.8), reference.luck_p(2.5, 7, 0.3)
    both = value(owner, "desk.luck_p(2.5, desk.noise_distribution('{50, 7}', '{0.8, 0.3}'))")
    assert both == pytest.approx(1 - (1 - one) * (1 - two), rel=1e-3)
    many = value(
        owner,
        "desk.luck_p(2.5, desk.noise_distribution("
        "array_fill(50::float8, '{40}'), array_fill(0.8::float8, '{40}')))",
    )
    assert many == pytest.approx(1 - (1 - one) ** 40, rel=1e-3)


@pytest.mark.parametrize(("trials", "correlation"), [(1, 0.0), (3, 0.9), (8, 0.98), (20, 0.5), (100, 0.9)])
def test_noise_is_called_real_as_often_as_said(trials: int, correlation: float) -> None:
    """20,000 families; `make bench ARGS='--only n'` is the whole grid."""
    cell = noise_families.study(trials, correlation, 20_000)
    assert abs(cell.largest - cell.expected) < max(0.03 * cell.expected, 0.02)
    for source in ("known", "returns", "blocks"):
        assert 0.04 < cell.lucky[source] < 0.06
        # A share of 5% of 20,000 has a standard error of 0.15%.
        assert cell.deflated[source] < 0.0546


def test_the_kurtosis_trap(owner: Owner) -> None:
    """The formulas want raw kurtosis, 3 for a normal; the excess would make the error too small."""
    assert value(owner, "desk.sharpe_error(0.5, 0, 3, 101)") == math.sqrt(1.125 / 100)
    assert value(owner, "desk.sharpe_error(0.5, 0, 0, 101)") < math.sqrt(1.125 / 100)
    run_id = families.record(
        owner, families.strategy(owner, "normal"), np.random.default_rng(1).normal(0.0005, 0.01, (1, 20_000))
    )
    kurtosis = value(owner, "max(kurtosis) from desk.backtest_results where optimization_run_id = %s", run_id)
    assert kurtosis == pytest.approx(3, abs=0.1)


def test_a_haircut_leaves_what_alone_would_be_as_unlikely(owner: Owner) -> None:
    """Harvey and Liu 2015, by Bonferroni: 20 years of months, an annual 0.75, 10 tests."""
    haircut = "desk.haircut_sharpe(%s::float8, 0, 3, %s::float8, %s::float8)"
    monthly = 0.75 / math.sqrt(12)
    left = value(owner, haircut, monthly, 241.0, 10.0) * math.sqrt(12)
    error = reference.sharpe_error(monthly, 0, 3, 241)
    p = 10 * 2 * stats.norm.sf(monthly / error)
    assert left == pytest.approx(stats.norm.isf(p / 2) * error * math.sqrt(12), rel=1e-12)
    assert 0.4 < left < 0.6
    assert value(owner, haircut, monthly, 241.0, 1.0) == pytest.approx(monthly, rel=1e-12)
    assert value(owner, haircut, monthly, 241.0, 1e6) == pytest.approx(0, abs=1e-12)
    assert value(owner, haircut, -monthly, 241.0, 10.0) == -monthly
    # Far out in the tail too.
    assert 0 < value(owner, haircut, 1.0, 1001.0, 1000.0) < 1.0


def test_one_trial_has_no_hurdle_and_more_or_less_alike_trials_have_a_higher_one(owner: Owner) -> None:
    alone = value(
        owner,
        "desk.normal_cdf(desk.deflated_sharpe_z(0.1, -0.5, 6, 500, desk.expected_best("
        "500, desk.expected_maximum(1), 1, 0, null)))",
    )
    assert alone == value(owner, "desk.probabilistic_sharpe(0.1, 0, -0.5, 6, 500)")
    for column in ([(n, 0.5) for n in (1, 2, 10, 100, 1e4, 1e6)], [(10, r) for r in (1, 0.99, 0.5, 0.1, 0)]):
        hurdles = [
            value(
                owner,
                "desk.expected_best(500, desk.expected_maximum(%s::float8, %s::float8), 1, 0, null)",
                n,
                r,
            )
            for n, r in column
        ]
        assert hurdles == sorted(set(hurdles))


def test_the_variance_of_trials_counts_where_noise_does_not_explain_it(owner: Owner) -> None:
    hurdle = "desk.expected_best(501, 2, 50, 0.5, %s::float8)"
    usual = 2 / math.sqrt(500)
    limit = stats.chi2.ppf(0.999, 49) / 49
    assert value(owner, "desk.noise_spread(50)") == pytest.approx(limit, rel=2e-3)
    for variance in (None, 1e-7, 0.5 / 500, 0.5 / 500 * limit * 0.99):
        assert value(owner, hurdle, variance) == pytest.approx(usual, rel=1e-12)
    assert value(owner, hurdle, 4 * 0.5 / 500 * limit) == pytest.approx(2 * usual, rel=2e-3)


@pytest.mark.parametrize(
    "undefined", ["null, 0, 3, 100", "0.1, null, 3, 100", "0.1, 0, 3, 1", "0.1, 0, 3, 0"]
)
def test_undefined_is_null(owner: Owner, undefined: str) -> None:
    assert value(owner, f"desk.deflated_sharpe_z({undefined}, 0.05)") is None


@pytest.mark.parametrize(("points", "blocks"), [(2, 4), (7, 8), (100, 8), (40, 10), (25, 12), (5, 16)])
def test_pbo_equals_numpys(owner: Owner, points: int, blocks: int) -> None:
    random = np.random.default_rng(points * blocks)
    returns = random.normal(0.0002, 0.01, (points, blocks * 60)).reshape(points, blocks, 60)
    counts, sums, squares = np.full((points, blocks), 60.0), returns.sum(2), (returns**2).sum(2)
    row = owner.execute(
        "select pbo, loss_probability, degradation_slope, splits from desk.cscv(%s, %s, %s, %s, %s)",
        (points, blocks, *(array.ravel().tolist() for array in (counts, sums, squares))),
    ).fetchone()
    assert row is not None
    pbo, loss, slope = reference.cscv(counts, sums, squares)
    assert row[:2] == (pbo, loss)
    assert row[2] == pytest.approx(slope, rel=1e-9)
    assert row[3] == math.comb(blocks, blocks // 2)


def test_a_single_point_has_no_pbo(owner: Owner) -> None:
    run_id = families.record(
        owner, families.strategy(owner, "single"), np.random.default_rng(1).normal(0.0, 0.01, (1, 300))
    )
    single = families.family(owner, run_id)
    assert (single.trials, single.effective_trials, single.pbo) == (1, 1.0, None)


def test_effective_trials_equal_the_mean_of_all_correlations(owner: Owner) -> None:
    random = np.random.default_rng(3)
    returns = 0.7 * random.normal(0, 0.01, 400) + 0.7 * random.normal(0, 0.01, (30, 400))
    strategy_id = families.strategy(owner, "alike")
    first = families.record(owner, strategy_id, returns[:20])
    second = families.record(owner, strategy_id, returns[20:], parameters=[{"m": n} for n in range(10)])
    days = families.sessions(400)
    place = np.array(families.blocks(days, days[0], days[-1]))
    sums = np.array([[row[place == block].sum() for block in range(families.BLOCKS)] for row in returns])
    sharpes = returns.mean(1) / returns.std(1, ddof=1)
    for run_id in (first, second):
        family = families.family(owner, run_id)
        # The earlier run counts the later one's trials too.
        assert family.trials == 30
        assert family.effective_trials == pytest.approx(reference.effective_trials(sums), rel=1e-10)
        assert family.trial_variance == pytest.approx(sharpes.var(ddof=1), rel=1e-10)


def test_every_trial_of_overlapping_windows_counts_once(owner: Owner) -> None:
    random = np.random.default_rng(4)
    strategy_id = families.strategy(owner, "counted")
    days = families.sessions(600)
    first = families.record(owner, strategy_id, random.normal(0, 0.01, (5, 400)))
    # Half of its days are days of the first.
    half = families.record(
        owner,
        strategy_id,
        random.normal(0, 0.01, (3, 400)),
        start=days[199],
        parameters=[{"h": n} for n in range(3)],
    )
    # A third of its days are.
    third = families.record(
        owner,
        strategy_id,
        random.normal(0, 0.01, (2, 300)),
        start=days[300],
        parameters=[{"t": n} for n in range(2)],
    )
    # The same points in the same window again.
    again = families.record(owner, strategy_id, random.normal(0, 0.01, (5, 400)))
    trials = {run_id: families.family(owner, run_id).trials for run_id in (first, half, third, again)}
    assert trials == {first: 8, half: 10, third: 5, again: 8}
    # Results of earlier runs are deflated by what is known now, each by its own run's family.
    assert owner.execute(
        "select count(*), count(*) filter (where b.deflated_sharpe_z = desk.deflated_sharpe_z("
        "b.sharpe_ratio / sqrt(252::float8), b.skewness, b.kurtosis, b.return_count, desk.expected_best("
        "b.return_count, s.expected_maximum, s.family_trials, s.family_correlation, s.trial_variance)))"
        " from desk.backtest_results as b"
        " join desk.run_statistics as s using (optimization_run_id) where b.strategy_id = %s",
        (strategy_id,),
    ).fetchone() == (15, 15)
    # A copy is no trial; it keeps the numbers and is judged anew.
    row = owner.execute("select count(*) from desk.own_trials(%s)", (again,)).fetchone()
    assert row == (0,)


def test_correlation_is_of_the_returns_where_every_curve_is_kept(owner: Owner) -> None:
    random = np.random.default_rng(12)
    returns = 0.6 * random.normal(0, 0.01, 300) + 0.8 * random.normal(0, 0.01, (6, 300))
    run_id = families.record(owner, families.strategy(owner, "curves"), returns, close=False)
    results = [
        row[0]
        for row in owner.execute(
            "select id from desk.backtest_results where optimization_run_id = %s order by ordinal", (run_id,)
        )
    ]
    for number, row in list(zip(results, returns, strict=True))[1:]:
        owner.execute(
            "insert into desk.equity_curves (backtest_result_id, sessions, equity) values (%s, %s, %s)",
            (number, families.sessions(300), (100000 * np.cumprod(1 + row)).tolist()),
        )
    said = (
        "select correlation, correlation_from, correlation_error from desk.run_statistics"
        " where optimization_run_id = %s"
    )
    # One is missing: those that are there may be there because they are the best.
    owner.execute("select desk.count_trials(%s)", (run_id,))
    assert (owner.execute(said, (run_id,)).fetchone() or [None] * 3)[1] == "blocks"
    owner.execute(
        "insert into desk.equity_curves (backtest_result_id, sessions, equity) values (%s, %s, %s)",
        (results[0], families.sessions(300), (100000 * np.cumprod(1 + returns[0])).tolist()),
    )
    owner.execute("select desk.count_trials(%s)", (run_id,))
    matrix = np.corrcoef(returns)
    wanted = (matrix.sum() - 6) / 30
    spread = 2 * (wanted * (1 - wanted)) ** 2
    assert owner.execute(said, (run_id,)).fetchone() == (
        pytest.approx(wanted, rel=1e-9),
        "curves",
        pytest.approx(math.sqrt((spread + ((1 - wanted**2) ** 2 - spread) / 5) / 299), rel=1e-9),
    )


def test_the_error_of_block_sums_is_what_simulation_finds() -> None:
    for trials, correlation in ((2, 0.0), (2, 0.5), (8, 0.5), (100, 0.5), (100, 0.9)):
        r, n = correlation, trials
        spread = 2 * (r * (1 - r)) ** 2
        said = math.sqrt((spread + ((1 - r * r) ** 2 - spread) / (n - 1)) / 15)
        found = noise_families.study(trials, correlation, 4000).block_error
        assert found / 1.7 < said < found * 1.7


def pinned(owner: Owner, run_id: int) -> None:
    """What a runner's results have: a provenance by their parameters."""
    owner.execute(
        "update desk.full_results set provenance_hash = desk.sha256_text('made ' || parameters::text)"
        " where optimization_run_id = %s",
        (run_id,),
    )


def test_pilot_points_are_no_trials_and_count_where_a_search_takes_them_over(owner: Owner) -> None:
    random = np.random.default_rng(13)
    strategy_id = families.strategy(owner, "piloted")
    pilot_returns, more = random.normal(0, 0.01, (3, 300)), random.normal(0, 0.01, (4, 300))
    pilot = families.record(owner, strategy_id, pilot_returns, close=False)
    owner.execute("update desk.optimization_runs set role = 'pilot' where id = %s", (pilot,))
    pinned(owner, pilot)
    # It was recorded before it was made a pilot.
    owner.execute("select desk.recount_tallies(%s)", (pilot,))
    owner.execute("select desk.judge_family(%s)", (pilot,))
    search = families.record(owner, strategy_id, np.vstack([pilot_returns, more]), close=False)
    pinned(owner, search)
    owner.execute("select desk.close_run(%s, 'completed')", (search,))
    again = families.record(owner, strategy_id, pilot_returns, close=False)
    pinned(owner, again)
    owner.execute("select desk.close_run(%s, 'completed')", (again,))
    assert [families.family(owner, run).trials for run in (search, again)] == [7, 7]
    assert value(
        owner,
        "array_agg(array[trials, (select count(*) from desk.backtest_results as b"
        " where b.optimization_run_id = s.optimization_run_id and b.repeated)] order by optimization_run_id)"
        " from desk.run_statistics as s where strategy_id = %s",
        strategy_id,
    ) == [[0, 0], [7, 0], [0, 3]]


def test_the_same_code_under_another_name_is_one_family(owner: Owner) -> None:
    random = np.random.default_rng(14)
    names = {name: families.strategy(owner, name) for name in ("coin_a", "coin_b", "other")}
    for name, digest in (("coin_a", "same"), ("coin_b", "same"), ("other", "else")):
        owner.execute(
            "insert into desk.code_versions (strategy_id, code_hash, details)"
            " values (%s, desk.sha256_text(%s), jsonb_build_object('files', jsonb_build_object("
            " 'strategies', 'package', 'own.' || %s::text, %s::text)))",
            (names[name], name, name, digest),
        )
    runs = {
        name: families.record(owner, strategy_id, random.normal(0, 0.01, (5, 300)))
        for name, strategy_id in names.items()
    }
    assert {name: families.family(owner, run).trials for name, run in runs.items()} == {
        "coin_a": 10, "coin_b": 10, "other": 5,
    }  # fmt: skip


def test_the_first_of_the_board_among_all_that_was_tried(owner: Owner) -> None:
    found = owner.execute("select * from desk.desk_luck()").fetchone()
    assert found is not None
    of_all = value(
        owner,
        "sum(trials)::bigint from desk.run_statistics as s join desk.optimization_runs as r"
        " on r.id = s.optimization_run_id where r.role <> 'pilot'",
    )
    first = owner.execute("select backtest_result_id, deflated_sharpe from desk.board limit 1").fetchone()
    assert first is not None
    assert (found[1], found[5]) == (of_all, first[0])
    # More trials than its own strategy's leave less of it.
    assert 0 <= found[8] < first[1]


def test_results_of_older_formulas_are_counted_anew_once_and_what_moved_is_an_event(owner: Owner) -> None:
    returns = np.random.default_rng(15).normal(0.0002, 0.01, (12, 500))
    run_id = families.record(owner, families.strategy(owner, "older"), returns)
    now = families.family(owner, run_id)
    with owner.transaction(force_rollback=True):
        owner.execute(
            "update desk.run_statistics set formulas = 0, family_trials = 9, noise = null"
            " where optimization_run_id = %s",
            (run_id,),
        )
        owner.execute(
            "update desk.full_results set deflated_sharpe = 0.99, deflated_sharpe_z = 2.3, luck_p = null"
            " where optimization_run_id = %s",
            (run_id,),
        )
        owner.execute(
            "insert into desk.success_criteria (optimization_run_id, metric, comparison, threshold)"
            " values (%s, 'deflated_sharpe', '>=', 0.95)",
            (run_id,),
        )
        assert value(owner, "desk.count_luck_anew()") == 1
        assert families.family(owner, run_id) == now
        assert value(owner, "passed from desk.run_progress where optimization_run_id = %s", run_id) == 0
        details = value(
            owner,
            "details from desk.job_events where event = 'revision' and optimization_run_id = %s",
            run_id,
        )
        assert details["before"] == {"trials": 9, "deflated_sharpe": 0.99}
        assert details["after"] == {"trials": 12, "deflated_sharpe": pytest.approx(now.deflated_sharpe)}
        assert value(owner, "desk.count_luck_anew()") == 0


def test_earlier_runs_are_deflated_so_many_results_at_a_time_the_newest_first(owner: Owner) -> None:
    random = np.random.default_rng(6)
    strategy_id = families.strategy(owner, "many")
    runs = [
        families.record(
            owner, strategy_id, random.normal(0, 0.01, (4, 300)), parameters=[{str(run): n} for n in range(4)]
        )
        for run in range(3)
    ]
    with owner.transaction(force_rollback=True):
        owner.execute("update desk.settings set value = '5' where name = 'luck_rows'")
        owner.execute("update desk.run_statistics set stale = true where strategy_id = %s", (strategy_id,))
        assert value(owner, "desk.refresh_luck(%s)", strategy_id) == 2
        stale = "array_agg(optimization_run_id) from desk.run_statistics where stale and strategy_id = %s"
        assert value(owner, stale, strategy_id) == [runs[0]]
        assert value(owner, "desk.refresh_luck(%s)", strategy_id) == 1
        assert value(owner, "desk.refresh_luck(%s)", strategy_id) == 0


def test_criteria_on_the_family_are_judged_when_the_run_closes(owner: Owner) -> None:
    returns = np.random.default_rng(5).normal(0.0, 0.01, (12, 500))
    returns[3] += 0.004
    run_id = families.record(owner, families.strategy(owner, "judged"), returns, close=False)
    owner.execute(
        "insert into desk.success_criteria (optimization_run_id, metric, comparison, threshold)"
        " values (%s, 'deflated_sharpe', '>=', 0.95), (%s, 'pbo', '<=', 0.001)",
        (run_id, run_id),
    )
    passed = "select count(*) filter (where passed) from desk.backtest_results where optimization_run_id = %s"
    before = owner.execute(passed, (run_id,)).fetchone()
    assert before == (12,)
    owner.execute("select desk.close_run(%s, 'completed')", (run_id,))
    rows = owner.execute(
        "select ordinal - 1, passed, rejection_reasons, pbo from desk.backtest_results"
        " where optimization_run_id = %s order by deflated_sharpe_z desc",
        (run_id,),
    ).fetchall()
    assert rows[0][:2] == (3, rows[0][3] <= 0.001)
    assert [row[0] for row in rows if row[1]] in ([], [3])
    assert any(reason.startswith("Deflated Sharpe too low: ") for reason in rows[-1][2])
    summary = value(owner, "summary from desk.optimization_runs where id = %s", run_id)
    count = sum(row[1] for row in rows)
    assert f"12 runs complete, {count} passed" in summary
    # Taking the criteria away and judging again brings all back.
    owner.execute(
        "delete from desk.success_criteria where optimization_run_id = %s and metric = 'pbo'", (run_id,)
    )
    assert "1 passed" in value(owner, "desk.rejudge_run(%s)", run_id)


def test_a_family_figure_cannot_guide_a_search(owner: Owner) -> None:
    assert value(owner, "count(*) from desk.metric_definitions where scope = 'family'") == 5


def independent(random: Any, points: int, days: int) -> Any:
    return random.normal(0, 0.01, (points, days))


def correlated(random: Any, points: int, days: int) -> Any:
    return math.sqrt(0.9) * random.normal(0, 0.01, days) + math.sqrt(0.1) * independent(random, points, days)


def refined(random: Any, points: int, days: int) -> Any:
    """Twenty coarse points, and the rest around the best of them, correlated 0.9 with one another."""
    coarse = independent(random, 20, days)
    best = coarse[np.argmax(coarse.mean(1) / coarse.std(1))]
    return np.vstack(
        [coarse, math.sqrt(0.9) * best + math.sqrt(0.1) * independent(random, points - 20, days)]
    )


Draw = Callable[[Any, int, int], Any]


def noise(owner: Owner, name: str, draw: Draw, count: int, points: int, days: int, skill: float = 0.0) -> Any:
    """`count` families: deflated Sharpe of the best, PBO, and whether the planted point was picked."""
    random = np.random.default_rng(20)
    found = []
    for number in range(count):
        returns = draw(random, points, days)
        if skill:
            returns[points // 2] += skill * 0.01
        with owner.transaction():
            run_id = families.record(owner, families.strategy(owner, f"{name}{number}"), returns)
            family = families.family(owner, run_id)
        found.append((family.deflated_sharpe, family.pbo, family.best == points // 2))
    return np.array(found, dtype=float)


@pytest.mark.parametrize(
    ("draw", "points"), [(independent, 30), (correlated, 30), (refined, 80)], ids=["alone", "alike", "euler"]
)
def test_noise_stays_noise(owner: Owner, draw: Draw, points: int) -> None:
    found = noise(owner, f"noise_{draw.__name__}", draw, 12, points, 500)
    assert (found[:, 0] > 0.95).sum() <= 1
    if draw is independent:
        assert 0.3 < found[:, 1].mean() < 0.7


def test_an_edge_is_found_among_noise(owner: Owner) -> None:
    found = noise(owner, "edge", independent, 10, 40, 1000, skill=0.16)
    assert found[:, 2].sum() >= 9
    assert found[:, 1].mean() < 0.15
    assert np.median(found[:, 0]) > 0.95


@pytest.mark.long
@pytest.mark.parametrize(
    ("draw", "points", "at_most"),
    # Of independent trials the expected maximum is far stricter than its 5% (docs/metrics.md); of alike ones
    # it is near them, and 150 families have an error of 1.8%.
    [(independent, 100, 0.02), (correlated, 100, 0.05 + 2 * 0.018), (refined, 620, 0.02)],
    ids=["alone", "alike", "euler"],
)
def test_a_hundred_and_fifty_families_of_noise(
    owner: Owner, draw: Draw, points: int, at_most: float, record_property: Callable[[str, object], None]
) -> None:
    found = noise(owner, f"long_{draw.__name__}", draw, 150, points, 1000)
    fooled, pbo = (found[:, 0] > 0.95).mean(), found[:, 1].mean()
    record_property("fooled", float(fooled))
    record_property("pbo", float(pbo))
    print(f"\n{draw.__name__}: deflated Sharpe above 0.95 in {fooled:.2%}, mean PBO {pbo:.3f}")
    assert fooled <= at_most
    if draw is independent:
        assert 0.43 <= pbo <= 0.55


@pytest.mark.long
def test_a_planted_edge_in_a_hundred_and_fifty_families(owner: Owner) -> None:
    found = noise(owner, "long_edge", independent, 150, 100, 1000, skill=0.16)
    picked, pbo, deflated = found[:, 2].mean(), found[:, 1].mean(), np.median(found[:, 0])
    print(
        f"\nplanted edge: picked in {picked:.1%}, mean PBO {pbo:.3f}, median deflated Sharpe {deflated:.3f}"
    )
    assert picked >= 0.95
    assert pbo < 0.12
    assert deflated > 0.97


def test_tallies_equal_a_count_after_judging_again_and_late_results(owner: Owner) -> None:
    """What days are summed from equals a full count: after a close, new criteria, another run."""
    differing = (
        "with counted as (select optimization_run_id as run, count(*) filter (where tried) as f,"
        " count(*) filter (where judged and passed) as p, max(sharpe_ratio) filter (where judged) as s,"
        " max(sharpe_ratio) filter (where judged and passed) as ps from desk.trials"
        " where tried or judged group by 1),"
        " tallied as (select optimization_run_id as run, sum(finished)::bigint as f,"
        " sum(passed)::bigint as p,"
        " max(best_sharpe) as s, max(best_passed_sharpe) as ps from desk.run_tallies group by 1)"
        " select * from (table counted except table tallied) as missing"
        " union all select * from (table tallied except table counted) as surplus"
    )
    strategy_id = families.strategy(owner, "tallied")
    returns = np.random.default_rng(9).normal(0.0004, 0.01, (12, 300))
    run_id = families.record(owner, strategy_id, returns)
    assert owner.execute(differing).fetchall() == []
    owner.execute(
        "insert into desk.success_criteria (optimization_run_id, metric, comparison, threshold)"
        " values (%s, 'sharpe_ratio', '>=', 0.5)",
        (run_id,),
    )
    before = value(owner, "sum(passed) from desk.run_tallies where optimization_run_id = %s", run_id)
    owner.execute("select desk.rejudge_run(%s)", (run_id,))
    after = value(owner, "sum(passed) from desk.run_tallies where optimization_run_id = %s", run_id)
    assert after < before
    assert owner.execute(differing).fetchall() == []
    families.record(owner, strategy_id, returns[:3], parameters=[{"late": n} for n in range(3)])
    assert owner.execute(differing).fetchall() == []
