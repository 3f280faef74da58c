"""When a folder of tickets has changed for good: a change counts once two looks in a row read the same content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from riskdesk_assets.common.hashing import canonical_json, digest

KEY_HASH_DIGITS = 16


@dataclass(frozen=True)
class Observation:
    """One look at the folder.

    Attributes:
        cursor: what to hand to the next look (JSON).
        changed: files created, changed or deleted since the last settled state, sorted; a renamed file is two of them.
        run_key: set when the change has settled; never the same twice, even when an earlier state comes back.
        settling: True when something differs from the last look, so that it is too early to say.
    """

    cursor: str
    changed: tuple[str, ...]
    run_key: str | None
    settling: bool


def observe(cursor: str, current: Mapping[str, str]) -> Observation:
    """Compare the folder's files with what the cursor remembers.

    Args:
        cursor: the last observation's cursor; empty or damaged: this look is the settled state and nothing has changed.
        current: file name -> content hash, as they are now.
    """
    remembered = _remembered(cursor)
    if remembered is None:
        return Observation(_cursor(current, current, 0), (), None, settling=False)
    settled, seen, counter = remembered
    changed = tuple(sorted(name for name in {*settled, *current} if settled.get(name) != current.get(name)))
    if dict(current) != seen:
        return Observation(_cursor(settled, current, counter), changed, None, settling=True)
    if not changed:
        return Observation(_cursor(settled, current, counter), (), None, settling=False)
    # The counter makes a return to an earlier state a new key; a hash alone would be taken for a run already made.
    run_key = f"tickets-{digest(dict(current))[:KEY_HASH_DIGITS]}-{counter + 1}"
    return Observation(_cursor(current, current, counter + 1), changed, run_key, settling=False)


def _cursor(settled: Mapping[str, str], seen: Mapping[str, str], counter: int) -> str:
    return canonical_json({"settled": dict(settled), "seen": dict(seen), "counter": counter})


def _remembered(cursor: str) -> tuple[dict[str, str], dict[str, str], int] | None:
    try:
        stored = json.loads(cursor)
        return _hashes(stored["settled"]), _hashes(stored["seen"]), int(stored["counter"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _hashes(stored: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in stored.items()}
