"""What of the desk the server shows beside its own account: the newest run's book, and what of it decisions use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from riskdesk_assets.common.errors import InputError, RiskDeskError
from riskdesk_assets.gatekeeper.switch_readings import volatility_ratios
from riskdesk_assets.interfaces.api_runs import newest_run, published_runs
from riskdesk_assets.interfaces.run_summary import DeskSummary, desk_summary

NAMES = "instrument"


@dataclass(frozen=True)
class DeskNow:
    """The newest run: its summary (None: no run yet), correlations of names, currency of each symbol; ``problem`` if any.

    ``volatility_ratios``: realised over baseline volatility by symbol; ``volatility_source``: of which session, in words.
    """

    run_id: str
    summary: DeskSummary | None
    correlations: Mapping[tuple[str, str], float]
    currencies: Mapping[str, str]
    problem: str = ""
    volatility_ratios: Mapping[str, float] = field(default_factory=dict)
    volatility_source: str = ""


NOTHING = DeskNow("", None, {}, {})


def desk_now(runs: Path, known: DeskNow) -> DeskNow:
    """The newest run as it is shown; ``known`` again while it is still the newest."""
    every = published_runs(runs)
    if not every:
        return NOTHING
    try:
        tables = newest_run(runs)
        if tables.run.run_id == known.run_id and not known.problem:
            return known
        session = tables.sessions()[-1]
        config = tables.config
        rows = tables.read("return_correlations", session, session).iter_rows(named=True)
        return DeskNow(
            run_id=tables.run.run_id,
            summary=desk_summary(tables, config, session, session),
            correlations={
                (row["id_a"], row["id_b"]): row["correlation"]
                for row in rows
                if row["kind"] == NAMES and row["correlation"] is not None and -1 <= row["correlation"] <= 1
            },
            currencies={symbol: item.currency for symbol, item in config.universe.symbols.items()},
            volatility_ratios=volatility_ratios(tables.read("instrument_state", session, session).iter_rows(named=True)),
            volatility_source=f"of the desk's session {session}",
        )
    except (InputError, RiskDeskError, OSError, ValueError, KeyError) as error:
        # The gatekeeper goes on without the desk: what it cannot read it says, and decides by what it knew.
        return replace(known, problem=str(error).splitlines()[0])


def regimes_of(desk: DeskNow) -> dict[str, object] | None:
    """The newest session with its market regime and how many names have which tape regime; None before the first run."""
    summary = desk.summary
    if summary is None:
        return None
    return {
        "session": summary.newest.session.isoformat(),
        "market_regime": summary.market_regime,
        "tape_regimes": dict(summary.tape_regimes),
    }


def reported_sessions(runs: Path, most: int) -> list[date]:
    """Last sessions of published runs, the newest first."""
    return sorted({one.last for one in published_runs(runs)}, reverse=True)[:most]
