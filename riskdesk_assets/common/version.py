"""Which code made a number: a hash of the package's own sources and of the numeric libraries' versions."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from riskdesk_assets.common.hashing import digest, digest_sources

NUMERIC_LIBRARIES = (
    "clarabel",
    "cvxpy",
    "duckdb",
    "exchange_calendars",
    "numpy",
    "polars",
    "scikit-learn",
    "scipy",
    "scs",
)


@cache
def library_versions() -> dict[str, str]:
    """Installed version of every library that can change a number."""
    return {name: version(name) for name in NUMERIC_LIBRARIES}


@cache
def code_version() -> str:
    """SHA-256 over the package's sources and the numeric libraries' versions."""
    return digest([digest_sources(Path(__file__).resolve().parents[1], (".py", ".html", ".css")), library_versions()])
