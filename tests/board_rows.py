"""Rows for tests of the boards: three strategies and five results, brought in as an importer would."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from testing.desks import Desk

# strategy, sharpe_ratio, total_trades, fee_pct, annual_return, max_drawdown, parameters
RESULTS = (
    ("calm", 0.9, 120, 0.05, 0.08, 0.10, {"period": 14}),
    ("calm", 3.0, 8, 0.01, 0.30, 0.05, {"period": 2}),
    ("wild", 1.4, 4000, 0.674, 0.20, 0.40, {"fast": 5, "slow": 20}),
    ("wild", 1.1, 300, 0.10, 0.15, 0.35, {"fast": 10, "slow": 20}),
    ("idle", None, 0, 0.0, 0.0, 0.0, {"period": 99}),
)


def fill(desk: Desk) -> None:
    """A run a strategy with its results; the desk's default criteria judge them: 100 trades, fees of 30 %."""
    names = list(dict.fromkeys(name for name, *_ in RESULTS))
    with desk.connect("owner") as owner:
        owner.cursor().executemany(
            "insert into strategies (name, entry_point) values (%s, %s)", [(name, name) for name in names]
        )
        known = dict(owner.execute("select name, id from strategies").fetchall())
    with desk.connect("importer") as importer:
        runs = {
            name: importer.execute(
                "insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric,"
                " total_combinations, status, symbols, timeframe, start_date, end_date, engine)"
                " values (%s, %s, 'Grid Search', 'Sharpe Ratio', 5, 'running', '{AAPL,MSFT}', '1d',"
                " '2010-01-01', '2012-12-31', 'backtrader') returning id",
                [known[name], f"{name}.yaml"],
            ).fetchone()
            for name in names
        }
        for name, *figures, parameters in RESULTS:
            importer.execute(
                "insert into backtest_results (optimization_run_id, strategy_id, sharpe_ratio, total_trades,"
                " fee_pct, annual_return, max_drawdown, parameters, total_return)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, 0.1)",
                [(runs[name] or [0])[0], known[name], *figures, Jsonb(parameters)],
            )
