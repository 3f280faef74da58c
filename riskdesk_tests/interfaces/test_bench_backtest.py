"""What the bench of the backtest says, and that the peers who are installed come to the same P&L."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec

import numpy as np
import pytest
import sklearn  # noqa: F401 - it sets variables of the process when first imported

from riskdesk_assets.interfaces.bench_backtest import BacktestBench, ProfileTime
from riskdesk_assets.interfaces.bench_backtest_peers import PEERS, PeerTime, Targets, timed_peers
from riskdesk_assets.interfaces.bench_backtest_view import show
from riskdesk_tests.desk_builder import sessions_from

DAYS = sessions_from(date(2026, 3, 2), 24)


def targets() -> Targets:
    """Long JPM and short BAC while both move, turned round half way, and flat in the end."""
    rng = np.random.default_rng(11)
    prices = np.array([100.0, 40.0]) * np.exp(np.cumsum(rng.normal(0, 0.01, (len(DAYS), 2)), axis=0))
    shares = np.array([[100.5, -250.0]] * 12 + [[-80.0, 200.25]] * 10 + [[0.0, 0.0]] * 2)
    return Targets(tuple(DAYS), ("JPM", "BAC"), prices, shares, 1_000_000.0)


def bench(peers: tuple[PeerTime, ...], missing: dict[str, str]) -> BacktestBench:
    profiles = tuple(ProfileTime(name, 1.0, 2.0, 1.5, 0.25, 0.05, 400.0, 1_000.0) for name in ("desk", "classic"))
    return BacktestBench("FILES", DAYS[0], DAYS[-1], len(DAYS), 2, profiles, peers, missing, 0, 0, None, None)


def test_the_targets_pnl_is_shares_times_price_moves() -> None:
    small = Targets(tuple(DAYS[:3]), ("JPM",), np.array([[10.0], [11.0], [9.0]]), np.array([[2.0], [-1.0], [5.0]]), 100.0)
    # 2 x 1 made, then 1 short x 2 fallen
    assert small.pnl == 2.0 + 2.0


def test_every_peer_that_is_installed_comes_to_the_same_pnl_and_the_others_are_named() -> None:
    found, missing = timed_peers(targets())
    present = [name for name, module, _ in PEERS if find_spec(module) is not None]
    assert [peer.name for peer in found] == present
    assert all(peer.apart < 1e-9 for peer in found)
    assert missing == {
        name: f'not installed: pip install "riskdesk[bench]" ({module})' for name, module, _ in PEERS if name not in present
    }


def test_the_advice_for_a_missing_peer_names_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    show(bench((), {"vectorbt": 'not installed: pip install "riskdesk[bench]" (vectorbt)'}))
    assert 'vectorbt takes no part: not installed: pip install "riskdesk[bench]" (vectorbt)' in capsys.readouterr().out


def test_a_peer_stands_beside_our_own_books(capsys: pytest.CaptureFixture[str]) -> None:
    show(bench((PeerTime("backtrader", 5.0, 1e-14),), {}))
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("backtrader"))
    assert row == ["backtrader", "5.00", "100.0", "1.0e-14"]
