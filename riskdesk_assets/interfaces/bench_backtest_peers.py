"""The same targets through other people's backtesters: each gets every session's shares and prices in its own form.

They do what comes after a decision: trade to the target at the close, mark to the next one. Only that is timed, and the P&L
each comes to is held against ours: no costs, prices adjusted for dividends, fractions of a share, no borrow.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """Prices and shares, both of shape (sessions, names): the shares held from each session's close on, in dollars a share."""

    sessions: tuple[Any, ...]
    names: tuple[str, ...]
    prices: Array
    shares: Array
    cash: float

    @property
    def pnl(self) -> float:
        """What the targets earn: the reference the others are held against."""
        return float((self.shares[:-1] * np.diff(self.prices, axis=0)).sum())


@dataclass(frozen=True)
class PeerTime:
    """Seconds of processor time of a peer, and how far its P&L is from ours, a fraction of the cash begun with."""

    name: str
    seconds: float
    apart: float


def timed_peers(targets: Targets) -> tuple[list[PeerTime], dict[str, str]]:
    """Every peer that is installed, and of the others why they take no part."""
    found, missing = [], {}
    for name, module, run in PEERS:
        if find_spec(module) is None:
            missing[name] = f'not installed: pip install "riskdesk[bench]" ({module})'
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run(_head(targets))  # imports and compiles what it compiles
                begun = time.process_time()
                pnl = run(targets)
                seconds = time.process_time() - begun
        except Exception as error:  # noqa: BLE001  a peer that cannot run here is told, and takes no part
            missing[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            continue
        found.append(PeerTime(name, seconds, abs(pnl - targets.pnl) / targets.cash))
    return found, missing


def _head(targets: Targets) -> Targets:
    count = 20
    return Targets(targets.sessions[:count], targets.names, targets.prices[:count], targets.shares[:count], targets.cash)


def _vectorbt(targets: Targets) -> float:
    import pandas as pd
    import vectorbt as vbt

    index = pd.DatetimeIndex([pd.Timestamp(day) for day in targets.sessions])
    prices = pd.DataFrame(targets.prices, index=index, columns=list(targets.names))
    sizes = pd.DataFrame(targets.shares, index=index, columns=list(targets.names))
    portfolio = vbt.Portfolio.from_orders(
        prices,
        sizes,
        size_type="targetamount",
        init_cash=targets.cash,
        cash_sharing=True,
        group_by=True,
        freq="1D",
    )
    return float(portfolio.total_profit())


def _bt(targets: Targets) -> float:
    import bt
    import pandas as pd

    index = pd.DatetimeIndex([pd.Timestamp(day) for day in targets.sessions])
    prices = pd.DataFrame(targets.prices, index=index, columns=list(targets.names))
    equity = targets.cash + np.concatenate(
        [[0.0], (targets.shares[:-1] * np.diff(targets.prices, axis=0)).sum(axis=1).cumsum()]
    )
    # bt trades to weights: those that the targets are, of the equity they lead to.
    weights = pd.DataFrame(targets.shares * targets.prices / equity[:, None], index=index, columns=list(targets.names))
    strategy = bt.Strategy("targets", [bt.algos.WeighTarget(weights), bt.algos.Rebalance()])
    test = bt.Backtest(strategy, prices, initial_capital=targets.cash, integer_positions=False, progress_bar=False)
    result = bt.run(test)
    return float(result.backtests["targets"].strategy.values.iloc[-1] - targets.cash)


def _backtrader(targets: Targets) -> float:
    import backtrader as bt
    import pandas as pd

    index = pd.DatetimeIndex([pd.Timestamp(day) for day in targets.sessions])

    class ToTarget(bt.Strategy):  # type: ignore[misc]
        def next(self) -> None:
            place = len(self) - 1
            for column, data in enumerate(self.datas):
                self.order_target_size(data, target=targets.shares[place, column])

    brain = bt.Cerebro(stdstats=False)
    for column, name in enumerate(targets.names):
        price = targets.prices[:, column]
        frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 0.0}, index=index)
        brain.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    brain.addstrategy(ToTarget)
    brain.broker.setcash(targets.cash)
    brain.broker.set_coc(True)
    brain.broker.set_checksubmit(False)
    brain.run()
    return float(brain.broker.getvalue() - targets.cash)


PEERS: tuple[tuple[str, str, Callable[[Targets], float]], ...] = (
    ("vectorbt", "vectorbt", _vectorbt),
    ("bt", "bt", _bt),
    ("backtrader", "backtrader", _backtrader),
)
