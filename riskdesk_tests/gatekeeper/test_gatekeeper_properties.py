"""What holds of every decision, whatever the account: judged from the positions, not from the gatekeeper's own sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.gatekeeper.account import Account, Position
from riskdesk_assets.gatekeeper.config import TAPE_REGIMES, RPMConfig
from riskdesk_assets.gatekeeper.engine import ManagerState, RiskPortfolioManager
from riskdesk_assets.gatekeeper.instruments import instrument_of
from riskdesk_assets.gatekeeper.kill_switches import TradingState, fresh, halt
from riskdesk_assets.gatekeeper.position_sizing import unit_ceiling
from riskdesk_assets.gatekeeper.schemas import RPMOutput

from .asking import MONDAY, ask, units

PRICES = {"EURUSD": 1.1, "GBPUSD": 1.25, "USDJPY": 150.0, "EURGBP": 0.88, "JPM": 300.0, "BAC": 50.0, "WFC": 80.0, "GS": 700.0}
RATES = {"GBP": 1.25, "EUR": 1.1}
CONFIG = RPMConfig()
CORRELATIONS = {("JPM", "BAC"): 0.9, ("JPM", "WFC"): 0.5, ("EURUSD", "GBPUSD"): -0.85}

holdings = st.dictionaries(
    st.sampled_from(sorted(PRICES)),
    st.tuples(st.floats(-80_000, 80_000).map(lambda dollars: round(dollars, 2)), st.booleans()),
    max_size=8,
)
intents = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(sorted(PRICES)),
        "direction": st.sampled_from([1, -1]),
        "confidence_score": st.floats(0.5, 1.0),
        "regime": st.sampled_from(TAPE_REGIMES),
        "atr": st.floats(0.001, 0.2),  # of the price
        "vol_percentile": st.floats(0.0, 1.0),
    }
)
SETTINGS = settings(derandomize=True, deadline=None, max_examples=400)


def _account(held: Mapping[str, tuple[float, bool]], order: list[str] | None = None) -> Account:
    positions = {}
    for symbol in order or sorted(held):
        dollars, pending = held[symbol]
        instrument, price = instrument_of(symbol, {}, "USD"), PRICES[symbol]
        rate = 1.0 if symbol in ("JPM", "BAC", "WFC", "GS", "EURUSD", "GBPUSD") else 1 / 150 if symbol == "USDJPY" else 1.25
        amount = dollars / (price * rate)
        if amount:
            filled, waiting = (0.0, amount) if pending else (amount, 0.0)
            positions[symbol] = Position(instrument, filled, waiting, price, price, price, rate)
    return Account(positions)


def _gatekeeper(
    account: Account, config: RPMConfig = CONFIG, state: TradingState = TradingState.ACTIVE
) -> RiskPortfolioManager:
    switches = fresh(config.total_capital)
    if state is not TradingState.ACTIVE:
        switches = halt(switches, MONDAY, "test", "test", state)
    return RiskPortfolioManager(config, ManagerState(account, switches), CORRELATIONS, rates=RATES)


def _decided(gatekeeper: RiskPortfolioManager, intent: Mapping[str, object]) -> RPMOutput:
    price = PRICES[str(intent["symbol"])]
    return ask(gatekeeper, **{**intent, "current_price": price, "atr": float(str(intent["atr"])) * price})


def _measured(account: Account) -> dict[str, Fraction]:
    """Every capped quantity over its cap, in exact arithmetic."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    nets: dict[str, Fraction] = defaultdict(Fraction)
    for symbol, position in account.positions.items():
        amount = Fraction(position.units) + Fraction(position.pending)
        value = amount * Fraction(position.price) * Fraction(position.quote_rate)
        found[f"units {symbol}"] = abs(amount) / 200_000
        found[f"symbol {symbol}"] = abs(value) / 30_000
        found["gross"] += abs(value) / 200_000
        if len(symbol) == 6:
            nets[symbol[:3]] += value
            nets[symbol[3:]] -= value
        else:
            nets["USD"] += value
            nets["net"] += value
    for name, value in nets.items():
        found[name] = abs(value) / (20_000 if name == "net" else 50_000)
    return found


@SETTINGS
@given(holdings, intents)
def test_a_size_is_never_above_the_formula_and_no_cap_is_broken_or_a_breach_made_worse(
    held: dict[str, tuple[float, bool]], intent: dict[str, object]
) -> None:
    account = _account(held)
    output = _decided(_gatekeeper(account), intent)
    trade = output.decision.approved_trade
    if trade is None:
        assert output.portfolio_state.account == account
        return
    assert 0 < trade.position_units <= trade.sizing.units
    before, after = _measured(account), _measured(output.portfolio_state.account)
    for name, used in after.items():
        assert used <= max(before.get(name, Fraction(0)), 1) * Fraction(1 + 1e-9), name
    assert len(output.portfolio_state.account.positions) <= max(8, len(account.positions))


@SETTINGS
@given(holdings, intents, st.sampled_from([TradingState.HALTED, TradingState.REDUCING]), st.sampled_from(["flatten", "hold"]))
def test_a_stopped_gatekeeper_admits_nothing_that_adds(
    held: dict[str, tuple[float, bool]], intent: dict[str, object], state: TradingState, on_halt: str
) -> None:
    account = _account(held)
    config = RPMConfig.model_validate({"on_halt": on_halt})
    output = _decided(_gatekeeper(account, config, state), intent)
    for symbol, position in output.portfolio_state.account.positions.items():
        old = account.positions[symbol].exposed
        assert abs(position.exposed) <= abs(old)
        assert position.exposed * old >= 0
    if state is TradingState.HALTED and on_halt == "hold":
        assert units(output) == 0.0


@SETTINGS
@given(holdings, intents, st.randoms(use_true_random=False))
def test_the_order_in_which_positions_are_kept_changes_nothing(
    held: dict[str, tuple[float, bool]], intent: dict[str, object], random: object
) -> None:
    order = list(held)
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = _decided(_gatekeeper(_account(held)), intent), _decided(_gatekeeper(_account(held, order)), intent)
    assert one.decision == other.decision
    assert one.to_dict() == other.to_dict()


@SETTINGS
@given(holdings, intents, st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_twice_the_capital_with_twice_the_book_is_twice_the_size(
    held: dict[str, tuple[float, bool]], intent: dict[str, object], factor: float
) -> None:
    scaled = CONFIG.model_copy(update={"total_capital": 1e5 * factor, "max_symbol_units": 2e5 * factor, "lot_size": factor})
    more = {symbol: (dollars * factor, pending) for symbol, (dollars, pending) in held.items()}
    one, other = _decided(_gatekeeper(_account(held)), intent), _decided(_gatekeeper(_account(more), scaled), intent)
    assert units(other) == pytest.approx(factor * units(one), rel=1e-9)
    assert one.decision.status is other.decision.status
    assert one.decision.binding_constraint == other.decision.binding_constraint


@SETTINGS
@given(st.floats(0, 1), st.sampled_from(TAPE_REGIMES), st.floats(1e-4, 10), st.floats(0, 1), st.floats(0, 1))
def test_more_volatility_is_never_a_larger_size(
    confidence: float, regime: str, atr: float, percentile: float, step: float
) -> None:
    def size(atr: float, percentile: float) -> float:
        return unit_ceiling(1e5, 0.01, atr, 1.5, confidence, regime, percentile, CONFIG).units  # type: ignore[arg-type]

    assert size(atr * (1 + step), percentile) <= size(atr, percentile)
    assert size(atr, min(1.0, percentile + step)) <= size(atr, percentile)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.tuples(intents, st.booleans()), max_size=25))
def test_no_sequence_of_decisions_and_fills_leaves_the_caps(steps: list[tuple[dict[str, object], bool]]) -> None:
    gatekeeper = _gatekeeper(Account())
    for intent, fill in steps:
        waiting = gatekeeper.state.account.positions.get(str(intent["symbol"]))
        trade = _decided(gatekeeper, intent).decision.approved_trade
        # Pending orders of one name are netted, so of two opposite ones the first is filled before the other, or neither is.
        netted = waiting is not None and trade is not None and waiting.pending * trade.direction < 0
        if trade is not None and fill and not netted:
            gatekeeper.report_fill(trade.symbol, trade.direction * trade.position_units, PRICES[trade.symbol], MONDAY)
        used = _measured(gatekeeper.state.account)
        assert max(used.values(), default=Fraction(0)) <= Fraction(1 + 1e-9)
        assert len(gatekeeper.state.account.positions) <= 8
