"""The base of every configuration and ticket model: strict, frozen, nothing extra, no NaN."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails


class StrictModel(BaseModel):
    """Frozen pydantic model that refuses unknown fields, NaN and infinity, and loose type conversions (but int to float)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


def details_of(error: ValidationError) -> list[ErrorDetails]:
    """The details of a validation error, whose causes let go of the frames they were raised in.

    pydantic's error is opaque to the garbage collector: a cycle through it and the traceback of a validator's ValueError is
    never freed, and would keep whatever the frames below hold, DuckDB's objects included, past the interpreter's end.
    """
    details = error.errors()
    for detail in details:
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, BaseException):
            cause.__traceback__ = None
    return details
