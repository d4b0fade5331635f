"""Files that may crash or hang what reads them: each is judged where memory and time are bounded."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

#: memory beside what the libraries take, and seconds of a processor, that a file may cost; seconds on the clock after
#: which a file waits for what never comes
MEMORY, SECONDS, FOREVER = 1 << 30, 20, 600

#: files in memory, where there are such
SHARED = Path("/dev/shm")

#: a number -> the name of a file, what was done to it, and its content
Make = Callable[[int], tuple[str, str, bytes]]
#: the path of a file -> what came of it
Judge = Callable[[Path], str]


def _worker(make: Make, judge: Judge, start: int, stop: int, pipe: Connection, folder: str) -> None:
    """Answer (number, name, what was done, outcome) for each file of a range."""
    if "torch" in sys.modules:  # its threads do not survive a fork, and a second one would wait for them for ever
        sys.modules["torch"].set_num_threads(1)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(start, stop):
        name, done, data = make(number)
        pipe.send((number, name, done, None))
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + 1 + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        path = Path(folder) / name
        path.write_bytes(data)
        pipe.send((number, name, done, judge(path)))


def hunt(make: Make, judge: Judge, n: int, start: int = 0) -> Iterator[tuple[int, str, str, str]]:
    """Outcomes of n files, each in a process that may crash or hang; a new one follows then."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as folder:
        number, stop = start, start + n
        while number < stop:
            near, far = context.Pipe(False)
            process = context.Process(target=_worker, args=(make, judge, number, stop, far, folder))
            process.start()
            far.close()
            pending = (number, "?", "?", None)
            while number < stop:
                try:
                    found = near.recv() if near.poll(FOREVER) else None
                except EOFError:
                    process.join()
                    hung = process.exitcode == -signal.SIGXCPU
                    yield (*pending[:3], "hang" if hung else f"crash: exit {process.exitcode}")
                    number = pending[0] + 1
                    break
                if found is None:
                    process.kill()
                    yield (*pending[:3], "hang")
                    number = pending[0] + 1
                    break
                if found[3] is None:
                    pending = found
                else:
                    yield found
                    number = found[0] + 1
            process.kill()
            process.join()
