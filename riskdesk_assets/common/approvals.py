"""Four eyes on limits: config/limits.yaml, ``approval``: which changes of a limit need a second name, and who gave it."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common.model import StrictModel

Required = Literal["none", "loosening", "all"]
REQUIRED: tuple[Required, ...] = ("none", "loosening", "all")
"""From the laxest to the strictest."""


class ApprovedChange(StrictModel):
    """One change of one limit and the two people behind it.

    ``limit`` is the name in limit_changes (``name_gross``, ``name_gross:JPM``, ``bank_long_only.turnover_limit``, ``nav``);
    ``from`` and ``to`` are the numbers as the configuration writes them, null for a limit that was not, or is no more.
    """

    model_config = ConfigDict(populate_by_name=True)

    limit: str = Field(min_length=1)
    from_value: float | None = Field(alias="from")
    to_value: float | None = Field(alias="to")
    author: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _two_people(self) -> ApprovedChange:
        if self.author.strip().casefold() == self.approved_by.strip().casefold():
            message = f"is {self.approved_by!r}, who is also the author of the change of {self.limit}"
            raise PydanticCustomError(
                "one_person", "{said}", {"said": message, "field": "approved_by", "allowed": "another name"}
            )
        return self


class Approval(StrictModel):
    """``required``: no change needs a second name, those that loosen or remove a limit do, or all of them."""

    required: Required = "none"
    changes: tuple[ApprovedChange, ...] = ()

    def needs(self, change: str) -> bool:
        """Whether a change (ADDED, REMOVED, TIGHTENED, LOOSENED) needs a second name."""
        return self.required == "all" or (self.required == "loosening" and change in ("LOOSENED", "REMOVED"))
