"""What the REST gatekeeper's writes take: strict, nothing extra, every bound the gatekeeper's own."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.universe import checked_symbol
from riskdesk_assets.gatekeeper.config import TapeRegime
from riskdesk_assets.gatekeeper.intent_check import LARGEST, LONGEST_ID, SMALLEST, is_order_id
from riskdesk_assets.interfaces.api_errors import RefusedError, of_problems

LONGEST_REASON = 500
LONGEST_NAME = 64
MOST_MARKS = 500
Switched = Literal["rest", "desk", "all"]
RequestT = TypeVar("RequestT", bound=BaseModel)


def _symbol(value: str) -> str:
    try:
        return checked_symbol(value)
    except ValueError:
        allowed = "capital letters, digits, '.' or '-', at most 12, and not CASH"
        raise PydanticCustomError("symbol", "is not a symbol", {"allowed": allowed}) from None


def _whole(value: object) -> object:
    if type(value) is not int:  # a Literal would take true and 1.0 for 1
        raise PydanticCustomError("whole", f"is {ascii(value)[:40]}", {"allowed": "1, -1"})
    return value


def _order_id(value: str) -> str:
    if not is_order_id(value):
        raise PydanticCustomError("order_id", "is no order id", {"allowed": f"1 to {LONGEST_ID} printable characters"})
    return value


def _said(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("said", "says nothing", {"allowed": "one line of printable text that is not empty"})
    return value.strip()


Symbol = Annotated[str, Field(max_length=12, json_schema_extra={"pattern": "^[A-Z][A-Z0-9.-]{0,11}$"}), AfterValidator(_symbol)]
OrderId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(_order_id)]
Amount = Annotated[float, Field(ge=SMALLEST, le=LARGEST)]
Units = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), AfterValidator(_said)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_said)]


class _Request(StrictModel):
    model_config = ConfigDict(strict=True)


class TradeRequest(_Request):
    """A trade intent of a signal engine (document 003)."""

    symbol: Symbol = Field(description="A share, or a pair of currencies such as EURUSD.")
    direction: Annotated[Literal[1, -1], BeforeValidator(_whole)] = Field(description="1 long, -1 short.")
    confidence_score: Fraction
    regime: TapeRegime = Field(description="The tape regime of the symbol; the market regime of the day is another axis.")
    atr: Amount = Field(description="Average true range per unit, in the quote currency.")
    vol_percentile: Fraction
    current_price: Amount = Field(description="In the quote currency.")
    realized_vol: Annotated[float, Field(ge=0, le=LARGEST)] | None = Field(
        default=None,
        description="With baseline_vol, for the volatility shock; any one unit. Without both the desk's newest session counts, "
        "where it knows the symbol.",
    )
    baseline_vol: Amount | None = Field(default=None, description="See realized_vol.")
    client_order_id: OrderId | None = Field(
        default=None, description="The same id with the same intent is answered again and changes nothing."
    )

    @model_validator(mode="after")
    def _both_volatilities(self) -> Self:
        if (self.realized_vol is None) != (self.baseline_vol is None):
            allowed = "both, or neither"
            raise PydanticCustomError("volatility", "realized_vol and baseline_vol go together", {"allowed": allowed})
        return self


class SwitchRequest(_Request):
    """A halt or a resume by hand: why, by whom, and of which account."""

    reason: Reason
    by: Name = Field(default="rest", description="Who does it.")
    account: Switched = Field(default="rest", description="The API's own account, the desk's, or both.")


class FillRequest(_Request):
    """Signed units bought or sold."""

    symbol: Symbol
    units: Units
    price: Amount
    fill_id: OrderId | None = Field(default=None, description="The same id with the same fill changes nothing again.")


class CancelRequest(_Request):
    """Signed units of an approved trade that will not be executed."""

    symbol: Symbol
    units: Units


class MarksRequest(_Request):
    """Prices of what is held, by symbol."""

    prices: dict[Symbol, Amount] = Field(min_length=1, max_length=MOST_MARKS)


def validated(values: dict[str, object], model: type[RequestT]) -> RequestT:
    """The request as its model.

    Raises:
        RefusedError: 422, one line per wrong field.
    """
    document = strict_yaml.Document("", values, {})
    try:
        return strict_yaml.validate_data(values, model, document)
    except InputError as error:
        raise RefusedError(of_problems(422, error.problems)) from None
