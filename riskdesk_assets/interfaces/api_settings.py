"""What the REST gatekeeper admits and how it decides: ``config/api.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.gatekeeper.config import PRESETS, RPMConfig
from riskdesk_assets.gatekeeper.instruments import CURRENCIES

FILE = "api.yaml"


class ApiSettings(StrictModel):
    """Bounds of the server: bytes, seconds, counts; and the gatekeeper's own parameters.

    ``preset``: one of document 003's three; what ``gatekeeper`` says is laid over it. ``rates``: the account's currency per
    unit of another one.
    """

    model_config = ConfigDict(strict=True)

    allowed_hosts: list[str]
    token_min_length: int = Field(ge=16, le=4096)
    body_bytes: int = Field(ge=1024, le=1024 * 1024)
    body_seconds: float = Field(gt=0, le=300)
    header_bytes: int = Field(ge=1024, le=1024 * 1024)
    header_seconds: float = Field(gt=0, le=300)
    idle_seconds: int = Field(ge=1, le=3600)
    connections: int = Field(ge=1, le=65_536)
    waiting_writes: int = Field(ge=1, le=65_536)
    writes_per_second: float = Field(gt=0, le=1e6)
    reads_per_second: float = Field(gt=0, le=1e6)
    retry_after_seconds: int = Field(ge=1, le=3600)
    batch_entries: int = Field(ge=1, le=1024)
    journal_seconds: float = Field(gt=0, le=60)
    remembered_orders: int = Field(ge=1, le=1_000_000)
    shown_decisions: int = Field(ge=1, le=200)
    preset: Literal["conservative", "balanced", "aggressive"] = "balanced"
    gatekeeper: RPMConfig
    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)

    @field_validator("rates")
    @classmethod
    def _of_other_currencies(cls, rates: dict[str, float], seen: ValidationInfo) -> dict[str, float]:
        own = getattr(seen.data.get("gatekeeper"), "account_currency", "")
        for code in rates:
            if code not in CURRENCIES:
                raise ValueError(f"{code} is no currency of ISO 4217, such as EUR")
            if code == own:
                raise ValueError(f"{code} is the account's own currency, which is worth 1")
        return rates


def load_api_settings(config: Path) -> ApiSettings:
    """The settings of a config folder.

    Raises:
        InputError: every unusable value, with file, line, field and what is allowed.
    """
    document = strict_yaml.load(config / FILE)
    return strict_yaml.validate_data(_on_its_preset(document.data), ApiSettings, document)


def _on_its_preset(data: Any) -> Any:
    """The file's data with its gatekeeper's keys laid over those of its preset; what is wrong stays, to be told."""
    if not isinstance(data, dict):
        return {} if data is None else data
    name, changes = data.get("preset", "balanced"), data.get("gatekeeper")
    if not isinstance(name, str) or name not in PRESETS or not isinstance(changes, dict):
        return data
    return {**data, "gatekeeper": strict_yaml.merged(PRESETS[name]().model_dump(), changes)}


def checked_token(token: str | None, settings: ApiSettings) -> str | None:
    """The token writes must carry; None where none is set.

    Raises:
        InputError: it is too short, or holds what an HTTP header cannot.
    """
    if token is None or not token:
        return None
    allowed = f"at least {settings.token_min_length} printable ASCII characters without spaces"
    if len(token) < settings.token_min_length:
        raise InputError(Problem("RISKDESK_API_TOKEN", None, "", f"is {len(token)} characters long", allowed))
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InputError(Problem("RISKDESK_API_TOKEN", None, "", "holds characters that no HTTP header carries", allowed))
    return token
