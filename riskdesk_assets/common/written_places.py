"""Where a value of the effective configuration is written: the profile laid over, or the section's own file."""

from __future__ import annotations

from pathlib import Path

from riskdesk_assets.common import strict_yaml


def written_place(
    profile: str, folder: Path, path: strict_yaml.FieldPath
) -> tuple[strict_yaml.Document, strict_yaml.FieldPath]:
    """The document that writes a value, and the value's path in it.

    Args:
        profile: laid over the files.
        folder: the configuration folder.
        path: from the effective configuration's root: ``("portfolios", "bank_pairs", "markets", 0)``.
    """
    overlay = strict_yaml.load(folder / "profiles" / f"{profile}.yaml")
    if path in overlay.lines:
        return overlay, path
    if path[0] == "portfolios":
        documents = [strict_yaml.load(each) for each in sorted((folder / "portfolios").glob("*.yaml"))]
        return next(each for each in documents if each.data.get("portfolio_id") == path[1]), path[2:]
    return strict_yaml.load(folder / f"{path[0]}.yaml"), path[1:]
