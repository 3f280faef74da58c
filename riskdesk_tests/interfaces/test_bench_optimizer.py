from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import threadpoolctl  # noqa: F401 - it sets a variable of the process when first imported
from click.testing import CliRunner

from riskdesk_assets.interfaces import bench_optimizer as measured
from riskdesk_assets.interfaces.bench_command import bench
from riskdesk_assets.interfaces.bench_peers import PEERS, Market, installed
from riskdesk_assets.interfaces.bench_tickets import ticket_days
from riskdesk_assets.interfaces.failures import Failure
from riskdesk_assets.optimizer.ticket_problem import solve


def test_the_bench_times_every_contender_that_is_installed_and_names_the_others() -> None:
    result = CliRunner().invoke(bench, ["optimizer", "--names", "5", "--days", "2", "--tickets", "3", "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    contenders = [measured.OURS, measured.DIRECT, measured.PLAIN]
    contenders += [name for name, module, _ in PEERS if installed(module)]
    assert [timed["name"] for timed in said["timed"]] == contenders
    assert all(timed["names"] == 5 and timed["milliseconds"] > 0 and timed["short"] <= 1e-6 for timed in said["timed"])
    assert said["missing"] == [name for name, module, _ in PEERS if not installed(module)]
    assert said["ticket_days"] == 3
    assert said["ticket_ms"] == pytest.approx(1000 * said["ticket_seconds"] / 3)


def test_the_table_says_what_was_measured_and_what_was_not() -> None:
    result = CliRunner().invoke(bench, ["optimizer", "--names", "5", "--days", "1", "--tickets", "2"])
    assert result.exit_code == 0, result.output
    assert measured.DIRECT in result.output
    assert "2 daily ticket solves" in result.output
    for name, module, _ in PEERS:
        assert (f"{name} is not installed" in result.output) is not installed(module)


def test_a_contender_with_another_optimum_ends_the_bench() -> None:
    days = measured._days(5, 2, 2)

    def wrong(given: list[Market]) -> list[object]:
        return [lambda day=day: np.full(5, 0.2) for day in given]

    with pytest.raises(Failure, match="wrong at 5 names falls"):
        measured._measured([(measured.DIRECT, measured._direct), ("wrong", wrong)], days)
    with pytest.raises(Failure, match="outside the bounds"):
        measured._value("wrong", days[0], np.full(5, 0.3))


def test_the_benchs_problem_is_no_trivial_one() -> None:
    for names, factors, _ in ((24, 5, 0), (100, 10, 0)):
        for day in measured._days(names, factors, 3):
            (solution,) = measured._compiled([day])
            w = solution()
            assert (w < 1e-6).any()
            assert ((w > 1e-4) & (w < day.cap - 1e-4)).any()
            # a book that trades nothing and one that holds all alike are both worse
            assert day.objective(w) > day.objective(day.previous) + 1e-6
            free = replace(day, cost=0.0)
            assert np.abs(measured._compiled([free])[0]() - w).max() > 1e-3


def test_ticket_days_have_the_desks_size_and_limits_that_bind() -> None:
    days = ticket_days(5)
    assert {(len(day.ticket_ids), len(day.symbols), len(day.limits)) for day in days} == {(12, 24, 92)}
    assert all(solve(day).prices for day in days)


def test_a_benchmark_day_without_an_answer_is_a_failure() -> None:
    with pytest.raises(Failure, match="no optimum"):
        measured._found(SimpleNamespace(value=None).value)
