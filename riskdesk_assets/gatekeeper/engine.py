"""RiskPortfolioManager: the gatekeeper with a memory. No trade is executed without its approval (document 003).

It keeps an account, the switches, the statistics and the newest order ids; the deciding itself is :func:`decide.decide`. It
reads no clock: whoever calls says what time it is. Calls are not synchronised: one at a time. ``state`` is one immutable value,
so a caller that cannot record a decision puts the one before it back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from math import isfinite
from typing import NamedTuple

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.gatekeeper.account import Account, Position
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.constraints import Correlations, caps_of
from riskdesk_assets.gatekeeper.decide import Rules, decide
from riskdesk_assets.gatekeeper.health import health_status
from riskdesk_assets.gatekeeper.instruments import Instrument, UnitValue, instrument_of, unit_value
from riskdesk_assets.gatekeeper.intent_check import SMALLEST, is_order_id, plain_number, plain_numbers, problems_of
from riskdesk_assets.gatekeeper.kill_switches import (
    KillSwitchState,
    Reading,
    TradingState,
    VolatilityReading,
    end_of_day,
    fresh,
    halt,
    observe,
    resume,
)
from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.schemas import Intent, RiskMetrics, RPMOutput, TradeApprovalStatus, TradeDecision
from riskdesk_assets.gatekeeper.switchboard import Switchboard, switchboard
from riskdesk_assets.gatekeeper.trail import CHECKS, Check

CALLER = "gatekeeper"
_ADJUSTED = TradeApprovalStatus.ADJUSTED
_SHOCK = CHECKS.index(Check.VOLATILITY_SHOCK)  # its place in every trail: a trail has every check, in their order


class OrderConflictError(StateError):
    """A ``client_order_id`` that was given before, for another intent."""


class ManagerState(NamedTuple):
    """All that a gatekeeper remembers but its order ids: survives restarts by state_json.

    ``volatility``: the newest ratio that was held against the volatility shock; None: none was yet.
    """

    account: Account
    switches: KillSwitchState
    metrics: RiskMetrics = RiskMetrics()
    volatility: VolatilityReading | None = None


class RiskPortfolioManager:
    """Decides trade intents one by one against its own account.

    Args:
        config: parameters; the balanced preset when absent.
        state: what an earlier gatekeeper left; a fresh account of ``total_capital`` when absent.
        correlations: of returns, by pair of symbols in either order.
        currencies: currency of a share by symbol; the account's currency when absent.
        rates: account currency per unit of another currency.
        volatility_ratios: realised over baseline volatility by symbol, for intents that bring none.
        volatility_source: where those ratios are from, in words; every check that uses one says it.

    Raises:
        InputError: a correlation outside [-1, 1], a rate that is not positive, a ratio below 0.
    """

    def __init__(
        self,
        config: RPMConfig | None = None,
        state: ManagerState | None = None,
        correlations: Correlations | None = None,
        currencies: Mapping[str, str] | None = None,
        rates: Mapping[str, float] | None = None,
        volatility_ratios: Mapping[str, float] | None = None,
        volatility_source: str = "",
    ) -> None:
        self.config = RPMConfig() if config is None else config
        self._rules = Rules(
            self.config, self.config.hash, caps_of(self.config), {}, dict(currencies or {}), _checked_rates(rates or {}), {}, ""
        )
        self.update_correlations(correlations or {})
        self.update_volatility_ratios(volatility_ratios or {}, volatility_source)
        self._orders: OrderedDict[str, RPMOutput] = OrderedDict()
        self._state = ManagerState(Account(), fresh(self.config.total_capital)) if state is None else state
        self._board: Switchboard | None = None
        self._day: date | None = None
        self._day_ends: datetime | None = None

    @property
    def state(self) -> ManagerState:
        """Account, switches and statistics as they are."""
        return self._state

    def restore(self, state: ManagerState) -> None:
        """Put a state back; order ids decided since then stay known until :meth:`forget`."""
        self._state = state

    def forget(self, client_order_id: str) -> None:
        """Drop an order id whose decision was never given out."""
        self._orders.pop(client_order_id, None)

    @property
    def portfolio_state(self) -> PortfolioState:
        """Positions, exposure, P&L and capital as they are."""
        return PortfolioState(self.config.total_capital, self._state.account, self._state.switches)

    @property
    def risk_metrics(self) -> RiskMetrics:
        """Decision statistics as they are."""
        return self._state.metrics

    def get_health_status(self) -> dict[str, object]:
        """Health, every kill switch with its reading and limit, portfolio state and statistics (document 003, /health)."""
        return health_status(self.portfolio_state, self._state.metrics, self.config, self._state.volatility)

    def process_trade_intent(
        self,
        symbol: str,
        direction: int,
        confidence_score: float,
        regime: str,
        atr: float,
        vol_percentile: float,
        current_price: float,
        realized_vol: float | None = None,
        baseline_vol: float | None = None,
        client_order_id: str | None = None,
        at: datetime | None = None,
    ) -> RPMOutput:
        """Decide a trade; an approved one counts as a position from now on, until a fill or a cancellation is reported.

        Args:
            symbol: a share, or a pair of currencies such as EURUSD.
            direction: 1 long, -1 short.
            confidence_score: in [0, 1].
            regime: TRENDING, RANGING, VOLATILE or STRESSED.
            atr: average true range per unit, in the quote currency.
            vol_percentile: in [0, 1].
            current_price: in the quote currency.
            realized_vol: with baseline_vol, for the volatility shock; any one unit. Without both the ratio known of the symbol
                counts (``volatility_ratios``), if there is one.
            baseline_vol: see realized_vol.
            client_order_id: the same id with the same intent gives the same output again, and changes nothing.
            at: the time, with its zone; needed where ``confidence_collapse_latch`` is on.

        Returns:
            Decision with its audit trail, portfolio state and statistics. Unusable values are a rejection (INVALID_INPUT).

        Raises:
            OrderConflictError: the order id was given for another intent.
            InputError: ``confidence_collapse_latch`` is on and there is no time.
        """
        intent = Intent(
            symbol, direction, confidence_score, regime, atr, vol_percentile, current_price,
            realized_vol, baseline_vol, client_order_id, at,
        )  # fmt: skip
        if client_order_id is None or not is_order_id(client_order_id):
            return self._decided(intent)
        known = self._orders.get(client_order_id)
        if known is not None:
            content = known.decision.intent.content
            if content not in (intent.content, plain_numbers(intent).content):
                raise OrderConflictError(f"client_order_id {client_order_id!r} was given before, for another intent")
            return known
        output = self._decided(intent)
        self._orders[client_order_id] = output
        if len(self._orders) > self.config.remembered_orders:
            self._orders.popitem(last=False)
        return output

    def report_fill(self, symbol: str, units: float, price: float, at: datetime) -> None:
        """Signed ``units`` were bought or sold at ``price``; what was pending on that side is pending no more."""
        price, units = _number("price", price), _number("units", units)
        instrument, worth = self._valued(symbol, price)
        self._update(self._state.account.filled(instrument, units, price, worth.quote), at)

    def report_cancel(self, symbol: str, units: float, at: datetime) -> None:
        """Signed ``units`` of an approved trade will not be executed: their exposure is free again."""
        self._update(self._state.account.cancelled(symbol, _number("units", units)), at)

    def report_marks(self, prices: Mapping[str, float], at: datetime) -> None:
        """Prices of what is held: P&L, exposure and the kill switches follow."""
        account = self._state.account
        for symbol in sorted(prices):
            price = _number("price", prices[symbol])
            _, worth = self._valued(symbol, price)
            account = account.marked(symbol, price, worth.quote)
        self._update(account, at)

    def report_position(self, symbol: str, units: float, price: float, at: datetime) -> None:
        """A holding as it really is, in place of what was thought: signed units at ``price``, nothing pending."""
        price, units = _number("price", price), _number("units", units)
        instrument, worth = self._valued(symbol, price)
        position = Position(instrument, units, 0.0, 0.0, price, price, price, worth.quote)
        self._update(self._state.account.stated(position), at)

    def report_pnl(self, dollars: float, at: datetime) -> None:
        """A profit or loss from outside the positions, dividends and fees among them."""
        self._update(self._state.account.earned(_number("dollars", dollars)), at)

    def report_volatility(self, ratio: float, at: datetime) -> None:
        """The whole market's realised over baseline volatility: at ``vol_shock_ratio`` it halts the account (X-03)."""
        ratio = _number("ratio", ratio)
        self._observe(at, ratio=ratio)
        self._state = self._state._replace(volatility=VolatilityReading(ratio, at=at))

    def report_time(self, at: datetime) -> None:
        """The time alone: days and weeks roll over."""
        self._observe(at)

    def update_correlations(self, correlations: Correlations) -> None:
        """Decide by these correlations from now on. Raises InputError for one outside [-1, 1]."""
        for (left, right), value in correlations.items():
            if not -1 <= value <= 1:
                raise InputError(Problem(CALLER, None, f"correlations.{left}.{right}", f"{value} is no correlation", "-1 to 1"))
        self._rules = replace(self._rules, correlations=dict(correlations))

    def update_volatility_ratios(self, ratios: Mapping[str, float], source: str) -> None:
        """Hold intents without volatilities against these ratios, by symbol, from now on. Raises InputError for one below 0."""
        for symbol, ratio in ratios.items():
            if not (isfinite(ratio) and ratio >= 0):
                raise InputError(Problem(CALLER, None, f"volatility_ratios.{symbol}", f"{ratio} is no ratio", "0 and more"))
        self._rules = replace(self._rules, volatility_ratios=dict(ratios), volatility_source=source)

    def halt(self, at: datetime, reason: str, by: str, to: TradingState = TradingState.HALTED) -> KillSwitchState:
        """Stop trading by hand."""
        self._state = self._state._replace(switches=halt(self._state.switches, at, reason, by, to))
        return self._state.switches

    def resume(self, at: datetime, reason: str, by: str) -> KillSwitchState:
        """Trade again. Raises ResumeRefusedError before the cooldown of an automatic halt is over."""
        self._state = self._state._replace(switches=resume(self._state.switches, at, reason, by))
        return self._state.switches

    def _decided(self, intent: Intent) -> RPMOutput:
        self._see_time(intent)
        state = self._state
        board = self._board
        if board is None or board.state is not state.switches:
            board = self._board = switchboard(state.switches, self.config, board)
        decision, account = decide(intent, state.account, board, self._rules)
        metrics = _counted(state.metrics, decision)
        shock, volatility = decision.audit_trail[_SHOCK], state.volatility
        if shock.measured is not None:
            volatility = VolatilityReading(shock.measured, intent.symbol, intent.at, shock.subject)
        self._state = ManagerState(account, state.switches, metrics, volatility)
        return RPMOutput(decision, PortfolioState(self.config.total_capital, account, state.switches), metrics)

    def _see_time(self, intent: Intent) -> None:
        """Take in an intent's time where it begins a day, and its confidence where the latch counts them."""
        switches, at = self._state.switches, intent.at
        latched = self.config.confidence_collapse_latch
        if at is None:
            if latched:
                message = "is needed where confidence_collapse_latch is on: a halt says when it began"
                raise InputError(Problem(CALLER, None, "at", message))
            return
        if (
            not isinstance(at, datetime)
            or at.tzinfo is None
            or (switches.observed_at is not None and at < switches.observed_at)
        ):
            return  # the decision refuses it, and says why
        if switches.day != self._day:
            self._day, self._day_ends = switches.day, end_of_day(switches)
        begins = self._day_ends is None or at >= self._day_ends
        if not (latched or begins):
            return
        intent = plain_numbers(intent)
        if problems_of(intent):
            return
        self._observe(at, confidence=intent.confidence_score if latched else None)

    def _update(self, account: Account, at: datetime) -> None:
        before = self._state
        self._state = before._replace(account=account)
        try:
            self._observe(at)
        except (InputError, StateError):
            self._state = before
            raise

    def _observe(self, at: datetime, *, ratio: float | None = None, confidence: float | None = None) -> None:
        reading = Reading(at, self.portfolio_state.equity, ratio, confidence)
        self._state = self._state._replace(switches=observe(self._state.switches, reading, self.config))

    def _valued(self, symbol: str, price: float) -> tuple[Instrument, UnitValue]:
        if price < SMALLEST:
            raise InputError(Problem(CALLER, None, "price", f"{price} is not positive"))
        currency = self.config.account_currency
        instrument = instrument_of(symbol, self._rules.currencies, currency)
        worth = unit_value(instrument, price, self._rules.rates, currency)
        if worth is None:
            raise InputError(Problem(CALLER, None, "symbol", f"{symbol}: no rate leads to {currency}"))
        return instrument, worth


def _counted(metrics: RiskMetrics, decision: TradeDecision) -> RiskMetrics:
    trade, refused = decision.approved_trade, decision.rejected_trade
    total = metrics.total_decisions + 1
    if trade is None:
        counted = dict(metrics.rejections)
        if refused is not None:
            counted[refused.rejection_reason] = counted.get(refused.rejection_reason, 0) + 1
        rejections = tuple(sorted(counted.items()))
        return RiskMetrics(
            total, metrics.approved, metrics.adjusted, metrics.rejected + 1, rejections,
            metrics.total_units, metrics.total_notional, metrics.fraction_of_formula,
        )  # fmt: skip
    adjusted = decision.status is _ADJUSTED
    return RiskMetrics(
        total,
        metrics.approved + (not adjusted),
        metrics.adjusted + adjusted,
        metrics.rejected,
        metrics.rejections,
        metrics.total_units + trade.position_units,
        metrics.total_notional + trade.notional,
        metrics.fraction_of_formula + trade.position_units / trade.sizing.units,
    )


def _checked_rates(rates: Mapping[str, float]) -> dict[str, float]:
    for currency, rate in rates.items():
        if not (isfinite(rate) and rate > 0):
            raise InputError(Problem(CALLER, None, f"rates.{currency}", f"{rate} is not a positive number"))
    return dict(rates)


def _number(name: str, value: float) -> float:
    """A reported number as Python's own."""
    plain = plain_number(value)
    if isinstance(plain, bool) or not isinstance(plain, float | int) or not isfinite(plain):
        raise InputError(Problem(CALLER, None, name, f"{value!r} is not a finite number"))
    return plain
