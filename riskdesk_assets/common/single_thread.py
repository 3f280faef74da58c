"""Linear algebra on one thread: a blocked sum split over threads may round differently."""

from __future__ import annotations

from contextlib import AbstractContextManager


def single_threaded() -> AbstractContextManager[object]:
    """A context in which every BLAS and OpenMP library loaded so far runs on one thread; load the heavy libraries first."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
