"""Everything the desk is told: config/desk.yaml and limits.yaml, a profile laid over them, and the environment on top.

Numbers live in config/, not here; this module gives them types, ranges and units, and one hash of the whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.approvals import Approval
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.expected_pnl_settings import ExpectedPnlSettings
from riskdesk_assets.common.expected_returns import ExpectedReturns, load_expected_returns
from riskdesk_assets.common.feature_settings import FeatureSettings, PairHealthSettings, QualitySettings
from riskdesk_assets.common.gate_settings import GateSettings
from riskdesk_assets.common.guard_settings import GuardSettings
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.limit_members import require_known_members
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.money import MOST_NAV
from riskdesk_assets.common.policy_settings import PolicySettings
from riskdesk_assets.common.portfolio_files import portfolio_files
from riskdesk_assets.common.portfolio_scope import require_followed
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.scenarios import Scenarios
from riskdesk_assets.common.sizing import FILE as SIZING_RULES
from riskdesk_assets.common.sizing import SizingRules, load_sizing
from riskdesk_assets.common.universe import Symbol, Universe

PROFILES = ("desk", "seed", "classic")
# The most a limit in units of nav may be; the gross of a book of pairs is about 1.
MOST_OF_NAV = 10.0
ModelT = TypeVar("ModelT", bound=StrictModel)
ROOT = Path(__file__).resolve().parents[2]


class ControllerSettings(StrictModel):
    """The controller (methods.md sections 4 and 12). ``min_beta`` None: any hedge ratio may be entered.

    ``kind: policy`` lets a promoted model size positions within the baseline's limits; ``policy_model`` is its file, relative
    to the configuration folder; None: the one that training has published, DATA_DIR/models/policy/current.json.
    """

    kind: Literal["baseline", "policy"] = "baseline"
    policy_model: str | None = Field(default=None, min_length=1)
    entry_z: float = Field(ge=0)
    exit_z: float = Field(ge=0)
    min_beta: float | None
    rearm_after_breakdown: bool
    hysteresis: Literal["desk_positions", "controller"]

    @model_validator(mode="after")
    def _ordered(self) -> ControllerSettings:
        if self.exit_z > self.entry_z:
            raise ValueError(f"exit_z {self.exit_z} is above entry_z {self.entry_z}")
        return self


class BudgetSettings(StrictModel):
    """Stage 1 (its numbers are the sizing rules'); off, every ticket may use its own max_gross_notional (classic)."""

    enabled: bool


class VolTargetSettings(StrictModel):
    """Stage 3: the whole proposal is scaled toward a daily volatility, as a fraction of NAV."""

    enabled: bool
    target_daily_vol: float = Field(gt=0, lt=1)
    min_scale: float = Field(gt=0, le=1)
    max_scale: float = Field(ge=1)


class OptimizerSettings(StrictModel):
    """Stage 5. ``construction: governor`` uses the mechanical governor alone (classic)."""

    construction: Literal["optimizer", "governor"]
    tracking_bp: float = Field(ge=0)
    kappa: float = Field(ge=0)
    default_half_life: float = Field(gt=0)
    objective_scale: float = Field(gt=0)
    accept_violation_nav: float = Field(gt=0, lt=1e-3)
    covariance_window: int = Field(ge=20, le=504)
    covariance_min_coverage: float = Field(gt=0, le=1)


class RiskModelSettings(StrictModel):
    """The factor model and its alternatives (methods.md section 7). Windows and half-lives in sessions."""

    window: int = Field(ge=60, le=504)
    min_coverage: float = Field(gt=0, le=1)
    min_group_names: int = Field(ge=2)
    momentum_skip: int = Field(ge=0, le=59)
    style_clip: float = Field(gt=0)
    factor_half_life: float = Field(gt=0)
    factor_shrinkage: float = Field(ge=0, le=1)
    specific_half_life: float = Field(gt=0)
    specific_vol_floor: float = Field(gt=0, lt=1)
    max_condition: float = Field(ge=1e3, le=1e12)
    ewma_half_life: float = Field(gt=0)


class CostSettings(StrictModel):
    """Costs in basis points: of traded notional, and a year for borrow."""

    cost_bps: float = Field(ge=0)
    use_half_spread: bool
    default_half_spread_bps: float = Field(ge=0)
    default_borrow_bps: float = Field(ge=0)
    charge_borrow: bool


class CostModel(StrictModel):
    """What a research mandate pays beyond the one-way rate: ``impact`` x daily volatility x sqrt(nav / adv) x |trade|^(3/2).

    Source: Almgren, Thum, Hauptmann and Li (2005), "Direct estimation of equity market impact", with the square root.
    """

    impact: float = Field(ge=0)


class RiskReportSettings(StrictModel):
    """The risk report (methods.md section 10)."""

    var_sessions: int = Field(ge=60, le=2000)
    monte_carlo_scenarios: int = Field(ge=1000, le=200_000)
    monte_carlo_seed: int = Field(ge=0)
    monte_carlo_degrees_of_freedom: float | None = Field(default=None, gt=2)
    participation: float = Field(gt=0, le=1)
    check_window: int = Field(ge=60, le=2520)
    check_minimum: int = Field(ge=20, le=252)
    check_significance: float = Field(gt=0, lt=0.5)


class FrozenSettings(StrictModel):
    """What happens to a ticket whose leg prints no bar."""

    close_after_sessions: int = Field(ge=1)
    delisting_return: float = Field(ge=-1, le=0)


class Blackout(StrictModel):
    """Days on which a symbol takes no new entry (``symbol: null`` means every symbol)."""

    symbol: Symbol | None = None
    start: date
    end: date
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Blackout:
        if self.end < self.start:
            raise ValueError(f"blackout ends on {self.end}, before it starts on {self.start}")
        return self


class TicketSettings(StrictModel):
    """How ticket files are taken."""

    on_bad_ticket: Literal["fail_closed", "skip"]
    restricted: list[Symbol] = Field(default_factory=list)
    blackouts: list[Blackout] = Field(default_factory=list)


class AlertSettings(StrictModel):
    """Who hears of a breach. Apprise URLs come from RISKDESK_ALERT_URLS only: they hold secrets."""

    log: bool
    file: str | None
    release_deadline: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    include_backdated: bool


class Desk(StrictModel):
    """config/desk.yaml: one desk. Money in US dollars, ``nav`` static."""

    portfolio_id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    nav: float = Field(gt=0, le=MOST_NAV)
    genesis_sessions: int = Field(ge=1, le=2520)
    features: FeatureSettings
    pair_health: PairHealthSettings
    quality: QualitySettings
    budgets: BudgetSettings
    controller: ControllerSettings
    policy: PolicySettings
    vol_target: VolTargetSettings
    gatekeeper: GateSettings
    risk_model: RiskModelSettings
    optimizer: OptimizerSettings
    costs: CostSettings
    cost_models: dict[str, CostModel]
    risk_report: RiskReportSettings
    frozen: FrozenSettings
    tickets: TicketSettings
    guards: GuardSettings
    expected_pnl: ExpectedPnlSettings
    alerts: AlertSettings

    @model_validator(mode="after")
    def _within_lookback(self) -> Desk:
        if self.risk_model.window >= self.features.lookback_sessions:
            raise ValueError(
                f"risk_model.window {self.risk_model.window} needs more bars than lookback_sessions "
                f"{self.features.lookback_sessions} loads"
            )
        if self.risk_report.var_sessions >= self.features.lookback_sessions:
            raise ValueError(
                f"risk_report.var_sessions {self.risk_report.var_sessions} needs more bars than lookback_sessions "
                f"{self.features.lookback_sessions} loads"
            )
        return self


class LimitSpec(StrictModel):
    """One hard limit: its largest value, in the family's unit, and overrides per member of the family.

    ``mode: construct`` limits shape the book and gate its release; ``mode: gate`` limits only gate it: a book that breaches
    one is not released, and nothing is built toward it.
    """

    max: float = Field(ge=0)
    unit: Literal["nav", "dollars", "count"] = "nav"
    overrides: dict[str, float] = Field(default_factory=dict)
    mode: Literal["construct", "gate"] = "construct"

    @model_validator(mode="after")
    def _not_negative(self) -> LimitSpec:
        for member, bound in self.overrides.items():
            if bound < 0:
                raise ValueError(f"override {member} is {bound}: a limit is at least 0")
        return self

    @model_validator(mode="after")
    def _can_bind(self) -> LimitSpec:
        """A share of nav that no book comes near is a slip of the decimal point, 40 for 0.40: it would hold nothing back."""
        if self.unit == "nav":
            for member, bound in (("", self.max), *self.overrides.items()):
                if bound > MOST_OF_NAV:
                    raise _beyond_any_book(member, bound)
        return self


def _beyond_any_book(member: str, bound: float) -> PydanticCustomError:
    told = f"{member}: " if member else ""
    return PydanticCustomError(
        "limit",
        "{told}is {bound}, a fraction of nav that no book comes near: it would hold nothing back",
        {
            "told": told,
            "bound": f"{bound:g}",
            "field": "overrides" if member else "max",
            "allowed": f"0 to {MOST_OF_NAV:g}, such as {bound / 100:g} for {bound:g}%; null for no limit; or unit: dollars",
        },
    )


class Mandate(StrictModel):
    """The outer mandate of document 000, in dollars; the PORTFOLIO_MAX_* variables win over it."""

    max_gross_notional: float = Field(ge=0)
    max_name_gross_notional: float = Field(ge=0)


class Limits(StrictModel):
    """config/limits.yaml. A family left out (null) has no limit."""

    approval: Approval = Approval()
    mandate: Mandate
    amber_at: float = Field(gt=0, le=1)
    name_gross: LimitSpec | None = None
    symbol_net: LimitSpec | None = None
    portfolio_gross: LimitSpec | None = None
    portfolio_net: LimitSpec | None = None
    group: LimitSpec | None = None
    sector: LimitSpec | None = None
    country: LimitSpec | None = None
    currency: LimitSpec | None = None
    factor: LimitSpec | None = None
    fragility: LimitSpec | None = None
    scenario_loss: LimitSpec | None = None
    turnover: LimitSpec | None = None
    position_count: LimitSpec | None = None


class Config(StrictModel):
    """The effective configuration: what enters the hash of every run."""

    profile: Literal["desk", "seed", "classic"]
    feature_version: Literal["v1"]
    desk: Desk
    limits: Limits
    sizing: SizingRules
    universe: Universe
    portfolios: dict[str, PortfolioConfig]
    scenarios: Scenarios
    expected_returns: ExpectedReturns

    @property
    def own(self) -> PortfolioConfig:
        """The desk's own portfolio, built from tickets."""
        return self.portfolios[self.desk.portfolio_id]

    @property
    def mandates(self) -> tuple[PortfolioConfig, ...]:
        """The research mandates, by id."""
        return tuple(item for key, item in sorted(self.portfolios.items()) if item.kind != "pairs")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of everything that can change a number (alert routing, the holdings' place and who approved what cannot)."""
        content = self.model_dump(mode="json")
        content["desk"].pop("alerts")
        content["limits"]["approval"].pop("changes")
        content["desk"].pop("genesis_sessions")
        # How a policy is trained reaches a book only through the model, whose own hash enters the run.
        content["desk"].pop("policy")
        content["desk"]["guards"].pop("holdings_file")
        return digest(content)


@dataclass(frozen=True)
class Paths:
    """Where the desk reads and writes."""

    data: Path
    runs: Path
    tickets: Path
    config: Path
    universe: Path
    prices: Path | None

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.data / "riskdesk.duckdb"

    @property
    def snapshots(self) -> Path:
        """Immutable, content-addressed bars."""
        return self.data / "snapshots"

    @property
    def cache(self) -> Path:
        """Raw vendor answers."""
        return self.data / "cache"

    @property
    def drafts(self) -> Path:
        """Ticket drafts, beside the active folder."""
        return self.tickets.parent / "drafts"

    @property
    def archived(self) -> Path:
        """Tickets that are over, beside the active folder."""
        return self.tickets.parent / "archived"


def load_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Paths from DATA_DIR, RUNS_DIR, TICKETS_DIR, RISKDESK_CONFIG_DIR, UNIVERSE_FILE, PRICES_DIR, else the checkout's own."""
    config = _folder(environ, "RISKDESK_CONFIG_DIR", "config")
    universe = environ.get("UNIVERSE_FILE")
    prices = environ.get("PRICES_DIR")
    return Paths(
        data=_folder(environ, "DATA_DIR", "data"),
        runs=_folder(environ, "RUNS_DIR", "runs"),
        tickets=_folder(environ, "TICKETS_DIR", "tickets/active"),
        config=config,
        universe=Path(universe).resolve() if universe else config / "universe.yaml",
        prices=Path(prices).resolve() if prices else None,
    )


def load_config(paths: Paths, environ: Mapping[str, str] = os.environ) -> Config:
    """The effective configuration.

    Raises:
        InputError: every unusable value, with file, line, field and what is allowed.
    """
    profile = environ.get("RISKDESK_PROFILE") or "desk"
    if profile not in PROFILES:
        raise InputError(
            Problem("RISKDESK_PROFILE", None, "", f"is {profile!r}{nearest(profile, PROFILES)}", ", ".join(PROFILES))
        )
    version = environ.get("FEATURE_VERSION") or "v1"
    if version != "v1":
        raise InputError(Problem("FEATURE_VERSION", None, "", f"is {version!r}", "v1"))
    overlay = strict_yaml.load(paths.config / "profiles" / f"{profile}.yaml")
    _check_overlay(overlay)
    desk = _overlaid(strict_yaml.load(paths.config / "desk.yaml"), overlay, "desk", Desk)
    limits = _overlaid(strict_yaml.load(paths.config / "limits.yaml"), overlay, "limits", Limits)
    universe = strict_yaml.validate(strict_yaml.load(paths.universe, max_bytes=1024 * 1024), Universe)
    sizing = load_sizing(paths.config / SIZING_RULES, overlay)
    limits = limits.model_copy(update={"mandate": _mandate(limits.mandate, environ)})
    scenarios = strict_yaml.validate(strict_yaml.load(paths.config / "scenarios.yaml"), Scenarios)
    portfolios = portfolio_files(paths.config / "portfolios", overlay, desk.portfolio_id, desk.cost_models)
    config = Config(
        profile=profile,  # type: ignore[arg-type]
        feature_version=version,  # type: ignore[arg-type]
        desk=desk,
        limits=limits,
        sizing=sizing,
        universe=universe,
        portfolios=portfolios,
        scenarios=scenarios,
        expected_returns=load_expected_returns(paths.config),
    )
    require_known_members(config, paths.config)
    require_followed(config, paths.config)
    return config


def _folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    given = environ.get(variable)
    if given:
        return Path(given).resolve()
    here = Path.cwd() / default
    return here if (Path.cwd() / "config" / "desk.yaml").is_file() else ROOT / default


def _check_overlay(overlay: strict_yaml.Document) -> None:
    known = {"description", "desk", "limits", "portfolios", "sizing"}
    for key in overlay.data or {}:
        if key not in known:
            problem = Problem(
                overlay.file, overlay.line((key,)), key, f"is not a known field{nearest(key, known)}", ", ".join(known)
            )
            raise InputError(problem)


def _overlaid(base: strict_yaml.Document, overlay: strict_yaml.Document, section: str, model: type[ModelT]) -> ModelT:
    changes = (overlay.data or {}).get(section)
    base_model = strict_yaml.validate(base, model)
    if not changes:
        return base_model
    merged = strict_yaml.merged(base.data, changes)
    return strict_yaml.validate_data(merged, model, overlay, (section,))


def _mandate(mandate: Mandate, environ: Mapping[str, str]) -> Mandate:
    fields = {
        "max_gross_notional": "PORTFOLIO_MAX_GROSS_NOTIONAL",
        "max_name_gross_notional": "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL",
    }
    values = mandate.model_dump()
    for field, variable in fields.items():
        text = environ.get(variable)
        if text:
            values[field] = _dollars(variable, text)
    return Mandate(**values)


def _dollars(variable: str, text: str) -> float:
    allowed = "a number of dollars, at least 0, such as 5000000"
    try:
        value = float(text)
    except ValueError:
        raise InputError(Problem(variable, None, "", f"is {text!r}", allowed)) from None
    if not 0 <= value < float("inf"):
        raise InputError(Problem(variable, None, "", f"is {text!r}", allowed))
    return value
