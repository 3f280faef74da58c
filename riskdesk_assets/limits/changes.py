"""Every change of a limit since the session before: from, to, and the two people behind it (config/limits.yaml, approval)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from riskdesk_assets.common.approvals import REQUIRED, Approval, ApprovedChange
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.limits.register import LIMITS, PORTFOLIO

Kind = Literal["ADDED", "REMOVED", "TIGHTENED", "LOOSENED"]
_SINGLE = (
    "leverage_limit",
    "gross_exposure_limit",
    "net_exposure_limit",
    "per_instrument_max_weight",
    "fragility_exposure_limit",
    "turnover_limit",
    "volatility_limit",
)
_BY_MEMBER = ("sector_limits", "country_limits", "currency_limits", "group_limits", "factor_limits")


@dataclass(frozen=True)
class Bound:
    """One configured number: as ``written`` (in ``written_in``), and ``value`` in ``unit`` (dollars, count, fraction, class).

    ``generous`` says which way is looser: more for a limit, less for the level of a shortfall and for classes.
    ``source`` is the place in the configuration, ``config_hash`` that of the engine_configs row it came from, ``scope`` the
    portfolio whose limit it is ("" for the desk's).
    """

    written: float
    written_in: str
    value: float
    unit: str
    source: str
    config_hash: str
    generous: Literal[1, -1] = 1
    scope: str = ""

    def same(self, other: Bound) -> bool:
        """Whether nothing changed: the same amount, or the same share of a nav that itself changed (a row of its own)."""
        return (self.value, self.unit) == (other.value, other.unit) or (self.written, self.written_in) == (
            other.written,
            other.written_in,
        )


@dataclass(frozen=True)
class LimitChange:
    """One change of one limit; ``before`` or ``after`` is None where there was, or is, no limit."""

    limit: str
    before: Bound | None
    after: Bound | None

    @property
    def kind(self) -> Kind:
        """ADDED, REMOVED, TIGHTENED or LOOSENED; a family of limits that newly may give way has been LOOSENED."""
        known = self.after or self.before
        if known is not None and known.unit == "class" and (self.before is None or self.after is None):
            return "LOOSENED" if self.before is None else "TIGHTENED"
        if self.before is None or self.after is None:
            return "ADDED" if self.before is None else "REMOVED"
        return "LOOSENED" if (self.after.value - self.before.value) * self.after.generous > 0 else "TIGHTENED"

    @property
    def source(self) -> str:
        """Where the configuration writes it."""
        bound = self.after or self.before
        return bound.source if bound else ""

    def approval(self, approval: Approval) -> ApprovedChange | None:
        """The newest entry of approval.changes for exactly this change."""
        before = self.before.written if self.before else None
        after = self.after.written if self.after else None
        fitting = [
            entry
            for entry in approval.changes
            if (entry.limit, entry.from_value, entry.to_value) == (self.limit, before, after)
        ]
        return fitting[-1] if fitting else None

    def sentence(self) -> str:
        """``name_gross LOOSENED from 0.24 to 0.3``."""
        written = ["none" if bound is None else f"{bound.written:g}" for bound in (self.before, self.after)]
        return f"{self.limit} {self.kind} from {written[0]} to {written[1]}"


def limit_changes(previous: pl.DataFrame, current: pl.DataFrame) -> tuple[LimitChange, ...]:
    """Every limit that is not what it was, by name.

    Args:
        previous: TABLES["engine_configs"] of the session before; empty where there is none (then nothing changed).
        current: TABLES["engine_configs"] of one session.

    A mandate that is new, or gone, brings or takes its limits with it; only what stands on both sides is compared.
    """
    before, after = _bounds(previous), _bounds(current)
    both = _scopes(previous) & _scopes(current)
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        changed = not (old and new and old.same(new))
        if changed and any(bound.scope in both for bound in (old, new) if bound):
            found.append(LimitChange(name, old, new))
    return tuple(found)


def required_approval(approval: Approval, previous: pl.DataFrame) -> Approval:
    """What holds for the changes since ``previous``: the stricter of what was asked for then and now.

    Else one edit could loosen a limit and drop the second name it needs.
    """
    asked = [
        json.loads(row["config"])["approval_required"]
        for row in previous.filter(pl.col("engine_name") == LIMITS).iter_rows(named=True)
    ]
    return approval.model_copy(update={"required": max((*asked, approval.required), key=REQUIRED.index)})


def limit_change_rows(session: date, changes: tuple[LimitChange, ...], approval: Approval) -> pl.DataFrame:
    """TABLES["limit_changes"] of one session."""
    rows: list[dict[str, object]] = []
    for change in changes:
        entry = change.approval(approval)
        known = change.after or change.before
        rows.append(
            {
                "as_of_date": session,
                "limit_name": change.limit,
                "change": change.kind,
                "unit": known.unit if known else "",
                "from_bound": change.before.value if change.before else None,
                "to_bound": change.after.value if change.after else None,
                "source": change.source,
                "previous_config_hash": change.before.config_hash if change.before else None,
                "config_hash": change.after.config_hash if change.after else None,
                "author": entry.author if entry else None,
                "approved_by": entry.approved_by if entry else None,
                "reason": entry.reason if entry else None,
            }
        )
    return TABLES["limit_changes"].frame(rows)


def session_changes(config: Config, previous: pl.DataFrame, configs: pl.DataFrame, before: date) -> pl.DataFrame:
    """TABLES["limit_changes"] of a range computed with one configuration: only its first session can differ from ``before``.

    Args:
        config: the configuration of the range.
        previous: engine_configs rows of earlier sessions; those of ``before`` count.
        configs: engine_configs of the range.
        before: the session before the first.
    """
    if configs.is_empty():
        return TABLES["limit_changes"].frame([])
    first: date = configs["as_of_date"].to_list()[0]
    earlier = previous.filter(pl.col("as_of_date") == before)
    changes = limit_changes(earlier, configs.filter(pl.col("as_of_date") == first))
    return limit_change_rows(first, changes, config.limits.approval)


def _bounds(configs: pl.DataFrame) -> dict[str, Bound]:
    found: dict[str, Bound] = {}
    rows = {(row["engine_name"], row["portfolio_id"]): row for row in configs.iter_rows(named=True)}
    for (engine, portfolio_id), row in sorted(rows.items()):
        content: dict[str, Any] = json.loads(row["config"])
        if engine == LIMITS:
            found |= dict(_desk_bounds(content, row["config_hash"])) | dict(_bucket_bounds(content, row["config_hash"]))
        elif engine == PORTFOLIO:
            desk = rows.get((LIMITS, portfolio_id))
            nav = float(json.loads(desk["config"])["nav"]) if desk else float(content["nav"])
            found |= dict(_portfolio_bounds(content, nav, row["config_hash"]))
    return found


def _desk_bounds(content: Mapping[str, Any], config_hash: str) -> Iterator[tuple[str, Bound]]:
    nav, limits = float(content["nav"]), content["limits"]
    asked = float(REQUIRED.index(content["approval_required"]))
    yield "approval.required", Bound(asked, "class", asked, "class", "limits.approval.required", config_hash, -1)
    yield "nav", Bound(nav, "dollars", nav, "dollars", "desk.nav", config_hash)
    for name, value in sorted(limits["mandate"].items()):
        label = name.removeprefix("max_").removesuffix("_notional")
        yield f"mandate_{label}", Bound(value, "dollars", value, "dollars", f"limits.mandate.{name}", config_hash)
    for family, spec in sorted(limits.items()):
        if not isinstance(spec, dict) or "max" not in spec:
            continue
        written_in = str(spec["unit"])
        unit, scale = ("dollars", nav) if written_in == "nav" else (written_in, 1.0)
        for member, value in sorted({"": spec["max"], **spec["overrides"]}.items()):
            source = f"limits.{family}.overrides.{member}" if member else f"limits.{family}.max"
            bound = Bound(value, written_in, value * scale, unit, source, config_hash)
            yield f"{family}:{member}" if member else family, bound


def _bucket_bounds(content: Mapping[str, Any], config_hash: str) -> Iterator[tuple[str, Bound]]:
    nav = float(content["nav"])
    for bucket, cap in sorted(content.get("bucket_caps", {}).items()):
        source = f"sizing.max_allocation_pct.{bucket}"
        yield f"bucket:{bucket}", Bound(cap, "nav", cap * nav, "dollars", source, config_hash)


def _portfolio_bounds(content: Mapping[str, Any], nav: float, config_hash: str) -> Iterator[tuple[str, Bound]]:
    portfolio_id = str(content["portfolio_id"])

    def named(path: str, value: float, unit: str, generous: Literal[1, -1] = 1) -> tuple[str, Bound]:
        amount, told = (value * nav, "dollars") if unit == "nav" else (value, unit)
        source = f"portfolios.{portfolio_id}.{path}"
        return f"{portfolio_id}.{path}", Bound(value, unit, amount, told, source, config_hash, generous, portfolio_id)

    if content["nav"] is not None:
        yield named("nav", content["nav"], "dollars")
    for field in _SINGLE:
        if content[field] is not None:
            yield named(field, content[field], "nav")
    for field in _BY_MEMBER:
        for member, value in sorted(content[field].items()):
            yield named(f"{field}.{member}", value, "nav")
    if content["adv_participation_limit"] is not None:
        yield named("adv_participation_limit", content["adv_participation_limit"], "fraction")
    shortfall = content["scenario_shortfall"]
    if shortfall is not None:
        yield named("scenario_shortfall.max", shortfall["max"], "nav")
        yield named("scenario_shortfall.level", shortfall["level"], "fraction", -1)
    for family, place in sorted(content["softening"].items()):
        yield named(f"softening.{family}", float(place), "class", -1)


def _scopes(configs: pl.DataFrame) -> set[str]:
    """The portfolios whose limits are recorded, and "" for the desk's own."""
    engines = configs.select("engine_name", "portfolio_id").iter_rows()
    return {"" if engine == LIMITS else portfolio_id for engine, portfolio_id in engines}
