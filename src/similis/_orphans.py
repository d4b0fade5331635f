"""Processes that end with the one that began them."""

from __future__ import annotations

import os
import threading
import time


def end_with(parent: int) -> None:
    """End this process when its parent does: a parent that is killed cannot say so."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
