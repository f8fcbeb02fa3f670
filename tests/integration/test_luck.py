"""Statistics against luck: SQL equals numpy and scipy, and noise stays noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from scipy import stats

from testing.desks import Desk
from tests import families
from tests.unit import reference

pytestmark = pytest.mark.judgement

Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def owner(desk: Desk) -> Iterator[Owner]:
    with desk.connect("owner") as connection:
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
            "desk.normal_cdf(desk.deflated_sharpe_z(%s, %s, %s, 700, 72.5, 0.004))",
            reference.probabilistic_sharpe(sharpe, reference.expected_maximum(72.5, 0.004), *moments, 700),
        ),
    ):
        assert value(owner, expression, float(sharpe), *moments) == pytest.approx(wanted, rel=1e-12)
    assert value(owner, "desk.expected_maximum(1000, 1)") == pytest.approx(
        reference.expected_maximum(1000, 1), rel=1e-13
    )


def test_the_kurtosis_trap(owner: Owner) -> None:
    """The formulas want raw kurtosis, 3 for a normal; the excess would make the error too small."""
    assert value(owner, "desk.sharpe_error(0.5, 0, 3, 101)") == math.sqrt(1.125 / 100)
    assert value(owner, "desk.sharpe_error(0.5, 0, 0, 101)") < math.sqrt(1.125 / 100)
    run_id = families.record(
        owner, families.strategy(owner, "normal"), np.random.default_rng(1).normal(0.0005, 0.01, (1, 20_000))
    )
    kurtosis = value(owner, "max(kurtosis) from desk.backtest_results where optimization_run_id = %s", run_id)
    assert kurtosis == pytest.approx(3, abs=0.1)


def test_one_trial_has_no_hurdle_and_more_trials_have_a_higher_one(owner: Owner) -> None:
    alone = value(owner, "desk.normal_cdf(desk.deflated_sharpe_z(0.1, -0.5, 6, 500, 1, 0.01))")
    assert alone == value(owner, "desk.probabilistic_sharpe(0.1, 0, -0.5, 6, 500)")
    falling = [
        value(owner, "desk.deflated_sharpe_z(0.1, -0.5, 6, 500, %s, 0.01)", trials)
        for trials in (1, 2, 10, 100, 1e4, 1e6)
    ]
    assert falling == sorted(falling, reverse=True)
    assert len(set(falling)) == len(falling)


def test_the_variance_of_trials_has_a_floor(owner: Owner) -> None:
    floored = value(owner, "desk.deflated_sharpe_z(0.1, 0, 3, 501, 50, 0.0000001)")
    assert floored == value(owner, "desk.deflated_sharpe_z(0.1, 0, 3, 501, 50, 1.0 / 500)")
    assert floored == value(owner, "desk.deflated_sharpe_z(0.1, 0, 3, 501, 50, null)")


@pytest.mark.parametrize(
    "undefined", ["null, 0, 3, 100", "0.1, null, 3, 100", "0.1, 0, 3, 1", "0.1, 0, 3, 0"]
)
def test_undefined_is_null(owner: Owner, undefined: str) -> None:
    assert value(owner, f"desk.deflated_sharpe_z({undefined}, 10, 0.01)") is None


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
        "b.sharpe_ratio / sqrt(252::float8), b.skewness, b.kurtosis, b.return_count, s.effective_trials,"
        " s.trial_variance)) from desk.backtest_results as b"
        " join desk.run_statistics as s using (optimization_run_id) where b.strategy_id = %s",
        (strategy_id,),
    ).fetchone() == (15, 15)
    # A copy is no trial; it keeps the numbers and is judged anew.
    row = owner.execute("select count(*) from desk.own_trials(%s)", (again,)).fetchone()
    assert row == (0,)


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
    assert value(owner, "count(*) from desk.metric_definitions where scope = 'family'") == 3


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
    ("draw", "points"),
    [(independent, 100), (correlated, 100), (refined, 620)],
    ids=["alone", "alike", "euler"],
)
def test_a_hundred_and_fifty_families_of_noise(
    owner: Owner, draw: Draw, points: int, record_property: Callable[[str, object], None]
) -> None:
    found = noise(owner, f"long_{draw.__name__}", draw, 150, points, 1000)
    fooled, pbo = (found[:, 0] > 0.95).mean(), found[:, 1].mean()
    record_property("fooled", float(fooled))
    record_property("pbo", float(pbo))
    print(f"\n{draw.__name__}: deflated Sharpe above 0.95 in {fooled:.2%}, mean PBO {pbo:.3f}")
    assert fooled <= 0.02
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
        "with counted as (select optimization_run_id as run, count(*) filter (where ranked) as f,"
        " count(*) filter (where passed) as p, max(sharpe_ratio) as s,"
        " max(sharpe_ratio) filter (where passed) as ps from desk.backtest_results group by 1),"
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
