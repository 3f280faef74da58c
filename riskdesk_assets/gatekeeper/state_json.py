"""What a gatekeeper remembers, as JSON: written at every change by whoever must survive a restart, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from math import isfinite
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError, model_validator

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.model import StrictModel, details_of
from riskdesk_assets.gatekeeper.account import Account, Position
from riskdesk_assets.gatekeeper.desk_switches import Imposed, SwitchMemory, TicketHalt
from riskdesk_assets.gatekeeper.engine import ManagerState
from riskdesk_assets.gatekeeper.instruments import Instrument
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, TradingState, Trigger, VolatilityReading
from riskdesk_assets.gatekeeper.schemas import RejectionReason, RiskMetrics

ModelT = TypeVar("ModelT", bound=StrictModel)
SWITCHES, MANAGER = "kill switch state", "gatekeeper state"


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


Finite = Annotated[float, AfterValidator(_finite)]


class _Switches(StrictModel):
    equity: Finite
    equity_peak: Finite
    previous_close_equity: Finite
    day_peak: Finite
    week_start_equity: Finite
    day: date | None
    observed_at: AwareDatetime | None
    recent_confidences: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    state: TradingState
    trigger: Trigger | None
    reason: str
    by: str
    automatic: bool
    since: AwareDatetime | None
    resume_from: AwareDatetime | None


class _Position(StrictModel):
    symbol: str
    base: str
    quote: str
    units: Finite
    buying: Annotated[Finite, Field(ge=0)]
    selling: Annotated[Finite, Field(le=0)]
    average_price: Annotated[float, Field(gt=0)]
    mark: Annotated[float, Field(gt=0)]
    price: Annotated[float, Field(gt=0)]
    quote_rate: Annotated[float, Field(gt=0)]

    @model_validator(mode="before")
    @classmethod
    def _sides(cls, value: object) -> object:
        """A state written before orders were kept by side had one ``pending``, signed."""
        if not isinstance(value, dict) or type(value.get("pending")) not in (int, float):
            return value
        pending = float(value["pending"])
        rest = {name: item for name, item in value.items() if name != "pending"}
        return {**rest, "buying": max(0.0, pending), "selling": min(0.0, pending)}


class _Metrics(StrictModel):
    total_decisions: int = Field(ge=0)
    approved: int = Field(ge=0)
    adjusted: int = Field(ge=0)
    rejected: int = Field(ge=0)
    rejections: dict[RejectionReason, Annotated[int, Field(ge=0)]]
    total_units: Finite
    total_notional: Finite
    fraction_of_formula: Finite


class _Volatility(StrictModel):
    ratio: Finite
    symbol: str
    at: AwareDatetime | None
    source: str


class _Manager(StrictModel):
    positions: tuple[_Position, ...]
    realized_pnl: Finite
    switches: _Switches
    metrics: _Metrics
    volatility: _Volatility | None = None  # a state written before it was kept has none


def switch_memory_fields(memory: SwitchMemory) -> dict[str, object]:
    """What the desk's switches remember, as plain data for canonical JSON."""
    return {
        "switches": None if memory.switches is None else _switches_out(memory.switches),
        "since": _text(memory.since),
        "clear": memory.clear,
        "imposed": None if memory.imposed is None else {name: _text(value) for name, value in vars(memory.imposed).items()},
        "tickets": [{name: _text(value) for name, value in vars(item).items()} for item in memory.tickets],
    }


def switch_memory_of(raw: Mapping[str, Any]) -> SwitchMemory:
    """The memory again, equal to what was written. Raises InputError for anything else."""
    switches, imposed = raw["switches"], raw["imposed"]
    return SwitchMemory(
        None if switches is None else _switches_in(_read(TypeAdapter(_Switches), json.dumps(switches), SWITCHES)),
        None if raw["since"] is None else date.fromisoformat(raw["since"]),
        raw["clear"],
        None if imposed is None else Imposed(**{**imposed, "since": date.fromisoformat(imposed["since"])}),
        tuple(TicketHalt(**{**item, "since": date.fromisoformat(item["since"])}) for item in raw["tickets"]),
    )


def manager_to_json(state: ManagerState) -> str:
    """Canonical JSON of account, switches and statistics."""
    account, metrics = state.account, state.metrics
    positions = [
        {**position.instrument._asdict(), **{name: value for name, value in position._asdict().items() if name != "instrument"}}
        for _, position in sorted(account.positions.items())
    ]
    counted = metrics._asdict()
    counted["rejections"] = {reason.value: count for reason, count in metrics.rejections}
    return canonical_json(
        {
            "positions": positions,
            "realized_pnl": account.realized_pnl,
            "switches": _switches_out(state.switches),
            "metrics": counted,
            "volatility": _volatility_out(state.volatility),
        }
    )


def manager_from_json(text: str) -> ManagerState:
    """Account, switches and statistics again, equal to what was written. Raises InputError for any other text."""
    read = _read(TypeAdapter(_Manager), text, MANAGER)
    positions = {
        item.symbol: Position(
            Instrument(item.symbol, item.base, item.quote),
            item.units,
            item.buying,
            item.selling,
            item.average_price,
            item.mark,
            item.price,
            item.quote_rate,
        )
        for item in read.positions
    }
    if len(positions) != len(read.positions):
        raise InputError(Problem(MANAGER, None, "positions", "a symbol stands there twice"))
    counted = read.metrics.model_dump()
    counted["rejections"] = tuple(sorted(read.metrics.rejections.items()))
    volatility = None if read.volatility is None else VolatilityReading(**dict(read.volatility))
    account = Account(positions, read.realized_pnl)
    return ManagerState(account, _switches_in(read.switches), RiskMetrics(**counted), volatility)


def _volatility_out(seen: VolatilityReading | None) -> dict[str, object] | None:
    return None if seen is None else {name: _text(value) for name, value in seen._asdict().items()}


def _switches_out(state: KillSwitchState) -> dict[str, object]:
    return {item.name: _text(getattr(state, item.name)) for item in fields(KillSwitchState)}


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _switches_in(read: _Switches) -> KillSwitchState:
    stopped = read.state is not TradingState.ACTIVE
    if stopped != (read.trigger is not None) or stopped != (read.since is not None) or (read.automatic and not stopped):
        message = f"{read.state.value} does not go with its trigger and since"
        raise InputError(Problem(SWITCHES, None, "state", message))
    return KillSwitchState(**{name: getattr(read, name) for name in type(read).model_fields})


def _read(adapter: TypeAdapter[ModelT], text: str, source: str) -> ModelT:
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        problems = [Problem(source, None, ".".join(map(str, item["loc"])), item["msg"]) for item in details_of(error)]
        raise InputError(problems) from None
