"""A search for pairs on stored bars, and what may be said of its best ones: which are watched, and where they stand today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import SessionCalendar, calendar_end, load_calendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.interfaces.pair_window import followed_history
from riskdesk_assets.market.history import read_history
from riskdesk_assets.research.pair_finder import PairSearch, find_pairs
from riskdesk_assets.research.pair_outcomes import PairOutcomes, pair_outcomes
from riskdesk_assets.research.pair_settings import PairFinderSettings, load_pair_settings
from riskdesk_assets.strategy.loading import load_tickets


@dataclass(frozen=True)
class FoundPairs:
    """A search, where its bars came from, and of the best pairs the z-score of the date and who has them already."""

    search: PairSearch
    source: str
    best: pl.DataFrame
    zscores: Mapping[str, float]
    known: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """The best pairs with every number, and what the tests are worth."""
        rows = [
            {**row, "zscore": self.zscores.get(row["pair_id"]), "known": self.known.get(row["pair_id"], "")}
            for row in self.best.iter_rows(named=True)
        ]
        return {
            "asof": self.search.asof,
            "first": self.search.first,
            "formation_sessions": self.search.sessions,
            "source": self.source,
            "pairs_looked_at": self.search.pairs.height,
            "left_out": list(self.search.left_out),
            "tests": asdict(self.search.tests),
            "pairs": rows,
        }


@dataclass(frozen=True)
class FaredPairs:
    """How the best pairs of a date fared afterwards, and where the bars came from."""

    outcomes: PairOutcomes
    source: str

    def as_json(self) -> dict[str, object]:
        """Every pair, and the best beside all."""
        outcomes = self.outcomes
        return {
            "asof": outcomes.asof,
            "first": outcomes.first,
            "last": outcomes.last,
            "source": self.source,
            "top": asdict(outcomes.top),
            "all": asdict(outcomes.everyone),
            "rank_correlation": outcomes.rank_correlation,
            "pairs": outcomes.pairs.to_dicts(),
        }


def search_pairs(paths: Paths, config: Config, asof: date | None, top: int, sessions: int | None) -> FoundPairs:
    """Rank the universe's pairs on the bars stored up to a session.

    Args:
        asof: the session; None for the newest that has bars.
        top: how many of the best are shown.
        sessions: formation window; None for that of config/pair_finder.yaml.

    Raises:
        InputError, StateError: no such session, too few bars, none stored.
    """
    calendar, settings = _calendar(paths), _settings(paths, sessions)
    session = newest_stored(paths) if asof is None else asof
    panel, source = _bars(paths, calendar, config, session, session)
    search = find_pairs(panel, config.universe.tradable, config, settings, session)
    best = search.pairs.head(top)
    legs = list(best.select("leg_a", "leg_b").iter_rows())
    quiet = config.desk.features.model_copy(update={"coint_refresh": "never"})
    states = pair_state(panel, legs, quiet, config.feature_version, session, session)
    return FoundPairs(search, source, best, dict(states.select("pair_id", "zscore").iter_rows()), _known(paths, config, legs))


def follow_pairs(paths: Paths, config: Config, asof: date, top: int, sessions: int | None, following: int | None) -> FaredPairs:
    """Rank as of a session, and see how the pairs fared in the sessions after it.

    Args:
        following: sessions after it; None for config/pair_finder.yaml's.

    Raises:
        InputError, StateError: no such session, too few bars before or after it; says what can be had instead.
    """
    calendar, settings = _calendar(paths), _settings(paths, sessions)
    count = settings.next_sessions if following is None else following
    history = followed_history(paths, calendar, config, asof, count, datetime.now(UTC))
    panel, source = panel_of(history, config), history.snapshot.source
    search = find_pairs(panel, config.universe.tradable, config, settings, asof)
    significance = config.desk.pair_health.significance
    return FaredPairs(pair_outcomes(panel, search, config, count, significance, top), source)


def newest_stored(paths: Paths) -> date:
    """The newest session with bars in the warehouse (StateError: there is none)."""
    newest = Warehouse(paths.warehouse).read("daily_bars").get_column("as_of_date").max()
    if not isinstance(newest, date):
        raise StateError("there are no bars yet: `riskdesk run` or `riskdesk ingest-prices` brings them in")
    return newest


def _calendar(paths: Paths) -> SessionCalendar:
    return load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))


def _settings(paths: Paths, sessions: int | None) -> PairFinderSettings:
    settings = load_pair_settings(paths.config)
    if sessions is None:
        return settings
    return PairFinderSettings.model_validate({**settings.model_dump(), "formation_sessions": sessions})


def _bars(paths: Paths, calendar: SessionCalendar, config: Config, first: date, last: date) -> tuple[Panel, str]:
    calendar.position(first)
    history = read_history(paths, calendar, config, first, last)
    return panel_of(history, config), history.snapshot.source


def _known(paths: Paths, config: Config, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Of each pair, in either order: the tickets in the active folder, else that the universe watches it."""
    tickets: dict[frozenset[str], list[str]] = {}
    for item in load_tickets(paths.tickets, config.universe).tickets:
        tickets.setdefault(frozenset((item.ticket.leg_a, item.ticket.leg_b)), []).append(item.ticket.ticket_id)
    watched = {frozenset(pair) for pair in config.universe.pairs}
    found = {}
    for leg_a, leg_b in pairs:
        names = frozenset((leg_a, leg_b))
        word = ", ".join(tickets.get(names, [])) or ("watched" if names in watched else "")
        if word:
            found[pair_id(leg_a, leg_b)] = word
    return found
