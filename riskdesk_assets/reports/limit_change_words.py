"""The limits that changed since the session before, in one line: nobody loosens one a hundredfold unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from riskdesk_assets.common.approvals import REQUIRED
from riskdesk_assets.common.words import first_few

NAMED = 3
_GENEROUS = ("LOOSENED", "REMOVED")
_ORDER = (*_GENEROUS, "ADDED", "TIGHTENED")
_TOLD_FROM = 2.0  # so many times as much, or as little, is told beside the two bounds


@dataclass(frozen=True)
class LimitChanged:
    """A row of limit_changes; bounds in ``unit``: dollars, count, fraction or class. None: there was, or is, no limit."""

    limit: str
    change: str
    unit: str
    before: float | None
    after: float | None

    @property
    def sentence(self) -> str:
        """``group $1,000,000 to $100,000,000 (100 times)``."""
        told = f"{self.limit} {_bound(self.before, self.unit, self.limit)} to {_bound(self.after, self.unit, self.limit)}"
        return f"{told} ({self._times})" if self._times else told

    @property
    def _times(self) -> str:
        if self.unit == "class" or not self.before or not self.after:
            return ""
        ratio = self.after / self.before
        return f"{ratio:,.3g} times" if ratio >= _TOLD_FROM or ratio * _TOLD_FROM <= 1 else ""


def limits_changed(rows: pl.DataFrame) -> tuple[LimitChanged, ...]:
    """Rows of limit_changes, what became more generous first, then by how far, then by name."""
    found = [_changed(row) for row in rows.iter_rows(named=True)]
    return tuple(sorted(found, key=lambda one: (_place(one.change), -_far(one), one.limit)))


def generous(changes: Sequence[LimitChanged]) -> bool:
    """Whether any limit was loosened or taken away."""
    return any(one.change in _GENEROUS for one in changes)


def limit_change_words(changes: Sequence[LimitChanged]) -> str:
    """``1 loosened: group $1,000,000 to $100,000,000 (100 times); 2 tightened: ...``; empty where nothing changed."""
    kinds: dict[str, list[LimitChanged]] = {}
    for one in changes:
        kinds.setdefault(one.change, []).append(one)
    return "; ".join(
        f"{len(found)} {kind.replace('_', ' ').lower()}: {first_few([one.sentence for one in found], NAMED)}"
        for kind, found in kinds.items()
    )


def _changed(row: Mapping[str, object]) -> LimitChanged:
    before, after = row["from_bound"], row["to_bound"]
    return LimitChanged(
        limit=str(row["limit_name"]),
        change=str(row["change"]),
        unit=str(row["unit"] or ""),
        before=before if isinstance(before, float) else None,
        after=after if isinstance(after, float) else None,
    )


def _bound(value: float | None, unit: str, limit: str) -> str:
    if value is None:
        return "none"
    if unit == "class":
        return REQUIRED[int(value)] if limit == "approval.required" and value < len(REQUIRED) else f"class {value:g}"
    return f"${value:,.0f}" if unit == "dollars" else f"{value:,.10g}"


def _place(change: str) -> int:
    return _ORDER.index(change) if change in _ORDER else len(_ORDER)


def _far(one: LimitChanged) -> float:
    """By which factor a bound moved; what has no factor comes first."""
    if not one.before or not one.after:
        return float("inf")
    return max(one.after / one.before, one.before / one.after)
