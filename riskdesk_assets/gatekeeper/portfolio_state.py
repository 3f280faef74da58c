"""PortfolioState of document 003: positions, exposure, P&L and capital at one moment."""

from __future__ import annotations

from typing import NamedTuple

from riskdesk_assets.gatekeeper.account import Account, Position
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, measures


class PortfolioState(NamedTuple):
    """An account and its switches, as one reads them; dollars, and fractions where a name says drawdown."""

    total_capital: float
    account: Account
    switches: KillSwitchState

    @property
    def equity(self) -> float:
        """Dollars: capital, what was realized and what is not yet."""
        return self.total_capital + self.account.realized_pnl + self.account.unrealized_pnl

    @property
    def daily_pnl(self) -> float:
        """Dollars since the previous close."""
        return measures(self.switches).daily_pnl

    @property
    def weekly_pnl(self) -> float:
        """Dollars since the last close of the previous week."""
        return measures(self.switches).weekly_pnl

    @property
    def drawdown(self) -> float:
        """Fraction of the equity peak lost."""
        return measures(self.switches).drawdown

    def to_dict(self) -> dict[str, object]:
        """JSON: positions by symbol, exposures at worst by symbol and currency, P&L, capital, trading state; keys sorted."""
        seen, account = measures(self.switches), self.account
        exposed = account.exposures
        return {
            "total_capital": self.total_capital,
            "equity": self.equity,
            "realized_pnl": account.realized_pnl,
            "unrealized_pnl": account.unrealized_pnl,
            "daily_pnl": seen.daily_pnl,
            "weekly_pnl": seen.weekly_pnl,
            "drawdown": seen.drawdown,
            "daily_drawdown": seen.daily_drawdown,
            "trading_state": self.switches.state.value,
            "open_positions": len(account.positions),
            "positions": {symbol: _position(account.positions[symbol]) for symbol in sorted(account.positions)},
            "gross_exposure": exposed.gross,
            "net_exposure": exposed.net,
            "symbol_exposure": dict(sorted(exposed.symbols.items())),
            "currency_exposure": dict(sorted(exposed.currencies.items())),
        }


def _position(position: Position) -> dict[str, object]:
    return {
        "units": position.units,
        "pending_units": position.pending,
        "pending_buy_units": position.buying,
        "pending_sell_units": position.selling,
        "average_price": position.average_price,
        "mark": position.mark,
        "exposure": position.value,
        "unrealized_pnl": position.unrealized_pnl,
    }
