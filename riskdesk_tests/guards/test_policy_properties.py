"""What holds for every answer of document 004's guards."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.guards.types import Action, Layer, PolicyContext, PositionIntent
from riskdesk_tests.guards.policy import AT, decide, question, seed_policy

ORDER = [Layer.PER_SYMBOL, Layer.PER_TRADE, Layer.GROUP, Layer.PORTFOLIO]


@st.composite
def contexts(draw: st.DrawFn) -> PolicyContext:
    price = draw(st.floats(1.0, 400.0))
    shares = draw(st.integers(-400, 400))
    own = abs(shares * price)
    others = draw(st.floats(0, 110_000))
    in_group = draw(st.floats(0, 1)) * others
    return question(
        draw(st.sampled_from(["AAPL", "NVDA", "BAC"])),
        price,
        shares,
        draw(st.floats(-60_000, 60_000)),
        group=draw(st.sampled_from(["Technology", "Financial", "Energy"])),
        group_exposure=own + in_group,
        gross=own + others,
        net=shares * price + draw(st.floats(-1, 1)) * others,
        realized_daily_vol=draw(st.sampled_from([None, 0.0, 0.004, 0.01, 0.03])),
    )


intents = st.one_of(
    st.none(),
    st.tuples(st.floats(-20_000, 20_000), st.integers(0, 60)),
)


def remembered(context: PolicyContext, drawn: tuple[float, int] | None) -> PositionIntent | None:
    return None if drawn is None else PositionIntent(context.symbol, drawn[0], AT - timedelta(minutes=drawn[1]))


@settings(max_examples=400)
@given(contexts(), intents)
def test_no_order_makes_a_breached_cap_worse_or_breaches_one(context, drawn):
    decision = decide(context, remembered(context, drawn))
    risk, change = context.config.risk, decision.qty_delta * context.price
    current, after = context.current_notional, context.current_notional + change
    state, exposure = context.portfolio_state, context.group_state["exposure"]
    slack = 1e-6
    assert abs(after) <= max(risk.per_symbol.cap(context.symbol), abs(current)) + slack
    grown = abs(after) - abs(current)
    assert exposure + grown <= max(risk.groups.cap(context.group_state["group"]), exposure) + slack
    assert state["gross_exposure"] + grown <= max(risk.portfolio.gross_cap, state["gross_exposure"]) + slack
    assert abs(state["net_exposure"] + change) <= max(risk.portfolio.net_cap, abs(state["net_exposure"])) + slack
    assert abs(change) <= risk.per_trade.max_notional + slack


@settings(max_examples=400)
@given(contexts(), intents)
def test_orders_are_whole_lots_toward_the_target_and_never_dust(context, drawn):
    decision = decide(context, remembered(context, drawn))
    assert decision.qty_delta % context.config.risk.per_trade.lot_size == 0
    assert (decision.action in (Action.ALLOW, Action.CLIP)) == (decision.qty_delta != 0)
    if decision.qty_delta:
        assert abs(decision.qty_delta) * context.price >= context.config.risk.per_trade.min_order_notional
        assert decision.qty_delta * (decision.metadata["target_val"] - decision.metadata["current_val"]) > 0
    if decision.action is Action.CLIP:
        assert 0 <= decision.metadata["clip_ratio"] <= 1


@settings(max_examples=200)
@given(contexts(), intents)
def test_a_looser_layer_never_lets_less_through(context, drawn):
    # The document's order: what the group and the portfolio take away comes off what symbol and order left.
    intent = remembered(context, drawn)
    bound = decide(context, intent)
    loose = context.config.model_copy(
        update={
            "risk": context.config.risk.model_copy(
                update={
                    "portfolio": context.config.risk.portfolio.model_copy(update={"gross_cap": 1e12, "net_cap": 1e12}),
                    "groups": context.config.risk.groups.model_copy(update={"cap_by_group": {"Default": 1e12}}),
                }
            )
        }
    )
    free = decide(
        PolicyContext(
            context.symbol,
            context.price,
            context.current_shares,
            context.signal_target_notional,
            loose,
            context.portfolio_state,
            context.group_state,
        ),
        intent,
    )
    assert abs(bound.qty_delta) <= abs(free.qty_delta)
    assert bound.qty_delta * free.qty_delta >= 0
    if bound.qty_delta != free.qty_delta:
        assert bound.layer in (Layer.GROUP, Layer.PORTFOLIO)


@settings(max_examples=100)
@given(st.floats(11_000, 14_000), st.floats(0.03, 0.049), st.floats(0.03, 0.049))
def test_two_small_moves_of_the_target_fire_between_ticks(target, first, second):
    config = seed_policy()
    shares = int(target / 10 / 5) * 5
    intent = PositionIntent("NVDA", target, AT - timedelta(minutes=1))
    once = decide(question("NVDA", 10.0, shares, target * (1 + first), config=config), intent)
    assert once.action in (Action.NOOP, Action.ALLOW)  # a lot of five may leave it outside the band's edge
    twice = decide(question("NVDA", 10.0, shares, target * (1 + first) * (1 + second), config=config), intent)
    assert once.reason in ("within_band", "cadence_not_elapsed")
    assert (twice.action, twice.reason) in (
        ("ALLOW", "buy_to_lower_bound"),
        ("DENY", "below_min_order"),
        ("NOOP", "lot_rounds_to_zero"),
    )
