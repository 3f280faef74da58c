"""Did the range keep its limits, how often did each bind, and was the risk model right (PE-72, PE-73, PE-74)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from riskdesk_assets.book.clips import TICKET_CAPS
from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.limit import label_of
from riskdesk_assets.reports.model_check_rows import LimitDays, Prediction, checks
from riskdesk_assets.research.backtest_tables import LIMIT_USE, RISK_CHECKS
from riskdesk_assets.research.bound_sessions import CAPS, POSITION_COUNT, bound_sessions


def limit_use(audit: pl.DataFrame, clips: pl.DataFrame) -> pl.DataFrame:
    """LIMIT_USE of a range, from limit_audit and clip_ledger: binding where it had a price, a cut where a clip names it."""
    columns = ("as_of_date", "utilization", "status", "price_of_limit", "released", "family", "mode")
    rows = audit.select(*columns, label=_labels(audit["limit_name"]))
    day, breached, priced = pl.col("as_of_date"), pl.col("status") == "BREACH", pl.col("price_of_limit") > 0
    limits = rows.group_by("label").agg(
        pl.col("family", "mode").first(),
        sessions=day.n_unique(),
        amber=day.filter(pl.col("status") == "AMBER").n_unique(),
        breached=day.filter(breached).n_unique(),
        released_breached=day.filter(breached & pl.col("released")).n_unique(),
        prices=pl.col("price_of_limit").filter(priced),
    )
    binding, cut = rows.filter(priced).select("label", "as_of_date"), _clipped(clips, limits["label"])
    either = pl.concat([binding.with_columns(cut=False), cut.with_columns(cut=True)])
    counts = either.group_by("label").agg(
        bound=day.n_unique(),
        cut_proposal=day.filter(pl.col("cut")).n_unique(),
        binding=day.filter(~pl.col("cut")).n_unique(),
    )
    whole = (
        limits.join(counts, on="label", how="full", coalesce=True)
        .join(_utilizations(rows), on="label", how="left")
        .with_columns(
            pl.col("family").fill_null(pl.col("label")),
            pl.col("mode").fill_null("construct"),
            pl.col("sessions", "bound", "cut_proposal", "binding", "amber", "breached", "released_breached").fill_null(0),
            pl.col("prices", "utilizations").fill_null([]),
        )
    )
    counted = ("family", "mode", "sessions", "bound", "cut_proposal", "binding", "amber", "breached", "released_breached")
    return LIMIT_USE.frame(
        [
            {
                "limit_name": row["label"],
                **{name: row[name] for name in counted},
                "mean_utilization": mean(row["utilizations"]),
                "most_utilization": max(row["utilizations"], default=None),
                "mean_price": mean(row["prices"]),
            }
            for row in whole.iter_rows(named=True)
        ]
    )


def _utilizations(rows: pl.DataFrame) -> pl.DataFrame:
    """label and utilizations: of its largest member on each session, 0 where that is negative."""
    used = rows.filter(pl.col("utilization").is_not_null()).group_by("label", "as_of_date").agg(pl.col("utilization").max())
    largest = pl.when(pl.col("utilization") > 0).then("utilization").otherwise(0.0)
    return used.group_by("label").agg(utilizations=largest)


def _labels(names: pl.Series) -> pl.Series:
    """Limits' names without their members: ``group`` for ``group:regional``."""
    distinct = names.unique()
    return names.replace_strict(distinct, [label_of(name) for name in distinct], return_dtype=pl.String)


def _clipped(clips: pl.DataFrame, labels: pl.Series) -> pl.DataFrame:
    """label and as_of_date of every clip that names one of the limits, or the number of positions."""
    of_caps = pl.col("limit_name").replace_strict(CAPS, default="")
    named = clips.select(
        "as_of_date",
        label=pl.when(pl.col("stage") == TICKET_CAPS).then(of_caps).otherwise(_labels(clips["limit_name"])),
    )
    return named.filter(pl.col("label").is_in([*labels, POSITION_COUNT])).select("label", "as_of_date")


def risk_checks(frames: Mapping[str, pl.DataFrame], config: Config) -> pl.DataFrame:
    """RISK_CHECKS of a range: each session's prediction (desk_state) against the P&L marked on the next one, all of them.

    Bias ratio, VaR exceptions (Kupiec, Christoffersen, Basel's traffic light), drawdown and adherence as in model_checks; there
    over a window that rolls, here over the whole range once.
    """
    nav = config.desk.nav
    columns = ("as_of_date", "released", "pnl_gross", "ex_ante_volatility", "var_95", "var_99")
    states = frames["desk_state"].select(columns).sort("as_of_date")
    known = {
        row["as_of_date"]: Prediction(row["pnl_gross"] / nav, row["ex_ante_volatility"], row["var_95"], row["var_99"])
        for row in states.iter_rows(named=True)
    }
    window = list(known)
    released = set(states.filter("released")["as_of_date"])
    audit = frames["limit_audit"].filter(pl.col("as_of_date").is_in(sorted(released)))
    breached = set(audit.filter(pl.col("status") == "BREACH")["as_of_date"])
    days = LimitDays(len(released), len(breached), bound_sessions(audit))
    return RISK_CHECKS.frame(list(checks(known, window, days, config.desk.risk_report)))
