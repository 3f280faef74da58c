"""What each bucket and strategy was expected to earn against what it earned, as rows of expected_pnl (methods.md section 13).

A session's row looks forward: ``expected_day`` and ``expected_week`` follow from the budgets in force and the market regime at
its close. What becomes known on a session is held against ``forecast``, the expected_day of the row before: so a number is
only ever compared with what was said of it beforehand. Sums are exact (fsum), so no order of rows changes a bit.

Two expectations stand beside each other, both weekly return x capital / 5 (document 002, section 9.6). That of the capital
*allocated* is the document's: the budgets in force. That of the capital *employed* is the same return on the gross of the
positions held overnight. Budgets are ceilings: the shipped desk's come to about 3 NAV under a gross limit of 1, so what is
expected of them all is expected of capital that no book may hold, and whether a bucket lags is judged on what it employed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.expected_pnl_settings import ExpectedPnlSettings
from riskdesk_assets.common.expected_returns import ExpectedReturns
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.expected_pnl_engine import SESSIONS_A_WEEK
from riskdesk_assets.reports.realized import history_sessions
from riskdesk_assets.reports.strategy_of_tickets import OWNERS_REACH, UNASSIGNED, Owner, TicketOwners

EXPECTED_PNL = "expected_pnl"
ON_TRACK_CHECK = "expected_pnl_on_track"
BUCKET, STRATEGY, TOTAL = "BUCKET", "STRATEGY", "TOTAL"
"""Scopes. The one row of scope TOTAL is called TOTAL."""
ON_TRACK, UNDERPERFORMING, TOO_FEW = "ON_TRACK", "UNDERPERFORMING", "TOO_FEW"
NOT_EMPLOYED, IDLE = "NOT_EMPLOYED", "IDLE"
"""Statuses. ON_TRACK, UNDERPERFORMING: realized against what was expected of the capital employed. TOO_FEW: fewer than
``window_sessions`` sessions had an expectation. NOT_EMPLOYED: capital was allocated, but none of it held a position, so that
there is nothing to judge. IDLE: nothing given, held or earned."""
OWNER_TABLES = ("strategy_budgets", "strategy_library")
READ_TABLES = ("market_regime", "desk_positions", "realized_pnl", EXPECTED_PNL, *OWNER_TABLES)
"""Tables the rows are made of: of the sessions, and OWNER_TABLES and EXPECTED_PNL of ``reach`` sessions before too."""
LONGEST = 3
_LOOKED_BACK_ON = ("expected_day", "expected_day_employed", "expected_week", "realized", "forecast", "forecast_employed")
_CENTS = 100
Key = tuple[str, str]
Row = dict[str, object]


@dataclass(frozen=True)
class Said:
    """What one row says that later rows look back on, in dollars; None: nothing could be expected."""

    day: float | None
    day_employed: float | None
    week: float | None
    realized: float
    forecast: float | None
    forecast_employed: float | None


@dataclass(frozen=True)
class Money:
    """One name's dollars of a session: budgets in force, gross of the positions held, P&L that became known; its bucket."""

    capital: float
    employed: float
    realized: float
    bucket: str


def reach(config: Config, table: str) -> int:
    """How many sessions before the first one the rows of a table are read."""
    if table in OWNER_TABLES:
        return history_sessions(config) + OWNERS_REACH
    return LONGEST * config.desk.expected_pnl.window_sessions if table == EXPECTED_PNL else 0


def expected_pnl_rows(
    config: Config, tables: Mapping[str, pl.DataFrame], sessions: Sequence[date], calendar: Sequence[date]
) -> pl.DataFrame:
    """TABLES["expected_pnl"] of the sessions: each bucket, each strategy with a budget or P&L, and the total.

    Args:
        config: expected_returns, desk.expected_pnl.
        tables: rows of READ_TABLES, of ``reach`` sessions before the first one too.
        sessions: the sessions wanted, ascending and without a gap.
        calendar: every session, ascending.

    Raises:
        InputError: a strategy in a bucket that is none.
    """
    regimes = dict(tables["market_regime"].select("as_of_date", "regime").iter_rows())
    owners = TicketOwners.of(tables["strategy_budgets"], tables["strategy_library"], calendar)
    known = _said(tables[EXPECTED_PNL].filter(pl.col("as_of_date") < sessions[0]) if sessions else tables[EXPECTED_PNL])
    by_day = {
        name: _by_day(tables[name], day) for name, day in (("desk_positions", "as_of_date"), ("realized_pnl", "realized_on"))
    }
    places = {session: place for place, session in enumerate(calendar)}
    rows: list[Row] = []
    for session in sessions:
        money = _money(session, owners, by_day["desk_positions"].get(session, []), by_day["realized_pnl"].get(session, []))
        past = Past(calendar, places[session], known, config.desk.expected_pnl)
        for row in _session_rows(session, regimes.get(session), money, past, config.expected_returns):
            rows.append(row)
            known.setdefault((str(row["scope"]), str(row["name"])), {})[session] = _said_by(row)
    return TABLES[EXPECTED_PNL].frame(rows)


def looked_back_on(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Of rows before a run those its own need: the page's chart shows no strategy, so theirs are kept only as far as a window
    may reach."""
    sessions = rows["as_of_date"].unique().sort().tail(reach(config, EXPECTED_PNL))
    return rows.filter((pl.col("scope") != STRATEGY) | pl.col("as_of_date").is_in(sessions.implode()))


def off_track(rows: pl.DataFrame) -> Iterator[SessionCheck]:
    """A warning for each session on which a bucket or the total is UNDERPERFORMING: which, the numbers, and the strategies.

    ``measured`` and ``bound`` are the worst one's: dollars realized, and dollars expected of the capital employed.
    """
    bad = rows.filter(pl.col("status") == UNDERPERFORMING).sort("as_of_date", "scope", "name")
    for (session,), found in bad.partition_by("as_of_date", as_dict=True, maintain_order=True).items():
        buckets = found.filter(pl.col("scope") == BUCKET).to_dicts()
        total = found.filter(pl.col("scope") == TOTAL).to_dicts()
        if not (buckets or total):
            continue
        lagging = found.filter(pl.col("scope") == STRATEGY)["name"].to_list()
        said = [f"{row['name']} {row['message']}" for row in (*buckets, *total)]
        said += [f"strategies below it: {', '.join(lagging)}"] if lagging else []
        worst = min((*buckets, *total), key=lambda row: (row["employed_ratio"], row["name"]))
        yield SessionCheck(
            ON_TRACK_CHECK,
            session,
            passed=False,
            message="; ".join(said),
            limit=", ".join(row["name"] for row in (*buckets, *total)),
            measured=f"{worst['window_realized']:.2f}",
            bound=f"{worst['window_employed']:.2f}",
            hard=False,
        )


@dataclass(frozen=True)
class Past:
    """What rows before a session say, by scope and name, and where the session stands in the calendar."""

    calendar: Sequence[date]
    place: int
    known: Mapping[Key, Mapping[date, Said]]
    settings: ExpectedPnlSettings

    def before(self, key: Key) -> Said | None:
        """The row of the session before."""
        return self.known.get(key, {}).get(self.calendar[self.place - 1]) if self.place else None

    def window(self, key: Key, now: Said) -> list[Said]:
        """This session and those before it that had an expectation, back to the one that makes ``window_sessions`` with one
        above 0, newest first; a strategy that is not always given capital is followed LONGEST times as far at most."""
        said, found = self.known.get(key, {}), [now] if now.forecast is not None else []
        funded = sum(1 for one in found if one.forecast)
        first = max(0, self.place - LONGEST * self.settings.window_sessions + 1)
        for session in reversed(self.calendar[first : self.place]):
            if funded >= self.settings.window_sessions:
                break
            one = said.get(session)
            if one is not None and one.forecast is not None:
                found.append(one)
                funded += 1 if one.forecast else 0
        return found

    def week(self, key: Key) -> tuple[float | None, list[Said]]:
        """What the last session of the week before expected of a week, and this week's rows so far."""
        said = self.known.get(key, {})
        session = self.calendar[self.place]
        first = self.place
        while first and self.calendar[first - 1] >= session - timedelta(days=session.weekday()):
            first -= 1
        eve = said.get(self.calendar[first - 1]) if first else None
        return None if eve is None else eve.week, [said[day] for day in self.calendar[first : self.place] if day in said]


def _session_rows(
    session: date, regime: str | None, money: Mapping[Key, Money], past: Past, tables: ExpectedReturns
) -> Iterator[Row]:
    buckets = [_row(session, (BUCKET, name), regime, money[BUCKET, name], past, tables) for name in _buckets(money)]
    yield from buckets
    for key in sorted(money):
        if key[0] == STRATEGY:
            yield _row(session, key, regime, money[key], past, tables)
    yield _total(session, regime, buckets, past)


def _buckets(money: Mapping[Key, Money]) -> list[str]:
    others = sorted(name for scope, name in money if scope == BUCKET and name not in BUCKETS)
    return [*BUCKETS, *others]


def _row(session: date, key: Key, regime: str | None, money: Money, past: Past, tables: ExpectedReturns) -> Row:
    """One bucket's or strategy's row; of P&L that no bucket owns nothing is expected."""
    if money.bucket == UNASSIGNED:
        nothing = {"base_return": None, "env_factor": None, "expected_return": None}
        return _compared(session, key, regime, money, nothing, (0.0, 0.0), past)
    base = tables.base_return(money.bucket)
    if regime is None:
        unknown = {"base_return": base, "env_factor": None, "expected_return": None}
        return _compared(session, key, regime, money, unknown, (None, None), past)
    weekly = tables.expected_return(money.bucket, regime)
    said = {"base_return": base, "env_factor": tables.env_factor(money.bucket, regime), "expected_return": weekly}
    expected = (money.capital * weekly, money.employed * weekly / SESSIONS_A_WEEK)
    return _compared(session, key, regime, money, said, expected, past)


def _total(session: date, regime: str | None, buckets: Sequence[Row], past: Past) -> Row:
    capital, held, realized = (math.fsum(_float(row[name]) for row in buckets) for name in ("capital", "employed", "realized"))
    week, employed = (_sum(row[name] for row in buckets) for name in ("expected_week", "expected_day_employed"))
    weekly = week / capital if week is not None and capital else None
    said: Row = {"base_return": None, "env_factor": None, "expected_return": weekly}
    return _compared(session, (TOTAL, TOTAL), regime, Money(capital, held, realized, ""), said, (week, employed), past)


def _compared(
    session: date,
    key: Key,
    regime: str | None,
    money: Money,
    said: Mapping[str, object],
    expected: tuple[float | None, float | None],
    past: Past,
) -> Row:
    """The whole row: what is expected next, and what was realized against what had been expected of it."""
    week, employed = expected
    before, target = past.before(key), past.week(key)
    forecast = before.day if before else None
    forecast_employed = before.day_employed if before else None
    now = Said(None, None, None, money.realized, forecast, forecast_employed)
    held = past.window(key, now)
    realized, on_capital, on_employed = (
        math.fsum(getattr(one, name) for one in held) for name in ("realized", "forecast", "forecast_employed")
    )
    funded = sum(1 for one in held if one.forecast)
    status, message = _judged(money, held, (realized, on_capital, on_employed), past.settings)
    return {
        "as_of_date": session,
        "scope": key[0],
        "name": key[1],
        "bucket": money.bucket or None,
        "market_regime": regime,
        "capital": money.capital,
        "employed": money.employed,
        **said,
        "expected_week": week,
        "expected_day": None if week is None else week / SESSIONS_A_WEEK,
        "expected_day_employed": employed,
        "realized": money.realized,
        "forecast": forecast,
        "forecast_employed": forecast_employed,
        "window_sessions": funded,
        "window_realized": realized,
        "window_expected": on_capital,
        "window_employed": on_employed,
        "realized_ratio": realized / on_capital if on_capital > 0 else None,
        "employed_ratio": realized / on_employed if on_employed > 0 else None,
        "week_target": target[0],
        "week_realized": math.fsum([*(one.realized for one in target[1]), money.realized]),
        "status": status,
        "message": message,
    }


def _judged(
    money: Money, window: Sequence[Said], sums: tuple[float, float, float], settings: ExpectedPnlSettings
) -> tuple[str, str]:
    """Status and a sentence, judged on the capital employed.

    Args:
        money: the session's own.
        window: the sessions compared.
        sums: over the window, in dollars: realized, expected of the capital allocated, expected of the capital employed.
        settings: how many sessions it takes, and which share of what was expected is too little.
    """
    realized, allocated, employed = sums
    funded, held = (sum(1 for one in window if getattr(one, name)) for name in ("forecast", "forecast_employed"))
    if not funded and not (money.capital or money.employed or money.realized or realized):
        return IDLE, ""
    if funded < settings.window_sessions:
        return TOO_FEW, f"{funded} of {settings.window_sessions} sessions had an expectation"
    earned = f"earned ${realized:,.2f}" if realized >= 0 else f"lost ${-realized:,.2f}"
    beside = f"{_amount(allocated)} was expected of the capital allocated"
    if not held:
        return NOT_EMPLOYED, f"{earned} over {len(window)} sessions, held on none; {beside}"
    said = (
        f"{earned} over {len(window)} sessions, held on {held}, where {_amount(employed)} was expected of the capital employed"
    )
    if employed <= 0:
        return TOO_FEW, f"{said}: no gain to hold it against; {beside}"
    share = settings.underperforming_below
    if realized < share * employed:
        return UNDERPERFORMING, f"{said}: below {share:.0%}; {beside}"
    return ON_TRACK, f"{said}: {realized / employed:.0%}; {beside}"


def _amount(dollars: float) -> str:
    return f"{'-' if dollars < 0 else ''}${abs(dollars):,.2f}"


def _money(session: date, owners: TicketOwners, positions: Sequence[Row], realized: Sequence[Row]) -> dict[Key, Money]:
    """Dollars of every bucket and of every strategy that has any."""
    amounts: dict[str, dict[Key, list[float]]] = {"capital": {}, "employed": {}, "realized": {}}
    buckets: dict[Key, str] = {(BUCKET, name): name for name in BUCKETS}

    def add(what: str, owner: Owner, amount: float) -> None:
        keys = [(BUCKET, owner.bucket), *([(STRATEGY, owner.strategy)] if owner.strategy else [])]
        for key in keys:
            # A strategy that changed its bucket is in today's; its earlier positions count where they were.
            buckets.setdefault(key, owner.bucket)
            amounts[what].setdefault(key, []).append(amount)

    for owner, budget in owners.budgets(session):
        add("capital", owner, budget)
    for row in positions:
        add("employed", owners.owner(str(row["ticket_id"]), session), abs(_float(row["notional_cents"])) / _CENTS)
    for row in realized:
        add("realized", owners.owner(str(row["ticket_id"]), _day(row["as_of_date"])), _float(row["pnl_net"]))

    def summed(what: str, key: Key) -> float:
        return math.fsum(amounts[what].get(key, ()))

    return {
        key: Money(summed("capital", key), summed("employed", key), summed("realized", key), bucket)
        for key, bucket in buckets.items()
    }


def _said(rows: pl.DataFrame) -> dict[Key, dict[date, Said]]:
    found: dict[Key, dict[date, Said]] = {}
    for session, scope, name, *values in rows.select("as_of_date", "scope", "name", *_LOOKED_BACK_ON).iter_rows():
        found.setdefault((scope, name), {})[session] = Said(*values)
    return found


def _said_by(row: Mapping[str, object]) -> Said:
    return Said(*(row[name] for name in _LOOKED_BACK_ON))  # type: ignore[arg-type]


def _by_day(frame: pl.DataFrame, day: str) -> dict[date, list[Row]]:
    return {key[0]: part.to_dicts() for key, part in frame.partition_by(day, as_dict=True).items()}


def _sum(values: Iterable[object]) -> float | None:
    """The exact sum; None where one is not known."""
    found = list(values)
    return None if any(value is None for value in found) else math.fsum(_float(value) for value in found)


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no date")
    return value


def _float(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
