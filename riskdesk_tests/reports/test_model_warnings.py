"""What the checks of the risk model reject, in a line each."""

from __future__ import annotations

from riskdesk_assets.reports.model_warnings import failed_checks


def row(name: str, outcome: str, **values: object) -> dict[str, object]:
    usual: dict[str, object] = {"portfolio_id": "desk", "exceptions": None, "statistic": None, "p_value": None}
    return {**usual, "expected": None, "message": "", "check_name": name, "outcome": outcome, **values}


def test_each_failed_check_of_the_portfolio_names_itself_its_figure_and_its_p_value_the_worst_first() -> None:
    rows = [
        row("bias_ratio", "REJECTED", statistic=1.234, p_value=0.0123, expected=1.0),
        row("traffic_light_99", "RED", exceptions=9, expected=0.6, statistic=9.0, p_value=0.0001),
        row("limit_adherence", "BREACHED", exceptions=1, expected=0.0, message="1 of 9 released books breached a limit"),
        row("kupiec_99", "OK", exceptions=1, expected=0.6, p_value=0.6),
        row("traffic_light_95", "YELLOW", exceptions=6, expected=3.0, p_value=0.1),
        row("bias_ratio", "REJECTED", statistic=9.0, p_value=0.0, portfolio_id="a mandate"),
    ]
    assert failed_checks(rows, "desk") == (
        "limit adherence BREACHED: 1 of 9 released books breached a limit",
        "traffic light 99 RED: 9 losses beyond it, 0.6 predicted, p 0.000",
        "bias ratio REJECTED: realized/predicted volatility 1.23, p 0.012",
    )


def test_nothing_failed_nothing_said() -> None:
    assert failed_checks([row("bias_ratio", "TOO_FEW")], "desk") == ()
