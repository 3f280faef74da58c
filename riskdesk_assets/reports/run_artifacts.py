"""What a run leaves behind: every table of its dates, the tickets, the inputs it needs to be replayed, and one manifest.

Nothing here depends on the clock: when a run was made stands in the publish log, outside what is hashed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.book.clips import WHOLE_LOTS, where
from riskdesk_assets.common.hashing import canonical_json, digest, digest_bytes, digest_frame
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.version import library_versions
from riskdesk_assets.reports.expected_pnl_rows import EXPECTED_PNL, OWNER_TABLES, reach
from riskdesk_assets.reports.model_check_rows import CHECKED_TABLES
from riskdesk_assets.reports.page.content import EARLIER_SESSIONS, PageContent, page_content
from riskdesk_assets.reports.page.page import PAGE, desk_page
from riskdesk_assets.reports.policy_lines import policy_lines
from riskdesk_assets.reports.realized import history_sessions
from riskdesk_assets.reports.strategy_files import CORRELATIONS_FILE, PORTFOLIO_FILE, correlations_file, portfolio_file
from riskdesk_assets.reports.workbook.session_content import workbook_content
from riskdesk_assets.reports.workbook.workbook import WORKBOOK, workbook_bytes

CONFIG = "inputs/config.json"
START_STATE = "inputs/start_state.json"
POLICY = "inputs/policy_model.json"
PRIOR_TABLES = (
    "desk_positions",
    "portfolio_blotter",
    "clip_ledger",
    "ticket_snapshots",
    "engine_configs",
    "target_portfolios",
    *CHECKED_TABLES,
    *OWNER_TABLES,
    EXPECTED_PNL,
    "realized_pnl",
)
PAGE_ONLY = ("realized_pnl",)
"""Those of PRIOR_TABLES that no number of a run is computed from, only its page: directories of earlier versions lack them."""


@dataclass(frozen=True)
class RunContent:
    """Everything a run directory is made of.

    ``frames`` hold the rows of the run's dates, one per table; ``prior`` the rows of the sessions before that its numbers
    were computed from; ``start_state`` the canonical JSON of the state before the first date; ``policy`` the model file of
    the learned controller, where it decided.
    """

    config: Config
    snapshot_id: str
    source: str
    first: date
    last: date
    frames: Mapping[str, pl.DataFrame]
    prior: Mapping[str, pl.DataFrame]
    start_state: str
    tickets: Mapping[str, bytes]
    code_version: str
    policy: bytes | None = None


def run_files(content: RunContent) -> tuple[str, dict[str, bytes], bytes]:
    """The run's id, its files, and its manifest (canonical JSON with the hash of every table and file)."""
    states = content.frames["desk_state"].sort("as_of_date")
    dates = [
        {"session": row["as_of_date"].isoformat(), "run_id": row["run_id"], "state_hash": row["state_hash"]}
        | {"released": row["released"], "inputs": json.loads(row["inputs_json"])}
        for row in states.iter_rows(named=True)
    ]
    run_id = directory_id([str(row["run_id"]) for row in dates], content.first, content.last)
    files: dict[str, bytes] = {f"{name}.parquet": parquet(frame) for name, frame in content.frames.items()}
    files |= {f"inputs/prior_{name}.parquet": parquet(frame) for name, frame in content.prior.items()}
    files |= {f"tickets_snapshot/{name}": raw for name, raw in content.tickets.items()}
    files[CONFIG] = pretty_json(content.config.model_dump(mode="json"))
    files[START_STATE] = content.start_state.encode()
    if content.policy is not None:
        files[POLICY] = content.policy
    page = _page_content(content)
    files[PAGE] = desk_page(page).encode()
    files[WORKBOOK] = workbook_bytes(workbook_content(page))
    files["portfolio_blotter.csv"] = csv_bytes(content.frames["portfolio_blotter"])
    files[PORTFOLIO_FILE] = csv_bytes(portfolio_file(content.frames["strategy_sizes"], content.last))
    files[CORRELATIONS_FILE] = csv_bytes(correlations_file(content.frames["strategy_correlations"], content.last))
    files["metrics.json"] = pretty_json(_metrics(content))
    files["logs.txt"] = _log(content).encode()
    manifest = {
        "format": 1,
        "run_id": run_id,
        "first": content.first.isoformat(),
        "last": content.last.isoformat(),
        "profile": content.config.profile,
        "source": content.source,
        "snapshot_id": content.snapshot_id,
        "config_hash": content.config.hash,
        "start_state_hash": digest_bytes(content.start_state.encode()),
        "code_version": content.code_version,
        "libraries": library_versions(),
        "dates": dates,
        "tables": {name: {"rows": frame.height, "sha256": table_digest(name, frame)} for name, frame in content.frames.items()},
        "files": {name: digest_bytes(raw) for name, raw in files.items()},
    }
    return run_id, files, pretty_json(manifest)


def prior_sessions(config: Config, table: str) -> int:
    """How many sessions before a run's first its prior rows of a table reach back."""
    checked = config.desk.risk_report.check_window if table in CHECKED_TABLES else 0
    return max(history_sessions(config), EARLIER_SESSIONS.get(table, 0), checked, reach(config, table))


def directory_id(run_ids: Sequence[str], first: date, last: date) -> str:
    """One date: its own run id. A range: its bounds and 16 hex digits of the hash of its dates' ids."""
    return run_ids[0] if len(run_ids) == 1 else f"{first:%Y%m%d}-{last:%Y%m%d}-{digest(list(run_ids))[:16]}"


def table_digest(name: str, frame: pl.DataFrame) -> str:
    """SHA-256 of a table's rows: every bit of every value, in key order."""
    return digest_frame(frame, TABLES[name].key)


def parquet(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet bytes; the same frame gives the same bytes."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _page_content(content: RunContent) -> PageContent:
    """What the report page and the workbook of the run's last session are made of."""
    return page_content(
        config=content.config,
        source=content.source,
        snapshot_id=content.snapshot_id,
        code_version=content.code_version,
        session=content.last,
        frames=content.frames,
        prior=content.prior,
    )


def pretty_json(value: Mapping[str, Any]) -> bytes:
    """The value as indented JSON for people, keys sorted; the same value gives the same bytes."""
    return (json.dumps(json.loads(canonical_json(value)), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as CSV; text that would start a formula in a spreadsheet gets a leading apostrophe."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_inert, frame.columns))
    for row in frame.iter_rows():
        writer.writerow(map(_inert, row))
    return buffer.getvalue().encode()


def _inert(item: object) -> object:
    return f"'{item}" if isinstance(item, str) and item[:1] in "=+-@\t\r" and item else item


def _metrics(content: RunContent) -> dict[str, Any]:
    frames = content.frames
    days = []
    for row in frames["desk_state"].sort("as_of_date").iter_rows(named=True):
        session = row["as_of_date"]
        equities = frames["ideal_portfolio"].filter((pl.col("as_of_date") == session) & ~pl.col("is_cash"))
        audit = frames["limit_audit"].filter(pl.col("as_of_date") == session)
        earned = frames["realized_pnl"].filter(pl.col("realized_on") == session)
        days.append(
            {
                "session": session.isoformat(),
                "status": row["release_status"],
                "gross_cents": int(equities["notional_cents"].abs().sum()),
                "net_cents": int(equities["notional_cents"].sum()),
                "cash_cents": -int(equities["notional_cents"].sum()),
                "names": equities.height,
                "tickets": frames["desk_positions"].filter(pl.col("as_of_date") == session)["ticket_id"].n_unique(),
                "clips": frames["clip_ledger"]
                .filter((pl.col("as_of_date") == session) & (pl.col("limit_name") != WHOLE_LOTS))
                .height,
                "limits_binding": audit.filter(pl.col("price_of_limit").is_not_null()).height,
                "limits_amber": audit.filter(pl.col("status") == "AMBER").height,
                "limits_breached": audit.filter(pl.col("status") == "BREACH").height,
                "pnl_net": float(earned.sort("as_of_date", "ticket_id", "symbol")["pnl_net"].sum()),
                "equity": row["equity"],
            }
        )
    return {"nav": content.config.desk.nav, "source": content.source, "sessions": days}


def _log(content: RunContent) -> str:
    """What happened, session by session, in words."""
    banner = " (SIMULATED prices: no real market)" if content.source == "SIMULATED" else ""
    lines = [f"profile {content.config.profile}, {content.source} bars{banner}, snapshot {content.snapshot_id}"]
    tables = ("proposals", "clip_ledger", "limit_audit", "portfolio_blotter")
    decisions = policy_lines(content.frames, content.config)
    by_day = {name: content.frames[name].partition_by("as_of_date", as_dict=True) for name in tables}
    for state in content.frames["desk_state"].sort("as_of_date").iter_rows(named=True):
        session = state["as_of_date"]
        reason = f": {state['release_reason']}" if state["release_reason"] else ""
        lines.append(f"{session} {state['run_id']} {state['release_status']}{reason}")
        rows = {name: by_day[name].get((session,), pl.DataFrame(schema=content.frames[name].schema)) for name in tables}
        for row in rows["proposals"].iter_rows(named=True):
            z = "no z" if row["zscore"] is None else f"z {row['zscore']:+.3f}"
            lines.append(f"  ticket {row['ticket_id']}: {z}, units {row['units']:+g} ({row['reason']})")
        for row in rows["clip_ledger"].iter_rows(named=True):
            what = f"{row['ticket_id']} {where(row['stage'], row['symbol'])}".strip()
            lines.append(f"  clip {row['stage']} {what}: {row['value_in']:,.2f} -> {row['value_out']:,.2f}: {row['reason']}")
        lines.extend(f"  {line}" for line in decisions.get(session, ()))
        lines.extend(
            f"  {row['status']} {row['limit_name']}: {row['measured']} of {row['bound']} {row['unit']}"
            for row in rows["limit_audit"].filter(pl.col("status") != "OK").iter_rows(named=True)
        )
        lines.extend(
            f"  {row['side']} {abs(row['shares_delta']):,} {row['symbol']} at {row['price']:,.4f} for {row['ticket_id']}"
            for row in rows["portfolio_blotter"].iter_rows(named=True)
        )
    return "\n".join(lines) + "\n"
