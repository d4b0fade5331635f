"""How many threads BLAS and PyTorch may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

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


@contextmanager
def one_torch_thread(torch: Any) -> Iterator[None]:
    """A context, or decorator, in which PyTorch uses one thread.

    Small steps are hardly quicker with more, and many times slower on a machine that has other work.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
