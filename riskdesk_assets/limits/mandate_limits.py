"""Every limit of a research mandate but its budget, in ticks of its own nav; its legs are Leg(symbol, symbol, notional)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal

from riskdesk_assets.common.money import fraction_of_nav_ticks
from riskdesk_assets.common.portfolios import PortfolioConfig, ShortfallLimit
from riskdesk_assets.common.settings import Config
from riskdesk_assets.limits.catalogue import set_limits, tightest
from riskdesk_assets.limits.fact_limits import SessionFacts, factor_limit, fragility_limit
from riskdesk_assets.limits.limit import COVARIANCE_UNIT, Family, Limit, Measure, whole_coefficients
from riskdesk_assets.risk_model.covariance import Covariance


def mandate_limits(
    config: Config,
    portfolio: PortfolioConfig,
    facts: SessionFacts,
    *,
    adv: Mapping[str, float],
    covariance: Covariance,
    has_book: bool,
) -> tuple[Limit, ...]:
    """The limits of one mandate on one session, in a fixed order; where two bound one quantity the tighter one stays.

    What this universe or this session does not know (a sector, a factor, every class) has no limit; a name without a class is
    soft where others have one.

    Args:
        config: the universe, and the nav of a mandate without its own.
        portfolio: limits as fractions of its own nav.
        facts: the session's exposures, fragility classes and scenarios.
        adv: adv_20 in dollars per symbol; of a name without one nothing may be traded.
        covariance: of daily returns; the volatility limit is over its names.
        has_book: whether there is a book of yesterday, which turnover is counted from.
    """
    nav = config.desk.nav if portfolio.nav is None else portfolio.nav
    written = f"portfolios.{portfolio.portfolio_id}"
    names = config.universe.tradable
    facts = facts.of(names)
    found: list[Limit] = []

    def add(name: str, family: Family, measure: Measure, members: tuple[str, ...], value: float | None, field: str) -> None:
        if value is not None:
            found.append(Limit(name, family, measure, members, fraction_of_nav_ticks(value, nav), f"{written}.{field}"))

    if has_book:
        add("turnover", Family.TURNOVER, Measure.TRADED, names, portfolio.turnover_limit, "turnover_limit")
    found.extend(_liquidity(portfolio, names, adv, written))
    for symbol in names:
        value = portfolio.per_instrument_max_weight
        add(f"name:{symbol}", Family.NAME_GROSS, Measure.NAME_GROSS, (symbol,), value, "per_instrument_max_weight")
    add("leverage", Family.PORTFOLIO_GROSS, Measure.GROSS, names, portfolio.leverage_limit, "leverage_limit")
    add("gross", Family.PORTFOLIO_GROSS, Measure.GROSS, names, portfolio.gross_exposure_limit, "gross_exposure_limit")
    add("net", Family.PORTFOLIO_NET, Measure.NET, names, portfolio.net_exposure_limit, "net_exposure_limit")
    found.extend(set_limits(portfolio, config.universe, nav))
    for factor, value in sorted(portfolio.factor_limits.items()):
        if factor in facts.factors:
            bound = fraction_of_nav_ticks(value, nav)
            found.append(factor_limit(f"factor:{factor}", facts.exposures[factor], bound, f"{written}.factor_limits.{factor}"))
    if facts.fragility_classes and portfolio.fragility_exposure_limit is not None:
        bound = fraction_of_nav_ticks(portfolio.fragility_exposure_limit, nav)
        source = f"{written}.fragility_exposure_limit"
        found.append(fragility_limit("fragility", facts.soft_names(portfolio, names), bound, source))
    if portfolio.volatility_limit is not None and covariance.symbols:
        bound = fraction_of_nav_ticks(portfolio.volatility_limit, nav)
        found.append(_volatility_limit(covariance, bound, f"{written}.volatility_limit"))
    if portfolio.scenario_shortfall is not None and facts.scenario_returns:
        bound = fraction_of_nav_ticks(portfolio.scenario_shortfall.max, nav)
        found.append(_shortfall_limit(portfolio.scenario_shortfall, facts, bound, f"{written}.scenario_shortfall.max"))
    return tightest(found)


def _liquidity(portfolio: PortfolioConfig, names: tuple[str, ...], adv: Mapping[str, float], written: str) -> Iterator[Limit]:
    share = portfolio.adv_participation_limit
    if share is None:
        return
    for symbol in names:
        bound = fraction_of_nav_ticks(share, adv.get(symbol, 0.0))
        source = f"{written}.adv_participation_limit"
        yield Limit(f"liquidity:{symbol}", Family.LIQUIDITY, Measure.TRADED, (symbol,), bound, source)


def _volatility_limit(covariance: Covariance, bound: int, source: str) -> Limit:
    """Standard deviation of a day's P&L, with the covariance in whole COVARIANCE_UNIT, symmetric."""
    members = tuple(sorted(covariance.symbols))
    matrix = covariance.submatrix(members).tolist()
    whole = tuple(
        tuple(round(matrix[min(i, j)][max(i, j)] * COVARIANCE_UNIT) for j in range(len(members))) for i in range(len(members))
    )
    return Limit("volatility", Family.VOLATILITY, Measure.VOLATILITY, members, bound, source, coefficients=whole)


def _shortfall_limit(written: ShortfallLimit, facts: SessionFacts, bound: int, source: str) -> Limit:
    """Mean loss of the worst (1 - level) of the scenarios, rounded down to a whole number of them and at least one."""
    scenarios = dict(sorted(facts.scenario_returns.items()))
    members = tuple(sorted({symbol for returns in scenarios.values() for symbol in returns}))
    rows = tuple(whole_coefficients(returns.get(symbol, 0.0) for symbol in members) for returns in scenarios.values())
    share = (1 - Decimal(repr(written.level))) * len(rows)
    worst = max(1, int(share.to_integral_value(rounding=ROUND_FLOOR)))
    return Limit(
        "scenario_shortfall",
        Family.SCENARIO_LOSS,
        Measure.SHORTFALL,
        members,
        bound,
        source,
        coefficients=rows,
        worst=worst,
    )
