"""A stream for a long time: through a pipe and a socket, with stalls and a broken connection.

    python -m tests.soak [--seconds 600] [--figure soak.png]

A server writes rows of numbers, stops now and then, and hangs up in the middle of a row. What was learned row by row
from the socket is what blocks of the same rows teach, to rounding; what `similis fit` learns from a pipe is that to the
last bit. Memory after the first quarter stays where it is.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from similis import SimilarityMatching, load

#: columns of a row, rows of a block, blocks between two hang-ups, and bytes that memory may grow by
WIDTH, BLOCK, HANGUP, GROWTH = 8, 500, 7, 24 << 20
RESIDENT = Path("/proc/self/statm")


def block(number: int) -> np.ndarray:
    """(BLOCK, WIDTH) rows of that block, whoever asks."""
    rng = np.random.default_rng(number)
    rows = rng.standard_normal((BLOCK, 2)) @ [[3.0] * WIDTH, [1.0, -1.0] * (WIDTH // 2)]
    return rows + 0.1 * rng.standard_normal((BLOCK, WIDTH)) + 5


def text(number: int) -> bytes:
    return "".join(",".join(map(repr, row)) + "\n" for row in block(number).tolist()).encode()


class Server:
    """Blocks from the one that a client asks for on; each HANGUP-th connection ends in the middle of a row."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                at = int(client.makefile().readline())
                for number in range(at, at + HANGUP):
                    try:
                        client.sendall(text(number))
                    except OSError:
                        break
                    time.sleep(0.02 if number % 5 else 0.2)  # a stall
                else:
                    client.sendall(text(at + HANGUP)[: 40 + at % 50])

    def close(self) -> None:
        self.socket.close()


def rows_of(port: int, until: float, most: float) -> Iterator[np.ndarray]:
    """Whole rows, again from the first that did not come when the connection breaks."""
    n_rows = 0
    while time.monotonic() < until and n_rows < most:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"{n_rows // BLOCK}\n".encode())
            skip = n_rows % BLOCK
            for line in connection.makefile():
                if not line.endswith("\n"):
                    break
                if skip:
                    skip -= 1
                    continue
                n_rows += 1
                yield np.array(line.split(","), float)


def resident() -> int:
    return int(RESIDENT.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def by_socket(seconds: float, most: float) -> tuple[SimilarityMatching, list[tuple[float, int]]]:
    """What is learned row by row, and memory over time."""
    server, model, memory = Server(), SimilarityMatching(2, random_state=0), []
    began = time.monotonic()
    try:
        for i, row in enumerate(rows_of(server.port, began + seconds, most)):
            model.partial_fit(row[None])
            if i % 100 == 0:
                memory.append((time.monotonic() - began, resident()))
    finally:
        server.close()
    return model, memory


def by_pipe(n_blocks: int, folder: Path) -> SimilarityMatching:
    """What the command line learns of as many blocks from a pipe that stalls."""
    command = [sys.executable, "-m", "similis", "fit", "psp", "-", "-k", "2", "-o", str(folder / "pipe"), "--no-header"]
    options = ["--block-rows", str(BLOCK), "--param", "shuffle=false"]
    child = subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert child.stdin is not None
    for number in range(n_blocks):
        child.stdin.write(text(number))
        if number % 5 == 0:
            time.sleep(0.2)
    child.stdin.close()
    assert child.wait() == 0
    return load(folder / "pipe")


def soak(seconds: float = np.inf, most: float = np.inf) -> list[tuple[float, int]]:
    """Run both, for so long or until a connection ends after so many rows; returns memory over time."""
    model, memory = by_socket(seconds, most)
    whole = SimilarityMatching(2, random_state=0)
    n_blocks, left = divmod(model.n_samples_seen_, BLOCK)
    for number in range(n_blocks):
        whole.partial_fit(block(number))
    with tempfile.TemporaryDirectory() as folder:
        pipe = by_pipe(n_blocks, Path(folder)) if n_blocks else whole
    np.testing.assert_array_equal(pipe.components_, whole.components_)
    whole = whole.partial_fit(block(n_blocks)[:left]) if left else whole
    np.testing.assert_allclose(model.components_, whole.components_, rtol=0, atol=1e-9)
    settled = [size for at, size in memory if at > memory[-1][0] / 4]
    assert max(settled) - settled[0] < GROWTH, f"memory grew by {max(settled) - settled[0]} bytes"
    return memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    memory = soak(asked.seconds)
    print(f"{len(memory) * 100} rows, {memory[0][1] / 2**20:.0f} to {memory[-1][1] / 2**20:.0f} MiB")
    if asked.figure:
        from matplotlib.figure import Figure

        axes = Figure(figsize=(6, 3), layout="constrained").subplots()
        axes.plot(*zip(*((at, size / 2**20) for at, size in memory), strict=True))
        axes.set(xlabel="seconds", ylabel="resident memory (MiB)", ylim=(0, None))
        axes.figure.savefig(asked.figure)


if __name__ == "__main__":
    main()
