"""The PM's sizing rules (document 002, sizing_rules.csv): what a strategy's capital is made of.

The file is long, ``rule,key,value``, one number a row (features X-13); a profile lays its own numbers over it in the section
``sizing`` of config/profiles/, by the names of the fields below.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.csv_file import CsvFile, read_csv
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.model import StrictModel

FILE = "sizing_rules.csv"
Bucket = Literal["Directional", "Discretionary", "Spread", "RV", "Volatility", "Systematic"]
Tier = Literal["Low", "Medium", "High", "Exceptional"]
MarketRegime = Literal["Calm", "Normal", "Event"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
TIERS: tuple[Tier, ...] = get_args(Tier)
REGIMES: tuple[MarketRegime, ...] = get_args(MarketRegime)
LONE_BUCKET: Bucket = "RV"
"""The bucket of a ticket that belongs to no strategy (methods.md section 5)."""

# More than any book, and small enough to stay exact in ticks.
_MOST = 100.0
Multiplier = Annotated[float, Field(ge=0, le=_MOST)]


class SizingRules(StrictModel):
    """Methods.md section 5. Fractions of nav where it says capital, annual fractions where it says return or risk.

    ``base_fraction``: capital of one strategy before its multipliers. ``base_size_multiplier`` per conviction tier.
    The ratio of expected return to expected risk, over ``reference_ratio``, multiplies within ``ratio_floor`` and
    ``ratio_cap``. ``kelly_fraction`` of return / risk^2 caps (None: no cap). ``max_strategy_pct`` caps one strategy (None: no
    cap). ``max_allocation_pct`` per bucket caps the sum of its strategies, and the book. ``regime_adjustment`` and
    ``correlation_penalty`` (of the mean correlation to the other strategies) only take away, so they are at most 1.
    ``expected_return_score`` and ``expected_risk_score`` say what a subjective score stands for.
    """

    base_fraction: float = Field(gt=0, le=_MOST)
    base_size_multiplier: dict[Tier, Multiplier]
    reference_ratio: float = Field(gt=0, le=_MOST)
    ratio_floor: float = Field(ge=0, le=1)
    ratio_cap: float = Field(ge=1, le=_MOST)
    kelly_fraction: float | None = Field(default=None, ge=0, le=1)
    max_strategy_pct: float | None = Field(default=None, ge=0, le=_MOST)
    max_allocation_pct: dict[Bucket, Multiplier]
    regime_adjustment: dict[MarketRegime, Annotated[float, Field(ge=0, le=1)]]
    correlation_penalty: float = Field(ge=0, le=1)
    expected_return_score: dict[str, Annotated[float, Field(ge=-1, le=2)]] = Field(default_factory=dict)
    expected_risk_score: dict[str, Annotated[float, Field(gt=0, le=5)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> SizingRules:
        for field, keys in (("base_size_multiplier", TIERS), ("max_allocation_pct", BUCKETS), ("regime_adjustment", REGIMES)):
            missing = [key for key in keys if key not in getattr(self, field)]
            if missing:
                raise ValueError(f"{field} has no value for {', '.join(missing)}")
        sizes = [self.base_size_multiplier[tier] for tier in TIERS]
        if sizes != sorted(sizes):
            raise ValueError(f"base_size_multiplier does not rise with conviction: {', '.join(map(str, sizes))}")
        return self


# Rule of the file -> field; the first four are document 002's.
RULES: Mapping[str, str] = {
    "BaseSizeMultiplier": "base_size_multiplier",
    "RegimeAdjustment": "regime_adjustment",
    "MaxAllocationPct": "max_allocation_pct",
    "KellyFraction": "kelly_fraction",
    "BaseFraction": "base_fraction",
    "ReferenceRatio": "reference_ratio",
    "RatioFloor": "ratio_floor",
    "RatioCap": "ratio_cap",
    "CorrelationPenalty": "correlation_penalty",
    "MaxStrategyPct": "max_strategy_pct",
    "ExpectedReturnScore": "expected_return_score",
    "ExpectedRiskScore": "expected_risk_score",
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "BaseSizeMultiplier": TIERS,
    "RegimeAdjustment": REGIMES,
    "MaxAllocationPct": BUCKETS,
    "ExpectedReturnScore": (),
    "ExpectedRiskScore": (),
}


def load_sizing(path: Path, overlay: strict_yaml.Document) -> SizingRules:
    """The rules of a file, with the section ``sizing`` of a profile laid over.

    Args:
        path: the CSV file.
        overlay: the profile's document.

    Raises:
        InputError: every problem, with file, line and field, what is allowed and the nearest known name.
    """
    document = sizing_document(path)
    rules = strict_yaml.validate(document, SizingRules)
    changes = (overlay.data or {}).get("sizing")
    if not changes:
        return rules
    return strict_yaml.validate_data(strict_yaml.merged(document.data, changes), SizingRules, overlay, ("sizing",))


def sizing_document(path: Path) -> strict_yaml.Document:
    """The file's rows under the fields of SizingRules, with the line of each; raises InputError as :func:`load_sizing` does."""
    found = read_csv(path, ("rule", "key", "value"))
    data, lines = _tables(found)
    return strict_yaml.Document(found.file, data, lines)


def _tables(found: CsvFile) -> tuple[dict[str, Any], dict[strict_yaml.FieldPath, int]]:
    """The rows as the fields of SizingRules, and the line of each."""
    data: dict[str, Any] = {}
    lines: dict[strict_yaml.FieldPath, int] = {(): 1}
    problems: list[Problem] = []
    for row in found.rows:
        rule, key, text = row.cells["rule"], row.cells["key"], row.cells["value"]
        problem = _wrong(found.file, row.line, rule, key, text)
        path = (RULES.get(rule, rule), key) if rule in _KEYS else (RULES.get(rule, rule),)
        if problem is None and path in lines:
            said = f"is written twice (first on line {lines[path]})"
            problem = Problem(found.file, row.line, f"{rule} {key}".strip(), said, "one row for each rule and key")
        if problem is not None:
            problems.append(problem)
            continue
        lines[path] = row.line
        lines.setdefault(path[:1], row.line)
        if rule in _KEYS:
            data.setdefault(path[0], {})[key] = float(text)
        else:
            data[path[0]] = float(text)
    if problems:
        raise InputError(problems)
    return data, lines


def _wrong(file: str, line: int, rule: str, key: str, text: str) -> Problem | None:
    if rule not in RULES:
        return Problem(file, line, "rule", f"is {rule!r}{nearest(rule, RULES)}", ", ".join(RULES))
    keys = _KEYS.get(rule)
    if keys is None and key:
        return Problem(file, line, "key", f"is {key!r}, and {rule} has no keys", "an empty cell")
    if keys and key not in keys:
        return Problem(file, line, "key", f"is {key!r}{nearest(key, keys)}", ", ".join(keys))
    if keys == () and (not key or _number(key) is not None):
        return Problem(file, line, "key", f"is {key!r}", "a word that is no number")
    if _number(text) is None:
        return Problem(file, line, "value", f"is {text!r}", "a number")
    return None


def _number(text: str) -> float | None:
    value = strict_yaml.scalar(text)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
