"""The command line ``riskdesk``: one group, its commands in files of their own."""

from __future__ import annotations

import logging

import click

from riskdesk_assets.interfaces.archive_commands import rebuild, replay
from riskdesk_assets.interfaces.audit_command import audit
from riskdesk_assets.interfaces.backtest_command import backtest
from riskdesk_assets.interfaces.bench_command import bench
from riskdesk_assets.interfaces.book_command import book
from riskdesk_assets.interfaces.compare_command import compare
from riskdesk_assets.interfaces.console_command import console
from riskdesk_assets.interfaces.demo_command import demo
from riskdesk_assets.interfaces.explain_command import explain
from riskdesk_assets.interfaces.failures import redact
from riskdesk_assets.interfaces.guard_command import guard
from riskdesk_assets.interfaces.halts_command import halt, halts, resume
from riskdesk_assets.interfaces.headroom_command import headroom
from riskdesk_assets.interfaces.limits_command import limits
from riskdesk_assets.interfaces.morning_command import morning
from riskdesk_assets.interfaces.options import DEBUG, DeskGroup
from riskdesk_assets.interfaces.pair_commands import pairs
from riskdesk_assets.interfaces.policy_command import train_policy
from riskdesk_assets.interfaces.reconcile_command import reconcile
from riskdesk_assets.interfaces.risk_command import risk
from riskdesk_assets.interfaces.run_command import run
from riskdesk_assets.interfaces.serve_command import serve
from riskdesk_assets.interfaces.shadow_command import shadow
from riskdesk_assets.interfaces.stage_commands import build_features, ingest_prices, realize, run_controller
from riskdesk_assets.interfaces.terminal import shortened
from riskdesk_assets.interfaces.ticket_commands import tickets
from riskdesk_assets.interfaces.ui_command import ui
from riskdesk_assets.interfaces.workbook_command import workbook

COMMANDS: tuple[click.Command, ...] = (
    run,
    ingest_prices,
    build_features,
    run_controller,
    realize,
    train_policy,
    explain,
    risk,
    headroom,
    limits,
    morning,
    book,
    shadow,
    reconcile,
    guard,
    compare,
    backtest,
    console,
    tickets,
    halt,
    resume,
    halts,
    pairs,
    workbook,
    replay,
    rebuild,
    audit,
    serve,
    ui,
    demo,
    bench,
)


@click.group(cls=DeskGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="riskdesk", prog_name="riskdesk")
@click.option("--debug", is_flag=True, help="Show Dagster's own log, and the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """A deterministic risk desk for bank-sector pairs.

    After each close it turns prices and the tickets people wrote (tickets/active/*.yaml) into an ideal portfolio that obeys
    every hard limit, says what clipped each position, and can be computed again bit for bit. It never trades.

    \b
    riskdesk run              bring the desk up to the newest session
    riskdesk morning          the desk on one screen: regimes, expected P&L, clips, limits
    riskdesk console          the same in plain words
    riskdesk explain JPM      why the position in JPM is what it is
    riskdesk tickets lint     check the ticket files
    riskdesk backtest         what the rules would have earned
    riskdesk serve            the gatekeeper's REST API, the status page and the reports
    riskdesk ui               the asset graph, the runs and the checks in a browser

    Settings are in config/; the environment says where data, runs, tickets and prices are (DATA_DIR, RUNS_DIR, TICKETS_DIR,
    PRICES_DIR, FMP_API_KEY, RISKDESK_PROFILE).
    """
    ctx.meta[DEBUG] = debug
    _say_alerts()


for command in COMMANDS:
    cli.add_command(command)


class _OnStandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"alert: {shortened(redact(record.getMessage()))}", err=True)


def _say_alerts() -> None:
    """Alerts that go to the log are said on standard error, once."""
    logger = logging.getLogger("riskdesk.alerts")
    if not any(isinstance(handler, _OnStandardError) for handler in logger.handlers):
        logger.addHandler(_OnStandardError())
        logger.propagate = False


def main() -> None:
    """Run the command line."""
    cli(prog_name="riskdesk")


if __name__ == "__main__":
    main()
