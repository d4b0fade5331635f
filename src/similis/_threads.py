"""How many threads BLAS and PyTorch may use.

The number belongs to the process: users that each restored what they had found would, side by side in threads, leave
what one of them had set. The first to come keeps what was before, and the last to leave restores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock, local
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = Lock()
#: for every user of one BLAS thread, what restores the numbers before the first of them
_blas: list[Any] = []
#: for every thread with one PyTorch thread, the number before the first of them
_torch: list[int] = []
_here = local()


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which matrix products use one thread.

    Products that are too small to share are many times slower with more: NumPy and SciPy bring a BLAS each, and their
    threads wait for each other, spinning.
    """
    with _lock:
        _blas.append(_blas[0] if _blas else _libraries().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _blas.pop()
            if not _blas:
                limit.restore_original_limits()


@contextmanager
def one_torch_thread(torch: Any) -> Iterator[None]:
    """A context, or decorator, in which PyTorch uses one thread.

    Small steps are hardly quicker with more, and many times slower on a machine that has other work. Each thread has a
    number of its own, which begins with the last one that any thread has set.
    """
    if getattr(_here, "one", False):
        yield
        return
    with _lock:
        threads = torch.get_num_threads()  # asked by every thread: it is what begins with the last number set
        _torch.append(_torch[0] if _torch else threads)
        torch.set_num_threads(1)
        _here.one = True
    try:
        yield
    finally:
        with _lock:
            torch.set_num_threads(_torch.pop())
            _here.one = False
