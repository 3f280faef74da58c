"""Which refusal an error becomes: the one place where the desk's own errors meet HTTP's statuses."""

from __future__ import annotations

import logging
import math
from datetime import datetime

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.gatekeeper.engine import OrderConflictError
from riskdesk_assets.gatekeeper.kill_switches import ResumeRefusedError
from riskdesk_assets.interfaces.api_errors import Refusal, RefusedError, of_problems, refused
from riskdesk_assets.interfaces.api_gate import UnwrittenError, WaitingFullError
from riskdesk_assets.interfaces.api_settings import ApiSettings

_LOG = logging.getLogger("riskdesk.api")


def refusal_of(error: Exception, settings: ApiSettings, now: datetime, *, reading: bool) -> Refusal:
    """The answer an error leads to; an unexpected one is logged and says nothing of itself.

    Args:
        error: raised by a handler.
        settings: how long to wait before coming back.
        now: for the end of a cooldown.
        reading: a GET: what it asked for is not there, rather than unusable.
    """
    wait = str(settings.retry_after_seconds)
    match error:
        case RefusedError():
            return error.refusal
        case WaitingFullError():
            return refused(429, "", str(error), f"at most {settings.waiting_writes}", Retry_After=wait)
        case UnwrittenError():
            return refused(503, "", str(error), Retry_After=wait)
        case OrderConflictError():
            return refused(409, "client_order_id", str(error), "a new id for a new intent")
        case ResumeRefusedError() if error.resume_from is not None:
            seconds = max(1, math.ceil((error.resume_from - now).total_seconds()))
            allowed = f"from {error.resume_from.isoformat(timespec='seconds')}"
            return refused(409, "", str(error), allowed, Retry_After=str(seconds))
        case InputError():
            return of_problems(404 if reading else 422, error.problems)
        case StateError():
            return refused(409, "", str(error))
    _LOG.error("unexpected: %s", type(error).__name__, exc_info=error)
    return refused(500, "", "an unexpected error; nothing of this request was written")
