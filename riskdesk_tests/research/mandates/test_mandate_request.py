"""What may be asked of a mandate's backtest, and how what may not is refused."""

from __future__ import annotations

from datetime import date

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT, load_paths
from riskdesk_assets.research.backtest_request import BacktestRequest, read_request
from riskdesk_assets.research.mandates.compared import COLUMNS
from riskdesk_assets.research.mandates.request import mandate_notes, mandate_overrides, require_mandate
from riskdesk_assets.research.sweep import sweep_frame
from riskdesk_assets.research.sweep_files import markdown
from riskdesk_assets.research.variants import Variant, variant_config
from riskdesk_tests.desk_builder import changed, desk_config
from riskdesk_tests.research.mandates.mandate_backtests import LONG, NEUTRAL

FIRST, LAST = date(2024, 9, 3), date(2024, 9, 6)


def asked(mandate: str = LONG, **overrides: object) -> BacktestRequest:
    spelled = {path.replace("__", "."): value for path, value in overrides.items()}
    return BacktestRequest(FIRST, LAST, mandate=mandate, overrides=spelled)


def test_own_is_the_mandates_file_whatever_its_name() -> None:
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config"), "TICKETS_DIR": str(ROOT / "tickets" / "active")})
    for mandate in (LONG, NEUTRAL):
        found = read_request(asked(mandate, own__risk_aversion_lambda=2, desk__costs__cost_bps=3.0), paths, {})
        assert found.config.portfolios[mandate].risk_aversion_lambda == 2
        assert found.config.desk.costs.cost_bps == 3.0
        others = {name: item for name, item in found.config.portfolios.items() if name != mandate}
        assert others == {name: item for name, item in desk_config().portfolios.items() if name != mandate}
        assert found.label.startswith(f"20240903-20240906-{mandate}-")


def test_two_mandates_and_two_values_have_labels_of_their_own() -> None:
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config"), "TICKETS_DIR": str(ROOT / "tickets" / "active")})
    requests = (asked(LONG), asked(NEUTRAL), asked(LONG, own__turnover_limit=0.1), BacktestRequest(FIRST, LAST))
    assert len({read_request(item, paths, {}).label for item in requests}) == 4


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"limits.group.max": 0.5}, "is not read by bank_long_only: nothing would change"),
        ({"desk.vol_target.enabled": False}, "is not read by bank_long_only"),
        ({"portfolios.bank_market_neutral.nav": 1.0}, "is not read by bank_long_only"),
        ({"own.portfolio_id": "mine"}, "no value"),
        ({"own.turnover_limit": 0.1, "portfolios.bank_long_only.turnover_limit": 0.2}, "is given twice"),
        ({"own.turnover_limt": 0.1}, "did you mean 'turnover_limit'"),
        ({"own.turnover_limit": -0.1}, "at least 0"),
        ({"own.cost_model_id": "three_halfs"}, "did you mean 'three_halves'"),
        ({"own.factor_limits.sise": 0.1}, "did you mean 'size'"),
        (
            {"own.base_currency": "EUR"},
            "own.base_currency: is 'EUR', and no name of the universe is quoted in it.*allowed: USD",
        ),
        ({"own.strategies": ["Card lagg"]}, "own.strategies.0: 'Card lagg' is not known; did you mean 'Card lag'"),
        ({"own.volatility_limit": 0.01}, "volatility_limit needs optimizer_type: SOCP"),
    ],
)
def test_what_would_change_nothing_or_is_not_allowed_is_refused_by_name(overrides: dict[str, object], said: str) -> None:
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config"), "TICKETS_DIR": str(ROOT / "tickets" / "active")})
    with pytest.raises(InputError, match=said):
        read_request(BacktestRequest(FIRST, LAST, mandate=LONG, overrides=overrides), paths, {})


def test_a_name_that_is_no_mandate_is_refused_with_the_names_that_are() -> None:
    config = desk_config()
    require_mandate(config, LONG)
    with pytest.raises(InputError, match=r"did you mean 'bank_long_only'.*allowed: bank_long_only, bank_market_neutral"):
        require_mandate(config, "bank_long_onyl")
    with pytest.raises(InputError, match="the desk's own portfolio"):
        require_mandate(config, "bank_pairs")


def test_a_comparison_of_the_desk_still_refuses_a_mandates_paths() -> None:
    with pytest.raises(InputError, match="is a research mandate"):
        variant_config(desk_config(), Variant("x", {f"portfolios.{LONG}.turnover_limit": 0.1}))
    with pytest.raises(InputError, match="is a research mandate"):
        variant_config(desk_config(), Variant("x", {f"portfolios.{NEUTRAL}.turnover_limit": 0.1}), LONG)


def test_overrides_are_spelled_out_and_what_the_walk_reads_passes() -> None:
    given = {"own.group_limits.regional": 0.2, "desk.frozen.delisting_return": -0.5, "limits.amber_at": 0.9}
    assert mandate_overrides(given, LONG, "--set") == {
        f"portfolios.{LONG}.group_limits.regional": 0.2,
        "desk.frozen.delisting_return": -0.5,
        "limits.amber_at": 0.9,
    }


def test_notes_tell_what_of_today_reaches_back() -> None:
    said = mandate_notes(desk_config(), LONG, 1)
    assert "the universe's and the tickets' pairs, weighted by the convictions of 1 ticket as it reads now" in said[0]
    named = changed(desk_config(), f"portfolios.{LONG}.strategies", ["Card lag", "Broker-dealer reversion"])
    assert "the pairs of the tickets of Broker-dealer reversion, Card lag, weighted" in mandate_notes(named, LONG, 2)[0]
    assert "The universe is today's" in said[1]
    assert "$25,000,000" in said[2]


def test_a_sweep_of_mandates_compares_what_they_are_tuned_by() -> None:
    def item(net: float, bound: dict[str, int], softened: dict[str, int]) -> dict[str, object]:
        metrics = {name: net for name, _ in COLUMNS} | {"bound": bound, "softened": softened}
        said = {"metrics": metrics, "mandate": LONG, "overrides": {"own.risk_aversion_lambda": net}, "backtest_id": f"bt-{net}"}
        return said | {"first": FIRST, "last": LAST, "source": "FILES"}

    said = {"one": item(1.0, {"turnover": 3}, {}), "two|three": item(2.0, {"group": 1}, {"turnover": 2})}
    rows = {(row["variant"], row["measure"]): row for row in sweep_frame(said).iter_rows(named=True)}
    assert rows["one", "sharpe_ratio"]["value"] == 1.0
    assert (rows["one", "turnover bound"]["value"], rows["two|three", "turnover bound"]["value"]) == (3.0, 0.0)
    assert (rows["one", "group bound"]["value"], rows["two|three", "turnover softened"]["value"]) == (0.0, 2.0)
    text = markdown(said)
    assert "own.risk_aversion_lambda = 2.0" in text
    assert "two\\|three" in text
    header = next(line for line in text.splitlines() if line.startswith("| | "))
    assert header.count("|") == len(COLUMNS) + 3 + 2
