"""Found pairs on a terminal: each number beside its rank, and what so many tests are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.terminal import banner, escaped, table

if TYPE_CHECKING:
    from rich.console import Console

    from riskdesk_assets.interfaces.pair_search import FaredPairs, FoundPairs
    from riskdesk_assets.research.pair_outcomes import Fared

COLUMNS = (">pair", ">score", ">hedge", ">life", ">corr", ">cost", ">z", ">EG p  BH p")
LEGEND = (
    "hedge: sd of the hedge ratio as a share of its mean; life: half-life in sessions; cost: a round trip with borrow, in sd "
    "of the spread; beside each, how many % of the other pairs are worse; score: the weighted mean of that; z: of the date, "
    "positive when A is dear; EG p: Engle-Granger with one lag, alone; BH p: adjusted for all of them."
)


def show_found(out: Console, found: FoundPairs) -> None:
    """The best pairs, the columns explained, and how much to believe."""
    search, tests = found.search, found.search.tests
    out.print(
        f"{banner(found.source)}   {search.pairs.height} pairs on the {search.sessions} sessions to [bold]{search.asof}[/]"
    )
    rows = table(*COLUMNS)
    for row in found.best.iter_rows(named=True):
        pair = row["pair_id"]
        zscore = found.zscores.get(pair)
        rows.add_row(
            escaped(pair_name(row)),
            f"{row['score']:.2f}",
            _with_rank(row["hedge_instability"], row["rank_stability"], ".0%"),
            _with_rank(row["half_life"], row["rank_half_life"], ".1f"),
            _with_rank(row["correlation"], row["rank_correlation"], ".2f"),
            _with_rank(row["cost"], row["rank_cost"], ".2f"),
            "-" if zscore is None else f"{zscore:+.2f}",
            f"{_number(row['pvalue'], '.3f')} {_number(row['pvalue_benjamini_hochberg'], '.3f')}",
        )
    out.print(rows)
    out.print(f"[dim]{LEGEND}[/]")
    rows_known = [row for row in found.best.iter_rows(named=True) if row["pair_id"] in found.known]
    known = [f"{pair_name(row)} {found.known[row['pair_id']]}" for row in rows_known]
    if known:
        out.print(f"the desk has already: {escaped('; '.join(known))}")
    if search.left_out:
        out.print(f"left out for want of bars: {escaped(', '.join(search.left_out))}")
    out.print()
    out.print(
        f"[bold]How much to believe[/]: {tests.tests} pairs were tested. {tests.by_chance:.1f} would pass at "
        f"{tests.significance:.0%} by chance alone; {tests.passed} did. After correction for so many looks: "
        f"{tests.passed_bonferroni} (Bonferroni), {tests.passed_benjamini_hochberg} (Benjamini-Hochberg)."
    )
    out.print("The score is no forecast: `riskdesk pairs fared --asof D` shows how the best of an earlier date did.")


def pair_name(row: Mapping[str, object]) -> str:
    """``A/B``."""
    return f"{row['leg_a']}/{row['leg_b']}"


def show_fared(out: Console, fared: FaredPairs) -> None:
    """The best pairs of a date beside all pairs, in the window after it."""
    outcomes = fared.outcomes
    out.print(f"{banner(fared.source)}   ranked on {outcomes.asof}, followed from {outcomes.first} to {outcomes.last}")
    rows = table("", ">pairs", ">pass again", ">median half-life", ">mean corr", ">net a year", ">gained")
    for label, group in ((f"top {outcomes.top.pairs}", outcomes.top), ("all", outcomes.everyone)):
        rows.add_row(label, *_group(group))
    out.print(rows)
    told = "-" if outcomes.rank_correlation is None else f"{outcomes.rank_correlation:+.2f}"
    out.print(
        "[dim]pass again: share with Engle-Granger below the significance in this window; net a year: of the baseline rule, "
        "per dollar of gross, after costs and borrow; gained: share of pairs above 0[/]"
    )
    out.print(f"rank correlation of the score with what a pair then earned: [bold]{told}[/] (0: the score told nothing)")


def _group(group: Fared) -> tuple[str, ...]:
    return (
        str(group.pairs),
        f"{group.passed:.0%}",
        f"{group.half_life:.1f}",
        f"{group.correlation:.2f}",
        f"{group.net_return:+.2%}",
        f"{group.gained:.0%}",
    )


def _with_rank(value: float | None, rank: float, form: str) -> str:
    return f"{_number(value, form)} [dim]{100 * rank:.0f}[/]"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
