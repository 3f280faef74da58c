"""What a run says on a terminal beside its book."""

from __future__ import annotations

import io
from datetime import date

from rich.console import Console

from riskdesk_assets.interfaces.dagster_run import FailedCheck
from riskdesk_assets.interfaces.run_view import show_failed_checks

MEANT = "engine_decisions/constructed_as_meant"


def test_warnings_say_whose_they_are_what_the_newest_says_and_where_to_open_them() -> None:
    checks = [
        FailedCheck(MEANT, date(2026, 3, day), hard=False, message=f"{name} SOFTENED: day {day}", about=name)
        for day, name in ((2, "regional_tilt"), (3, "bank_long_only"), (4, "bank_long_only, regional_tilt"))
    ]
    checks.append(FailedCheck("bar_findings/large_return", None, hard=False, message="moved"))
    out = io.StringIO()
    show_failed_checks(Console(file=out, width=100), checks)
    assert out.getvalue().splitlines() == [
        "warning  bar_findings/large_return: 1 warning",
        "  moved",
        f"warning  {MEANT}: 3 warnings of bank_long_only, regional_tilt",
        "  bank_long_only, regional_tilt SOFTENED: day 4",
        "`riskdesk ui` keeps every warning with its reason, among the checks of its asset",
    ]
