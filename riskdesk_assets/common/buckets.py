"""The buckets capital is given to (document 002, section 2.1), and the bucket each borrows its expected return from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Bucket = Literal["Directional", "Discretionary", "Spread", "RV", "Volatility", "Systematic"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
# Section 2.1 says Directional where sections 9.3 and 9.4 say Discretionary: its expectations are the other's.
BORROWS_FROM: Mapping[Bucket, Bucket] = {"Directional": "Discretionary"}
