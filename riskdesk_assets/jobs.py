"""The jobs: whole groups of assets with their checks, one step after the other in one process.

A step in a process of its own costs seconds of imports; the desk's own arithmetic is less.
"""

from __future__ import annotations

from dagster import AssetSelection, define_asset_job, in_process_executor

POST_CLOSE_GROUPS = ("market", "features", "risk_model", "strategy", "construction", "reports")
REALIZED_PNL = "realized_pnl"
TICKETS = "ticket_snapshots"
COMPARISONS = "config_comparisons"
POLICY = ("policy_training_set", "policy_model", "policy_promotion")
BACKTESTS = "backtests"
BARS = "daily_bars"
WHOLE_SESSION = AssetSelection.groups(*POST_CLOSE_GROUPS) | AssetSelection.assets(REALIZED_PNL)
# A walk releases a book, so a job that walks makes everything of the session but the bars it finds. Without the reports there
# is no run directory, and the book is gone once the warehouse is made anew; from features of other tickets or settings it would
# be a book that no replay gives again.
FROM_INGESTED_BARS = WHOLE_SESSION - AssetSelection.assets(BARS)

post_close = define_asset_job(
    "post_close",
    WHOLE_SESSION,
    description="Everything of a session: bars to the released book and its reports.",
    executor_def=in_process_executor,
)

ingest = define_asset_job(
    "ingest",
    AssetSelection.groups("market"),
    description="Bars and the volatility index of a session.",
    executor_def=in_process_executor,
)

features = define_asset_job(
    "features",
    AssetSelection.groups("features", "risk_model") | AssetSelection.assets(TICKETS),
    description="What is known of each pair, name and day, with the risk model; the tickets say which pairs.",
    executor_def=in_process_executor,
)

controller = define_asset_job(
    "controller",
    FROM_INGESTED_BARS,
    description="From tickets and features of ingested bars to a released book: limits checked, run directory kept, published.",
    executor_def=in_process_executor,
)

realize = define_asset_job(
    "realize",
    AssetSelection.assets(REALIZED_PNL),
    description="What earlier books earned, on the sessions on which it became known.",
    executor_def=in_process_executor,
)

research = define_asset_job(
    "research",
    AssetSelection.groups("research") - AssetSelection.assets(COMPARISONS, BACKTESTS, *POLICY),
    description="Realized P&L and what is learned from it.",
    executor_def=in_process_executor,
)

monthly_policy = define_asset_job(
    "monthly_policy",
    AssetSelection.assets(*POLICY),
    description="The learned policy trained anew and judged; promoted only if it is better than the baseline out of sample.",
    executor_def=in_process_executor,
)

compare = define_asset_job(
    "compare",
    AssetSelection.assets(COMPARISONS),
    description="Two or more configurations walked over the same sessions; which, and which sessions, is in the run config.",
    executor_def=in_process_executor,
)

backtest = define_asset_job(
    "backtest",
    AssetSelection.assets(BACKTESTS),
    description="The desk's own days over a range of history; which range and configuration is in the run config.",
    executor_def=in_process_executor,
)

engines = define_asset_job(
    "M_engines_D",
    FROM_INGESTED_BARS,
    description="Document 001's engine on ingested bars: every portfolio optimized, its risk reported, its decision logged.",
    executor_def=in_process_executor,
)

JOBS = (post_close, ingest, features, controller, realize, research, monthly_policy, compare, backtest, engines)
