"""The promotion gate as a check that blocks: a rejected model is never published."""

from pathlib import Path

from dagster import AssetCheckExecutionContext, AssetCheckResult, AssetCheckSeverity, asset_check

from riskdesk_assets.controllers.policy_model import PROMOTED, read_policy
from riskdesk_assets.research.policy.assets import POLICY_MODEL, latest_metadata
from riskdesk_assets.research.policy.files import MODEL

PROMOTION_GATE = "policy_promotion_gate"


# Without a session in its metadata: a rejected policy leaves the desk as it was, and wakes nobody.
@asset_check(
    name=PROMOTION_GATE,
    asset=POLICY_MODEL,
    blocking=True,
    description="The policy is better than the baseline out of sample: at the desk's costs, at stressed costs, in drawdown.",
)
def policy_promotion_gate(context: AssetCheckExecutionContext) -> AssetCheckResult:
    """The verdict the newest model carries, criterion by criterion."""
    model = read_policy(Path(latest_metadata(context, POLICY_MODEL)["directory"]) / MODEL)
    failed = [item.meaning for item in model.gate.criteria if not item.passed]
    return AssetCheckResult(
        passed=model.status == PROMOTED,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(failed) or "every criterion is met",
        metadata={
            "model_id": model.model_id,
            "message": f"policy {model.model_id} is rejected: {'; '.join(failed)}"
            if failed
            else f"{model.model_id} is promoted",
            **{item.name: item.value for item in model.gate.criteria if item.value is not None},
        },
    )
