from __future__ import annotations

import json
import math
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.prepare import walk_inputs
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.construction.walk import Walk, walk
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import History
from riskdesk_assets.reports.recompute import day_tables
from riskdesk_assets.research.comparison import Comparison, compare
from riskdesk_assets.research.comparison_files import TABLE, TEXT, VARIANTS, markdown, read_comparison, write_comparison
from riskdesk_assets.research.variants import Variant, variant_config
from riskdesk_assets.research.walk_measures import limit_sessions, stage_sessions, walk_measures
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_tests.desk_builder import (
    CODE,
    changed,
    desk_config,
    history_of_bars,
    sessions_from,
    shipped_strategies,
    shipped_tickets,
    snapshots_of,
)

DAYS = sessions_from(date(2025, 9, 2), 12)
SHIPPED = Variant("shipped", {})
BOLD = Variant("bold", {"portfolios.bank_pairs.risk_aversion_lambda": 1, "desk.optimizer.tracking_bp": 60})
TIGHT = Variant("tight", {"limits.portfolio_gross.max": 0.1})
FACTOR = Variant("factor", {"portfolios.bank_pairs.risk_model_id": "factor"})
SLOW = Variant("slow", {"desk.features.window_z": 90})
ALL = (SHIPPED, BOLD, TIGHT, FACTOR, SLOW)


def config() -> Config:
    return changed(desk_config(), "desk.features.coint_refresh", "never")


def history_of(settings: Config) -> History:
    return history_of_bars(settings, DAYS[0], DAYS[-1])


def tickets_of(history: History) -> pl.DataFrame:
    return snapshots_of(shipped_tickets(), history.wanted)


def strategies_of(settings: Config) -> tuple[Strategy, ...]:
    return shipped_strategies() if settings.desk.budgets.enabled else ()


@cache
def compared() -> Comparison:
    return compare(config(), ALL, history_of, tickets_of, strategies_of, CODE)


@cache
def walked(name: str) -> Walk:
    settings = variant_config(config(), next(item for item in ALL if item.name == name))
    history = history_of(settings)
    panel = panel_of(history, settings)
    strategies = dict.fromkeys(history.wanted, strategies_of(settings))
    tables = day_tables(history, panel, settings, tickets_of(history), strategies, TABLES["engine_configs"].frame([]))
    return walk(walk_inputs(history, panel, settings, tables, start=GENESIS, code_version=CODE))


def alone(variant: Variant) -> Walk:
    """The variant's walk with everything computed for it alone, as the desk would with that configuration."""
    return walked(variant.name)


def value(variant: str, measure: str) -> float:
    found = compared().frame.filter((pl.col("variant") == variant) & (pl.col("measure") == measure))["value"][0]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("variant", ALL, ids=lambda variant: variant.name)
def test_what_variants_share_is_what_each_would_have_computed_alone(variant: Variant) -> None:
    settings = variant_config(config(), variant)
    assert compared().measures[variant.name] == walk_measures(alone(variant), settings)


def test_the_variants_differ_where_they_should() -> None:
    assert value("bold", "gross, mean") > value("shipped", "gross, mean")
    assert value("tight", "gross, most") <= 0.1
    assert value("tight", "portfolio_gross") > 0
    assert len({value(item.name, "gross, mean") for item in ALL}) == len(ALL)


def test_sizes_costs_and_pnl_are_those_of_the_walks_own_tables() -> None:
    done, nav = alone(SHIPPED), config().desk.nav
    nets = done.frames["desk_positions"].group_by("as_of_date", "symbol").agg(pl.col("notional_cents").sum())
    gross = nets.group_by("as_of_date").agg(pl.col("notional_cents").abs().sum())["notional_cents"].to_list()
    gross += [0] * (len(DAYS) - len(gross))
    assert value("shipped", "gross, mean") == pytest.approx(sum(gross) / len(DAYS) / 100 / nav, rel=1e-12)
    traded = sum(abs(cents) for cents in done.frames["portfolio_blotter"]["notional_delta_cents"].to_list()) / 100
    assert value("shipped", "turnover a session, mean") == pytest.approx(traded / len(DAYS) / nav, rel=1e-5)
    equity = done.frames["desk_state"].sort("as_of_date")["equity"].to_list()
    assert value("shipped", "net") == pytest.approx(equity[-1] - nav, abs=0.005)
    daily = np.diff([nav, *equity])
    assert value("shipped", "Sharpe ratio, net, a year") == pytest.approx(
        daily.mean() / daily.std(ddof=1) * math.sqrt(252), rel=1e-9
    )
    peaks = np.maximum.accumulate([nav, *equity])
    assert value("shipped", "largest drawdown, net") == pytest.approx(float(((peaks - [nav, *equity]) / peaks).max()), rel=1e-9)


def test_a_limit_is_binding_on_a_session_with_a_price_and_cuts_a_proposal_where_a_clip_names_it() -> None:
    done = alone(TIGHT)
    audit, clips = done.frames["limit_audit"], done.frames["clip_ledger"]
    priced = set(audit.filter((pl.col("limit_name") == "portfolio_gross") & (pl.col("price_of_limit") > 0))["as_of_date"])
    named = set(clips.filter(pl.col("limit_name") == "portfolio_gross")["as_of_date"])
    cut, binding = limit_sessions(done.days)
    assert (cut["portfolio_gross"], binding["portfolio_gross"]) == (len(named), len(priced))
    assert named | priced
    for found in (cut, binding):
        assert set(found) >= {name.split(":")[0] for name in audit["limit_name"]}
        assert found["turnover"] == 0


def test_a_stage_counts_the_sessions_on_which_it_touched_a_ticket_but_for_whole_lots() -> None:
    done = alone(SHIPPED)
    clips = done.frames["clip_ledger"].filter(pl.col("limit_name") != "whole_lots")
    counted = dict(clips.group_by("stage").agg(pl.col("as_of_date").n_unique()).iter_rows())
    found = stage_sessions(done.days)
    split = {label: count for label, count in found.items() if " " in label}
    assert {label: count for label, count in found.items() if count and label not in split} == counted
    for stage in ("BUDGET", "OPTIMIZER"):
        parts = [count for label, count in split.items() if label.startswith(f"{stage} ")]
        assert max(parts) <= found[stage] <= sum(parts)


def test_the_id_follows_from_what_was_compared_and_from_nothing_else() -> None:
    again = compare(config(), (SHIPPED,), history_of, tickets_of, strategies_of, CODE)
    other = compare(config(), (SHIPPED,), history_of, tickets_of, strategies_of, "other code")
    assert again.id == compare(config(), (SHIPPED,), history_of, tickets_of, strategies_of, CODE).id
    assert len({again.id, other.id, compared().id}) == 3


def test_a_bad_variant_is_refused_before_anything_is_computed() -> None:
    def never(settings: Config) -> History:
        raise AssertionError("nothing is to be read")

    with pytest.raises(InputError, match=r"limits\.groop\.max"):
        compare(config(), (SHIPPED, Variant("bad", {"limits.groop.max": 1})), never, tickets_of, strategies_of, CODE)


def test_a_comparison_is_kept_whole_and_the_same_one_gives_the_same_bytes(tmp_path: Path) -> None:
    place = write_comparison(tmp_path, compared())
    assert place == tmp_path / compared().id
    first = {path.name: path.read_bytes() for path in place.iterdir()}
    assert set(first) == {TABLE, TEXT, VARIANTS}
    write_comparison(tmp_path, compared())
    assert {path.name: path.read_bytes() for path in place.iterdir()} == first
    assert read_comparison(place).equals(compared().frame)
    described = json.loads(first[VARIANTS])
    assert [item["name"] for item in described["variants"]] == [item.name for item in ALL]
    assert described["variants"][1]["config_hash"] == variant_config(config(), BOLD).hash


def test_the_markdown_has_a_column_per_variant_and_calls_simulated_prices_so() -> None:
    text = markdown(compared())
    assert "SIMULATED" in text.splitlines()[0]
    assert "| | shipped | bold | tight | factor | slow |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {len(ALL) + 2}
    assert "- tight: limits.portfolio_gross.max = 0.1" in text
