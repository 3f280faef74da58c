"""The tables only a mandate's backtest writes: columns, types and key; beside them it keeps the live mandate's own tables."""

from __future__ import annotations

from collections.abc import Mapping

from riskdesk_assets.common.tables import Table
from riskdesk_assets.research.backtest_tables import RISK_CHECKS, SERIES

_DATE, _TEXT, _NUMBER, _COUNT = "DATE", "VARCHAR", "DOUBLE", "BIGINT"

TIMESERIES = Table(
    "timeseries",
    {
        **SERIES,
        **dict.fromkeys(("marked_pnl", "impact_costs", "borrow_costs"), _NUMBER),
        "names": _COUNT,
        "decision": _TEXT,
        **dict.fromkeys(("expected_return", "ex_ante_volatility", "var_95", "var_99"), _NUMBER),
    },
    ("as_of_date",),
)
"""One row per session, of the book after it, in dollars of the mandate's static nav.

The columns up to ``drawdown`` mean what they mean in a desk's backtest. ``marked_pnl`` is what the session's own prints made
of the book held into it, ``impact_costs`` and ``borrow_costs`` are parts of ``costs``, ``names`` how many are held,
``decision`` the engine's status. ``expected_return`` and the risk figures are fractions of nav a day: what the engine said at
the close.
"""

BENCHMARK = Table(
    "benchmark",
    {
        "as_of_date": _DATE,
        "next_date": _DATE,
        "benchmark": _TEXT,
        "status": _TEXT,
        "names": _COUNT,
        **dict.fromkeys(("gross", "turnover", "costs", "pnl_gross", "pnl_net", "cumulative_pnl_net", "delisting_pnl"), _NUMBER),
    },
    ("as_of_date",),
)
"""One row per session of what stands beside the mandate, in dollars: equal weights of its universe, or nothing at all."""

NAME_PNL = Table(
    "name_pnl",
    {
        "as_of_date": _DATE,
        "next_date": _DATE,
        "status": _TEXT,
        "symbol": _TEXT,
        **dict.fromkeys(("weight", "simple_return", "pnl_gross", "costs", "pnl_net"), _NUMBER),
    },
    ("as_of_date", "symbol", "status"),
)
"""One row per session and name held, traded or borrowed: its weight after the session, its return to ``next_date``, dollars."""

EXPOSURES = Table(
    "exposures",
    {"as_of_date": _DATE, "dimension": _TEXT, "member": _TEXT, "net": _NUMBER, "gross": _NUMBER},
    ("as_of_date", "dimension", "member"),
)
"""One row per session and factor, sector, industry group, country, currency and fragility class, as the risk report measures
them, fractions of nav: a factor has no gross, a fragility class no net."""

LIMIT_SLACK = Table(
    "limit_slack",
    {
        "as_of_date": _DATE,
        "limit_name": _TEXT,
        "member": _TEXT,
        "family": _TEXT,
        **dict.fromkeys(("measured", "bound", "slack", "utilization", "softened_to", "price_of_limit"), _NUMBER),
        "status": _TEXT,
    },
    ("as_of_date", "limit_name"),
)
"""One row per session and limit, fractions of nav: what was measured, its bound, and ``slack``, the bound less the measure. Of
limits there is one of per name, the row is that of the tightest ``member``, and ``price_of_limit`` is the largest."""

LIMIT_USE = Table(
    "limit_use",
    {
        "limit_name": _TEXT,
        "family": _TEXT,
        **dict.fromkeys(("sessions", "bound", "amber", "softened", "breached", "released_breached"), _COUNT),
        **dict.fromkeys(("mean_utilization", "most_utilization", "least_slack", "mean_price"), _NUMBER),
    },
    ("limit_name",),
)
"""One row per limit over the range: sessions on which it was measured, bound (had a price), was amber, gave way, was breached,
and was breached by weights the optimizer had just chosen; ``least_slack`` is a fraction of nav."""

SCENARIO_DAYS = Table(
    "scenario_days",
    {"as_of_date": _DATE, "scenario_id": _TEXT, "pnl": _NUMBER, "benchmark_pnl": _NUMBER},
    ("as_of_date", "scenario_id"),
)
"""What each scenario would do to the book of each session, and to the benchmark's, in dollars; no row where the scenario says
nothing of a name that is held."""

SCENARIO_PNL = Table(
    "scenario_pnl",
    {
        "scenario_id": _TEXT,
        "description": _TEXT,
        "sessions": _COUNT,
        "worst_pnl": _NUMBER,
        "worst_on": _DATE,
        **dict.fromkeys(("mean_pnl", "best_pnl", "benchmark_worst_pnl", "benchmark_mean_pnl"), _NUMBER),
        **dict.fromkeys(("lived_first", "lived_last"), _DATE),
        **dict.fromkeys(("lived_pnl", "benchmark_lived_pnl"), _NUMBER),
    },
    ("scenario_id",),
)
"""One row per scenario, in dollars; ``lived_*``: what was earned after costs on the sessions of a stretch of history that the
range lived through whole."""

MANDATE_BACKTEST_TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        TIMESERIES,
        BENCHMARK,
        NAME_PNL,
        EXPOSURES,
        LIMIT_SLACK,
        LIMIT_USE,
        RISK_CHECKS,
        SCENARIO_DAYS,
        SCENARIO_PNL,
    )
}
