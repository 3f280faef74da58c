"""strategies.csv: document 002's fields, X-11, X-12 and X-21, all of the file or nothing of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.common.strategy_names import FILE, OPTIONAL, REQUIRED
from riskdesk_assets.strategy.strategy_file import Strategy, load_strategies
from riskdesk_tests.desk_builder import desk_config, shipped_strategies, shipped_tickets

CONTRACT = (  # document 002, section 3.1
    "StrategyName",
    "Bucket",
    "SignalType",
    "Conviction",
    "ExpectedReturn",
    "ExpectedRisk",
    "RegimeFit",
    "TimeHorizon",
    "Notes",
)


def fields(**changes: str) -> dict[str, str]:
    base = {
        "StrategyName": "Twins",
        "Bucket": "RV",
        "SignalType": "flow",
        "Conviction": "High",
        "ExpectedReturn": "0.06",
        "ExpectedRisk": "0.1",
        "RegimeFit": "Calm|Normal",
        "TimeHorizon": "six weeks",
        "Notes": "why",
    }
    return base | changes


def read(tmp_path: Path, *rows: dict[str, str], raw: bytes | None = None) -> tuple[Strategy, ...]:
    path = tmp_path / FILE
    if raw is None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        raw = text.getvalue().encode()
    path.write_bytes(raw)
    return load_strategies(path, desk_config().sizing)


def refused(tmp_path: Path, *rows: dict[str, str]) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(tmp_path, *rows)
    return [str(problem).removeprefix(str(tmp_path / FILE)) for problem in caught.value.problems]


def test_the_contract_columns_come_first_and_ours_after() -> None:
    assert (*REQUIRED, *OPTIONAL)[: len(CONTRACT)] == CONTRACT
    header = (ROOT / "config" / FILE).read_text().splitlines()[0].split(",")
    assert header == [*CONTRACT, "Theme", "Catalyst", "Status"]


def test_every_field_is_read(tmp_path: Path) -> None:
    (found,) = read(tmp_path, fields(Theme="banks", Catalyst="results", Status="candidate"))
    assert found.model_dump() == {
        "strategy_name": "Twins",
        "bucket": "RV",
        "signal_type": "flow",
        "conviction": "High",
        "expected_return": 0.06,
        "expected_risk": 0.1,
        "regime_fit": ("Calm", "Normal"),
        "time_horizon": "six weeks",
        "notes": "why",
        "theme": "banks",
        "catalyst": "results",
        "status": "candidate",
    }


def test_an_absent_column_and_an_empty_cell_say_the_same(tmp_path: Path) -> None:
    short = {name: fields()[name] for name in REQUIRED}
    (absent,) = read(tmp_path, short)
    (empty,) = read(tmp_path, short | dict.fromkeys(OPTIONAL, ""))
    assert absent == empty
    assert (absent.expected_return, absent.expected_risk, absent.theme, absent.status) == (None, None, "", "active")
    assert absent.regime_fit == ("Calm", "Normal", "Event")


def test_scores_are_converted_by_the_table_of_the_sizing_rules(tmp_path: Path) -> None:
    (found,) = read(tmp_path, fields(ExpectedReturn="Medium", ExpectedRisk="High"))
    rules = desk_config().sizing
    assert found.expected_return == rules.expected_return_score["Medium"] == 0.04
    assert found.expected_risk == rules.expected_risk_score["High"] == 0.2


@pytest.mark.parametrize(("level", "tier"), [("1", "Low"), ("2", "Low"), ("3", "Medium"), ("4", "High"), ("5", "Exceptional")])
def test_a_conviction_may_be_a_level_as_on_tickets(tmp_path: Path, level: str, tier: str) -> None:
    assert read(tmp_path, fields(Conviction=level))[0].conviction == tier


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"Bucket": "Spreads"},
            ":2: Bucket: is 'Spreads'; did you mean 'Spread'? (allowed: Directional, Discretionary, Spread,",
        ),
        ({"Bucket": "rv"}, ":2: Bucket: is 'rv'; did you mean 'RV'?"),
        ({"Bucket": ""}, ":2: Bucket: is required and missing"),
        ({"SignalType": "mean reversion"}, ":2: SignalType: is 'mean reversion'; did you mean 'mean_reversion'?"),
        ({"Conviction": "high"}, ":2: Conviction: is 'high'; did you mean 'High'?"),
        ({"Conviction": "6"}, ":2: Conviction: is '6' (allowed: Low, Medium, High, Exceptional, or 1 to 5)"),
        ({"ExpectedReturn": "6%"}, ":2: ExpectedReturn: is '6%' (allowed: an annual fraction from -1 to 2"),
        ({"ExpectedReturn": "3"}, ":2: ExpectedReturn: is '3'"),
        ({"ExpectedReturn": "nan"}, ":2: ExpectedReturn: is 'nan'"),
        ({"ExpectedRisk": "0"}, ":2: ExpectedRisk: is '0' (allowed: an annual fraction above 0 to 5"),
        ({"ExpectedRisk": "Hihg"}, ":2: ExpectedRisk: is 'Hihg'; did you mean 'High'?"),
        ({"ExpectedRisk": ""}, ":2: ExpectedRisk: is empty, and ExpectedReturn is not (allowed: both, or neither)"),
        ({"ExpectedReturn": ""}, ":2: ExpectedReturn: is empty, and ExpectedRisk is not"),
        ({"RegimeFit": "Calm|Evnt"}, ":2: RegimeFit: names 'Evnt'; did you mean 'Event'?"),
        ({"RegimeFit": "Calm,Normal"}, ":2: RegimeFit: names 'Calm,Normal'"),
        ({"Status": "paused"}, ":2: Status: is 'paused' (allowed: active, candidate)"),
        ({"StrategyName": ""}, ":2: StrategyName: is required and missing"),
        ({"StrategyName": "x" * 65}, ":2: StrategyName: is "),
        ({"StrategyName": "two\nlines"}, ":2: StrategyName: holds line ends"),
        ({"Notes": "x" * 2001}, ":2: Notes: is "),
        ({"Theme": "a\x07b"}, ":2: Theme: holds characters that do not print"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line_its_column_and_what_is_allowed(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    found = refused(tmp_path, fields(**changes))
    assert len(found) == 1, found
    assert found[0].startswith(said), found


def test_one_wrong_row_spoils_the_file_and_every_problem_is_told(tmp_path: Path) -> None:
    found = refused(tmp_path, fields(), fields(StrategyName="twins", Bucket="Rates"), fields(StrategyName="c", Status="no"))
    assert [problem.split(": ")[:2] for problem in found] == [[":3", "Bucket"], [":3", "StrategyName"], [":4", "Status"]]
    assert found[1] == ":3: StrategyName: 'twins' is also the name on line 2 (allowed: a name of its own)"


def test_notes_may_run_over_lines_and_the_next_row_keeps_its_line(tmp_path: Path) -> None:
    rows = [fields(Notes="one\ntwo\nthree"), fields(StrategyName="Next", Bucket="none")]
    assert [problem.split(": ")[0] for problem in refused(tmp_path, *rows)] == [":5"]
    assert read(tmp_path, rows[0])[0].notes == "one\ntwo\nthree"


def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path) -> None:
    rows = [fields(StrategyName=name) for name in ("b", "a", "c")]
    turned = [dict(reversed(row.items())) for row in reversed(rows)]
    assert read(tmp_path, *rows) == read(tmp_path, *turned)


def test_a_header_alone_is_an_empty_library_and_an_empty_file_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, raw=",".join(REQUIRED).encode()) == ()
    with pytest.raises(InputError, match="is empty"):
        read(tmp_path, raw=b"")


def test_the_shipped_library_has_the_buckets_of_the_design_candidates_and_a_strategy_for_every_ticket() -> None:
    active = {item.strategy_name for item in shipped_strategies() if item.status == "active"}
    assert {item.bucket for item in shipped_strategies() if item.status == "active"} == {"RV", "Spread", "Systematic"}
    assert len(active) < len(shipped_strategies())
    assert {ticket.strategy for ticket in shipped_tickets()} == active
