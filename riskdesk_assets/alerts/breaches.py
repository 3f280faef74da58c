"""From the recorded results of checks to alerts: which failures are worth waking someone for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.alerts.alert import Alert


@dataclass(frozen=True)
class Evaluation:
    """One recorded result of one check for one session.

    ``at`` is the second it was recorded, ``run_id`` the run that did; the two name the record. ``measured`` and ``bound`` are
    in the limit's own unit, as text. ``hard`` is False for a warning, ``told`` True for one to be told of all the same.
    """

    asset: str
    check: str
    session: date
    passed: bool
    hard: bool
    run_id: str
    at: float
    limit: str = ""
    measured: str = ""
    bound: str = ""
    message: str = ""
    run_hash: str = ""
    told: bool = False


Newest = Callable[[Evaluation], Evaluation | None]


def breach_alerts(
    evaluations: Iterable[Evaluation], newest: Newest, newest_session: date, include_backdated: bool
) -> list[Alert]:
    """Alerts for the failures that still stand, in the order in which they were recorded.

    Args:
        evaluations: recorded results, oldest first; summaries of a range are not among them.
        newest: the latest result of the same check and session (None when there is no other).
        newest_session: the latest session the desk has computed; an older one is back-dated.
        include_backdated: tell of back-dated sessions too.
    """
    alerts: dict[str, Alert] = {}
    for evaluation in evaluations:
        if evaluation.passed or not (evaluation.hard or evaluation.told):
            continue
        if evaluation.session < newest_session and not include_backdated:
            continue
        if _is_superseded(evaluation, newest(evaluation)):
            continue
        alert = _alert(evaluation)
        alerts.setdefault(alert.key, alert)
    return list(alerts.values())


def _is_superseded(evaluation: Evaluation, latest: Evaluation | None) -> bool:
    if latest is None or (latest.run_id, latest.at) == (evaluation.run_id, evaluation.at):
        return False
    return latest.at >= evaluation.at


def _alert(evaluation: Evaluation) -> Alert:
    name = f"{evaluation.asset}/{evaluation.check}"
    lines = [evaluation.message or f"{name} failed for {evaluation.session}."]
    if not evaluation.message and evaluation.measured and evaluation.bound:
        subject = evaluation.limit or evaluation.check
        lines.append(f"{subject}: measured {evaluation.measured}, bound {evaluation.bound}.")
    if evaluation.run_hash:
        lines.append(f"Run {evaluation.run_hash}.")
    return Alert(
        key=f"check:{name}:{evaluation.session}:{evaluation.limit}:{evaluation.measured}",
        session=evaluation.session,
        title=f"{evaluation.session}: {name} failed",
        body="\n".join(lines),
    )
