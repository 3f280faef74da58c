"""The warehouse's tables: columns, types, the date column that partitions each, and the order its rows are kept in.

Columns of contract tables (design.md section 3) come first and keep their documented names; `key` columns are unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

_DTYPES: Mapping[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "DOUBLE": pl.Float64(),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
}


@dataclass(frozen=True)
class Table:
    """One table: ``columns`` maps name to DuckDB type; rows are unique on and sorted by ``key``."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    partition: str = "as_of_date"

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Polars schema of a frame of this table."""
        return {name: _DTYPES[kind] for name, kind in self.columns.items()}

    def frame(self, rows: list[dict[str, object]]) -> pl.DataFrame:
        """A frame of this table from row dictionaries, sorted by key; a missing or unknown column is an error (KeyError)."""
        for row in rows[:1]:
            if set(row) != set(self.columns):
                raise KeyError(f"{self.name}: {sorted(set(row) ^ set(self.columns))}")
        return pl.DataFrame(rows, schema=self.schema, orient="row").sort(self.key)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this table's columns, types and order of rows."""
        return frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items()).sort(self.key)


def _columns(text: str) -> dict[str, str]:
    """``"a b: DOUBLE; c: DATE"`` as a mapping of column to type."""
    columns: dict[str, str] = {}
    for part in text.split(";"):
        names, kind = part.split(":")
        columns.update({name: kind.strip() for name in names.split()})
    return columns


_ALL = (
    Table(
        "daily_bars",
        _columns("symbol: VARCHAR; as_of_date: DATE; open high low close adj_close: DOUBLE; volume: BIGINT; source: VARCHAR"),
        ("as_of_date", "symbol"),
    ),
    Table(
        "bar_findings",
        _columns("as_of_date: DATE; symbol check_name severity message: VARCHAR; value: DOUBLE"),
        ("as_of_date", "symbol", "check_name"),
    ),
    Table(
        "volatility_index",
        _columns("as_of_date: DATE; symbol: VARCHAR; close: DOUBLE; source: VARCHAR"),
        ("as_of_date", "symbol"),
    ),
    Table(
        "trading_sessions",
        _columns("as_of_date: DATE; close_utc: VARCHAR; half_day: BOOLEAN; bars: BIGINT; missing_symbols: VARCHAR"),
        ("as_of_date",),
    ),
    Table(
        "pair_state",
        _columns(
            "as_of_date: DATE; pair_id leg_a leg_b: VARCHAR; window_hedge window_z: BIGINT; "
            "beta spread zscore beta_stability: DOUBLE; no_mean_cross_days: BIGINT; extreme_z: BOOLEAN; "
            "feature_version: VARCHAR; spread_mean spread_sd half_life_days corr_60 coint_pvalue: DOUBLE"
        ),
        ("as_of_date", "pair_id"),
    ),
    Table(
        "instrument_state",
        _columns(
            "as_of_date: DATE; symbol: VARCHAR; close atr vol_20 vol_baseline vol_percentile adv_20 half_spread_bps "
            "corwin_schultz_bps efficiency_ratio drawdown_20 drawdown_252: DOUBLE; tape_regime: VARCHAR; "
            "stability_volatility stability_correlation stability_liquidity stability_drawdown fragility: DOUBLE; "
            "fragility_class feature_version: VARCHAR"
        ),
        ("as_of_date", "symbol"),
    ),
    Table(
        "market_regime",
        _columns("as_of_date: DATE; volatility_source: VARCHAR; volatility_z dispersion_z: DOUBLE; regime: VARCHAR"),
        ("as_of_date",),
    ),
    Table(
        "return_correlations",
        _columns("as_of_date: DATE; kind id_a id_b: VARCHAR; correlation: DOUBLE"),
        ("as_of_date", "kind", "id_a", "id_b"),
    ),
    Table(
        "instrument_factors_daily",
        _columns("as_of_date: DATE; instrument_id factor_id: VARCHAR; exposure: DOUBLE; model_id: VARCHAR"),
        ("as_of_date", "instrument_id", "factor_id", "model_id"),
    ),
    Table(
        "factors_daily",
        _columns("as_of_date: DATE; factor_id: VARCHAR; factor_return factor_volatility: DOUBLE; model_id: VARCHAR"),
        ("as_of_date", "factor_id", "model_id"),
    ),
    Table(
        "correlation_panels",
        _columns("as_of_date: DATE; panel_id id_a id_b: VARCHAR; correlation: DOUBLE"),
        ("as_of_date", "panel_id", "id_a", "id_b"),
    ),
    Table(
        "scenarios",
        _columns("as_of_date: DATE; scenario_id kind symbol: VARCHAR; shocked_return: DOUBLE; proxied: BOOLEAN; note: VARCHAR"),
        ("as_of_date", "scenario_id", "symbol"),
    ),
    Table(
        "portfolios",
        _columns(
            "as_of_date: DATE; portfolio_id kind base_currency: VARCHAR; nav: DOUBLE; strategies markets metadata: VARCHAR"
        ),
        ("as_of_date", "portfolio_id"),
    ),
    Table(
        "engine_configs",
        _columns("as_of_date: DATE; engine_name portfolio_id config_hash config: VARCHAR"),
        ("as_of_date", "engine_name", "portfolio_id"),
    ),
    Table(
        "models",
        _columns("as_of_date: DATE; model_id kind version content_hash description: VARCHAR"),
        ("as_of_date", "model_id"),
    ),
    Table(
        "limit_changes",
        _columns(
            "as_of_date: DATE; limit_name change unit: VARCHAR; from_bound to_bound: DOUBLE; source previous_config_hash "
            "config_hash author approved_by reason: VARCHAR"
        ),
        ("as_of_date", "limit_name"),
    ),
    Table(
        "ticket_snapshots",
        _columns(
            "as_of_date: DATE; ticket_id file content_hash status change pair_id leg_a leg_b orientation: VARCHAR; "
            "max_gross_notional max_leg_notional: DOUBLE; horizon_days conviction time_stop_days: BIGINT; "
            "flatten_on_breakdown: BOOLEAN; expires_on effective_from: DATE; entry_z exit_z: DOUBLE; strategy note: VARCHAR; "
            "share: DOUBLE"
        ),
        ("as_of_date", "file", "ticket_id"),
    ),
    Table(
        "strategy_library",
        _columns(
            "as_of_date: DATE; strategy_name bucket signal_type conviction: VARCHAR; expected_return expected_risk: DOUBLE; "
            "regime_fit time_horizon notes theme catalyst status source: VARCHAR; ticket_count: BIGINT; fits_regime: BOOLEAN; "
            "score: DOUBLE"
        ),
        ("as_of_date", "strategy_name"),
    ),
    Table(
        "strategy_sizes",
        _columns(
            "as_of_date: DATE; strategy_name: VARCHAR; recommended_size capital_allocation risk_contribution "
            "correlation_adjustment regime_adjustment final_size: DOUBLE; bucket status: VARCHAR; ticket_count: BIGINT; "
            "base_size conviction_multiplier return_risk_multiplier kelly_size kelly_multiplier strategy_cap_multiplier "
            "bucket_multiplier regime_fit mean_correlation daily_volatility: DOUBLE; reason: VARCHAR"
        ),
        ("as_of_date", "strategy_name"),
    ),
    Table(
        "strategy_budgets",
        _columns(
            "as_of_date: DATE; strategy_name ticket_id: VARCHAR; max_gross_notional budget: DOUBLE; reason bucket: VARCHAR; "
            "share base_size conviction_multiplier return_risk_multiplier kelly_multiplier strategy_cap_multiplier "
            "bucket_multiplier regime_adjustment regime_fit correlation_adjustment capital hedge_ratio: DOUBLE"
        ),
        ("as_of_date", "ticket_id"),
    ),
    Table(
        "strategy_correlations",
        _columns("as_of_date: DATE; strategy_a strategy_b: VARCHAR; correlation: DOUBLE"),
        ("as_of_date", "strategy_a", "strategy_b"),
    ),
    Table(
        "instrument_scores",
        _columns(
            "as_of_date: DATE; portfolio_id instrument_id: VARCHAR; score confidence expected_return: DOUBLE; source: VARCHAR"
        ),
        ("as_of_date", "portfolio_id", "instrument_id"),
    ),
    Table(
        "proposals",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; ticket_id pair_id: VARCHAR; units zscore beta budget notional_a notional_b "
            "vol_scale capped_a capped_b: DOUBLE; reason clamp_codes: VARCHAR; predicted_return confidence: DOUBLE"
        ),
        ("as_of_date", "ticket_id"),
    ),
    Table(
        "desk_halts",
        _columns(
            "as_of_date: DATE; account state trigger reason halted_by: VARCHAR; automatic: BOOLEAN; since: VARCHAR; "
            "known_to: DATE; sequence: BIGINT"
        ),
        ("as_of_date", "account"),
    ),
    Table(
        "gate_decisions",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; ticket_id status: VARCHAR; requested_gross held_gross approved_gross: DOUBLE; "
            "reason rejection binding_check tape_regime market_regime: VARCHAR; confidence ceiling_ratio: DOUBLE; "
            "checks: VARCHAR"
        ),
        ("as_of_date", "ticket_id"),
    ),
    Table(
        "target_portfolios",
        _columns(
            "portfolio_id: VARCHAR; as_of_date: DATE; instrument_id: VARCHAR; target_weight: DOUBLE; model_id metadata: VARCHAR"
        ),
        ("portfolio_id", "as_of_date", "instrument_id", "model_id"),
    ),
    Table(
        "decisions",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; ticket_id pair_id: VARCHAR; proposed_units final_units: DOUBLE; "
            "clamp_codes: VARCHAR; notional_a notional_b released_notional_a released_notional_b est_costs "
            "est_daily_vol_dollars: DOUBLE; feature_version controller_version: VARCHAR"
        ),
        ("as_of_date", "ticket_id"),
    ),
    Table(
        "limit_audit",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; limit_name family mode unit: VARCHAR; measured bound: BIGINT; "
            "utilization: DOUBLE; status: VARCHAR; price_of_limit: DOUBLE; released: BOOLEAN; source: VARCHAR"
        ),
        ("as_of_date", "limit_name"),
    ),
    Table(
        "ideal_portfolio",
        _columns(
            "as_of_date: DATE; portfolio_id symbol: VARCHAR; shares: BIGINT; price: DOUBLE; notional_cents: BIGINT; "
            "source_ticket_ids clamp_codes: VARCHAR; is_cash: BOOLEAN"
        ),
        ("as_of_date", "portfolio_id", "symbol"),
    ),
    Table(
        "portfolio_blotter",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; ticket_id symbol side: VARCHAR; "
            "shares_before shares_after shares_delta: BIGINT; price: DOUBLE; notional_delta_cents: BIGINT; reason: VARCHAR"
        ),
        ("as_of_date", "ticket_id", "symbol"),
    ),
    Table(
        "guard_decisions",
        _columns(
            "as_of_date: DATE; ticket_id symbol action layer reason: VARCHAR; "
            "shares_before shares_wanted shares_after: BIGINT; target_notional: DOUBLE; run_id metadata: VARCHAR"
        ),
        ("as_of_date", "ticket_id", "symbol"),
    ),
    Table("guard_counters", _columns("as_of_date: DATE; counter: VARCHAR; value: DOUBLE"), ("as_of_date", "counter")),
    Table(
        "desk_positions",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; ticket_id leg symbol: VARCHAR; shares: BIGINT; price: DOUBLE; "
            "notional_cents: BIGINT; entered_on: DATE; age_sessions: BIGINT; frozen: BOOLEAN"
        ),
        ("as_of_date", "ticket_id", "leg"),
    ),
    Table(
        "clip_ledger",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; sequence: BIGINT; ticket_id symbol stage limit_name: VARCHAR; "
            "bound value_in value_out: DOUBLE; reason: VARCHAR"
        ),
        ("as_of_date", "sequence"),
    ),
    Table(
        "desk_state",
        _columns(
            "run_id: VARCHAR; as_of_date: DATE; state_hash: VARCHAR; previous_session: DATE; previous_state_hash: VARCHAR; "
            "released: BOOLEAN; release_status release_reason: VARCHAR; equity: DOUBLE; inputs_json state_json: VARCHAR; "
            "pnl_gross ex_ante_volatility var_95 var_99: DOUBLE; trading_state halt_trigger halt_reason: VARCHAR; "
            "halt_since: DATE; halted_tickets: VARCHAR"
        ),
        ("as_of_date",),
    ),
    Table(
        "engine_decisions",
        _columns(
            "as_of_date: DATE; engine_name portfolio_id run_id model_id config_hash status solver attempts reason: VARCHAR; "
            "expected_return expected_volatility var_95 var_99 pnl cost turnover: DOUBLE; constraints_status metadata: VARCHAR"
        ),
        ("as_of_date", "engine_name", "portfolio_id"),
    ),
    Table(
        "portfolio_limits",
        _columns(
            "as_of_date: DATE; portfolio_id limit_name family unit: VARCHAR; measured bound utilization softened_to "
            "price_of_limit: DOUBLE; status source: VARCHAR"
        ),
        ("as_of_date", "portfolio_id", "limit_name"),
    ),
    Table(
        "portfolio_risk_reports",
        _columns("portfolio_id: VARCHAR; as_of_date: DATE; risk_metrics exposures scenario_pnl model_id metadata: VARCHAR"),
        ("portfolio_id", "as_of_date", "model_id"),
    ),
    Table(
        "risk_contributions",
        _columns(
            "as_of_date: DATE; portfolio_id instrument_id: VARCHAR; weight marginal_volatility component_volatility "
            "marginal_var_99 component_var_99 component_es_99 component_var_99_historical component_es_99_historical "
            "factor_share days_to_liquidate headroom_up headroom_down: DOUBLE; "
            "headroom_up_limit headroom_down_limit: VARCHAR"
        ),
        ("as_of_date", "portfolio_id", "instrument_id"),
    ),
    Table(
        "model_checks",
        _columns(
            "as_of_date: DATE; portfolio_id check_name: VARCHAR; observations exceptions: BIGINT; "
            "statistic p_value expected: DOUBLE; outcome message: VARCHAR"
        ),
        ("as_of_date", "portfolio_id", "check_name"),
    ),
    Table(
        "realized_pnl",
        _columns(
            "realized_on as_of_date next_date: DATE; status ticket_id symbol: VARCHAR; notional_cents: BIGINT; "
            "simple_return pnl_gross costs pnl_net: DOUBLE"
        ),
        ("realized_on", "as_of_date", "ticket_id", "symbol"),
        partition="realized_on",
    ),
    Table(
        "expected_pnl",
        _columns(
            "as_of_date: DATE; scope name bucket market_regime: VARCHAR; capital employed base_return env_factor "
            "expected_return expected_week expected_day expected_day_employed realized forecast forecast_employed: DOUBLE; "
            "window_sessions: BIGINT; window_realized window_expected window_employed realized_ratio employed_ratio "
            "week_target week_realized: DOUBLE; status message: VARCHAR"
        ),
        ("as_of_date", "scope", "name"),
    ),
)

# What is known beside a run and may change after it: not in run directories, not replayed, not rebuilt from them.
_BESIDE_RUNS = (
    Table(
        "holdings_reconciliation",
        _columns(
            "as_of_date: DATE; symbol: VARCHAR; desk_shares held_shares difference: BIGINT; price dollars: DOUBLE; "
            "status holdings_hash: VARCHAR"
        ),
        ("as_of_date", "symbol"),
    ),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
"""The tables of a run."""
STORED: Mapping[str, Table] = {**TABLES, **{table.name: table for table in _BESIDE_RUNS}}
"""Every table of the warehouse."""
