"""``riskdesk serve`` as a process of its own, to be asked, read and killed."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from riskdesk_tests.interfaces.served import TOKEN


@dataclass
class Process:
    process: subprocess.Popen[str]
    port: int
    banner: str

    def post(self, path: str, body: object, token: str = TOKEN) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def environ(root: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISKDESK_", "FMP_"))}
    places = {"DATA_DIR": str(root / "data"), "RUNS_DIR": str(root / "runs"), "RISKDESK_API_TOKEN": TOKEN}
    return {**kept, **places, **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "riskdesk_assets.interfaces.cli", "serve", *arguments]


@contextmanager
def serving(root: Path, *arguments: str, **more: str) -> Iterator[Process]:
    """The process until the block ends; it is killed if it still runs. What it says goes to ``root``/said.txt.

    ``more``: further variables of its environment.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "said.txt").open("a") as said:
        process = subprocess.Popen(
            command("--port", "0", *arguments), env=environ(root, **more), stdout=subprocess.PIPE, stderr=said, text=True
        )
        assert process.stdout is not None
        banner = ""
        for line in process.stdout:
            banner += line
            if line.startswith("API documentation"):
                break
        found = re.search(r"http://127\.0\.0\.1:(\d+)\n", banner)
        assert found is not None, (banner, (root / "said.txt").read_text())
        threading.Thread(target=process.stdout.read, daemon=True).start()
        try:
            yield Process(process, int(found[1]), banner)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
