"""One writer at a time, said by name, and gone with its process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.common.writer_lock import WriterBusyError, single_writer, writer

HOLDER = """
import sys, time
from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.common.writer_lock import single_writer
with single_writer(load_paths({"DATA_DIR": sys.argv[1]}), 0, "a backfill"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(folder, seconds):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_writer_is_refused_with_the_pid_of_the_first(tmp_path):
    paths = load_paths({"DATA_DIR": str(tmp_path)})
    process = hold(tmp_path, 30)
    try:
        with pytest.raises(WriterBusyError, match=rf"pid {process.pid} \(a backfill, since 20"), single_writer(paths, 0.1):
            pass
        assert f"pid {process.pid}" in str(writer(paths))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with single_writer(paths, 0):
        assert "a run" in str(writer(paths))
    assert writer(paths) is None


def test_the_second_writer_waits_for_the_first(tmp_path):
    process = hold(tmp_path, 0.3)
    with single_writer(load_paths({"DATA_DIR": str(tmp_path)}), 20):
        assert process.wait() == 0
