"""Alerts waiting to be delivered, in data/alerts.sqlite: each alert once, each channel at its own pace.

An alert is written before it is sent and marked after, so a crash between the two sends it again rather than never. A claim
with an end keeps two processes from sending the same alert at the same time.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskdesk_assets.alerts.alert import Alert
from riskdesk_assets.alerts.channels import Channel, ChannelError

CLAIM_SECONDS = 120.0
LOCK_SECONDS = 30.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
    severity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    alert_id INTEGER NOT NULL REFERENCES alerts (id), channel TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    claimed_until REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, failure TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (alert_id, channel));
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Delivery:
    """What came of one round: how many alerts at least one channel took, and for each channel that failed, why."""

    sent: int
    failures: dict[str, str]


@dataclass(frozen=True)
class Outbox:
    """The outbox file at ``path``."""

    path: Path

    def enqueue(self, alerts: Sequence[Alert], channels: Sequence[Channel]) -> int:
        """Put alerts down for every channel; one whose key is known already is left as it is. Returns how many are new."""
        new = 0
        with self._transaction() as connection:
            for alert in alerts:
                row = (alert.key, alert.session.isoformat(), alert.title, alert.body, alert.severity)
                inserted = connection.execute(
                    "INSERT OR IGNORE INTO alerts (key, session, title, body, severity) VALUES (?, ?, ?, ?, ?)", row
                )
                if inserted.rowcount == 0:
                    continue
                new += 1
                connection.executemany(
                    "INSERT INTO deliveries (alert_id, channel) VALUES (?, ?)",
                    [(inserted.lastrowid, channel.name) for channel in channels],
                )
        return new

    def deliver(self, channels: Sequence[Channel]) -> Delivery:
        """Send what is pending, oldest first; a channel that fails keeps its alerts for the next round, the others go on."""
        told: set[int] = set()
        failures: dict[str, str] = {}
        for channel in channels:
            for alert_id, alert in self._claim(channel.name):
                if channel.name in failures:
                    self._settle(alert_id, channel.name, failures[channel.name], tried=False)
                    continue
                try:
                    channel.send(alert)
                except ChannelError as error:
                    failures[channel.name] = str(error)
                    self._settle(alert_id, channel.name, str(error))
                else:
                    told.add(alert_id)
                    self._settle(alert_id, channel.name, None)
        return Delivery(len(told), failures)

    def mark(self, name: str) -> str | None:
        """A remembered value, such as how far the events have been read."""
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_mark(self, name: str, value: str) -> None:
        """Remember a value."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)", (name, value))

    def _claim(self, channel: str) -> list[tuple[int, Alert]]:
        now = time.time()
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT a.id, a.key, a.session, a.title, a.body, a.severity"
                " FROM alerts a JOIN deliveries d ON d.alert_id = a.id"
                " WHERE d.channel = ? AND d.delivered = 0 AND d.claimed_until <= ? ORDER BY a.id",
                (channel, now),
            ).fetchall()
            connection.executemany(
                "UPDATE deliveries SET claimed_until = ? WHERE alert_id = ? AND channel = ?",
                [(now + CLAIM_SECONDS, row[0], channel) for row in rows],
            )
        return [(row[0], Alert(row[1], date.fromisoformat(row[2]), row[3], row[4], row[5])) for row in rows]

    def _settle(self, alert_id: int, channel: str, failure: str | None, tried: bool = True) -> None:
        """Mark a claimed delivery as made (``failure`` None) or let go of it for the next round."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET delivered = ?, claimed_until = 0, attempts = attempts + ?, failure = ?"
                " WHERE alert_id = ? AND channel = ?",
                (int(failure is None), int(tried), failure or "", alert_id, channel),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=LOCK_SECONDS, isolation_level=None)
        try:
            connection.executescript(SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        finally:
            connection.close()
