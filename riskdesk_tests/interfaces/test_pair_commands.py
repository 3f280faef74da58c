"""``riskdesk pairs``: the stored bars' best pairs, what so many tests are worth, and how earlier ones fared."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskdesk_tests.interfaces.conftest import DeskFolder


def test_the_best_pairs_come_with_every_number_and_the_caveat(built: DeskFolder) -> None:
    result = built.run("pairs", "find", "--top", "40", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["asof"], told["formation_sessions"], told["source"]) == (str(built.last), 252, "SIMULATED")
    assert told["first"] == str(built.calendar.before(built.last, 251))
    assert told["pairs_looked_at"] == told["tests"]["tests"] == 276
    assert told["tests"]["by_chance"] == pytest.approx(13.8)
    assert [row["rank"] for row in told["pairs"]] == list(range(1, 41))
    states = {row["pair_id"]: row for row in built.warehouse.read("pair_state", built.last, built.last).iter_rows(named=True)}
    same = [row for row in told["pairs"] if row["pair_id"] in states]
    assert same
    for row in same:
        assert row["zscore"] == pytest.approx(states[row["pair_id"]]["zscore"])
    known = {row["pair_id"]: row["known"] for row in told["pairs"] if row["known"]}
    assert all("reversion" in word or word == "watched" or "lag" in word or "premium" in word for word in known.values())


def test_an_earlier_date_is_ranked_from_the_same_snapshot_and_a_longer_window_gives_another_order(built: DeskFolder) -> None:
    early = json.loads(built.run("pairs", "find", "--asof", str(built.first), "--json").stdout)
    assert early["asof"] == str(built.first)
    long = json.loads(built.run("pairs", "find", "--sessions", "504", "--json").stdout)
    assert long["formation_sessions"] == 504
    assert [row["pair_id"] for row in long["pairs"]] != [row["pair_id"] for row in early["pairs"]]


def test_the_table_fits_a_terminal_and_says_how_much_to_believe(built: DeskFolder) -> None:
    result = built.run("pairs", "find", "--top", "3")
    assert result.exit_code == 0, result.output
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 100
    told = " ".join(result.stdout.split())
    assert "276 pairs were tested. 13.8 would pass at 5% by chance alone" in told
    assert "SIMULATED" in told
    assert "\x1b[" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["find", "--asof", "2026-01-24"], "2026-01-24 is no session (a weekend)"),
        (["find", "--asof", "2010-01-04"], "no bars cover"),
        (["find", "--sessions", "900"], "of 900 that are looked at"),
        (["find", "--sessions", "20"], "20 is not in the range"),
        (["fared"], "--asof"),
    ],
)
def test_what_cannot_be_ranked_is_refused(built: DeskFolder, arguments: list[str], said: str) -> None:
    result = built.run("pairs", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_window_that_has_not_passed_is_refused_by_name(built: DeskFolder) -> None:
    result = built.run("pairs", "fared", "--asof", str(built.last))
    assert result.exit_code == 2
    assert "has not closed" in result.stderr


def test_what_a_refused_window_offers_works_when_it_is_followed_to_the_end(desk: DeskFolder) -> None:
    arguments = ["pairs", "fared", "--asof", str(desk.last)]
    said = []
    for _ in range(4):
        result = desk.run(*arguments)
        if result.exit_code == 0:
            break
        said.append(result.stderr)
        offered = re.findall(r"`(.+?)`", result.stderr)
        if offered[0].startswith("riskdesk "):
            assert desk.run(*offered[0].split()[1:]).exit_code == 0
            offered = offered[1:]
        if offered:
            arguments = [*arguments[: 2 if "--asof" in offered[0] else 4], *offered[0].split()]
    assert "has not closed: 2 sessions of it did" in said[0]
    assert result.exit_code == 0, said
    assert "followed from" in result.stdout
    newest = desk.calendar.newest_closed(datetime.now(UTC))
    assert f"ranked on {desk.calendar.before(newest, 60)}" in result.stdout


def test_a_date_the_vendor_does_not_have_is_never_offered(real_bars_dir: Path, empty: DeskFolder) -> None:
    # The real bars end on 2025-12-31: 251 sessions after 2024-12-30, one short of the usual window.
    arguments, environ = ["pairs", "fared", "--asof", "2024-12-30"], {"PRICES_DIR": str(real_bars_dir)}
    ingest = ["ingest-prices", "--start", "2024-12-30", "--end"]
    result = empty.run(*arguments, **environ)
    assert result.exit_code == 2
    offer = "`riskdesk ingest-prices --start 2024-12-30 --end 2025-12-31` first, then `--after 251`"
    assert f"no bars cover 2022-11-03 to 2026-01-02 (allowed: {offer})" in result.stderr
    assert empty.run(*ingest, "2025-12-29", **environ).exit_code == 0
    result = empty.run(*arguments, **environ)
    assert (
        f"249 sessions of bars follow 2024-12-30, of 252 that are looked at (allowed: `--after 249`, or {offer})"
        in result.stderr
    )
    # Past their end nothing is stored, and the answer stays: a session nobody traded is not followed.
    past = empty.run(*ingest, "2026-01-02", **environ)
    assert past.exit_code != 0
    assert "no symbol has a usable bar on 2026-01-02: the vendor's newest (FILES) is of 2025-12-31" in past.stderr
    assert empty.run(*arguments, **environ).stderr == result.stderr
    assert empty.run(*ingest, "2025-12-31", **environ).exit_code == 0
    result = empty.run(*arguments, **environ)
    assert result.exit_code == 2
    assert "251 sessions of bars follow 2024-12-30, of 252 that are looked at (allowed: `--after 251`)" in result.stderr
    result = empty.run(*arguments, "--after", "251", **environ)
    assert result.exit_code == 0, result.stderr
    assert "followed from 2024-12-31 to 2025-12-31" in result.stdout


def test_without_bars_the_command_that_brings_them_is_named(empty: DeskFolder) -> None:
    result = empty.run("pairs", "find")
    assert result.exit_code == 2
    assert "`riskdesk run` or `riskdesk ingest-prices` brings them in" in result.stderr


def test_an_unusable_setting_is_told_with_file_line_and_field(built: DeskFolder, tmp_path: object) -> None:
    import shutil
    from pathlib import Path

    config = Path(str(tmp_path)) / "config"
    shutil.copytree("config", config)
    place = config / "pair_finder.yaml"
    place.write_text(place.read_text().replace("min_coverage: 0.95", "min_coverage: 1.5"))
    result = built.run("pairs", "find", RISKDESK_CONFIG_DIR=str(config))
    assert result.exit_code == 2
    assert "pair_finder.yaml:3: min_coverage" in result.stderr
