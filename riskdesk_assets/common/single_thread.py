"""Linear algebra on one thread: a blocked sum split over threads may round differently."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def single_threaded() -> AbstractContextManager[object]:
    """A context in which every BLAS and OpenMP library loaded so far runs on one thread; load the heavy libraries first."""
    limits: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=1)
    return limits


@lru_cache(maxsize=1)
def _libraries(modules_loaded: int) -> ThreadpoolController:
    """The libraries found in this process: a search of 2 ms, made again only once something more has been imported."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
