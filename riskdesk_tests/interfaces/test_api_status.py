"""The status page and its forms: what they show, and who may use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from riskdesk_assets.common.halts import current_halts
from riskdesk_tests.interfaces.served import EXAMPLE, TOKEN, WITHIN_CAPS, House, Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with House(tmp_path).serve() as running:
        yield running


def typed(**fields: str) -> str:
    return urlencode({"account": "rest", "reason": "prices look wrong", "by": "ann", "token": TOKEN, **fields})


def test_the_page_shows_state_switches_decisions_and_positions(served: Served) -> None:
    served.post("/process_trade", WITHIN_CAPS)
    served.post("/process_trade", {**EXAMPLE, "confidence_score": 0.45})
    page = served.get("/").text
    for shown in (
        "HEALTHY",
        "Drawdown of the day",
        "EURUSD",
        "APPROVED",
        "26,666.67",
        "REJECTED",
        "CONFIDENCE",
        "no published run",
    ):
        assert shown in page


def test_opposite_orders_that_wait_are_shown_side_by_side_and_count_once(served: Served) -> None:
    for direction in (1, -1):
        assert served.post("/process_trade", {**WITHIN_CAPS, "direction": direction}).status == 200
    portfolio = served.get("/portfolio").json
    position = portfolio["positions"]["EURUSD"]  # type: ignore[index]
    assert position["pending_units"] == pytest.approx(0.0, abs=1e-6)
    assert position["pending_buy_units"] == pytest.approx(26_666.67, abs=0.01)
    assert position["pending_sell_units"] == pytest.approx(-26_666.67, abs=0.01)
    assert portfolio["gross_exposure"] == pytest.approx(29_333.33, abs=0.01)
    assert "+26,666.67 and -26,666.67" in served.get("/").text


def test_the_page_needs_nothing_from_elsewhere_and_its_one_script_carries_a_new_nonce_each_time(served: Served) -> None:
    found = []
    for _ in range(2):
        answer = served.get("/")
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
        assert nonce is not None
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce[1]}">') == 1
        assert "unsafe" not in policy
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)
        found.append(nonce[1])
    assert found[0] != found[1]


def test_a_halt_by_form_is_journaled_with_reason_and_name(served: Served) -> None:
    answer = served.form("/form/halt", typed(account="all"))
    assert (answer.status, answer.headers["location"]) == (303, "/?done=halted")
    assert {(halt.account, halt.reason, halt.by) for halt in current_halts(served.journal)} == {
        ("rest", "prices look wrong", "ann"),
        ("desk", "prices look wrong", "ann"),
    }
    page = served.get("/?done=halted").text
    assert "It is in the journal" in page
    assert "prices look wrong" in page
    assert served.form("/form/resume", typed(account="all", reason="fixed")).status == 303
    assert current_halts(served.journal) == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(served: Served, headers: dict[str, str]) -> None:
    answer = served.form("/form/halt", typed(), **headers)
    assert answer.status == 403
    assert current_halts(served.journal) == ()


def test_a_form_that_does_not_say_where_it_comes_from_is_refused(served: Served) -> None:
    raw = typed().encode()
    assert served.ask("POST", "/form/halt", raw, Content_Type="application/x-www-form-urlencoded").status == 403
    own = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    assert served.ask("POST", "/form/halt", raw, **own).status == 303


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN.upper(), "\u00e4" * 30])
def test_a_form_with_another_token_is_refused_and_keeps_what_was_typed_but_the_token(served: Served, token: str) -> None:
    answer = served.form("/form/halt", typed(token=token))
    assert answer.status == 401
    assert 'value="prices look wrong"' in answer.text
    assert TOKEN not in answer.text
    assert current_halts(served.journal) == ()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (typed(reason=" "), 422),
        (typed(reason="x" * 501), 422),
        (typed(by="a\nb"), 422),
        (typed(account="everything"), 422),
        (typed() + "&reason=twice", 400),
        (typed() + "&more=1", 400),
        ("reason=%ff%fe&token=x", 400),
        ("&".join(f"f{number}=1" for number in range(1000)), 400),
    ],
)
def test_an_unusable_form_is_refused(served: Served, body: str, status: int) -> None:
    assert served.form("/form/halt", body).status == status
    assert current_halts(served.journal) == ()


def test_what_people_type_is_shown_as_text(served: Served) -> None:
    served.post("/halt", {"reason": "<script>alert(1)</script>", "by": '"><img src=x>'})
    page = served.get("/").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    served.get("/?done=<script>")
    assert "<script>" not in served.get("/?done=%3Cscript%3E").text


def test_every_field_of_a_form_has_a_label_and_every_table_a_head(served: Served) -> None:
    class Labels(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.inside, self.bare, self.tables, self.heads = 0, [], 0, 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.inside += tag == "label"
            self.tables += tag == "table"
            self.heads += tag == "thead"
            if tag in ("input", "select") and not self.inside:
                self.bare.append(dict(attrs).get("name"))

        def handle_endtag(self, tag: str) -> None:
            self.inside -= tag == "label"

    labels = Labels()
    labels.feed(served.get("/").text)
    assert labels.bare == []
    assert labels.tables == labels.heads >= 3
