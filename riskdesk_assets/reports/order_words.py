"""Why an order was given, in words: the codes of construction/order_reasons.py."""

from __future__ import annotations

_WORDS = {
    "EXPIRED_SKIP": "ticket expired",
    "BREAKDOWN_FLATTEN": "breakdown: flattened",
    "REBALANCE": "hedge and prices moved",
    "trading_state": "halt",
    "reduce_only": "halt: reductions only",
    "position_size": "ATR size ceiling",
    "vol_target": "volatility target",
    "objective": "risk and cost against reversion",
    "GROSS_CLAMP": "ticket's own gross cap",
    "LEG_CLAMP_A": "ticket's own leg cap",
    "LEG_CLAMP_B": "ticket's own leg cap",
}


def order_words(reason: str) -> str:
    """``volatility target``, ``limit factor:market``, ``time stop``."""
    if reason in _WORDS:
        return _WORDS[reason]
    return f"limit {reason}" if ":" in reason else reason.replace("_", " ").lower()
