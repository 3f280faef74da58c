"""Two thousand requests made from the server's own OpenAPI schema, valid and not: none is answered with a 5xx."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from riskdesk_tests.interfaces.served import TOKEN, House

CASES = 2000


@pytest.mark.slow
def test_two_thousand_cases_of_the_schema_get_no_5xx(tmp_path: Path) -> None:
    with House(tmp_path).serve(reads_per_second=1e6, writes_per_second=1e6) as served:
        schema = schemathesis.openapi.from_dict(served.get("/openapi.json").json)
        operations = [result.ok() for result in schema.get_all_operations()]
        writes = [operation for operation in operations if operation.method == "post"]
        share = -(-CASES // (2 * len(writes)))  # a read has few distinct requests: the writes alone make up the number
        seen: Counter[int] = Counter()
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                seen += answered(served.port, operation, mode, share if operation in writes else 20)
        assert sum(seen.values()) >= CASES
        assert not [status for status in seen if status >= 500], seen
        assert seen[200] > CASES / 10, seen  # valid requests are among them
        assert seen[422] > CASES / 20, seen
        assert served.journal.verify().intact


def answered(port: int, operation: object, mode: GenerationMode, most: int) -> Counter[int]:
    seen: Counter[int] = Counter()
    try:
        cases = operation.as_strategy(generation_mode=mode)  # type: ignore[attr-defined]
    except schemathesis.errors.SchemathesisError:
        return seen

    @settings(
        max_examples=most, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def ask(case: object) -> None:
        answer = case.call(  # type: ignore[attr-defined]
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}", "Host": f"127.0.0.1:{port}"}
        )
        seen[answer.status_code] += 1
        if answer.status_code >= 400:
            assert set(json.loads(answer.content)) == {"errors"}

    with suppress(Unsatisfiable):  # a read without parameters has no wrong request
        ask()
    return seen


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", 10**400, -0.0, 1e308]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("symbol", "direction", "confidence_score", "regime", "atr", "vol_percentile", "current_price", "client_order_id", "x")


def test_any_json_at_all_is_decided_or_refused(tmp_path: Path) -> None:
    with House(tmp_path).serve(writes_per_second=1e6) as served:
        seen: Counter[int] = Counter()

        @settings(max_examples=150, derandomize=True, database=None, deadline=None)
        @given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9) | JSON)
        def ask(value: object) -> None:
            answer = served.post("/process_trade", json.dumps(value).encode())
            seen[answer.status] += 1
            assert answer.status in (200, 400, 422)
            assert answer.status == 200 or answer.errors

        ask()
        assert seen[422] > 20
