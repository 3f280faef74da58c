"""``riskdesk morning``: the desk on one screen, before the open."""

from __future__ import annotations

from datetime import date

import click

from riskdesk_assets.interfaces.options import SESSION, echo_json, json_option


@click.command(short_help="The desk on one screen: regimes, buckets, expected P&L, clips, limits.")
@click.option("--asof", type=SESSION, help="The session; by default the newest that was computed.")
@click.option("--quarters", is_flag=True, help="Instead: each strategy's calendar quarters, realized against expected.")
@click.option("--held", is_flag=True, help="Each held ticket and why the others are flat, in place of the buckets.")
@json_option
def morning(asof: date | None, quarters: bool, held: bool, as_json: bool) -> None:
    """Say on one screen what the desk is and how it does: nothing is computed or written.

    Release, both regime axes (the market's, one word a day; the tape's, one per name), equity, what each bucket was given,
    employs, should earn and earned, who lags behind, conviction, the largest clips with their reasons, the limits nearest to
    their bounds, halts, and what changed in the tickets.

    The posture is advice and changes nothing. Three signs count one point each: the market regime (Calm +1, Event -1);
    realized of expected P&L over the window (+1 from posture.ratio_on, -1 below underperforming_below); the volatility scale
    of the proposal (+1 from scale_on, -1 up to scale_off). +2 and more is RISK ON, -2 and less RISK OFF.

    What is expected is told twice: of the capital given (the budgets: ceilings, more of them than a book may hold at once) and
    of the capital held. Status and posture are judged on the capital held.

    Of each held ticket: day P&L became known on the session, so far is all since its position was opened, both net of costs;
    left is in how many sessions its time stop closes it.

    \b
    riskdesk morning
    riskdesk morning --asof 2026-01-26 --json
    riskdesk morning --held
    riskdesk morning --quarters
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.halts import current_halts
    from riskdesk_assets.common.journal import desk_journal
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.common.warehouse import Warehouse
    from riskdesk_assets.interfaces.behind import behind_on
    from riskdesk_assets.interfaces.held import tickets_after
    from riskdesk_assets.interfaces.morning import morning as morning_of
    from riskdesk_assets.interfaces.morning_view import show_morning, show_quarters
    from riskdesk_assets.interfaces.terminal import console
    from riskdesk_assets.reports.expected_pnl_rows import EXPECTED_PNL
    from riskdesk_assets.reports.risk_reading import stored_session
    from riskdesk_assets.reports.strategy_quarters import strategy_quarters

    paths = load_paths()
    config = load_config(paths)
    warehouse = Warehouse(paths.warehouse)
    session = stored_session(warehouse, asof)
    if quarters:
        found = strategy_quarters(warehouse.read(EXPECTED_PNL, None, session))
        if as_json:
            echo_json({"session": session, "quarters": [asdict(one) for one in found]})
        else:
            show_quarters(console(), found)
        return
    told = morning_of(warehouse, config, session, current_halts(desk_journal(paths.data)))
    tickets = tickets_after(warehouse, session) if held else None
    newest_closed = desk_calendar().newest_closed(datetime.now(UTC))
    behind = behind_on(paths.data, session, newest_closed) if asof is None else None
    if as_json:
        beside = {"tape_counts": told.regimes.tape_counts, "behind": None if behind is None else behind.fields()}
        held_too = asdict(tickets) if tickets else {}
        echo_json({**asdict(told), **beside, "posture_points": told.posture.points, **held_too})
    else:
        show_morning(console(), told, tickets, behind)
