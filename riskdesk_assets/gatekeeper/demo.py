"""The nine demonstrations of document 003, each a function of its own on a fresh gatekeeper.

Two of them show what the document's own numbers lead to: with its ATR of 0.0010 every case ends at the 30% cap of the symbol
(X-01), so the sizes before the caps are shown beside those approved; and confidence 0.50 is below the threshold (X-02).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from riskdesk_assets.gatekeeper.config import TAPE_REGIMES
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.kill_switches import ResumeRefusedError
from riskdesk_assets.gatekeeper.position_sizing import unit_ceiling
from riskdesk_assets.gatekeeper.schemas import RPMOutput, TradeApprovalStatus

NOON = datetime(2026, 1, 26, 17, 0, tzinfo=UTC)  # a Monday, noon in New York
ATR_OF_THE_EXAMPLE, ATR_WITHIN_CAPS = 0.0010, 0.0225
PRICE = 1.1000


@dataclass(frozen=True)
class Line:
    """One thing that was tried: what, the answer, and why. ``formula_units``: before any cap; None where no size was made."""

    what: str
    answer: str
    formula_units: float | None
    units: float | None
    why: str


@dataclass(frozen=True)
class Scenario:
    """One demonstration: number, title, and its lines in order."""

    number: int
    title: str
    lines: tuple[Line, ...]


def run_demo() -> tuple[Scenario, ...]:
    """All nine, in the document's order; the same every time."""
    return tuple(Scenario(number, title, tuple(play())) for number, (title, play) in enumerate(SCENARIOS, start=1))


def normal_approval() -> Sequence[Line]:
    """A clean day: the document's example as written, and the ATR its answer belongs to."""
    return [
        _line(f"EURUSD long, ATR {atr}", _ask(RiskPortfolioManager(), atr=atr)) for atr in (ATR_OF_THE_EXAMPLE, ATR_WITHIN_CAPS)
    ]


def confidence_sizing() -> Sequence[Line]:
    """Confidence from 0.50 to 0.95: size by the formula, and the answer end to end."""
    found = []
    for confidence in (0.50, 0.60, 0.75, 0.85, 0.95):
        output = _ask(RiskPortfolioManager(), confidence=confidence, atr=ATR_WITHIN_CAPS)
        found.append(_line(f"confidence {confidence:.2f}", output, _formula(confidence=confidence)))
    return found


def regime_adjustments() -> Sequence[Line]:
    """The four tape regimes."""
    found = []
    for regime in TAPE_REGIMES:
        output = _ask(RiskPortfolioManager(), regime=regime, atr=ATR_WITHIN_CAPS)
        found.append(_line(regime, output))
    return found


def maximum_drawdown() -> Sequence[Line]:
    """15% of the equity peak is lost; of all the switches it trips, the first in the document's order is the reason."""
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_pnl(-15_000.0, NOON)
    return [_line("after a drawdown of 15%", _ask(gatekeeper))]


def daily_loss() -> Sequence[Line]:
    """A loss of $2,500 since the previous close."""
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_pnl(-2_500.0, NOON)
    return [_line("after a loss of $2,500", _ask(gatekeeper))]


def confidence_collapse() -> Sequence[Line]:
    """A model that no longer believes itself."""
    return [_line("confidence 0.45", _ask(RiskPortfolioManager(), confidence=0.45))]


def symbol_exposure() -> Sequence[Line]:
    """A position of 20,000 units is held; the new trade may only fill what the cap leaves."""
    gatekeeper = RiskPortfolioManager()
    gatekeeper.report_position("EURUSD", 20_000.0, PRICE, NOON)
    return [_line("20,000 units held, more wanted", _ask(gatekeeper)), _line("and again", _ask(gatekeeper))]


def halt_and_resume() -> Sequence[Line]:
    """An emergency stop by hand and back; an automatic halt has to cool down first."""
    gatekeeper = RiskPortfolioManager()
    gatekeeper.halt(NOON, "exchange outage", "operator")
    found = [_line("halted by hand", _ask(gatekeeper))]
    gatekeeper.resume(NOON + timedelta(minutes=5), "exchange is back", "operator")
    found.append(_line("resumed", _ask(gatekeeper, atr=ATR_WITHIN_CAPS)))
    gatekeeper.report_pnl(-2_500.0, NOON + timedelta(minutes=10))
    try:
        gatekeeper.resume(NOON + timedelta(minutes=15), "too early", "operator")
    except ResumeRefusedError as refused:
        found.append(Line("resume 5 minutes after an automatic halt", "REFUSED", None, None, str(refused)))
    gatekeeper.resume(NOON + timedelta(minutes=70), "cooled down, loss understood", "operator")
    found.append(Line("resume after the hour", gatekeeper.state.switches.state.value, None, None, "the cooldown is over"))
    return found


def health_monitoring() -> Sequence[Line]:
    """The state of everything after some decisions."""
    gatekeeper = RiskPortfolioManager()
    _ask(gatekeeper, atr=ATR_WITHIN_CAPS)
    _ask(gatekeeper, confidence=0.45)
    gatekeeper.report_pnl(-1_700.0, NOON)
    metrics, portfolio = gatekeeper.risk_metrics, gatekeeper.portfolio_state
    said = (
        f"drawdown {100 * portfolio.drawdown:.2f}%, daily P&L ${portfolio.daily_pnl:,.2f}, "
        f"approval rate {metrics.approval_rate:.2%}, {len(portfolio.account.positions)} position"
    )
    return [Line("one approval, one rejection, $1,700 lost", str(gatekeeper.get_health_status()["health"]), None, None, said)]


SCENARIOS: tuple[tuple[str, Callable[[], Sequence[Line]]], ...] = (
    ("Normal trade approval", normal_approval),
    ("Confidence-based position sizing", confidence_sizing),
    ("Regime-based adjustments (tape regime)", regime_adjustments),
    ("Maximum drawdown kill switch", maximum_drawdown),
    ("Daily loss limit kill switch", daily_loss),
    ("Model confidence collapse", confidence_collapse),
    ("Symbol exposure limits", symbol_exposure),
    ("Manual halt and resume", halt_and_resume),
    ("Health status monitoring", health_monitoring),
)


def _ask(
    gatekeeper: RiskPortfolioManager, *, confidence: float = 0.75, regime: str = "TRENDING", atr: float = ATR_OF_THE_EXAMPLE
) -> RPMOutput:
    return gatekeeper.process_trade_intent("EURUSD", 1, confidence, regime, atr, 0.50, PRICE)


def _formula(*, confidence: float) -> float:
    config = RiskPortfolioManager().config
    capital, risk, stop = config.total_capital, config.risk_per_trade, config.atr_multiplier
    return unit_ceiling(capital, risk, ATR_WITHIN_CAPS, stop, confidence, "TRENDING", 0.50, config).units


def _line(what: str, output: RPMOutput, formula_units: float | None = None) -> Line:
    trade, refused = output.decision.approved_trade, output.decision.rejected_trade
    status = output.decision.status.value
    if trade is None:
        reason = "" if refused is None else f" ({refused.rejection_reason.value})"
        return Line(what, status + reason, formula_units, None, "" if refused is None else refused.detail)
    bound = trade.binding_constraint.replace("_", " ")
    why = "nothing bound" if output.decision.status is TradeApprovalStatus.APPROVED else f"bound by {bound}"
    return Line(what, status, trade.sizing.units, trade.position_units, why)
