"""The tables only a backtest writes: columns, types and key of each; they lie in its directory and never in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping

from riskdesk_assets.common.tables import Table

_DATE, _TEXT, _DOLLARS, _COUNT = "DATE", "VARCHAR", "DOUBLE", "BIGINT"

SERIES: Mapping[str, str] = {
    "as_of_date": _DATE,
    "next_date": _DATE,
    **dict.fromkeys(("equity_gross", "equity_net", "cash_notional", "turnover", "costs"), _DOLLARS),
    **dict.fromkeys(("pnl_gross", "pnl_net", "cumulative_pnl_net"), _DOLLARS),
    "status": _TEXT,
    "missing_symbols": _TEXT,
    **dict.fromkeys(("delisting_pnl", "equity", "drawdown"), _DOLLARS),
}
"""The columns of every backtest's time series, the desk's and a mandate's."""

TIMESERIES = Table(
    "timeseries",
    {
        **SERIES,
        **dict.fromkeys(("desk_equity", "ex_ante_volatility", "var_95", "var_99"), _DOLLARS),
    },
    ("as_of_date",),
)
"""One row per session, of the book after it, in dollars.

``equity_gross`` and ``equity_net`` are the sum of |net per symbol| and of the nets over equity symbols, ``cash_notional`` the
CASH leg that brings the sum to zero; ``pnl_*`` is what the book earned to ``next_date``, and ``costs`` what making and carrying
it cost. ``status``: OK, FLAT (no book and no costs), SKIPPED_NO_PRICE, SKIPPED_NO_COMMON_SESSION, PENDING (not known by the
last session). ``equity`` is nav plus ``cumulative_pnl_net``, ``drawdown`` its fall from its peak so far (nav at the start),
``delisting_pnl`` the part of ``pnl_gross`` that comes of names closed at the delisting return; ``desk_equity`` and the risk
figures (fractions of nav) are desk_state's own.
"""

ATTRIBUTION = Table(
    "attribution",
    {
        "as_of_date": _DATE,
        "next_date": _DATE,
        "ticket_id": _TEXT,
        "bucket": _TEXT,
        "status": _TEXT,
        **dict.fromkeys(("intent", "sizing", "clipping", "optimizer", "delisting", "costs", "pnl_net"), _COUNT),
    },
    ("as_of_date", "ticket_id"),
)
"""One row per session and ticket that asked for something, held something or cost something, in millionths of a dollar."""

CHALLENGERS = Table(
    "challengers",
    {
        "challenger": _TEXT,
        "as_of_date": _DATE,
        "next_date": _DATE,
        "status": _TEXT,
        "tickets": _COUNT,
        **dict.fromkeys(("gross", "turnover", "costs", "pnl_gross", "pnl_net", "cumulative_pnl_net"), _DOLLARS),
    },
    ("challenger", "as_of_date"),
)
"""One row per challenger and session, in dollars, at the desk's own mean gross."""

LIMIT_USE = Table(
    "limit_use",
    {
        "limit_name": _TEXT,
        "family": _TEXT,
        "mode": _TEXT,
        **dict.fromkeys(("sessions", "bound", "cut_proposal", "binding", "amber", "breached", "released_breached"), _COUNT),
        **dict.fromkeys(("mean_utilization", "most_utilization", "mean_price"), _DOLLARS),
    },
    ("limit_name",),
)
"""One row per limit without its member (``group`` for ``group:regional``): sessions on which any of its members was measured,
bound, was amber, breached, and breached in a released book; utilizations of the largest member; mean dual where it was binding.
``cut_proposal``: a clip names it, so it cut what was asked for on the way, be the book that came of it far below it or not.
``binding``: it had a price in the book itself. ``bound``: either."""

RISK_CHECKS = Table(
    "risk_checks",
    {
        "check_name": _TEXT,
        "observations": _COUNT,
        "exceptions": _COUNT,
        **dict.fromkeys(("statistic", "p_value", "expected"), _DOLLARS),
        "outcome": _TEXT,
        "message": _TEXT,
    },
    ("check_name",),
)
"""Predictions of the risk model against what happened over the whole range, as in model_checks."""

SCENARIO_PNL = Table(
    "scenario_pnl",
    {
        "scenario_id": _TEXT,
        "kind": _TEXT,
        "sessions": _COUNT,
        "worst_pnl": _DOLLARS,
        "worst_on": _DATE,
        "mean_pnl": _DOLLARS,
        "best_pnl": _DOLLARS,
    },
    ("scenario_id",),
)
"""One row per scenario: what it would have done to the book of each session that knows it, in dollars."""

CHOICES = Table(
    "choices",
    {
        "window": _COUNT,
        "variant": _TEXT,
        "chosen": "BOOLEAN",
        **dict.fromkeys(("formation_first", "formation_last", "trade_first", "trade_last"), _DATE),
        "criterion": _DOLLARS,
    },
    ("window", "variant"),
)
"""A walk-forward's windows: what every variant was worth on the formation sessions, and which was traded."""

BACKTEST_TABLES: Mapping[str, Table] = {
    table.name: table for table in (TIMESERIES, ATTRIBUTION, CHALLENGERS, LIMIT_USE, RISK_CHECKS, SCENARIO_PNL, CHOICES)
}
