"""What holds of every decision, whatever the account: judged from the positions, not from the gatekeeper's own sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import numpy as np
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

Held = dict[str, tuple[float, float, float]]
sides = st.sampled_from([(0, 0), (1, 0), (0, 1), (1, 1)])
holdings = st.dictionaries(  # dollars filled, waiting to be bought, waiting to be sold
    st.sampled_from(sorted(PRICES)),
    st.tuples(st.floats(-80_000, 80_000), st.floats(0, 60_000), st.floats(-60_000, 0), sides).map(
        lambda one: (round(one[0], 2), round(one[1] * one[3][0], 2), round(one[2] * one[3][1], 2))
    ),
    max_size=8,
)


def _intents(symbols: list[str], largest_atr: float) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(symbols),
            "direction": st.sampled_from([1, -1]),
            "confidence_score": st.floats(0.5, 1.0),
            "regime": st.sampled_from(TAPE_REGIMES),
            "atr": st.floats(0.001, largest_atr),  # of the price
            "vol_percentile": st.floats(0.0, 1.0),
        }
    )


intents = _intents(sorted(PRICES), 0.2)
colliding = _intents(["EURUSD", "USDJPY", "JPM", "BAC"], 0.03)  # sizes that fill the caps, again and again in the same names
SETTINGS = settings(derandomize=True, deadline=None, max_examples=400)


RATE_OF = dict.fromkeys(PRICES, 1.0) | {"USDJPY": 1 / 150, "EURGBP": 1.25}


def _account(held: Mapping[str, tuple[float, float, float]], order: list[str] | None = None) -> Account:
    positions = {}
    for symbol in order or sorted(held):
        price, rate = PRICES[symbol], RATE_OF[symbol]
        filled, buying, selling = (dollars / (price * rate) for dollars in held[symbol])
        if filled or buying or selling:
            instrument = instrument_of(symbol, {}, "USD")
            positions[symbol] = Position(instrument, filled, buying, selling, price, price, price, rate)
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


def _ends(account: Account) -> dict[str, tuple[Fraction, Fraction]]:
    """Every capped quantity over its cap, lowest and highest over what may be filled, in exact arithmetic.

    The quantities but gross are sums over orders that are filled or not, each for itself: every end is a sum of ends.
    """
    found: dict[str, tuple[Fraction, Fraction]] = {}
    nets: dict[str, list[tuple[Fraction, Fraction]]] = defaultdict(list)
    gross = Fraction(0)
    for symbol, position in account.positions.items():
        worth = Fraction(position.price) * Fraction(position.quote_rate)
        low, high = (Fraction(position.units) + Fraction(side) for side in (position.selling, position.buying))
        found[f"units {symbol}"] = low / 200_000, high / 200_000
        found[f"symbol {symbol}"] = low * worth / 30_000, high * worth / 30_000
        gross += max(-low, high) * worth
        if len(symbol) == 6:
            nets[symbol[:3]].append((low * worth, high * worth))
            nets[symbol[3:]].append((-high * worth, -low * worth))
        else:
            nets["USD"].append((low * worth, high * worth))
            nets["net"].append((low * worth, high * worth))
    for name, parts in nets.items():
        cap = 20_000 if name == "net" else 50_000
        found[name] = sum((low for low, _ in parts), Fraction(0)) / cap, sum((high for _, high in parts), Fraction(0)) / cap
    return {**found, "gross": (Fraction(0), gross / 200_000)}


@SETTINGS
@given(holdings, intents)
def test_a_size_is_never_above_the_formula_and_no_cap_is_broken_or_a_breach_made_worse(
    held: Held, intent: dict[str, object]
) -> None:
    account = _account(held)
    output = _decided(_gatekeeper(account), intent)
    trade = output.decision.approved_trade
    if trade is None:
        assert output.portfolio_state.account == account
        return
    assert 0 < trade.position_units <= trade.sizing.units
    before, after = _ends(account), _ends(output.portfolio_state.account)
    for name, (low, high) in after.items():
        lowest, highest = before.get(name, (Fraction(0), Fraction(0)))
        assert high <= max(highest, 1) * Fraction(1 + 1e-9), name
        assert -low <= max(-lowest, 1) * Fraction(1 + 1e-9), name
    assert len(output.portfolio_state.account.positions) <= max(8, len(account.positions))


@SETTINGS
@given(holdings, intents, st.sampled_from([TradingState.HALTED, TradingState.REDUCING]), st.sampled_from(["flatten", "hold"]))
def test_a_stopped_gatekeeper_admits_nothing_that_adds(
    held: Held, intent: dict[str, object], state: TradingState, on_halt: str
) -> None:
    account = _account(held)
    config = RPMConfig.model_validate({"on_halt": on_halt})
    output = _decided(_gatekeeper(account, config, state), intent)
    for symbol, position in output.portfolio_state.account.positions.items():
        old = account.positions[symbol]
        assert min(old.lowest, 0.0) <= position.lowest  # neither more short nor more long, whatever is filled
        assert position.highest <= max(old.highest, 0.0)
    if state is TradingState.HALTED and on_halt == "hold":
        assert units(output) == 0.0


@SETTINGS
@given(holdings, intents, st.randoms(use_true_random=False))
def test_the_order_in_which_positions_are_kept_changes_nothing(held: Held, intent: dict[str, object], random: object) -> None:
    order = list(held)
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = _decided(_gatekeeper(_account(held)), intent), _decided(_gatekeeper(_account(held, order)), intent)
    assert one.decision == other.decision
    assert one.to_dict() == other.to_dict()


@SETTINGS
@given(holdings, intents, st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_twice_the_capital_with_twice_the_book_is_twice_the_size(held: Held, intent: dict[str, object], factor: float) -> None:
    scaled = CONFIG.model_copy(update={"total_capital": 1e5 * factor, "max_symbol_units": 2e5 * factor, "lot_size": factor})
    more = {symbol: (filled * factor, buying * factor, selling * factor) for symbol, (filled, buying, selling) in held.items()}
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


Order = tuple[str, float]


def _every_outcome(filled: Mapping[str, float], orders: list[Order]) -> dict[str, float]:
    """The largest value over its cap that each capped quantity takes over all subsets of ``orders`` that may be filled."""
    names = sorted(PRICES)
    subsets = np.array(list(product((0.0, 1.0), repeat=len(orders))))
    traded = [[units if name == symbol else 0.0 for name in names] for symbol, units in orders]
    amounts = np.array([filled.get(name, 0.0) for name in names]) + subsets @ np.array(traded).reshape(-1, len(names))
    dollars = amounts * np.array([PRICES[name] * RATE_OF[name] for name in names])
    outright = np.array([len(name) < 6 for name in names], float)
    found = {"units": np.abs(amounts) / 200_000, "symbol": np.abs(dollars) / 30_000}
    found["gross"], found["net"] = np.abs(dollars).sum(axis=1) / 200_000, np.abs(dollars @ outright) / 20_000
    for currency in ("USD", "EUR", "GBP", "JPY"):
        signs = [(name[:3] == currency) - (name[3:] == currency) if len(name) == 6 else currency == "USD" for name in names]
        found[currency] = np.abs(dollars @ np.array(signs, float)) / 50_000
    return {name: float(values.max()) for name, values in found.items()}


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(colliding, st.sampled_from(["wait", "wait", "fill", "part", "cancel"]), st.integers(0, 7)),
        min_size=1,
        max_size=25,
    )
)
def test_no_subset_of_approved_orders_filled_in_any_order_leaves_the_caps(
    steps: list[tuple[dict[str, object], str, int]],
) -> None:
    gatekeeper = _gatekeeper(Account())
    orders: list[Order] = []
    filled: dict[str, float] = defaultdict(float)
    for intent, then, which in steps:
        trade = _decided(gatekeeper, intent).decision.approved_trade
        if trade is not None:
            orders.append((trade.symbol, trade.direction * trade.position_units))
        if orders and (then != "wait" or len(orders) > 8):
            symbol, waiting = orders.pop(which % len(orders))
            units = waiting / 2 if then == "part" else waiting
            if then == "cancel":
                gatekeeper.report_cancel(symbol, units, MONDAY)
            else:
                gatekeeper.report_fill(symbol, units, PRICES[symbol], MONDAY)
                filled[symbol] += units
            if units != waiting:
                orders.append((symbol, waiting - units))
        used = _every_outcome(filled, orders)
        assert max(used.values()) <= 1 + 1e-9, used
        assert len(gatekeeper.state.account.positions) <= 8
    for symbol, waiting in orders:
        gatekeeper.report_fill(symbol, waiting, PRICES[symbol], MONDAY)
        filled[symbol] += waiting
    account = gatekeeper.state.account
    for symbol, amount in filled.items():
        position = account.positions.get(symbol)
        assert (position.units if position else 0.0) == pytest.approx(amount, abs=1e-6)
        assert position is None or position.pending == pytest.approx(0.0, abs=1e-6)
