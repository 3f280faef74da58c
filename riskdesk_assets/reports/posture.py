"""Risk on or risk off: three signs of a session added up. Advice for a person; nothing of the desk reads it (PM-89)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskdesk_assets.common.expected_pnl_settings import ExpectedPnlSettings
from riskdesk_assets.controllers.vol_target import shared_scale
from riskdesk_assets.reports.expected_pnl_rows import TOO_FEW, TOTAL

RISK_ON, NEUTRAL, RISK_OFF = "RISK ON", "NEUTRAL", "RISK OFF"
_TOGETHER = 2
_OF_THE_MARKET = {"Calm": 1, "Normal": 0, "Event": -1}


@dataclass(frozen=True)
class Sign:
    """One sign: what it is, what it reads, and +1 for more risk, -1 for less, 0 for neither."""

    name: str
    reading: str
    points: int


@dataclass(frozen=True)
class Posture:
    """The sum of the signs: RISK ON from +2 on, RISK OFF from -2 down, else NEUTRAL."""

    stance: str
    signs: tuple[Sign, ...]

    @property
    def points(self) -> int:
        """The sum."""
        return sum(sign.points for sign in self.signs)

    @property
    def words(self) -> str:
        """The signs in one line."""
        return ", ".join(f"{sign.name} {sign.reading} ({sign.points:+d})".replace("(+0)", "(0)") for sign in self.signs)


def posture(
    market_regime: str | None, employed_ratio: float | None, vol_scale: float | None, settings: ExpectedPnlSettings
) -> Posture:
    """Market regime, realized against expected P&L, and room under the volatility target, one point each.

    Args:
        market_regime: Calm +1, Event -1, Normal 0; None: not known, 0.
        employed_ratio: realized P&L of the desk over the window / what was expected of the capital it employed: +1 from
            posture.ratio_on, -1 below underperforming_below; None (too few sessions, or nothing held): 0.
        vol_scale: stage 3's scale of the proposal: +1 from posture.scale_on (the book is calmer than its target), -1 up to
            posture.scale_off; None (nothing was proposed): 0.
        settings: desk.expected_pnl.
    """
    bounds = settings.posture
    of_ratio = (
        0 if employed_ratio is None else (employed_ratio >= bounds.ratio_on) - (employed_ratio < settings.underperforming_below)
    )
    of_scale = 0 if vol_scale is None else (vol_scale >= bounds.scale_on) - (vol_scale <= bounds.scale_off)
    signs = (
        Sign("market regime", market_regime or "unknown", _OF_THE_MARKET.get(market_regime or "", 0)),
        Sign("realized/expected", "unknown" if employed_ratio is None else f"{employed_ratio:.0%}", int(of_ratio)),
        Sign("vol scale", "flat" if vol_scale is None else f"{vol_scale:.2f}", int(of_scale)),
    )
    total = sum(sign.points for sign in signs)
    return Posture(RISK_ON if total >= _TOGETHER else RISK_OFF if total <= -_TOGETHER else NEUTRAL, signs)


def session_posture(
    expected: Sequence[Mapping[str, object]],
    proposals: Sequence[Mapping[str, object]],
    settings: ExpectedPnlSettings,
    market_regime: str | None = None,
) -> Posture:
    """The posture of a session from its rows of expected_pnl and proposals.

    The ratio counts once the window is full; the scale is that of the proposals that ask for something. Where
    the session has no expected P&L, the regime is ``market_regime``: what is known of the market does not wait for it.
    """
    total = next((row for row in expected if row["scope"] == TOTAL), {})
    regime, ratio = total.get("market_regime") or market_regime, total.get("employed_ratio")
    known = isinstance(ratio, float) and total.get("status") != TOO_FEW
    scales = (row["vol_scale"] for row in proposals if row["units"])
    return posture(
        regime if isinstance(regime, str) else None,
        ratio if known and isinstance(ratio, float) else None,
        shared_scale(scale for scale in scales if isinstance(scale, float)),
        settings,
    )
