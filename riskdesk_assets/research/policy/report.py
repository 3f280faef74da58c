"""The training report as one HTML file that needs nothing else: the verdict, what it rests on, and what was learned."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.common.hashing import digest
from riskdesk_assets.controllers.policy_model import PROMOTED
from riskdesk_assets.reports.page.blocks import Banner
from riskdesk_assets.research.policy.report_evidence import calibration_section, gate_section, walk_section
from riskdesk_assets.research.policy.report_model import data_section, learned_section
from riskdesk_assets.research.policy.training import Trained

SIMULATED = "SIMULATED"


def policy_page(trained: Trained) -> str:
    """The report page of a training; the same training gives the same bytes."""
    model = trained.model
    sections = [
        gate_section(trained),
        walk_section(trained),
        calibration_section(trained),
        learned_section(trained),
        data_section(trained),
    ]
    return _template().render(
        model_id=model.model_id,
        trained_through=model.trained_through.isoformat(),
        status=model.status.upper(),
        promoted=model.status == PROMOTED,
        source=model.data.source,
        source_words="a simulated market, no real prices" if model.data.source == SIMULATED else "the desk's own price source",
        banners=_banners(trained),
        sections=[section for section in sections if section is not None],
        facts=[
            ("Model", model.content_hash),
            ("Fit", model.fit_hash),
            ("Rows learned from", model.data.hash),
            ("Training set", model.data.training_set_hash),
            ("Tickets", model.data.tickets_hash),
            ("Settings", model.config_hash),
            ("Predictions", digest(_predictions(trained))),
        ],
    )


def _banners(trained: Trained) -> list[Banner]:
    failed = [item.meaning for item in trained.model.gate.criteria if not item.passed]
    if not failed:
        return [Banner("note", "Promoted", "Every criterion of the gate is met: the controller may use this model.")]
    return [
        Banner(
            "warn", "Rejected", f"The controller refuses this model, and the baseline goes on deciding: {'; '.join(failed)}."
        )
    ]


def _predictions(trained: Trained) -> list[object]:
    made = {} if trained.walk is None else trained.walk.predictions
    return [[session.isoformat(), pair, value] for (session, pair), value in sorted(made.items())]


@cache
def _template() -> Template:
    own = PackageLoader("riskdesk_assets.research.policy", "templates")
    page = PackageLoader("riskdesk_assets.reports.page", "templates")
    environment = Environment(
        loader=ChoiceLoader([own, page]), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("policy_report.html")
