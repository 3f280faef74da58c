"""Document 004's YAML loads as it is written; a wrong line is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.guards.config import load_policy
from riskdesk_assets.guards.holdings_decisions import desk_policy, groups_of
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.guards.policy import seed_policy

SEED = ROOT / "config" / "policy" / "seed.yaml"


def without(*marks: str) -> str:
    """The shipped file without the lines that hold a mark."""
    return "".join(line for line in SEED.read_text().splitlines(keepends=True) if not any(mark in line for mark in marks))


def test_the_shipped_policy_holds_every_number_of_document_004():
    risk, triggers = seed_policy().risk, seed_policy().policy.rebalance_triggers
    assert (risk.per_trade.max_notional, risk.per_trade.lot_size, risk.per_trade.min_order_notional) == (1500, 5, 200)
    assert [risk.per_symbol.cap(name) for name in ("AAPL", "NVDA", "TSLA")] == [15_000, 20_000, 25_000]
    assert (risk.per_symbol.band_pct, risk.per_symbol.cadence) == (0.05, timedelta(minutes=30))
    caps = [risk.groups.cap(name) for name in ("Technology", "Financial", "Healthcare", "Energy")]
    assert caps == [60_000, 50_000, 45_000, 40_000]
    assert (risk.portfolio.gross_cap, risk.portfolio.net_cap) == (100_000, 20_000)
    assert (risk.portfolio.vol_target.enabled, risk.portfolio.vol_target.target_daily_vol) == (True, 0.01)
    assert triggers.on_signal_change
    assert triggers.on_cadence_tick
    assert triggers.on_threshold_breach
    assert triggers.signal_change_threshold == 0.05


def test_the_documents_own_lines_load_without_the_readings(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(without("reading", "max_scale"))
    written = load_policy(path)
    assert "Healthcare" not in written.risk.groups.cap_by_group
    assert (written.risk.portfolio.vol_target.min_scale, written.risk.portfolio.vol_target.max_scale) == (0.5, 1.5)
    assert written.policy.rebalance_triggers.on_hard_cap_breach


def test_the_seed_policy_and_the_seed_profile_cap_every_name_of_the_universe_alike():
    """`riskdesk guard --policy config/policy/seed.yaml` and a run under the profile seed are one document's numbers."""
    policy, config = seed_policy().risk, desk_config("seed")
    assert policy.groups.type == config.desk.guards.group_by
    for symbol, group in groups_of(config.universe, policy.groups.type).items():
        profile = desk_policy(config, symbol).risk
        assert policy.groups.cap(group) == profile.groups.cap(group) == 50_000, symbol
        assert policy.per_symbol.cap(symbol) == profile.per_symbol.cap(symbol)
        assert policy.per_trade == profile.per_trade
    assert (policy.portfolio.gross_cap, policy.portfolio.net_cap) == (profile.portfolio.gross_cap, profile.portfolio.net_cap)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "lot_size: 5 ",
            "lot_sise: 5 ",
            "policy.yaml:5: risk.per_trade.lot_sise: is not a known field; did you mean 'lot_size'?",
        ),
        (
            "max_notional: 1500",
            "max_notional: many",
            "policy.yaml:4: risk.per_trade.max_notional: is 'many' (allowed: a number)",
        ),
        (
            '"30m"',
            '"30 min"',
            "policy.yaml:14: risk.per_symbol.rebalance_cadence: is '30 min' (allowed: a number and s, m, h or d",
        ),
        ("band_pct: 0.05", "band_pct: 1.5", "policy.yaml:13: risk.per_symbol.band_pct: is 1.5 (allowed: less than 1.0)"),
        ('"sector"', '"sectors"', "risk.groups.type: is 'sectors'; did you mean 'sector'? (allowed: sector, factor)"),
        ("Default: 40000", "Others: 40000", "cap_by_group has no Default"),
        ("NVDA: 20000", "NVDA: -1", "the cap of NVDA is -1.0: a cap is at least 0"),
        ("min_order_notional: 200 ", "min_order_notional: 2000 ", "min_order_notional 2000.0 is above max_notional 1500.0"),
        ("lot_size: 5 ", "lot_size: true ", "risk.per_trade.lot_size: is True (allowed: a whole number)"),
        ("net_cap: 20000 ", "net_cap: 20000\n    net_cap: 1 ", "risk.portfolio.net_cap: is written twice"),
    ],
)
def test_a_wrong_line_is_told_with_file_line_and_field(tmp_path: Path, old: str, new: str, said: str):
    path = tmp_path / "policy.yaml"
    text = SEED.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_policy(path)
    assert said in str(error.value)


def test_the_hash_changes_with_any_number(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(SEED.read_text().replace("gross_cap: 100000", "gross_cap: 100001"))
    assert load_policy(path).hash != seed_policy().hash
    assert load_policy(SEED).hash == seed_policy().hash
