"""Document 001: a model id is a reference into `models`; of a computed desk every one of every table is found there."""

from __future__ import annotations

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_tests.interfaces.conftest import DeskFolder

NO_CONSTRUCTION = "none"  # of a session on which nothing was built: no model made it


def test_every_model_id_of_every_table_is_in_models_on_its_session(built: DeskFolder) -> None:
    known = built.warehouse.read("models", built.first, built.last).select("as_of_date", "model_id")
    carrying = [name for name, table in TABLES.items() if "model_id" in table.schema and name != "models"]
    assert {"target_portfolios", "engine_decisions", "factors_daily", "portfolio_risk_reports"} <= {*carrying}
    for name in carrying:
        rows = built.warehouse.read(name, built.first, built.last).select("as_of_date", "model_id").unique()
        assert not rows.is_empty(), name
        lost = rows.filter(pl.col("model_id") != NO_CONSTRUCTION).join(known, on=["as_of_date", "model_id"], how="anti")
        assert lost.is_empty(), (name, lost.to_dicts())
