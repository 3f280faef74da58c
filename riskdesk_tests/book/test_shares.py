from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.book.lot_board import LotBoard
from riskdesk_assets.book.lot_program import most_lots
from riskdesk_assets.book.lot_repair import fill, mend
from riskdesk_assets.book.share_legs import LotRange, ShareLeg, lot_range
from riskdesk_assets.book.shares import ShareBook, _lot_leg, whole_shares
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_tests.optimizer.random_desks import Shape, limit, random_problem

DOLLAR = 10_000


def book(targets: Sequence[Leg[float]], prices: dict[str, float], limits: Sequence[Limit] = (), **more: object) -> ShareBook:
    given_: dict[str, object] = {"lot_sizes": {}, "held": (), "amber_at": 0.8, **more}
    ticks = {symbol: round(price * DOLLAR) for symbol, price in prices.items()}
    return whole_shares(targets, prices=ticks, limits=limits, **given_)  # type: ignore[arg-type]


def shares(made: ShareBook) -> dict[tuple[str, str], int]:
    return {(leg.ticket_id, leg.symbol): leg.shares for leg in made.legs}


def test_each_leg_is_truncated_toward_zero_to_whole_lots() -> None:
    made = book([Leg("T1", "JPM", 10_000.0), Leg("T1", "BAC", -10_000.0)], {"JPM": 185.0, "BAC": 34.0}, lot_sizes={"BAC": 100})
    # 10000 / 185 = 54.05; 10000 / 34 = 294.1 -> 200 in lots of 100
    assert shares(made) == {("T1", "JPM"): 54, ("T1", "BAC"): -200}
    assert made.method == "TRUNCATED"
    assert made.repairs == ()


def test_a_target_that_is_exactly_the_position_held_loses_no_share() -> None:
    for count in (1, 333, 70_001):
        for ticks in (1, 3_333, 1_234_567, 9_999_999):
            made = book([Leg("T1", "JPM", count * ticks / DOLLAR)], {"JPM": ticks / DOLLAR})
            assert shares(made) == {("T1", "JPM"): count}


def test_a_net_that_truncation_broke_is_mended_and_the_repair_names_the_limit() -> None:
    # $1,000 against $999: net $1 in floats; whole shares of $300 short and $10 long: 1000 - 900 = $100 net, bound $50.
    targets = [Leg("T1", "LOW", 1_000.0), Leg("T1", "BIG", -999.0)]
    net = limit("portfolio_net", Measure.NET, ("LOW", "BIG"), 50.0)
    made = book(targets, {"LOW": 10.0, "BIG": 300.0}, [net])
    assert shares(made) == {("T1", "LOW"): 95, ("T1", "BIG"): -3}
    assert made.method == "REPAIRED"
    (repair,) = made.repairs
    assert (repair.symbol, repair.shares_in, repair.shares_out, repair.limit.name) == ("LOW", 100, 95, "portfolio_net")


def test_a_gross_that_truncation_uncovered_goes_to_the_exact_program_where_single_moves_would_part_the_pair() -> None:
    # JPM: +$1,000 and -$950 net to $50, and so does BAC; in whole shares of $480 JPM is $960 against $480. One JPM less would
    # part T1 from its BAC leg, so both legs have to go down together.
    targets = [Leg("T1", "JPM", 1_000.0), Leg("T2", "JPM", -950.0), Leg("T1", "BAC", -1_000.0), Leg("T2", "BAC", 950.0)]
    gross = limit("group", Measure.GROSS, ("JPM", "BAC"), 120.0)
    made = book(targets, {"JPM": 480.0, "BAC": 1.0}, [gross])
    assert made.method == "PROGRAM"
    assert made.audit[0].measured <= gross.bound
    assert shares(made)["T1", "JPM"] == 1
    assert -961 <= shares(made)["T1", "BAC"] < -800  # 960 at T1's scale of 0.96, and one lot


def test_the_mended_pair_stays_within_one_lot_of_one_scale() -> None:
    targets = [Leg("T1", "A", 100_000.0), Leg("T1", "B", -99_000.0)]
    net = limit("net", Measure.NET, ("A", "B"), 100.0)
    made = book(targets, {"A": 7.0, "B": 40.0}, [net], lot_sizes={"B": 100})
    got = shares(made)
    low_a, high_a = (Fraction(got["T1", "A"] + move) * 7 / 100_000 for move in (-1, 1))
    low_b, high_b = (Fraction(-got["T1", "B"] + 100 * move) * 40 / 99_000 for move in (-1, 1))
    assert max(low_a, low_b, 0) <= min(high_a, high_b, 1)
    assert abs(got["T1", "A"] * 7 + got["T1", "B"] * 40) <= 100


def test_a_limit_of_zero_leaves_nothing_of_what_it_bounds() -> None:
    targets = [Leg("T1", "A", 1_000.0), Leg("T1", "B", -1_000.0)]
    made = book(targets, {"A": 1.0, "B": 1.0}, [limit("name_gross:A", Measure.NAME_GROSS, ("A",), 0.0)])
    assert shares(made)["T1", "A"] == 0
    # no lot of A is within one lot of a scale of 1/1000, and at that scale B's one share may be off by one
    assert abs(shares(made)["T1", "B"]) <= 2


def test_a_gate_limit_is_audited_but_nothing_is_built_toward_it() -> None:
    gate = limit("gate", Measure.GROSS, ("A",), 10.0, mode="gate")
    made = book([Leg("T1", "A", 1_000.0)], {"A": 1.0}, [gate])
    assert shares(made) == {("T1", "A"): 1_000}
    assert made.audit[0].status == "BREACH"


def test_frozen_legs_that_breach_a_limit_alone_are_named_and_nothing_is_released() -> None:
    frozen = ShareLeg("F", "A", 1_000, DOLLAR, True)
    with pytest.raises(ReleaseError, match=r"name_gross:A: \$1,000.00 breaches \$999.00"):
        book(
            [Leg("T1", "A", 50.0), Leg("T1", "B", -50.0)],
            {"A": 1.0, "B": 1.0},
            [limit("name_gross:A", Measure.NAME_GROSS, ("A",), 999.0)],
            fixed=[frozen],
        )


def test_frozen_legs_alone_in_the_book_are_named_too() -> None:
    frozen = ShareLeg("F", "A", 1_000, DOLLAR, True)
    with pytest.raises(ReleaseError, match=r"name_gross:A: \$1,000.00 breaches \$999.00"):
        book([], {"A": 1.0}, [limit("name_gross:A", Measure.NAME_GROSS, ("A",), 999.0)], fixed=[frozen])


def test_frozen_legs_take_their_room_before_anything_that_trades() -> None:
    frozen = ShareLeg("F", "A", 900, DOLLAR, True)
    made = book(
        [Leg("T1", "A", 500.0), Leg("T1", "B", -500.0)],
        {"A": 1.0, "B": 1.0},
        [limit("name_gross:A", Measure.NAME_GROSS, ("A",), 1_000.0)],
        fixed=[frozen],
    )
    assert shares(made)["F", "A"] == 900
    assert shares(made)["T1", "A"] == 100


def test_a_leg_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="appears twice"):
        book([Leg("T1", "A", 1.0), Leg("T1", "A", 1.0)], {"A": 1.0})


def test_the_order_of_the_targets_changes_nothing() -> None:
    for seed in range(30):
        targets, prices, limits, held = _session(seed)
        forward = whole_shares(targets, prices=prices, lot_sizes={}, held=held, limits=limits, amber_at=0.8)
        backward = whole_shares(targets[::-1], prices=prices, lot_sizes={}, held=held[::-1], limits=limits, amber_at=0.8)
        assert forward == backward


def test_the_exact_program_obeys_every_limit_and_keeps_at_least_the_repairs_gross() -> None:
    compared = 0
    for seed in range(120):
        targets, prices, limits, held = _session(seed)
        lots = {symbol: (1, 5, 100)[i % 3] for i, symbol in enumerate(prices)}
        legs = [_lot_leg(leg, prices, lots) for leg in sorted(targets, key=lambda leg: (leg.ticket_id, leg.symbol))]
        exact, greedy = LotBoard(legs, (), held, limits), LotBoard(legs, (), held, limits)
        if not exact.broken:
            continue
        truncated = list(exact.lots)
        found = most_lots(exact, (), held)
        assert found is not None
        assert exact.lots == truncated  # looked at, left as it was
        for j, lots_kept in enumerate(found):
            exact.change(j, lots_kept - exact.lots[j])
        assert not exact.broken
        mend(greedy)
        assert not greedy.broken
        fill(greedy, truncated)
        assert not greedy.broken
        kept = [sum(n * leg.range.lot_value for n, leg in zip(board.lots, legs, strict=True)) for board in (exact, greedy)]
        assert kept[0] >= kept[1] * 0.998
        compared += 1
    assert compared >= 5


def test_the_board_measures_what_the_limits_measure_after_any_moves() -> None:
    for seed in range(40):
        targets, prices, limits, held = _session(seed)
        legs = [_lot_leg(leg, prices, {}) for leg in targets]
        board = LotBoard(legs, (), held, limits)
        for j, leg in enumerate(legs):
            board.change(j, -(leg.range.most // (j + 1)))
        made = [leg.share_leg(lots).leg() for leg, lots in zip(legs, board.lots, strict=True)]
        assert board.values == [limit_.measured(made, held) for limit_ in limits]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**4)), min_size=2, max_size=2),
    st.fractions(0, 1),
)
def test_truncating_at_any_scale_leaves_a_pair_whole(legs: list[tuple[int, int]], scale: Fraction) -> None:
    ranges = [LotRange(Fraction(target), lot, target // lot) for target, lot in legs]
    lots = [int(scale * target // lot) for target, lot in legs]
    for j in range(2):
        low, high = lot_range(ranges, lots, j)
        assert low <= lots[j] <= high


def _session(seed: int) -> tuple[list[Leg[float]], dict[str, int], tuple[Limit, ...], list[Leg[int]]]:
    from riskdesk_assets.limits.governor import govern

    problem = random_problem(seed, Shape(6, 8, 3), 0.5, facts=True)
    prices = {symbol: 10_000 * (7 + 41 * i) + 37 * seed for i, symbol in enumerate(problem.symbols)}
    held = [
        Leg(leg.ticket_id, leg.symbol, int(leg.notional * DOLLAR) // prices[leg.symbol] * prices[leg.symbol])
        for leg in problem.held
        if leg.ticket_id != "frozen"
    ]
    floats = [Leg(leg.ticket_id, leg.symbol, leg.notional / DOLLAR) for leg in held]
    targets, _ = govern(problem.legs, floats, problem.limits)
    return list(targets), prices, problem.limits, held


def weighted(name: str, measure: Measure, members: tuple[str, ...], dollars: float, *shares_of_one: float) -> Limit:
    """A limit on an exposure or a loss, its bound in dollars."""
    family = Family.FACTOR if measure is Measure.EXPOSURE else Family.SCENARIO_LOSS
    row = tuple(round(share * 1_000_000) for share in shares_of_one)
    return Limit(name, family, measure, members, round(dollars * DOLLAR), "test", coefficients=(row,))


def test_an_exposure_that_truncation_broke_is_mended_and_the_repair_names_the_factor() -> None:
    # 0.9 x 1,200 - 3 x 350 = $30 in floats; in whole shares of $300 it is 0.9 x 1,200 - 3 x 300 = 180, and 45 is the bound:
    # 135 too many are 15 shares of LOW at 0.9 x $10.
    targets = [Leg("T1", "LOW", 1_200.0), Leg("T1", "BIG", -350.0)]
    factor = weighted("factor:market", Measure.EXPOSURE, ("BIG", "LOW"), 45.0, 3.0, 0.9)
    made = book(targets, {"LOW": 10.0, "BIG": 300.0}, [factor])
    assert shares(made) == {("T1", "LOW"): 105, ("T1", "BIG"): -1}
    assert made.audit[0].measured == 45 * DOLLAR
    (repair,) = made.repairs
    assert (repair.symbol, repair.limit.name, made.method) == ("LOW", "factor:market", "REPAIRED")


def test_a_loss_that_truncation_uncovered_is_mended_by_the_leg_that_loses() -> None:
    # everything falls by a fifth: 0.2 x (1,200 - 300) = 180 lost, 150 allowed: 0.2 x 10 = 2 a share of LOW, so 15 shares go
    targets = [Leg("T1", "LOW", 1_200.0), Leg("T1", "BIG", -450.0)]
    fall = weighted("scenario_loss:fall", Measure.LOSS, ("BIG", "LOW"), 150.0, -0.2, -0.2)
    made = book(targets, {"LOW": 10.0, "BIG": 300.0}, [fall])
    assert shares(made) == {("T1", "LOW"): 105, ("T1", "BIG"): -1}
    assert made.audit[0].measured == 150 * DOLLAR
    # what the same scenario earns is bounded by nothing
    rise = weighted("scenario_loss:rise", Measure.LOSS, ("BIG", "LOW"), 0.0, 0.2, 0.2)
    assert book(targets, {"LOW": 10.0, "BIG": 300.0}, [rise]).method == "TRUNCATED"


def test_a_frozen_hedge_counts_in_an_exposure() -> None:
    frozen = ShareLeg("F", "BIG", -3, 300 * DOLLAR, True)
    factor = weighted("factor:market", Measure.EXPOSURE, ("BIG", "LOW"), 100.0, 1.0, 1.0)
    targets = [Leg("T1", "LOW", 1_100.0), Leg("T1", "OTHER", -1_100.0)]
    # 1,100 - 900 = 200: ten shares of $10 have to go; alone the frozen leg breaches, and the ticket hedges it
    made = book(targets, {"LOW": 10.0, "BIG": 300.0, "OTHER": 10.0}, [factor], fixed=[frozen])
    assert made.audit[0].measured == 100 * DOLLAR
    assert shares(made)["T1", "LOW"] == 100


@settings(max_examples=60, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10_000), moves=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 60)), max_size=25))
def test_a_board_measures_what_each_limit_measures_after_any_moves(seed: int, moves: list[tuple[int, int]]) -> None:
    problem = random_problem(seed, Shape(6, 8, 3), 0.5, facts=True)
    legs = [_lot_leg(leg, dict.fromkeys(problem.symbols, 123_457), {}) for leg in problem.legs]
    held = [Leg(leg.ticket_id, leg.symbol, round(leg.notional * DOLLAR)) for leg in problem.held]
    fixed = [Leg(leg.ticket_id, leg.symbol, round(leg.notional * DOLLAR)) for leg in problem.fixed]
    board = LotBoard(legs, fixed, held, problem.limits)
    for leg, percent in moves:
        board.change(leg, board.legs[leg].range.most * percent // 100 - board.lots[leg])
        now = [*(each.share_leg(lots).leg() for each, lots in zip(board.legs, board.lots, strict=True)), *fixed]
        assert board.values == [limit.measured(now, held) for limit in problem.limits]
        assert board.broken == {i for i, value in enumerate(board.values) if value > problem.limits[i].bound}


def test_a_quantity_of_mandates_is_refused_for_a_book_of_tickets() -> None:
    traded = Limit("liquidity:A", Family.LIQUIDITY, Measure.TRADED, ("A",), 0, "test")
    with pytest.raises(ValueError, match="liquidity:A: traded is no quantity of a ticket book"):
        LotBoard([], [], [], [traded])
