"""The strategy library as people write it: config/strategies.csv (document 002, section 3.1), all of it or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.buckets import BUCKETS, Bucket
from riskdesk_assets.common.csv_file import MAX_BYTES, CsvFile, CsvRow, parse_csv
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.regimes import MARKET_REGIMES, MarketRegime
from riskdesk_assets.common.sizing import SizingRules, Tier
from riskdesk_assets.common.strategy_names import NAME, OPTIONAL, REQUIRED
from riskdesk_assets.common.strict_yaml import read_bytes
from riskdesk_assets.strategy.ticket import TIER_LEVELS, TIER_NAMES

SignalType = Literal["mean_reversion", "flow", "macro", "weather", "seasonal", "other"]
Status = Literal["active", "candidate"]
SIGNAL_TYPES: tuple[SignalType, ...] = get_args(SignalType)
ACTIVE: Status = "active"

_REGIME_MARK = "|"
_RETURNS, _RISKS = (-1.0, 2.0), (0.0, 5.0)


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("one_line", "holds line ends", {"allowed": "text on one line"})
    return value


def _near(value: str, known: Collection[str]) -> str:
    """The known word that differs in case alone, else the nearest."""
    alike = [word for word in known if word.casefold() == value.casefold()]
    return f"; did you mean '{alike[0]}'?" if alike else nearest(value, known)


ShortText = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]


class Strategy(StrictModel):
    """One strategy of the library (features PM-08 to PM-18).

    ``expected_return`` and ``expected_risk`` are annual fractions, both there or neither. ``regime_fit`` are the market
    regimes it takes part in, in the order Calm, Normal, Event; all three where the file says nothing. A ``candidate`` is an
    idea on paper: it has a recommended size and no capital.
    """

    model_config = ConfigDict(populate_by_name=True)

    strategy_name: Annotated[str, AfterValidator(_one_line)] = Field(alias="StrategyName", min_length=1, max_length=64)
    bucket: Bucket = Field(alias="Bucket")
    signal_type: SignalType = Field(alias="SignalType")
    conviction: Tier = Field(alias="Conviction")
    expected_return: float | None = Field(default=None, alias="ExpectedReturn")
    expected_risk: float | None = Field(default=None, alias="ExpectedRisk")
    regime_fit: tuple[MarketRegime, ...] = Field(default=MARKET_REGIMES, alias="RegimeFit")
    time_horizon: ShortText = Field(default="", alias="TimeHorizon")
    notes: str = Field(default="", alias="Notes", max_length=2000)
    theme: ShortText = Field(default="", alias="Theme")
    catalyst: ShortText = Field(default="", alias="Catalyst")
    status: Status = Field(default=ACTIVE, alias="Status")

    @field_validator("bucket", mode="before")
    @classmethod
    def _bucket(cls, value: object) -> object:
        """An unknown bucket is an error, whatever its tables would make of it (features X-11)."""
        if isinstance(value, str) and value not in BUCKETS:
            context = {"shown": repr(value)[:60], "near": _near(value, BUCKETS), "allowed": ", ".join(BUCKETS)}
            raise PydanticCustomError("bucket", "is {shown}{near}", context)
        return value

    @field_validator("conviction", mode="before")
    @classmethod
    def _tier(cls, value: object) -> object:
        """A level from 1 to 5 counts as the tier it is in (features X-21)."""
        if isinstance(value, str) and value.isascii() and value.isdecimal() and int(value) in TIER_NAMES:
            return TIER_NAMES[int(value)]
        if isinstance(value, str) and value not in TIER_LEVELS:
            allowed = f"{', '.join(TIER_LEVELS)}, or 1 to 5"
            context = {"shown": repr(value)[:60], "near": _near(value, TIER_LEVELS), "allowed": allowed}
            raise PydanticCustomError("conviction", "is {shown}{near}", context)
        return value

    @field_validator("expected_return", "expected_risk", mode="before")
    @classmethod
    def _fraction(cls, value: object, info: ValidationInfo) -> object:
        """An annual fraction, or a score that the sizing rules convert."""
        if not isinstance(value, str):
            return value
        rules: SizingRules | None = (info.context or {}).get("sizing")
        returns = info.field_name == "expected_return"
        least, most = _RETURNS if returns else _RISKS
        scores: Mapping[str, float] = {}
        if rules is not None:
            scores = rules.expected_return_score if returns else rules.expected_risk_score
        if value in scores:
            return scores[value]
        number = strict_yaml.scalar(value)
        usable = isinstance(number, int | float) and not isinstance(number, bool)
        if usable and (least < number or (returns and number == least)) and number <= most:  # type: ignore[operator]
            return float(number)  # type: ignore[arg-type]
        span = f"from {least:g}" if returns else f"above {least:g}"
        words = f", or {', '.join(scores)}" if scores else ""
        context = {
            "shown": repr(value)[:60],
            "near": _near(value, scores),
            "allowed": f"an annual fraction {span} to {most:g}, such as 0.06{words}",
        }
        raise PydanticCustomError("fraction", "is {shown}{near}", context)

    @field_validator("regime_fit", mode="before")
    @classmethod
    def _regimes(cls, value: object) -> object:
        """``Calm|Normal`` as the regimes it names, in their order; nothing means every regime."""
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(_REGIME_MARK)] if value else list(MARKET_REGIMES)
        for word in words:
            if word not in MARKET_REGIMES:
                context = {
                    "shown": repr(word)[:60],
                    "near": _near(word, MARKET_REGIMES),
                    "allowed": f"{', '.join(MARKET_REGIMES)}, parted by {_REGIME_MARK}",
                }
                raise PydanticCustomError("regime", "names {shown}{near}", context)
        return tuple(regime for regime in MARKET_REGIMES if regime in words)

    @model_validator(mode="after")
    def _return_and_risk(self) -> Strategy:
        if (self.expected_return is None) != (self.expected_risk is None):
            given, missing = ("ExpectedReturn", "ExpectedRisk")[:: 1 if self.expected_risk is None else -1]
            context = {"message": f"is empty, and {given} is not", "field": missing, "allowed": "both, or neither"}
            raise PydanticCustomError("return_and_risk", "{message}", context)
        return self

    def fits(self, regime: str | None) -> bool:
        """Whether it takes part in a market regime; while the regime is unknown, only one that fits every regime does."""
        return len(self.regime_fit) == len(MARKET_REGIMES) if regime is None else regime in self.regime_fit


def load_strategies(path: Path, sizing: SizingRules) -> tuple[Strategy, ...]:
    """Every strategy of a file, by name; a file with one problem gives none.

    Args:
        path: the CSV file; its columns are REQUIRED and OPTIONAL, in any order.
        sizing: what its scores stand for.

    Raises:
        InputError: every problem, with file, line and column, what is allowed and the nearest match.
    """
    return parse_strategies(read_bytes(path, MAX_BYTES), str(path), sizing)


def parse_strategies(raw: bytes, file: str, sizing: SizingRules) -> tuple[Strategy, ...]:
    """As :func:`load_strategies`, for a file's bytes."""
    found = parse_csv(raw, file, REQUIRED, OPTIONAL)
    strategies: list[Strategy] = []
    problems: list[Problem] = []
    for row in found.rows:
        try:
            strategies.append(_strategy(found, row, sizing))
        except InputError as error:
            problems.extend(error.problems)
    problems.extend(_repeated(found))
    if problems:
        raise InputError(sorted(problems, key=lambda item: (item.line or 0, item.field, item.message)))
    return tuple(sorted(strategies, key=lambda item: item.strategy_name))


def _strategy(found: CsvFile, row: CsvRow, sizing: SizingRules) -> Strategy:
    # An empty cell says what an absent column says (features X-12).
    given: dict[str, Any] = {name: cell for name, cell in row.cells.items() if cell}
    lines: dict[strict_yaml.FieldPath, int] = {(): row.line}
    document = strict_yaml.Document(found.file, given, lines)
    return strict_yaml.validate_data(given, Strategy, document, context={"sizing": sizing})


def _repeated(found: CsvFile) -> Sequence[Problem]:
    """One problem for each name an earlier row has too; names that differ in case alone are one name to a reader."""
    first: dict[str, CsvRow] = {}
    problems = []
    for row in found.rows:
        name = row.cells[NAME]
        earlier = first.setdefault(name.casefold(), row)
        if name and earlier is not row:
            said = f"{name!r} is also the name on line {earlier.line}"
            problems.append(Problem(found.file, row.line, NAME, said, "a name of its own"))
    return problems
