"""What a ticket is expected to earn: the reversion of its spread over its horizon, as a rate per day."""

from __future__ import annotations

MAX_HORIZON_SESSIONS = 252  # h_k = min(horizon_days, 252): beyond a year the formula is not read


def reversion(
    *,
    gross: float,
    direction: int,
    zscore: float,
    spread_sd: float,
    beta: float,
    half_life: float | None,
    horizon: float,
    kappa: float,
    default_half_life: float,
) -> float:
    """Expected return of a ticket at its full approved size, per day, as a fraction of NAV (methods.md section 7).

    Args:
        gross: approved |A| + |B| as a fraction of NAV (g_k).
        direction: +1 for long the spread (long A, short B), -1 for short, 0 for flat.
        zscore: today's z-score of the spread.
        spread_sd: standard deviation of the spread over the z window, in log price.
        beta: hedge ratio.
        half_life: sessions in which half of a deviation is gone; None (no reversion seen) reads as ``default_half_life``.
        horizon: the ticket's horizon in sessions, at least 1; more than 252 counts as 252.
        kappa: share of the formula that comes true.
        default_half_life: sessions.

    Returns:
        kappa g |z| sd (1 - 2^(-h / half-life)) / ((1 + |beta|) h) where the position opposes z, else 0.
    """
    if direction * zscore >= 0:
        return 0.0
    sessions = capped_horizon(horizon)
    life = default_half_life if half_life is None else half_life
    reverted: float = 1.0 - 2.0 ** (-sessions / life)
    return kappa * gross * abs(zscore) * spread_sd * reverted / ((1.0 + abs(beta)) * sessions)


def capped_horizon(horizon: float) -> float:
    """h_k = min(horizon, 252) sessions. Raises ValueError below one session."""
    if not horizon >= 1:
        raise ValueError(f"a horizon of {horizon!r} sessions: at least 1 is needed")
    return float(min(horizon, MAX_HORIZON_SESSIONS))
