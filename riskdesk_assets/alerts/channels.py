"""Where alerts go: the log, a file of JSON lines, and whatever the Apprise URLs name.

An Apprise URL holds a secret. It stays in memory: a channel is known by its place and scheme ("apprise-1-slack").
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from riskdesk_assets.alerts.alert import Alert
from riskdesk_assets.common.errors import RiskDeskError
from riskdesk_assets.common.settings import AlertSettings

URLS_VARIABLE = "RISKDESK_ALERT_URLS"
_logger = logging.getLogger("riskdesk.alerts")


class ChannelError(RiskDeskError):
    """A channel did not take an alert; it is offered again at the next tick."""


class Channel(Protocol):
    """Somewhere an alert can be sent."""

    @property
    def name(self) -> str:
        """What the outbox remembers it by; no secret in it."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert. Raises ChannelError when it was not taken."""


@dataclass(frozen=True)
class LogChannel:
    """The process's own log, logger ``riskdesk.alerts``."""

    name: str = "log"

    def send(self, alert: Alert) -> None:
        """Log title and body."""
        level = logging.ERROR if alert.severity == "error" else logging.WARNING
        _logger.log(level, "%s: %s", alert.title, alert.body)


@dataclass(frozen=True)
class FileChannel:
    """A file of JSON lines, one per alert, flushed to the disk."""

    path: Path
    name: str = "file"

    def send(self, alert: Alert) -> None:
        """Append one line. Raises ChannelError when the file cannot be written."""
        line = json.dumps({**asdict(alert), "session": alert.session.isoformat()}, ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise ChannelError(f"{self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class AppriseChannel:
    """One Apprise URL, the ``place``-th (from 1) of RISKDESK_ALERT_URLS."""

    place: int
    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Place and scheme, such as ``apprise-1-slack``."""
        scheme = self.url.split("://", 1)[0].lower()
        return f"apprise-{self.place}-{scheme}" if re.fullmatch(r"[a-z0-9+]{1,32}", scheme) else f"apprise-{self.place}"

    def send(self, alert: Alert) -> None:
        """Notify. Raises ChannelError, without the URL, when Apprise cannot use it or the other end refuses."""
        import apprise

        with _quiet("apprise"):
            service = apprise.Apprise()
            if not service.add(self.url):
                raise ChannelError(f"{self.name}: not an address Apprise can use")
            kind = apprise.NotifyType.FAILURE if alert.severity == "error" else apprise.NotifyType.WARNING
            # Whatever a plugin raises may hold the address, so nothing of it is kept.
            try:
                taken = bool(service.notify(title=alert.title, body=alert.body, notify_type=kind))
            except Exception:  # noqa: BLE001
                taken = False
        if not taken:
            raise ChannelError(f"{self.name}: the alert was not taken")


def open_channels(settings: AlertSettings, data: Path, environ: Mapping[str, str] = os.environ) -> list[Channel]:
    """The channels of config/desk.yaml (a relative file is in ``data``) and of RISKDESK_ALERT_URLS (blank or comma between)."""
    channels: list[Channel] = []
    if settings.log:
        channels.append(LogChannel())
    if settings.file is not None:
        channels.append(FileChannel(data / settings.file))
    # A comma may also stand inside an address; it separates only where another address begins.
    urls = re.split(r"[\s,]+(?=[A-Za-z0-9+]+://)", environ.get(URLS_VARIABLE, "").strip())
    channels.extend(AppriseChannel(place, url) for place, url in enumerate(filter(None, urls), start=1))
    return channels


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Apprise writes addresses to its log."""
    logger = logging.getLogger(name)
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
