"""One check's result on one session, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class SessionCheck:
    """One check's result on one session; ``measured`` and ``bound`` as text in the limit's unit; ``hard``: not a warning.

    ``told``: a warning someone is to hear of all the same. ``utilization`` is measured / bound, where there is such a ratio."""

    check: str
    session: date
    passed: bool
    message: str = ""
    limit: str = ""
    measured: str = ""
    bound: str = ""
    run_hash: str = ""
    hard: bool = True
    told: bool = False
    utilization: float | None = None

    @property
    def metadata(self) -> dict[str, str | float]:
        """What the UI shows and the alert sensor reads."""
        known: dict[str, str | float | None] = {
            "as_of_date": self.session.isoformat(),
            "limit": self.limit,
            "measured": self.measured,
            "bound": self.bound,
            "message": self.message,
            "run_hash": self.run_hash,
            "utilization": self.utilization,
            "told": "yes" if self.told else "",
        }
        return {name: value for name, value in known.items() if value or value == 0.0}
