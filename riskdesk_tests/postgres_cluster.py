"""A private PostgreSQL server on loopback for tests: its own data directory, its own port, an unprivileged account."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_UNPRIVILEGED = ("postgres", "nobody")  # the server refuses to run as root
_SECONDS = 60.0


@cache
def binaries() -> Path | None:
    """Where ``initdb`` and ``postgres`` are: on the path, else the newest of Debian's versions; None where they are not."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if all((place / name).is_file() for name in ("initdb", "postgres"))), None)


def why_not() -> str:
    """Why no server can be had here; "" when one can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install 'riskdesk[postgres]'"
    if binaries() is None:
        return "no initdb on the path nor below /usr/lib/postgresql: apt-get install postgresql"
    if os.geteuid() == 0 and _account() is None:
        return f"PostgreSQL refuses to run as root, and there is no account {' or '.join(_UNPRIVILEGED)}"
    return ""


@dataclass
class Cluster:
    """One server; ``start`` and ``kill`` may follow each other, its data stays."""

    folder: Path
    port: int
    _server: subprocess.Popen[bytes] | None = None

    def url(self, schema: str = "public") -> str:
        """Where a journal finds it; ``schema`` is where its tables are."""
        return f"postgresql+psycopg://desk@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{schema}"

    def start(self) -> None:
        """Start the server, and wait until it answers.

        It syncs nothing: what a killed process has written is in the system's cache, and no test here takes the power away.
        """
        settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        settings += ["shared_buffers=16MB", "max_connections=40", "fsync=off"]
        command = [_binary("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, **_as_unprivileged())  # type: ignore[call-overload]
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of every process of the server: what was not on the disk is gone."""
        assert self._server is not None
        for pid in (self._server.pid, *_children(self._server.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._server.wait()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._server = None

    def make(self, schema: str) -> str:
        """A new, empty schema; the URL of a journal in it."""
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=self.port, user="desk", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
        return self.url(schema)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host="127.0.0.1", port=self.port, user="desk", dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server in a folder of its own, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="riskdesk-postgres-"))
    made = Cluster(folder, _free_port())
    try:
        account = _account() if os.geteuid() == 0 else None
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        options = ["-U", "desk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        command = [_binary("initdb"), "-D", str(folder / "data"), *options]
        subprocess.run(command, check=True, capture_output=True, **_as_unprivileged())  # type: ignore[call-overload]
        made.start()
        yield made
    finally:
        if made._server is not None:
            made.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _binary(name: str) -> str:
    place = binaries()
    assert place is not None
    return str(place / name)


def _account() -> pwd.struct_passwd | None:
    return next((one for one in pwd.getpwall() if one.pw_name in _UNPRIVILEGED), None)


def _as_unprivileged() -> dict[str, object]:
    account = _account() if os.geteuid() == 0 else None
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    who = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {"cwd": "/", "env": environ, **who}


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in listed.read_text().split()] if listed.is_file() else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
