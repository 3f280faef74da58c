"""The ideal portfolio: ticket legs summed per symbol, exact cents, and the CASH row that makes the sum exactly zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from riskdesk_assets.book.share_legs import ShareLeg
from riskdesk_assets.common.money import CASH, TICKS_PER_DOLLAR, notional_cents


def ideal_portfolio(
    session: date, portfolio_id: str, legs: Sequence[ShareLeg], clamp_codes: Mapping[str, Iterable[str]]
) -> list[dict[str, object]]:
    """Rows of the ideal_portfolio table, in symbol order, CASH last.

    Args:
        session: the book's date.
        portfolio_id: the desk's.
        legs: whole shares per ticket leg, frozen legs included; one price per symbol.
        clamp_codes: what clipped each symbol's legs.

    Returns:
        A row per symbol that some ticket holds, and CASH = -(sum of the others), so that notional_cents sum to 0.

    Raises:
        ValueError: two legs price one symbol differently.
    """
    held: dict[str, list[ShareLeg]] = {}
    for leg in legs:
        if leg.shares:
            held.setdefault(leg.symbol, []).append(leg)
    rows: list[dict[str, object]] = []
    total = 0
    for symbol in sorted(held):
        prices = {leg.price_ticks for leg in held[symbol]}
        if len(prices) > 1:
            raise ValueError(f"{symbol} has {len(prices)} prices in one book: {sorted(prices)} ticks")
        shares, ticks = sum(leg.shares for leg in held[symbol]), prices.pop()
        cents = notional_cents(shares, ticks)
        total += cents
        rows.append(
            {
                "as_of_date": session,
                "portfolio_id": portfolio_id,
                "symbol": symbol,
                "shares": shares,
                "price": ticks / TICKS_PER_DOLLAR,
                "notional_cents": cents,
                "source_ticket_ids": ",".join(sorted({leg.ticket_id for leg in held[symbol]})),
                "clamp_codes": ",".join(sorted(set(clamp_codes.get(symbol, ())))),
                "is_cash": False,
            }
        )
    rows.append(
        {
            "as_of_date": session,
            "portfolio_id": portfolio_id,
            "symbol": CASH,
            "shares": 0,
            "price": 1.0,
            "notional_cents": -total,
            "source_ticket_ids": "",
            "clamp_codes": "",
            "is_cash": True,
        }
    )
    return rows


def net_zero(rows: Iterable[Mapping[str, object]]) -> int:
    """The sum of notional_cents, CASH included: exactly 0 for a book that may be released."""
    total = 0
    for row in rows:
        cents = row["notional_cents"]
        if not isinstance(cents, int):
            raise TypeError(f"notional_cents is {cents!r}: only whole cents are summed")
        total += cents
    return total
