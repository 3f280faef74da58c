"""What a ticket of ours usually asks for (methods.md section 14): where drafts and planners begin, and warnings compare."""

from __future__ import annotations

GROSS_OF_NAV = 0.32
LEG_OF_GROSS = 0.7
HORIZON_SESSIONS = 40
TIME_STOP_SESSIONS = 60
