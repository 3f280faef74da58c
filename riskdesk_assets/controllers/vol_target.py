"""Stage 3: the whole proposal scaled toward a target volatility. The last stage that may increase exposure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from riskdesk_assets.common.settings import VolTargetSettings
from riskdesk_assets.risk_model.covariance import Covariance

LEG_CLAMP_A = "LEG_CLAMP_A"
LEG_CLAMP_B = "LEG_CLAMP_B"
GROSS_CLAMP = "GROSS_CLAMP"


class Clamp(NamedTuple):
    """One step of a ticket's own caps: its code, and the ticket's gross before and after it, dollars."""

    code: str
    gross_in: float
    gross_out: float


def volatility_scale(
    net_notionals: Mapping[str, float], covariance: Covariance, nav: float, settings: VolTargetSettings
) -> tuple[float, float]:
    """Scale for every ticket of the proposal, and the ex-ante daily volatility it was taken from.

    Args:
        net_notionals: signed dollars per symbol of the whole proposal; every symbol is in the covariance.
        covariance: daily covariance of returns.
        nav: net asset value in dollars.
        settings: target (fraction of nav, daily) and the bounds of the scale.

    Returns:
        (scale, volatility): scale = clip(target / volatility, min_scale, max_scale), 1 when the proposal is flat or the
        stage is off; volatility as a fraction of nav, daily (methods.md section 4, reading X-18).
    """
    weights = {symbol: notional / nav for symbol, notional in net_notionals.items() if notional}
    volatility = covariance.volatility(weights) if weights else 0.0
    if not settings.enabled or volatility <= 0.0:
        return 1.0, volatility
    return min(max(settings.target_daily_vol / volatility, settings.min_scale), settings.max_scale), volatility


def cap_ticket(
    notional_a: float, notional_b: float, max_gross: float, max_leg: float
) -> tuple[float, float, tuple[Clamp, ...]]:
    """A ticket's legs within its own caps, both scaled by one ratio, and the clamps that applied, in order.

    Leg caps first (LEG_CLAMP_A, LEG_CLAMP_B), then gross (GROSS_CLAMP): methods.md section 4. Dollars, signed. Each clamp
    starts where the one before ended; a leg's that the other leg's has already met is named, and takes nothing.
    """
    clamps: list[Clamp] = []
    ratio, size = 1.0, abs(notional_a) + abs(notional_b)
    for code, leg in ((LEG_CLAMP_A, notional_a), (LEG_CLAMP_B, notional_b)):
        if abs(leg) > max_leg:
            ratio = min(ratio, max_leg / abs(leg))
            left = abs(notional_a * ratio) + abs(notional_b * ratio)
            clamps.append(Clamp(code, size, left))
            size = left
    notional_a, notional_b = notional_a * ratio, notional_b * ratio
    if size > max_gross:
        notional_a, notional_b = notional_a * max_gross / size, notional_b * max_gross / size
        clamps.append(Clamp(GROSS_CLAMP, size, abs(notional_a) + abs(notional_b)))
    return notional_a, notional_b, tuple(clamps)


def shared_scale(scales: Iterable[float]) -> float | None:
    """The one scale of a session's proposals, among theirs; None where there are none.

    What cannot be scaled (held without features or without a print) has 1 whatever the others have.
    """
    found = set(scales)
    return next(iter(found - {1.0}), 1.0) if found else None
