"""Use of limits, losses of scenarios, and the parts of P&L of any tables, against their definitions in plain Python."""

from __future__ import annotations

import math
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.controllers.baseline import leg_notionals
from riskdesk_assets.research.adherence import limit_use
from riskdesk_assets.research.attribution import attribution
from riskdesk_assets.research.backtest_tables import ATTRIBUTION, LIMIT_USE, SCENARIO_PNL, TIMESERIES
from riskdesk_assets.research.buckets import Buckets
from riskdesk_assets.research.scenario_losses import scenario_pnl
from riskdesk_tests.desk_builder import marks, print_panel, sessions_from

DAYS = sessions_from(date(2026, 3, 2), 4)
PAIRS = {"one": ("BAC", "JPM"), "two": ("C", "JPM")}
LINES = [(ticket, symbol) for ticket, pair in PAIRS.items() for symbol in pair]
Row = dict[str, object]


def row(table: str, **values: object) -> Row:
    """A row of a table that says nothing but this."""
    return {**dict.fromkeys(TABLES[table].columns), **values}


def mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


LIMITS = {"gross": ("gross", "construct"), "group:regional": ("group", "audit"), "group:money": ("group", "audit")}
AUDITED = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(sorted(LIMITS))),
    st.tuples(
        st.none() | st.floats(-0.5, 1.5),
        st.sampled_from(("OK", "AMBER", "BREACH")),
        st.none() | st.floats(-1, 2),
        st.booleans(),
    ),
)
CLIPPED = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.sampled_from(("gross", "group:money", "GROSS_CLAMP", "LEG_CLAMP_A", "position_count", "unheard_of")),
        st.sampled_from(("TICKET_CAPS", "GOVERNOR")),
    ),
    max_size=8,
)


@given(AUDITED, CLIPPED)
def test_a_limit_bound_where_it_had_a_price_or_a_clip_names_it(
    audited: dict[tuple[date, str], tuple[float | None, str, float | None, bool]], clipped: list[tuple[date, str, str]]
) -> None:
    audit = [
        row(
            "limit_audit",
            **{"as_of_date": day, "limit_name": name, "family": LIMITS[name][0], "mode": LIMITS[name][1], "released": released},
            **{"utilization": used, "status": status, "price_of_limit": price},
        )
        for (day, name), (used, status, price, released) in audited.items()
    ]
    clips = [
        row("clip_ledger", as_of_date=day, sequence=number, limit_name=name, stage=stage)
        for number, (day, name, stage) in enumerate(clipped)
    ]
    expected = []
    for label in ("gross", "group", "leg_notional", "position_count", "ticket_gross", "unheard_of"):
        of = {key: said for key, said in audited.items() if key[1].split(":")[0] == label}
        named = {
            day
            for day, name, stage in clipped
            if (stage == "GOVERNOR" and name.split(":")[0] == label and (of or label == "position_count"))
        }
        if not of and not named:
            continue
        prices = [price for _, _, price, _ in of.values() if price is not None and price > 0]
        most: dict[date, float] = {}
        for (day, _), (used, _, _, _) in of.items():
            if used is not None:
                most[day] = max(most.get(day, 0.0), used)
        breached = {day: released for (day, _), (_, status, _, released) in sorted(of.items()) if status == "BREACH"}
        kept = {day for (day, _), (_, status, _, released) in of.items() if status == "BREACH" and released}
        family, mode = next((LIMITS[name] for _, name in of), (label, "construct"))
        expected.append(
            {
                **{"limit_name": label, "family": family, "mode": mode, "sessions": len({day for day, _ in of})},
                "bound": len(named | {day for (day, _), (_, _, price, _) in of.items() if price is not None and price > 0}),
                "cut_proposal": len(named),
                "binding": len({day for (day, _), (_, _, price, _) in of.items() if price is not None and price > 0}),
                "amber": len({day for (day, _), (_, status, _, _) in of.items() if status == "AMBER"}),
                "breached": len(breached),
                "released_breached": len(kept),
                "mean_utilization": mean(list(most.values())),
                "most_utilization": max(most.values(), default=None),
                "mean_price": mean(prices),
            }
        )
    found = limit_use(TABLES["limit_audit"].frame(audit), TABLES["clip_ledger"].frame(clips))
    assert found.to_dicts() == LIMIT_USE.frame(expected).to_dicts()  # type: ignore[arg-type]


HELD = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(LINES)),
    st.integers(-3, 3).filter(bool).map(lambda parts: parts * 12_345_67),
)
SHOCKED = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(("banks", "rates")), st.sampled_from(("BAC", "C", "JPM"))),
    st.floats(-0.5, 0.5),
)


@given(HELD, SHOCKED)
def test_a_scenario_is_told_of_the_books_it_shocks_whole(
    held: dict[tuple[date, tuple[str, str]], int], shocked: dict[tuple[date, str, str], float]
) -> None:
    positions = [
        row(
            "desk_positions",
            **{"as_of_date": day, "ticket_id": ticket, "leg": "AB"[PAIRS[ticket].index(symbol)], "symbol": symbol},
            **{"shares": 1 if cents > 0 else -1, "notional_cents": cents},
        )
        for (day, (ticket, symbol)), cents in held.items()
    ]
    scenarios = [
        row("scenarios", as_of_date=day, scenario_id=name, kind="group", symbol=symbol, shocked_return=shock)
        for (day, name, symbol), shock in shocked.items()
    ]
    nets: dict[date, dict[str, int]] = {}
    for (day, (_, symbol)), cents in held.items():
        nets.setdefault(day, {})[symbol] = nets.get(day, {}).get(symbol, 0) + cents
    expected = []
    for name in ("banks", "rates"):
        losses = [
            (math.fsum(shocked[day, name, symbol] * cents / 100 for symbol, cents in book.items()), day)
            for day, book in nets.items()
            if all((day, name, symbol) in shocked for symbol in book)
        ]
        if losses:
            (worst, worst_on), best = min(losses), max(losses)[0]
            told = {"worst_pnl": worst, "worst_on": worst_on, "mean_pnl": mean([loss for loss, _ in losses]), "best_pnl": best}
            expected.append({"scenario_id": name, "kind": "group", "sessions": len(losses), **told})
    frames = {"desk_positions": TABLES["desk_positions"].frame(positions), "scenarios": TABLES["scenarios"].frame(scenarios)}
    assert scenario_pnl(frames).to_dicts() == SCENARIO_PNL.frame(expected).to_dicts()  # type: ignore[arg-type]


@st.composite
def attributed(draw: st.DrawFn) -> tuple[dict[date, dict[str, Mark]], dict[str, list[Row]]]:
    prints = {
        day: marks(
            **{name: draw(st.sampled_from((10.0, 10.7, 99.37))) for name in ("BAC", "C", "JPM") if draw(st.integers(0, 4))}
        )
        for day in DAYS
    }
    dollars = st.floats(-1e6, 1e6)
    rows: dict[str, list[Row]] = {
        name: [] for name in ("timeseries", "proposals", "gate_decisions", "strategy_budgets", "realized_pnl")
    }
    for number, day in enumerate(DAYS):
        following = draw(st.sampled_from((None, *DAYS[number + 1 :])))
        status = "OK" if following else "SKIPPED_NO_PRICE"
        blank: Row = dict.fromkeys(TIMESERIES.columns)
        rows["timeseries"].append({**blank, "as_of_date": day, "next_date": following, "status": status})
        for ticket, pair in PAIRS.items():
            key: Row = {"as_of_date": day, "ticket_id": ticket}
            if draw(st.booleans()):
                sizes = {name: draw(dollars) for name in ("notional_a", "notional_b", "capped_a", "capped_b")}
                beta, units = draw(st.sampled_from((None, 0.0, 0.8, -1.3))), draw(st.sampled_from((0.0, 0.5, -1.0)))
                wish = {"units": units, "beta": beta, "vol_scale": draw(st.sampled_from((0.5, 1.0, 1.2)))}
                rows["proposals"].append(row("proposals", **key, pair_id="__".join(pair), **wish, **sizes))
                gate = {"requested_gross": draw(st.sampled_from((0.0, 1e6))), "approved_gross": draw(st.floats(0, 1e6))}
                rows["gate_decisions"].append(row("gate_decisions", **key, **gate))
                if draw(st.booleans()):
                    rows["strategy_budgets"].append(row("strategy_budgets", **key, strategy_name="s", max_gross_notional=4e5))
            for symbol in pair:
                if draw(st.booleans()):
                    told = {"status": draw(st.sampled_from((status, "DELISTED"))), "symbol": symbol}
                    amounts = {"pnl_gross": draw(dollars), "costs": draw(st.floats(0, 100))}
                    rows["realized_pnl"].append(row("realized_pnl", **key, realized_on=day, **told, **amounts))
    return prints, rows


@given(attributed())
def test_every_part_is_what_one_stage_made_of_the_one_before(
    case: tuple[dict[date, dict[str, Mark]], dict[str, list[Row]]],
) -> None:
    prints, rows = case
    frames = {name: TABLES[name].frame(rows[name]) for name in ("proposals", "gate_decisions", "strategy_budgets")}
    keyed = {name: {(r["as_of_date"], r["ticket_id"]): r for r in rows[name]} for name in frames}
    expected = []
    for day in rows["timeseries"]:
        for ticket, pair in PAIRS.items():
            key = (day["as_of_date"], ticket)
            proposal, found = (
                keyed["proposals"].get(key),
                [r for r in rows["realized_pnl"] if (r["as_of_date"], r["ticket_id"]) == key],
            )
            if not found and (proposal is None or not proposal["units"]):
                continue
            intent = sized = approved = 0
            returns = None if proposal is None else returns_of(pair, day, prints)
            if proposal is not None and returns is not None:
                whole, gate = keyed["strategy_budgets"].get(key), keyed["gate_decisions"][key]
                a, b, scale = (float(proposal[name]) for name in ("notional_a", "notional_b", "vol_scale"))  # type: ignore[arg-type]
                asked = (a, b)
                if whole is not None and proposal["beta"] is not None:
                    asked = leg_notionals(proposal["units"], whole["max_gross_notional"], proposal["beta"])  # type: ignore[arg-type]
                share = gate["approved_gross"] / gate["requested_gross"] if gate["requested_gross"] else 0.0  # type: ignore[operator]
                let = (proposal["capped_a"] * share, proposal["capped_b"] * share)  # type: ignore[operator]
                intent, sized, approved = (
                    millionths([one * returns[0], other * returns[1]]) for one, other in (asked, (a * scale, b * scale), let)
                )
            closed = millionths([r["pnl_gross"] for r in found if r["status"] == "DELISTED"])
            gross, costs = (
                millionths([r["pnl_gross"] for r in found if r["status"] != "DELISTED"]),
                millionths([r["costs"] for r in found]),
            )
            parts = (intent, sized - intent, approved - sized, gross - approved, closed, -costs, gross + closed - costs)
            names = ("intent", "sizing", "clipping", "optimizer", "delisting", "costs", "pnl_net")
            told = {"next_date": day["next_date"], "status": day["status"], "ticket_id": ticket, "bucket": "Spread"}
            expected.append({"as_of_date": day["as_of_date"], **told, **dict(zip(names, parts, strict=True))})
    buckets = Buckets({ticket: ([DAYS[0]], ["Spread"]) for ticket in PAIRS})
    realized, series = TABLES["realized_pnl"].frame(rows["realized_pnl"]), TIMESERIES.frame(rows["timeseries"])
    result = attribution(series, frames, realized, print_panel(prints), buckets)
    assert result.to_dicts() == ATTRIBUTION.frame(expected).to_dicts()  # type: ignore[arg-type]


def returns_of(pair: tuple[str, str], day: Row, prints: dict[date, dict[str, Mark]]) -> list[float] | None:
    if day["next_date"] is None:
        return None
    now, then = prints[day["as_of_date"]], prints[day["next_date"]]  # type: ignore[index]
    if not all(symbol in now and symbol in then for symbol in pair):
        return None
    return [then[symbol].adj_close / now[symbol].adj_close - 1 for symbol in pair]


def millionths(dollars: list[object]) -> int:
    return round(math.fsum(dollars) * 1_000_000)  # type: ignore[arg-type]
