"""How many threads BLAS may use."""

from __future__ import annotations

from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread():
    """A context in which matrix products use one thread.

    Products that are too small to share are many times slower with more: NumPy and SciPy bring a BLAS each, and their
    threads wait for each other, spinning.
    """
    return _libraries().limit(limits=1, user_api="blas")
