"""Run directories as such: whole or absent, the same again or refused, and never half of two processes' work."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.market.append_log import read_records
from riskdesk_assets.reports.run_store import MANIFEST, PUBLISH_LOG, open_run, publish

FILES = {"metrics.json": b'{"total": 1}\n', "inputs/config.json": b"{}\n", "table.parquet": b"rows"}


def manifest(table: str = "a", run_id: str = "run") -> bytes:
    content = {"run_id": run_id, "first": "2024-01-02", "last": "2024-01-03", "tables": {"table": {"rows": 1, "sha256": table}}}
    return json.dumps({**content, "files": {name: digest_bytes(raw) for name, raw in FILES.items()}}).encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = publish(tmp_path, "run", FILES, manifest())
    for path in made.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return made


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("raw", [b'{"total": 999999}\n', None])
def test_what_stands_there_is_refused_where_a_file_was_changed_or_is_gone_and_it_is_kept(
    place: Path, name: str, raw: bytes | None
) -> None:
    (place / name).unlink() if raw is None else (place / name).write_bytes(raw)
    with pytest.raises(StateError, match=rf"{name} is damaged or missing: nothing was changed"):
        publish(place.parent, "run", FILES, manifest())
    assert not (place / name).exists() if raw is None else (place / name).read_bytes() == raw
    assert len(read_records(place.parent / PUBLISH_LOG)) == 1


@pytest.mark.parametrize(("raw", "said"), [(b"{", "cannot be read"), (b"{}", "is not what was written there")])
def test_a_manifest_that_is_none_is_refused_by_name(place: Path, raw: bytes, said: str) -> None:
    (place / MANIFEST).write_bytes(raw)
    with pytest.raises(StateError, match=rf"{MANIFEST} {said}"):
        publish(place.parent, "run", FILES, manifest())


def test_other_tables_of_the_same_inputs_are_refused_by_name(place: Path) -> None:
    with pytest.raises(StateError, match="with other content in table"):
        publish(place.parent, "run", FILES, manifest("b"))


def test_files_the_manifest_does_not_know_are_found(place: Path) -> None:
    assert open_run(place.parent, "run").unknown() == ()
    (place / "inputs" / "note.txt").write_text("mine")
    assert open_run(place.parent, "run").unknown() == ("inputs/note.txt",)
    assert open_run(place.parent, "run").damaged() == ()


def test_of_two_that_publish_the_same_at_once_the_second_takes_the_directory_of_the_first(tmp_path: Path) -> None:
    rounds, crowd = 12, 4
    barrier = Barrier(crowd)

    def one(number: int) -> Path:
        barrier.wait()
        return publish(tmp_path, f"run{number}", FILES, manifest(run_id=f"run{number}"))

    with ThreadPoolExecutor(crowd) as pool:
        for number in range(rounds):
            places = [done.result() for done in [pool.submit(one, number) for _ in range(crowd)]]
            assert set(places) == {tmp_path / f"run{number}"}
            assert open_run(tmp_path, f"run{number}").damaged() == ()
    assert not list(tmp_path.glob(".building-*"))
    assert len(read_records(tmp_path / PUBLISH_LOG)) == rounds * crowd


def test_of_two_that_publish_at_once_the_one_with_other_tables_is_refused(tmp_path: Path) -> None:
    barrier = Barrier(2)

    def one(table: str) -> bool:
        barrier.wait()
        try:
            publish(tmp_path, "run", FILES, manifest(table))
        except StateError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, ("a", "b"))) == [False, True]
