"""What takes long is worked out once for all workers of a run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from functools import wraps
from pathlib import Path

#: a folder of this run; set by ``conftest.py``
folder: Path | None = None


def once(function: Callable) -> Callable:
    """Keep what a function returned for the run, on disk: another worker reads it."""

    @wraps(function)
    def found(*args: object, **more: object):
        words = (function.__name__, *args, *more.values())
        path = Path(folder or ".") / "_".join(str(word) for word in words).replace(" ", "-")
        if folder is None or not path.exists():
            answer = function(*args, **more)
            if folder is not None:
                part = path.with_name(f"{path.name}.{os.getpid()}")
                part.write_bytes(pickle.dumps(answer))
                part.replace(path)  # a worker that looks now sees all of it or nothing
            return answer
        return pickle.loads(path.read_bytes())

    return found
