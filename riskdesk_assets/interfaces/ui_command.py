"""``riskdesk ui``: Dagster's own interface on this desk."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

import click

from riskdesk_assets.interfaces.failures import Failure, Unusable

HOST = "127.0.0.1"
QUIET = "ignore:Function `dev_command` is superseded"  # by a tool of another package
READY_SECONDS = 180
PROBE_SECONDS = 0.5
STOP_SECONDS = 30


@click.command(short_help="Dagster's graph, runs and checks in a browser.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Show the asset graph, runs, checks, schedules and sensors in a browser, on this machine only.

    It is `dagster dev` on the instance the other commands write to, with its daemon: the post-close schedule, the ticket
    folder and the alerts run while it is open. Ctrl-C ends it.
    """
    _require_free(port)
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.interfaces.instance import config_dir

    paths = load_paths()
    environ = {**os.environ, "DATA_DIR": str(paths.data), "RUNS_DIR": str(paths.runs), "TICKETS_DIR": str(paths.tickets)}
    environ |= {"RISKDESK_CONFIG_DIR": str(paths.config), "UNIVERSE_FILE": str(paths.universe)}
    if paths.prices is not None:
        environ["PRICES_DIR"] = str(paths.prices)
    environ["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), QUIET)))
    paths.data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dagster", "dev", "--module-name", "riskdesk_assets.definitions"]
    command += ["--host", HOST, "--port", str(port), "--log-level", "warning"]
    click.echo(f"Starting http://{HOST}:{port} (about 20 seconds; Ctrl-C ends it)", err=True)
    _serve(command, environ, config_dir(), port)


def _serve(command: list[str], environ: dict[str, str], folder: Path, port: int) -> None:
    """Run until it ends by itself (a Failure) or is told to end, and then give it time to stop what it started."""
    # A group of its own: whoever ends this command, by Ctrl-C or by a signal, the whole group is ended, once.
    process = subprocess.Popen(command, env=environ, cwd=folder, start_new_session=True)
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGINT, _interrupted)
    threading.Thread(target=_say_ready, args=(process, port), daemon=True).start()
    try:
        code = process.wait()
    except KeyboardInterrupt:
        _stop(process)
        click.echo("Stopped.", err=True)
        return
    raise Failure(f"dagster dev ended with exit code {code}")


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end as Ctrl-C would; what is still there after a while is ended for it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=STOP_SECONDS)
            return


def _say_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2):
                click.echo(f"Ready: http://{HOST}:{port}", err=True)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(PROBE_SECONDS)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Unusable(f"--port {port} cannot be used: {error.strerror} (allowed: a free port, 1 to 65535)") from None
