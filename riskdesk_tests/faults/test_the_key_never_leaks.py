"""The main job against FMP over real HTTP, with a canary for a key: no file it leaves and no word it says holds the canary."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
import yaml
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.interfaces.cli import cli
from riskdesk_assets.market.fmp import LEGACY, STABLE_ADJUSTED
from riskdesk_tests.desk_builder import sample_bars, sample_volatility, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk
from riskdesk_tests.market.fmp_stub import INVALID_KEY, PREMIUM, raw_server, reset

CANARY = "canary5e1fKEY+/=77b0"  # with characters that a URL spells otherwise
SPELLINGS = tuple(word.encode() for word in (CANARY, quote(CANARY, safe=""), quote_plus(CANARY), "canary5e1f"))
BANKS = ("BAC", "JPM", "KEY", "RF")
TICKETS = ("jpm-bac-reversion.yaml", "key-rf-reversion.yaml")
LEGACY_ONLY = "JPM"  # the stable endpoints refuse it, the legacy one has the key in its query
FIRST, _, LAST = sessions_from(date(2026, 3, 2), 3)
COMMAND = ["--debug", "run", "--start", str(FIRST), "--end", str(LAST)]
HOW = ("answered", "refused with 401", "refused with 400", "a page with 200", "reset")


@dataclass(frozen=True)
class Ended:
    """A finished ``riskdesk --debug run`` on a desk of its own."""

    desk: DeskFolder
    code: int
    said: bytes


def small_desk(root: Path) -> DeskFolder:
    """Four banks, two tickets."""
    desk = make_desk(root)
    universe_file = desk.root / "config" / "universe.yaml"
    universe = yaml.safe_load(universe_file.read_text())
    universe["symbols"] = {name: universe["symbols"][name] for name in BANKS}
    universe_file.write_text(yaml.safe_dump(universe, sort_keys=False))
    for path in (desk.root / "tickets" / "active").iterdir():
        if path.name not in TICKETS:
            path.unlink()
    return desk


def served(request: Request) -> Response:
    """The sample market in FMP's shapes."""
    if request.path.startswith(LEGACY):
        assert request.args["apikey"] == CANARY
        symbol = request.path.rsplit("/", 1)[1]
    else:
        assert request.headers["apikey"] == CANARY
        symbol = request.args["symbol"]
    if symbol == LEGACY_ONLY and not request.path.startswith(LEGACY):
        return Response(PREMIUM, 402, content_type="text/plain")
    asked = pl.col("as_of_date").is_between(date.fromisoformat(request.args["from"]), date.fromisoformat(request.args["to"]))
    if symbol == "^VIX":
        rows = sample_volatility().filter(asked).rows(named=True)
        return answer([{"symbol": symbol, "date": str(row["as_of_date"]), "close": row["close"]} for row in rows])
    rows = sample_bars().filter(asked & (pl.col("symbol") == symbol)).rows(named=True)
    fields = ("open", "high", "low", "close", "volume")
    if request.path == STABLE_ADJUSTED:
        return answer([{"symbol": symbol, "date": str(row["as_of_date"]), "adjClose": row["adj_close"]} for row in rows])
    bars = [{"date": str(row["as_of_date"]), **{field: row[field] for field in fields}} for row in rows]
    if request.path.startswith(LEGACY):
        history = [bar | {"adjClose": row["adj_close"]} for bar, row in zip(bars, rows, strict=True)]
        return answer({"symbol": symbol, "historical": history})
    return answer([{"symbol": symbol, **bar} for bar in bars])


def answer(content: object) -> Response:
    return Response(json.dumps(content), content_type="application/json")


def refused(request: Request) -> Response:
    """401, and the body says the key back."""
    text = f"{INVALID_KEY['Error Message']} You sent apikey={CANARY}"
    return Response(json.dumps({"Error Message": text}), 401, content_type="application/json")


def page(request: Request) -> Response:
    """A proxy's page with 200 that says the key back, whole and as a URL spells it."""
    said = f"<html>blocked: {request.url}?apikey={CANARY} {quote(CANARY, safe='')}</html>"
    return Response(said, content_type="text/html")


def bad_query(request: Request) -> Response:
    """400 with a message that is passed on, and says the key back."""
    text = f"bad query: symbol=JPM&apikey={quote(CANARY, safe='')} ({CANARY})"
    return Response(json.dumps({"Error Message": text}), 400, content_type="application/json")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """A run for each way FMP may behave; the one that is answered in a process of its own, beside the others."""
    root = tmp_path_factory.mktemp("canary")
    desks = {how: small_desk(root / str(place)) for place, how in enumerate(HOW)}
    with ExitStack() as stack:
        urls = {"reset": stack.enter_context(raw_server(reset))[0]}
        for how, handler in zip(HOW, (served, refused, bad_query, page), strict=False):
            server = stack.enter_context(HTTPServer())
            server.expect_request(re.compile("/.*")).respond_with_handler(handler)
            urls[how] = server.url_for("")
        started = subprocess.Popen(
            [sys.executable, "-m", "riskdesk_assets.interfaces.cli", *COMMAND],
            cwd=ROOT,
            env=desks[HOW[0]].subprocess_environ(FMP_API_KEY=CANARY, FMP_BASE_URL=urls[HOW[0]]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        found = {how: run_here(desks[how], urls[how]) for how in HOW[1:]}
        said, _ = started.communicate(timeout=120)
        return {HOW[0]: Ended(desks[HOW[0]], started.returncode, said), **found}


def run_here(desk: DeskFolder, url: str) -> Ended:
    with desk.entered({"FMP_API_KEY": CANARY, "FMP_BASE_URL": url}):
        result = CliRunner().invoke(cli, COMMAND)
    return Ended(desk, result.exit_code, result.output.encode())


def files(desk: DeskFolder) -> list[Path]:
    """Every file a run left: warehouse, snapshots, cache, pull log, Dagster's databases and logs, alerts, run directories."""
    return [path for folder in (desk.paths.data, desk.paths.runs) for path in sorted(folder.rglob("*")) if path.is_file()]


def parquet_text(path: Path) -> bytes:
    """A Parquet file's values and metadata, which compression hides from a search of its bytes."""
    return (pl.read_parquet(path).write_csv() + repr(pl.read_parquet_metadata(path))).encode()


def test_a_run_that_is_answered_releases_books_from_fmp_bars(ended: dict[str, Ended]) -> None:
    done = ended["answered"]
    assert done.code == 0, done.said.decode()
    assert set(done.desk.warehouse.read("daily_bars")["source"]) == {"FMP"}
    assert done.desk.warehouse.read("desk_state")["released"].to_list() == [True] * 3
    pulled = [json.loads(line) for line in (done.desk.paths.cache / "pull_log.jsonl").read_text().splitlines()]
    assert {entry["symbol"] for entry in pulled if entry["endpoint"] == "legacy"} == {LEGACY_ONLY}
    assert any((done.desk.paths.runs).glob("*/manifest.json"))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("refused with 401", b"the key is refused (401)"),
        ("a page with 200", b"not whole JSON"),
        ("reset", b"the connection failed"),
    ],
)
def test_a_run_that_gets_no_prices_says_so_and_exits_1(ended: dict[str, Ended], how: str, words: bytes) -> None:
    assert ended[how].code == 1
    assert words in ended[how].said
    assert ended[how].desk.warehouse.read("desk_state").is_empty()


@pytest.mark.parametrize("how", HOW)
def test_the_key_is_in_no_file_a_run_leaves(ended: dict[str, Ended], how: str) -> None:
    left = files(ended[how].desk)
    # Dagster's own databases are among what is searched, or this would prove nothing.
    assert {path.suffix for path in left} >= {".db", ".jsonl"}, left
    leaking = []
    for path in left:
        raw = path.read_bytes() + (parquet_text(path) if path.suffix == ".parquet" else b"")
        leaking += [(path, word) for word in SPELLINGS if word in raw]
    assert not leaking


@pytest.mark.parametrize("how", HOW)
def test_the_key_is_in_no_word_a_run_says_even_with_debug(ended: dict[str, Ended], how: str) -> None:
    said = ended[how].said
    assert len(said) > 1000, "with --debug Dagster's own log comes through"
    assert not [word for word in SPELLINGS if word in said]
