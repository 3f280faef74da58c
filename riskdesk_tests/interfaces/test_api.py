"""Document 003's endpoints over real HTTP: shapes, worked examples, halts, restarts, idempotent orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema_rs
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.halts import current_halts
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.trail import CHECKS
from riskdesk_assets.interfaces.api_docs import ENDPOINTS
from riskdesk_assets.interfaces.api_settings import ApiSettings, load_api_settings
from riskdesk_assets.interfaces.api_trail import decision_of
from riskdesk_tests.interfaces.served import EXAMPLE, WITHIN_CAPS, House, Served


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def served(house: House) -> Iterator[Served]:
    with house.serve() as running:
        yield running


def test_the_documents_example_is_adjusted_to_thirty_percent_of_the_symbol(served: Served) -> None:
    answer = served.post("/process_trade", EXAMPLE)
    assert answer.status == 200
    assert set(answer.json) == {"decision", "portfolio_state", "risk_metrics"}
    decision = answer.json["decision"]
    assert decision["status"] == "ADJUSTED"
    trade = decision["approved_trade"]
    assert trade["position_units"] == pytest.approx(27_272.7272727)  # 30,000 / 1.10
    assert trade["sizing"]["units"] == pytest.approx(600_000)  # 666,666.67 x 0.75 x 1.2
    assert decision["binding_constraint"] == "symbol_exposure"
    documented = ("symbol", "direction", "confidence_score", "regime", "atr")
    assert {name: trade[name] for name in documented} == {name: EXAMPLE[name] for name in documented}
    assert trade["risk_per_trade"] == trade["risk_capital"] == 1000.0


def test_the_documents_answer_belongs_to_an_atr_of_0_0225(served: Served) -> None:
    decision = served.post("/process_trade", WITHIN_CAPS).json["decision"]
    assert decision["status"] == "APPROVED"
    assert round(decision["approved_trade"]["position_units"], 2) == 26_666.67  # document 003, read as X-01
    assert decision["rejected_trade"] is None


def test_low_confidence_is_rejected_with_its_reason_and_every_check(served: Served) -> None:
    decision = served.post("/process_trade", {**EXAMPLE, "confidence_score": 0.45}).json["decision"]  # demo 6
    assert decision["status"] == "REJECTED"
    assert decision["approved_trade"] is None
    assert decision["rejected_trade"]["rejection_reason"] == "CONFIDENCE"
    outcomes = {record["name"]: record["outcome"] for record in decision["audit_trail"]}
    assert outcomes["confidence"] == "REJECT"
    assert outcomes["gross_exposure"] == "SKIPPED"
    assert all(record["sentence"] for record in decision["audit_trail"])


def test_reads_have_the_documents_shapes(served: Served) -> None:
    served.post("/process_trade", WITHIN_CAPS)
    served.post("/process_trade", {**EXAMPLE, "confidence_score": 0.45})
    health = served.get("/health").json
    assert health["health"] == "HEALTHY"
    assert health["kill_switches"]["drawdown"]["current_pct"] == 0.0
    assert health["kill_switches"]["drawdown"]["limit_pct"] == 10.0
    assert health["portfolio_state"]["daily_pnl"] == 0.0
    assert health["risk_metrics"]["approval_rate"] == 0.5  # a fraction
    portfolio = served.get("/portfolio").json
    assert portfolio["positions"]["EURUSD"]["pending_units"] == pytest.approx(26_666.67, abs=0.01)
    assert portfolio["currency_exposure"]["USD"] == pytest.approx(-29_333.33, abs=0.01)
    metrics = served.get("/metrics").json
    assert metrics["total_decisions"] == 2
    assert metrics["rejections"]["CONFIDENCE"] == 1
    config = served.get("/config").json
    assert (config["total_capital"], config["risk_per_trade"], config["max_symbol_exposure_pct"]) == (100_000.0, 0.01, 0.30)
    assert len(config["config_hash"]) == 64


def test_docs_and_the_schema_name_every_endpoint_and_the_banner_too(served: Served) -> None:
    page = served.get("/docs")
    assert page.status == 200
    assert "script" not in page.headers["content-security-policy"]
    assert "<script" not in page.text
    paths = served.get("/openapi.json").json["paths"]
    for method, path, _ in ENDPOINTS:
        if path not in ("/", "/docs"):
            assert method.lower() in paths[path]
            assert path in page.text
    assert paths["/process_trade"]["post"]["security"] == [{"token": []}]


def test_the_schema_describes_each_of_the_three_answers_and_says_which_carry_a_trade(served: Served) -> None:
    operation = served.get("/openapi.json").json["paths"]["/process_trade"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    status = schema["properties"]["decision"]["properties"]["status"]
    assert status["enum"] == ["APPROVED", "ADJUSTED", "REJECTED"]
    described = jsonschema_rs.validator_for(schema)
    found = {}
    for body in (WITHIN_CAPS, {**EXAMPLE, "symbol": "GBPUSD"}, {**EXAMPLE, "confidence_score": 0.45}):
        answer = served.post("/process_trade", body).json
        described.validate(answer)
        decision = answer["decision"]
        assert decision["may_execute"] is (decision["approved_trade"] is not None)
        found[decision["status"]] = decision["may_execute"]
    assert found == {"ADJUSTED": True, "APPROVED": True, "REJECTED": False}
    assert not described.is_valid({**answer, "decision": {**answer["decision"], "status": "MAYBE"}})
    assert "APPROVED and ADJUSTED both carry approved_trade" in operation["description"]
    assert "27,272.73" in operation["description"]
    page = served.get("/docs").text
    assert "status is APPROVED, ADJUSTED, REJECTED." in page
    assert "27,272.73" in page


def test_a_preset_of_document_003_is_chosen_in_the_file_and_overrides_lie_on_top(tmp_path: Path) -> None:
    def settings(text: str) -> ApiSettings:
        shipped = (ROOT / "config" / "api.yaml").read_text()
        assert "preset: balanced\ngatekeeper: {}\n" in shipped
        (tmp_path / "api.yaml").write_text(shipped.replace("preset: balanced\ngatekeeper: {}\n", text))
        return load_api_settings(tmp_path)

    assert settings("preset: balanced\ngatekeeper: {}\n").gatekeeper == RPMConfig()
    assert settings("gatekeeper: {}\n").gatekeeper == RPMConfig()
    assert settings("preset: aggressive\ngatekeeper: {}\n").gatekeeper.hash == RPMConfig.aggressive().hash
    careful = settings("preset: conservative\ngatekeeper:\n  max_drawdown: 0.04\n  regime_adjustments: {STRESSED: 0.1}\n")
    expected = RPMConfig.conservative().model_dump() | {"max_drawdown": 0.04}
    expected["regime_adjustments"] = {**expected["regime_adjustments"], "STRESSED": 0.1}
    assert careful.gatekeeper.model_dump() == expected
    with pytest.raises(InputError) as wrong:
        settings("preset: agressive\ngatekeeper: {}\n")
    (problem,) = wrong.value.problems
    assert (problem.file, problem.field) == (str(tmp_path / "api.yaml"), "preset")
    assert (tmp_path / "api.yaml").read_text().splitlines()[(problem.line or 0) - 1] == "preset: agressive"
    assert "did you mean 'aggressive'" in problem.message
    assert problem.allowed == "conservative, balanced, aggressive"
    with pytest.raises(InputError) as unfit:  # an override that does not go with the preset's own numbers
        settings("preset: conservative\ngatekeeper: {daily_loss_limit: 0.04}\n")
    assert "daily_loss_limit 0.04 is above weekly_loss_limit 0.03" in str(unfit.value)


def test_the_server_decides_by_the_preset_it_was_given(house: House) -> None:
    with house.serve(preset="conservative", gatekeeper=RPMConfig.conservative().model_dump()) as served:
        told = served.get("/config").json
        assert (told["preset"], told["risk_per_trade"]) == ("conservative", 0.005)
        trade = served.post("/process_trade", EXAMPLE).json["decision"]["approved_trade"]
    assert trade["position_units"] == pytest.approx(20_000 / 1.10)  # 20% of the symbol


def test_a_cross_is_decided_by_the_rates_of_the_file_and_refused_without_one(house: House) -> None:
    cross = {**EXAMPLE, "symbol": "EURGBP", "current_price": 0.85, "atr": 0.02}
    with house.serve(rates={"GBP": 1.25}) as served:
        assert served.get("/config").json["rates"] == {"GBP": 1.25}
        decision = served.post("/process_trade", cross).json["decision"]
        units = decision["approved_trade"]["position_units"]
        assert units * 0.85 * 1.25 <= 30_000 + 1e-6, "30% of the symbol, in dollars"
        assert served.post("/fills", {"symbol": "EURGBP", "units": units, "price": 0.85, "fill_id": "one"}).status == 200
        assert served.post("/marks", {"prices": {"EURGBP": 0.86}}).status == 200
        position = served.get("/portfolio").json["positions"]["EURGBP"]
        assert position["unrealized_pnl"] == pytest.approx(units * 0.01 * 1.25)
    with house.serve(rates={"GBP": 1.25}) as again:
        assert again.get("/portfolio").json["positions"]["EURGBP"] == position
    with house.serve() as bare:
        refused = bare.post("/process_trade", cross).json["decision"]
        assert refused["rejected_trade"]["rejection_reason"] == "INVALID_INPUT"
        assert "no rate leads from GBP to USD" in json.dumps(refused)


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("{GPB: 1.25}", "rates: GPB is no currency of ISO 4217"),
        ("{USD: 1.0}", "rates: USD is the account's own currency"),
        ("{GBP: 0}", "rates.GBP"),
        ("{GBP: .inf}", "rates.GBP"),
        ("{GBP: '1.25'}", "rates.GBP"),
    ],
)
def test_a_rate_that_values_nothing_is_refused_by_name(tmp_path: Path, rates: str, said: str) -> None:
    shipped = (ROOT / "config" / "api.yaml").read_text()
    assert shipped.count("\nrates: {}\n") == 1
    (tmp_path / "api.yaml").write_text(shipped.replace("\nrates: {}\n", f"\nrates: {rates}\n"))
    with pytest.raises(InputError) as wrong:
        load_api_settings(tmp_path)
    assert said in str(wrong.value)
    (problem,) = wrong.value.problems
    assert (tmp_path / "api.yaml").read_text().splitlines()[(problem.line or 0) - 1] == f"rates: {rates}"


def test_health_has_the_newest_volatility_and_whether_it_is_a_shock(served: Served) -> None:
    before = served.get("/health").json["kill_switches"]["volatility_shock"]
    assert (before["current_ratio"], before["limit_ratio"], before["triggered"]) == (None, 3.0, False)
    refused = served.post("/process_trade", {**EXAMPLE, "realized_vol": 0.31, "baseline_vol": 0.1}).json["decision"]
    assert refused["rejected_trade"]["rejection_reason"] == "VOLATILITY"
    seen = served.get("/health").json["kill_switches"]["volatility_shock"]
    assert (seen["current_ratio"], seen["triggered"], seen["symbol"]) == (pytest.approx(3.1), True, "EURUSD")


def test_a_halt_refuses_the_next_trade_and_a_resume_lets_it_pass(served: Served) -> None:
    halted = served.post("/halt", {"reason": "a test", "by": "ann"})
    assert (halted.status, halted.json["trading_state"]) == (200, "HALTED")
    assert served.get("/health").json["health"] == "HALTED"
    decision = served.post("/process_trade", EXAMPLE).json["decision"]
    assert decision["rejected_trade"]["rejection_reason"] == "MANUAL_HALT"
    resumed = served.post("/resume", {"reason": "done", "by": "ann"})
    assert (resumed.status, resumed.json["trading_state"]) == (200, "ACTIVE")  # a manual halt: at once
    assert served.post("/process_trade", EXAMPLE).json["decision"]["status"] == "ADJUSTED"


def test_a_resume_of_what_is_not_halted_is_a_conflict(served: Served) -> None:
    answer = served.post("/resume", {"reason": "why not"})
    assert answer.status == 409
    assert "not halted" in answer.errors[0]["message"]


def test_a_loss_beyond_two_percent_halts_by_itself_and_resumes_after_the_cooldown_only(served: Served) -> None:
    served.post("/process_trade", WITHIN_CAPS)
    served.post("/fills", {"symbol": "EURUSD", "units": 26_666.0, "price": 1.10})
    served.post("/marks", {"prices": {"EURUSD": 1.02}})  # 26,666 x -0.08 = -$2,133 < $-2,000 (document 003)
    health = served.get("/health").json
    assert health["health"] == "HALTED"
    assert health["kill_switches"]["trigger"] == "DAILY_LOSS"
    assert health["halts"]["rest"]["automatic"] is True
    early = served.post("/resume", {"reason": "too early"})
    assert early.status == 409
    assert early.headers["retry-after"] == "3600"  # one hour (document 003)
    served.clock.pass_(hours=1)
    assert served.post("/resume", {"reason": "looked at it"}).status == 200
    assert served.get("/health").json["health"] == "HEALTHY"
    kinds = [record.kind for record in served.journal.records(kind=("HALT", "RESUME"))]
    assert kinds == ["HALT", "RESUME"]


def test_the_desk_is_halted_through_the_api_and_its_own_account_trades_on(served: Served) -> None:
    assert served.post("/halt", {"reason": "bad prices", "by": "ann", "account": "desk"}).status == 200
    (halt,) = current_halts(served.journal)
    assert (halt.account, halt.reason, halt.by, halt.automatic) == ("desk", "bad prices", "ann", False)
    assert served.post("/process_trade", EXAMPLE).json["decision"]["status"] == "ADJUSTED"
    assert served.post("/resume", {"reason": "fixed", "by": "ann", "account": "all"}).status == 200
    assert current_halts(served.journal) == ()


def test_all_halts_and_resumes_both_accounts(served: Served) -> None:
    served.post("/halt", {"reason": "everything", "account": "all"})
    assert [halt.account for halt in current_halts(served.journal)] == ["desk", "rest"]
    served.post("/resume", {"reason": "everything", "account": "all"})
    assert current_halts(served.journal) == ()


def test_a_halt_somebody_else_writes_into_the_journal_is_obeyed(served: Served) -> None:
    from riskdesk_assets.common.halts import Halt, halt_entry

    served.journal.append([halt_entry(Halt("rest", served.clock.now, "by hand", "bob"))])
    decision = {}
    for _ in range(2):  # the first commit after it finds it, if the second-by-second look has not yet
        decision = served.post("/process_trade", {**EXAMPLE, "symbol": "GBPUSD"}).json["decision"]
    assert decision["rejected_trade"]["rejection_reason"] == "MANUAL_HALT"


def test_an_order_id_is_answered_again_and_takes_no_second_place(served: Served) -> None:
    first = served.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "one"})
    again = served.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "one"})
    assert again.json["decision"] == first.json["decision"]
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert served.get("/metrics").json["total_decisions"] == 1
    other = served.post("/process_trade", {**WITHIN_CAPS, "direction": -1, "client_order_id": "one"})
    assert other.status == 409
    assert other.errors[0]["field"] == "client_order_id"


def test_the_same_order_id_from_many_at_once_is_one_decision(served: Served) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: served.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "x"}), range(48)))
    assert {answer.status for answer in answers} == {200}
    assert len({json.dumps(answer.json["decision"], sort_keys=True) for answer in answers}) == 1
    assert served.get("/metrics").json["total_decisions"] == 1


def test_a_repeated_fill_is_one_fill(served: Served) -> None:
    fill = {"symbol": "EURUSD", "units": 1000.0, "price": 1.1, "fill_id": "f1"}
    served.post("/fills", fill)
    assert served.post("/fills", fill).headers["idempotent-replay"] == "true"
    assert served.get("/portfolio").json["positions"]["EURUSD"]["units"] == 1000.0
    assert served.post("/fills", {**fill, "units": 5.0}).status == 409


def test_a_cancel_frees_what_was_approved(served: Served) -> None:
    served.post("/process_trade", WITHIN_CAPS)
    held = served.get("/portfolio").json["positions"]["EURUSD"]["pending_units"]
    assert served.post("/cancels", {"symbol": "EURUSD", "units": held}).json["open_positions"] == 0


def test_a_restart_remembers_positions_halts_statistics_and_orders(house: House) -> None:
    with house.serve() as before:
        first = before.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "one"}).json["decision"]
        before.post("/fills", {"symbol": "EURUSD", "units": 26_666.0, "price": 1.10, "fill_id": "f"})
        before.post("/marks", {"prices": {"EURUSD": 1.02}})
        before.post("/halt", {"reason": "desk too", "by": "ann", "account": "desk"})
        expected = before.get("/health").json
    with house.serve() as after:
        found = after.get("/health").json
        again = after.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "one"})
        refill = after.post("/fills", {"symbol": "EURUSD", "units": 26_666.0, "price": 1.10, "fill_id": "f"})
        early = after.post("/resume", {"reason": "a restart is no cooldown"})
    changing = ("at", "journal_sequence")
    assert {k: v for k, v in found.items() if k not in changing} == {k: v for k, v in expected.items() if k not in changing}
    assert found["halts"]["desk"]["reason"] == "desk too"
    assert again.json["decision"] == first
    assert refill.headers["idempotent-replay"] == "true"
    assert early.status == 409


def test_two_clients_at_once_never_share_one_headroom(served: Served) -> None:
    def client(number: int) -> list[float]:
        found = []
        for trial in range(12):
            body = {**WITHIN_CAPS, "client_order_id": f"{number}-{trial}"}
            trade = served.post("/process_trade", body).json["decision"]["approved_trade"]
            found.append(0.0 if trade is None else trade["position_units"])
        return found

    with ThreadPoolExecutor(2) as threads:
        taken = sum(sum(units) for units in threads.map(client, range(2)))
    assert taken * 1.10 <= 30_000 * (1 + 1e-9)  # 30% of the symbol, whoever asks
    assert served.get("/portfolio").json["positions"]["EURUSD"]["pending_units"] == pytest.approx(taken)
    assert served.journal.verify().intact


def test_every_decision_is_in_the_journal_when_it_is_answered(served: Served) -> None:
    for number in range(5):
        answer = served.post(
            "/process_trade", {**EXAMPLE, "client_order_id": f"n{number}", "confidence_score": 0.55 + number / 10}
        )
        records = list(served.journal.records(kind="DECISION", account="rest"))
        assert [record.body["order_id"] for record in records] == [f"n{place}" for place in range(number + 1)]
        assert records[-1].body["intent"]["symbol"] == "EURUSD"
        told = decision_of(records[-1])
        assert [record.name for record in told.audit_trail] == list(CHECKS)  # every check: passed, failed or not reached
        assert told.to_dict() == answer.json["decision"]


def test_prometheus_counts_decisions_requests_and_the_state(served: Served) -> None:
    served.post("/process_trade", WITHIN_CAPS)
    served.post("/halt", {"reason": "x"})
    text = served.get("/prometheus").text
    assert 'riskdesk_decisions_total{status="APPROVED"} 1.0' in text
    assert 'riskdesk_trading_state{account="rest",state="HALTED"} 1.0' in text
    assert 'riskdesk_requests_total{method="POST",route="/process_trade",status="200"} 1.0' in text
    assert "riskdesk_equity_dollars 100000.0" in text
