"""Counters and gauges of the server in Prometheus' text format, each server with a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskdesk_assets.gatekeeper.kill_switches import TradingState, measures
from riskdesk_assets.interfaces.api_front import ROUTE
from riskdesk_assets.interfaces.api_gate import DESK, Gate

OTHER = "other"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = frozenset({"GET", "HEAD", "POST"})


class Telemetry:
    """What is counted of requests, and what is read of the account when somebody asks."""

    def __init__(self, gate: Gate) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "riskdesk_requests", "Requests by route, method and status.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "riskdesk_request_seconds", "Time to the answer.", ("route",), buckets=_BUCKETS, registry=self._registry
        )
        self._registry.register(_Account(gate))
        self._samples: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The application with every answer of it counted."""

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = perf_counter(), 0

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                route = str(scope.get(ROUTE) or getattr(scope.get("route"), "path", OTHER))
                method = scope["method"] if scope["method"] in _METHODS else OTHER
                requests, seconds = self._kept(route, method, status)
                requests.inc()
                seconds.observe(perf_counter() - began)

        return counting

    def _kept(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The two samples of a route, method and status; looked up once."""
        key = route, method, status
        found = self._samples.get(key)
        if found is None:
            found = self._samples[key] = self._requests.labels(*key), self._seconds.labels(route)
        return found

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self._registry)


class _Account(Collector):
    """The account as it is committed, at the moment of asking."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Every family with its samples."""
        gate, view = self._gate, self._gate.view
        account, seen, metrics = view.portfolio.account, measures(view.portfolio.switches), view.metrics
        for name, said, value in (
            ("equity_dollars", "Equity of the API's account.", view.portfolio.equity),
            ("gross_exposure_dollars", "Sum of |exposure|.", account.exposures.gross),
            ("net_exposure_dollars", "Sum of exposure, currency pairs left out.", account.exposures.net),
            ("open_positions", "Symbols with a filled or pending position.", len(account.positions)),
            ("drawdown_ratio", "Fraction of the equity peak lost.", seen.drawdown),
            ("daily_pnl_dollars", "Dollars since the previous close.", seen.daily_pnl),
            ("weekly_pnl_dollars", "Dollars since the previous week's last close.", seen.weekly_pnl),
            ("writes_waiting", "Writes that wait for the journal.", gate.waiting),
            ("journal_sequence", "Place of the newest journal row seen.", view.sequence),
        ):
            yield GaugeMetricFamily(f"riskdesk_{name}", said, value=value)
        state = GaugeMetricFamily("riskdesk_trading_state", "1 for the state an account is in.", labels=("account", "state"))
        desk = next((one.state for one in view.halts if one.account == DESK), TradingState.ACTIVE.value)
        for name in TradingState:
            state.add_metric(("rest", name.value), float(view.portfolio.switches.state is name))
            state.add_metric((DESK, name.value), float(desk == name.value))
        yield state
        decisions = CounterMetricFamily("riskdesk_decisions", "Decisions by status.", labels=("status",))
        for status, count in (
            ("APPROVED", metrics.approved),
            ("ADJUSTED", metrics.adjusted),
            ("REJECTED", metrics.rejected),
        ):
            decisions.add_metric((status,), count)
        yield decisions
        reasons = CounterMetricFamily("riskdesk_rejections", "Rejections by reason.", labels=("reason",))
        for reason, count in metrics.rejections:
            reasons.add_metric((reason.value,), count)
        yield reasons
        yield CounterMetricFamily("riskdesk_journal_commits", "Transactions committed.", value=gate.commits)
        yield CounterMetricFamily("riskdesk_journal_failures", "Transactions that failed.", value=gate.failed_commits)
