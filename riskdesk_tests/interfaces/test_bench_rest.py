"""The measurement itself: both servers answer, every halt is seen, and the surplus of an overload is told 429."""

from __future__ import annotations

from riskdesk_assets.interfaces.bench_rest import bench_rest


def test_a_short_measurement_has_every_figure_and_no_failure() -> None:
    done = bench_rest(seconds=0.5, overload=1.0)
    assert set(done.statuses) == {"200"}
    assert done.per_second > 0
    assert done.ratio == done.per_second / done.empty_per_second
    assert 0 < done.p50_ms <= done.p99_ms
    assert 0 < done.halt_idle_ms <= done.halt_idle_worst_ms
    assert done.overload is not None
    assert set(done.overload.statuses) <= {"0", "200", "429"}
    assert done.overload.statuses["200"] > 0
