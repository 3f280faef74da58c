"""A day computed alone is the same day inside a range, and nothing of it depends on a later bar: every table, every bit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.start import starting_state
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.reports.recompute import Inputs, recompute
from riskdesk_assets.reports.run_artifacts import prior_sessions
from riskdesk_tests.desk_builder import (
    CODE,
    PRIOR,
    calendar,
    changed,
    desk_config,
    history_of_bars,
    inputs_of,
    library_of,
    sample_bars,
    sample_volatility,
    sessions_from,
    shipped_tickets,
    snapshots_of,
)

FIRST = date(2026, 3, 2)
DAYS = sessions_from(FIRST, 20)
# KEY prints nothing from its 4th session on: frozen, closed as delisted, and books that never find a common next session.
# BK is silent for three sessions in the middle of that, and comes back.
SILENT = {"KEY": DAYS[3:], "BK": DAYS[6:9]}
Tables = Mapping[str, pl.DataFrame]


def config() -> Config:
    quiet = changed(desk_config(), "desk.features.coint_refresh", "never")
    return changed(quiet, "desk.controller.entry_z", 0.6)


@cache
def bars() -> pl.DataFrame:
    frame = sample_bars().filter(pl.col("as_of_date") <= sessions_from(FIRST, 40)[-1])
    for symbol, days in SILENT.items():
        frame = frame.filter((pl.col("symbol") != symbol) | ~pl.col("as_of_date").is_in(days))
    return frame


def computed(first: date, last: date, market: pl.DataFrame, volatility: pl.DataFrame, before: Tables | None = None) -> Tables:
    """Every table of a range; ``before`` holds what earlier sessions wrote, read as the assets read it."""
    settings = config()
    history = history_of_bars(settings, first, last, market, volatility)
    written = before or {name: table.frame([]) for name, table in TABLES.items()}
    prior = {
        name: written[name].filter(
            pl.col("as_of_date").is_between(calendar().before(first, prior_sessions(settings, name)), first, closed="left")
        )
        for name in PRIOR
    }
    yesterday = written["ticket_snapshots"].filter(pl.col("as_of_date") == calendar().before(first))
    tickets = snapshots_of(shipped_tickets(), history.wanted, previous=yesterday)
    state = starting_state(written["desk_state"], calendar(), first)
    return recompute(Inputs(history, settings, tickets, state, prior, CODE, library_of(settings, history.wanted)))


@cache
def whole_range() -> Tables:
    return computed(DAYS[0], DAYS[-1], bars(), sample_volatility())


def digests(tables: Tables, first: date, last: date) -> dict[str, str]:
    return {
        name: digest_frame(frame.filter(pl.col(TABLES[name].partition).is_between(first, last)), TABLES[name].key)
        for name, frame in tables.items()
    }


def test_the_range_holds_what_makes_this_hard() -> None:
    tables = whole_range()
    assert set(tables) == set(TABLES)
    assert {"FROZEN", "VOL_TARGET", "OPTIMIZER"} <= set(tables["clip_ledger"]["stage"])
    statuses = set(tables["realized_pnl"]["status"])
    assert {"OK", "DELISTED", "SKIPPED_NO_PRICE", "SKIPPED_NO_COMMON_SESSION"} <= statuses
    waited = tables["realized_pnl"].filter(pl.col("status") == "SKIPPED_NO_COMMON_SESSION")
    assert (waited["costs"] > 0).any()


@pytest.mark.parametrize("session", DAYS)
def test_every_table_of_a_day_alone_is_that_day_of_the_range(session: date) -> None:
    alone = computed(session, session, bars(), sample_volatility(), whole_range())
    assert digests(alone, session, session) == digests(whole_range(), session, session)


def test_a_range_cut_in_two_is_the_range() -> None:
    later = computed(DAYS[9], DAYS[-1], bars(), sample_volatility(), whole_range())
    assert digests(later, DAYS[9], DAYS[-1]) == digests(whole_range(), DAYS[9], DAYS[-1])


@pytest.mark.parametrize("seed", range(4))
def test_no_later_bar_changes_anything_of_a_day(seed: int) -> None:
    rng = np.random.default_rng(seed)
    last = DAYS[int(rng.integers(2, 12))]
    later = bars().filter(pl.col("as_of_date") > last)
    factor = pl.Series(np.exp(rng.normal(0, 0.5, later.height)))
    wild = later.with_columns(
        [(pl.col(name) * factor).alias(name) for name in ("open", "high", "low", "close", "adj_close")],
    ).filter(pl.Series(rng.random(later.height) > 0.2) & (pl.col("as_of_date") != DAYS[13]))
    dead = wild.with_columns(close=pl.when(pl.int_range(pl.len()) % 17 == 0).then(-1.0).otherwise(pl.col("close")))
    corrupted = pl.concat([bars().filter(pl.col("as_of_date") <= last), dead])
    fear = sample_volatility().with_columns(
        close=pl.when(pl.col("as_of_date") > last).then(pl.col("close") * 5).otherwise(pl.col("close"))
    )
    found = computed(DAYS[0], DAYS[14], corrupted, fear)
    assert digests(found, DAYS[0], last) == digests(whole_range(), DAYS[0], last)
    # the test would be empty if the corruption did not reach the later days
    assert digests(found, DAYS[14], DAYS[14])["desk_state"] != digests(whole_range(), DAYS[14], DAYS[14])["desk_state"]


def test_the_order_of_rows_in_every_input_changes_no_byte() -> None:
    inputs = inputs_of(config(), shipped_tickets(), DAYS[0], DAYS[4], bars())
    turned = {
        name: getattr(inputs, name).reverse()
        for name in ("bars", "splits", "pair_state", "ticket_snapshots", "strategy_library", "strategy_budgets")
    }
    first, second = walk(inputs), walk(type(inputs)(**{**vars(inputs), **turned}))
    assert digests(first.frames, DAYS[0], DAYS[4]) == digests(second.frames, DAYS[0], DAYS[4])
