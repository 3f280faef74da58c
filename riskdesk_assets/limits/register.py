"""The register: what every session was computed with: its portfolios, their configurations, and every model, by hash.

It stands in limits/ because the first thing asked of a register is which limits were in force, and because the comparison
with the session before has to come before construction. Of rooms further down it knows names and source files only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from riskdesk_assets.common.hashing import canonical_json, digest, digest_bytes, digest_file
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import library_versions
from riskdesk_assets.risk_model.estimators import EWMA, FACTOR, LEDOIT_WOLF, MODEL_VERSIONS, OAS

PORTFOLIO, LIMITS = "PORTFOLIO", "LIMITS"
_PACKAGE = Path(__file__).resolve().parents[1]
_SAMPLE = (
    "features/panel.py",
    "features/own_bars.py",
    "features/windows.py",
    "risk_model/covariance.py",
    "risk_model/estimators.py",
)
_LIMIT_SOURCES = ("limits/limit.py", "limits/catalogue.py", "limits/fact_limits.py", "limits/bucket_limits.py")
_YEAR = "common/sample_statistics.py"
_REPORT_SOURCES = (
    _YEAR,
    "features/panel.py",
    "features/own_bars.py",
    "features/windows.py",
    "risk_model/covariance.py",
    "risk_model/arguments.py",
    "risk_model/risk_contributions.py",
    "risk_model/scenario.py",
    "risk_model/tail_level.py",
    "risk_model/tail_risk.py",
    "reports/risk_inputs.py",
    "reports/risk_measures.py",
    "reports/risk_report.py",
)
_FACTOR_SOURCES = (*_SAMPLE, _YEAR, "features/name_windows.py", "risk_model/exposures.py", "risk_model/factors.py")


@dataclass(frozen=True)
class Model:
    """One model: ``settings`` are the numbers it reads, ``sources`` the files (below the package) it is made of.

    ``model_id`` is what rows carry; ``answers_to`` the words of the configuration that choose it, which end its description.
    """

    model_id: str
    kind: str
    version: str
    method: str
    answers_to: str
    settings: object
    sources: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The method in words, and the configuration's words for it."""
        return f"{self.method} Answers to {self.answers_to}."

    @property
    def content_hash(self) -> str:
        """SHA-256 of the settings, the source files and the versions of the libraries the model rests on."""
        libraries = {name: library_versions()[name] for name in self.libraries}
        return digest([self.settings, [[name, _source_hash(name)] for name in sorted(self.sources)], libraries])


def portfolios(config: Config, sessions: Sequence[date]) -> pl.DataFrame:
    """TABLES["portfolios"]: every portfolio of the configuration on each session; nav in dollars."""
    rows: list[dict[str, object]] = []
    for key, item in sorted(config.portfolios.items()):
        own = key == config.desk.portfolio_id
        metadata = {
            "nav": config.desk.nav if own else item.nav,
            "kind": item.kind,
            "research": not own,
            "risk_model_id": item.risk_model_id,
            "optimizer_type": item.optimizer_type,
            "cost_model_id": item.cost_model_id,
            "config_hash": item.hash,
        }
        rows.append(
            {
                "portfolio_id": key,
                "kind": item.kind,
                "base_currency": item.base_currency,
                "nav": metadata["nav"],
                "strategies": canonical_json(item.strategies),
                "markets": canonical_json(item.markets),
                "metadata": canonical_json(metadata),
            }
        )
    return _each_session("portfolios", rows, sessions)


def engine_configs(config: Config, sessions: Sequence[date]) -> pl.DataFrame:
    """TABLES["engine_configs"]: the PortfolioConfig of every portfolio, and, as engine LIMITS, the desk's limits with its nav
    and the caps of its buckets.

    The approvals in config/limits.yaml are no limit and stay out, but not whether they are asked for; the mandate is that of
    the environment.
    """
    rows: list[dict[str, object]] = [
        {"engine_name": PORTFOLIO, "portfolio_id": key, "config_hash": item.hash, "config": item.canonical}
        for key, item in sorted(config.portfolios.items())
    ]
    content = config.limits.model_dump(mode="json", exclude={"approval"})
    asked = config.limits.approval.required
    caps = {"bucket_caps": config.sizing.max_allocation_pct} if config.desk.budgets.enabled else {}
    limits = canonical_json({"nav": config.desk.nav, "approval_required": asked, "limits": content, **caps})
    own = config.desk.portfolio_id
    rows.append({"engine_name": LIMITS, "portfolio_id": own, "config_hash": digest_bytes(limits.encode()), "config": limits})
    return _each_session("engine_configs", rows, sessions)


def model_rows(config: Config, sessions: Sequence[date]) -> pl.DataFrame:
    """TABLES["models"]: every model of :func:`model_register` on each session."""
    rows: list[dict[str, object]] = [
        {
            "model_id": model.model_id,
            "kind": model.kind,
            "version": model.version,
            "content_hash": model.content_hash,
            "description": model.description,
        }
        for model in model_register(config)
    ]
    return _each_session("models", rows, sessions)


def model_register(config: Config) -> tuple[Model, ...]:
    """Every model a number of the desk comes from, in order of kind and id: risk models, construction, controllers, costs, and
    the risk reports.
    """
    found = (
        *_risk_models(config),
        *_construction(config),
        *_controllers(config),
        *_costs(config),
        *_risk_reports(config),
    )
    return tuple(sorted(found, key=lambda model: (model.kind, model.model_id)))


def _risk_models(config: Config) -> tuple[Model, ...]:
    settings, optimizer, names = config.desk.risk_model, config.desk.optimizer, config.universe.tradable
    described = {
        FACTOR: "Sigma = B F B' + D: market, industry groups, size and momentum, F and D by EWMA, from daily returns.",
        LEDOIT_WOLF: "Sample covariance of daily returns shrunk toward a scaled identity (Ledoit and Wolf 2004).",
        OAS: "Sample covariance of daily returns shrunk toward a scaled identity (Chen, Wiesel, Eldar and Hero 2010).",
        EWMA: "Exponentially weighted covariance of daily returns.",
    }
    window = {"window": optimizer.covariance_window, "min_coverage": optimizer.covariance_min_coverage}
    read: dict[str, object] = {
        FACTOR: [settings, names],
        LEDOIT_WOLF: [window, names],
        OAS: [{"window": settings.window, "min_coverage": settings.min_coverage}, names],
        EWMA: [
            {
                "window": settings.window,
                "min_coverage": settings.min_coverage,
                "half_life": settings.ewma_half_life,
            },
            names,
        ],
    }
    sources = {FACTOR: _FACTOR_SOURCES, LEDOIT_WOLF: _SAMPLE, OAS: _SAMPLE, EWMA: _FACTOR_SOURCES}
    return tuple(
        Model(
            model_id=version,
            kind="risk_model",
            version=version.rsplit("-", 1)[-1],
            method=described[key],
            answers_to=f"risk_model_id: {key}",
            settings=read[key],
            sources=sources[key],
            libraries=("numpy", "scikit-learn") if key == OAS else ("numpy",),
        )
        for key, version in sorted(MODEL_VERSIONS.items())
    )


def _construction(config: Config) -> tuple[Model, ...]:
    """The programs that make a book, by the model_id their rows of target_portfolios and engine_decisions carry."""
    own, optimizer = config.own, config.desk.optimizer
    found = [
        Model(
            "governor_1",
            "construction",
            "1",
            "Scales whole tickets until ticket caps, name gross and portfolio gross hold; no solver. Also builds the book "
            "where the optimizer's fails its audit.",
            "desk.optimizer.construction: governor",
            config.limits.model_dump(mode="json", exclude={"approval"}),
            (*_LIMIT_SOURCES, "limits/reach.py", "limits/governor.py"),
        )
    ]
    if optimizer.construction == "optimizer":
        found.append(
            Model(
                f"ticket_{own.optimizer_type.lower()}_{own.risk_model_id}_1",
                "construction",
                "1",
                "Share of its approved size per ticket: expected reversion less risk, cost and distance, under every limit.",
                _chosen_by(own.optimizer_type, own.risk_model_id),
                [optimizer, own, config.limits.model_dump(mode="json", exclude={"approval"}), config.desk.costs],
                (*_LIMIT_SOURCES, *_files("optimizer")),
                ("clarabel", "cvxpy", "scs"),
            )
        )
    for kind, risk_model in sorted({(mandate.optimizer_type, mandate.risk_model_id) for mandate in config.mandates}):
        members = [item for item in config.mandates if (item.optimizer_type, item.risk_model_id) == (kind, risk_model)]
        risk = "variance" if kind == "QP" else "volatility"
        found.append(
            Model(
                f"portfolio_{kind.lower()}_{risk_model}_1",
                "construction",
                "1",
                f"Weights of a research mandate: expected return less {risk}, linear and 3/2-power cost, under its limits.",
                _chosen_by(kind, risk_model),
                [members, config.desk.cost_models, optimizer.objective_scale, optimizer.accept_violation_nav],
                (*_LIMIT_SOURCES, "limits/mandate_limits.py", *_files("optimizer")),
                ("clarabel", "cvxpy", "scs"),
            )
        )
    return tuple(found)


def _chosen_by(optimizer_type: str, risk_model_id: str) -> str:
    return f"optimizer_type: {optimizer_type} with risk_model_id: {risk_model_id}"


def _controllers(config: Config) -> tuple[Model, ...]:
    """The baseline, and the learned policy where it decides; which model that rests on, each session's inputs say."""
    settings = config.desk.controller
    baseline = Model(
        "baseline-1",
        "controller",
        "1",
        "Enters a pair at entry_z, leaves at exit_z, on a time stop, a breakdown or the ticket's expiry.",
        "desk.controller.kind: baseline",
        settings.model_dump(mode="json", exclude={"kind", "policy_model"}),
        ("controllers/baseline.py",),
    )
    if settings.kind == "baseline":
        return (baseline,)
    policy = Model(
        "policy-1",
        "controller",
        "1",
        "A promoted model's size of the reversion side: nothing, half or a full unit, within the baseline's limits.",
        "desk.controller.kind: policy",
        settings,
        tuple(f"controllers/{name}.py" for name in ("baseline", "policy", "policy_features", "policy_model")),
    )
    return (baseline, policy)


def _costs(config: Config) -> tuple[Model, ...]:
    return tuple(
        Model(
            f"cost_{name}",
            "cost",
            "1",
            "One-way cost per dollar traded and borrow a day"
            + (f", with {model.impact:g} x daily volatility x sqrt(nav / adv) x |trade|^1.5." if model.impact else "."),
            f"cost_model_id: {name}",
            [config.desk.costs, model],
            (_YEAR, "construction/inputs.py"),
        )
        for name, model in sorted(config.desk.cost_models.items())
    )


def _risk_reports(config: Config) -> tuple[Model, ...]:
    """The report on every risk model, by the model_id its rows of portfolio_risk_reports carry.

    Its covariance is the risk model's, which has a row of its own; what it says of factors is always the factor model's.
    """
    desk, names = config.desk, config.universe.tradable
    read = [desk.risk_report, desk.features.fragility, desk.risk_model.min_coverage, config.scenarios, names]
    return tuple(
        Model(
            f"risk_{version}",
            "risk_report",
            version.rsplit("-", 1)[-1],
            f"Risk report with the covariance of {version}: volatility, tails, exposures, scenarios, contributions.",
            f"risk_model_id: {key}",
            read,
            _REPORT_SOURCES,
            ("numpy",),
        )
        for key, version in sorted(MODEL_VERSIONS.items())
    )


def _each_session(table: str, rows: Sequence[dict[str, object]], sessions: Sequence[date]) -> pl.DataFrame:
    return TABLES[table].frame([{"as_of_date": session, **row} for session in sessions for row in rows])


def _files(room: str) -> tuple[str, ...]:
    return tuple(f"{room}/{path.name}" for path in sorted((_PACKAGE / room).glob("*.py")))


@cache
def _source_hash(name: str) -> str:
    return digest_file(_PACKAGE / name)
