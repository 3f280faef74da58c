"""Check results as Dagster records them: one evaluation per session, also when a range is computed in one run.

A single session's result is the check's own. In a range each session's result is recorded as an evaluation of its own, and
the check itself closes with a summary that never blocks: one bad session must not stop the others. Whoever acts on a session
of a range therefore asks for that session's own results (``construction.checks.hard_failures``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from dagster import AssetCheckEvaluation, AssetCheckResult, AssetCheckSeverity, AssetKey

from riskdesk_assets.common.session_check import SessionCheck


def check_events(
    asset: str, checks: Sequence[str], results: Iterable[SessionCheck], sessions: Sequence[date]
) -> Iterator[AssetCheckEvaluation | AssetCheckResult]:
    """Events for every check of an asset over the sessions of a run.

    Args:
        asset: the checked asset's key.
        checks: every check that must report, in order.
        results: at most one result per check and session; a session without one has passed.
        sessions: the sessions of the run.
    """
    by_check: Mapping[str, list[SessionCheck]] = {check: [] for check in checks}
    for result in results:
        by_check[result.check].append(result)
    for check in checks:
        if len(sessions) == 1:
            yield _single(asset, by_check[check][0] if by_check[check] else SessionCheck(check, sessions[0], passed=True))
            continue
        for result in sorted(by_check[check], key=lambda item: item.session):
            yield AssetCheckEvaluation(
                asset_key=AssetKey(asset),
                check_name=check,
                passed=result.passed,
                severity=_severity(result),
                metadata=result.metadata,
                partition=result.session.isoformat(),
            )
        failed = [result.session for result in by_check[check] if not result.passed]
        yield AssetCheckResult(
            asset_key=AssetKey(asset),
            check_name=check,
            passed=not failed,
            severity=AssetCheckSeverity.WARN,
            description=f"{len(failed)} of {len(sessions)} sessions failed",
            metadata={
                "range_summary": True,
                "sessions": len(sessions),
                "failed": len(failed),
                **({"failed_sessions": ", ".join(str(day) for day in sorted(failed)[:20])} if failed else {}),
            },
        )


def _single(asset: str, result: SessionCheck) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=AssetKey(asset),
        check_name=result.check,
        passed=result.passed,
        severity=_severity(result),
        description=result.message or None,
        metadata=result.metadata,
    )


def _severity(result: SessionCheck) -> AssetCheckSeverity:
    return AssetCheckSeverity.ERROR if result.hard else AssetCheckSeverity.WARN
