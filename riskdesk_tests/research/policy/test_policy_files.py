from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.controllers.policy_files import CURRENT
from riskdesk_assets.controllers.policy_model import read_policy
from riskdesk_assets.research.policy.files import (
    METRICS,
    MODEL,
    REPORT,
    ROWS,
    WALK,
    judged_models,
    publish_policy,
    read_metrics,
    write_trained,
)
from riskdesk_assets.research.policy.gate import judged
from riskdesk_assets.research.policy.measures import deciles, metrics, rank_correlation
from riskdesk_assets.research.policy.report import policy_page
from riskdesk_tests.controllers.policy_models import FAILED, PASSED, content_for, verdict
from riskdesk_tests.desk_builder import desk_config, sessions_from
from riskdesk_tests.research.policy.reverting_market import LAST, small_config, trained

DAYS = sessions_from(LAST, 3)


def sealed_at(place: int, promoted: bool = True):  # type: ignore[no-untyped-def]
    from riskdesk_assets.controllers.policy_model import sealed

    criteria = (PASSED,) if promoted else (PASSED, FAILED)
    return sealed(content_for(desk_config(), DAYS[place]), verdict(*criteria))


def test_a_training_is_kept_whole_and_the_same_one_gives_the_same_bytes(tmp_path: Path) -> None:
    place = write_trained(tmp_path, trained())
    first = {path.name: path.read_bytes() for path in place.iterdir()}
    assert set(first) == {MODEL, METRICS, REPORT, ROWS, WALK}
    assert place.name == trained().model.content_hash[:16]
    assert write_trained(tmp_path, trained()) == place
    assert {path.name: path.read_bytes() for path in place.iterdir()} == first
    assert read_policy(place / MODEL) == trained().model
    assert pl.read_parquet(place / ROWS).equals(trained().inputs.rows)
    assert judged_models(tmp_path) == (1, 1)


def test_only_a_promoted_model_is_published_and_never_over_a_newer_one(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is rejected: it is not published"):
        publish_policy(tmp_path, sealed_at(1, promoted=False))
    assert not (tmp_path / CURRENT).exists()
    path, published = publish_policy(tmp_path, sealed_at(1))
    assert published
    assert path == tmp_path / CURRENT
    assert publish_policy(tmp_path, sealed_at(0)) == (path, False)
    assert read_policy(path) == sealed_at(1)
    assert publish_policy(tmp_path, sealed_at(2)) == (path, True)


def test_the_metrics_say_what_the_walk_forward_came_to(tmp_path: Path) -> None:
    found, walk = metrics(trained()), trained().walk
    assert walk is not None
    there = walk.compared
    side = found["walk_forward"]["sides"]["base"]["baseline"]
    net = (walk.baseline.gross - walk.baseline.costs)[there]
    assert side["net_a_year"] == pytest.approx(float(net.mean()) * 252)
    assert side["sharpe"] == pytest.approx(float(net.mean() / net.std(ddof=1)) * 252**0.5)
    stressed = found["walk_forward"]["sides"]["stressed"]["policy"]
    assert stressed["costs_a_year"] == pytest.approx(float(walk.policy.costs[there].mean()) * 2 * 252)
    assert len(found["walk_forward"]["folds"]) == len(walk.folds)
    place = write_trained(tmp_path, trained())
    assert read_metrics(place) == json.loads(json.dumps(found))
    with pytest.raises(StateError, match="cannot be read"):
        read_metrics(tmp_path)


def test_deciles_and_rank_correlation_are_those_of_polars_and_scipy() -> None:
    from scipy.stats import spearmanr

    walk = trained().walk
    assert walk is not None
    made = [(session, pair, value) for (session, pair), value in walk.predictions.items()]
    frame = pl.DataFrame(made, schema=["as_of_date", "pair_id", "value"], orient="row")
    rows = trained().inputs.rows.filter(pl.col("side") != 0).select("as_of_date", "pair_id", "net_return")
    both = frame.join(rows, on=["as_of_date", "pair_id"]).drop_nulls()
    assert rank_correlation(trained()) == pytest.approx(float(spearmanr(both["value"], both["net_return"]).statistic))
    found = deciles(trained())
    assert sum(item.rows for item in found) == both.height
    assert [item.predicted for item in found] == sorted(item.predicted for item in found)
    worst = both.sort("value").head(found[0].rows)
    assert found[0].realized == pytest.approx(worst["net_return"].mean())
    assert found[0].gained == pytest.approx(float((worst["net_return"] > 0).mean()))  # type: ignore[arg-type]


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))))


def test_the_page_says_the_verdict_every_criterion_every_coefficient_and_its_caveats() -> None:
    model, said = trained().model, text_of(policy_page(trained()))
    assert "PROMOTED" in said
    assert all(item.meaning in said for item in model.gate.criteria)
    for name, value in zip(model.fit.features, model.fit.coefficients, strict=True):
        shown = f"{abs(value) * 1e4:,.2f} bp"
        assert f"{name} {'−' if value < 0 else '+'}{shown}" in said
    walk = trained().walk
    assert walk is not None
    assert f"{len(walk.folds)} of {len(walk.folds)}" in said
    assert "Many looks" in said
    assert model.content_hash in said
    assert model.data.hash in said


def test_a_rejected_one_says_so_and_why_and_a_history_too_short_for_a_walk_forward_still_has_a_page() -> None:
    said = text_of(policy_page(trained(reverting=False)))
    assert "REJECTED" in said
    assert "The controller refuses this model" in said
    nothing = judged(None, small_config().desk.policy.promotion)
    short = replace(trained(reverting=False), walk=None, verdict=nothing)
    page = policy_page(short)
    assert "What it learned" in page
    assert "chart-walk" not in page
    assert metrics(short)["walk_forward"] is None


def test_the_page_needs_nothing_else_and_comes_out_the_same_twice() -> None:
    page = policy_page(trained())
    assert page == policy_page(trained())
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#|\./)', page)
    assert "default-src 'none'" in page
    assert len(set(re.findall(r'id="([^"]+)"', page))) == len(re.findall(r'id="([^"]+)"', page))
