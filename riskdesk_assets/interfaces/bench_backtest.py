"""How fast a backtest is: 20 pairs over five years, the whole funnel and the classic one, beside other people's backtesters.

Each profile is timed in a process of its own, so that its memory is its own; features are computed before the clock starts. The
peers get our targets and do the accounting only. A sweep is timed with one worker and with two.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from riskdesk_assets.interfaces.bench import environment
from riskdesk_assets.interfaces.bench_backtest_peers import PeerTime, Targets, timed_peers
from riskdesk_assets.interfaces.failures import Failure

PAIRS, SESSIONS = 20, 1257
SWEEP_VARIANTS, SWEEP_SESSIONS = 16, 250
_CHILD = "riskdesk_assets.interfaces.bench_backtest_child"


@dataclass(frozen=True)
class ProfileTime:
    """One profile: seconds on the clock and of the processor to walk, and to measure what it earned; the process's peak memory.

    ``books`` is the processor time from given books to their P&L and metrics: what the peers do.
    """

    profile: str
    prepare: float
    walk: float
    walk_cpu: float
    measure: float
    books: float
    peak_mb: float
    pnl_net: float

    @property
    def seconds(self) -> float:
        """Walked and measured, on the clock."""
        return self.walk + self.measure


@dataclass(frozen=True)
class BacktestBench:
    """Everything one run measured; ``sweep_one`` and ``sweep_two`` None where the sweep was left out."""

    source: str
    first: date
    last: date
    sessions: int
    pairs: int
    profiles: tuple[ProfileTime, ...]
    peers: tuple[PeerTime, ...]
    missing: dict[str, str]
    sweep_variants: int
    sweep_sessions: int
    sweep_one: float | None
    sweep_two: float | None

    @property
    def speed_up(self) -> float | None:
        """One worker's time over two workers'."""
        return None if not self.sweep_one or not self.sweep_two else self.sweep_one / self.sweep_two


def bench_backtest(sessions: int, pairs: int, variants: int, sweep_sessions: int) -> BacktestBench:
    """Measure in a temporary desk, on the prices and configuration of the environment.

    Args:
        sessions, pairs: size of the backtest.
        variants, sweep_sessions: size of the sweep; 0 variants: none.

    Raises:
        Failure: a measurement did not finish.
    """
    with tempfile.TemporaryDirectory(prefix="riskdesk-bench-") as folder:
        root = Path(folder)
        desk = {"DATA_DIR": str(root / "data"), "RUNS_DIR": str(root / "runs"), "TICKETS_DIR": str(root / "tickets" / "active")}
        with environment(desk):
            return _measured(root, sessions, pairs, variants, sweep_sessions)


def _measured(root: Path, sessions: int, pairs: int, variants: int, sweep_sessions: int) -> BacktestBench:
    import os

    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.interfaces.wanted_sessions import newest_session
    from riskdesk_assets.market.vendor import choose_vendor

    paths = load_paths()
    config, calendar = load_config(paths), desk_calendar()
    write_tickets(paths.tickets, config.universe.tradable, pairs, config.desk.nav)
    vendor = choose_vendor(paths, config.universe, calendar, os.environ)
    last = newest_session(vendor, paths, config, calendar, datetime.now(UTC))
    first = calendar.before(last, sessions - 1)
    profiles = [_profile(name, first, last, root) for name in ("desk", "classic")]
    peers, missing = timed_peers(_targets(root))
    one, two = _sweep(root, variants, calendar.before(last, sweep_sessions - 1), last) if variants else (None, None)
    return BacktestBench(
        vendor.source, first, last, sessions, pairs, tuple(profiles), tuple(peers), missing, variants, sweep_sessions, one, two
    )


def write_tickets(folder: Path, names: Sequence[str], count: int, nav: float) -> None:
    """``count`` tickets over neighbouring names of the list, then over names two apart, and so on."""
    pairs = [(names[i], names[i + step]) for step in range(1, len(names)) for i in range(0, len(names) - step, step)][:count]
    if len(pairs) < count:
        raise Failure(f"{len(names)} names make {len(pairs)} pairs, not {count}")
    folder.mkdir(parents=True)
    for a, b in pairs:
        fields = {
            "ticket_id": f"{a}-{b}".lower().replace(".", "-"),
            "type": "PAIR",
            "leg_a": a,
            "leg_b": b,
            "orientation": "BOTH",
            "max_gross_notional": 0.32 * nav,
            "max_leg_notional": 0.7 * 0.32 * nav,
            "horizon_days": 30,
            "conviction": 3,
            "time_stop_days": 45,
            "flatten_on_breakdown": True,
            "expires_on": "2099-12-31",
        }
        text = "\n".join(f"{key}: {json.dumps(value).strip(chr(34))}" for key, value in fields.items())
        (folder / f"{fields['ticket_id']}.yaml").write_text(text + "\n")


def _profile(name: str, first: date, last: date, root: Path) -> ProfileTime:
    command = [sys.executable, "-m", _CHILD, name, str(first), str(last), str(root)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure(f"the {name} profile's backtest ended with exit code {done.returncode}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return ProfileTime(profile=name, **said)


def _targets(root: Path) -> Targets:
    """The desk profile's books, as its process left them."""
    import polars as pl

    shares, prices = pl.read_parquet(root / "shares.parquet"), pl.read_parquet(root / "prices.parquet")
    names = tuple(column for column in shares.columns if column != "as_of_date")
    return Targets(
        tuple(shares["as_of_date"].to_list()),
        names,
        prices.select(names).to_numpy(),
        shares.select(names).to_numpy(),
        2_500_000.0,
    )


def _sweep(root: Path, variants: int, first: date, last: date) -> tuple[float, float]:
    """Seconds on the clock of the same sweep with one worker and with two, each in a desk of its own."""
    from riskdesk_assets.interfaces.sweep_run import run_sweep
    from riskdesk_assets.research.backtest_request import BacktestRequest
    from riskdesk_assets.research.variants import Variant

    path = "desk.optimizer.tracking_bp"
    asked = tuple(Variant(f"tracking {10 + place}", {path: 10.0 + place}) for place in range(variants))
    seconds = []
    for workers in (1, 2):
        desk = {"DATA_DIR": str(root / f"data{workers}"), "RUNS_DIR": str(root / f"runs{workers}")}
        with environment(desk):
            begun = time.perf_counter()
            run_sweep(BacktestRequest(first, last), asked, workers, verbose=False)
            seconds.append(time.perf_counter() - begun)
    return seconds[0], seconds[1]
