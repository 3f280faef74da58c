"""``riskdesk console``: the desk in plain words, plan first."""

from __future__ import annotations

import click

from riskdesk_assets.interfaces.failures import UNUSABLE, Failure, failure_of, redact
from riskdesk_assets.interfaces.options import DEBUG


@click.command(short_help="The desk in plain words: summarize, generate, backtest, draft.")
@click.option("--yes", is_flag=True, help="Run plans without asking, with the usual answer wherever there is one.")
@click.pass_context
def console(ctx: click.Context, yes: bool) -> None:
    """Talk to the desk: it says what it understood and what it would do, and does it after a yes.

    \b
    summarize                            the desk on one screen
    generate todays ideal portfolio      the main job
    backtest last 6 months               what the desk would have done
    JPM vs BAC, 500k, high conviction    a draft ticket, checked, beside today's z-score and headroom
    find pairs                           what looks worth a draft
    help                                 all of it

    Words are matched by a small fixed grammar, no model; what is not understood is never half done. Tickets in force are never
    touched: `riskdesk tickets promote` is no part of this.

    Piped, every line is a request or the answer to the question before it, nothing is prompted for, and the exit code is the
    highest of any action: 0 done, 1 a check failed, 2 unusable input.

    \b
    echo "backtest last 6 months" | riskdesk console --yes
    """
    import sys
    from datetime import UTC, datetime

    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.interfaces.console.conversation import Conversation, Mode
    from riskdesk_assets.interfaces.console.loop import HISTORY, read_pipe, read_terminal, terminal
    from riskdesk_assets.interfaces.console.surroundings import Surroundings

    debug = bool(ctx.find_root().meta.get(DEBUG))

    def perform(command: tuple[str, ...]) -> int:
        return run_command(command, debug=debug)

    asks = terminal()
    conversation = Conversation(Mode(asks=asks, yes=yes), _say, _complain, perform, lambda: datetime.now(UTC))
    if not asks:
        read_pipe(conversation, sys.stdin)
        ctx.exit(conversation.worst)

    def names() -> tuple[str, ...]:
        known = Surroundings(datetime.now(UTC)).known
        return (*known.symbols, *known.tickets, *known.drafts)

    read_terminal(conversation, load_paths().data / HISTORY, names)


def run_command(arguments: tuple[str, ...], *, debug: bool) -> int:
    """Run one `riskdesk` command in this process as the command line would; its exit code, with failures told."""
    from riskdesk_assets.interfaces.cli import cli

    try:
        code = cli.main([*(["--debug"] if debug else []), *arguments], prog_name="riskdesk", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, Failure):
            error.show()
            return error.exit_code
        _complain(error.format_message())
        return UNUSABLE
    except click.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if debug:
            raise
        failure = failure_of(error)
        failure.show()
        return failure.exit_code
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    click.echo(redact(text))


def _complain(text: str) -> None:
    click.echo(f"{click.style('error:', fg='red')} {redact(text)}", err=True)
