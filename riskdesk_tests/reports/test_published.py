"""The published book: two files that belong together, whoever is stopped while they are replaced."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.published import finish_publication, newest_source, publish_book, published_session

BEFORE, DAY, NEXT = date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2)


class StoppedError(Exception):
    """The process ends here."""


def book(session: date) -> pl.DataFrame:
    return pl.DataFrame({"as_of_date": [session], "symbol": ["JPM"], "is_cash": [False]})


def publish(data: Path, session: date) -> Path | None:
    return publish_book(data, book(session), session, f"run of {session}", "FILES")


def stands(data: Path) -> tuple[str, str]:
    """The sessions of the CSV and of the facts."""
    folder = data / "published"
    facts = json.loads((folder / "ideal_portfolio.json").read_bytes())
    return str(pl.read_csv(folder / "ideal_portfolio.csv")["as_of_date"][0]), str(facts["session"])


def stopped_before_replacing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever is about to put something in this file's place ends."""
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise StoppedError
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_the_facts_hold_the_hash_of_their_book_and_an_older_session_replaces_neither(tmp_path: Path) -> None:
    place = publish(tmp_path, DAY)
    assert place is not None
    facts = json.loads((tmp_path / "published" / "ideal_portfolio.json").read_bytes())
    assert facts["sha256"] == digest_file(place)
    assert publish(tmp_path, BEFORE) is None
    assert stands(tmp_path) == (str(DAY), str(DAY))
    assert {path.name for path in place.parent.iterdir()} == {"ideal_portfolio.csv", "ideal_portfolio.json"}


@pytest.mark.parametrize("name", ["ideal_portfolio.next.csv", "ideal_portfolio.json", "ideal_portfolio.csv"])
@pytest.mark.parametrize("later", [BEFORE, DAY, NEXT])
def test_whoever_is_stopped_at_any_step_leaves_a_pair_that_the_next_publication_makes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, later: date
) -> None:
    publish(tmp_path, DAY)
    with monkeypatch.context() as patch:
        stopped_before_replacing(name, patch)
        with pytest.raises(StoppedError):
            publish(tmp_path, NEXT)
    reached = NEXT if name == "ideal_portfolio.csv" else DAY
    assert published_session(tmp_path) == reached
    publish(tmp_path, later)
    assert stands(tmp_path) == (str(max(reached, later)),) * 2
    assert {path.name for path in (tmp_path / "published").iterdir()} == {"ideal_portfolio.csv", "ideal_portfolio.json"}


def test_a_publication_stopped_half_way_is_finished_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, DAY)
    with monkeypatch.context() as patch:
        stopped_before_replacing("ideal_portfolio.csv", patch)
        with pytest.raises(StoppedError):
            publish(tmp_path, NEXT)
    assert "publication of 2026-01-02 had been stopped half way" in finish_publication(tmp_path)
    assert stands(tmp_path) == (str(NEXT), str(NEXT))
    assert finish_publication(tmp_path) == ""


def test_a_book_that_was_changed_by_hand_is_told_and_its_session_still_counts(tmp_path: Path) -> None:
    place = publish(tmp_path, DAY)
    assert place is not None
    place.write_text("as_of_date,symbol,is_cash\n2025-12-31,BAC,false\n")
    assert finish_publication(tmp_path).startswith("ideal_portfolio.csv is not the book of 2025-12-31")
    assert publish(tmp_path, BEFORE) is None
    assert publish(tmp_path, DAY) is not None
    assert finish_publication(tmp_path) == ""


def test_a_pair_of_an_earlier_version_whose_facts_hold_no_hash_stands(tmp_path: Path) -> None:
    publish(tmp_path, DAY)
    facts = tmp_path / "published" / "ideal_portfolio.json"
    facts.write_text(json.dumps({name: value for name, value in json.loads(facts.read_bytes()).items() if name != "sha256"}))
    assert finish_publication(tmp_path) == ""
    assert publish(tmp_path, BEFORE) is None


def test_a_session_without_a_bar_has_the_source_of_the_bars_before_it(tmp_path: Path) -> None:
    """A range may hold a session that the vendor never posted: its book is of the bars before it."""
    warehouse = Warehouse(tmp_path / "desk.duckdb")
    bar = {"as_of_date": DAY, "symbol": "JPM", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "adj_close": 1.0}
    rows = TABLES["daily_bars"].frame([{**bar, "volume": 5, "source": "FILES"}])
    warehouse.write(DAY, DAY, {"daily_bars": rows})
    assert newest_source(warehouse, NEXT) == newest_source(warehouse, DAY) == "FILES"
    assert newest_source(warehouse, BEFORE) == ""
