"""``riskdesk serve``: the REST gatekeeper and the report pages."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.failures import Failure, Unusable, redact

if TYPE_CHECKING:
    from riskdesk_assets.common.journal import Journal

TOKEN = "RISKDESK_API_TOKEN"  # noqa: S105 - the variable's name
LOCK = "serve.lock"
_RULE = "=" * 80


@click.command(short_help="The gatekeeper's REST API and the report pages.")
@click.option("--port", default=8005, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A further name that a Host header may hold.")
def serve(port: int, host: str, allow_host: tuple[str, ...]) -> None:
    """Answer trade intents, halts and resumes over HTTP, and show reports. It never trades.

    Reads are free; every write needs `Authorization: Bearer` with the value of RISKDESK_API_TOKEN, which must be set when the
    server starts. Without it, writes are refused and only this machine may connect. Every decision is in the journal
    (`riskdesk audit verify`) before it is answered. Ctrl-C ends it, after what was taken has been answered.

    \b
    RISKDESK_API_TOKEN=... riskdesk serve
    """
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.interfaces.api_settings import checked_token, load_api_settings

    paths = load_paths()
    settings = load_api_settings(paths.config)
    token = checked_token(os.environ.get(TOKEN), settings)
    if token is None and not _is_loopback(host):
        raise Unusable(
            f"--host {host} can be reached from other machines: set {TOKEN} first "
            f"(at least {settings.token_min_length} characters; allowed without it: 127.0.0.1, ::1, localhost)"
        )
    from riskdesk_assets.interfaces.api_server import Server, api_journal

    journal = api_journal(paths.data, settings)
    with _alone(paths.data, journal):
        from riskdesk_assets.interfaces.api import create_app
        from riskdesk_assets.interfaces.api_listen import listening, server_of, settle

        try:
            with listening(host, port) as socket:
                _log_to_stderr()
                name = f"[{host}]" if ":" in host else host
                server = Server(paths, journal, settings, token)
                app = create_app(server, (name, *allow_host))
                _banner(name, socket.getsockname()[1], writes=token is not None)
                settle()
                with suppress(KeyboardInterrupt):  # uvicorn has drained and stopped; then it raises the signal again
                    server_of(app, settings).run([socket])
        except OSError as error:
            allowed = "a free port and an address of this machine"
            raise Unusable(f"{host}:{port} cannot be listened on: {error.strerror} (allowed: {allowed})") from None
    click.echo("Stopped.", err=True)


def _banner(host: str, port: int, *, writes: bool) -> None:
    from riskdesk_assets.interfaces.api_docs import ENDPOINTS

    click.echo(f"{_RULE}\n RISK & PORTFOLIO MANAGER (RPM) API SERVER\n The Gatekeeper with Absolute Veto Authority\n{_RULE}\n")
    click.echo(f"Starting RPM API on http://{host}:{port}\n\nAvailable endpoints:")
    longest = max(len(path) for _, path, _ in ENDPOINTS)
    for method, path, said in ENDPOINTS:
        click.echo(f"  {method:<4} {path:<{longest}}  - {said}")
    click.echo(f"\nStatus page:       http://{host}:{port}/\nAPI documentation: http://{host}:{port}/docs")
    if not writes:
        click.echo(f"\nRead only: {TOKEN} is not set, so every write is refused.")
    click.echo("")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _alone(data: Path, journal: Journal) -> Iterator[None]:
    """One server for one data folder and for one journal: two would each decide by half of the positions."""
    from riskdesk_assets.common.journal_lock import JournalHeldError, sole
    from riskdesk_assets.common.writer_lock import WriterBusyError, held_file, holder

    what = f"riskdesk serve on {data}"
    with ExitStack() as held:
        try:
            held.enter_context(held_file(data / LOCK, 0.0, what))
            held.enter_context(sole(journal, what))
        except WriterBusyError:
            raise Failure(f"another `riskdesk serve` runs on {data}, {holder(data / LOCK)}: end it first") from None
        except JournalHeldError as error:
            raise Failure(f"another `riskdesk serve` writes the same journal: {error}: end it first") from None
        yield


class _Redacted(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_to_stderr() -> None:
    """Warnings of the server and of uvicorn, one line each, nothing secret in them."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("riskdesk.api", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
