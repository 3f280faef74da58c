"""What people say to the console, and what is meant: phrase, intent, slots (of a ticket: its fields)."""

from __future__ import annotations

from datetime import date

SYMBOLS = (
    *("AXP", "BAC", "BEN", "BK", "BLK", "C", "CFG", "COF", "FITB", "GS", "HBAN", "JPM"),
    *("KEY", "MS", "MTB", "NTRS", "PNC", "RF", "SCHW", "STT", "TFC", "TROW", "USB", "WFC"),
)
TICKETS = ("jpm-bac-reversion", "key-rf-reversion")
DRAFTS = ("my-idea",)
TODAY = date(2026, 11, 27)

TICKETS_ASKED: dict[str, object] = {"topic": "tickets"}
BOOK_ASKED: dict[str, object] = {"topic": "book"}


def each(intent: str, slots: dict[str, object], *phrases: str) -> list[tuple[str, str, dict[str, object]]]:
    """Several phrases that mean the same."""
    return [(phrase, intent, slots) for phrase in phrases]


def backtests(*periods: str) -> list[tuple[str, str, dict[str, object]]]:
    """A backtest over each period."""
    return [(f"backtest {when}", "RUN_BACKTEST", {"when": when}) for when in periods]


SAID: list[tuple[str, str, dict[str, object]]] = [
    # document 000's own words, in both spellings
    ("generate todays ideal portfolio", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("generate today's ideal portfolio", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("Generate Today’s Ideal Portfolio", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("backtest last 6 months", "RUN_BACKTEST", {"when": "last 6 months"}),
    # variants
    ("please build the ideal portfolio", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("construct today's book", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("run the desk", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("ideal portfolio", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("compute the portfolio for 2026-01-26", "GENERATE_IDEAL_PORTFOLIO", {"when": "for 2026-01-26"}),
    ("generate the portfolio as of yesterday", "GENERATE_IDEAL_PORTFOLIO", {"when": "as of yesterday"}),
    ("bring the desk up to date", "GENERATE_IDEAL_PORTFOLIO", {}),
    ("run a backtest over the last six months", "RUN_BACKTEST", {"when": "over the last six months"}),
    ("Backtest since 2024", "RUN_BACKTEST", {"when": "since 2024"}),
    ("backtest from 2023-01-03 to 2023-06-30", "RUN_BACKTEST", {"when": "from 2023-01-03 to 2023-06-30"}),
    ("backtest q1 2024", "RUN_BACKTEST", {"when": "q1 2024"}),
    ("backtest ytd", "RUN_BACKTEST", {"when": "ytd"}),
    ("backtest 2023", "RUN_BACKTEST", {"when": "2023"}),
    ("how would the desk have done since 2024?", "RUN_BACKTEST", {"when": "since 2024"}),
    ("backtest", "RUN_BACKTEST", {}),
    ("simulate the strategies in march 2023", "RUN_BACKTEST", {"when": "in march 2023"}),
    ("summarize", "SUMMARIZE", {}),
    ("Summarise the desk, please.", "SUMMARIZE", {}),
    ("show active strategies and portfolio status", "SUMMARIZE", {}),
    ("status", "SUMMARIZE", {}),
    ("where do we stand?", "SUMMARIZE", {}),
    ("how are we doing today", "SUMMARIZE", {}),
    ("good morning", "SUMMARIZE", {}),
    ("what do we hold", "SUMMARIZE", BOOK_ASKED),
    ("show me the ideal portfolio", "SUMMARIZE", BOOK_ASKED),
    ("show the book", "SUMMARIZE", BOOK_ASKED),
    ("summarize the book", "SUMMARIZE", {}),
    *each(
        "PNL", {}, "what did we make this week", "what did we make this week?", "how much did we lose today", "P&L", "show pnl"
    ),
    *each("PNL", {}, "what is our P&L", "are we up or down this week", "how much money have we made so far"),
    *each("PNL", {"target": "key-rf-reversion"}, "what is my P&L on key-rf", "pnl of key-rf-reversion", "P&L KEY/RF"),
    *each("PNL", {"target": "key-rf-reversion"}, "what did we make on key-rf since entry", "how is key-rf-reversion doing"),
    *each("CLOSE", {"target": "key-rf-reversion"}, "close key-rf-reversion", "close key-rf now", "unwind the KEY/RF position"),
    *each("CLOSE", {"target": "key-rf-reversion"}, "exit key-rf-reversion", "get me out of key-rf", "flatten key-rf-reversion"),
    ("lint my tickets", "LINT_TICKETS", {}),
    ("lint my tickets/drafts", "LINT_TICKETS", {"folder": "drafts"}),
    ("lint tickets/drafts", "LINT_TICKETS", {"folder": "drafts"}),
    ("check the drafts", "LINT_TICKETS", {"folder": "drafts"}),
    ("check the active tickets", "LINT_TICKETS", {"folder": "active"}),
    ("validate tickets/active", "LINT_TICKETS", {"folder": "active"}),
    ("lint my-idea", "LINT_TICKETS", {"folder": "my-idea"}),
    ("lint tickets/drafts/My_File.yaml", "LINT_TICKETS", {"folder": "tickets/drafts/My_File.yaml"}),
    ("find pairs", "FIND_PAIRS", {}),
    ("which pairs look good?", "FIND_PAIRS", {}),
    ("top 20 pairs", "FIND_PAIRS", {"count": "20"}),
    ("show me the best 5 pairs as of 2024-12-31", "FIND_PAIRS", {"count": "5", "when": "as of 2024-12-31"}),
    ("suggest a pair to trade", "FIND_PAIRS", {}),
    ("explain JPM", "EXPLAIN", {"target": "JPM"}),
    ("why jpm", "EXPLAIN", {"target": "jpm"}),
    ("why do we hold so little C", "EXPLAIN", {"target": "C"}),
    ("explain jpm-bac-reversion", "EXPLAIN", {"target": "jpm-bac-reversion"}),
    ("explain key", "EXPLAIN", {"target": "key"}),
    ("headroom JPM", "HEADROOM", {"target": "JPM"}),
    ("how much more KEY can we buy", "HEADROOM", {"target": "KEY"}),
    ("risk", "RISK", {}),
    ("what is the VaR today", "RISK", {"when": "today"}),
    ("promote my-idea", "PROMOTE", {"target": "my-idea"}),
    ("delete jpm-bac-reversion", "PROMOTE", {"target": "jpm-bac-reversion"}),
    ("put my-idea in force", "PROMOTE", {"target": "my-idea"}),
    ("help", "HELP", {}),
    ("?", "HELP", {}),
    ("quit", "QUIT", {}),
    ("exit", "QUIT", {}),
    # a halt is pointed to, and a bare stop may mean one
    *each("HALT", {}, "halt", "halt the desk", "stop", "Stop!", "stop the desk now", "please stop trading", "pause the desk"),
    *each("HALT", {}, "freeze everything", "emergency stop", "kill switch", "unhalt", "resume", "resume trading", "stop all"),
    *each("HALT", {}, "flatten the book", "close all positions", "how do I halt the desk?"),
    *each("HALT", {"target": "jpm-bac-reversion"}, "halt jpm-bac-reversion", "stop jpm-bac-reversion"),
    ("stop trading JPM", "HALT", {"target": "JPM"}),
    # how many
    ("top 0 pairs", "FIND_PAIRS", {"count": "0"}),
    ("top -3 pairs", "FIND_PAIRS", {"count": "-3"}),
    ("top 20000 pairs", "FIND_PAIRS", {"count": "20000"}),
    ("top ten pairs", "FIND_PAIRS", {"count": "10"}),
    ("find a pair", "FIND_PAIRS", {}),
    # SUMMARIZE as it is asked for
    *each("SUMMARIZE", TICKETS_ASKED, "which tickets are active", "what tickets do we have?", "how many tickets are in force"),
    *each("SUMMARIZE", TICKETS_ASKED, "which strategies are running", "list active tickets", "tickets", "active strategies"),
    *each("SUMMARIZE", {}, "are there any halts", "any halts?", "halts", "is the desk halted", "is anything halted"),
    *each("SUMMARIZE", {}, "what's halted", "which tickets are halted", "is there a halt", "why is the desk halted"),
    *each("SUMMARIZE", BOOK_ASKED, "positions", "our positions", "the book", "portfolio", "how are we positioned"),
    *each("SUMMARIZE", {}, "quick summary"),
    *each("SUMMARIZE", {}, "sum it up", "dashboard", "state of the desk", "market regime", "what changed", "what clipped us"),
    *each("SUMMARIZE", {}, "what happened today", "are we within limits", "summarize strategy state"),
    # GENERATE_IDEAL_PORTFOLIO
    *each("GENERATE_IDEAL_PORTFOLIO", {}, "generate", "rerun the desk", "rebalance", "rebalance the book", "target portfolio"),
    *each("GENERATE_IDEAL_PORTFOLIO", {}, "what should we hold", "optimize the portfolio", "redo today's portfolio"),
    *each("GENERATE_IDEAL_PORTFOLIO", {"when": "today"}, "generate today", "run today", "what should we hold today"),
    # RUN_BACKTEST
    *backtests("6 months", "6m", "6mo", "6 mo", "6-month", "1y", "a year", "half a year", "90 days", "2000 sessions"),
    *backtests("last half year", "last 6 mo", "last 6m", "for 6 months", "over 12w", "last -6 months", "-6 months"),
    *backtests("q1", "jan to mar 2024", "between january and march 2024", "q1-q3 2024", "20240102-20240630"),
    ("backtest --last 6m", "RUN_BACKTEST", {"when": "last 6m"}),
    ("run a 6 month backtest", "RUN_BACKTEST", {"when": "6 month"}),
    ("run a six-month backtest please", "RUN_BACKTEST", {"when": "six-month"}),
    ("6m backtest", "RUN_BACKTEST", {"when": "6m"}),
    ("back test the last 6 months", "RUN_BACKTEST", {"when": "the last 6 months"}),
    ("backtest all of 2024", "RUN_BACKTEST", {"when": "of 2024"}),
    ("backtest the full year 2024", "RUN_BACKTEST", {"when": "2024"}),
    ("evaluate historical performance", "RUN_BACKTEST", {}),
    ("test the strategy since 2024", "RUN_BACKTEST", {"when": "since 2024"}),
    ("what would we have made in 2024", "RUN_BACKTEST", {"when": "in 2024"}),
    # checking
    ("are my tickets ok", "LINT_TICKETS", {}),
    ("are the drafts valid?", "LINT_TICKETS", {"folder": "drafts"}),
    ("lint strategy tickets", "LINT_TICKETS", {}),
    # tickets
    ("draft a ticket", "DRAFT_TICKET", {}),
    ("new trade idea", "DRAFT_TICKET", {}),
    (
        "JPM vs BAC, 500k, high conviction",
        "DRAFT_TICKET",
        {"leg_a": "JPM", "leg_b": "BAC", "max_gross_notional": 500_000.0, "conviction": "High"},
    ),
    ("write a ticket for key vs. rf", "DRAFT_TICKET", {"leg_a": "KEY", "leg_b": "RF"}),
    ("draft c/wfc", "DRAFT_TICKET", {"leg_a": "C", "leg_b": "WFC"}),
    ("draft jpm-bac", "DRAFT_TICKET", {"leg_a": "JPM", "leg_b": "BAC"}),
    ("gs and ms for $1.2m", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS", "max_gross_notional": 1_200_000.0}),
    (
        "create a new ticket long JPM short BAC 2,000,000",
        "DRAFT_TICKET",
        {"leg_a": "JPM", "leg_b": "BAC", "orientation": "LONG_SPREAD", "max_gross_notional": 2_000_000.0},
    ),
    (
        "sell jpm, buy bac, $750k, conviction 2",
        "DRAFT_TICKET",
        {"leg_a": "JPM", "leg_b": "BAC", "orientation": "SHORT_SPREAD", "max_gross_notional": 750_000.0, "conviction": 2},
    ),
    (
        "KEY/RF both ways 500k gross 300k per leg, 8 weeks, time stop 60 days, expires end of 2027, hold on breakdown",
        "DRAFT_TICKET",
        {
            "leg_a": "KEY",
            "leg_b": "RF",
            "orientation": "BOTH",
            "max_gross_notional": 500_000.0,
            "max_leg_notional": 300_000.0,
            "horizon_days": 40,
            "time_stop_days": 60,
            "expires_on": date(2027, 12, 31),
            "flatten_on_breakdown": False,
        },
    ),
    (
        "JPM vs BAC 500k, enter at 2, exit 0.3, horizon 30 sessions, id my-idea_2, good for 6 months, strategy rates",
        "DRAFT_TICKET",
        {
            "leg_a": "JPM",
            "leg_b": "BAC",
            "max_gross_notional": 500_000.0,
            "entry_z": 2.0,
            "exit_z": 0.3,
            "horizon_days": 30,
            "ticket_id": "my-idea_2",
            "expires_on": date(2027, 5, 27),
            "strategy": "rates",
        },
    ),
    (
        'GS vs MS, 40 days, note: Spread "wide" since June: buy it, 500k # $(rm -rf .)',
        "DRAFT_TICKET",
        {"leg_a": "GS", "leg_b": "MS", "horizon_days": 40, "note": 'Spread "wide" since June: buy it, 500k # $(rm -rf .)'},
    ),
    (
        "GS MS 500k high",
        "DRAFT_TICKET",
        {"leg_a": "GS", "leg_b": "MS", "max_gross_notional": 500_000.0, "conviction": "High"},
    ),
    ("gs, ms", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS"}),
    ("draft a GS MS ticket", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS"}),
    ("pair trade JPM v BAC", "DRAFT_TICKET", {"leg_a": "JPM", "leg_b": "BAC"}),
    ("trade JPM vs BAC, low", "DRAFT_TICKET", {"leg_a": "JPM", "leg_b": "BAC", "conviction": "Low"}),
    (
        "JPM/BAC half a million med",
        "DRAFT_TICKET",
        {"leg_a": "JPM", "leg_b": "BAC", "max_gross_notional": 5e5, "conviction": "Medium"},
    ),
    ("GS long, MS short", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS", "orientation": "LONG_SPREAD"}),
    ("+GS -MS", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS", "orientation": "LONG_SPREAD"}),
    ("-GS +MS", "DRAFT_TICKET", {"leg_a": "GS", "leg_b": "MS", "orientation": "SHORT_SPREAD"}),
    ("create a strategy ticket", "DRAFT_TICKET", {}),
    (
        "JPM vs BAC, stop 60 days, note: check tickets, risk is low, halt the desk if it widens",
        "DRAFT_TICKET",
        {
            "leg_a": "JPM",
            "leg_b": "BAC",
            "time_stop_days": 60,
            "note": "check tickets, risk is low, halt the desk if it widens",
        },
    ),
    ("JPM vs BAC because it is cheap", "DRAFT_TICKET", {"leg_a": "JPM", "leg_b": "BAC", "note": "because it is cheap"}),
    ("JPM vs BAC exceptional conviction", "DRAFT_TICKET", {"leg_a": "JPM", "leg_b": "BAC", "conviction": "Exceptional"}),
]

NOT_UNDERSTOOD: list[tuple[str, str | None, str, str]] = [
    # phrase, the intent it calls for, what was not understood, the guess
    ("generate a portfolio without JPM", "GENERATE_IDEAL_PORTFOLIO", "without jpm", ""),
    ("do not generate the portfolio", "GENERATE_IDEAL_PORTFOLIO", "not", ""),
    ("never run the desk", "GENERATE_IDEAL_PORTFOLIO", "never", ""),
    ("backtest JPM vs BAC last 6 months", "RUN_BACKTEST", "jpm vs bac", ""),
    ("backtest lst 6 months", "RUN_BACKTEST", "lst 6 months", "backtest last 6 months"),
    ("bactest last 6 months", None, "bactest last 6 months", "backtest last 6 months"),
    ("genrate todays ideal portfolo", None, "genrate todays ideal portfolo", "generate todays ideal portfolio"),
    ("lnit my tickets", None, "lnit my tickets", "lint my tickets"),
    ("sumarize", None, "sumarize", "summarize"),
    ("summarize the weather", "SUMMARIZE", "weather", ""),
    ("draft a ticket with a stop loss of 5%", "DRAFT_TICKET", "stop loss", ""),
    ("tell me a joke", None, "tell me a joke", ""),
    ("buy JPM", None, "buy JPM", ""),
    ("draft JPM vs BAC and run the backtest", "RUN_BACKTEST", "draft jpm vs bac", ""),
    ("rm -rf /", None, "rm -rf /", ""),
    # a person's own words, the minus among them
    ("backtest -6 moons", "RUN_BACKTEST", "-6 moons", ""),
    ("backtest last -6 fortnights", "RUN_BACKTEST", "last -6 fortnights", ""),
    # nothing bare, and nothing beside, that could mean two things
    ("run", None, "run", ""),
    ("run it", None, "run it", ""),
    ("high", None, "high", ""),
    ("6 months", None, "6 months", ""),
    ("which tickets are not active", "SUMMARIZE", "not", ""),
    ("do not halt the desk", "HALT", "not", ""),
    ("halt the desk because funding is stressed", "HALT", "because funding stressed", ""),
    ("draft JPM BAC PNC", "DRAFT_TICKET", "pnc", ""),
    ("find pairs 6m", "FIND_PAIRS", "6m", ""),
    ("stop the backtest", "RUN_BACKTEST", "stop", ""),
    ("hlat the desk", None, "hlat the desk", "halt the desk"),
]
